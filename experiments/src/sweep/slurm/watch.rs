//! Watching a sweep that runs elsewhere: what its folders say, until no task is left.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

use trueup_results::sweep::{Plan, RunId, RunState, sweep_state};

use super::{queued, words};
use crate::failure::Failure;
use crate::progress::{Style, catch_interrupts, interrupted};
use crate::sweep::event::{Ending, Event};
use crate::sweep::progress::Display;

/// Time between two looks at the folders, and at the queue.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const ASK_EVERY: Duration = Duration::from_secs(5);

/// Shows how a sweep goes until no task with runs is in the queue.
///
/// # Errors
/// An interrupt, which ends the watching and leaves the jobs.
pub fn watch(sweep: &Path, plan: &Plan, style: Style) -> Result<(), Failure> {
    catch_interrupts().map_err(Failure::run)?;
    let before = sweep_state(sweep, plan);
    let mut display = Display::new(style, sweep, plan, &before);
    let is_over = |state| matches!(state, RunState::Done | RunState::Failed | RunState::Pruned);
    let over = before.runs.iter().filter(|run| is_over(run.state));
    let mut seen: HashSet<RunId> = over.map(|run| run.run.clone()).collect();
    let mut said = String::new();
    let (mut asked, mut silent) = (None::<Instant>, false);
    loop {
        let mut left = true;
        if asked.is_none_or(|asked| asked.elapsed() >= ASK_EVERY) {
            asked = Some(Instant::now());
            match queued(sweep) {
                Ok(tasks) => {
                    // The job that concludes has no more to tell than this program.
                    left = tasks.iter().any(|task| task.task.is_some());
                    let now = words(&tasks);
                    if left && (now != said || silent) {
                        display.line(&format!("tasks: {now}"));
                    }
                    (said, silent) = (now, false);
                }
                Err(failure) if !silent => {
                    silent = true;
                    display.line(&format!("{}; looking at the folders alone", failure.words()));
                }
                Err(_) => {}
            }
        }
        // The folders are looked at after the queue: once that is empty, they say all.
        let state = sweep_state(sweep, plan);
        for run in state.runs.iter().filter(|run| is_over(run.state)) {
            if seen.insert(run.run.clone()) {
                let how = if run.state == RunState::Failed { Ending::Failed } else { Ending::Done };
                let message = run.message.clone().unwrap_or_default();
                let run = run.run.to_string();
                display.hear(0, &Event::Ended { run, how, message, seconds: None });
            }
        }
        if !left || (silent && state.is_over()) {
            return Ok(());
        }
        display.tick();
        if interrupted() {
            let help = format!(
                "trueup status {0} looks again; trueup cancel {0} ends the jobs",
                sweep.display()
            );
            return Err(Failure::Run(miette::miette!(
                help = help,
                "the jobs go on without this program"
            )));
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
