//! All runs under a folder, read from their directories.
//!
//! A run that is half-written or unreadable is a row like any other, whose state and message say so.
//! Nothing is kept between two calls: 10,000 runs are read in about a second.
//!
//! ```
//! use trueup_results::index::{Filter, runs};
//! use trueup_results::{RunDirectory, State};
//! # fn main() -> Result<(), trueup_results::ResultsError> {
//! # let folder = tempfile::tempdir().map_err(|source| trueup_results::ResultsError::Write {
//! #     path: "temporary folder".into(), remedy: "", source })?;
//! # let root = folder.path();
//! RunDirectory::create(root, "demo", 1)?.finish(State::Failed, Some("no data"))?;
//! let failed = Filter { states: vec!["failed".into()], ..Filter::default() };
//! assert_eq!(runs(root, &failed)?[0].path, "demo-1");
//! # Ok(())
//! # }
//! ```

mod config;
mod filter;
mod remove;
mod row;
mod scan;
mod since;
#[cfg(test)]
mod tests;

use std::path::Path;

use rayon::prelude::*;

use crate::error::ResultsError;

pub use config::read as config_values;
pub use filter::Filter;
pub use remove::remove_run;
pub use row::{RunRow, UNREADABLE};
pub use since::moment;

/// The runs under a folder that fit a filter, the oldest first.
///
/// # Errors
/// A root that cannot be read.
pub fn runs(root: &Path, filter: &Filter) -> Result<Vec<RunRow>, ResultsError> {
    let mut rows: Vec<RunRow> = scan::runs(root)?.par_iter().map(row::read).collect();
    rows.retain(|row| filter.fits(row));
    // Stable: runs that started at one time stay in the order of their paths.
    rows.sort_by(|a, b| a.started.cmp(&b.started));
    Ok(rows)
}
