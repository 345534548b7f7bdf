//! `plan.jsonl` and `configs.jsonl`: what a sweep runs, frozen before anything runs.
//!
//! A trial is a resolved config without its seed; its id is the start of the SHA-256 of that config.
//! A run is a trial with a seed. Searches add trials in batches: the file is then written anew, with
//! the earlier lines unchanged.

use std::collections::HashMap;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::objective::Objective;
use super::pruning::Pruning;
use crate::error::ResultsError;
use crate::files::{read_text, write_atomically};

/// Name of the plan in the folder of a sweep.
pub const PLAN: &str = "plan.jsonl";
const CONFIGS: &str = "configs.jsonl";
/// Number of the file format; another one is refused.
pub const FORMAT: u32 = 1;

/// First line of the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanHeader {
    /// Number of the file format.
    pub format: u32,
    /// Version of the program that planned.
    pub version: String,
    /// Name of the sweep.
    pub name: String,
    /// SHA-256 of `sweep.toml`.
    pub config_sha256: String,
    /// Seeds, the replications of every trial.
    pub seeds: Vec<u64>,
    /// What trials are compared by.
    pub objective: Objective,
    /// Paths of the axes, in the order of the config.
    pub axes: Vec<String>,
    /// When trials are stopped early; none where all go to their end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pruning: Option<Pruning>,
}

/// Why a trial is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// It was written down in the config; it is judged on test users.
    #[default]
    Planned,
    /// A searcher proposed it; it is judged on validation users, never on test users.
    Search,
    /// It won a search and is run again, judged on test users.
    Confirm,
}

/// One value that a trial sets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AxisValue {
    /// Path in the config, as for `--set`.
    pub path: String,
    /// The value.
    pub value: serde_json::Value,
    /// How it is called in tables and plots.
    pub label: String,
}

/// Ends a label that was cut.
pub const CUT: char = '\u{2026}';

impl AxisValue {
    /// The value for other programs: the label where it says all of it, else the value itself. Labels
    /// of drawn numbers are rounded, those of lists and tables may be cut.
    pub fn export(&self) -> String {
        let rounded = match (self.value.as_f64(), self.label.parse::<f64>()) {
            (Some(value), Ok(label)) => value != label,
            _ => false,
        };
        let is_long = self.value.is_array() || self.value.is_object();
        // Plans of before gave lists and tables their position.
        let position = || self.label.bytes().all(|byte| byte.is_ascii_digit());
        match rounded || is_long && (self.label.contains(CUT) || position()) {
            true => self.value.to_string(),
            false => self.label.clone(),
        }
    }
}

/// A line of the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedTrial {
    /// Start of the SHA-256 of the resolved config without its seed.
    pub trial: String,
    /// Position in the plan.
    pub index: usize,
    /// Why it is there.
    #[serde(default)]
    pub phase: Phase,
    /// The search that proposed it, or whose winner it is; none of a planned trial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<usize>,
    /// What it sets.
    pub values: Vec<AxisValue>,
}

impl PlannedTrial {
    /// The trial in words: the labels of its values, or its id where it sets nothing.
    pub fn title(&self) -> String {
        if self.values.is_empty() {
            return "as written".to_owned();
        }
        let last = |path: &str| path.rsplit('.').next().unwrap_or(path).to_owned();
        let word = |value: &AxisValue| format!("{}={}", last(&value.path), value.label);
        self.values.iter().map(word).collect::<Vec<_>>().join(" ")
    }

    /// The label of the value at a path; none where the trial does not set it.
    pub fn label(&self, path: &str) -> Option<&str> {
        self.values.iter().find(|v| v.path == path).map(|v| v.label.as_str())
    }
}

/// A trial with a seed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId {
    /// The trial.
    pub trial: String,
    /// The seed.
    pub seed: u64,
}

