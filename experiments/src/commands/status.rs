//! `trueup status`: how far a run or a sweep got.

use std::path::PathBuf;

use super::folder::{Folder, known};
use super::sweep;
use crate::cli::{Common, print_json};
use crate::failure::Failure;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Status {
    /// The run directory, or the folder of a sweep.
    dir: PathBuf,
}

impl Status {
    /// Runs the command.
    ///
    /// # Errors
    /// A folder that is neither.
    pub fn execute(&self, common: &Common) -> Result<(), Failure> {
        if known(&self.dir)? == Folder::Sweep {
            return sweep::status(&self.dir, common);
        }
        let status = trueup_results::status(&self.dir).map_err(Failure::invalid)?;
        if common.json {
            return print_json(&status);
        }
        let message = status.message.map_or(String::new(), |message| format!(": {message}"));
        common.say(&format!("{} since {}{message}", status.state.name(), status.started));
        Ok(())
    }
}
