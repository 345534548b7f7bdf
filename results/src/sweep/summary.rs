//! `summary.json` of a sweep: what every run gave, and what each trial gives over its seeds.
//!
//! It is a function of the plan and of the results: it holds no time and no machine, so that a sweep
//! that was interrupted, or ran elsewhere, ends with the same bytes.

use std::cmp::Ordering;
use std::path::Path;

use serde::{Deserialize, Serialize};
use trueup_calibration::panel::CalibratorPanel;

use super::objective::Objective;
use super::plan::{AxisValue, Phase, Plan, PlannedTrial, RunId};
use super::rungs::{self, Stop};
use super::state::{RunState, sweep_state};
use crate::error::ResultsError;
use crate::files::read_json;
use crate::report::heterogeneity_word;
use crate::seeds::iqm;
use crate::summary::Summary;
use crate::training::{TrainingSummary, is_training};

/// What a sweep gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepSummary {
    /// Name of the sweep.
    pub name: String,
    /// What trials are compared by.
    pub objective: Objective,
    /// The replications.
    pub seeds: Vec<u64>,
    /// One entry a trial, in the order of the plan.
    pub trials: Vec<TrialSummary>,
}

/// What a trial gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialSummary {
    /// Its id.
    pub trial: String,
    /// Why it is there.
    pub phase: Phase,
    /// What it sets.
    pub values: Vec<AxisValue>,
    /// Interquartile mean of the objective over the seeds that are done; none where there is none.
    pub objective: Option<f64>,
    /// Where it was stopped because others did better; none where it was not, or where nothing but
    /// its runs tells of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stop>,
    /// One entry a seed.
    pub runs: Vec<RunSummary>,
}

/// What a run gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// The seed.
    pub seed: u64,
    /// `done`, `failed`, `pruned`; `waiting` for whatever is not over.
    pub state: String,
    /// Why it failed; none otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The objective.
    pub objective: Option<f64>,
    /// Environment steps.
    pub env_steps: u64,
    /// What each calibrator gave; empty for training on a task.
    pub calibrators: Vec<CalibratorFigures>,
}

/// The figures of a calibrator that sum up its panel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibratorFigures {
    /// Its name.
    pub name: String,
    /// Median gap closed over the metrics that no reward optimised.
    pub gap_closed: Option<f64>,
    /// The same over features that no reward saw.
    pub gap_closed_unseen: Option<f64>,
    /// Mean excess over the noise floor.
    pub mean_excess: Option<f64>,
    /// AUC of a classifier against test users.
    pub c2st_auc: Option<f64>,
    /// Median multiple of the noise floor, over features that no reward saw where there are some.
    #[serde(default)]
    pub floor_multiple: Option<f64>,
    /// What became of how users differ: `kept`, `weakened`, `lost` or `overdone`.
    #[serde(default)]
    pub heterogeneity: Option<String>,
    /// Whether it repeats training users.
    #[serde(default)]
    pub copies: bool,
}

impl TrialSummary {
    /// Whether it was stopped before its end because others did better.
    pub fn is_pruned(&self) -> bool {
        let pruned = RunState::Pruned.name();
        self.stopped.is_some() || self.runs.iter().any(|run| run.state == pruned)
    }
}

impl SweepSummary {
    /// Reads what there is in the folder of a sweep.
    ///
    /// # Errors
    /// No plan, or a run that is done and whose summary does not parse.
    pub fn read(sweep: &Path) -> Result<Self, ResultsError> {
        let plan = Plan::read(sweep)?;
        let state = sweep_state(sweep, &plan);
        let decisions = rungs::read(sweep)?;
        let stops = rungs::stops(&decisions);
        let seeds = plan.header.seeds.clone();
        // Runs come seed by seed.
        let standing = |trial: usize, seed: usize| state.runs.get(seed * plan.trials.len() + trial);
        let mut trials = Vec::new();
        for (index, planned) in plan.trials.iter().enumerate() {
            let mut runs = Vec::new();
            for (position, &seed) in seeds.iter().enumerate() {
                let run = RunId { trial: planned.trial.clone(), seed };
                let standing = standing(index, position);
                let message = standing.and_then(|s| s.message.clone());
                let state = standing.map_or(RunState::Waiting, |s| s.state);
                runs.push(run_summary(sweep, &plan.header.objective, &run, state, message)?);
            }
            let stopped = stops.get(planned.trial.as_str()).copied();
            trials.push(trial_summary(planned, stopped, runs));
        }
        Ok(Self { name: plan.header.name, objective: plan.header.objective, seeds, trials })
    }

    /// The trials of a phase that counts for the result, best first; those that were pruned after
    /// them, and those without a value last.
    pub fn ranked(&self) -> Vec<&TrialSummary> {
        let mut trials: Vec<&TrialSummary> =
            self.trials.iter().filter(|t| t.phase != Phase::Search).collect();
        trials.sort_by_key(|t| {
            let cost = t.objective.map(|value| self.objective.cost(value));
            Place::of(cost, t.is_pruned(), t.stopped)
        });
        trials
    }
}

/// Where a trial stands among others: by its cost where it went to its end; after those the pruned
/// ones, by how far they came and by their rank there; last what has no value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place([f64; 3]);

