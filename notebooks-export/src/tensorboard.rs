//! Event files of TensorBoard, one a run: `TRIAL/SEED/events.out.tfevents.0.trueup`, or the file alone
//! for a single run.
//!
//! Scalars are called `CALIBRATOR/NAME` (`CALIBRATOR/seed-1/NAME` where several training seeds share
//! a run). Those of curves stand at their environment steps where they are known, else at their
//! iteration; those of the panel (`CALIBRATOR/panel/FEATURE/DISCREPANCY`) and the summary of the
//! verdict at step 0. What the trial sets is text under `hparams`. An export that is repeated
//! replaces the files: their bytes follow from the runs.

use std::path::{Path, PathBuf};

use trueup_results::metrics::ENV_STEPS;
use trueup_results::tables::RunRecord;
use trueup_results::tensorboard::Events;
use trueup_results::{Metric, status, write_atomically};

use crate::error::ExportError;
use crate::figures::{final_figures, seconds_since_1970};

/// Name of a file. TensorBoard knows event files by `tfevents` in it.
const FILE: &str = "events.out.tfevents.0.trueup";

/// Writes the event files of a run or a sweep into a folder, and returns them.
///
/// # Errors
/// A folder that is neither, a sweep of which no run has begun, or a failed write.
pub fn write(folder: &Path, out: &Path) -> Result<Vec<PathBuf>, ExportError> {
    let mut files = Vec::new();
    for record in crate::records(folder)? {
        let mut path = out.to_owned();
        if let (Some(trial), Some(seed)) = (&record.trial, record.seed) {
            path.extend([trial, &seed.to_string()]);
        }
        path.push(FILE);
        write_atomically(&path, &events(&record)?)?;
        files.push(path);
    }
    Ok(files)
}

/// The content of the file of a run.
fn events(record: &RunRecord) -> Result<Vec<u8>, ExportError> {
    // A run that cannot be read has no start.
    let started = status(&record.folder).ok().and_then(|s| seconds_since_1970(&s.started));
    let mut events = Events::new(started.unwrap_or(0.0));
    events.text(0, "hparams", &hparams(record));
    let figures = final_figures(record);
    events.scalars(0, figures.iter().map(|(name, value)| (name.as_str(), *value)))?;
    for metric in &record.metrics {
        let curve = curve(metric);
        let named: Vec<(String, f64)> =
            metric.values.iter().map(|(name, &value)| (format!("{curve}/{name}"), value)).collect();
        events.scalars(step(metric), named.iter().map(|(name, value)| (name.as_str(), *value)))?;
    }
    Ok(events.finish())
}

/// What the scalars of a curve begin with.
pub(crate) fn curve(metric: &Metric) -> String {
    match metric.seed {
        Some(seed) => format!("{}/seed-{seed}", metric.calibrator),
        None => metric.calibrator.clone(),
    }
}

/// Environment steps so far where they are known, else iterations.
pub(crate) fn step(metric: &Metric) -> i64 {
    match metric.values.get(ENV_STEPS) {
        Some(&steps) => steps as i64,
        None => i64::try_from(metric.iteration).unwrap_or(i64::MAX),
    }
}

/// What the run is, as a table in Markdown.
fn hparams(record: &RunRecord) -> String {
    let cell = |text: &str| text.replace('|', "\\|").replace(['\n', '\r'], " ");
    let mut rows = vec!["| what | value |".to_owned(), "|---|---|".to_owned()];
    let mut row = |what: &str, value: &str| {
        rows.push(format!("| {} | {} |", cell(what), cell(value)));
    };
    for (what, value) in [("trial", &record.trial), ("message", &record.message)] {
        value.iter().for_each(|value| row(what, value));
    }
    record.seed.iter().for_each(|seed| row("seed", &seed.to_string()));
    row("state", &record.state);
    record.settings.iter().for_each(|setting| row(&setting.path, &setting.export()));
    rows.join("\n")
}
