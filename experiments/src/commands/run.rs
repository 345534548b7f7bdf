//! `trueup run`: from a config to a report.

use std::path::PathBuf;

use crate::cli::{Common, Out, Overrides, print_json};
use crate::config::Experiment;
use crate::failure::Failure;
use crate::prepare::prepare;
use crate::progress::{Reporter, catch_interrupts};
use crate::run;
use crate::verdict;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Run {
    /// The config.
    config: PathBuf,
    #[command(flatten)]
    overrides: Overrides,
    #[command(flatten)]
    out: Out,
}

impl Run {
    /// Runs the command.
    ///
    /// # Errors
    /// Invalid config or data, or a run that failed.
    pub fn execute(&self, common: &Common) -> Result<(), Failure> {
        let experiment = Experiment::read(&self.config, &self.overrides.set)?;
        let reporter = Reporter::new(common.style());
        let prepared = prepare(&experiment, &reporter)?;
        catch_interrupts().map_err(Failure::run)?;
        let outcome = run::run(&experiment, &prepared, &self.out.folder, &reporter)?;
        if common.json {
            print_json(&outcome.summary)?;
        }
        common.say(&verdict::table(&outcome.summary));
        let result = outcome.report.as_ref().unwrap_or(&outcome.folder);
        common.say(&format!("Report: {}", result.display()));
        match outcome.summary.failed.as_slice() {
            [] => Ok(()),
            failed => {
                let lines = failed.iter().map(|f| format!("{} failed: {}", f.name, f.reason));
                let text = lines.collect::<Vec<_>>().join("; ");
                Err(Failure::Run(miette::miette!(help = "the others are in the report", "{text}")))
            }
        }
    }
}
