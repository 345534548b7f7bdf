//! `trueup index`: the database of runs, brought up to date or made anew.

use trueup_results::index;

use super::runs::Root;
use crate::cli::{Common, print_json};
use crate::failure::Failure;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Index {
    #[command(flatten)]
    root: Root,
    /// Forget everything and read all runs again.
    #[arg(long)]
    rebuild: bool,
}

impl Index {
    /// Runs the command.
    ///
    /// # Errors
    /// A folder that cannot be read, or an index that another process does not let go of.
    pub fn execute(&self, common: &Common) -> Result<(), Failure> {
        let mut index = index::Index::open(&self.root.folder).map_err(Failure::invalid)?;
        let done = if self.rebuild { index.rebuild() } else { index.refresh() };
        let done = done.map_err(Failure::run)?;
        let file = self.root.folder.join(index::FILE);
        if common.json {
            print_json(&serde_json::json!({
                "file": file, "runs": done.runs, "read": done.read, "removed": done.removed
            }))?;
        }
        common.say(&format!(
            "{} runs, {} of them read, {} gone: {}",
            done.runs,
            done.read,
            done.removed,
            file.display()
        ));
        Ok(())
    }
}
