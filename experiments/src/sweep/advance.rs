//! The next trials of a sweep that searches, once all its runs are over.
//!
//! What comes next is a function of the config and of what came out, so a sweep that is resumed goes
//! on as it would have. Searches are judged by validation users; when their budget is spent, the
//! winner of each is run again, trained on all training users and judged by the test users. One split
//! serves all seeds, so that no test user has judged the search under another seed.

use std::path::Path;

use trueup_results::sweep::plan::read_configs;
use trueup_results::sweep::{
    Phase, Plan, PlannedTrial, RunState, SWEEP_CONFIG, SweepSummary, TrialSummary, sweep_state,
};

use super::plan::{Planned, Wanted, read_sweep, streams};
use super::rungs::decide;
use crate::config::Source;
use crate::failure::Failure;
use crate::search::{Assignment, Set, Told};

/// What a sweep does next.
#[derive(Debug)]
pub struct Next {
    /// Its plan, as it is now.
    pub plan: Plan,
    /// What was decided, for a person.
    pub words: String,
}

/// Opens the next runs of a sweep once all its runs are over or wait for each other: those that go on
/// from a rung, else what searches propose. None where nothing is left, or where runs are still open.
///
/// # Errors
/// Files that cannot be read or written.
pub fn advance(folder: &Path, plan: &Plan) -> Result<Option<Next>, Failure> {
    let state = sweep_state(folder, plan);
    if state.runs.iter().any(|run| !run.state.is_over() && run.state != RunState::Paused) {
        return Ok(None);
    }
    if let Some(words) = decide(folder, plan, &state)? {
        return Ok(Some(Next { plan: plan.clone(), words }));
    }
    propose(folder, plan)
}

/// The next trials of searches.
fn propose(folder: &Path, plan: &Plan) -> Result<Option<Next>, Failure> {
    let source = Source::read(&folder.join(SWEEP_CONFIG), &[])?;
    let document = source.document(&[]);
    let mut root = document.root()?;
    let is_task = root.has("task");
    let sweep = read_sweep(&source, &mut root)?;
    let streams = streams(&sweep);
    let searches = sweep.space.searches(&streams);
    if searches.is_empty() {
        return Ok(None);
    }
    let summary = SweepSummary::read(folder).map_err(Failure::run)?;
    let mut wanted = Vec::new();
    for (number, search) in searches.iter().enumerate() {
        let tried = tried(plan, &summary, number);
        let history: Vec<Told> = tried.iter().map(|(_, told)| told.clone()).collect();
        let next = search.propose(&history, &streams.child("search", number as u64));
        wanted.extend(next.into_iter().map(|assignment| Wanted::searched(assignment, number)));
    }
    // On a task there are no validation users: a second run would repeat the first.
    if wanted.is_empty() && !is_task {
        wanted = winners(plan, &summary, searches.len());
    }
    let mut planned = Planned::of(plan.clone(), configs(folder, plan)?, sweep.launch.clone());
    let before = planned.plan.trials.len();
    planned.add(&source, &sweep, wanted)?;
    let (added, plan) = (planned.plan.trials.len() - before, planned.plan);
    if added == 0 {
        return Ok(None);
    }
    plan.write(folder, &planned.configs).map_err(Failure::run)?;
    let words = format!("{added} more trials are proposed, {} in all", plan.trials.len());
    Ok(Some(Next { plan, words }))
}

/// The trials of a search with what came of them, in the order in which they were proposed.
fn tried<'a>(
    plan: &'a Plan,
    summary: &SweepSummary,
    search: usize,
) -> Vec<(&'a PlannedTrial, Told)> {
    let told = |(planned, trial): (&'a PlannedTrial, &TrialSummary)| {
        // A trial that failed with some seed is not compared with others that did not.
        let whole = trial.runs.iter().all(|run| run.objective.is_some());
        let objective = trial.objective.filter(|_| whole).map(|v| summary.objective.cost(v));
        (planned, Told { assignment: assignment(planned), objective })
    };
    let trials = plan.trials.iter().zip(&summary.trials);
    trials
        .filter(|(planned, _)| planned.phase == Phase::Search && planned.search == Some(search))
        .map(told)
        .collect()
}

/// The best trial of each search that has no confirmation yet.
fn winners(plan: &Plan, summary: &SweepSummary, searches: usize) -> Vec<Wanted> {
    let confirmed = |search: usize| {
        plan.trials.iter().any(|t| t.phase == Phase::Confirm && t.search == Some(search))
    };
    let best = |search: usize| {
        let tried = tried(plan, summary, search);
        let rated = tried.into_iter().filter_map(|(_, told)| Some((told.objective?, told)));
        let (_, told) = rated.min_by(|(a, _), (b, _)| a.total_cmp(b))?;
        let Told { assignment, .. } = told;
        Some(Wanted { assignment, phase: Phase::Confirm, search: Some(search) })
    };
    (0..searches).filter(|&search| !confirmed(search)).filter_map(best).collect()
}

fn assignment(planned: &PlannedTrial) -> Assignment {
    let set = |value: &trueup_results::sweep::AxisValue| {
        let toml = toml::Value::try_from(&value.value).ok()?;
        Some(Set { path: value.path.clone(), value: toml, label: value.label.clone() })
    };
    Assignment::new(planned.values.iter().filter_map(set).collect())
}

/// The configs of the trials of a plan, in its order.
fn configs(folder: &Path, plan: &Plan) -> Result<Vec<String>, Failure> {
    let mut configs = read_configs(folder).map_err(Failure::invalid)?;
    let take = |trial: &PlannedTrial| configs.remove(&trial.trial).unwrap_or_default();
    Ok(plan.trials.iter().map(take).collect())
}
