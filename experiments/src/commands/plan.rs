//! `trueup plan`: what a config would run, without running it.

use std::path::PathBuf;

use serde_json::json;

use crate::cli::{Common, Overrides, print_json};
use crate::config::{Config, Source};
use crate::failure::Failure;
use crate::progress::Reporter;
use crate::sweep::pilot::{self, Pilot};
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
    /// Of a sweep: do N of its runs in a temporary folder, spread over the trials, and tell what the
    /// whole would take [default: 1].
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "1",
          value_parser = clap::value_parser!(u16).range(1..))]
    pilot: Option<u16>,
}

impl Plan {
    /// Runs the command.
    ///
    /// # Errors
    /// An invalid config, or a measured run that fails.
    pub fn execute(&self, common: &Common) -> Result<(), Failure> {
        let source = Source::read(&self.config, &self.overrides.set)?;
        let Some(runs) = self.pilot else { return tell(&source, common) };
        if !plan::is_sweep(&source)? {
            let config = self.config.display();
            let help = format!("it is one run: trueup run {config}");
            let message = format!("--pilot measures runs of a sweep, and {config} has no [sweep]");
            return Err(Failure::invalid_because(message, help));
        }
        let planned = plan::plan(&source)?;
        common.say(&table(&planned));
        let pilot = pilot::measure(&planned, runs.into(), &Reporter::new(common.style()))?;
        if common.json {
            return print_json(&json!({
                "header": planned.plan.header, "trials": planned.plan.trials, "pilot": pilot,
            }));
        }
        common.say(&words(&pilot));
        Ok(())
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
    common.say("what it takes: trueup plan CONFIG --pilot does one of the runs and measures it");
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
             winners again for the test users: {} runs; the first are shown\n",
            pilot::total_runs(planned),
        ));
    }
    for note in notes {
        text.push_str(&format!("note: {note}\n"));
    }
    text.trim_end().to_owned()
}

/// What was measured and what follows, for a person.
fn words(pilot: &Pilot) -> String {
    let mut text = String::from("measured, one run at a time:\n");
    for run in &pilot.measured {
        let mut parts = vec![time(run.seconds)];
        parts.extend(run.cpu_seconds.map(|seconds| format!("{} of processors", time(seconds))));
        parts.extend(run.memory.map(|bytes| format!("{} of memory", size(bytes))));
        parts.push(format!("{} on disk", size(run.disk)));
        text.push_str(&format!(
            "  trial {}, seed {} ({}): {}\n",
            run.trial,
            run.seed,
            run.title,
            parts.join(", ")
        ));
    }
    let all = &pilot.expected;
    let mut parts = Vec::new();
    match (all.at_a_time, all.seconds) {
        (Some(jobs), Some(seconds)) => {
            parts.push(format!("{} with {jobs} at a time", time(seconds)))
        }
        _ => parts.push("as long as the cluster takes".to_owned()),
    }
    parts.extend(all.cpu_seconds.map(|seconds| format!("{} of processors", time(seconds))));
    parts.extend(all.memory.map(|bytes| format!("{} of memory at a time", size(bytes))));
    parts.push(format!("{} on disk", size(all.disk)));
    text.push_str(&format!("expected of all {} runs: {}\n", all.runs, parts.join(", ")));
    let count = pilot.measured.len();
    let runs = if count == 1 { "run" } else { "runs" };
    text.push_str(&format!(
        "an estimate from {count} {runs} on this machine: runs beside each other slow each other down"
    ));
    if pilot.prunes {
        text.push_str(", what [sweep.prune] stops early is counted as if it ran to its end");
    }
    if !pilot.axes.is_empty() {
        text.push_str(&format!(
            ", and other trials may take more or less ({})",
            pilot.axes.join(", ")
        ));
    }
    text
}

/// Seconds as a person says them.
fn time(seconds: f64) -> String {
    match seconds {
        s if s < 99.95 => format!("{s:.1} s"),
        s if s < 5970.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

/// Bytes as a person says them.
fn size(bytes: u64) -> String {
    let mega = bytes as f64 / 1e6;
    match mega {
        m if m < 1.0 => format!("{:.0} kB", m * 1e3),
        m if m < 1000.0 => format!("{m:.0} MB"),
        m => format!("{:.1} GB", m / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_said_in_units_that_fit() {
        let times = [0.04, 99.9, 100.0, 5969.0, 5970.0, 36_000.0].map(time);
        assert_eq!(times, ["0.0 s", "99.9 s", "2 min", "99 min", "1.7 h", "10.0 h"]);
        let sizes = [0, 123_456, 1_500_000, 2_340_000_000].map(size);
        assert_eq!(sizes, ["0 kB", "123 kB", "2 MB", "2.3 GB"]);
    }
}
