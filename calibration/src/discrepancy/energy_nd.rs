//! Energy distance between vectors: all user-level features at once.
//!
//! `D = 2 E|X - Y| - E|X - X'| - E|Y - Y'|`, with Euclidean distances between standardised rows
//! (Székely and Rizzo, *Energy statistics*, Journal of Statistical Planning and Inference 143,
//! 2013). It is 0 only where the joint distributions are equal. The value is the squared metric (no
//! root is taken), and a V-statistic: a row is also compared with itself, so D(P, P) is 0 and D is
//! never negative. Distances are kept as f32; values are good to about 1e-6. First variation:
//! `2 E|x - Y| - 2 E|x - X|`, with its sign turned; rewards take it in full precision.

use super::by_shares::{ByShares, OnShares};
use super::joint::{self, Points, Side};
use super::joint_witness::{Form, JointWitness};
use super::pairs::{Columns, Distance, Potential, between, within};
use super::wide::{self, Kernel};
use super::{Discrepancy, DiscrepancyError, Parameter, Prepared, Weighted, Witness};
use crate::sample::{Sample, Shape};

/// The n-dimensional energy distance.
///
/// Time and memory grow with the square of the rows, of which at most `rows` a side are compared.
#[derive(Clone, Copy, Debug)]
pub struct EnergyNd {
    /// The most rows a side that are compared; at least 1.
    pub rows: usize,
}

impl Default for EnergyNd {
    fn default() -> Self {
        Self { rows: 2000 }
    }
}

/// Name in configs and results.
pub const NAME: &str = "energy-nd";

impl Discrepancy for EnergyNd {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Energy distance (joint)"
    }

    fn definition(&self) -> &'static str {
        "2 E|X - Y| - E|X - X'| - E|Y - Y'| on rows standardised by the external mean and sd"
    }

    fn reference(&self) -> &'static str {
        "Székely and Rizzo, Energy statistics, Journal of Statistical Planning and Inference 143, 2013"
    }

    fn cost(&self) -> &'static str {
        "O(min(n, rows)^2 d) time and memory"
    }

    fn parameters(&self) -> &'static [Parameter] {
        const PARAMETERS: &[Parameter] = &[joint::rows_parameter(2000, 20_000)];
        PARAMETERS
    }

    fn with(&self, values: &[f64]) -> Option<Box<dyn Discrepancy>> {
        Some(Box::new(Self { rows: *values.first()? as usize }))
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
        Ok(Box::new(ByShares(PreparedEnergy {
            within_x: lower_triangle(&x),
            within_y: lower_triangle(&y),
            between: distances(&x, &y),
            x,
            y,
        })))
    }

    fn witness(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<Witness, DiscrepancyError>> {
        let points = Points::new(internal, external, self.rows);
        Some(points.map(|points| {
            let form = Form::Distances(Potential::of(&points, 2.0, -2.0));
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
            let xy = between(&Distance, x, &Columns::of(y), &[p], &[q])[0];
            let (xx, yy) = (within(&Distance, x, &[p])[0], within(&Distance, y, &[q])[0]);
            (2.0 * xy - xx - yy).max(0.0)
        }))
    }
}

/// Distances of `row` to the first `count` columns, appended. `squares` is room to work in.
fn append(columns: &Columns, row: &[f64], count: usize, squares: &mut [f64], into: &mut Vec<f32>) {
    wide::run(Squares { columns, row, squares: &mut squares[..count] });
    into.extend(squares[..count].iter().map(|square| square.sqrt() as f32));
}

struct Squares<'a> {
    columns: &'a Columns,
    row: &'a [f64],
    squares: &'a mut [f64],
}

impl Kernel for Squares<'_> {
    type Output = ();

    #[inline(always)]
    fn work(self) {
        self.columns.squares(self.row, 0, self.squares);
    }
}

