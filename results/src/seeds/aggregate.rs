//! One number for all runs and tasks.
//!
//! With scores `x[m][n]` of task `m` and run `n`, `mean_m` the mean of task `m`:
//!
//! ```text
//! mean            mean over m of mean_m
//! median          median over m of mean_m
//! IQM             mean of the middle half of all runs
//! optimality gap  gamma - mean over m of the mean over n of min(x[m][n], gamma)
//! ```
//!
//! Source: Agarwal et al. (2021), section 4.3. The interquartile mean cuts whole runs, as long as
//! those cut weigh no more than a quarter at either end, which for equal numbers of runs is
//! `scipy.stats.trim_mean(x, 0.25)`. It moves less with outliers than the mean, and is less uncertain
//! than the median, which ignores all scores but one or two.

use super::scores::mean;

/// Which number sums up all runs and tasks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aggregate {
    /// Interquartile mean.
    Iqm,
    /// Mean of the means of tasks.
    Mean,
    /// Median of the means of tasks.
    Median,
    /// How far the scores fall short of `gamma`, where any excess counts for nothing; smaller is
    /// better.
    OptimalityGap {
        /// The score that is good enough.
        gamma: f64,
    },
}

impl Aggregate {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Iqm => "iqm",
            Self::Mean => "mean",
            Self::Median => "median",
            Self::OptimalityGap { .. } => "optimality-gap",
        }
    }

    /// The number, of scores by task and run, none of which is empty.
    pub(super) fn of(self, tasks: &[Vec<f64>]) -> f64 {
        let means = || tasks.iter().map(|runs| mean(runs)).collect::<Vec<f64>>();
        match self {
            Self::Iqm => over_tasks(tasks),
            Self::Mean => mean(&means()),
            Self::Median => median(means()),
            Self::OptimalityGap { gamma } => {
                let capped = |runs: &Vec<f64>| runs.iter().map(|x| x.min(gamma)).sum::<f64>();
                let reached = tasks.iter().map(|runs| capped(runs) / runs.len() as f64);
                gamma - mean(&reached.collect::<Vec<f64>>())
            }
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match (values.get(half.wrapping_sub(1)), values.get(half)) {
        (Some(below), Some(above)) if values.len().is_multiple_of(2) => (below + above) / 2.0,
        (_, Some(middle)) => *middle,
        _ => f64::NAN,
    }
}

/// The interquartile mean of the runs of a single task; none where there is no run.
pub fn iqm(runs: &[f64]) -> Option<f64> {
    (!runs.is_empty()).then(|| over_tasks(&[runs.to_vec()]))
}

/// Runs weigh 1 / (runs of their task), so that tasks weigh the same.
fn over_tasks(tasks: &[Vec<f64>]) -> f64 {
    let weighed = |runs: &Vec<f64>| {
        let weight = 1.0 / runs.len() as f64;
        runs.iter().map(|&x| (x, weight)).collect::<Vec<_>>()
    };
    let mut runs: Vec<(f64, f64)> = tasks.iter().flat_map(weighed).collect();
    runs.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    // A quarter of the runs is just a quarter, whatever the rounding of the weights.
    let quarter = 0.25 * tasks.len() as f64 * (1.0 + 1e-9);
    let cut = |weights: &mut dyn Iterator<Item = f64>| {
        weights
            .scan(0.0, |sum, weight| {
                *sum += weight;
                Some(*sum)
            })
            .take_while(|&sum| sum <= quarter)
            .count()
    };
    let low = cut(&mut runs.iter().map(|run| run.1));
    let high = cut(&mut runs.iter().rev().map(|run| run.1));
    let middle = runs.get(low..runs.len() - high).unwrap_or_default();
    let (sum, weight) =
        middle.iter().fold((0.0, 0.0), |(sum, total), &(x, w)| (sum + w * x, total + w));
    sum / weight
}
