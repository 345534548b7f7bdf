//! The interquartile mean along training, with a pointwise band.
//!
//! At every iteration that at least one run of every task has reached, the IQM of the runs that have.
//! No run is carried on beyond its end: a run that stopped counts until it stopped, and
//! [`CurvePoint::runs`] says how many are left. Source: Agarwal et al. (2021), section 4.

use std::collections::{BTreeMap, BTreeSet};

use trueup_env::Streams;

use super::aggregate::Aggregate;
use super::bootstrap::{Bootstrap, Estimate};
use super::scores::{Scores, SeedsError};

/// One run: (iteration, value), in any order; of an iteration that comes twice the later entry
/// counts.
pub type Curve = Vec<(u64, f64)>;

/// The runs of all tasks at one iteration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurvePoint {
    /// Iteration.
    pub iteration: u64,
    /// IQM over runs and tasks.
    pub iqm: Estimate,
    /// Number of runs, of all tasks together.
    pub runs: usize,
}

impl Bootstrap {
    /// The learning curve of runs by task. Where the same runs are there, all points draw the same
    /// ones, so that the band is as smooth as the curves.
    ///
    /// # Errors
    /// No task, a task without a run, or a value that is not finite.
    pub fn learning_curve(
        &self,
        tasks: &[Vec<Curve>],
        streams: &Streams,
    ) -> Result<Vec<CurvePoint>, SeedsError> {
        if tasks.is_empty() {
            return Err(SeedsError::Empty);
        }
        if let Some(task) = tasks.iter().position(Vec::is_empty) {
            return Err(SeedsError::NoRun { task });
        }
        let by_iteration = |curve: &Curve| curve.iter().copied().collect::<BTreeMap<u64, f64>>();
        let tasks: Vec<Vec<_>> =
            tasks.iter().map(|runs| runs.iter().map(by_iteration).collect()).collect();
        let iterations: BTreeSet<u64> =
            tasks.iter().flatten().flat_map(|run| run.keys().copied()).collect();
        let mut points = Vec::new();
        for iteration in iterations {
            check(&tasks, iteration)?;
            let reached = |runs: &Vec<BTreeMap<u64, f64>>| {
                runs.iter().filter_map(|run| run.get(&iteration).copied()).collect::<Vec<f64>>()
            };
            let here: Vec<Vec<f64>> = tasks.iter().map(reached).collect();
            if here.iter().any(Vec::is_empty) {
                continue;
            }
            let runs = here.iter().map(Vec::len).sum();
            let iqm = self.aggregate(&Scores::new(here)?, Aggregate::Iqm, streams);
            points.push(CurvePoint { iteration, iqm, runs });
        }
        Ok(points)
    }
}

/// Refuses what is not finite, by the place of its run among all runs of the task.
fn check(tasks: &[Vec<BTreeMap<u64, f64>>], iteration: u64) -> Result<(), SeedsError> {
    for (task, runs) in tasks.iter().enumerate() {
        for (run, curve) in runs.iter().enumerate() {
            match curve.get(&iteration) {
                Some(&value) if !value.is_finite() => {
                    return Err(SeedsError::NotFinite { task, run, value });
                }
                _ => {}
            }
        }
    }
    Ok(())
}
