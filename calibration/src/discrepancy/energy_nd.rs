//! Energy distance between vectors: all user-level features at once.
//!
//! `D = 2 E|X - Y| - E|X - X'| - E|Y - Y'|`, with Euclidean distances between standardised rows
//! (Székely and Rizzo, *Energy statistics*, Journal of Statistical Planning and Inference 143,
//! 2013). It is 0 only where the joint distributions are equal. The value is the squared metric (no
//! root is taken), and a V-statistic: a row is also compared with itself, so D(P, P) is 0 and D is
//! never negative. Distances are kept as f32; values are good to about 1e-6.

use super::{Discrepancy, DiscrepancyError, Prepared};
use crate::sample::{Sample, Shape};

/// The n-dimensional energy distance.
///
/// Coordinates are standardised by the mean and standard deviation (n) of *all* external rows; a
/// coordinate in which the external rows do not differ is only centred, so that a simulation that
/// spreads there is still seen. Time and memory grow with the square of the rows, so at most `rows`
/// rows a side are compared: every (n / rows)-th row, evenly spaced over the users, which draws no
/// random number and so is the same for every calibrator and replicate.
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

    fn shape(&self) -> Shape {
        Shape::Vector
    }

    fn prepare<'a>(
        &self,
        internal: &'a Sample,
        external: &'a Sample,
    ) -> Result<Box<dyn Prepared + 'a>, DiscrepancyError> {
        check(internal, "internal")?;
        check(external, "external")?;
        if internal.width != external.width {
            let (p, q) = (internal.width, external.width);
            return Err(DiscrepancyError::Mismatch(format!(
                "internal rows hold {p} numbers, external rows {q}"
            )));
        }
        let scaling = Scaling::of(external);
        let x = Side::new(internal, self.rows, &scaling);
        let y = Side::new(external, self.rows, &scaling);
        Ok(Box::new(PreparedEnergy {
            within_x: upper_triangle(&x),
            within_y: upper_triangle(&y),
            between: distances(&x, &y),
            x_users: x.users,
            y_users: y.users,
        }))
    }
}

fn check(sample: &Sample, side: &'static str) -> Result<(), DiscrepancyError> {
    if sample.shape != Shape::Vector {
        let (wanted, given) = (Shape::Vector, sample.shape);
        return Err(DiscrepancyError::WrongShape { discrepancy: NAME, wanted, given });
    }
    if sample.rows() == 0 || sample.width == 0 {
        return Err(DiscrepancyError::Empty { side });
    }
    match sample.values.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(DiscrepancyError::NotFinite {
            what: "value",
            row: at / sample.width,
            value: sample.values[at],
            also: "",
        }),
        None => Ok(()),
    }
}

/// Centre and scale of each coordinate.
struct Scaling {
    mean: Vec<f64>,
    scale: Vec<f64>,
}

impl Scaling {
    fn of(sample: &Sample) -> Self {
        let n = sample.rows() as f64;
        let column = |c: usize| sample.values.iter().skip(c).step_by(sample.width);
        let mean: Vec<f64> = (0..sample.width).map(|c| column(c).sum::<f64>() / n).collect();
        let spread = |c: usize| {
            let variance = column(c).map(|v| (v - mean[c]).powi(2)).sum::<f64>() / n;
            // Rounding leaves a trace of spread in a constant column; it is no unit to divide by.
            let sd = variance.sqrt();
            if sd > 1e-12 * mean[c].abs() { sd } else { 1.0 }
        };
        let scale = (0..sample.width).map(spread).collect();
        Self { mean, scale }
    }
}

/// The compared rows of one side, standardised, with the users they belong to.
struct Side {
    width: usize,
    rows: Vec<f64>,
    users: Vec<u32>,
}

impl Side {
    fn new(sample: &Sample, most: usize, scaling: &Scaling) -> Self {
        let n = sample.rows();
        let count = n.min(most.max(1));
        // Row i of the selection: the middle of the i-th of `count` equal stretches.
        let picks = (0..count).map(|i| ((2 * i + 1) * n) / (2 * count));
        let mut side = Self {
            width: sample.width,
            rows: Vec::with_capacity(count * sample.width),
            users: Vec::with_capacity(count),
        };
        for row in picks {
            let scaled = sample.row(row).iter().zip(&scaling.mean).zip(&scaling.scale);
            side.rows.extend(scaled.map(|((value, mean), scale)| (value - mean) / scale));
            side.users.push(sample.user[row]);
        }
        side
    }

    fn row(&self, i: usize) -> &[f64] {
        &self.rows[i * self.width..(i + 1) * self.width]
    }
}

/// The rows of a side coordinate by coordinate, so that distances to many of them are computed at
/// once.
struct Columns {
    columns: Vec<Vec<f64>>,
}

impl Columns {
    fn of(side: &Side) -> Self {
        let column = |c: usize| side.rows.iter().skip(c).step_by(side.width).copied().collect();
        Self { columns: (0..side.width).map(column).collect() }
    }

