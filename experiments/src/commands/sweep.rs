//! What `run`, `resume`, `plan` and `status` do with a sweep.

use std::path::Path;

use serde_json::json;
use trueup_results::sweep::state::RunStanding;
use trueup_results::sweep::{Plan, RunState, failures, rungs, sweep_state};

use super::folder;
use crate::cli::{self, Common, print_json};
use crate::config::Source;
use crate::failure::Failure;
use crate::sweep::advance::{Next, advance};
use crate::sweep::conduct::{SweepOutcome, conclude, conduct};
use crate::sweep::launch::{Launcher, Slurm};
use crate::sweep::local::Crew;
use crate::sweep::{Launch, freeze, plan, slurm};
use crate::verdict;

/// Plans a sweep and runs it, or hands it to a cluster and, with `wait`, watches it.
///
/// # Errors
/// An invalid config, or a sweep that did not come to its end.
pub fn start(source: &Source, root: &Path, wait: bool, common: &Common) -> Result<(), Failure> {
    let planned = plan(source)?;
    for note in &planned.notes {
        common.say(note);
    }
    planned.check_data()?;
    if matches!(planned.launch.launcher, Launcher::Slurm(_)) {
        // Before there is a folder that nothing could be done with.
        slurm::client::find()?;
    }
    let folder = freeze::write(&planned, root)?;
    let sweep = Sweep { folder: &folder, plan: &planned.plan, launch: planned.launch };
    sweep.run(&Again { wait, ..Again::default() }, common)
}

/// Goes on with a sweep.
///
/// # Errors
/// A folder that cannot be gone on with, or a sweep that did not come to its end.
pub fn resume(folder: &Path, how: &Again, common: &Common) -> Result<(), Failure> {
    let plan = freeze::read(folder, how.force)?;
    let mut launch = freeze::launch(folder)?;
    match (&mut launch.launcher, how.jobs) {
        (Launcher::Local(local), Some(jobs)) => local.jobs = Some(jobs),
        (Launcher::Slurm(_), Some(_)) => {
            let help = "tasks_at_once of [launch] says how many tasks run at a time";
            let message = "--jobs is for sweeps on this machine, and this one runs on a cluster";
            return Err(Failure::invalid_because(message, help));
        }
        (_, None) => {}
    }
    if how.retry_failed {
        let decisions = rungs::read(folder).map_err(Failure::run)?;
        let stops = rungs::stops(&decisions);
        let failed = |standing: &&RunStanding| {
            // What was stopped at a rung is over, whatever else became of it.
            let pruned = stops.contains_key(standing.run.trial.as_str());
            standing.state == RunState::Failed && !pruned
        };
        for standing in sweep_state(folder, &plan).runs.iter().filter(failed) {
            failures::forget(folder, &standing.run).map_err(Failure::run)?;
        }
    }
    Sweep { folder, plan: &plan, launch }.run(how, common)
}

/// How to go on with a sweep.
#[derive(Clone, Copy, Debug, Default)]
pub struct Again {
    /// Although another program planned it.
    pub force: bool,
    /// With the runs that failed too.
    pub retry_failed: bool,
    /// With so many runs at a time.
    pub jobs: Option<usize>,
    /// Waiting for what a cluster does.
    pub wait: bool,
}

/// A sweep whose plan is written.
struct Sweep<'a> {
    folder: &'a Path,
    plan: &'a Plan,
    launch: Launch,
}

