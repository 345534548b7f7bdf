//! `trueup index`: how many runs there are, by state.

use std::collections::BTreeMap;

use trueup_results::index::{Filter, runs};

use super::runs::Root;
use crate::cli::{Common, print_json};
use crate::failure::Failure;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Index {
    #[command(flatten)]
    root: Root,
}

impl Index {
    /// Runs the command.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn execute(&self, common: &Common) -> Result<(), Failure> {
        let folder = &self.root.folder;
        let rows = runs(folder, &Filter::default()).map_err(Failure::invalid)?;
        let mut states: BTreeMap<&str, usize> = BTreeMap::new();
        rows.iter().for_each(|row| *states.entry(&row.state).or_default() += 1);
        if common.json {
            print_json(&serde_json::json!({ "runs": rows.len(), "states": states }))?;
        }
        let states: Vec<String> = states.iter().map(|(state, n)| format!("{n} {state}")).collect();
        let states = if states.is_empty() { "none".to_owned() } else { states.join(", ") };
        common.say(&format!("{} runs in {}: {states}", rows.len(), folder.display()));
        Ok(())
    }
}