impl Place {
    /// The place of a trial with this cost, the smaller the better.
    pub fn of(cost: Option<f64>, pruned: bool, stopped: Option<Stop>) -> Self {
        Self(match (cost, pruned, stopped) {
            (Some(cost), false, _) => [0.0, cost, 0.0],
            (_, true, Some(stop)) => [1.0, -(stop.rung as f64), stop.rank as f64],
            (_, true, None) => [2.0, 0.0, 0.0],
            (None, false, _) => [3.0, 0.0, 0.0],
        })
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        let pairs = self.0.iter().zip(&other.0).map(|(a, b)| a.total_cmp(b));
        pairs.fold(Ordering::Equal, Ordering::then)
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Place {}

fn trial_summary(
    planned: &PlannedTrial,
    stopped: Option<Stop>,
    runs: Vec<RunSummary>,
) -> TrialSummary {
    let values: Vec<f64> = runs.iter().filter_map(|run| run.objective).collect();
    TrialSummary {
        trial: planned.trial.clone(),
        phase: planned.phase,
        values: planned.values.clone(),
        objective: iqm(&values),
        stopped,
        runs,
    }
}

fn run_summary(
    sweep: &Path,
    objective: &Objective,
    run: &RunId,
    state: RunState,
    message: Option<String>,
) -> Result<RunSummary, ResultsError> {
    let word = match state {
        RunState::Done | RunState::Failed | RunState::Pruned => state.name(),
        // Whether it waits, runs or was interrupted depends on the moment.
        _ => RunState::Waiting.name(),
    };
    let mut summary = RunSummary {
        seed: run.seed,
        state: word.to_owned(),
        reason: message.filter(|_| matches!(state, RunState::Failed | RunState::Pruned)),
        objective: None,
        env_steps: 0,
        calibrators: Vec::new(),
    };
    let folder = run.folder(sweep);
    let path = folder.join("summary.json");
    // A run that failed in one calibrator has a summary of the others.
    if !matches!(state, RunState::Done | RunState::Failed) || !path.exists() {
        return Ok(summary);
    }
    if is_training(&folder)? {
        let result: TrainingSummary = read_json(&path)?;
        summary.objective = objective.of_training(&result);
        summary.env_steps = result.seeds.iter().map(|seed| seed.steps).sum();
        return Ok(summary);
    }
    let result: Summary = read_json(&path)?;
    summary.objective = objective.of(&result);
    summary.env_steps = result.env_steps;
    let figures = |panel: &CalibratorPanel| CalibratorFigures {
        name: panel.name.clone(),
        gap_closed: panel.gap_closed,
        gap_closed_unseen: panel.gap_closed_unseen,
        mean_excess: panel.mean_excess,
        c2st_auc: panel.c2st_auc,
        floor_multiple: panel.headline().and_then(|headline| headline.multiple),
        heterogeneity: heterogeneity_word(panel).map(str::to_owned),
        copies: result.copies(&panel.name),
    };
    summary.calibrators = result.calibrators.iter().map(figures).collect();
    Ok(summary)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::RungDecision;
    use crate::sweep::state::PRUNED;

    #[test]
    fn runs_that_are_not_over_have_no_value_and_no_reason() {
        let folder = tempfile::tempdir().unwrap();
        let plan = crate::sweep::plan::tests::example();
        plan.write(folder.path(), &[String::new(), String::new()]).unwrap();
        let summary = SweepSummary::read(folder.path()).unwrap();
        assert_eq!((summary.trials.len(), summary.trials[0].runs.len()), (2, 2));
        assert_eq!(summary.trials[0].runs[0].state, "waiting");
        assert_eq!(summary.ranked().len(), 2);
    }

    #[test]
    fn a_pruned_trial_says_where_it_was_stopped_and_stands_after_what_has_a_value() {
        let folder = tempfile::tempdir().unwrap();
        let plan = crate::sweep::plan::tests::example();
        plan.write(folder.path(), &[String::new(), String::new()]).unwrap();
        let decision = RungDecision {
            rung: 16,
            trial: plan.trials[0].trial.clone(),
            value: Some(0.5),
            rank: 2,
            of: 2,
            kept: false,
        };
        rungs::append(folder.path(), &[decision]).unwrap();
        for seed in [1, 2] {
            let run = RunId { trial: plan.trials[0].trial.clone(), seed }.folder(folder.path());
            std::fs::create_dir_all(&run).unwrap();
            std::fs::write(run.join(PRUNED), "stopped at rung 16").unwrap();
        }
        let summary = SweepSummary::read(folder.path()).unwrap();
        let (pruned, other) = (&summary.trials[0], &summary.trials[1]);
        assert!(pruned.is_pruned() && !other.is_pruned());
        assert_eq!(pruned.stopped.map(|stop| (stop.rung, stop.rank, stop.of)), Some((16, 2, 2)));
        assert_eq!(pruned.runs[0].reason.as_deref(), Some("stopped at rung 16"));
        assert_eq!(pruned.objective, None);
        // Nothing is written of what did not happen.
        let text = serde_json::to_string(&summary).unwrap();
        assert_eq!(text.matches("stopped\":{").count(), 1);
        assert_eq!(serde_json::from_str::<SweepSummary>(&text).unwrap(), summary);
    }

    #[test]
    fn trials_stand_by_value_then_by_how_far_they_came() {
        let stop = |rung, rank| Some(Stop { rung, value: None, rank, of: 9 });
        let places = [
            Place::of(Some(-1.0), false, None),
            Place::of(Some(2.0), false, None),
            Place::of(None, true, stop(16, 3)),
            Place::of(Some(0.0), true, stop(16, 7)),
            Place::of(None, true, stop(4, 2)),
            Place::of(None, true, None),
            Place::of(None, false, None),
        ];
        assert!(places.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
