//! Maximum mean discrepancy between vectors: the squared distance of two mean embeddings.
//!
//! `MMD^2 = E k(X, X') + E k(Y, Y') - 2 E k(X, Y)` (Gretton, Borgwardt, Rasch, Schölkopf and Smola,
//! *A kernel two-sample test*, JMLR 13, 2012). The kernel is the mean of three Gaussians
//! `exp(-|x - y|^2 / (2 s^2))` with s the median positive distance between external rows, half of
//! it and twice it: no one width suits bulk and tails alike. Rows are standardised.
//!
//! The value is the V-statistic: a row is also compared with itself, so D(P, P) is 0, D is never
//! negative, a user of weight 2 is two users, and D is a function of two distributions, whose first
//! variation is `2 E k(x, X) - 2 E k(x, Y)`. Its bias is of the order 1/n + 1/m, the same in the
//! noise floor. `unbiased=1` leaves the pairs of a row with itself out,
//! `sum_{i != j} p_i p_j k(x_i, x_j) / (1 - sum_i p_i^2)` for shares p (Gretton's equation 3 where
//! they are equal), and reports 0 where that falls below 0.
//!
//! All pairs are compared, in blocks: memory is of the order n + m.

use super::by_shares::{ByShares, OnShares};
use super::distinct::Distinct;
use super::joint::{self, Points, Side};
use super::joint_witness::{Form, JointWitness};
use super::pairs::{Columns, OfSquares, Potential, between, within};
use super::wide::exp;
use super::{Discrepancy, DiscrepancyError, Parameter, Prepared, Weighted, Witness};
use crate::neighbours::evenly;
use crate::sample::{Sample, Shape};

/// `mmd`.
#[derive(Clone, Copy, Debug)]
pub struct Mmd {
    /// The most rows a side that are compared; at least 1.
    pub rows: usize,
    /// Whether pairs of a row with itself are left out of the value.
    pub unbiased: bool,
}

impl Default for Mmd {
    fn default() -> Self {
        Self { rows: DEFAULT_ROWS, unbiased: false }
    }
}

const NAME: &str = "mmd";
const DEFAULT_ROWS: usize = 2000;
/// External rows whose distances the median is taken of.
const MEDIAN_ROWS: usize = 512;

/// The mean of three Gaussians of standard deviations s / 2, s and 2 s.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Gaussians {
    /// s.
    pub(super) width: f64,
}

impl Gaussians {
    /// The widths are multiples of the median distance of a standardised side.
    pub(super) fn of(external: &Side, shares: &[f64]) -> Self {
        Self { width: median_distance(external, shares) }
    }

    /// The same of rows that count alike.
    pub(super) fn of_rows(external: &Side) -> Self {
        Self::of(external, &vec![1.0; external.len()])
    }
}

impl OfSquares for Gaussians {
    #[inline(always)]
    fn apply(&self, squares: &mut [f64]) {
        // The narrower Gaussians are powers of the widest.
        let rate = -1.0 / (8.0 * self.width * self.width);
        for square in squares {
            let wide = exp(rate * *square);
            let middle = (wide * wide) * (wide * wide);
            let narrow = (middle * middle) * (middle * middle);
            *square = (wide + middle + narrow) / 3.0;
        }
    }
}

/// The weighted median of the positive distances between at most [`MEDIAN_ROWS`] rows; 1 where
/// there is none.
fn median_distance(side: &Side, shares: &[f64]) -> f64 {
    let picks: Vec<usize> = evenly(side.len(), MEDIAN_ROWS).collect();
    let mut distances = Vec::new();
    for (i, &a) in picks.iter().enumerate() {
        for &b in &picks[..i] {
            let gaps = side.row(a).iter().zip(side.row(b)).map(|(x, y)| (x - y) * (x - y));
            let (distance, mass) = (gaps.sum::<f64>().sqrt(), shares[a] * shares[b]);
            if distance > 0.0 && mass > 0.0 {
                distances.push((distance, mass));
            }
        }
    }
    distances.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let half = distances.iter().map(|pair| pair.1).sum::<f64>() / 2.0;
    let mut mass = 0.0;
    for (i, pair) in distances.iter().enumerate() {
        mass += pair.1;
        // At exactly one half, the middle between this distance and the next.
        if (mass - half).abs() <= 1e-9 * half {
            let next = distances.get(i + 1).unwrap_or(pair);
            return 0.5 * (pair.0 + next.0);
        }
        if mass > half {
            return pair.0;
        }
    }
    1.0
}

/// MMD^2 for each pair of shares of all rows.
fn measure(
    kernel: Gaussians,
    sides: [&Distinct; 2],
    [p, q]: [&[&[f64]]; 2],
    unbiased: bool,
) -> Vec<f64> {
    let merged = |side: &Distinct, all: &[&[f64]]| -> Vec<Vec<f64>> {
        all.iter().map(|shares| side.merged(shares)).collect()
    };
    let (merged_p, merged_q) = (merged(sides[0], p), merged(sides[1], q));
    let (u, v): (Vec<&[f64]>, Vec<&[f64]>) =
        merged_p.iter().zip(&merged_q).map(|(p, q)| (p.as_slice(), q.as_slice())).unzip();
    let [x, y] = sides.map(|side| &side.rows);
    let (xx, yy) = (within(&kernel, x, &u), within(&kernel, y, &v));
    let xy = between(&kernel, x, &Columns::of(y), &u, &v);
    let squares = |shares: &[f64]| shares.iter().map(|share| share * share).sum::<f64>();
    // k(x, x) = 1.
    let mean = |sum: f64, merged: &[f64], all: &[f64]| {
        let sum = sum + squares(merged);
        if unbiased { (sum - squares(all)) / (1.0 - squares(all)) } else { sum }
    };
    let value = |i: usize| mean(xx[i], u[i], p[i]) + mean(yy[i], v[i], q[i]) - 2.0 * xy[i];
    (0..p.len()).map(value).collect()
}

