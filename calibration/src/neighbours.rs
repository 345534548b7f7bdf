//! Distances between standardised rows and nearest neighbours among them, by comparing all with
//! all.
//!
//! Rows are held as f32, standardised, in panels of sixteen rows coordinate by coordinate: distances
//! to the rows of a panel are computed at once, as sums of squared differences, so that equal rows
//! are at distance exactly 0 and close ones lose no digits. Memory is that of the rows; distances
//! are only ever held for a block. Squared distances are good to about 1e-6 of themselves. The
//! result is the same for any number of threads: each query is searched on its own.

use rayon::prelude::*;

use crate::discrepancy::distinct::distinct;
use crate::discrepancy::scaling::Scaling;
use crate::discrepancy::wide::{self, Kernel};
use crate::sample::Sample;

/// Rows of a panel: four vector registers.
const LANES: usize = 16;
/// Panels of a block, which stays in the nearest cache while many queries pass over it.
const BLOCK: usize = 32;
/// Queries that one thread takes at a time.
const SHARD: usize = 128;
/// Coordinates end here, so that no square is infinite; in standard deviations.
const FURTHEST: f64 = 1e15;

/// Standardised rows.
pub(crate) struct Points {
    width: usize,
    /// Row-major.
    rows: Vec<f32>,
    /// Panel after panel, `width` entries each; the last panel is filled up with rows that are
    /// infinitely far away.
    panels: Vec<[f32; LANES]>,
}

/// The nearest neighbours of a query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Nearest {
    /// Squared distance of the nearest row; infinite where there is none.
    pub(crate) first: f32,
    /// The nearest row, the first of equals.
    pub(crate) row: u32,
    /// Squared distance of the second nearest row.
    pub(crate) second: f32,
}

impl Points {
    /// The given rows of a sample.
    pub(crate) fn of(
        sample: &Sample,
        picks: impl IntoIterator<Item = usize>,
        scaling: &Scaling,
    ) -> Self {
        let width = scaling.width();
        let mut rows = Vec::new();
        for row in picks {
            let scaled = scaling.standardised(sample.row(row));
            rows.extend(scaled.map(|value| value.clamp(-FURTHEST, FURTHEST) as f32));
        }
        let count = rows.len() / width.max(1);
        let mut panels = vec![[f32::INFINITY; LANES]; count.div_ceil(LANES) * width];
        for (i, row) in rows.chunks_exact(width.max(1)).enumerate() {
            let panel = panels.iter_mut().skip(i / LANES * width);
            panel.zip(row).for_each(|(lanes, &value)| lanes[i % LANES] = value);
        }
        Self { width, rows, panels }
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.rows.len() / self.width.max(1)
    }

    /// One row.
    pub(crate) fn row(&self, i: usize) -> &[f32] {
        &self.rows[i * self.width..(i + 1) * self.width]
    }

    /// The first row of each set of equal ones, and for each row which of them it is.
    pub(crate) fn distinct(&self) -> (Vec<usize>, Vec<u32>) {
        let rows: Vec<f64> = self.rows.iter().copied().map(f64::from).collect();
        distinct(&rows, self.width)
    }

    /// The squared distances of a row to all of these.
    pub(crate) fn squares(&self, query: &[f32]) -> Vec<f32> {
        let mut squares = vec![[0.0; LANES]; self.panels.len() / self.width.max(1)];
        let into = squares.as_mut_slice();
        wide::run(Squares { panels: &self.panels, width: self.width.max(1), query, into });
        let mut squares = squares.into_flattened();
        squares.truncate(self.len());
        squares
    }

    /// The nearest of these rows for each query.
    pub(crate) fn nearest(&self, queries: &Self) -> Vec<Nearest> {
        let width = self.width.max(1);
        let shards = queries.rows.par_chunks(SHARD * width);
        shards.flat_map_iter(|shard| self.nearest_of(shard)).collect()
    }

    #[allow(unsafe_code)]
    fn nearest_of(&self, queries: &[f32]) -> Vec<Nearest> {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has the instructions that the function is compiled for.
            return unsafe { self.nearest_with_avx2(queries) };
        }
        self.search(queries)
    }

    /// Twice as many lanes an instruction, and the same bits: without fused multiplication, lanes are
    /// rounded alike whatever their number.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn nearest_with_avx2(&self, queries: &[f32]) -> Vec<Nearest> {
        self.search(queries)
    }

    #[inline(always)]
    fn search(&self, queries: &[f32]) -> Vec<Nearest> {
        let width = self.width.max(1);
        let none = Nearest { first: f32::INFINITY, row: 0, second: f32::INFINITY };
        let mut found = vec![none; queries.len() / width];
        let mut squares = [[0.0_f32; LANES]; BLOCK];
        for (block, panels) in self.panels.chunks(BLOCK * width).enumerate() {
            for (query, nearest) in queries.chunks_exact(width).zip(&mut found) {
                let mut least = [f32::INFINITY; LANES];
                for (panel, squares) in panels.chunks_exact(width).zip(&mut squares) {
                    *squares = to_panel(panel, query);
                    for (least, &square) in least.iter_mut().zip(squares.iter()) {
                        *least = if square < *least { square } else { *least };
                    }
                }
                // Most blocks hold none of the two nearest.
                if least.iter().any(|&least| least < nearest.second) {
                    let filled = &squares[..panels.len() / width];
                    nearest.look(filled.as_flattened(), block * BLOCK * LANES);
                }
            }
        }
        found
    }
}

