//! What MLflow is told of a run.

use std::collections::HashSet;

use serde::Serialize;
use trueup_results::index::config_values;
use trueup_results::tables::RunRecord;
use trueup_results::{Provenance, Status};

use crate::figures::{final_figures, seconds_since_1970};
use crate::tensorboard::{curve, step};

/// Most characters of a name.
const NAME: usize = 250;
/// Most characters of a value; servers before 2.8 refuse longer ones.
const VALUE: usize = 500;

/// A parameter or a tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Pair {
    pub key: String,
    pub value: String,
}

impl Pair {
    pub fn new(key: impl Into<String>, value: &str) -> Self {
        Self { key: key.into(), value: value.chars().take(VALUE).collect() }
    }
}

/// A number at a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Point {
    pub key: String,
    pub value: f64,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    pub step: i64,
}

/// What MLflow is told of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Content {
    pub name: String,
    pub status: &'static str,
    /// Milliseconds since 1970.
    pub start: i64,
    pub end: Option<i64>,
    pub params: Vec<Pair>,
    pub tags: Vec<Pair>,
    pub metrics: Vec<Point>,
}

impl Content {
    /// All that is known of a run. `sweep` is the name of its sweep, where it is of one.
    ///
    /// All points say that they were measured when the run started, which stays the same when a run
    /// is gone on with: a server that is told the same point twice keeps one.
    pub fn of(
        record: &RunRecord,
        status: Option<&Status>,
        provenance: Option<&Provenance>,
        sweep: Option<&str>,
    ) -> Self {
        let milliseconds = |time: &String| Some((seconds_since_1970(time)? * 1000.0) as i64);
        let start = status.and_then(|s| milliseconds(&s.started)).unwrap_or_default();
        let mut names = Names::default();
        let mut metrics: Vec<Point> = final_figures(record)
            .into_iter()
            .map(|(key, value)| Point { key: names.only(&key), value, timestamp: start, step: 0 })
            .collect();
        for metric in &record.metrics {
            let curve = curve(metric);
            for (name, &value) in &metric.values {
                let key = valid(&format!("{curve}/{name}"));
                metrics.push(Point { key, value, timestamp: start, step: step(metric) });
            }
        }
        let mut names = Names::default();
        // A run by itself has no trial that tells what is worth comparing: all of its config may be.
        let settings: Vec<(String, String)> = match record.trial {
            Some(_) => record.settings.iter().map(|s| (s.path.clone(), s.export())).collect(),
            None => config_values(&record.folder),
        };
        let params = settings.iter().map(|(path, v)| Pair::new(names.only(path), v)).collect();
        Self {
            name: run_name(record),
            status: match record.state.as_str() {
                "done" => "FINISHED",
                "running" => "RUNNING",
                "pruned" | "interrupted" => "KILLED",
                _ => "FAILED",
            },
            start,
            end: status.and_then(|s| s.ended.as_ref()).and_then(milliseconds),
            params,
            tags: tags(record, provenance, sweep),
            metrics,
        }
    }
}

fn run_name(record: &RunRecord) -> String {
    let name = &record.digest.name;
    match (&record.trial, record.seed) {
        (Some(trial), Some(seed)) => format!("{trial}-{seed}"),
        (_, Some(seed)) => format!("{name}-{seed}"),
        _ => name.clone(),
    }
}

fn tags(record: &RunRecord, provenance: Option<&Provenance>, sweep: Option<&str>) -> Vec<Pair> {
    let seed = record.seed.map(|seed| seed.to_string());
    let known = [
        ("sweep", sweep),
        ("trial", record.trial.as_deref()),
        ("seed", seed.as_deref()),
        ("state", Some(record.state.as_str())),
        ("message", record.message.as_deref()),
        ("dataset", Some(record.digest.dataset.as_str())),
        ("objective", record.objective_name.as_deref()),
        ("calibrator", record.digest.calibrator.as_deref()),
        ("version", provenance.map(|p| p.version.as_str())),
        ("commit", provenance.map(|p| p.commit.as_str())),
    ];
    let known = known.into_iter().filter_map(|(key, value)| Some((key, value?)));
    known.filter(|(_, value)| !value.is_empty()).map(|(k, v)| Pair::new(k, v)).collect()
}

/// Names that were given away.
#[derive(Default)]
struct Names(HashSet<String>);

impl Names {
    /// A valid name that nothing else has: of names that read the same once what MLflow refuses is
    /// replaced, the later ones get `_2`, `_3` ...
    fn only(&mut self, name: &str) -> String {
        let base = valid(name);
        let mut name = base.clone();
        let mut count = 2u64;
        while !self.0.insert(name.clone()) {
            let end = format!("_{count}");
            name = base.chars().take(NAME - end.len()).chain(end.chars()).collect();
            count += 1;
        }
        name
    }
}

/// A name as MLflow takes it: letters, digits, `_`, `-`, `.`, blanks and `/`, at most 250 characters,
/// and no part of it that reads as a folder. Anything else becomes `_`.
fn valid(name: &str) -> String {
    let keep = |c: char| if c.is_alphanumeric() || "_-. /".contains(c) { c } else { '_' };
    let name: String = name.chars().take(NAME).map(keep).collect();
    let part = |part| if matches!(part, "" | "." | "..") { "_" } else { part };
    name.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run by itself can be found by any of its settings.
    #[test]
    fn the_config_of_a_run_by_itself_is_its_parameters() {
        let folder = tempfile::tempdir().unwrap();
        let config =
            "seed = 1\n[[calibrators]]\nname = \"ppo\"\nhidden = [64, 64]\naverage = 0.96\n";
        std::fs::write(folder.path().join("config.toml"), config).unwrap();
        let record = RunRecord { folder: folder.path().to_owned(), ..RunRecord::default() };
        let wanted = [
            ("calibrators.ppo.average", "0.96"),
            ("calibrators.ppo.hidden", "[64, 64]"),
            ("calibrators.ppo.name", "ppo"),
            ("seed", "1"),
        ];
        let content = Content::of(&record, None, None, None);
        assert_eq!(content.params, wanted.map(|(key, value)| Pair::new(key, value)));
        // Of a trial, what it sets.
        let record = RunRecord { trial: Some("a".into()), ..record };
        assert!(Content::of(&record, None, None, None).params.is_empty());
    }

    #[test]
    fn names_are_those_that_the_server_takes() {
        assert_eq!(valid("ppo/panel/거래/psi(bins=20)"), "ppo/panel/거래/psi_bins_20_");
        assert_eq!(valid("/a//../."), "_/a/_/_/_");
        assert_eq!(valid(""), "_");
        assert_eq!(valid(&"글".repeat(300)).chars().count(), 250);
        let mut names = Names::default();
        let long = "x".repeat(260);
        let given = ["psi(a)", "psi[a]", "psi_a_", &long, &long].map(|name| names.only(name));
        assert_eq!(given[..3], ["psi_a_", "psi_a__2", "psi_a__3"]);
        assert_eq!(given[4], format!("{}_2", "x".repeat(248)));
        let pair = Pair::new("message", &"글".repeat(501));
        assert_eq!(pair.value.chars().count(), 500);
    }
}
