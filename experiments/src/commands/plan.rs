//! `trueup plan`: what a config would run, without running it.

use std::path::PathBuf;

use serde_json::json;

use crate::cli::{Common, Overrides, print_json};
use crate::config::{Config, Source};
use crate::failure::Failure;
use crate::sweep::{Planned, plan};

/// Most trials that are listed for a person.
const LISTED: usize = 40;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Plan {
    /// The config.
    config: PathBuf,
    #[command(flatten)]
    overrides: Overrides,
}

impl Plan {
    /// Runs the command.
    ///
    /// # Errors
    /// An invalid config.
    pub fn execute(&self, common: &Common) -> Result<(), Failure> {
        tell(&Source::read(&self.config, &self.overrides.set)?, common)
    }
}

/// Prints what a config would run.
///
/// # Errors
/// An invalid config.
pub fn tell(source: &Source, common: &Common) -> Result<(), Failure> {
    if !plan::is_sweep(source)? {
        let config = Config::check(&source.document(&[]))?;
        if common.json {
            return print_json(&json!({ "name": config.name(), "runs": 1 }));
        }
        common.say(&format!("{}: one run (there is no [sweep])", config.name()));
        return Ok(());
    }
    let planned = plan::plan(source)?;
    if common.json {
        let header = &planned.plan.header;
        return print_json(&json!({ "header": header, "trials": planned.plan.trials }));
    }
    common.say(&table(&planned));
    Ok(())
}

/// The trials as a table.
fn table(planned: &Planned) -> String {
    let Planned { plan, launch, notes, budget, .. } = planned;
    let seeds: Vec<String> = plan.header.seeds.iter().map(u64::to_string).collect();
    let (trials, count) = (plan.trials.len(), seeds.len());
    let mut text = format!(
        "{}: {trials} {} x {count} {} = {} runs, {}\ncompared by {}\nseeds {}\n",
        plan.header.name,
        if trials == 1 { "trial" } else { "trials" },
        if count == 1 { "seed" } else { "seeds" },
        trials * count,
        launch.words(),
        plan.header.objective.words(),
        seeds.join(" "),
    );
    for trial in plan.trials.iter().take(LISTED) {
        text.push_str(&format!("{:>5}  {}  {}\n", trial.index + 1, trial.trial, trial.title()));
    }
    if trials > LISTED {
        text.push_str(&format!("       and {} more (--json lists all)\n", trials - LISTED));
    }
    if *budget > 0 {
        text.push_str(&format!(
            "searches propose {budget} trials in all, judged by validation users, and run their \
             winners again for the test users; the first are shown\n"
        ));
    }
    for note in notes {
        text.push_str(&format!("note: {note}\n"));
    }
    text.trim_end().to_owned()
}