impl RunId {
    /// The run directory.
    pub fn folder(&self, sweep: &Path) -> PathBuf {
        sweep.join("runs").join(&self.trial).join(self.seed.to_string())
    }

    /// What the run told while it went on.
    pub fn log(&self, sweep: &Path) -> PathBuf {
        sweep.join("runs").join(&self.trial).join(format!("{}.log", self.seed))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.trial, self.seed)
    }
}

/// What a sweep runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// First line.
    pub header: PlanHeader,
    /// The other lines.
    pub trials: Vec<PlannedTrial>,
}

impl Plan {
    /// All runs in the order in which they are done: every trial with the first seed, then every
    /// trial with the second, so that a first picture is there early.
    pub fn runs(&self) -> impl Iterator<Item = RunId> + '_ {
        let trials =
            |seed: u64| self.trials.iter().map(move |t| RunId { trial: t.trial.clone(), seed });
        self.header.seeds.iter().copied().flat_map(trials)
    }

    /// Reads the plan of a sweep.
    ///
    /// # Errors
    /// No plan, one that does not parse (with its line), or one of another format.
    pub fn read(sweep: &Path) -> Result<Self, ResultsError> {
        let path = sweep.join(PLAN);
        let text = read_text(&path)?;
        let mut lines = text.lines().enumerate();
        let Some((_, first)) = lines.next() else {
            return Err(ResultsError::malformed(&path, "the file is empty"));
        };
        let bad = |line: usize, error: serde_json::Error| {
            ResultsError::malformed(&path, format!("line {}: {error}", line + 1))
        };
        let format: Format = serde_json::from_str(first).map_err(|error| bad(0, error))?;
        if format.format != FORMAT {
            let why = format!(
                "the plan was made by version {} in format {}; this program reads format {FORMAT}: \
                 go on with that version, or plan the sweep anew from {}",
                format.version,
                format.format,
                super::SWEEP_CONFIG
            );
            return Err(ResultsError::malformed(&path, why));
        }
        let header = serde_json::from_str(first).map_err(|error| bad(0, error))?;
        let trials = lines
            .map(|(line, text)| serde_json::from_str(text).map_err(|error| bad(line, error)))
            .collect::<Result<_, _>>()?;
        Ok(Self { header, trials })
    }

    /// Writes the plan and the configs, one a trial of the plan and in its order.
    ///
    /// # Errors
    /// A failed write.
    pub fn write(&self, sweep: &Path, configs: &[String]) -> Result<(), ResultsError> {
        let path = sweep.join(CONFIGS);
        let lines = self.trials.iter().zip(configs);
        let lines = lines.map(|(t, config)| ConfigLine { trial: &t.trial, config });
        write_atomically(&path, &json_lines(&path, lines)?)?;
        // The plan comes last: where it is, everything is.
        let path = sweep.join(PLAN);
        let mut bytes = json_lines(&path, [&self.header])?;
        bytes.extend(json_lines(&path, &self.trials)?);
        write_atomically(&path, &bytes)
    }
}

/// Reads the resolved configs of all trials, without seeds.
///
/// # Errors
/// A file that is missing or does not parse.
pub fn read_configs(sweep: &Path) -> Result<HashMap<String, String>, ResultsError> {
    let path = sweep.join(CONFIGS);
    let parse = |(line, text): (usize, &str)| {
        let owned: OwnedConfigLine = serde_json::from_str(text)
            .map_err(|e| ResultsError::malformed(&path, format!("line {}: {e}", line + 1)))?;
        Ok((owned.trial, owned.config))
    };
    read_text(&path)?.lines().enumerate().map(parse).collect()
}

#[derive(Deserialize)]
struct Format {
    format: u32,
    version: String,
}

#[derive(Serialize)]
struct ConfigLine<'a> {
    trial: &'a str,
    config: &'a str,
}

#[derive(Deserialize)]
struct OwnedConfigLine {
    trial: String,
    config: String,
}

