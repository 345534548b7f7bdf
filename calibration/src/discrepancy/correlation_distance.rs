//! How far the correlations of all coordinate pairs are apart.
//!
//! `D = mean |rho_P(a, b) - rho_Q(a, b)|` over the pairs a < b, from 0 to 2. With `ranks = 0`, rho is
//! Pearson's correlation; with `ranks = 1` Spearman's, which is Pearson's of the mean ranks. Half of
//! a pair's gap is one minus the score that SDMetrics calls CorrelationSimilarity.
//!
//! A coordinate without spread among the external rows has no correlation, and its pairs are left
//! out; without spread among the internal rows it counts as uncorrelated, so that a collapsed
//! simulation has a value.

use super::ranks::Ranks;
use super::user_sums::{mean_and_sd, variance};
use super::vectors::{self, Owners};
use super::wide::{self, Kernel};
use super::{Discrepancy, DiscrepancyError, Parameter, Prepared};
use crate::sample::{Sample, Shape};

/// `correlation-distance`.
#[derive(Clone, Copy, Debug, Default)]
pub struct CorrelationDistance {
    /// Spearman's correlation in place of Pearson's.
    pub ranks: bool,
}

const NAME: &str = "correlation-distance";

impl Discrepancy for CorrelationDistance {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Distance of correlations"
    }

    fn definition(&self) -> &'static str {
        "mean over coordinate pairs of |rho_P - rho_Q|, Pearson or (ranks=1) Spearman"
    }

    fn reference(&self) -> &'static str {
        "Spearman, The proof and measurement of association between two things, American Journal of Psychology 15, 1904; half of it is 1 - CorrelationSimilarity of SDMetrics"
    }

    fn cost(&self) -> &'static str {
        "O((n + m) d^2) a value, one sort a coordinate for ranks; O((n + m) d) memory"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[Parameter {
            name: "ranks",
            meaning: "0: Pearson's correlation, 1: Spearman's",
            default: 0.0,
            low: 0.0,
            high: 1.0,
            whole: true,
        }]
    }

    fn with(&self, values: &[f64]) -> Option<Box<dyn Discrepancy>> {
        Some(Box::new(Self { ranks: *values.first()? > 0.0 }))
    }

    fn symmetric(&self) -> bool {
        true
    }

    fn most(&self) -> f64 {
        2.0
    }

    fn shape(&self) -> Shape {
        Shape::Vector
    }

    fn prepare<'a>(
        &self,
        internal: &'a Sample,
        external: &'a Sample,
    ) -> Result<Box<dyn Prepared + 'a>, DiscrepancyError> {
        vectors::check(NAME, 2, internal, external)?;
        let [internal, external] = [internal, external].map(|sample| Side::of(sample, self.ranks));
        let ones = vec![1.0; external.users];
        if external.correlations(&ones).is_none_or(|rho| rho.iter().all(Option::is_none)) {
            let why = "fewer than two of its coordinates vary";
            return Err(DiscrepancyError::Undefined { discrepancy: NAME, side: "external", why });
        }
        Ok(Box::new(Sides { internal, external }))
    }
}

struct Sides {
    internal: Side,
    external: Side,
}

impl Prepared for Sides {
    fn value(&self, internal: &[f64], external: &[f64]) -> Option<f64> {
        let p = self.internal.correlations(internal)?;
        let q = self.external.correlations(external)?;
        let gaps = p.iter().zip(&q).filter_map(|(p, q)| Some((p.unwrap_or(0.0) - (*q)?).abs()));
        let (sum, pairs) = gaps.fold((0.0, 0.0), |(sum, pairs), gap| (sum + gap, pairs + 1.0));
        (pairs > 0.0).then(|| sum / pairs)
    }
}

/// One side.
struct Side {
    width: usize,
    users: usize,
    owners: Owners,
    /// Coordinates standardised by their own mean and standard deviation, row-major.
    rows: Vec<f64>,
    /// One a coordinate; empty where no ranks are taken.
    ranks: Vec<Ranks>,
}

impl Side {
    fn of(sample: &Sample, ranks: bool) -> Self {
        let width = sample.width;
        let mut side = Self {
            width,
            users: sample.users,
            owners: Owners::of(sample, 0..sample.rows()),
            rows: vec![0.0; sample.values.len()],
            ranks: Vec::new(),
        };
        for c in 0..width {
            let column: Vec<f64> = sample.values.iter().skip(c).step_by(width).copied().collect();
            let (mean, sd) = mean_and_sd(&column, None);
            let scale = if sd > 0.0 { sd } else { 1.0 };
            let cells = side.rows.iter_mut().skip(c).step_by(width);
            cells.zip(&column).for_each(|(cell, value)| *cell = (value - mean) / scale);
            if ranks {
                side.ranks.push(Ranks::of(&column));
            }
        }
        side
    }

