//! `trueup run`: from a config to a report; from a config with `[sweep]` to all its runs.

use std::path::PathBuf;

use trueup_results::RunDirectory;

use crate::cli::{Common, Out, Overrides, print_json};
use crate::config::{Config, Source};
use crate::failure::Failure;
use crate::prepare::prepare;
use crate::progress::{Reporter, catch_interrupts};
use crate::session::Session;
use crate::sweep::plan::is_sweep;
use crate::{run, task_run, verdict};

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Run {
    /// The config.
    config: PathBuf,
    #[command(flatten)]
    overrides: Overrides,
    #[command(flatten)]
    out: Out,
    /// Tell what would be run, and run nothing.
    #[arg(long)]
    dry_run: bool,
    /// Of a sweep on a cluster: wait for its end and show how it goes.
    #[arg(long)]
    wait: bool,
}

impl Run {
    /// Runs the command.
    ///
    /// # Errors
    /// Invalid config or data, or a run that failed.
    pub fn execute(&self, common: &Common) -> Result<(), Failure> {
        let source = Source::read(&self.config, &self.overrides.set)?;
        if self.dry_run {
            return super::plan::tell(&source, common);
        }
        if is_sweep(&source)? {
            return super::sweep::start(&source, &self.out.folder, self.wait, common);
        }
        let config = Config::check(&source.document(&[]))?;
        let reporter = Reporter::new(common.style());
        match &config {
            Config::Users(experiment) => {
                let prepared = prepare(experiment, &reporter)?;
                let session = self.session(&experiment.name, experiment.seed, &reporter)?;
                let outcome = run::run(experiment, &prepared, session, &reporter)?;
                tell_users(common, &outcome)
            }
            Config::Task(experiment) => {
                let first = experiment.seeds.first().copied().unwrap_or_default();
                let session = self.session(&experiment.name, first, &reporter)?;
                tell_task(common, &task_run::run(experiment, session, &reporter)?)
            }
        }
    }

    fn session(&self, name: &str, seed: u64, reporter: &Reporter) -> Result<Session, Failure> {
        catch_interrupts().map_err(Failure::run)?;
        let directory = RunDirectory::create(&self.out.folder, name, seed).map_err(Failure::run)?;
        reporter.line(&format!("writing {}", directory.path().display()));
        Ok(Session { directory, resumed: false, report: true, rung: None })
    }
}

/// Prints what a run on real users gave; calibrators that failed make it a failure.
pub(super) fn tell_users(common: &Common, outcome: &run::Outcome) -> Result<(), Failure> {
    if common.json {
        print_json(&outcome.summary)?;
    }
    common.say(&verdict::table(&outcome.summary));
    let result = outcome.report.as_ref().unwrap_or(&outcome.folder);
    common.say(&format!("Report: {}", result.display()));
    let failed = outcome.summary.failed.iter();
    failure(failed.map(|f| format!("{} failed: {}", f.name, f.reason)).collect())
}

/// Prints what training on a task gave; seeds that failed make it a failure.
pub(super) fn tell_task(common: &Common, outcome: &task_run::Outcome) -> Result<(), Failure> {
    if common.json {
        print_json(&outcome.summary)?;
    }
    common.say(&verdict::training(&outcome.summary, &outcome.sampled));
    let result = outcome.report.as_ref().unwrap_or(&outcome.folder);
    common.say(&format!("Report: {}", result.display()));
    let failed = outcome.summary.failed.iter();
    failure(failed.map(|f| format!("seed {} failed: {}", f.seed, f.reason)).collect())
}

fn failure(lines: Vec<String>) -> Result<(), Failure> {
    match lines.as_slice() {
        [] => Ok(()),
        lines => {
            let text = lines.join("; ");
            Err(Failure::Run(miette::miette!(help = "the others are in the report", "{text}")))
        }
    }
}
