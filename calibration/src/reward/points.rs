//! Weighted points: how rewards hold a one-dimensional distribution. Bounded in size, so that a
//! refit costs the same however many users were simulated.

use super::StateError;
use crate::discrepancy::Weighted;
use crate::statistics::Distribution;

/// The most points of a compressed distribution.
pub(super) const LIMIT: usize = 256;

/// A distribution on the line: values ascending, weights of sum 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Points {
    pub values: Vec<f64>,
    pub weights: Vec<f64>,
}

impl Points {
    /// Merges equal values, and then, if more than [`LIMIT`] are left, those whose middle
    /// cumulative share falls into the same 1/256th, at their mean. Mass and mean are kept
    /// exactly, a value as heavy as a few 256ths stays itself, and no mass moves further than its
    /// own 256th. Empty without mass.
    pub fn compress(mut pairs: Vec<(f64, f64)>) -> Self {
        pairs.retain(|pair| pair.1 > 0.0);
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let total: f64 = pairs.iter().map(|pair| pair.1).sum();
        let mass = |group: &[(f64, f64)]| group.iter().map(|pair| pair.1).sum::<f64>() / total;
        let distinct: Vec<(f64, f64)> =
            pairs.chunk_by(|a, b| a.0 == b.0).map(|group| (group[0].0, mass(group))).collect();
        if distinct.len() <= LIMIT {
            let (values, weights) = distinct.into_iter().unzip();
            return Self { values, weights };
        }
        let mut points = Self::default();
        let (mut below, mut bin) = (0.0, usize::MAX);
        let (mut sum, mut weight) = (0.0, 0.0);
        for (value, share) in distinct {
            let own = (((below + share / 2.0) * LIMIT as f64) as usize).min(LIMIT - 1);
            if own != bin && weight > 0.0 {
                points.push(sum / weight, weight);
                (sum, weight) = (0.0, 0.0);
            }
            bin = own;
            sum += value * share;
            weight += share;
            below += share;
        }
        points.push(sum / weight, weight);
        points
    }

    /// Points as they were saved.
    ///
    /// # Errors
    /// Numbers that are no distribution.
    pub fn restored(values: Vec<f64>, weights: Vec<f64>) -> Result<Self, StateError> {
        let sum: f64 = weights.iter().sum();
        let whole = values.is_empty() || (sum - 1.0).abs() < 1e-6;
        let sound = values.len() == weights.len()
            && values.iter().all(|value| value.is_finite())
            && values.is_sorted()
            && weights.iter().all(|weight| *weight >= 0.0)
            && whole;
        let wrong = || StateError("a memory in it is no distribution".into());
        sound.then_some(Self { values, weights }).ok_or_else(wrong)
    }

    fn push(&mut self, value: f64, weight: f64) {
        self.values.push(value);
        self.weights.push(weight);
    }

    /// Equally weighted values, compressed.
    pub fn of(values: &[f64]) -> Self {
        Self::compress(values.iter().map(|&value| (value, 1.0)).collect())
    }

    /// A quantile grid of the statistics as points.
    pub fn of_distribution(distribution: &Distribution) -> Self {
        let (values, weights) = distribution.points();
        Self { values, weights }
    }

    /// Shares of categories 0, 1, ... ; empty without rows.
    pub fn of_counts(counts: &[f64]) -> Self {
        let total: f64 = counts.iter().sum();
        if total <= 0.0 {
            return Self::default();
        }
        Self {
            values: (0..counts.len()).map(|category| category as f64).collect(),
            weights: counts.iter().map(|count| count / total).collect(),
        }
    }

    /// The mixture `(1 - share) self + share other`, not compressed.
    pub fn mixed(&self, other: &Self, share: f64) -> Vec<(f64, f64)> {
        let part = |points: &Self, share: f64| -> Vec<(f64, f64)> {
            points.pairs().map(|(value, weight)| (value, weight * share)).collect()
        };
        let mut pairs = part(self, 1.0 - share);
        pairs.extend(part(other, share));
        pairs
    }

    fn pairs(&self) -> impl Iterator<Item = (f64, f64)> {
        self.values.iter().copied().zip(self.weights.iter().copied())
    }

    /// Whether there is no mass.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The mean of a function.
    pub fn mean_of(&self, f: impl Fn(f64) -> f64) -> f64 {
        self.pairs().map(|(value, weight)| f(value) * weight).sum()
    }

    /// Mean and standard deviation (n).
    pub fn mean_and_sd(&self) -> (f64, f64) {
        let mean = self.mean_of(|x| x);
        (mean, self.mean_of(|x| (x - mean) * (x - mean)).max(0.0).sqrt())
    }

    /// As discrepancies see them.
    pub fn weighted(&self) -> Weighted<'_> {
        Weighted::new(&self.values, &self.weights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_are_kept_as_they_are() {
        let points = Points::of(&[2.0, 1.0, 2.0, 5.0]);
        assert_eq!(points.values, [1.0, 2.0, 5.0]);
        assert_eq!(points.weights, [0.25, 0.5, 0.25]);
        assert!(Points::of(&[]).is_empty());
    }

    #[test]
    fn many_values_keep_mass_mean_and_atoms() {
        let mut stream = trueup_env::Streams::new(5).stream("points", 0);
        let mut values: Vec<f64> = (0..4000).map(|_| -stream.uniform().ln()).collect();
        values.extend([0.5; 1000]);
        let points = Points::of(&values);
        assert!(points.values.len() <= LIMIT && points.values.is_sorted());
        assert!((points.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let mean = values.iter().sum::<f64>() / 5000.0;
        assert!((points.mean_of(|x| x) - mean).abs() < 1e-12);
        let heaviest = points.weights.iter().copied().fold(0.0, f64::max);
        assert!((heaviest - 0.2).abs() < 0.01, "{heaviest}");
        // No quantile moves further than a 256th of mass, so W1 is under the mean width of bins.
        let grid =
            crate::discrepancy::wasserstein::distance(points.weighted(), Weighted::equal(&values));
        assert!(grid.unwrap() < 0.01);
    }
}
