//! `trueup resume`: goes on with a run that did not come to its end.

use std::path::PathBuf;

use trueup_results::{RunDirectory, State, status};

use super::run::{tell_task, tell_users};
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
    /// The run directory.
    dir: PathBuf,
    /// Go on although another program began the run. Nothing then promises the same numbers.
    #[arg(long)]
    force: bool,
}

impl Resume {
    /// Runs the command.
    ///
    /// # Errors
    /// A directory that cannot be gone on with, or a run that failed.
    pub fn execute(&self, common: &Common) -> Result<(), Failure> {
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
        Ok(Session { directory, resumed: true })
    }
}