impl Sweep<'_> {
    fn run(&self, how: &Again, common: &Common) -> Result<(), Failure> {
        let Self { folder, plan, launch } = self;
        match &launch.launcher {
            Launcher::Local(local) => {
                let crew = Crew {
                    workers: local.jobs(launch.threads),
                    threads: launch.threads,
                    retries: launch.retries,
                    fail_fast: local.fail_fast,
                    share: None,
                    force: how.force,
                };
                let outcome = conduct(folder, plan, launch, crew, common.style())?;
                tell(&left(outcome, "other processes hold what is left")?, common)
            }
            Launcher::Slurm(options) => self.hand_over(options, how, common),
        }
    }

    /// Submits what is left; watches it, or says how to.
    fn hand_over(&self, options: &Slurm, how: &Again, common: &Common) -> Result<(), Failure> {
        let Self { folder, plan, launch } = self;
        let place = folder.display();
        let submitted = slurm::submit(folder, plan, launch, options, how.force)
            .map_err(|failure| failure.inside(&format!("submitting {place}")))?;
        let queued = submitted.queued;
        if submitted.conclusion.is_none() && queued == 0 {
            // The job that would have gone on from here was cancelled, or never came to it.
            if let Some(Next { plan, words }) = advance(folder, plan)? {
                common.say(&words);
                let launch = launch.clone();
                return Sweep { folder, plan: &plan, launch }.run(how, common);
            }
            return tell(&conclude(folder, plan)?, common);
        }
        let mut words = match submitted.jobs.as_slice() {
            [] => "no runs to submit".to_owned(),
            jobs => format!(
                "submitted {} runs in {} tasks: jobs {}, then {} for the summary",
                submitted.runs,
                submitted.tasks,
                jobs.join(", "),
                submitted.conclusion.as_deref().unwrap_or("none"),
            ),
        };
        if queued > 0 {
            words.push_str(&format!("; {queued} tasks are in the queue already"));
        }
        if how.wait {
            cli::tell(&words);
            slurm::watch(folder, plan, common.style())?;
            return tell(&left(conclude(folder, plan)?, NO_TASK)?, common);
        }
        if common.json {
            let (jobs, tasks, runs) = (&submitted.jobs, submitted.tasks, submitted.runs);
            return print_json(&json!({
                "folder": folder, "jobs": jobs, "conclusion": submitted.conclusion,
                "tasks": tasks, "runs": runs, "queued": queued,
            }));
        }
        common.say(&format!("{} in {place}: {words}", plan.header.name));
        common.say(&format!("How far it is: trueup status {place}"));
        common.say(&format!("To end the jobs: trueup cancel {place}"));
        Ok(())
    }
}

/// Why runs of a sweep on a cluster are left.
const NO_TASK: &str = "no task is left in the queue (logs are in launch/logs)";

/// Refuses to call a sweep over of which something is left.
fn left(outcome: SweepOutcome, why: &str) -> Result<SweepOutcome, Failure> {
    if outcome.state.is_over() {
        return Ok(outcome);
    }
    let folder = outcome.folder.display();
    Err(Failure::Run(miette::miette!(
        help = format!("trueup resume {folder} goes on with what is left"),
        "{why}: {}",
        outcome.state.words()
    )))
}

/// Writes the summary of a sweep from what its runs gave so far, and prints it. Where a sweep on a
/// cluster searches, it submits what comes next.
///
/// # Errors
/// A folder without a plan, a run whose summary does not parse, or a failed write.
pub fn sum_up(folder: &Path, common: &Common) -> Result<(), Failure> {
    folder::sweep(folder)?;
    let plan = Plan::read(folder).map_err(Failure::invalid)?;
    let launch = freeze::launch(folder)?;
    if matches!(launch.launcher, Launcher::Slurm(_))
        && let Some(Next { plan, words }) = advance(folder, &plan)?
    {
        common.say(&words);
        conclude(folder, &plan)?;
        return Sweep { folder, plan: &plan, launch }.run(&Again::default(), common);
    }
    tell(&left(conclude(folder, &plan)?, NO_TASK)?, common)
}

/// Ends the jobs of a sweep on a cluster.
///
/// # Errors
/// A sweep without jobs, or no answer from the cluster.
pub fn cancel(folder: &Path, common: &Common) -> Result<(), Failure> {
    folder::sweep(folder)?;
    let plan = Plan::read(folder).map_err(Failure::invalid)?;
    if !matches!(freeze::launch(folder)?.launcher, Launcher::Slurm(_)) {
        let message = format!("{} has no jobs: it runs on this machine", folder.display());
        return Err(Failure::invalid_because(message, "stop `trueup run` with an interrupt"));
    }
    let tasks = slurm::cancel(folder)?;
    let state = sweep_state(folder, &plan);
    common.say(&format!("ended tasks: {}; runs: {}", slurm::words(&tasks), state.words()));
    common.say(&format!("To go on: trueup resume {}", folder.display()));
    Ok(())
}

