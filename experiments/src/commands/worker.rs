//! `trueup worker`: does runs of a sweep; started by a runner.

use std::ops::Range;
use std::path::PathBuf;

use crate::cli::Common;
use crate::failure::Failure;
use crate::progress::catch_interrupts;
use crate::sweep::event::Event;
use crate::sweep::freeze;
use crate::sweep::worker::{Worker, stop_with_input};

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The folder of the sweep.
    dir: PathBuf,
    /// How often a run that failed is tried again.
    #[arg(long, default_value_t = 0, value_name = "N")]
    retries: usize,
    /// The runs it looks at, as positions in the plan; the end is not among them [default: all].
    #[arg(long, value_name = "START..END", value_parser = range)]
    share: Option<Range<usize>>,
    /// Stop when standard input ends: whoever started it has gone.
    #[arg(long)]
    attached: bool,
    /// Work although another program planned the sweep.
    #[arg(long)]
    force: bool,
}

/// Reads `START..END`.
pub(super) fn range(text: &str) -> Result<Range<usize>, String> {
    let ends = text.split_once("..").map(|(start, end)| (start.parse(), end.parse()));
    match ends {
        Some((Ok(start), Ok(end))) if start < end => Ok(start..end),
        _ => Err("write START..END, e.g. 0..4 for the first four runs".to_owned()),
    }
}

impl Arguments {
    /// Runs the command.
    ///
    /// # Errors
    /// A folder that cannot be read or written, or another program than the one that planned; a run
    /// that fails is no error.
    pub fn execute(&self, _: &Common) -> Result<(), Failure> {
        catch_interrupts().map_err(Failure::run)?;
        if self.attached {
            stop_with_input();
        }
        let (retries, share) = (self.retries, self.share.clone().unwrap_or(0..usize::MAX));
        let worker = Worker { sweep: self.dir.clone(), retries, share };
        let work = freeze::read(&self.dir, self.force).and_then(|plan| worker.work(&plan));
        work.inspect_err(|failure| {
            if !matches!(failure, Failure::Stopped(_)) {
                Event::Broken { message: failure.words() }.tell();
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn a_share_is_a_range_that_is_not_empty() {
        assert_eq!(range("0..4"), Ok(0..4));
        for wrong in ["", "4", "4..", "..4", "4..4", "5..4", "-1..2", "0..99999999999999999999"] {
            assert!(range(wrong).is_err(), "{wrong}");
        }
    }
}
