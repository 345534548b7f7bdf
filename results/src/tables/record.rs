//! One run as the tables see it.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use trueup_calibration::panel::CalibratorPanel;

use crate::digest::Digest;
use crate::error::ResultsError;
use crate::files::read_json;
use crate::metrics::{self, Metric};
use crate::run_directory::{State, status};
use crate::summary::Summary;
use crate::sweep::state::RunStanding;
use crate::sweep::{
    AxisValue, Objective, Plan, PlannedTrial, RunId, RunState, is_sweep, sweep_state,
};

/// Everything that tables hold of one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunRecord {
    /// Its run directory.
    pub folder: PathBuf,
    /// Id of its trial; none outside of a sweep.
    pub trial: Option<String>,
    /// Place of the trial in the plan.
    pub index: Option<u64>,
    /// Its seed; none where several training seeds share the run.
    pub seed: Option<u64>,
    /// How far it got: a [`RunState`] by name, or `unreadable`.
    pub state: String,
    /// What went wrong, where something did.
    pub message: Option<String>,
    /// What the trial sets.
    pub settings: Vec<AxisValue>,
    /// What [`RunRecord::objective`] is.
    pub objective_name: Option<String>,
    /// What runs are compared by: of the sweep, or of the digest outside of one.
    pub objective: Option<f64>,
    /// The numbers by which runs are compared; all empty where it did not get that far. In a sweep
    /// the calibrator is the one that the objective looks at.
    pub digest: Digest,
    /// One panel a calibrator, in the order of the config.
    pub calibrators: Vec<CalibratorPanel>,
    /// Calibrators that repeat training users.
    pub copies: Vec<String>,
    /// Lines of `metrics.jsonl`.
    pub metrics: Vec<Metric>,
}

impl RunRecord {
    /// Reads a run directory; one at `SWEEP/runs/TRIAL/SEED` knows its trial.
    ///
    /// # Errors
    /// A folder that is no run directory, or files that are malformed.
    pub fn find(folder: &Path) -> Result<Self, ResultsError> {
        let absolute = fs::canonicalize(folder).map_err(|e| ResultsError::read(folder, e))?;
        let record = Self::read(folder)?;
        let Some(sweep) = absolute.ancestors().nth(3).filter(|sweep| is_sweep(sweep)) else {
            return Ok(record);
        };
        let plan = Plan::read(sweep)?;
        let standing = sweep_state(sweep, &plan).runs.into_iter();
        let standing = standing.map(|one| (one.run.folder(sweep), one));
        let Some((_, standing)) = standing.into_iter().find(|(path, _)| *path == absolute) else {
            return Ok(record);
        };
        let trial = plan.trials.iter().find(|trial| trial.trial == standing.run.trial);
        trial.map_or(Ok(record.clone()), |trial| {
            record.in_sweep(&plan.header.objective, trial, &standing)
        })
    }

    /// Reads all runs of a sweep that there are, ascending by trial and seed. Folders that are not
    /// in the plan are not of the sweep.
    ///
    /// # Errors
    /// No plan, or one that is malformed.
    pub fn of_sweep(sweep: &Path) -> Result<Vec<Self>, ResultsError> {
        let plan = Plan::read(sweep)?;
        let objective = &plan.header.objective;
        let trials: HashMap<&str, &PlannedTrial> =
            plan.trials.iter().map(|trial| (trial.trial.as_str(), trial)).collect();
        let mut runs = sweep_state(sweep, &plan).runs;
        runs.sort_by(|a, b| a.run.cmp(&b.run));
        let mut records = Vec::new();
        for standing in &runs {
            let folder = standing.run.folder(sweep);
            let Some(trial) = trials.get(standing.run.trial.as_str()) else { continue };
            // A run that nobody has begun has no folder.
            if standing.state == RunState::Waiting && !folder.exists() {
                continue;
            }
            let record = Self::read(&folder).and_then(|r| r.in_sweep(objective, trial, standing));
            records.push(record.unwrap_or_else(|error| {
                let state = match standing.state {
                    RunState::Done | RunState::Interrupted => "unreadable",
                    other => other.name(),
                };
                Self::without_files(folder, trial, &standing.run, state, standing, &error)
            }));
        }
        Ok(records)
    }

    /// A run whose files are not there or not whole.
    fn without_files(
        folder: PathBuf,
        trial: &PlannedTrial,
        run: &RunId,
        state: &str,
        standing: &RunStanding,
        error: &ResultsError,
    ) -> Self {
        let waiting = standing.state == RunState::Waiting;
        let message = standing.message.clone();
        Self {
            folder,
            trial: Some(run.trial.clone()),
            index: Some(trial.index as u64),
            seed: Some(run.seed),
            state: state.to_owned(),
            message: message.or_else(|| (!waiting).then(|| error.to_string())),
            settings: trial.values.clone(),
            ..Self::default()
        }
    }

    /// What the sweep knows of the run goes before what the run knows of itself.
    fn in_sweep(
        mut self,
        objective: &Objective,
        trial: &PlannedTrial,
        standing: &RunStanding,
    ) -> Result<Self, ResultsError> {
        self.trial = Some(trial.trial.clone());
        self.index = Some(trial.index as u64);
        self.seed = Some(standing.run.seed);
        self.state = standing.state.name().to_owned();
        self.message = standing.message.clone();
        self.settings = trial.values.clone();
        self.objective_name = Some(objective.metric.clone());
        // What a run says that was stopped for good does not count.
        let counts = matches!(standing.state, RunState::Done | RunState::Failed);
        self.objective = if counts { self.value_of(objective)? } else { None };
        if let Some(name) = &objective.calibrator {
            let own = self.calibrators.iter().find(|c| counts && c.name == *name);
            self.digest.calibrator = own.map(|c| c.name.clone());
            self.digest.floor_multiple = own.and_then(|c| c.headline()?.multiple);
            self.digest.gap_closed = own.and_then(|c| c.gap_closed);
            self.digest.auc = own.and_then(|c| c.c2st_auc);
            self.digest.mean_excess = own.and_then(|c| c.mean_excess);
        }
        Ok(self)
    }

    fn value_of(&self, objective: &Objective) -> Result<Option<f64>, ResultsError> {
        if self.digest.mode == "training" {
            return Ok(objective.of_training(&read_json(&self.folder.join("summary.json"))?));
        }
        let calibrators = self.calibrators.clone();
        Ok(objective.of(&Summary { calibrators, ..Summary::default() }))
    }

    fn read(folder: &Path) -> Result<Self, ResultsError> {
        let status = status(folder)?;
        let mut record = Self {
            folder: folder.to_owned(),
            state: status.state.name().to_owned(),
            message: status.message,
            metrics: metrics::read(folder)?,
            ..Self::default()
        };
        // A run that is not done may have no summary yet; a run that is done has one.
        if status.state == State::Done || folder.join("summary.json").exists() {
            record.digest = Digest::read(folder)?;
            record.seed = record.digest.seed;
            record.objective_name = record.digest.objective_name.map(str::to_owned);
            record.objective = record.digest.objective;
            if record.digest.mode != "training" {
                let summary: Summary = read_json(&folder.join("summary.json"))?;
                let copies = |c: &&CalibratorPanel| summary.copies(&c.name);
                let copies = summary.calibrators.iter().filter(copies);
                record.copies = copies.map(|c| c.name.clone()).collect();
                record.calibrators = summary.calibrators;
            }
        }
        Ok(record)
    }
}
