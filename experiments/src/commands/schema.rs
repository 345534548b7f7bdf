//! `trueup schema`: what an editor needs to complete and check configs.

use std::path::PathBuf;

use trueup_results::write_atomically;

use crate::cli::{Common, print};
use crate::failure::Failure;
use crate::schema;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Schema {
    /// Of maps, which say how to read a log, instead of configs.
    #[arg(long)]
    map: bool,
    /// File to write to [default: standard output].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Schema {
    /// Runs the command.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn execute(&self, common: &Common) -> Result<(), Failure> {
        let schema = if self.map { schema::map() } else { schema::config() };
        let text = serde_json::to_string_pretty(&schema).map_err(Failure::run)?;
        let Some(path) = &self.out else {
            print(&text);
            return Ok(());
        };
        write_atomically(path, format!("{text}\n").as_bytes()).map_err(Failure::run)?;
        let name = path.file_name().unwrap_or_default().display();
        common.say(&format!("Written: {}", path.display()));
        common.say(&format!("First line of a config beside it: #:schema ./{name}"));
        Ok(())
    }
}
