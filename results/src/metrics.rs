//! `metrics.jsonl`: one line of JSON an iteration, appended while a run goes on.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::ResultsError;
use crate::files::{self, whole_lines};
use crate::run_directory::folder_name;
use crate::tensorboard::EventFile;

/// Folder of TensorBoard's event files in a run directory.
const TENSORBOARD: &str = "tensorboard";

/// Name of the file in a run directory.
pub const FILE: &str = "metrics.jsonl";
/// Name of the value that learning curves plot upwards: the discrepancy that the reward optimises.
pub const DISCREPANCY: &str = "discrepancy";
/// Name of the value that learning curves plot along: environment steps so far.
pub const ENV_STEPS: &str = "env_steps";
/// Mean return of the last 100 finished training episodes (of all where there were fewer), on tasks
/// with known returns; left out until an episode has finished.
pub const RETURN: &str = "return_last_100";
/// Mean of r - 1 - ln r over the rollout, r being new over old probability of the action.
pub const APPROXIMATE_KL: &str = "approximate_kl";
/// Share of actions whose r left the clipping range.
pub const CLIP_FRACTION: &str = "clip_fraction";
/// Mean entropy of the policy, in nats.
pub const ENTROPY: &str = "entropy";
/// 1 - Var(returns - values) / Var(returns).
pub const EXPLAINED_VARIANCE: &str = "explained_variance";
/// Mean squared error of the value network on its targets.
pub const VALUE_LOSS: &str = "value_loss";

/// One iteration of one calibrator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Name of the calibrator.
    pub calibrator: String,
    /// Training seed, where several seeds of one trainer share a run directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Iterations done.
    pub iteration: u64,
    /// Iterations in all.
    pub total: u64,
    /// Named numbers; [`DISCREPANCY`] and [`ENV_STEPS`] are plotted.
    pub values: BTreeMap<String, f64>,
}

impl Metric {
    /// Whether the other one belongs to the same curve.
    fn continues(&self, other: &Self) -> bool {
        self.calibrator == other.calibrator && self.seed == other.seed
    }

    /// Environment steps so far where they are known, else iterations.
    fn step(&self) -> i64 {
        match self.values.get(ENV_STEPS) {
            Some(&steps) => steps as i64,
            None => i64::try_from(self.iteration).unwrap_or(i64::MAX),
        }
    }
}

/// Appends to `metrics.jsonl`, one whole line a write, and the same values to TensorBoard's event
/// files: `tensorboard/CALIBRATOR/` or, of one seed among several, `tensorboard/CALIBRATOR-seed-1/`.
#[derive(Debug)]
pub struct MetricsWriter {
    file: File,
    path: PathBuf,
    folder: PathBuf,
    /// Calibrator, seed, folder and file of every curve so far.
    curves: Vec<(String, Option<u64>, String, EventFile)>,
}

impl MetricsWriter {
    /// Opens for appending. A last line without its newline was torn by a crash: it is cut off, or
    /// the next one would be glued to it.
    pub(crate) fn open(folder: &Path) -> Result<Self, ResultsError> {
        let path = folder.join(FILE);
        let fail = |source| ResultsError::write(&path, source);
        let file = File::options().create(true).append(true).open(&path).map_err(fail)?;
        let bytes = fs::read(&path).map_err(|source| ResultsError::read(&path, source))?;
        let whole = whole_lines(&bytes).len();
        if whole < bytes.len() {
            file.set_len(whole as u64).map_err(fail)?;
        }
        Ok(Self { file, path, folder: folder.join(TENSORBOARD), curves: Vec::new() })
    }

    /// Appends one line, and then its values to the event file of its curve.
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
        written.map_err(|source| ResultsError::write(&self.path, source))?;
        let events = self.events(metric)?;
        events.append(metric.step(), metric.values.iter().map(|(tag, &value)| (&**tag, value)))
    }

    /// Removes the lines of a curve from `iteration` on: a run that goes on from an older checkpoint
    /// makes them again. Other curves stay as they are.
    ///
    /// # Errors
    /// A file that cannot be read or written, or a line that does not parse.
    pub fn rewind(
        &mut self,
        calibrator: &str,
        seed: Option<u64>,
        iteration: u64,
    ) -> Result<(), ResultsError> {
        let bytes = fs::read(&self.path).map_err(|e| ResultsError::read(&self.path, e))?;
        let lines = bytes.split_inclusive(|&byte| byte == b'\n').enumerate();
        let mut kept: Vec<u8> = Vec::new();
        for (i, line) in lines {
            let metric: Metric = serde_json::from_slice(line)
                .map_err(|e| ResultsError::malformed(&self.path, format!("line {}: {e}", i + 1)))?;
            let again = metric.calibrator == calibrator && metric.seed == seed;
            if !again || metric.iteration < iteration {
                kept.extend_from_slice(line);
            }
        }
        if kept.len() < bytes.len() {
            files::write_atomically(&self.path, &kept)?;
            let file = File::options().append(true).open(&self.path);
            self.file = file.map_err(|source| ResultsError::write(&self.path, source))?;
        }
        Ok(())
    }

    /// The event file of a curve, begun at its first line.
    fn events(&mut self, metric: &Metric) -> Result<&mut EventFile, ResultsError> {
        let place = self.curves.iter().position(|(calibrator, seed, _, _)| {
            *calibrator == metric.calibrator && *seed == metric.seed
        });
        let place = match place {
            Some(place) => place,
            None => {
                let name = self.free_name(metric);
                let file = EventFile::create(&self.folder.join(&name))?;
                self.curves.push((metric.calibrator.clone(), metric.seed, name, file));
                self.curves.len() - 1
            }
        };
        Ok(&mut self.curves[place].3)
    }

    /// Names of calibrators may differ only in letters that folders cannot hold.
    fn free_name(&self, metric: &Metric) -> String {
        let seed = metric.seed.map_or_else(String::new, |seed| format!("-seed-{seed}"));
        let base = format!("{}{seed}", folder_name(&metric.calibrator));
        let mut name = base.clone();
        let mut count = 2;
        while self.curves.iter().any(|(_, _, taken, _)| *taken == name) {
            name = format!("{base}-{count}");
            count += 1;
        }
        name
    }
}

