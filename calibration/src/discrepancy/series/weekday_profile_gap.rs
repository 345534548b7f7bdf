//! Gap of weekly profiles: on which days of the week do things happen?
//!
//! `D = 1/2 sum over k of |p_k - q_k|`, p_k being the share of phase k = tick modulo `period` in
//! the sum of the mean values of all phases. Both windows start together, so that with daily ticks
//! and a common date a phase is a weekday; with windows that start at a user's first event it is a
//! day after that. A simulation in which nothing happens has shares of 0.

use super::{Parameter, SeriesGap};

/// `weekday-profile-gap`.
pub const WEEKDAY_PROFILE_GAP: SeriesGap = SeriesGap {
    name: "weekday-profile-gap",
    title: "Gap of weekly profiles",
    definition: "1/2 sum |p_k - q_k|, p_k the share of phase k = tick mod period",
    reference: "Levin and Peres, Markov chains and mixing times, 2nd edition, 2017, chapter 4",
    parameters: &[Parameter {
        name: "period",
        meaning: "ticks after which the profile repeats",
        default: 7.0,
        low: 2.0,
        high: 366.0,
        whole: true,
    }],
    most: 1.0,
    values: [7.0, 0.0],
    fact: |series, values| profile(series, values[0] as usize),
};

/// Shares of the phases, times half their number: the mean absolute gap is then half the sum. None
/// where the shares are not those of something: negative or all 0.
fn profile(series: &[f64], period: usize) -> Option<Vec<f64>> {
    let mean = |phase: usize| {
        let (mut sum, mut count) = (0.0, 0.0_f64);
        for value in series.iter().skip(phase).step_by(period) {
            sum += value;
            count += 1.0;
        }
        sum / count.max(1.0)
    };
    let means: Vec<f64> = (0..period).map(mean).collect();
    let total: f64 = means.iter().sum();
    let sound = total > 0.0 && means.iter().all(|mean| *mean >= 0.0);
    let scale = period as f64 / 2.0;
    sound.then(|| means.iter().map(|mean| scale * mean / total).collect())
}

#[cfg(test)]
mod tests {
    use super::profile;

    #[test]
    fn values_by_hand() {
        // Phase 0 has 2 and 4, phase 1 has 1, phase 2 has 0.
        assert_eq!(profile(&[2.0, 1.0, 0.0, 4.0], 3), Some(vec![1.125, 0.375, 0.0]));
        assert_eq!(profile(&[0.0, 0.0], 7), None);
        assert_eq!(profile(&[-1.0, 2.0], 7), None);
    }
}
