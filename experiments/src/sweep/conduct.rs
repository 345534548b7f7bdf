//! A sweep from its folder to its summary: run what is left, then write what is derived.

use std::path::{Path, PathBuf};
use std::time::Duration;

use trueup_results::sweep::lease;
use trueup_results::sweep::owner::Owner;
use trueup_results::sweep::state::RunStanding;
use trueup_results::sweep::{Plan, RunState, SweepState, SweepSummary, sweep_state};
use trueup_results::{tables, write_atomically, write_sweep_report};

use super::advance::advance;
use super::launch::Launch;
use super::local::{Crew, Ended, Runner, RunnerLock};
use super::progress::Display;
use super::worker::is_open;
use crate::failure::Failure;
use crate::progress::{Style, catch_interrupts, interrupted};

/// How often workers look for runs that are left.
const LOOKS: usize = 5;
/// How long a process that was killed may take to be gone.
const MOMENT: Duration = Duration::from_millis(500);

/// What a sweep gave.
#[derive(Debug)]
pub struct SweepOutcome {
    /// Its folder.
    pub folder: PathBuf,
    /// How far it got.
    pub state: SweepState,
    /// What the runs gave that are over.
    pub summary: SweepSummary,
    /// Its report, or why there is none; the summary stands without it.
    pub report: Result<PathBuf, String>,
}

/// Runs what is left of a sweep on this machine and writes its summary.
///
/// # Errors
/// Another runner, a folder that cannot be written, or workers that cannot start. A run that fails
/// is no error here.
pub fn conduct(
    folder: &Path,
    plan: &Plan,
    launch: &Launch,
    crew: Crew,
    style: Style,
) -> Result<SweepOutcome, Failure> {
    let _lock = RunnerLock::take(folder)?;
    catch_interrupts().map_err(Failure::run)?;
    let before = sweep_state(folder, plan);
    let mut display = Display::new(style, folder, plan, &before);
    let (name, place) = (&plan.header.name, folder.display());
    display.line(&format!("{name} in {place}: {}; {}", before.words(), launch.words()));
    let mut plan = plan.clone();
    let mut looks = 0;
    let ended = loop {
        let ended = Runner::new(folder, crew.clone(), &mut display).run(&plan)?;
        if ended == Ended::Stopped {
            break ended;
        }
        let Some(next) = advance(folder, &plan)? else {
            if outlive(folder, &plan, &display) {
                continue;
            }
            looks += 1;
            if looks < LOOKS && is_left(folder, &plan, crew.retries) {
                std::thread::sleep(MOMENT);
                continue;
            }
            break ended;
        };
        display.line(&next.words);
        plan = next.plan;
        display.grow(&plan, &sweep_state(folder, &plan));
    };
    drop(display);
    let outcome = conclude(folder, &plan)?;
    if ended == Ended::Stopped {
        let folder = folder.display();
        let message = format!("stopped: {}", outcome.state.words());
        return Err(Failure::Run(miette::miette!(
            help = format!("to go on from there: trueup resume {folder}"),
            "{message}"
        )));
    }
    Ok(outcome)
}

/// Whether some run is open that nobody holds: who held it when the workers looked was about to end.
fn is_left(folder: &Path, plan: &Plan, retries: usize) -> bool {
    let free = |standing: &RunStanding| {
        matches!(standing.state, RunState::Waiting | RunState::Interrupted)
            && is_open(folder, &standing.run, retries)
    };
    sweep_state(folder, plan).runs.iter().any(free)
}

/// Waits for workers that an earlier runner left when it was killed: they stop after their iteration.
/// Whether there were any and all are gone. A process that hangs renews its lease no more, and is not
/// waited for.
fn outlive(folder: &Path, plan: &Plan, display: &Display) -> bool {
    let leased = lease::leased(folder);
    let orphans = || -> Vec<Owner> {
        let held = plan.runs().filter(|run| leased.contains(&run.to_string()));
        held.filter_map(|run| lease::owner(folder, &run)).filter(Owner::lives).collect()
    };
    let mut left = orphans();
    if left.is_empty() {
        return false;
    }
    let words: Vec<String> = left.iter().map(Owner::words).collect();
    display.line(&format!("waiting for what an earlier runner left to stop: {}", words.join(", ")));
    while !left.is_empty() && !interrupted() {
        std::thread::sleep(MOMENT);
        left = orphans();
    }
    left.is_empty()
}

/// Writes what is derived from the runs of a sweep.
///
/// # Errors
/// A run whose summary does not parse, or a failed write.
pub fn conclude(folder: &Path, plan: &Plan) -> Result<SweepOutcome, Failure> {
    let summary = SweepSummary::read(folder).map_err(Failure::run)?;
    let mut bytes = serde_json::to_vec_pretty(&summary).map_err(Failure::run)?;
    bytes.push(b'\n');
    write_atomically(&folder.join("summary.json"), &bytes).map_err(Failure::run)?;
    let tables = tables::write_sweep(folder);
    let report = tables.and_then(|_| write_sweep_report(folder)).map_err(|e| e.to_string());
    let state = sweep_state(folder, plan);
    Ok(SweepOutcome { folder: folder.to_owned(), state, summary, report })
}
