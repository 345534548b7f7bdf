//! How close users come to their closest training user.

use serde::{Deserialize, Serialize};

use super::Estimate;
use crate::neighbours::Nearest;

/// Distances of some users to the training users, in standard deviations of the real users.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Records {
    /// Median distance to the closest training user.
    pub distance: Estimate,
    /// The distance that a twentieth of the users stays below.
    pub low_distance: Estimate,
    /// Median ratio of the distance to the closest over that to the second closest training user:
    /// near 0 where users are drawn to single training users (Zhao, Kunar, Birke and Chen,
    /// *CTAB-GAN*, ACML 2021, give it for simulated tables). 1 where both distances are 0.
    pub ratio: Estimate,
    /// Share of users that are equal to a training user in all digits that are kept, about seven.
    pub equal: Estimate,
}

impl Records {
    pub(super) fn of(nearest: &[Nearest]) -> Self {
        let sorted = |number: fn(&Nearest) -> f64| {
            let mut numbers: Vec<f64> = nearest.iter().map(number).collect();
            numbers.sort_by(f64::total_cmp);
            numbers
        };
        let distances = sorted(|nearest| f64::from(nearest.first).sqrt());
        let ratios = sorted(|nearest| {
            let ratio = f64::from(nearest.first) / f64::from(nearest.second);
            if ratio.is_nan() { 1.0 } else { ratio.sqrt() }
        });
        let equal = distances.iter().filter(|distance| **distance == 0.0).count();
        Self {
            distance: quantile(&distances, 0.5),
            low_distance: quantile(&distances, 0.05),
            ratio: quantile(&ratios, 0.5),
            equal: share(equal, distances.len()),
        }
    }
}

/// A quantile with the order statistics between which it lies with probability 95%, by the normal
/// approximation to their binomial ranks (Conover, *Practical nonparametric statistics*, 1999).
fn quantile(sorted: &[f64], p: f64) -> Estimate {
    let n = sorted.len() as f64;
    let last = sorted.len().saturating_sub(1);
    let at = |rank: f64| sorted.get((rank.max(0.0) as usize).min(last)).copied().unwrap_or(0.0);
    let spread = 1.96 * (n * p * (1.0 - p)).sqrt();
    let value = crate::evaluate::bootstrap::quantile(sorted, p).unwrap_or(0.0);
    // The r-th order statistic has index r - 1.
    let interval = [at((n * p - spread).floor() - 1.0), at((n * p + spread).ceil())];
    Estimate { value, interval: [interval[0].min(value), interval[1].max(value)] }
}

/// A share with Wilson's interval of 95%.
fn share(count: usize, of: usize) -> Estimate {
    let value = count as f64 / of.max(1) as f64;
    Estimate { value, interval: wilson(value, of, 1.959_963_984_540_054) }
}

/// Wilson's interval of a share of so many, `z` standard deviations wide on each side (*Probable
/// inference, the law of succession, and statistical inference*, Journal of the American Statistical
/// Association 22, 1927).
pub(crate) fn wilson(value: f64, of: usize, z: f64) -> [f64; 2] {
    let n = of.max(1) as f64;
    let centre = (value + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (value * (1.0 - value) / n + z * z / (4.0 * n * n)).sqrt();
    [(centre - half).clamp(0.0, value), (centre + half).clamp(value, 1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `statsmodels.stats.proportion.proportion_confint(7, 40, method="wilson")`
    /// of statsmodels 0.15.
    #[test]
    fn wilson_agrees_with_statsmodels() {
        let found = share(7, 40);
        assert_eq!(found.value, 0.175);
        assert!((found.interval[0] - WILSON[0]).abs() < 1e-12, "{found:?}");
        assert!((found.interval[1] - WILSON[1]).abs() < 1e-12, "{found:?}");
        assert_eq!(share(0, 9).interval[0], 0.0);
        assert_eq!(share(9, 9).interval[1], 1.0);
    }

    const WILSON: [f64; 2] = [0.0874541374603592, 0.3194999033178772];

    #[test]
    fn a_median_lies_between_order_statistics() {
        let sorted: Vec<f64> = (1..=100).map(f64::from).collect();
        // Ranks 50 -+ 1.96 x 5: the 40th and the 61st.
        let median = quantile(&sorted, 0.5);
        assert_eq!(median, Estimate { value: 50.5, interval: [40.0, 61.0] });
        assert_eq!(quantile(&[2.0], 0.05), Estimate { value: 2.0, interval: [2.0, 2.0] });
    }
}
