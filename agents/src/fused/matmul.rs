//! Products of small matrices, C = A B + start.
//!
//! The matrices of a policy (64 x 64) lie in the first-level cache as they are, so nothing is
//! packed. A tile of C is kept in registers over the whole inner sum. Every entry of C is one
//! chain of multiply-adds in the order of the inner index: its bits depend neither on the tile it
//! falls into nor on the number of rows.

use super::simd::{Kernel, Level, fma, run};

/// Numbers that must follow the last one that is used of a right-hand matrix: a tile reads whole
/// vectors.
pub const SLACK: usize = 8;

/// A, entry (i, p) at `i * row + p * column`.
#[derive(Clone, Copy)]
pub struct Left<'a> {
    /// The numbers.
    pub data: &'a [f32],
    /// Distance of rows.
    pub row: usize,
    /// Distance of columns.
    pub column: usize,
}

impl<'a> Left<'a> {
    /// A row-major matrix.
    pub fn rows(data: &'a [f32], width: usize) -> Self {
        Self { data, row: width, column: 1 }
    }

    /// The transpose of a row-major matrix.
    pub fn transposed(data: &'a [f32], width: usize) -> Self {
        Self { data, row: 1, column: width }
    }
}

/// B, entry (p, j) at `p * stride + j`, with [`SLACK`] numbers after the last.
#[derive(Clone, Copy)]
pub struct Right<'a> {
    /// The numbers.
    pub data: &'a [f32],
    /// Distance of rows.
    pub stride: usize,
}

/// C, entry (i, j) at `i * stride + j`.
pub struct Out<'a> {
    /// The numbers.
    pub data: &'a mut [f32],
    /// Distance of rows.
    pub stride: usize,
}

/// What the sums start from.
#[derive(Clone, Copy)]
pub enum Start<'a> {
    /// Zero.
    Zero,
    /// The same row in every row.
    Bias(&'a [f32]),
    /// What C holds.
    Add,
}

impl Start<'_> {
    /// The same from a later column on.
    #[inline(always)]
    fn from(self, column: usize) -> Self {
        match self {
            Self::Bias(bias) => Self::Bias(&bias[column..]),
            other => other,
        }
    }
}

/// Rows of C, inner length, columns of C.
pub type Sizes = (usize, usize, usize);

/// C = A B + start.
///
/// # Panics
/// A matrix whose slice is too short for its sizes.
pub fn multiply(sizes: Sizes, left: Left<'_>, right: Right<'_>, start: Start<'_>, out: Out<'_>) {
    let (m, k, n) = sizes;
    if m == 0 || n == 0 {
        return;
    }
    if k > 0 {
        assert!((m - 1) * left.row + (k - 1) * left.column < left.data.len());
        assert!((k - 1) * right.stride + n.next_multiple_of(8) <= right.data.len());
    }
    assert!((m - 1) * out.stride + n <= out.data.len());
    run(Multiply { sizes, left, right, start, out });
}

struct Multiply<'a> {
    sizes: Sizes,
    left: Left<'a>,
    right: Right<'a>,
    start: Start<'a>,
    out: Out<'a>,
}

impl Kernel for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn at<L: Level>(mut self) {
        let n = self.sizes.2;
        let mut column = 0;
        while column < n {
            let left = n - column;
            if L::COLUMNS >= 32 && left >= 32 {
                self.strip::<L, 32>(column);
                column += 32;
            } else if L::COLUMNS >= 16 && left > 8 {
                // The slack is there for what lies beyond the last column.
                self.strip::<L, 16>(column);
                column += 16;
            } else {
                self.strip::<L, 8>(column);
                column += 8;
            }
        }
    }
}

impl Multiply<'_> {
    /// All rows of `N` columns of C.
    #[inline(always)]
    fn strip<L: Level, const N: usize>(&mut self, column: usize) {
        let rows = self.sizes.0;
        let mut row = 0;
        while row < rows {
            match (rows - row).min(L::ROWS) {
                8 => self.tile::<L, 8, N>(row, column),
                7 => self.tile::<L, 7, N>(row, column),
                6 => self.tile::<L, 6, N>(row, column),
                5 => self.tile::<L, 5, N>(row, column),
                4 => self.tile::<L, 4, N>(row, column),
                3 => self.tile::<L, 3, N>(row, column),
                2 => self.tile::<L, 2, N>(row, column),
                _ => self.tile::<L, 1, N>(row, column),
            }
            row += L::ROWS;
        }
    }

    /// `M` rows and `N` columns of C.
    #[inline(always)]
    fn tile<L: Level, const M: usize, const N: usize>(&mut self, row: usize, column: usize) {
        if self.sizes.2 - column < N {
            return self.part::<L, M, N>(row, column);
        }
        let (at, stride) = (row * self.out.stride + column, self.out.stride);
        let sums = match self.start {
            Start::Zero => [[0.0; N]; M],
            Start::Bias(bias) => [whole(&bias[column..]); M],
            Start::Add => std::array::from_fn(|i| whole(&self.out.data[at + i * stride..])),
        };
        let sums = self.inner::<L, M, N>(row, column, sums);
        for (i, sum) in sums.iter().enumerate() {
            if let Some(out) = self.out.data[at + i * stride..].first_chunk_mut::<N>() {
                *out = *sum;
            }
        }
    }

    /// A tile that reaches beyond the last column.
    #[inline(always)]
    fn part<L: Level, const M: usize, const N: usize>(&mut self, row: usize, column: usize) {
        let (at, stride) = (row * self.out.stride + column, self.out.stride);
        let width = self.sizes.2 - column;
        let sums = self.inner::<L, M, N>(row, column, [[0.0; N]; M]);
        let (out, start) = (&mut self.out.data[at..], self.start);
        store_part(out, stride, width, start.from(column), &sums);
    }

    /// The inner sums of a tile.
    #[inline(always)]
    #[allow(unsafe_code)]
    fn inner<L: Level, const M: usize, const N: usize>(
        &self,
        row: usize,
        column: usize,
        mut sums: [[f32; N]; M],
    ) -> [[f32; N]; M] {
        let (k, step, stride) = (self.sizes.1, self.left.column, self.right.stride);
        let rows: [usize; M] = std::array::from_fn(|i| i * self.left.row);
        let mut left = self.left.data[(row * self.left.row).min(self.left.data.len())..].as_ptr();
        let mut right = self.right.data[column.min(self.right.data.len())..].as_ptr();
        for _ in 0..k {
            // SAFETY: `multiply` has checked the corners of both matrices: row + i < m, and
            // column + N is at most the columns rounded up to eight. The pointers may step over
            // the end only after the last turn, where they are not read.
            unsafe {
                let b = right.cast::<[f32; N]>().read_unaligned();
                for (sum, offset) in sums.iter_mut().zip(rows) {
                    let a = *left.add(offset);
                    for (sum, b) in sum.iter_mut().zip(b) {
                        *sum = fma::<L>(a, b, *sum);
                    }
                }
            }
            left = left.wrapping_add(step);
            right = right.wrapping_add(stride);
        }
        sums
    }
}