/// Prints what a sweep gave; runs that failed make it a failure.
fn tell(outcome: &SweepOutcome, common: &Common) -> Result<(), Failure> {
    if common.json {
        print_json(&outcome.summary)?;
    }
    common.say(&verdict::sweep(&outcome.summary));
    common.say(&format!("Summary: {}", outcome.folder.join("summary.json").display()));
    let place = outcome.folder.display();
    match &outcome.report {
        Ok(report) => common.say(&format!("Report: {}", report.display())),
        // What the runs gave is written: a picture that cannot be drawn takes nothing from it.
        Err(why) => {
            cli::tell(&format!("warning: no report: {why}; to draw it: trueup report {place}"));
        }
    }
    let failed = outcome.state.count(RunState::Failed);
    if failed == 0 {
        return Ok(());
    }
    let folder = outcome.folder.display();
    Err(Failure::Run(miette::miette!(
        help = format!(
            "trueup status {folder} tells why; trueup resume {folder} --retry-failed tries again"
        ),
        "{failed} of {} runs failed",
        outcome.state.runs.len()
    )))
}

/// Prints how far a sweep got.
///
/// # Errors
/// A plan that cannot be read.
pub fn status(folder: &Path, common: &Common) -> Result<(), Failure> {
    let plan = Plan::read(folder).map_err(Failure::invalid)?;
    let queue = queue(folder);
    let state = sweep_state(folder, &plan);
    if common.json {
        let counts: serde_json::Map<String, serde_json::Value> = RunState::ALL
            .iter()
            .map(|state_| (state_.name().to_owned(), state.count(*state_).into()))
            .collect();
        let run = |standing: &RunStanding| {
            json!({
                "trial": standing.run.trial,
                "seed": standing.run.seed,
                "state": standing.state,
                "message": standing.message,
                "started": standing.started,
                "ended": standing.ended,
            })
        };
        let runs: Vec<_> = state.runs.iter().map(run).collect();
        let tasks = queue.as_ref().and_then(|queue| queue.as_ref().ok());
        let tasks = tasks.map(|tasks| tasks.iter().map(task_json).collect::<Vec<_>>());
        return print_json(&json!({
            "name": plan.header.name, "counts": counts, "runs": runs, "tasks": tasks,
        }));
    }
    common.say(&format!("{}: {}", plan.header.name, state.words()));
    match &queue {
        Some(Ok(tasks)) => common.say(&format!("tasks in the queue: {}", slurm::words(tasks))),
        Some(Err(failure)) => common.say(&format!("tasks in the queue: {}", failure.words())),
        None => {}
    }
    let shown = [RunState::Running, RunState::Interrupted, RunState::Failed];
    for standing in state.runs.iter().filter(|standing| shown.contains(&standing.state)) {
        let title = plan.trials.iter().find(|t| t.trial == standing.run.trial);
        let title = title.map(|trial| trial.title()).unwrap_or_default();
        let message = standing.message.as_deref().unwrap_or_default();
        let line = format!("{}: {title}, seed {}", standing.state.name(), standing.run.seed);
        common.say(&match message.is_empty() {
            true => line,
            false => format!("{line}: {message}"),
        });
        if standing.state == RunState::Failed {
            common.say(&format!("    log: {}", standing.run.log(folder).display()));
        }
    }
    Ok(())
}

/// The tasks that a cluster has for a sweep; none where the sweep is on this machine.
fn queue(folder: &Path) -> Option<Result<Vec<slurm::QueuedTask>, Failure>> {
    let launch = freeze::launch(folder).ok()?;
    matches!(launch.launcher, Launcher::Slurm(_)).then(|| slurm::queued(folder))
}

fn task_json(task: &slurm::QueuedTask) -> serde_json::Value {
    json!({ "job": task.job, "task": task.task, "state": task.state, "reason": task.reason })
}