fn json_lines<T: Serialize>(
    path: &Path,
    values: impl IntoIterator<Item = T>,
) -> Result<Vec<u8>, ResultsError> {
    let mut bytes = Vec::new();
    for value in values {
        serde_json::to_writer(&mut bytes, &value).map_err(|e| ResultsError::malformed(path, e))?;
        bytes.write_all(b"\n").map_err(|e| ResultsError::write(path, e))?;
    }
    Ok(bytes)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::sweep::Direction;

    pub fn example() -> Plan {
        let value = |label: &str| AxisValue {
            path: "reward.kind".into(),
            value: label.into(),
            label: label.into(),
        };
        let trial = |index: usize, label: &str| PlannedTrial {
            trial: format!("{index:012x}"),
            index,
            phase: Phase::Planned,
            search: None,
            values: vec![value(label)],
        };
        Plan {
            header: PlanHeader {
                format: FORMAT,
                version: "0.1.0".into(),
                name: "demo".into(),
                config_sha256: "ab".into(),
                seeds: vec![1, 2],
                objective: Objective {
                    calibrator: Some("ppo".into()),
                    metric: "mean_excess".into(),
                    direction: Direction::Minimize,
                },
                axes: vec!["reward.kind".into()],
                pruning: None,
            },
            trials: vec![trial(0, "witness"), trial(1, "pwil")],
        }
    }

    #[test]
    fn what_is_exported_says_all_of_the_value() {
        let export = |value: serde_json::Value, label: &str| {
            AxisValue { path: "a".into(), value, label: label.into() }.export()
        };
        assert_eq!(export(serde_json::json!([64, 64]), "[64, 64]"), "[64, 64]");
        assert_eq!(export(serde_json::json!([64, 64]), "0"), "[64,64]");
        assert_eq!(export(serde_json::json!([64, 64]), "small"), "small");
        assert_eq!(export(serde_json::json!({"a": 1}), "{ a\u{2026}"), "{\"a\":1}");
        assert_eq!(export(serde_json::json!(0.000_123_456), "1.235e-4"), "0.000123456");
        assert_eq!(export(serde_json::json!(1e30), "1e30"), "1e30");
        assert_eq!(export(serde_json::json!(0.001), "1e-3"), "1e-3");
        assert_eq!(export(serde_json::json!(2), "two"), "two");
        assert_eq!(export(serde_json::json!("0"), "0"), "0");
    }

    #[test]
    fn a_plan_is_read_back_and_runs_go_seed_by_seed() {
        let folder = tempfile::tempdir().unwrap();
        let plan = example();
        plan.write(folder.path(), &["a = 1\n".into(), "a = 2\n".into()]).unwrap();
        assert_eq!(Plan::read(folder.path()).unwrap(), plan);
        assert_eq!(read_configs(folder.path()).unwrap()["000000000001"], "a = 2\n");
        let seeds: Vec<u64> = plan.runs().map(|run| run.seed).collect();
        assert_eq!(seeds, [1, 1, 2, 2]);
        assert_eq!(plan.trials[0].title(), "kind=witness");
    }

    #[test]
    fn a_plan_of_another_format_and_a_broken_line_are_refused_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let mut plan = example();
        plan.header.format = 7;
        plan.header.version = "9.0.0".into();
        plan.write(folder.path(), &[]).unwrap();
        let error = Plan::read(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains("version 9.0.0") && error.contains("plan the sweep anew"),
            "{error}"
        );
        std::fs::write(folder.path().join(PLAN), "").unwrap();
        assert!(Plan::read(folder.path()).unwrap_err().to_string().contains("empty"));
        let header = serde_json::to_string(&example().header).unwrap();
        std::fs::write(folder.path().join(PLAN), format!("{header}\n{{\"trial\":")).unwrap();
        assert!(Plan::read(folder.path()).unwrap_err().to_string().contains("line 2"));
    }
}