/// The first `N` numbers, which are there.
#[inline(always)]
fn whole<const N: usize>(data: &[f32]) -> [f32; N] {
    data.first_chunk::<N>().copied().unwrap_or([0.0; N])
}

/// Stores the first `width` numbers of each row of a tile. A call of its own, so that the tile
/// itself keeps to registers.
#[inline(never)]
fn store_part<const N: usize>(
    out: &mut [f32],
    stride: usize,
    width: usize,
    start: Start<'_>,
    sums: &[[f32; N]],
) {
    for (i, sum) in sums.iter().enumerate() {
        let out = &mut out[i * stride..][..width];
        match start {
            Start::Zero => out.iter_mut().zip(sum).for_each(|(out, sum)| *out = *sum),
            Start::Bias(bias) => {
                out.iter_mut().zip(bias).zip(sum).for_each(|((out, b), sum)| *out = b + sum);
            }
            Start::Add => out.iter_mut().zip(sum).for_each(|(out, sum)| *out += *sum),
        }
    }
}

#[cfg(test)]
mod tests {
    use trueup_env::Streams;

    use super::super::simd::run_at_every_level;
    use super::*;

    /// The product at one level.
    struct Product<'a> {
        sizes: Sizes,
        left: Left<'a>,
        right: Right<'a>,
        start: Start<'a>,
        before: &'a [f32],
    }

    impl Kernel for Product<'_> {
        type Output = Vec<f32>;

        #[inline(always)]
        fn at<L: Level>(self) -> Vec<f32> {
            let mut data = self.before.to_vec();
            let out = Out { data: &mut data, stride: self.sizes.2 };
            let Self { sizes, left, right, start, .. } = self;
            Multiply { sizes, left, right, start, out }.at::<L>();
            data
        }
    }

    #[test]
    fn every_size_and_level_agrees_with_sums_in_f64() {
        let mut stream = Streams::new(1).stream("matmul", 0);
        let mut numbers =
            |n: usize| -> Vec<f32> { (0..n).map(|_| stream.uniform() as f32 - 0.5).collect() };
        for (m, k) in [(1, 1), (7, 3), (8, 16), (17, 5), (13, 0)] {
            for n in 1..=70 {
                let (a, b) = (numbers(m * k), numbers(k * n + SLACK));
                let (bias, before) = (numbers(n), numbers(m * n));
                for (t, start) in [Start::Zero, Start::Bias(&bias), Start::Add].iter().enumerate() {
                    let left = if t == 1 { Left::transposed(&a, m) } else { Left::rows(&a, k) };
                    let right = Right { data: &b, stride: n };
                    let product = || Product {
                        sizes: (m, k, n),
                        left,
                        right,
                        start: *start,
                        before: &before,
                    };
                    let levels = run_at_every_level(product);
                    for i in 0..m * n {
                        let (row, column) = (i / n, i % n);
                        let entry = |p: usize| {
                            let a = left.data[row * left.row + p * left.column];
                            f64::from(a) * f64::from(b[p * n + column])
                        };
                        let first = [0.0, bias[column], before[i]][t];
                        let exact = f64::from(first) + (0..k).map(entry).sum::<f64>();
                        for level in &levels {
                            assert!((f64::from(level[i]) - exact).abs() < 2e-6, "{m} {k} {n}");
                        }
                    }
                    assert!(levels[1..].windows(2).all(|pair| pair[0] == pair[1]), "{m} {k} {n}");
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "right.data.len()")]
    fn a_matrix_that_is_too_short_is_never_read() {
        let right = Right { data: &[1.0; 4], stride: 2 };
        let out = Out { data: &mut [0.0; 4], stride: 2 };
        multiply((2, 2, 2), Left::rows(&[1.0; 4], 2), right, Start::Zero, out);
    }
}
