//! `rungs.jsonl`: one line a decision, of a trial that came to a rung: where it stood among the
//! trials that were compared there, and whether it goes on.
//!
//! One process writes it at a time. A line that a crash cut off is left out when the file is read
//! and cut off when it is gone on with. Of two lines on the same trial and rung the later one counts.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::ResultsError;
use crate::files::{whole_lines, write_atomically};
use crate::plots::number;

/// Name of the file in the folder of a sweep.
pub const RUNGS: &str = "rungs.jsonl";

/// Whether a trial went on from a rung.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RungDecision {
    /// Iterations after which trials were compared.
    pub rung: u64,
    /// Id of the trial.
    pub trial: String,
    /// What it was compared by; none where it failed. What is not finite is written as none.
    #[serde(default)]
    pub value: Option<f64>,
    /// Its place among them, 1 for the best.
    pub rank: usize,
    /// Trials that were compared.
    pub of: usize,
    /// Whether it goes on.
    pub kept: bool,
}

impl RungDecision {
    /// In words, for `pruned.txt` of its runs, `go_on` being how many trials went on:
    /// `stopped at rung 16: rank 7 of 12 (0.0123), 4 go on`.
    pub fn words(&self, go_on: usize) -> String {
        let value = match self.value.filter(|value| value.is_finite()) {
            Some(value) => number(value),
            None => "no value".to_owned(),
        };
        let Self { rung, rank, of, .. } = self;
        if self.kept {
            return format!("went on from rung {rung}: rank {rank} of {of} ({value})");
        }
        let go = if go_on == 1 { "goes" } else { "go" };
        format!("stopped at rung {rung}: rank {rank} of {of} ({value}), {go_on} {go} on")
    }
}

/// Where a trial was stopped, and what it was there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stop {
    /// Iterations that it did.
    pub rung: u64,
    /// What it was compared by; none where it failed.
    pub value: Option<f64>,
    /// Its place, 1 for the best.
    pub rank: usize,
    /// Trials that were compared.
    pub of: usize,
}

/// The trials that were stopped at the last rung that they came to.
pub fn stops(decisions: &[RungDecision]) -> HashMap<&str, Stop> {
    let mut last: HashMap<&str, &RungDecision> = HashMap::new();
    for decision in decisions {
        let known = last.entry(&decision.trial).or_insert(decision);
        if known.rung <= decision.rung {
            *known = decision;
        }
    }
    let stop = |d: &RungDecision| Stop { rung: d.rung, value: d.value, rank: d.rank, of: d.of };
    let stopped = last.into_iter().filter(|(_, decision)| !decision.kept);
    stopped.map(|(trial, decision)| (trial, stop(decision))).collect()
}

/// The decisions of a sweep in the order in which they were made; empty where there is no file.
///
/// # Errors
/// A file that cannot be read, or a whole line that does not parse.
pub fn read(sweep: &Path) -> Result<Vec<RungDecision>, ResultsError> {
    let path = sweep.join(RUNGS);
    // Bytes, not text: a tear may lie within a character.
    let bytes = match fs::read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(|source| ResultsError::read(&path, source))?,
    };
    let mut decisions: Vec<RungDecision> = Vec::new();
    let mut places = HashMap::new();
    for (i, line) in whole_lines(&bytes).split(|&byte| byte == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        let next: RungDecision = serde_json::from_slice(line)
            .map_err(|e| ResultsError::malformed(&path, format!("line {}: {e}", i + 1)))?;
        let place = *places.entry((next.rung, next.trial.clone())).or_insert(decisions.len());
        match decisions.get_mut(place) {
            Some(earlier) => *earlier = next,
            None => decisions.push(next),
        }
    }
    Ok(decisions)
}

/// Adds decisions, all of them with one write.
///
/// # Errors
/// A failed write.
pub fn append(sweep: &Path, decisions: &[RungDecision]) -> Result<(), ResultsError> {
    let path = sweep.join(RUNGS);
    let fail = |source| ResultsError::write(&path, source);
    let lines = lines(&path, decisions)?;
    let mut file = File::options().create(true).append(true).open(&path).map_err(fail)?;
    let bytes = fs::read(&path).map_err(|source| ResultsError::read(&path, source))?;
    let whole = whole_lines(&bytes).len();
    if whole < bytes.len() {
        file.set_len(whole as u64).map_err(fail)?;
    }
    file.write_all(&lines).and_then(|()| file.sync_all()).map_err(fail)
}