/// Distances of row i to rows 0..i, row after row.
fn lower_triangle(side: &Side) -> Vec<f32> {
    let n = side.len();
    let mut into = Vec::with_capacity(n * n.saturating_sub(1) / 2);
    let (columns, mut squares) = (Columns::of(side), vec![0.0; n]);
    (0..n).for_each(|i| append(&columns, side.row(i), i, &mut squares, &mut into));
    into
}

/// Distances of each row of `x` to each row of `y`, row after row.
fn distances(x: &Side, y: &Side) -> Vec<f32> {
    let (n, m) = (x.len(), y.len());
    let mut into = Vec::with_capacity(n * m);
    let (columns, mut squares) = (Columns::of(y), vec![0.0; m]);
    (0..n).for_each(|i| append(&columns, x.row(i), m, &mut squares, &mut into));
    into
}

struct PreparedEnergy {
    within_x: Vec<f32>,
    within_y: Vec<f32>,
    between: Vec<f32>,
    x: Side,
    y: Side,
}

impl OnShares for PreparedEnergy {
    fn sides(&self) -> [&Side; 2] {
        [&self.x, &self.y]
    }

    fn measure(&self, p: &[&[f64]], q: &[&[f64]]) -> Vec<f64> {
        let short = |shares: &[&[f64]]| -> Vec<Vec<f32>> {
            shares.iter().map(|shares| shares.iter().map(|&share| share as f32).collect()).collect()
        };
        let (p, q) = (short(p), short(q));
        let m = self.y.len();
        let between = sums(|i| &self.between[i * m..(i + 1) * m], &p, &q);
        // The rows of a triangle: row i starts behind 0 + 1 + ... + (i - 1) others.
        let start = |i: usize| i * i.saturating_sub(1) / 2;
        let within_x = sums(|i| &self.within_x[start(i)..start(i) + i], &p, &p);
        let within_y = sums(|i| &self.within_y[start(i)..start(i) + i], &q, &q);
        let terms = between.into_iter().zip(within_x.into_iter().zip(within_y));
        terms.map(|(between, (x, y))| 2.0 * (between - x - y)).collect()
    }
}

/// Rows of distances that stay in the cache while all weightings are summed up: 128 KB of 2,000.
const BLOCK: usize = 16;

/// `sum_i left_i (row i . right)` for each pair of shares. Row i holds the distances to the first
/// rows of the other side, all of them or, within a side, i: then it is half of E|X - X'|.
fn sums<'a>(row: impl Fn(usize) -> &'a [f32], lefts: &[Vec<f32>], rights: &[Vec<f32>]) -> Vec<f64> {
    wide::run(Sums { row, lefts, rights })
}

struct Sums<'b, F> {
    row: F,
    lefts: &'b [Vec<f32>],
    rights: &'b [Vec<f32>],
}

impl<'a, F: Fn(usize) -> &'a [f32]> Kernel for Sums<'_, F> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn work(self) -> Vec<f64> {
        let n = self.lefts.first().map_or(0, |left| left.len());
        let mut sums = vec![0.0; self.lefts.len()];
        for start in (0..n).step_by(BLOCK) {
            for ((sum, left), right) in sums.iter_mut().zip(self.lefts).zip(self.rights) {
                for (i, &share) in left.iter().enumerate().skip(start).take(BLOCK) {
                    if share > 0.0 {
                        let row = (self.row)(i);
                        *sum += f64::from(share) * dot(row, &right[..row.len()]);
                    }
                }
            }
        }
        sums
    }
}

/// A dot product in 16 fixed lanes, so that it vectorises and always sums in one order.
#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f64 {
    let mut lanes = [0.0_f32; 16];
    let (a_blocks, a_rest) = a.as_chunks::<16>();
    let (b_blocks, b_rest) = b.as_chunks::<16>();
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..16 {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    lanes.iter().map(|&lane| f64::from(lane)).sum::<f64>() + f64::from(rest)
}

#[cfg(test)]
#[path = "energy_nd_tests.rs"]
mod tests;