    /// The correlation of each pair, none where a coordinate does not vary.
    fn correlations(&self, weights: &[f64]) -> Option<Vec<Option<f64>>> {
        let shares = self.owners.shares(weights)?;
        if self.ranks.is_empty() {
            return Some(correlations(&self.rows, self.width, &shares));
        }
        let mut rows = vec![0.0; self.rows.len()];
        for (c, ranks) in self.ranks.iter().enumerate() {
            // The mean rank of tied rows, as a share of all rows, about its mean.
            ranks.each(&shares, |row, below, upto| {
                if let Some(cell) = rows.get_mut(row * self.width + c) {
                    *cell = 0.5 * (below + upto) - 0.5;
                }
            });
        }
        Some(correlations(&rows, self.width, &shares))
    }
}

/// Weighted sums of the coordinates of rows and of their products, the latter a lower triangle with
/// the diagonal, row after row.
struct Moments<'a> {
    rows: &'a [f64],
    width: usize,
    shares: &'a [f64],
}

impl Kernel for Moments<'_> {
    type Output = (Vec<f64>, Vec<f64>);

    #[inline(always)]
    fn work(self) -> Self::Output {
        let width = self.width;
        let mut means = vec![0.0; width];
        let mut products = vec![0.0; width * (width + 1) / 2];
        for (row, &share) in self.rows.chunks_exact(width.max(1)).zip(self.shares) {
            if share == 0.0 {
                continue;
            }
            let mut rest = &mut products[..];
            for (a, (x, mean)) in row.iter().zip(&mut means).enumerate() {
                let x = share * x;
                *mean += x;
                let (products, others) = rest.split_at_mut(a + 1);
                products.iter_mut().zip(row).for_each(|(product, y)| *product += x * y);
                rest = others;
            }
        }
        (means, products)
    }
}

/// Pearson's correlations of rows with the given shares, in the order of [`vectors::pairs`].
fn correlations(rows: &[f64], width: usize, shares: &[f64]) -> Vec<Option<f64>> {
    let (means, products) = wide::run(Moments { rows, width, shares });
    let at = |a: usize, b: usize| products.get(a * (a + 1) / 2 + b).copied().unwrap_or(0.0);
    let sd: Vec<f64> =
        means.iter().enumerate().map(|(a, &mean)| variance([1.0, mean, at(a, a)]).sqrt()).collect();
    let correlation = |(a, b): (usize, usize)| {
        let spread = sd[a] * sd[b];
        (spread > 0.0).then(|| ((at(a, b) - means[a] * means[b]) / spread).clamp(-1.0, 1.0))
    };
    vectors::pairs(width).map(correlation).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(values: &[f64], width: usize) -> Sample {
        let users = values.len() / width;
        let user = (0..users as u32).collect();
        Sample { shape: Shape::Vector, width, values: values.to_vec(), user, users, categories: 0 }
    }

    #[test]
    fn values_by_hand() {
        // Deviations (-1, 0, 1) and (0, -1, 1): Pearson 1/2; ranks (1, 2, 3) and (2, 1, 3): 1/2.
        let half = rows(&[1.0, 5.0, 2.0, 4.0, 3.0, 6.0], 2);
        let whole = rows(&[0.0, 0.0, 1.0, 1.0, 9.0, 81.0], 2);
        let spearman = CorrelationDistance { ranks: true };
        assert!((spearman.value(&half, &whole).unwrap() - 0.5).abs() < 1e-15);
        let flat = rows(&[1.0, 1.0, 1.0, 2.0], 2);
        let pearson = CorrelationDistance::default();
        assert!((pearson.value(&flat, &half).unwrap() - 0.5).abs() < 1e-15);
        assert!(matches!(pearson.value(&half, &flat), Err(DiscrepancyError::Undefined { .. })));
        // A third coordinate that is constant among the external rows takes part in no pair.
        let third = |sample: &Sample, value: f64| {
            let values: Vec<f64> =
                sample.values.chunks(2).flat_map(|row| [row[0], row[1], value]).collect();
            rows(&values, 3)
        };
        let value = spearman.value(&third(&half, 1.0), &third(&whole, 2.0)).unwrap();
        assert!((value - 0.5).abs() < 1e-15);
        assert!(pearson.value(&rows(&[1.0, 2.0], 1), &rows(&[1.0, 2.0], 1)).is_err());
    }
}
