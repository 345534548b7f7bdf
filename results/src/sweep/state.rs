//! How far a sweep got, from its run directories alone.

use std::path::Path;

use serde::Serialize;

use super::plan::{Plan, RunId};
use super::pruning::Pause;
use super::{failures, lease};
use crate::files::read_json;
use crate::run_directory::{State, Status};

/// How far a run of a sweep got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// Nobody has begun it.
    Waiting,
    /// A process works on it.
    Running,
    /// It was begun and stopped, or its process died; it can be gone on with.
    Interrupted,
    /// Complete.
    Done,
    /// It failed, with no attempts left unless asked for.
    Failed,
    /// It came to its rung and waits until others have come there.
    Paused,
    /// It was stopped for good because others of its rung did better.
    Pruned,
}

impl RunState {
    /// Every state, in the order in which they are shown.
    pub const ALL: [Self; 7] = [
        Self::Done,
        Self::Running,
        Self::Waiting,
        Self::Interrupted,
        Self::Paused,
        Self::Pruned,
        Self::Failed,
    ];

    /// Whether nothing is left to do.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Pruned)
    }

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Interrupted => "interrupted",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Paused => "paused",
            Self::Pruned => "pruned",
        }
    }
}

/// A run and how far it got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunStanding {
    /// The run.
    pub run: RunId,
    /// How far it got.
    pub state: RunState,
    /// Why it failed or was interrupted; who works on it.
    pub message: Option<String>,
    /// When it started, UTC.
    pub started: Option<String>,
    /// When it ended, UTC.
    pub ended: Option<String>,
}

/// How far a sweep got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepState {
    /// All runs, in the order of the plan.
    pub runs: Vec<RunStanding>,
}

impl SweepState {
    /// How many runs are in a state.
    pub fn count(&self, state: RunState) -> usize {
        self.runs.iter().filter(|run| run.state == state).count()
    }

    /// Whether nothing is left to do.
    pub fn is_over(&self) -> bool {
        self.runs.iter().all(|run| run.state.is_over())
    }

    /// In words: `18 of 24 done, 2 running, 1 failed`.
    pub fn words(&self) -> String {
        let mut text = format!("{} of {} done", self.count(RunState::Done), self.runs.len());
        for state in RunState::ALL.into_iter().skip(1) {
            let count = self.count(state);
            if count > 0 {
                text.push_str(&format!(", {count} {}", state.name()));
            }
        }
        text
    }
}

/// Looks at every run of a plan.
pub fn sweep_state(sweep: &Path, plan: &Plan) -> SweepState {
    let leased = lease::leased(sweep);
    let runs = plan.runs().map(|run| {
        let held = leased.contains(&run.to_string());
        run_standing(sweep, run, held)
    });
    SweepState { runs: runs.collect() }
}

/// Looks at one run. `held` tells whether there is a lease, stale or not.
pub fn run_standing(sweep: &Path, run: RunId, held: bool) -> RunStanding {
    let owner = if held { lease::owner(sweep, &run) } else { None };
    // Without a status the run has not begun; a file that does not parse counts as interrupted.
    let folder = run.folder(sweep);
    let status = read_json::<Status>(&folder.join("status.json"));
    let begun = status.is_ok() || folder.join("status.json").exists();
    let mut standing =
        RunStanding { run, state: RunState::Waiting, message: None, started: None, ended: None };
    if let Ok(status) = status {
        standing.started = Some(status.started);
        standing.ended = status.ended;
        standing.message = status.message;
        standing.state = match status.state {
            State::Done => RunState::Done,
            State::Failed => RunState::Failed,
            State::Running | State::Interrupted => RunState::Interrupted,
        };
    } else if begun {
        standing.state = RunState::Interrupted;
    }
    if standing.state == RunState::Done {
        return standing;
    }
    if let Some(owner) = owner {
        standing.state = RunState::Running;
        standing.message = Some(owner.words());
    } else if standing.state != RunState::Failed
        && let Some(last) = failures::read(sweep, &standing.run).pop()
    {
        // The process died: nobody was left to write the status.
        standing.state = RunState::Failed;
        standing.message = Some(last.reason);
    }
    if standing.state == RunState::Interrupted
        && let Some(pause) = Pause::read(&folder)
    {
        standing.state = RunState::Paused;
        standing.message = Some(format!("waits at iteration {} for other trials", pause.rung));
    }
    if folder.join(PRUNED).exists() {
        standing.state = RunState::Pruned;
        standing.message = std::fs::read_to_string(folder.join(PRUNED)).ok();
    }
    standing
}

/// The file that says that a run was stopped for good, and why.
pub const PRUNED: &str = "pruned.txt";
