//! Tables of a run or of a sweep, as Parquet or as CSV: what pandas, polars or DuckDB take further.
//!
//! | file | one row a |
//! |---|---|
//! | `runs` | run: state, objective, seconds, steps, and what the trial set |
//! | `calibrators` | calibrator of a run: multiple of the floor, gap closed, AUC, mean excess, with intervals; copies |
//! | `metrics` | metric of a calibrator: value, floor, before, verdict, p and q |
//! | `curves` | named number of an iteration, from `metrics.jsonl` |
//!
//! Text is UTF-8, numbers are f64 or unsigned 64-bit, and every column may be null. Rows are sorted
//! by trial, seed, and then by name. The bytes follow from the run directories alone: no time of
//! writing is in them. In Parquet nothing is compressed but repeated text (by dictionary), so that
//! every reader opens it.
//!
//! In a sweep, state and objective are those of the sweep: what `summary.json` of the sweep says of
//! a run stands in `runs`. Outside of one, the objective is the gap closed of the best calibrator.

mod csv;
mod curves;
mod panels;
mod record;
mod runs;
mod sink;
mod writer;

use std::path::{Path, PathBuf};

use crate::error::ResultsError;
use crate::files::write_atomically;
use crate::sweep::is_sweep;

pub use csv::CsvWriter;
pub use record::RunRecord;
pub use sink::{Format, Sink};
pub use writer::{Cell, Kind, TableWriter};

/// Folder of the tables in a run directory or sweep.
pub const FOLDER: &str = "tables";

/// Names of the tables, which those of their files begin with.
pub const NAMES: [&str; 4] = ["runs", "calibrators", "metrics", "curves"];

/// Writes the four Parquet tables of one run into its directory, and returns their folder.
///
/// # Errors
/// A folder that is no run directory, files that are malformed, or a failed write.
pub fn write_run(folder: &Path) -> Result<PathBuf, ResultsError> {
    let out = folder.join(FOLDER);
    write(&[RunRecord::find(folder)?], &out, Format::Parquet)?;
    Ok(out)
}

/// Writes the four Parquet tables of a sweep into its folder: all runs that are there, whatever
/// their state. A run that cannot be read has a row in `runs` that says so. Returns the folder.
///
/// # Errors
/// A folder without a plan, or a failed write.
pub fn write_sweep(folder: &Path) -> Result<PathBuf, ResultsError> {
    let out = folder.join(FOLDER);
    write(&RunRecord::of_sweep(folder)?, &out, Format::Parquet)?;
    Ok(out)
}

/// The runs in a folder: those of a sweep, or the one of a run directory.
///
/// # Errors
/// A folder that is neither, or files that are malformed.
pub fn records(folder: &Path) -> Result<Vec<RunRecord>, ResultsError> {
    if is_sweep(folder) {
        return RunRecord::of_sweep(folder);
    }
    Ok(vec![RunRecord::find(folder)?])
}

/// Writes the four tables of these runs as files of a folder.
///
/// # Errors
/// A number that is not finite, or a failed write.
pub fn write(records: &[RunRecord], out: &Path, format: Format) -> Result<(), ResultsError> {
    let tables = [runs::table, panels::calibrators, panels::metrics, curves::table];
    for (name, table) in NAMES.iter().zip(tables) {
        let path = out.join(format!("{name}.{}", format.extension()));
        write_atomically(&path, &table(records, format)?)?;
    }
    Ok(())
}
