//! The report of a training run on a task whose returns are known: no real users, no panel.
//!
//! The caller writes `summary.json` ([`TrainingSummary`]), `metrics.jsonl` with the values that
//! [`RETURN`](crate::metrics::RETURN) and its neighbours name, and `provenance.json` and
//! `config.toml` as of any run; [`write_training_report`] makes plots and `report.html` of them.

use std::path::{Path, PathBuf};

use askama::Template;
use serde::{Deserialize, Serialize};

use crate::error::ResultsError;
use crate::files::{read_json, read_text, write_atomically};
use crate::metrics;
use crate::provenance::Provenance;
use crate::run_directory::{State, Status, status};

mod figures;
mod page;
mod words;

/// What made the result: the mark by which the two kinds of `summary.json` are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrainingMode {
    /// A trainer was run on a task.
    #[default]
    Training,
}

/// What one training seed gave.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SeedResult {
    /// The seed.
    pub seed: u64,
    /// Environment steps.
    pub steps: u64,
    /// Mean return of the last 100 training episodes, or of all where there were fewer; none where
    /// no episode finished.
    pub last_100_return: Option<f64>,
    /// Mean return of the evaluation episodes; none where none finished.
    pub evaluation_return: Option<f64>,
    /// Standard deviation (n) of their returns.
    pub evaluation_sd: Option<f64>,
    /// Number of finished evaluation episodes.
    pub evaluation_episodes: usize,
    /// Wall-clock seconds of training.
    pub seconds: f64,
    /// Environment steps a second of training.
    pub steps_per_second: f64,
}

/// A seed that gave no result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeedFailure {
    /// The seed.
    pub seed: u64,
    /// Why it failed, for a person.
    pub reason: String,
}

/// `summary.json` of a training run. All fields but seconds are functions of config and seeds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainingSummary {
    /// What made the result.
    pub mode: TrainingMode,
    /// Name of the run.
    pub name: String,
    /// The task, e.g. `CartPole-v1`.
    pub task: String,
    /// Return at which the task counts as solved, where it has one.
    #[serde(default)]
    pub solved_at: Option<f64>,
    /// Seeds that gave a result, in the order of the config.
    pub seeds: Vec<SeedResult>,
    /// Seeds that failed.
    #[serde(default)]
    pub failed: Vec<SeedFailure>,
    /// Wall-clock seconds of the whole run.
    #[serde(default)]
    pub seconds: f64,
    /// What a reader must know.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// All that the report shows.
#[derive(Clone, Debug, Default)]
struct Input {
    summary: TrainingSummary,
    metrics: Vec<metrics::Metric>,
    provenance: Option<Provenance>,
    config: Option<String>,
    status: Option<Status>,
}

impl Input {
    fn read(folder: &Path) -> Result<Self, ResultsError> {
        let there = |name: &str| Some(folder.join(name)).filter(|path| path.exists());
        let own =
            |status: &Status| status.state == State::Running && status.pid == std::process::id();
        Ok(Self {
            summary: read_json(&folder.join("summary.json"))?,
            metrics: metrics::read(folder)?,
            provenance: there("provenance.json").map(|path| read_json(&path)).transpose()?,
            config: there("config.toml").map(|path| read_text(&path)).transpose()?,
            status: status(folder).ok().filter(|status| !own(status)),
        })
    }
}

/// Whether the summary in a run directory is that of a training run.
///
/// # Errors
/// A `summary.json` that is missing or is no JSON.
pub fn is_training(folder: &Path) -> Result<bool, ResultsError> {
    let summary: serde_json::Value = read_json(&folder.join("summary.json"))?;
    Ok(summary["mode"] == "training")
}

/// Reads a run directory, writes `plots/*.svg`, `plots/*.png` and `report.html` into it, and returns
/// the path of the report. What was there is replaced; `summary.json` must be there, and the report
/// says of the others that they are missing.
///
/// # Errors
/// Files that are missing or malformed, a plot that cannot be drawn, or a failed write.
pub fn write_training_report(folder: &Path) -> Result<PathBuf, ResultsError> {
    let input = Input::read(folder)?;
    let figures = figures::draw(folder, &input)?;
    let page = page::Page::new(folder, &input, &figures);
    let path = folder.join("report.html");
    write_atomically(&path, page.render()?.as_bytes())?;
    Ok(path)
}

#[cfg(test)]
mod tests;
