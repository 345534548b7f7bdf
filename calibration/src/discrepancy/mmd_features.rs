//! Maximum mean discrepancy by random Fourier features: all rows at a cost that grows with their
//! number, where `mmd` grows with its square.
//!
//! A Gaussian kernel is a mean of waves, `k(x, y) = E cos(w'(x - y))` with w normal of standard
//! deviation 1/s (Rahimi and Recht, *Random features for large-scale kernel machines*, NIPS 2007).
//! With K frequencies, `phi(x) = (cos w_k'x, sin w_k'x)_k / sqrt(K)` and
//! `MMD^2 = |E phi(X) - E phi(Y)|^2`: the V-statistic of `mmd` with a kernel whose error is of the
//! order 1 / sqrt(K). Frequencies take turns among the three widths of `mmd`, and come from a fixed
//! stream: they are the same in every run. First variation: `2 phi(x)'(E phi(X) - E phi(Y))`.

use rand::RngExt;
use rand_distr::StandardNormal;
use rayon::prelude::*;
use trueup_env::Streams;

use super::by_shares::{ByShares, OnShares};
use super::joint::{self, Points, Side};
use super::joint_witness::{Form, JointWitness};
use super::mmd::Gaussians;
use super::wide::{self, Kernel, dot};
use super::{Discrepancy, DiscrepancyError, Parameter, Prepared, Weighted, Witness};
use crate::sample::{Sample, Shape};

/// `mmd-features`.
#[derive(Clone, Copy, Debug)]
pub struct MmdFeatures {
    /// The most rows a side that are compared; at least 1.
    pub rows: usize,
    /// Cosines and sines: two a frequency.
    pub features: usize,
}

impl Default for MmdFeatures {
    fn default() -> Self {
        Self { rows: DEFAULT_ROWS, features: DEFAULT_FEATURES }
    }
}

const NAME: &str = "mmd-features";
const DEFAULT_ROWS: usize = 20_000;
const DEFAULT_FEATURES: usize = 512;
/// Names the stream of frequencies.
const STREAM: u64 = 0x6d6d_645f;
/// Rows whose features are computed together.
const BLOCK: usize = 256;

/// The waves, frequency by frequency.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Waves {
    width: usize,
    frequencies: Vec<f64>,
}

impl Waves {
    fn new(features: usize, width: usize, kernel: Gaussians) -> Self {
        let wave = |k: usize| {
            let scale = [0.5, 1.0, 2.0][k % 3] * kernel.width;
            let mut stream = Streams::new(STREAM).stream("frequencies", k as u64);
            (0..width).map(move |_| stream.sample::<f64, _>(StandardNormal) / scale)
        };
        let count = features.div_ceil(2).max(1);
        Self { width, frequencies: (0..count).flat_map(wave).collect() }
    }

    fn count(&self) -> usize {
        2 * self.frequencies.len() / self.width.max(1)
    }

    /// The features of a standardised row, cosine and sine by turns.
    fn of_row<'a>(&'a self, row: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        let scale = (2.0 / self.count() as f64).sqrt();
        self.frequencies.chunks_exact(self.width.max(1)).flat_map(move |frequency| {
            let angle: f64 = frequency.iter().zip(row).map(|(w, z)| w * z).sum();
            let (sin, cos) = angle.sin_cos();
            [scale * cos, scale * sin]
        })
    }

    /// `coefficients' phi(row)`.
    pub(super) fn sum(&self, coefficients: &[f64], row: &[f64]) -> f64 {
        self.of_row(row).zip(coefficients).map(|(wave, coefficient)| wave * coefficient).sum()
    }

    /// The features of all rows of a side, feature by feature within each block of rows.
    fn of_side(&self, side: &Side) -> Vec<Vec<f64>> {
        let block = |start: usize| {
            let rows = start..(start + BLOCK).min(side.len());
            let mut block = vec![0.0; rows.len() * self.count()];
            for (at, row) in rows.clone().enumerate() {
                for (k, value) in self.of_row(side.row(row)).enumerate() {
                    block[k * rows.len() + at] = value;
                }
            }
            block
        };
        let starts: Vec<usize> = (0..side.len()).step_by(BLOCK).collect();
        starts.into_par_iter().map(block).collect()
    }
}

/// `E phi` under each list of shares, from the features of blocks of rows: a block is used for all
/// lists while it is in the cache.
struct Means<'a> {
    blocks: &'a [Vec<f64>],
    shares: &'a [&'a [f64]],
    count: usize,
}

impl Kernel for Means<'_> {
    type Output = Vec<Vec<f64>>;

    #[inline(always)]
    fn work(self) -> Self::Output {
        let mut means = vec![vec![0.0; self.count]; self.shares.len()];
        for (at, block) in self.blocks.iter().enumerate() {
            let rows = (block.len() / self.count.max(1)).max(1);
            for (k, feature) in block.chunks_exact(rows).enumerate() {
                for (mean, shares) in means.iter_mut().zip(self.shares) {
                    mean[k] += dot(feature, &shares[at * BLOCK..at * BLOCK + rows]);
                }
            }
        }
        means
    }
}

