//! A sweep on a cluster under Slurm.
//!
//! ```text
//! launch/trueup       the program that planned the sweep, which the jobs run
//! launch/job-1.sh     script of the first array of tasks, job-2.sh of the next ...
//! launch/conclude.sh  script of the job that writes the summary when all tasks have ended
//! launch/jobs.json    what was submitted (`record`)
//! launch/logs/        what the tasks tell
//! ```
//! The plan is cut into tasks of so many runs, and a task is a position of a job array. A task claims
//! its runs by leases like any other worker: nothing that Slurm does or forgets makes two processes
//! write one run, and what is done is read from the run directories alone. So the cluster may start
//! a task again wherever and whenever it likes, and its controller may be gone for hours.

pub mod batch;
pub mod client;
pub mod record;
mod script;
mod submit;
mod watch;

pub use client::QueuedTask;
pub use record::Record;
pub use submit::{Submitted, submit};
pub use watch::watch;

use std::collections::BTreeSet;
use std::path::Path;

use crate::failure::Failure;

/// The tasks of a sweep that are in the queue, running ones included.
///
/// # Errors
/// A record that cannot be read, or no answer from Slurm.
pub fn queued(sweep: &Path) -> Result<Vec<QueuedTask>, Failure> {
    let record = Record::read(sweep)?;
    let mut tasks = client::queue(&record.names())?;
    tasks.retain(|task| !task.is_over());
    Ok(tasks)
}

/// Tasks in words: `3 running, 12 pending`; `none` where there are none.
pub fn words(tasks: &[QueuedTask]) -> String {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for task in tasks {
        let state = task.state.to_lowercase();
        match counts.iter_mut().find(|(name, _)| *name == state) {
            Some((_, count)) => *count += 1,
            None => counts.push((state, 1)),
        }
    }
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let words: Vec<String> = counts.iter().map(|(name, n)| format!("{n} {name}")).collect();
    if words.is_empty() { "none".into() } else { words.join(", ") }
}

/// Ends all jobs of a sweep. What they work on is brought to a checkpoint, where there is time.
///
/// # Errors
/// A record that cannot be read, or no answer from Slurm.
pub fn cancel(sweep: &Path) -> Result<Vec<QueuedTask>, Failure> {
    let tasks = queued(sweep)?;
    let names: BTreeSet<&str> = tasks.iter().map(|task| task.name.as_str()).collect();
    for name in names {
        client::cancel(name)?;
    }
    Ok(tasks)
}
