//! `trueup export`: a run for other tools.

use std::path::PathBuf;

use trueup_results::is_training;

use crate::cli::{Common, Format, print_json};
use crate::failure::Failure;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Export {
    /// The run directory.
    dir: PathBuf,
    /// What to write.
    #[arg(long, value_enum)]
    to: Format,
    /// Where to write it [default: notebook.ipynb in the run directory].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Export {
    /// Runs the command.
    ///
    /// # Errors
    /// A folder that is no finished run, or a failed write.
    pub fn execute(&self, common: &Common) -> Result<(), Failure> {
        if is_training(&self.dir).is_ok_and(|training| training) {
            let message = format!("{} is a training on a task", self.dir.display());
            let help = "the notebook shows runs on real users; metrics.jsonl and policies/ hold \
                        what there is";
            return Err(Failure::invalid_because(message, help));
        }
        let (text, name) = match self.to {
            Format::Ipynb => (
                trueup_notebooks_export::ipynb(&self.dir).map_err(Failure::invalid)?,
                "notebook.ipynb",
            ),
        };
        let path = self.out.clone().unwrap_or_else(|| self.dir.join(name));
        trueup_results::write_atomically(&path, text.as_bytes()).map_err(Failure::run)?;
        if common.json {
            print_json(&serde_json::json!({ "file": path }))?;
        }
        common.say(&format!("Written: {}", path.display()));
        Ok(())
    }
}