/// The unbiased estimate of MMD^2, which may be negative, with every row counted once.
///
/// # Errors
/// As for [`Discrepancy::prepare`], and a side of a single row.
pub fn unbiased(internal: &Sample, external: &Sample) -> Result<f64, DiscrepancyError> {
    let rows = internal.rows().max(external.rows());
    let [x, y] = joint::sides_of_samples(NAME, internal, external, rows)?;
    let equal = |side: &Side| vec![1.0 / side.len() as f64; side.len()];
    let (p, q) = (equal(&x), equal(&y));
    let side = if x.len() < 2 { "internal" } else { "external" };
    let kernel = Gaussians::of(&y, &q);
    let [x, y] = [&x, &y].map(Distinct::of);
    let values = measure(kernel, [&x, &y], [&[&p], &[&q]], true);
    let why = "an unbiased estimate needs two rows";
    let undefined = DiscrepancyError::Undefined { discrepancy: NAME, side, why };
    values.first().copied().filter(|value| value.is_finite()).ok_or(undefined)
}

impl Discrepancy for Mmd {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "MMD² (joint)"
    }

    fn definition(&self) -> &'static str {
        "E k(X, X') + E k(Y, Y') - 2 E k(X, Y), k Gaussians of 1/2, 1 and 2 median distances of standardised rows"
    }

    fn reference(&self) -> &'static str {
        "Gretton, Borgwardt, Rasch, Schölkopf and Smola, A kernel two-sample test, Journal of Machine Learning Research 13, 2012"
    }

    fn cost(&self) -> &'static str {
        "O(min(n, rows)^2 d) time once for a set of weights, O(n d) memory"
    }

    fn parameters(&self) -> &'static [Parameter] {
        const PARAMETERS: &[Parameter] = &[
            joint::rows_parameter(DEFAULT_ROWS, 100_000),
            Parameter {
                name: "unbiased",
                meaning: "1 leaves out pairs of a row with itself, and reports 0 for values below 0",
                default: 0.0,
                low: 0.0,
                high: 1.0,
                whole: true,
            },
        ];
        PARAMETERS
    }

    fn with(&self, values: &[f64]) -> Option<Box<dyn Discrepancy>> {
        let [rows, unbiased] = values else { return None };
        Some(Box::new(Self { rows: *rows as usize, unbiased: *unbiased > 0.5 }))
    }

    fn also_optimises(&self) -> &'static [&'static str] {
        &["mmd-features"]
    }

    fn most(&self) -> f64 {
        2.0
    }

    fn shape(&self) -> Shape {
        Shape::Vector
    }

    fn squared(&self) -> bool {
        true
    }

    fn prepare<'a>(
        &self,
        internal: &'a Sample,
        external: &'a Sample,
    ) -> Result<Box<dyn Prepared + 'a>, DiscrepancyError> {
        let [x, y] = joint::sides_of_samples(NAME, internal, external, self.rows)?;
        let kernel = Gaussians::of_rows(&y);
        let distinct = [&x, &y].map(Distinct::of);
        let unbiased = self.unbiased;
        Ok(Box::new(ByShares(PreparedMmd { kernel, sides: [x, y], distinct, unbiased })))
    }

    fn witness(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<Witness, DiscrepancyError>> {
        let points = Points::new(internal, external, self.rows);
        Some(points.map(|points| {
            let kernel = Gaussians::of(&points.external.0, &points.external.1);
            let form = Form::Kernel(Potential::of(&points, -2.0, 2.0), kernel);
            Witness::Joint(Box::new(JointWitness { scaling: points.scaling, form }))
        }))
    }

    fn weighted_value(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<f64, DiscrepancyError>> {
        let points = Points::new(internal, external, self.rows);
        Some(points.map(|points| {
            let ((x, p), (y, q)) = (&points.internal, &points.external);
            let [from, to] = [x, y].map(Distinct::of);
            let values = measure(Gaussians::of(y, q), [&from, &to], [&[p], &[q]], false);
            values.first().map_or(0.0, |value| value.max(0.0))
        }))
    }
}

struct PreparedMmd {
    kernel: Gaussians,
    sides: [Side; 2],
    /// The same with equal rows taken together.
    distinct: [Distinct; 2],
    unbiased: bool,
}

impl OnShares for PreparedMmd {
    fn sides(&self) -> [&Side; 2] {
        self.sides.each_ref()
    }

    fn measure(&self, p: &[&[f64]], q: &[&[f64]]) -> Vec<f64> {
        measure(self.kernel, self.distinct.each_ref(), [p, q], self.unbiased)
    }
}

#[cfg(test)]
#[path = "mmd_tests.rs"]
mod tests;
