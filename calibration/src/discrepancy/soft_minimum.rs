//! The step of Sinkhorn's algorithm in the log domain: a soft minimum of costs over rows.
//!
//! `T(x) = - ln sum_j exp(h_j - |x - y_j|^2 / epsilon)`, with the largest term taken out of the sum,
//! so that nothing overflows.

use rayon::prelude::*;

use super::joint::Side;
use super::pairs::Columns;
use super::wide::{self, Kernel, exp};

/// Columns that are looked at together.
const COLUMNS: usize = 1024;
/// Rows of a block, which one thread works on.
const ROWS: usize = 32;

/// Rows y with their h, minus infinity where they do not count.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SoftMinimum {
    rows: Columns,
    heights: Vec<f64>,
    /// 1 / epsilon.
    rate: f64,
}

impl SoftMinimum {
    /// Of rows with potentials and shares: `h_j = potential_j + ln share_j`.
    pub(super) fn new(rows: Columns, potentials: &[f64], shares: &[f64], epsilon: f64) -> Self {
        let heights = potentials.iter().zip(shares).map(|(g, share)| g + share.ln()).collect();
        Self { rows, heights, rate: 1.0 / epsilon }
    }

    /// T at a row.
    pub(super) fn at(&self, row: &[f64]) -> f64 {
        wide::run(At(self, row))
    }

    /// T at each row of a side.
    pub(super) fn of_side(&self, side: &Side) -> Vec<f64> {
        let block = |start: usize| -> Vec<f64> {
            let rows = start..(start + ROWS).min(side.len());
            rows.map(|i| self.at(side.row(i))).collect()
        };
        let starts: Vec<usize> = (0..side.len()).step_by(ROWS).collect();
        starts.into_par_iter().flat_map_iter(block).collect()
    }
}

struct At<'a>(&'a SoftMinimum, &'a [f64]);

impl Kernel for At<'_> {
    type Output = f64;

    #[inline(always)]
    fn work(self) -> f64 {
        let Self(minimum, row) = self;
        let mut room = [0.0; COLUMNS];
        let (mut largest, mut sum) = (f64::NEG_INFINITY, 0.0);
        for start in (0..minimum.rows.len()).step_by(COLUMNS) {
            let end = minimum.rows.len().min(start + COLUMNS);
            let terms = &mut room[..end - start];
            minimum.rows.squares(row, start, terms);
            for (term, height) in terms.iter_mut().zip(&minimum.heights[start..end]) {
                *term = height - minimum.rate * *term;
            }
            let here = highest(terms);
            if here > largest {
                sum *= exp(largest - here);
                largest = here;
            }
            if largest > f64::NEG_INFINITY {
                sum += total(terms, largest);
            }
        }
        -(largest + sum.ln())
    }
}

/// The largest, in 8 fixed lanes.
#[inline(always)]
fn highest(terms: &[f64]) -> f64 {
    let mut lanes = [f64::NEG_INFINITY; 8];
    let (blocks, rest) = terms.as_chunks::<8>();
    for block in blocks {
        for lane in 0..8 {
            lanes[lane] = if block[lane] > lanes[lane] { block[lane] } else { lanes[lane] };
        }
    }
    lanes.iter().chain(rest).copied().fold(f64::NEG_INFINITY, f64::max)
}

/// The sum of `exp(term - largest)`, in 8 fixed lanes.
#[inline(always)]
fn total(terms: &[f64], largest: f64) -> f64 {
    let mut lanes = [0.0; 8];
    let (blocks, rest) = terms.as_chunks::<8>();
    for block in blocks {
        for lane in 0..8 {
            lanes[lane] += exp(block[lane] - largest);
        }
    }
    let rest: f64 = rest.iter().map(|term| exp(term - largest)).sum();
    lanes.iter().sum::<f64>() + rest
}
