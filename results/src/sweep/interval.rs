//! The objective of a trial with its interval over seeds: the same numbers wherever they are shown.

use trueup_env::Streams;

use crate::seeds::{Aggregate, Bootstrap, Estimate, Scores};

/// Interquartile mean over seeds of the objective of the trial at this place in the plan, with its
/// 95% bootstrap interval; none where no seed has a value.
pub fn objective_over_seeds(values: &[f64], index: usize) -> Option<Estimate> {
    let scores = Scores::new(vec![values.to_vec()]).ok()?;
    let streams = Streams::new(0).child("sweep-report", 0).child("objective", index as u64);
    Some(Bootstrap::default().aggregate(&scores, Aggregate::Iqm, &streams))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_is_the_trimmed_mean_and_lies_in_its_interval() {
        // scipy 1.17.1: trim_mean([1, 2, 6, 7, 50], 0.25) = 5.
        let estimate = objective_over_seeds(&[50.0, 1.0, 2.0, 6.0, 7.0], 3).unwrap();
        let [low, high] = estimate.ci.unwrap();
        assert!((estimate.value - 5.0).abs() < 1e-12 && low < 5.0 && 5.0 < high);
        assert_eq!(objective_over_seeds(&[4.0], 0).unwrap().ci, None);
        assert_eq!(objective_over_seeds(&[], 0), None);
        assert_eq!(objective_over_seeds(&[f64::NAN], 0), None);
    }
}
