//! Figures of an update, for people.

use crate::learner::Seen;

/// Sums of [`Seen`] over an update.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    sums: [f64; NAMES.len()],
    loss: f64,
    count: f64,
}

/// Names of the means in `metrics.jsonl`.
const NAMES: [&str; 7] = [
    "approximate_kl",
    "clip_fraction",
    "entropy",
    "gradient_norm",
    "policy_loss",
    "value_loss",
    "anchor_kl",
];

impl Figures {
    /// Adds a step.
    pub fn add(&mut self, seen: &Seen) {
        let values = [
            seen.kl,
            seen.clip_fraction,
            seen.entropy,
            seen.gradient_norm,
            seen.policy_loss,
            seen.value_loss,
            seen.anchor,
        ];
        self.sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        self.loss += seen.loss;
        self.count += 1.0;
    }

    /// Means over the steps, and their number.
    pub fn metrics(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let count = self.count.max(1.0);
        let steps = [("update_steps", self.count)];
        NAMES.into_iter().zip(self.sums.map(|sum| sum / count)).chain(steps)
    }

    /// What is not a finite number, if anything.
    pub fn not_finite(&self, parameters: &[f32]) -> Option<&'static str> {
        if !self.loss.is_finite() {
            Some("the loss")
        } else if self.sums.iter().any(|sum| !sum.is_finite()) {
            Some("the gradient")
        } else if parameters.iter().any(|p| !p.is_finite()) {
            Some("a weight")
        } else {
            None
        }
    }
}

/// 1 - Var(returns - values) / Var(returns); 0 for returns without variance.
pub fn explained_variance(values: &[f32], returns: &[f32]) -> f64 {
    // About the mean, which starts at one of the numbers: equal ones have no variance at all.
    let variance = |x: Vec<f64>| {
        let (first, n) = (x.first().copied().unwrap_or(0.0), x.len().max(1) as f64);
        let mean = first + x.iter().map(|v| v - first).sum::<f64>() / n;
        x.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n
    };
    let errors = returns.iter().zip(values).map(|(&r, &v)| f64::from(r) - f64::from(v));
    let residual = variance(errors.collect());
    let total = variance(returns.iter().map(|&r| f64::from(r)).collect());
    if total > 0.0 { 1.0 - residual / total } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explained_variance_is_1_for_the_truth_and_0_for_a_constant() {
        let returns = [1.0, 2.0, 4.0];
        assert_eq!(explained_variance(&returns, &returns), 1.0);
        assert!(explained_variance(&[7.0; 3], &returns).abs() < 1e-12);
        assert_eq!(explained_variance(&[1.0], &[1.0]), 0.0);
    }

    #[test]
    fn what_is_not_finite_is_named() {
        let mut figures = Figures::default();
        figures.add(&Seen::default());
        assert_eq!(figures.not_finite(&[0.0]), None);
        assert_eq!(figures.not_finite(&[f32::NAN]), Some("a weight"));
        figures.add(&Seen { gradient_norm: f64::INFINITY, ..Seen::default() });
        assert_eq!(figures.not_finite(&[0.0]), Some("the gradient"));
        figures.add(&Seen { loss: f64::NAN, ..Seen::default() });
        assert_eq!(figures.not_finite(&[0.0]), Some("the loss"));
    }
}
