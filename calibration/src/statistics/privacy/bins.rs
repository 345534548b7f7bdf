//! Histograms between public bounds, and the way back from noisy ones to distributions.

use super::super::{Distribution, GRID};

/// Bins of an axis. Values beyond the bounds count in the outermost bin.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bins {
    /// Bin b holds `edges[b] <= x < edges[b + 1]`; at least two, ascending.
    edges: Vec<f64>,
    /// Whether values are whole numbers: then edges are too, and the upper bound is the last edge
    /// less 1.
    whole: bool,
}

impl Bins {
    /// Equal bins of real numbers.
    pub(super) fn real(low: f64, high: f64, count: usize) -> Self {
        let step = (high - low) / count.max(1) as f64;
        let mut edges: Vec<f64> = (0..count.max(1)).map(|i| low + i as f64 * step).collect();
        edges.push(high);
        Self { edges, whole: false }
    }

    /// One bin a whole number, or, where that would be more than `most`, bins that grow
    /// geometrically from `low` on: counts are dense near their lower end.
    pub(super) fn whole(low: f64, high: f64, most: usize) -> Self {
        let (low, n) = (low.floor(), (high.floor() - low.floor()).max(0.0) + 1.0);
        let count = most.max(1).min(n as usize);
        let mut edges = vec![low];
        let mut last = 0.0;
        for i in 1..=count {
            let grown = if n as usize <= most { i as f64 } else { n.powf(i as f64 / count as f64) };
            // The bins that are left keep at least one number each.
            last = grown.floor().clamp(last + 1.0, n - (count - i) as f64);
            edges.push(low + last);
        }
        Self { edges, whole: true }
    }

    pub(super) fn len(&self) -> usize {
        self.edges.len() - 1
    }

    /// Lower ends of all bins and the upper end of the last.
    pub(super) fn edges(&self) -> &[f64] {
        &self.edges
    }

    /// The public bounds.
    pub(super) fn bounds(&self) -> [f64; 2] {
        let last = self.edges[self.len()];
        [self.edges[0], if self.whole { last - 1.0 } else { last }]
    }

    /// The bin of a value.
    pub(super) fn of(&self, x: f64) -> usize {
        self.edges.partition_point(|&edge| edge <= x).saturating_sub(1).min(self.len() - 1)
    }

    /// Whether x is the one value of its bin, or of one for real numbers.
    fn centre(&self, bin: usize) -> f64 {
        let (low, high) = (self.edges[bin], self.edges[bin + 1]);
        if self.whole { (low + high - 1.0) / 2.0 } else { (low + high) / 2.0 }
    }

    /// Variance of values that are spread evenly over a bin.
    fn variance(&self, bin: usize) -> f64 {
        let width = self.edges[bin + 1] - self.edges[bin];
        if self.whole { (width * width - 1.0) / 12.0 } else { width * width / 12.0 }
    }

    /// The value at a share of the mass of a bin.
    fn within(&self, bin: usize, share: f64) -> f64 {
        let (low, width) = (self.edges[bin], self.edges[bin + 1] - self.edges[bin]);
        if self.whole {
            low + ((share * width).ceil() - 1.0).clamp(0.0, width - 1.0)
        } else {
            low + share.clamp(0.0, 1.0) * width
        }
    }

    /// The smallest value with at least `share` of the mass at or below it.
    pub(super) fn quantile(&self, weights: &[f64], share: f64) -> Option<f64> {
        let total: f64 = weights.iter().sum();
        let target = share * total;
        let (mut below, mut found) = (0.0, None);
        for (bin, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
            found = Some((bin, ((target - below) / weight).clamp(0.0, 1.0)));
            below += weight;
            if below >= target {
                break;
            }
        }
        found.map(|(bin, share)| self.within(bin, share))
    }

    /// The distribution whose mass is `weights`, spread evenly over each bin; none without mass.
    pub(super) fn distribution(&self, weights: &[f64]) -> Option<Distribution> {
        let total: f64 = weights.iter().sum();
        let quantile = |i: usize| self.quantile(weights, i as f64 / (GRID - 1) as f64);
        let quantiles = (0..GRID).map(quantile).collect::<Option<Vec<f64>>>()?;
        let mean = self.mean_of(weights, |x| x) / total;
        let square = |bin: usize| (self.centre(bin) - mean).powi(2) + self.variance(bin);
        let variance: f64 = (0..self.len()).map(|bin| weights[bin] * square(bin)).sum();
        Some(Distribution { quantiles, mean, sd: (variance.max(0.0) / total).sqrt() })
    }

    /// The sum over bins of weight times a function of the centre.
    pub(super) fn mean_of(&self, weights: &[f64], f: impl Fn(f64) -> f64) -> f64 {
        weights.iter().enumerate().map(|(bin, weight)| weight * f(self.centre(bin))).sum()
    }

    /// The distribution of a function that ascends: of each quantile, with moments of the grid.
    pub(super) fn image(&self, weights: &[f64], f: impl Fn(f64) -> f64) -> Option<Distribution> {
        let quantiles = self.distribution(weights)?.quantiles.into_iter().map(f).collect();
        Some(of_grid(quantiles))
    }
}

