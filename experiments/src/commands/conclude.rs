//! `trueup conclude`: the summary of a sweep from what its runs gave so far.

use std::path::PathBuf;

use super::sweep;
use crate::cli::Common;
use crate::failure::Failure;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Conclude {
    /// The folder of the sweep.
    dir: PathBuf,
}

impl Conclude {
    /// Runs the command.
    ///
    /// # Errors
    /// A folder that is none of a sweep, a failed write, or runs that failed or are left.
    pub fn execute(&self, common: &Common) -> Result<(), Failure> {
        sweep::sum_up(&self.dir, common)
    }
}