impl Nearest {
    /// Looks through the squared distances of the rows from `start` on.
    fn look(&mut self, squares: &[f32], start: usize) {
        for (i, &square) in squares.iter().enumerate() {
            if square < self.first {
                *self = Self { first: square, row: (start + i) as u32, second: self.first };
            } else if square < self.second {
                self.second = square;
            }
        }
    }
}

/// The squared distances of a row to those of all panels.
struct Squares<'a> {
    panels: &'a [[f32; LANES]],
    width: usize,
    query: &'a [f32],
    into: &'a mut [[f32; LANES]],
}

impl Kernel for Squares<'_> {
    type Output = ();

    #[inline(always)]
    fn work(self) {
        for (panel, squares) in self.panels.chunks_exact(self.width).zip(self.into) {
            *squares = to_panel(panel, self.query);
        }
    }
}

/// The squared distances of a row to those of a panel.
#[inline(always)]
fn to_panel(panel: &[[f32; LANES]], query: &[f32]) -> [f32; LANES] {
    let mut squares = [0.0; LANES];
    for (lanes, &value) in panel.iter().zip(query) {
        for (square, &other) in squares.iter_mut().zip(lanes) {
            let gap = other - value;
            *square += gap * gap;
        }
    }
    squares
}

/// Row i of a selection of `count` out of n: the middle of the i-th of `count` equal stretches.
pub(crate) fn evenly(n: usize, count: usize) -> impl Iterator<Item = usize> {
    let count = count.min(n);
    (0..count).map(move |i| ((2 * i + 1) * n) / (2 * count))
}

#[cfg(test)]
mod tests {
    use trueup_env::Streams;

    use super::*;
    use crate::sample::Shape;

    fn vectors(values: Vec<f64>, width: usize) -> Sample {
        let users = values.len() / width;
        let user = (0..users as u32).collect();
        Sample { shape: Shape::Vector, width, values, user, users, categories: 0 }
    }

    fn points(sample: &Sample, scaling: &Scaling) -> Points {
        Points::of(sample, 0..sample.rows(), scaling)
    }

    /// Against all distances in f64, with sizes around those of panels and blocks.
    #[test]
    fn the_nearest_are_those_of_a_full_search() {
        for (n, m, width) in [(1, 1, 1), (3, 16, 2), (40, 17, 3), (300, 700, 5), (2, 1100, 12)] {
            let mut stream = Streams::new(1).stream("rows", n as u64);
            let mut draw =
                |rows: usize| vectors((0..rows * width).map(|_| stream.uniform()).collect(), width);
            let (queries, reference) = (draw(n), draw(m));
            let scaling = Scaling::of_samples(&[&reference]);
            let found = points(&reference, &scaling).nearest(&points(&queries, &scaling));
            assert_eq!(found.len(), n);
            // Whatever instructions the processor has.
            let standard = points(&queries, &scaling);
            assert_eq!(points(&reference, &scaling).search(&standard.rows), found);
            for (i, found) in found.iter().enumerate() {
                let distance = |j: usize| -> f64 {
                    let [x, y] = [queries.row(i), reference.row(j)];
                    let pairs = scaling.standardised(x).zip(scaling.standardised(y));
                    pairs.map(|(x, y)| (x - y).powi(2)).sum()
                };
                let mut all: Vec<(f64, u32)> = (0..m).map(distance).zip(0..).collect();
                all.sort_by(|a, b| a.0.total_cmp(&b.0));
                assert_eq!(found.row, all[0].1);
                assert!((f64::from(found.first) - all[0].0).abs() <= 1e-5 * all[0].0);
                let second = all.get(1).map_or(f64::INFINITY, |row| row.0);
                assert!((f64::from(found.second) - second).abs() <= 1e-5 * second || m == 1);
            }
        }
    }

    #[test]
    fn equal_rows_are_at_distance_zero_and_far_ones_are_finite() {
        let sample = vectors(vec![0.1, 7.0, 1e30, 7.0, 0.1, 7.0, -1e30, 7.0], 2);
        let scaling = Scaling::of_samples(&[&vectors(vec![0.1, 7.0, 0.2, 7.0], 2)]);
        let all = points(&sample, &scaling);
        assert_eq!((all.len(), all.row(1)[1]), (4, 0.0));
        let squares = all.squares(all.row(0));
        assert!(squares[0] == 0.0 && squares[2] == 0.0 && squares[1].is_finite());
        let nearest = all.nearest(&all);
        assert_eq!(nearest[2], Nearest { first: 0.0, row: 0, second: 0.0 });
    }

    #[test]
    fn rows_are_picked_evenly() {
        assert_eq!(evenly(10, 3).collect::<Vec<_>>(), [1, 5, 8]);
        assert_eq!(evenly(3, 10).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(evenly(0, 3).count(), 0);
    }
}
