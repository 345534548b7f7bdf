//! One run as its directory tells it.

use std::fs;
use std::io::ErrorKind;

use serde::Serialize;

use super::config;
use super::scan::Found;
use crate::digest::Digest;
use crate::error::ResultsError;
use crate::run_directory::{State, status};

/// The state of a run whose files cannot be read; its message says why.
pub const UNREADABLE: &str = "unreadable";

/// One run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RunRow {
    /// Its folder, from the root, with `/` between names.
    pub path: String,
    /// The sweep that it is in, as `path`.
    pub sweep: Option<String>,
    /// Its trial in that sweep.
    pub trial: Option<String>,
    /// Its seed; none where several training seeds share it.
    pub seed: Option<u64>,
    /// Its name.
    pub name: Option<String>,
    /// What made it: `run`, `compare` or `training`; none where it did not come to a summary.
    pub mode: Option<String>,
    /// How far it got: a [`State`] by name, or [`UNREADABLE`].
    pub state: String,
    /// Why it failed, was interrupted, or cannot be read.
    pub message: Option<String>,
    /// When it started, UTC.
    pub started: Option<String>,
    /// When it ended, UTC.
    pub ended: Option<String>,
    /// The external data, or the task.
    pub dataset: Option<String>,
    /// What `objective` is: `gap_closed` and `return` are better when larger, `mean_excess` when
    /// smaller.
    pub objective_name: Option<String>,
    /// Gap closed or mean excess of the best calibrator, or the mean return over training seeds.
    pub objective: Option<f64>,
    /// The best calibrator.
    pub calibrator: Option<String>,
    /// Its median multiple of the noise floor, on features that no reward saw where there are some.
    pub floor_multiple: Option<f64>,
    /// Its gap closed.
    pub gap_closed: Option<f64>,
    /// Its AUC.
    pub auc: Option<f64>,
    /// Its mean excess over the floor.
    pub mean_excess: Option<f64>,
    /// Wall-clock seconds.
    pub seconds: Option<f64>,
    /// Environment steps.
    pub env_steps: Option<u64>,
    /// The values of its config by path, e.g. `calibrators.ppo.iterations`, ascending.
    #[serde(skip)]
    pub config: Vec<(String, String)>,
}

/// Reads a run directory; whatever is wrong with it is in the row.
pub(super) fn read(found: &Found) -> RunRow {
    let config = config::read(&found.folder);
    let value = |path: &str| config.iter().find(|(p, _)| p == path).map(|(_, v)| v.clone());
    let last = found.path.rsplit('/').next();
    let in_sweep = found.trial.as_ref().and(last).and_then(|folder| folder.parse().ok());
    let mut row = RunRow {
        path: found.path.clone(),
        sweep: found.sweep.clone(),
        trial: found.trial.clone(),
        seed: in_sweep.or_else(|| value("seed").and_then(|seed| seed.parse().ok())),
        name: value("name"),
        ..RunRow::default()
    };
    match status(&found.folder) {
        Ok(status) => {
            row.state = status.state.name().to_owned();
            row.message = status.message;
            row.started = Some(status.started);
            row.ended = status.ended;
            if status.state != State::Running {
                summary(&mut row, found, status.state);
            }
        }
        Err(ResultsError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => {
            row.state = State::Interrupted.name().to_owned();
            row.message = Some("it has no status.json".to_owned());
        }
        Err(error) => {
            row.state = UNREADABLE.to_owned();
            row.message = Some(error.to_string());
        }
    }
    row.config = config;
    row
}

/// Fills in what `summary.json` says. A run that failed or was interrupted need not have one.
fn summary(row: &mut RunRow, found: &Found, state: State) {
    let there = fs::exists(found.folder.join("summary.json")).unwrap_or(true);
    if state != State::Done && !there {
        return;
    }
    let digest = match Digest::read(&found.folder) {
        Ok(digest) => digest,
        Err(error) => {
            row.message = Some(error.to_string());
            if state == State::Done {
                row.state = UNREADABLE.to_owned();
            }
            return;
        }
    };
    let known = |text: String| Some(text).filter(|text| !text.is_empty());
    row.seed = row.seed.filter(|_| found.trial.is_some()).or(digest.seed);
    row.name = known(digest.name);
    row.mode = known(digest.mode);
    row.dataset = known(digest.dataset);
    row.objective_name = digest.objective_name.map(str::to_owned);
    row.objective = digest.objective;
    row.calibrator = digest.calibrator;
    row.floor_multiple = digest.floor_multiple;
    row.gap_closed = digest.gap_closed;
    row.auc = digest.auc;
    row.mean_excess = digest.mean_excess;
    row.seconds = digest.seconds;
    row.env_steps = digest.env_steps;
}