/// A distribution by its quantiles alone: the mass between two is spread evenly between them.
pub(super) fn of_grid(quantiles: Vec<f64>) -> Distribution {
    let n = quantiles.len().saturating_sub(1).max(1) as f64;
    let pairs = || quantiles.windows(2);
    let mean = pairs().map(|p| (p[0] + p[1]) / 2.0).sum::<f64>() / n;
    let square = |p: &[f64]| ((p[0] + p[1]) / 2.0 - mean).powi(2) + (p[1] - p[0]).powi(2) / 12.0;
    let variance = pairs().map(square).sum::<f64>() / n;
    Distribution { mean, sd: variance.sqrt(), quantiles }
}

/// The numbers of at least 0 that add up to `total` and are closest to `noisy` in squares:
/// `max(x - theta, 0)`. It sets to 0 what is noise around empty bins, where cutting each bin at 0
/// would leave mass (`Norm-Sub` in Wang et al., *Locally Differentially Private Frequency
/// Estimation with Consistency*, NDSS 2020). It looks at nothing but noisy numbers, so it costs no
/// privacy.
pub(super) fn consistent(noisy: &[f64], total: f64) -> Vec<f64> {
    if total <= 0.0 {
        return vec![0.0; noisy.len()];
    }
    let mut sorted = noisy.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let (mut sum, mut theta) = (0.0, 0.0);
    for (i, &x) in sorted.iter().enumerate() {
        sum += x;
        let shift = (sum - total) / (i + 1) as f64;
        if x <= shift {
            break;
        }
        theta = shift;
    }
    noisy.iter().map(|&x| (x - theta).max(0.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_hold_what_lies_between_their_edges() {
        let bins = Bins::real(0.0, 1.0, 4);
        assert_eq!(
            [-1.0, 0.0, 0.24, 0.25, 0.99, 1.0, 9.0].map(|x| bins.of(x)),
            [0, 0, 0, 1, 3, 3, 3]
        );
        let bins = Bins::whole(0.0, 5.0, 64);
        assert_eq!((bins.len(), bins.bounds()), (6, [0.0, 5.0]));
        assert_eq!([0.0, 3.0, 5.0, 77.0].map(|x| bins.of(x)), [0, 3, 5, 5]);
        for (high, most) in [(63.0, 64), (64.0, 64), (1000.0, 16), (9.0, 9), (0.0, 5)] {
            let bins = Bins::whole(0.0, high, most);
            assert!(bins.edges.windows(2).all(|pair| pair[0] < pair[1]), "{high} {most}");
            assert!(bins.len() <= most && bins.bounds() == [0.0, high], "{:?}", bins.edges);
        }
    }

    /// With a bin a value, quantiles, mean and standard deviation are those of the values.
    #[test]
    fn whole_numbers_come_back_exactly() {
        let values: Vec<f64> = [0.0; 7].into_iter().chain([1.0; 5]).chain([4.0; 3]).collect();
        let bins = Bins::whole(0.0, 9.0, 20);
        let mut counts = vec![0.0; bins.len()];
        values.iter().for_each(|&x| counts[bins.of(x)] += 1.0);
        let [found, wanted] =
            [bins.distribution(&counts), Distribution::of(&values)].map(Option::unwrap);
        assert_eq!(found.quantiles, wanted.quantiles);
        assert!((found.mean - wanted.mean).abs() < 1e-12 && (found.sd - wanted.sd).abs() < 1e-12);
        assert_eq!(bins.distribution(&vec![0.0; bins.len()]), None);
    }

    /// A uniform distribution in equal bins: quantiles are shares, the sd is 1 / sqrt(12).
    #[test]
    fn real_numbers_are_spread_over_their_bins() {
        let found = Bins::real(0.0, 1.0, 8).distribution(&[2.0; 8]).unwrap();
        for (i, q) in found.quantiles.iter().enumerate() {
            assert!((q - i as f64 / 512.0).abs() < 1e-12);
        }
        assert!(
            (found.mean - 0.5).abs() < 1e-12 && (found.sd - (1.0f64 / 12.0).sqrt()).abs() < 1e-12
        );
        let grid = of_grid(found.quantiles.clone());
        assert!((grid.mean - 0.5).abs() < 1e-12 && (grid.sd - found.sd).abs() < 1e-9);
    }

    /// Against the conditions of the closest point: sum, sign, and one shift for all that is
    /// positive which is at least what the others would need.
    #[test]
    fn consistent_numbers_are_the_closest() {
        assert_eq!(consistent(&[3.0, 0.0, 5.0], 8.0), [3.0, 0.0, 5.0]);
        assert_eq!(consistent(&[3.0, -1.0], 0.0), [0.0, 0.0]);
        assert_eq!(consistent(&[], 2.0), Vec::<f64>::new());
        let mut stream = trueup_env::Streams::new(8).stream("noisy", 0);
        for total in [0.5, 12.0, 300.0] {
            let noisy: Vec<f64> = (0..40).map(|_| 20.0 * stream.uniform() - 12.0).collect();
            let found = consistent(&noisy, total);
            assert!((found.iter().sum::<f64>() - total).abs() < 1e-9);
            let first = found.iter().position(|x| *x > 0.0).unwrap();
            let theta = noisy[first] - found[first];
            for (x, y) in noisy.iter().zip(&found) {
                assert!((x - theta).max(0.0) - y < 1e-9 && y - (x - theta).max(0.0) < 1e-9);
            }
        }
    }
}
