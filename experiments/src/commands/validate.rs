//! `trueup validate`: checks a config without running it.

use std::path::PathBuf;

use crate::cli::{Common, Overrides, print, print_json};
use crate::config::{Config, Source};
use crate::failure::Failure;
use crate::sweep::plan::is_sweep;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Validate {
    /// The config.
    config: PathBuf,
    #[command(flatten)]
    overrides: Overrides,
}

impl Validate {
    /// Runs the command.
    ///
    /// # Errors
    /// An invalid config.
    pub fn execute(&self, common: &Common) -> Result<(), Failure> {
        let source = Source::read(&self.config, &self.overrides.set)?;
        if is_sweep(&source)? {
            return super::plan::tell(&source, common);
        }
        let config = Config::check(&source.document(&[]))?;
        let text = config.resolved().map_err(Failure::invalid)?;
        if common.json {
            let table: toml::Table = toml::from_str(&text).map_err(Failure::run)?;
            return print_json(&table);
        }
        if !common.quiet {
            print(text.trim_end());
        }
        Ok(())
    }
}
