//! `trueup cancel`: ends the jobs of a sweep on a cluster.

use std::path::PathBuf;

use super::sweep;
use crate::cli::Common;
use crate::failure::Failure;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Cancel {
    /// The folder of the sweep.
    dir: PathBuf,
}

impl Cancel {
    /// Runs the command.
    ///
    /// # Errors
    /// A folder that is none of a sweep, a sweep without jobs, or no answer from the cluster.
    pub fn execute(&self, common: &Common) -> Result<(), Failure> {
        sweep::cancel(&self.dir, common)
    }
}
