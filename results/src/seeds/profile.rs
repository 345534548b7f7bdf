//! Performance profiles: the share of runs, or of tasks, that score above every threshold.
//!
//! ```text
//! run scores      F(tau) = mean over tasks of the share of runs with x > tau
//! average scores  F(tau) = share of tasks with mean_m > tau
//! ```
//!
//! Source: Dolan and More, *Benchmarking optimization software with performance profiles*,
//! Mathematical Programming 91, 2002; of scores in Agarwal et al. (2021), section 4.2. The profile of
//! run scores is unbiased for any number of runs; that of average scores is not. Where one profile
//! lies above another at all thresholds, the method is better in every quantile. Bands are pointwise:
//! they hold at each threshold, not at all at once.

use trueup_env::Streams;

use super::bootstrap::{Bootstrap, Estimate};
use super::scores::{Scores, mean};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Runs above the threshold.
    RunScores,
    /// Tasks whose mean is above the threshold.
    AverageScores,
}

impl Profile {
    /// The profile at each threshold, with its pointwise band.
    pub fn at(
        self,
        thresholds: &[f64],
        scores: &Scores,
        bootstrap: &Bootstrap,
        streams: &Streams,
    ) -> Vec<Estimate> {
        let values = |sides: &[&[Vec<f64>]]| {
            sides.first().map_or_else(Vec::new, |tasks| self.of(tasks, thresholds))
        };
        bootstrap.estimates(&[scores], streams, values)
    }

    /// The profile of scores by task and run.
    pub(super) fn of(self, tasks: &[Vec<f64>], thresholds: &[f64]) -> Vec<f64> {
        let above = |values: &[f64], tau: f64| {
            values.iter().filter(|&&x| x > tau).count() as f64 / values.len() as f64
        };
        let means: Vec<f64> = tasks.iter().map(|runs| mean(runs)).collect();
        let share = |&tau: &f64| match self {
            Self::AverageScores => above(&means, tau),
            Self::RunScores => {
                mean(&tasks.iter().map(|runs| above(runs, tau)).collect::<Vec<f64>>())
            }
        };
        thresholds.iter().map(share).collect()
    }
}