/// Weightings that use a block together.
const TOGETHER: usize = 16;

fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// The waves of weighted points, and the mean features of both sides.
fn embed(points: &Points, features: usize) -> (Waves, [Vec<f64>; 2]) {
    let kernel = Gaussians::of(&points.external.0, &points.external.1);
    let waves = Waves::new(features, points.scaling.width(), kernel);
    let means = [&points.internal, &points.external].map(|(side, shares)| {
        let blocks = waves.of_side(side);
        let means = Means { blocks: &blocks, shares: &[shares], count: waves.count() };
        wide::run(means).pop().unwrap_or_default()
    });
    (waves, means)
}

impl Discrepancy for MmdFeatures {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "MMD² by Fourier features (joint)"
    }

    fn definition(&self) -> &'static str {
        "|E phi(X) - E phi(Y)|^2, phi random waves of standardised rows with the spectrum of the kernel of mmd"
    }

    fn reference(&self) -> &'static str {
        "Rahimi and Recht, Random features for large-scale kernel machines, NIPS 2007"
    }

    fn cost(&self) -> &'static str {
        "O(min(n, rows) features d) once, then O(min(n, rows) features) a value, and as much memory"
    }

    fn parameters(&self) -> &'static [Parameter] {
        const PARAMETERS: &[Parameter] = &[
            joint::rows_parameter(DEFAULT_ROWS, 200_000),
            Parameter {
                name: "features",
                meaning: "cosines and sines, two a frequency",
                default: DEFAULT_FEATURES as f64,
                low: 2.0,
                high: 16_384.0,
                whole: true,
            },
        ];
        PARAMETERS
    }

    fn with(&self, values: &[f64]) -> Option<Box<dyn Discrepancy>> {
        let [rows, features] = values else { return None };
        Some(Box::new(Self { rows: *rows as usize, features: *features as usize }))
    }

    fn also_optimises(&self) -> &'static [&'static str] {
        &["mmd"]
    }

    fn most(&self) -> f64 {
        4.0
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
        let waves = Waves::new(self.features, y.width, Gaussians::of_rows(&y));
        let (internal, same) = (waves.of_side(&x), x.rows == y.rows);
        let blocks = (internal, (!same).then(|| waves.of_side(&y)));
        Ok(Box::new(ByShares(PreparedFeatures { count: waves.count(), blocks, sides: [x, y] })))
    }

    fn witness(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<Witness, DiscrepancyError>> {
        let points = Points::new(internal, external, self.rows);
        Some(points.map(|points| {
            let (waves, [p, q]) = embed(&points, self.features);
            let gaps = p.iter().zip(&q).map(|(p, q)| 2.0 * (q - p)).collect();
            let form = Form::Fourier(waves, gaps);
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
            let (_, [p, q]) = embed(&points, self.features);
            squared_distance(&p, &q)
        }))
    }
}

struct PreparedFeatures {
    count: usize,
    /// Of the internal and the external side; none where both have the same rows.
    blocks: (Vec<Vec<f64>>, Option<Vec<Vec<f64>>>),
    sides: [Side; 2],
}

impl OnShares for PreparedFeatures {
    fn sides(&self) -> [&Side; 2] {
        self.sides.each_ref()
    }

    fn measure(&self, p: &[&[f64]], q: &[&[f64]]) -> Vec<f64> {
        let (internal, external) = &self.blocks;
        let external = external.as_ref().unwrap_or(internal);
        let means = |blocks: &[Vec<f64>], shares: &[&[f64]]| {
            wide::run(Means { blocks, shares, count: self.count })
        };
        let some = |(p, q): (&[&[f64]], &[&[f64]])| -> Vec<f64> {
            let means = means(internal, p).into_iter().zip(means(external, q));
            means.map(|(p, q)| squared_distance(&p, &q)).collect()
        };
        let chunks = p.par_chunks(TOGETHER).zip(q.par_chunks(TOGETHER));
        chunks.map(some).collect::<Vec<_>>().concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discrepancy::joint_fixture::cases;
    use crate::discrepancy::mmd::Mmd;

    /// The error of the mean over K frequencies falls with 1 / sqrt(K). The frequencies are fixed, so
    /// there is no false alarm.
    #[test]
    fn comes_close_to_the_kernel() {
        for case in cases() {
            let (x, y) = case.samples();
            let value = |discrepancy: &dyn Discrepancy| {
                discrepancy.prepare(&x, &y).unwrap().value(&case.u, &case.v).unwrap()
            };
            let exact = value(&Mmd::default());
            let errors = [256, 16_384].map(|features| {
                (value(&MmdFeatures { features, ..MmdFeatures::default() }) - exact).abs()
            });
            assert!(errors[1] < 0.02 * (exact + 0.02), "{errors:?} {exact}");
            assert!(errors[0] < 0.2 * (exact + 0.02), "{errors:?} {exact}");
        }
    }
}
