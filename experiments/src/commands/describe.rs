//! `trueup describe`: what is in a log, as understood.

use std::path::PathBuf;

use trueup_calibration::external;
use trueup_calibration::statistics::Statistics;

use crate::cli::{Common, print_json};
use crate::config::read_map;
use crate::failure::Failure;
use crate::prepare::pseudonym_key;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Describe {
    /// The log: a CSV or CSV.gz file, or `builtin:cdnow`.
    log: String,
    /// How to read it (TOML); a builtin needs none.
    #[arg(long, value_name = "MAP")]
    map: Option<PathBuf>,
    /// Also write the statistics that worlds and rewards are fitted from to this file.
    #[arg(long, value_name = "FILE")]
    statistics: Option<PathBuf>,
}

impl Describe {
    /// Runs the command.
    ///
    /// # Errors
    /// An invalid map or log, or a failed write.
    pub fn execute(&self, common: &Common) -> Result<(), Failure> {
        let map = self.map.as_ref().map(|path| read_map(path)).transpose()?;
        let loaded =
            external::load(&self.log, map.as_ref(), &pseudonym_key()).map_err(Failure::invalid)?;
        let description = external::describe(&loaded);
        if common.json {
            print_json(&description)?;
        }
        common.say(description.text().trim_end());
        if let Some(path) = &self.statistics {
            Statistics::of(&loaded.log).save(path).map_err(Failure::run)?;
            common.say(&format!("Statistics: {}", path.display()));
        }
        Ok(())
    }
}
