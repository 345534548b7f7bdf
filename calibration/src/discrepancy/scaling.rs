//! Centre and scale of each coordinate of rows of several numbers: mean and standard deviation (n).

use super::Weighted;
use super::user_sums::mean_and_sd;
use crate::sample::Sample;

/// Centre and scale of each coordinate. One without spread is only centred.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scaling {
    mean: Vec<f64>,
    scale: Vec<f64>,
}

impl Scaling {
    /// From the rows of all samples together, which have one width.
    pub(crate) fn of_samples(samples: &[&Sample]) -> Self {
        let width = samples.iter().map(|sample| sample.width).min().unwrap_or(0);
        let column = |c: usize| {
            samples.iter().flat_map(move |s| s.values.iter().skip(c).step_by(s.width)).copied()
        };
        Self::of((0..width).map(|c| mean_and_sd(&column(c).collect::<Vec<_>>(), None)))
    }

    /// From weighted rows.
    pub(crate) fn of_points(points: Weighted<'_>) -> Self {
        let column = |c: usize| points.values.iter().skip(c).step_by(points.width).copied();
        let moments = |c: usize| mean_and_sd(&column(c).collect::<Vec<_>>(), points.weights);
        Self::of((0..points.width).map(moments))
    }

    fn of(moments: impl Iterator<Item = (f64, f64)>) -> Self {
        // Rounding leaves a trace of spread in a constant column; it is no unit to divide by.
        let is_spread = |mean: f64, sd: f64| sd.is_finite() && sd > 1e-12 * mean.abs();
        let unit = |(mean, sd)| (mean, if is_spread(mean, sd) { sd } else { 1.0 });
        let (mean, scale) = moments.map(unit).unzip();
        Self { mean, scale }
    }

    /// Numbers a row.
    pub(crate) fn width(&self) -> usize {
        self.mean.len()
    }

    /// A row in standard deviations from the mean.
    pub(crate) fn standardised(&self, row: &[f64]) -> impl Iterator<Item = f64> {
        let scaled = row.iter().zip(&self.mean).zip(&self.scale);
        scaled.map(|((value, mean), scale)| (value - mean) / scale)
    }
}
