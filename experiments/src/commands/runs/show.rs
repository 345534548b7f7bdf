//! `trueup runs show`: what a run came to.

use std::collections::BTreeMap;
use std::path::Path;

use trueup_results::Summary;
use trueup_results::index::{Filter, RunRow};

use super::{Root, find, number};
use crate::cli::{Common, print_json};
use crate::failure::Failure;
use crate::verdict;

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Show {
    #[command(flatten)]
    root: Root,
    /// The run: a folder, or a name as `trueup runs ls` prints it.
    run: String,
}

impl Show {
    pub(super) fn execute(&self, common: &Common) -> Result<(), Failure> {
        let rows = self.root.runs(&Filter::default())?;
        let row = find(&rows, &self.root.folder, &self.run)?;
        if common.json {
            let config: BTreeMap<&String, &String> =
                row.config.iter().map(|(p, v)| (p, v)).collect();
            return print_json(&serde_json::json!({ "run": row, "config": config }));
        }
        let folder = self.root.folder.join(&row.path);
        common.say(format!("{}{}", facts(row, &folder), panel(&folder)).trim_end());
        Ok(())
    }
}

fn facts(row: &RunRow, folder: &Path) -> String {
    let seed = row.seed.map(|seed| seed.to_string());
    let steps = row.env_steps.map(|steps| steps.to_string());
    let seconds = row.seconds.map(|seconds| format!("{seconds:.1}"));
    let objective =
        row.objective_name.as_ref().map(|name| format!("{name} {}", number(row.objective)));
    let facts = [
        ("folder", Some(folder.display().to_string())),
        ("state", Some(row.state.clone())),
        ("message", row.message.clone()),
        ("name", row.name.clone()),
        ("sweep", row.sweep.clone()),
        ("trial", row.trial.clone()),
        ("seed", seed),
        ("dataset", row.dataset.clone()),
        ("started", row.started.clone()),
        ("ended", row.ended.clone()),
        ("seconds", seconds),
        ("steps", steps),
        ("objective", objective),
    ];
    let line = |(name, value): &(&str, Option<String>)| {
        value.as_ref().map(|value| format!("{name:<10} {value}\n"))
    };
    facts.iter().filter_map(line).collect()
}

/// The table at the end of the run; empty where it did not come to one.
fn panel(folder: &Path) -> String {
    let summary = std::fs::read(folder.join("summary.json")).ok();
    let summary = summary.and_then(|bytes| serde_json::from_slice::<Summary>(&bytes).ok());
    let shown = summary.filter(|summary| !summary.calibrators.is_empty());
    shown.map_or_else(String::new, |summary| verdict::table(&summary))
}
