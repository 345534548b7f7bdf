//! `metrics.jsonl`: one line of JSON an iteration, appended while a run goes on.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::ResultsError;

/// Name of the file in a run directory.
pub const FILE: &str = "metrics.jsonl";
/// Name of the value that learning curves plot upwards: the discrepancy that the reward optimises.
pub const DISCREPANCY: &str = "discrepancy";
/// Name of the value that learning curves plot along: environment steps so far.
pub const ENV_STEPS: &str = "env_steps";

/// One iteration of one calibrator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Name of the calibrator.
    pub calibrator: String,
    /// Iterations done.
    pub iteration: u64,
    /// Iterations in all.
    pub total: u64,
    /// Named numbers; [`DISCREPANCY`] and [`ENV_STEPS`] are plotted.
    pub values: BTreeMap<String, f64>,
}

/// Appends to `metrics.jsonl`, one whole line a write.
#[derive(Debug)]
pub struct MetricsWriter {
    file: File,
    path: PathBuf,
}

impl MetricsWriter {
    pub(crate) fn open(folder: &Path) -> Result<Self, ResultsError> {
        let path = folder.join(FILE);
        let file = File::options().create(true).append(true).open(&path);
        let file = file.map_err(|source| ResultsError::write(&path, source))?;
        Ok(Self { file, path })
    }

    /// Appends one line.
    ///
    /// # Errors
    /// A value that is not finite, or a failed write.
    pub fn append(&mut self, metric: &Metric) -> Result<(), ResultsError> {
        if let Some((name, &value)) = metric.values.iter().find(|(_, value)| !value.is_finite()) {
            let what = format!("{name} of {} at {}", metric.calibrator, metric.iteration);
            return Err(ResultsError::NotFinite { what, value });
        }
        let mut line =
            serde_json::to_string(metric).map_err(|e| ResultsError::malformed(&self.path, e))?;
        line.push('\n');
        let written = self.file.write_all(line.as_bytes());
        written.map_err(|source| ResultsError::write(&self.path, source))
    }
}

/// Reads `metrics.jsonl` of a run directory; empty where there is none. A last line without its
/// newline was torn by a crash and is left out.
///
/// # Errors
/// A file that cannot be read, or a whole line that does not parse.
pub fn read(folder: &Path) -> Result<Vec<Metric>, ResultsError> {
    let path = folder.join(FILE);
    // Bytes, not text: a tear may lie within a character.
    let bytes = match fs::read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(|source| ResultsError::read(&path, source))?,
    };
    let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    let lines = bytes[..whole].split(|&byte| byte == b'\n').enumerate();
    lines
        .filter(|(_, line)| !line.is_empty())
        .map(|(i, line)| {
            serde_json::from_slice(line)
                .map_err(|e| ResultsError::malformed(&path, format!("line {}: {e}", i + 1)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(iteration: u64, value: f64) -> Metric {
        let values = BTreeMap::from([(DISCREPANCY.to_owned(), value)]);
        Metric { calibrator: "강화".into(), iteration, total: 9, values }
    }

    #[test]
    fn lines_come_back_and_a_torn_last_one_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = MetricsWriter::open(folder.path()).unwrap();
        let wanted = [metric(1, 0.1 + 0.2), metric(2, 1e-300)];
        wanted.iter().for_each(|m| writer.append(m).unwrap());
        let path = folder.path().join(FILE);
        let whole = fs::read(&path).unwrap();
        let one_more = serde_json::to_vec(&metric(3, 1.0)).unwrap();
        // Every possible tear of a third line, those within a character too.
        for cut in 0..=one_more.len() {
            fs::write(&path, [&whole[..], &one_more[..cut]].concat()).unwrap();
            assert_eq!(read(folder.path()).unwrap(), wanted);
        }
    }

    #[test]
    fn a_broken_line_in_the_middle_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "{}\n{}\n").unwrap();
        let error = read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("line 1") && error.contains("calibrator"), "{error}");
    }

    #[test]
    fn nan_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = MetricsWriter::open(folder.path()).unwrap();
        let error = writer.append(&metric(4, f64::NAN)).unwrap_err().to_string();
        assert!(error.contains("discrepancy of 강화 at 4 is NaN"), "{error}");
        assert_eq!(read(folder.path()).unwrap(), []);
    }
}
