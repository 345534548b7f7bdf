//! `failures/RUN.jsonl`: one line an attempt that failed. Attempts that were interrupted are no
//! failures.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::plan::RunId;
use crate::error::ResultsError;
use crate::provenance::{host, now};

/// An attempt that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedAttempt {
    /// Why, for a person.
    pub reason: String,
    /// The machine.
    pub host: String,
    /// When, UTC.
    pub at: String,
}

fn file(sweep: &Path, run: &RunId) -> PathBuf {
    sweep.join("failures").join(format!("{run}.jsonl"))
}

/// Adds a failed attempt.
///
/// # Errors
/// A failed write.
pub fn record(sweep: &Path, run: &RunId, reason: &str) -> Result<(), ResultsError> {
    let path = file(sweep, run);
    let fail = |source| ResultsError::write(&path, source);
    fs::create_dir_all(sweep.join("failures")).map_err(fail)?;
    let attempt = FailedAttempt { reason: reason.to_owned(), host: host(), at: now() };
    let mut line =
        serde_json::to_vec(&attempt).map_err(|error| ResultsError::malformed(&path, error))?;
    line.push(b'\n');
    let mut out = fs::File::options().create(true).append(true).open(&path).map_err(fail)?;
    out.write_all(&line).and_then(|()| out.sync_all()).map_err(fail)
}

/// The failed attempts of a run, oldest first. A last line that was cut off by a crash is left out.
pub fn read(sweep: &Path, run: &RunId) -> Vec<FailedAttempt> {
    let text = fs::read_to_string(file(sweep, run)).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Forgets the failed attempts of a run, so that it is tried again.
///
/// # Errors
/// A file that cannot be removed.
pub fn forget(sweep: &Path, run: &RunId) -> Result<(), ResultsError> {
    let path = file(sweep, run);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(ResultsError::write(&path, error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_counted_and_forgotten_and_a_torn_line_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunId { trial: "a".into(), seed: 3 };
        assert!(read(folder.path(), &run).is_empty());
        record(folder.path(), &run, "out of \"memory\"\nline 2").unwrap();
        record(folder.path(), &run, "again").unwrap();
        let path = file(folder.path(), &run);
        let mut text = fs::read_to_string(&path).unwrap();
        text.push_str("{\"reason\":\"to");
        fs::write(&path, text).unwrap();
        let reasons: Vec<String> =
            read(folder.path(), &run).into_iter().map(|a| a.reason).collect();
        assert_eq!(reasons, ["out of \"memory\"\nline 2", "again"]);
        forget(folder.path(), &run).unwrap();
        forget(folder.path(), &run).unwrap();
        assert!(read(folder.path(), &run).is_empty());
    }
}
