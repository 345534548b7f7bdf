//! `trueup resume`: goes on with a run that did not come to its end.

use std::path::PathBuf;

use trueup_results::{RunDirectory, State, status};

use super::folder::{Folder, known};
use super::run::{tell_task, tell_users};
use super::sweep::{self, Again};
use crate::cli::Common;
use crate::config::Config;
use crate::failure::Failure;
use crate::prepare::prepare;
use crate::progress::{Reporter, catch_interrupts};
use crate::resume::Unfinished;
use crate::session::Session;
use crate::{run, task_run};

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Resume {
    /// The run directory, or the folder of a sweep.
    dir: PathBuf,
    /// Go on although another program began the run. Nothing then promises the same numbers.
    #[arg(long)]
    force: bool,
    /// Of a sweep: try again what failed.
    #[arg(long)]
    retry_failed: bool,
    /// Of a sweep: runs at a time, other than the config says.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Of a sweep on a cluster: wait for its end and show how it goes.
    #[arg(long)]
    wait: bool,
}

impl Resume {
    /// Runs the command.
    ///
    /// # Errors
    /// A directory that cannot be gone on with, or a run that failed.
    pub fn execute(&self, common: &Common) -> Result<(), Failure> {
        if known(&self.dir)? == Folder::Sweep {
            let Self { force, retry_failed, wait, .. } = *self;
            let jobs = self.jobs.map(usize::from);
            return sweep::resume(&self.dir, &Again { force, retry_failed, jobs, wait }, common);
        }
        let folder = self.dir.display();
        let status = status(&self.dir).map_err(Failure::invalid)?;
        if status.state == State::Done {
            common.say(&format!("{folder} is done: there is nothing to resume"));
            return Ok(());
        }
        if status.state == State::Running {
            let message = format!(
                "{folder} is being written by another process ({} on {})",
                status.pid, status.host
            );
            return Err(Failure::invalid_because(message, "wait for it, or stop it first"));
        }
        let unfinished = Unfinished::read(&self.dir)?;
        if !self.force {
            unfinished.same_program()?;
        }
        let reporter = Reporter::new(common.style());
        match &unfinished.config {
            Config::Users(experiment) => {
                let prepared = prepare(experiment, &reporter)?;
                unfinished.same_data(&prepared.data)?;
                let session = self.session(&reporter)?;
                let outcome = run::run(experiment, &prepared, session, &reporter)?;
                tell_users(common, &outcome)
            }
            Config::Task(experiment) => {
                let session = self.session(&reporter)?;
                tell_task(common, &task_run::run(experiment, session, &reporter)?)
            }
        }
    }

    fn session(&self, reporter: &Reporter) -> Result<Session, Failure> {
        let directory = RunDirectory::reopen(&self.dir).map_err(Failure::invalid)?;
        catch_interrupts().map_err(Failure::run)?;
        reporter.line(&format!("going on in {}", self.dir.display()));
        Ok(Session { directory, resumed: true, report: true, rung: None })
    }
}
