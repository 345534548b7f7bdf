//! A pass over the kernel of Sinkhorn's algorithm, for several weightings at once.
//!
//! A row of the kernel is used for its own sum and then, while it is in the cache, for the sums of
//! columns. Blocks of rows have a fixed size and are added up in a fixed order, and a row is summed
//! in 8 fixed lanes: same bits for any number of threads and weightings.

use rayon::prelude::*;

use super::wide::{self, Kernel};

/// Numbers of the kernel in a block of rows, about: 1 MB.
const BLOCK: usize = 1 << 17;

/// `sum_j K_ij right_j` of each row.
pub(super) struct Rows<const L: usize> {
    /// The sums.
    pub(super) sums: Vec<[f64; L]>,
}

/// Of each row its sum `s_i = sum_j K_ij right_j` and the new scaling `u_i^(1 - w) s_i^-w`, and of
/// each column `sum_i K_ij p_i u_i` under the new scalings.
pub(super) struct Both<const L: usize> {
    /// s.
    pub(super) sums: Vec<[f64; L]>,
    /// u.
    pub(super) scalings: Vec<[f64; L]>,
    /// The sums of columns.
    pub(super) columns: Vec<[f64; L]>,
}

/// Sums of rows.
pub(super) fn rows<const L: usize>(kernel: &[f64], right: &[[f64; L]]) -> Rows<L> {
    let width = right.len().max(1);
    let block = width * BLOCK.div_ceil(width);
    let sum = |entries: &[f64]| wide::run(RowSums { entries, right });
    let sums: Vec<Vec<[f64; L]>> = kernel.par_chunks(block).map(sum).collect();
    Rows { sums: sums.into_iter().flatten().collect() }
}

/// The scaling that makes up for a sum, relaxed by `w`: 1 replaces the present one.
#[inline(always)]
pub(super) fn relaxed(present: f64, sum: f64, w: f64) -> f64 {
    if w == 1.0 { 1.0 / sum } else { present * (present * sum).powf(-w) }
}

/// Sums of rows, turned into scalings, and with those the sums of columns.
pub(super) fn both<const L: usize>(
    kernel: &[f64],
    left: &[[f64; L]],
    scalings: &[[f64; L]],
    right: &[[f64; L]],
    w: [f64; L],
) -> Both<L> {
    let width = right.len().max(1);
    let count = BLOCK.div_ceil(width);
    let sides = left.par_chunks(count).zip(scalings.par_chunks(count));
    let work = |(entries, (left, scalings))| {
        wide::run(RowAndColumnSums { entries, left, scalings, right, w })
    };
    let blocks = kernel.par_chunks(width * count).zip(sides);
    let blocks: Vec<Both<L>> = blocks.map(work).collect();
    let mut all = Both { sums: vec![], scalings: vec![], columns: vec![[0.0; L]; width] };
    for block in blocks {
        all.sums.extend(block.sums);
        all.scalings.extend(block.scalings);
        for (sum, part) in all.columns.iter_mut().zip(block.columns) {
            sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        }
    }
    all
}

#[inline(always)]
fn row_sum<const L: usize>(row: &[f64], right: &[[f64; L]]) -> [f64; L] {
    let mut lanes = [[0.0; L]; 8];
    let (blocks, rest) = row.as_chunks::<8>();
    let (right_blocks, right_rest) = right.as_chunks::<8>();
    for (block, right) in blocks.iter().zip(right_blocks) {
        for k in 0..8 {
            for lane in 0..L {
                lanes[k][lane] += block[k] * right[k][lane];
            }
        }
    }
    for ((sums, entry), right) in lanes.iter_mut().zip(rest).zip(right_rest) {
        for lane in 0..L {
            sums[lane] += entry * right[lane];
        }
    }
    let mut total = [0.0; L];
    for sums in lanes {
        for lane in 0..L {
            total[lane] += sums[lane];
        }
    }
    total
}

struct RowSums<'a, const L: usize> {
    entries: &'a [f64],
    right: &'a [[f64; L]],
}

impl<const L: usize> Kernel for RowSums<'_, L> {
    type Output = Vec<[f64; L]>;

    #[inline(always)]
    fn work(self) -> Self::Output {
        // A loop, and no closure: that would be compiled for the baseline.
        let mut sums = Vec::new();
        for row in self.entries.chunks_exact(self.right.len().max(1)) {
            sums.push(row_sum(row, self.right));
        }
        sums
    }
}

struct RowAndColumnSums<'a, const L: usize> {
    entries: &'a [f64],
    left: &'a [[f64; L]],
    scalings: &'a [[f64; L]],
    right: &'a [[f64; L]],
    w: [f64; L],
}

impl<const L: usize> Kernel for RowAndColumnSums<'_, L> {
    type Output = Both<L>;

    #[inline(always)]
    fn work(self) -> Both<L> {
        let width = self.right.len().max(1);
        let (mut sums, mut scalings) = (Vec::new(), Vec::new());
        let mut columns = vec![[0.0; L]; width];
        let rows = self.entries.chunks_exact(width).zip(self.left).zip(self.scalings);
        for ((row, left), present) in rows {
            let sum = row_sum(row, self.right);
            let (mut scaling, mut factor) = ([0.0; L], [0.0; L]);
            for lane in 0..L {
                scaling[lane] = relaxed(present[lane], sum[lane], self.w[lane]);
                // A row without a share counts for nothing, also where its sum is 0.
                factor[lane] = if left[lane] > 0.0 { left[lane] * scaling[lane] } else { 0.0 };
            }
            for (column, entry) in columns.iter_mut().zip(row) {
                for lane in 0..L {
                    column[lane] += entry * factor[lane];
                }
            }
            sums.push(sum);
            scalings.push(scaling);
        }
        Both { sums, scalings, columns }
    }
}