/// Reads `metrics.jsonl` of a run directory; empty where there is none. A last line without its
/// newline was torn by a crash and is left out; lines of a run that went on from an older checkpoint
/// replace those of the same curve from that iteration on.
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
    let mut metrics: Vec<Metric> = Vec::new();
    for (i, line) in whole_lines(&bytes).split(|&byte| byte == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        let next: Metric = serde_json::from_slice(line)
            .map_err(|e| ResultsError::malformed(&path, format!("line {}: {e}", i + 1)))?;
        let last = metrics.iter().rfind(|metric| metric.continues(&next));
        if last.is_some_and(|last| last.iteration >= next.iteration) {
            metrics.retain(|old| !old.continues(&next) || old.iteration < next.iteration);
        }
        metrics.push(next);
    }
    Ok(metrics)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(iteration: u64, value: f64) -> Metric {
        let values = BTreeMap::from([(DISCREPANCY.to_owned(), value)]);
        Metric { calibrator: "강화".into(), seed: None, iteration, total: 9, values }
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
            // Whoever goes on writing cuts it off.
            MetricsWriter::open(folder.path()).unwrap().append(&metric(4, 2.0)).unwrap();
            assert_eq!(read(folder.path()).unwrap(), [&wanted[..], &[metric(4, 2.0)]].concat());
        }
    }

    #[test]
    fn a_run_that_went_on_from_a_checkpoint_replaces_what_came_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let of_seed = |seed, iteration, value| Metric { seed, ..metric(iteration, value) };
        let mut writer = MetricsWriter::open(folder.path()).unwrap();
        let lines = [(Some(1), 1), (Some(1), 2), (Some(2), 2), (Some(1), 3), (None, 3)];
        lines.iter().for_each(|&(seed, i)| writer.append(&of_seed(seed, i, 0.5)).unwrap());
        let mut writer = MetricsWriter::open(folder.path()).unwrap();
        writer.append(&of_seed(Some(1), 2, 0.25)).unwrap();
        let left = read(folder.path()).unwrap();
        let left: Vec<_> =
            left.iter().map(|m| (m.seed, m.iteration, m.values[DISCREPANCY])).collect();
        let wanted = [(Some(1), 1, 0.5), (Some(2), 2, 0.5), (None, 3, 0.5), (Some(1), 2, 0.25)];
        assert_eq!(left, wanted);
    }

    #[test]
    fn what_is_made_again_is_removed_first() {
        let folder = tempfile::tempdir().unwrap();
        let of_seed = |seed, iteration| Metric { seed, ..metric(iteration, 0.5) };
        let mut writer = MetricsWriter::open(folder.path()).unwrap();
        let lines = [(Some(1), 1), (Some(1), 2), (Some(2), 2), (Some(1), 3), (None, 3)];
        lines.iter().for_each(|&(seed, i)| writer.append(&of_seed(seed, i)).unwrap());
        let mut writer = MetricsWriter::open(folder.path()).unwrap();
        writer.rewind("강화", Some(1), 2).unwrap();
        writer.append(&of_seed(Some(1), 2)).unwrap();
        let text = fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert_eq!(text.lines().count(), 4);
        let left: Vec<_> =
            read(folder.path()).unwrap().iter().map(|m| (m.seed, m.iteration)).collect();
        assert_eq!(left, [(Some(1), 1), (Some(2), 2), (None, 3), (Some(1), 2)]);
    }

    #[test]
    fn every_curve_has_a_folder_of_events() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = MetricsWriter::open(folder.path()).unwrap();
        for (calibrator, seed) in [("a b", None), ("a/b", None), ("a b", Some(3)), ("a b", None)] {
            let named = Metric { calibrator: calibrator.into(), seed, ..metric(1, 0.5) };
            writer.append(&named).unwrap();
        }
        let entries = fs::read_dir(folder.path().join(TENSORBOARD)).unwrap();
        let mut names: Vec<_> =
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, ["a-b", "a-b-2", "a-b-seed-3"]);
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