    /// Appends the distances of `row` to the first `count` rows. `squares` is room to work in.
    fn distances(&self, row: &[f64], count: usize, squares: &mut Vec<f64>, into: &mut Vec<f32>) {
        squares.clear();
        squares.resize(count, 0.0);
        for (value, column) in row.iter().zip(&self.columns) {
            for (square, other) in squares.iter_mut().zip(column) {
                *square += (value - other) * (value - other);
            }
        }
        into.extend(squares.iter().map(|square| square.sqrt() as f32));
    }
}

/// Distances of row i to rows 0..i, row after row.
fn upper_triangle(side: &Side) -> Vec<f32> {
    let n = side.users.len();
    let mut into = Vec::with_capacity(n * n.saturating_sub(1) / 2);
    let (columns, mut squares) = (Columns::of(side), Vec::with_capacity(n));
    (0..n).for_each(|i| columns.distances(side.row(i), i, &mut squares, &mut into));
    into
}

/// Distances of each row of `x` to each row of `y`, row after row.
fn distances(x: &Side, y: &Side) -> Vec<f32> {
    let (n, m) = (x.users.len(), y.users.len());
    let mut into = Vec::with_capacity(n * m);
    let (columns, mut squares) = (Columns::of(y), Vec::with_capacity(m));
    (0..n).for_each(|i| columns.distances(x.row(i), m, &mut squares, &mut into));
    into
}

struct PreparedEnergy {
    within_x: Vec<f32>,
    within_y: Vec<f32>,
    between: Vec<f32>,
    x_users: Vec<u32>,
    y_users: Vec<u32>,
}

impl PreparedEnergy {
    /// The shares of the compared rows of both sides; none where a side has none.
    fn shares(&self, internal: &[f64], external: &[f64]) -> Option<[Vec<f32>; 2]> {
        Some([shares(&self.x_users, internal)?, shares(&self.y_users, external)?])
    }

    /// The value for each pair of shares.
    fn measure(&self, shares: &[[Vec<f32>; 2]]) -> Vec<Option<f64>> {
        let m = self.y_users.len();
        let side = |side: usize| shares.iter().map(|pair| &pair[side][..]).collect::<Vec<_>>();
        let (x, y) = (side(0), side(1));
        let between = sums(|i| &self.between[i * m..(i + 1) * m], &x, &y);
        // The rows of a triangle: row i starts behind 0 + 1 + ... + (i - 1) others.
        let start = |i: usize| i * i.saturating_sub(1) / 2;
        let within_x = sums(|i| &self.within_x[start(i)..start(i) + i], &x, &x);
        let within_y = sums(|i| &self.within_y[start(i)..start(i) + i], &y, &y);
        let terms = between.into_iter().zip(within_x.into_iter().zip(within_y));
        let values = terms.map(|(between, (x, y))| 2.0 * (between - x - y));
        values.map(|value| value.is_finite().then_some(value.max(0.0))).collect()
    }
}

impl Prepared for PreparedEnergy {
    fn value(&self, internal: &[f64], external: &[f64]) -> Option<f64> {
        self.measure(&[self.shares(internal, external)?]).pop().flatten()
    }

    fn values(&self, internal: &[Vec<f64>], external: &[Vec<f64>]) -> Vec<Option<f64>> {
        let shares = internal.iter().zip(external).map(|(p, q)| self.shares(p, q));
        let shares: Vec<Option<_>> = shares.collect();
        let defined: Vec<bool> = shares.iter().map(Option::is_some).collect();
        let mut values =
            self.measure(&shares.into_iter().flatten().collect::<Vec<_>>()).into_iter();
        defined.into_iter().map(|defined| if defined { values.next()? } else { None }).collect()
    }
}

/// The users' weights as shares of 1; none when nothing is left.
fn shares(users: &[u32], weights: &[f64]) -> Option<Vec<f32>> {
    let weight = |&user: &u32| weights.get(user as usize).copied();
    let total = users.iter().map(weight).sum::<Option<f64>>()?;
    if !(total.is_finite() && total > 0.0) {
        return None;
    }
    Some(users.iter().filter_map(weight).map(|weight| (weight / total) as f32).collect())
}

/// Rows of distances that stay in the cache while all weightings are summed up: 128 KB of 2,000.
const BLOCK: usize = 16;

/// `sum_i left_i (row i . right)` for each pair of shares. Row i holds the distances to the first
/// rows of the other side, all of them or, within a side, i: then it is half of E|X - X'|.
fn sums<'a>(row: impl Fn(usize) -> &'a [f32], lefts: &[&[f32]], rights: &[&[f32]]) -> Vec<f64> {
    let n = lefts.first().map_or(0, |left| left.len());
    let mut sums = vec![0.0; lefts.len()];
    for start in (0..n).step_by(BLOCK) {
        for ((sum, left), right) in sums.iter_mut().zip(lefts).zip(rights) {
            for i in start..(start + BLOCK).min(n) {
                if left[i] > 0.0 {
                    let row = row(i);
                    *sum += f64::from(left[i]) * dot(row, &right[..row.len()]);
                }
            }
        }
    }
    sums
}

/// A dot product in 16 fixed lanes, so that it vectorises and always sums in one order.
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
