//! `trueup batch`: does a share of a sweep, as a task of a cluster.

use std::ops::Range;
use std::path::PathBuf;

use super::worker::range;
use crate::cli::Common;
use crate::failure::Failure;
use crate::sweep::local::Crew;
use crate::sweep::slurm;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The folder of the sweep.
    dir: PathBuf,
    /// The runs, as positions in the plan; the end is not among them.
    #[arg(long, value_name = "START..END", value_parser = range)]
    share: Range<usize>,
    /// How often a run that failed is tried again.
    #[arg(long, default_value_t = 0, value_name = "N")]
    retries: usize,
    /// Work although another program planned the sweep.
    #[arg(long)]
    force: bool,
}

impl Arguments {
    /// Runs the command.
    ///
    /// # Errors
    /// Another program than the one that planned, workers that cannot start, or a request to stop.
    pub fn execute(&self, common: &Common) -> Result<(), Failure> {
        let crew = Crew {
            workers: 1,
            threads: common.threads().unwrap_or(1),
            retries: self.retries,
            fail_fast: false,
            share: Some(self.share.clone()),
            force: self.force,
        };
        slurm::batch::batch(&self.dir, self.share.clone(), crew, common.style())
    }
}
