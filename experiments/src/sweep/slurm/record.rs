//! `launch/jobs.json`: what was submitted for a sweep.
//!
//! An entry is written before its job is submitted, and again with the job's number. One without a
//! number says that the program ended in between: whether the job came through is found out by its
//! name.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use trueup_results::provenance::{now, sha256};
use trueup_results::write_atomically;

use super::client::QueuedTask;
use crate::failure::Failure;

/// What was submitted for a sweep.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Begins the names of its jobs.
    pub prefix: String,
    /// Every submission, oldest first.
    pub submissions: Vec<Submission>,
}

/// A job or a job array.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// Name of the job, unique on the cluster.
    pub name: String,
    /// Its number; none until Slurm has given one.
    pub job: Option<String>,
    /// When it was submitted, UTC.
    pub at: String,
    /// What it does.
    #[serde(flatten)]
    pub work: Work,
}

/// What a job does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "does", rename_all = "lowercase")]
pub enum Work {
    /// Runs, as an array of tasks.
    Runs {
        /// Task of the sweep that is position 0 of the array.
        first_task: usize,
        /// Runs of a task.
        runs_per_task: usize,
        /// Positions of the array, as Slurm writes them.
        array: String,
    },
    /// Writes the summary.
    Conclude,
}

impl Submission {
    /// The runs of a task, as positions in the plan.
    pub fn runs(&self, task: &QueuedTask) -> Range<usize> {
        match (&self.work, task.task) {
            (Work::Runs { first_task, runs_per_task, .. }, Some(position)) => {
                let start = first_task.saturating_add(position).saturating_mul(*runs_per_task);
                start..start.saturating_add(*runs_per_task)
            }
            // Positions of an array that waits as a whole are not told by every version: then all of
            // its runs are in the queue.
            (Work::Runs { first_task, runs_per_task, .. }, None) => {
                first_task.saturating_mul(*runs_per_task)..usize::MAX
            }
            (Work::Conclude, _) => 0..0,
        }
    }
}

impl Record {
    fn path(sweep: &Path) -> PathBuf {
        sweep.join("launch").join("jobs.json")
    }

    /// Reads what was submitted; nothing where there is no record.
    ///
    /// # Errors
    /// A record that cannot be read.
    pub fn read(sweep: &Path) -> Result<Self, Failure> {
        let path = Self::path(sweep);
        if !path.exists() {
            return Ok(Self { prefix: prefix(sweep), submissions: Vec::new() });
        }
        let text = crate::config::read_text(&path, "record of jobs")?;
        serde_json::from_str(&text).map_err(|error| {
            let help = "move it away if no job of this sweep is in the queue";
            Failure::invalid_because(format!("{}: {error}", path.display()), help)
        })
    }

    fn write(&self, sweep: &Path) -> Result<(), Failure> {
        let path = Self::path(sweep);
        let mut bytes = serde_json::to_vec_pretty(self).map_err(Failure::run)?;
        bytes.push(b'\n');
        write_atomically(&path, &bytes).map_err(Failure::run)
    }

    /// Writes that a job is about to be submitted, and gives its name.
    ///
    /// # Errors
    /// A failed write.
    pub fn announce(&mut self, sweep: &Path, work: Work) -> Result<String, Failure> {
        let name = format!("{}-{}", self.prefix, self.submissions.len() + 1);
        self.submissions.push(Submission { name: name.clone(), job: None, at: now(), work });
        self.write(sweep)?;
        Ok(name)
    }

    /// Writes the number that the last job was given.
    ///
    /// # Errors
    /// A failed write.
    pub fn submitted(&mut self, sweep: &Path, job: &str) -> Result<(), Failure> {
        if let Some(last) = self.submissions.last_mut() {
            last.job = Some(job.to_owned());
        }
        self.write(sweep)
    }

    /// Fills in the numbers of jobs that came through without this program having seen it.
    ///
    /// # Errors
    /// A failed write.
    pub fn settle(&mut self, sweep: &Path, queue: &[QueuedTask]) -> Result<(), Failure> {
        let jobs: HashMap<&str, &str> =
            queue.iter().map(|task| (task.name.as_str(), task.job.as_str())).collect();
        let mut changed = false;
        for submission in self.submissions.iter_mut().filter(|s| s.job.is_none()) {
            submission.job = jobs.get(submission.name.as_str()).map(|job| (*job).to_owned());
            changed |= submission.job.is_some();
        }
        if changed { self.write(sweep) } else { Ok(()) }
    }

    /// Names of all its jobs.
    pub fn names(&self) -> Vec<String> {
        self.submissions.iter().map(|submission| submission.name.clone()).collect()
    }

    /// The submission that a task belongs to.
    pub fn of(&self, task: &QueuedTask) -> Option<&Submission> {
        self.submissions.iter().find(|submission| submission.name == task.name)
    }
}

/// A beginning of names that no other sweep has: where the sweep is, and when it was planned.
fn prefix(sweep: &Path) -> String {
    let place = std::fs::canonicalize(sweep).unwrap_or_else(|_| sweep.to_owned());
    let planned = std::fs::read(sweep.join("provenance.json")).unwrap_or_default();
    let mut identity = place.as_os_str().as_encoded_bytes().to_vec();
    identity.extend(planned);
    let mut digest = sha256(&identity);
    digest.truncate(10);
    let name = place.file_name().map(|name| name.to_string_lossy().into_owned());
    let plain = |c: &char| c.is_ascii_alphanumeric() || "._-".contains(*c);
    let name: String = name.unwrap_or_default().chars().filter(plain).take(40).collect();
    format!("trueup-{name}-{digest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(name: &str, position: Option<usize>) -> QueuedTask {
        QueuedTask {
            job: "17".into(),
            task: position,
            state: "PENDING".into(),
            name: name.into(),
            reason: String::new(),
        }
    }

    #[test]
    fn a_submission_is_on_record_before_and_after_and_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = Record::read(folder.path()).unwrap();
        let work = Work::Runs { first_task: 100, runs_per_task: 4, array: "0-9".into() };
        let name = record.announce(folder.path(), work).unwrap();
        let mut left = Record::read(folder.path()).unwrap();
        assert_eq!(left.submissions[0].job, None);
        left.settle(folder.path(), &[task("another", Some(1))]).unwrap();
        assert_eq!(left.submissions[0].job, None);
        left.settle(folder.path(), &[task(&name, Some(1))]).unwrap();
        record.submitted(folder.path(), "17").unwrap();
        assert_eq!(Record::read(folder.path()).unwrap(), left);
        assert_eq!(record, left);
        let found = record.of(&task(&name, Some(3))).unwrap();
        assert_eq!(found.runs(&task(&name, Some(3))), 412..416);
        let next = record.announce(folder.path(), Work::Conclude).unwrap();
        assert!(next.ends_with("-2") && next != name);
        assert_eq!(record.of(&task(&next, None)).unwrap().runs(&task(&next, None)), 0..0);
    }

    #[test]
    fn names_tell_sweeps_apart_and_survive_a_list_of_names() {
        let folder = tempfile::tempdir().unwrap();
        let odd = folder.path().join("a,b c 한");
        let other = folder.path().join("other");
        for path in [&odd, &other] {
            std::fs::create_dir(path).unwrap();
        }
        assert_ne!(prefix(&odd), prefix(&other));
        assert!(prefix(&odd).starts_with("trueup-abc-"), "{}", prefix(&odd));
        // The same folder, planned anew.
        let before = prefix(&odd);
        std::fs::write(odd.join("provenance.json"), "later").unwrap();
        assert_ne!(prefix(&odd), before);
    }
}
