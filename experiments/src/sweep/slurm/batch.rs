//! A task of a job array: keeps a worker at its share of the runs, and ends as Slurm wants it to.
//!
//! | what comes | what it does |
//! |---|---|
//! | the worker dies, e.g. for want of memory | the attempt is on record as failed; another worker goes on |
//! | SIGUSR1: the time is nearly over | a checkpoint; the task asks to be started again |
//! | SIGTERM: cancelled, preempted, node closed | a checkpoint; whether it is started again is Slurm's |
//!
//! A task that stops before its share is done ends with exit code 75.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use trueup_results::sweep::owner::Owner;
use trueup_results::sweep::{RunId, SweepState, sweep_state};

use super::client;
use crate::failure::Failure;
use crate::progress::{Style, catch_interrupts, interrupt};
use crate::sweep::freeze;
use crate::sweep::local::{Crew, Ended, Runner};
use crate::sweep::progress::Display;

/// Does a share of a sweep.
///
/// # Errors
/// A sweep that was changed or planned by another program, workers that cannot start, or a request
/// to stop.
pub fn batch(sweep: &Path, share: Range<usize>, crew: Crew, style: Style) -> Result<(), Failure> {
    // First of all, so that a signal does not end the task on the spot.
    catch_interrupts().map_err(Failure::run)?;
    let time_is_over = watch_time()?;
    let plan = &freeze::read(sweep, crew.force)?;
    let mut standings = sweep_state(sweep, plan).runs;
    standings.truncate(share.end);
    standings.drain(..share.start.min(standings.len()));
    let runs: Vec<RunId> = standings.iter().map(|standing| standing.run.clone()).collect();
    let before = kept(sweep, &runs);
    let mut display = Display::new(style, sweep, plan, &SweepState { runs: standings });
    display.line(&format!("{} in {}, runs {share:?}", plan.header.name, sweep.display()));
    let crew = Crew { share: Some(share), ..crew };
    let ended = Runner::new(sweep, crew, &mut display).run(plan)?;
    if ended == Ended::Complete {
        return Ok(());
    }
    if !time_is_over.load(Ordering::SeqCst) {
        return Err(Failure::Stopped(miette::miette!("asked to stop")));
    }
    let help = "give launch.time more, and go on with trueup resume";
    let stopped = |words: &str| Failure::Stopped(miette::miette!(help = help, "{words}"));
    if kept(sweep, &runs) == before {
        // Started again, it would come as far as this time, and again.
        return Err(stopped("the time of the task is over, and nothing came of it"));
    }
    let Some(job) = Owner::this().job else { return Err(stopped("the time of the task is over")) };
    display.line("the time of the task is nearly over: it asks to be started again");
    client::requeue(&job)?;
    Err(Failure::Stopped(miette::miette!("the next start of the job goes on")))
}

/// What a later start has of runs: their results, checkpoints and policies, with sizes and times.
fn kept(sweep: &Path, runs: &[RunId]) -> BTreeSet<(PathBuf, u64, Option<SystemTime>)> {
    let mut found = BTreeSet::new();
    let mut folders = Vec::new();
    for run in runs {
        let folder = run.folder(sweep);
        folders.extend(["checkpoints", "logs", "policies"].map(|name| folder.join(name)));
        if let Ok(metadata) = folder.join("summary.json").metadata() {
            found.insert((folder, metadata.len(), metadata.modified().ok()));
        }
    }
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => folders.push(entry.path()),
                Ok(metadata) => {
                    found.insert((entry.path(), metadata.len(), metadata.modified().ok()));
                }
                Err(_) => {}
            }
        }
    }
    found
}

/// Stops the work when Slurm says that the time is nearly over; the flag then says why.
fn watch_time() -> Result<Arc<AtomicBool>, Failure> {
    let flag = Arc::new(AtomicBool::new(false));
    #[cfg(unix)]
    {
        let signal = signal_hook::consts::SIGUSR1;
        signal_hook::flag::register(signal, Arc::clone(&flag)).map_err(Failure::run)?;
        let seen = Arc::clone(&flag);
        std::thread::spawn(move || {
            while !seen.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(100));
            }
            interrupt();
        });
    }
    Ok(flag)
}