/// Writes the whole file anew.
///
/// # Errors
/// A failed write.
pub fn write(sweep: &Path, decisions: &[RungDecision]) -> Result<(), ResultsError> {
    let path = sweep.join(RUNGS);
    write_atomically(&path, &lines(&path, decisions)?)
}

fn lines(path: &Path, decisions: &[RungDecision]) -> Result<Vec<u8>, ResultsError> {
    let mut bytes = Vec::new();
    for decision in decisions {
        serde_json::to_writer(&mut bytes, decision)
            .map_err(|error| ResultsError::malformed(path, error))?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(trial: &str, rung: u64, rank: usize) -> RungDecision {
        let value = Some(0.0123 * rank as f64);
        RungDecision { rung, trial: trial.into(), value, rank, of: 12, kept: rank < 5 }
    }

    #[test]
    fn decisions_come_back_and_a_torn_last_one_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()).unwrap(), []);
        let wanted = [decision("가", 4, 1), decision("b", 4, 7)];
        append(folder.path(), &wanted[..1]).unwrap();
        append(folder.path(), &wanted[1..]).unwrap();
        let path = folder.path().join(RUNGS);
        let whole = fs::read(&path).unwrap();
        let one_more = serde_json::to_vec(&decision("다", 16, 1)).unwrap();
        for cut in 0..=one_more.len() {
            fs::write(&path, [&whole[..], &one_more[..cut]].concat()).unwrap();
            assert_eq!(read(folder.path()).unwrap(), wanted);
            append(folder.path(), &[decision("e", 16, 2)]).unwrap();
            assert_eq!(read(folder.path()).unwrap()[2], decision("e", 16, 2));
        }
    }

    #[test]
    fn the_later_line_counts_and_what_is_not_known_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let again = decision("a", 4, 3);
        append(folder.path(), &[decision("a", 4, 9), decision("a", 16, 1)]).unwrap();
        append(folder.path(), std::slice::from_ref(&again)).unwrap();
        assert_eq!(read(folder.path()).unwrap(), [again.clone(), decision("a", 16, 1)]);
        write(folder.path(), std::slice::from_ref(&again)).unwrap();
        assert_eq!(read(folder.path()).unwrap(), [again]);
        let failed = r#"{"rung":1,"trial":"a","value":null,"rank":2,"of":2,"kept":false,"new":3}"#;
        fs::write(folder.path().join(RUNGS), format!("{failed}\n\n")).unwrap();
        let failed = read(folder.path()).unwrap().remove(0);
        assert_eq!((failed.value, failed.rank), (None, 2));
        // A number that JSON has no word for.
        append(folder.path(), &[RungDecision { value: Some(f64::NAN), ..failed.clone() }]).unwrap();
        assert_eq!(read(folder.path()).unwrap(), [failed]);
    }

    #[test]
    fn a_trial_stops_where_its_last_decision_says_so() {
        let all =
            [decision("a", 16, 1), decision("b", 4, 7), decision("a", 4, 2), decision("c", 4, 3)];
        let later = [&all[..], &[decision("c", 16, 9)]].concat();
        assert_eq!(stops(&all).into_keys().collect::<Vec<_>>(), ["b"]);
        let stops = stops(&later);
        let stop = Stop { rung: 16, value: Some(0.0123 * 9.0), rank: 9, of: 12 };
        assert_eq!((stops.len(), stops["c"]), (2, stop));
    }

    #[test]
    fn a_broken_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(RUNGS), "\n{\"rung\":1}\n").unwrap();
        let error = read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("rungs.jsonl: line 2") && error.contains("trial"), "{error}");
    }

    #[test]
    fn a_decision_says_where_it_stood() {
        let seventh = RungDecision { value: Some(0.0123), ..decision("a", 16, 7) };
        assert_eq!(seventh.words(4), "stopped at rung 16: rank 7 of 12 (0.0123), 4 go on");
        let failed = RungDecision { value: None, ..seventh };
        assert_eq!(failed.words(1), "stopped at rung 16: rank 7 of 12 (no value), 1 goes on");
        let first = decision("a", 4, 1);
        assert_eq!(first.words(4), "went on from rung 4: rank 1 of 12 (0.0123)");
    }
}
