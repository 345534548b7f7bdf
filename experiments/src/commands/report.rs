//! `trueup report`: writes the report of a run or a sweep again from its files.

use std::path::{Path, PathBuf};

use trueup_results::{
    ReportInput, ResultsError, State, is_training, status, write_report, write_sweep_report,
    write_training_report,
};

use super::folder::{Folder, known};
use crate::cli::{Common, print_json};
use crate::failure::Failure;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Report {
    /// The run directory, or the folder of a sweep.
    dir: PathBuf,
}

impl Report {
    /// Runs the command.
    ///
    /// # Errors
    /// A folder that is no run directory, or a run that did not get far enough.
    pub fn execute(&self, common: &Common) -> Result<(), Failure> {
        if known(&self.dir)? == Folder::Sweep {
            let path = write_sweep_report(&self.dir).map_err(Failure::run)?;
            return tell(common, &path);
        }
        let status = status(&self.dir).map_err(Failure::invalid)?;
        let unfinished = |error: ResultsError| match status.state {
            State::Done => Failure::invalid(error),
            state => {
                let why = status.message.as_deref().map_or(String::new(), |m| format!(" ({m})"));
                let message = format!("the run is {}{why}: {error}", state.name());
                Failure::invalid_because(message, "a report needs a run that came to its verdict")
            }
        };
        let path = match is_training(&self.dir).map_err(unfinished)? {
            true => write_training_report(&self.dir),
            false => write_report(&self.dir, &ReportInput::read(&self.dir).map_err(unfinished)?),
        }
        .map_err(Failure::run)?;
        tell(common, &path)
    }
}

fn tell(common: &Common, path: &Path) -> Result<(), Failure> {
    if common.json {
        print_json(&serde_json::json!({ "report": path }))?;
    }
    common.say(&format!("Report: {}", path.display()));
    Ok(())
}
