//! Exports of a run or of a sweep that other tools open.
//!
//! Each takes the folder of a run or of a sweep, and where to write. Everything is read from the
//! files that are there: an export can be deleted and made again.

mod error;
mod figures;
pub mod latex;
pub mod mlflow;
mod notebook;
pub mod tensorboard;

use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;
use trueup_results::tables::{self, Format, RunRecord};

pub use error::ExportError;
pub use notebook::ipynb;

/// Writes the four tables of a run or a sweep as files of a folder.
///
/// # Errors
/// A folder that is neither, a sweep of which no run has begun, or a failed write.
pub fn write_tables(folder: &Path, out: &Path, format: Format) -> Result<(), ExportError> {
    Ok(tables::write(&records(folder)?, out, format)?)
}

/// The runs in a folder, at least one.
fn records(folder: &Path) -> Result<Vec<RunRecord>, ExportError> {
    let records = tables::records(folder)?;
    if records.is_empty() { Err(ExportError::Nothing(folder.to_owned())) } else { Ok(records) }
}

/// Refuses a run that has no summary, with how far it got.
fn has_result(folder: &Path) -> Result<(), ExportError> {
    if folder.join("summary.json").exists() {
        return Ok(());
    }
    let state = trueup_results::status(folder)?.state.name().to_owned();
    Err(ExportError::NoResult { folder: folder.to_owned(), state })
}

/// The summary of a run, which is there.
fn summary<T: DeserializeOwned>(folder: &Path) -> Result<T, ExportError> {
    let path = folder.join("summary.json");
    let wrong = |why: String| ExportError::Summary { path: path.clone(), why };
    let text = fs::read_to_string(&path).map_err(|error| wrong(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))
}
