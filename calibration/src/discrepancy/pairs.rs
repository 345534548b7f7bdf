//! Sums over all pairs of rows of two sides, of a function of their distance, under many weights.
//!
//! Blocks of rows are visited in a fixed order, so memory is that of a block, and the sums of
//! blocks, which may run on any thread, are added up in that order: same bits for any number of
//! threads, and for one weighting alone or among others.

use rayon::prelude::*;

use super::joint::Side;
use super::wide::{self, Kernel, dot};

/// A function of squared distances.
pub(super) trait OfSquares: Sync {
    /// Replaces squared distances. Must be `#[inline(always)]`, as must be what it calls.
    fn apply(&self, squares: &mut [f64]);
}

/// The Euclidean distance.
#[derive(Clone, Copy)]
pub(super) struct Distance;

impl OfSquares for Distance {
    #[inline(always)]
    fn apply(&self, squares: &mut [f64]) {
        squares.iter_mut().for_each(|square| *square = square.sqrt());
    }
}

/// Rows of a block: they share the columns that are in the cache.
const ROWS: usize = 64;
/// Columns that are looked at together: 8 KB of squared distances, and 8 KB a coordinate.
const COLUMNS: usize = 1024;
/// Squared distances that are summed up in registers.
const TILE: usize = 32;

/// The rows of a side coordinate by coordinate, so that distances to many are computed at once.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Columns {
    columns: Vec<Vec<f64>>,
    count: usize,
}

impl Columns {
    /// Of a side.
    pub(super) fn of(side: &Side) -> Self {
        let column = |c: usize| side.rows.iter().skip(c).step_by(side.width).copied().collect();
        Self { columns: (0..side.width).map(column).collect(), count: side.len() }
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Squared distances of `row` to the rows from `start` on, as many as `squares` has room for.
    #[inline(always)]
    pub(super) fn squares(&self, row: &[f64], start: usize, squares: &mut [f64]) {
        let (tiles, rest) = squares.as_chunks_mut::<TILE>();
        let mut from = start;
        for tile in tiles {
            let mut sums = [0.0; TILE];
            for (value, column) in row.iter().zip(&self.columns) {
                if let Some(others) = column[from..].first_chunk::<TILE>() {
                    for (sum, other) in sums.iter_mut().zip(others) {
                        *sum += (value - other) * (value - other);
                    }
                }
            }
            *tile = sums;
            from += TILE;
        }
        rest.fill(0.0);
        for (value, column) in row.iter().zip(&self.columns) {
            for (sum, other) in rest.iter_mut().zip(&column[from..]) {
                *sum += (value - other) * (value - other);
            }
        }
    }
}

/// `sum_ij left_i right_j f(|x_i - y_j|^2)` for each pair of weights.
pub(super) fn between<F: OfSquares>(
    f: &F,
    x: &Side,
    y: &Columns,
    lefts: &[&[f64]],
    rights: &[&[f64]],
) -> Vec<f64> {
    sums(f, x, y, (lefts, rights), false)
}

/// `sum_ij weight_i weight_j f(|x_i - x_j|^2)` over pairs of different rows, for each weights.
pub(super) fn within<F: OfSquares>(f: &F, x: &Side, weights: &[&[f64]]) -> Vec<f64> {
    let half = sums(f, x, &Columns::of(x), (weights, weights), true);
    half.into_iter().map(|sum| 2.0 * sum).collect()
}

fn sums<F: OfSquares>(
    f: &F,
    x: &Side,
    y: &Columns,
    (lefts, rights): (&[&[f64]], &[&[f64]]),
    triangle: bool,
) -> Vec<f64> {
    let block = |start: usize| {
        let rows = start..(start + ROWS).min(x.len());
        wide::run(Block { f, x, y, lefts, rights, rows, triangle })
    };
    let starts: Vec<usize> = (0..x.len()).step_by(ROWS).collect();
    let blocks: Vec<Vec<f64>> = starts.into_par_iter().map(block).collect();
    let mut sums = vec![0.0; lefts.len()];
    for block in blocks {
        sums.iter_mut().zip(block).for_each(|(sum, part)| *sum += part);
    }
    sums
}

struct Block<'a, F> {
    f: &'a F,
    x: &'a Side,
    y: &'a Columns,
    lefts: &'a [&'a [f64]],
    rights: &'a [&'a [f64]],
    rows: std::ops::Range<usize>,
    /// Whether row i looks at the rows before it only.
    triangle: bool,
}

impl<F: OfSquares> Kernel for Block<'_, F> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn work(self) -> Vec<f64> {
        let mut sums = vec![0.0; self.lefts.len()];
        let mut room = [0.0; COLUMNS];
        let last = if self.triangle { self.rows.end } else { self.y.len() };
        for start in (0..last).step_by(COLUMNS) {
            for i in self.rows.clone() {
                let end = if self.triangle { i } else { last }.min(start + COLUMNS);
                if end <= start {
                    continue;
                }
                let values = &mut room[..end - start];
                self.y.squares(self.x.row(i), start, values);
                self.f.apply(values);
                for ((sum, left), right) in sums.iter_mut().zip(self.lefts).zip(self.rights) {
                    if left[i] > 0.0 {
                        *sum += left[i] * dot(values, &right[start..end]);
                    }
                }
            }
        }
        sums
    }
}

/// `sum_j weight_j f(|z - point_j|^2)` at any row z: what witnesses of kernels are.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Potential {
    points: Columns,
    weights: Vec<f64>,
}

impl Potential {
    /// The internal points with `p` times their shares, the external ones with `q` times theirs.
    pub(super) fn of(points: &super::joint::Points, p: f64, q: f64) -> Self {
        let (x, y) = (&points.internal, &points.external);
        let mut both = x.0.clone();
        both.rows.extend_from_slice(&y.0.rows);
        both.users.extend_from_slice(&y.0.users);
        let shares = x.1.iter().map(|share| p * share).chain(y.1.iter().map(|share| q * share));
        Self { weights: shares.collect(), points: Columns::of(&both) }
    }

    /// At a standardised row.
    pub(super) fn at<F: OfSquares>(&self, f: &F, row: &[f64]) -> f64 {
        wide::run(At { potential: self, f, row })
    }
}

struct At<'a, F> {
    potential: &'a Potential,
    f: &'a F,
    row: &'a [f64],
}

impl<F: OfSquares> Kernel for At<'_, F> {
    type Output = f64;

    #[inline(always)]
    fn work(self) -> f64 {
        let (points, mut room, mut sum) = (&self.potential.points, [0.0; COLUMNS], 0.0);
        for start in (0..points.len()).step_by(COLUMNS) {
            let end = points.len().min(start + COLUMNS);
            let values = &mut room[..end - start];
            points.squares(self.row, start, values);
            self.f.apply(values);
            sum += dot(values, &self.potential.weights[start..end]);
        }
        sum
    }
}
