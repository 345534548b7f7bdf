//! The folder of one run: made once, written by one process, never overwritten.
//!
//! `status.json` says how far it got. `running` is written first and `done` last, after every other
//! file. The writer holds an operating-system lock on the file `lock`, which falls with the
//! process however it dies: a folder that says `running` while nobody holds its lock reads as
//! [`State::Interrupted`].

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::ResultsError;
use crate::files;
use crate::metrics::MetricsWriter;
use crate::provenance::{host, now};
use crate::series::Series;

const STATUS: &str = "status.json";
const LOCK: &str = "lock";

/// How far a run got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// A process is writing it.
    Running,
    /// Complete: every file is there.
    Done,
    /// It ended with an error; what it had is there.
    Failed,
    /// It was stopped, or its process died; what it had is there.
    Interrupted,
}

impl State {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Content of `status.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// How far it got.
    pub state: State,
    /// Process that writes or wrote it.
    pub pid: u32,
    /// Machine of that process.
    pub host: String,
    /// Kernel start of that machine, so that a process number of another boot is not taken for
    /// this one; empty where the system does not tell.
    pub boot: String,
    /// When it started, UTC.
    pub started: String,
    /// When it ended, UTC.
    pub ended: Option<String>,
    /// Why it failed or was interrupted.
    pub message: Option<String>,
}

/// A run directory held for writing.
#[derive(Debug)]
pub struct RunDirectory {
    path: PathBuf,
    status: Status,
    /// Holds the lock as long as the value lives.
    _lock: File,
    finished: bool,
}

impl RunDirectory {
    /// Makes `ROOT/NAME-SEED`, or `ROOT/NAME-SEED-2`, `-3` ... where that name is taken: an earlier
    /// run is never touched. Characters of `name` that are no letters, digits, `.`, `_` or `-`
    /// become `-`.
    ///
    /// # Errors
    /// A root that cannot be written.
    pub fn create(root: &Path, name: &str, seed: u64) -> Result<Self, ResultsError> {
        Self::begin(new_folder(root, &format!("{}-{seed}", folder_name(name)))?)
    }

    /// Makes a run directory at just this path, which is absent or an empty folder.
    ///
    /// # Errors
    /// A folder that holds something, another process that got there first, or a failed write.
    pub fn create_at(path: &Path) -> Result<Self, ResultsError> {
        fs::create_dir_all(path).map_err(|source| ResultsError::write(path, source))?;
        let mut entries = fs::read_dir(path).map_err(|source| ResultsError::read(path, source))?;
        if entries.next().is_some() {
            return Err(match status(path) {
                Ok(status) if status.state == State::Running => locked(path, &status),
                _ => ResultsError::NotEmpty(path.to_owned()),
            });
        }
        Self::begin(path.to_owned())
    }

    fn begin(path: PathBuf) -> Result<Self, ResultsError> {
        let lock_path = path.join(LOCK);
        let lock = File::create(&lock_path).map_err(|e| ResultsError::write(&lock_path, e))?;
        if let Err(TryLockError::WouldBlock) = lock.try_lock() {
            return Err(ResultsError::Locked { path, owner: String::new() });
        }
        if path.join(STATUS).exists() {
            return Err(ResultsError::NotEmpty(path));
        }
        let status = Status {
            state: State::Running,
            pid: std::process::id(),
            host: host(),
            boot: boot(),
            started: now(),
            ended: None,
            message: None,
        };
        let run = Self { path, status, _lock: lock, finished: false };
        run.write_json(STATUS, &run.status)?;
        Ok(run)
    }

    /// Takes up a run directory that another process has left, to go on in it. What is there stays.
    ///
    /// # Errors
    /// A folder that is no run directory, one that another process writes, or a failed write.
    pub fn reopen(path: &Path) -> Result<Self, ResultsError> {
        let before = status(path)?;
        let lock_path = path.join(LOCK);
        // The content is of no use, but a lock needs a file that may be written.
        let lock = File::options().create(true).append(true).open(&lock_path);
        let lock = lock.map_err(|source| ResultsError::write(&lock_path, source))?;
        if let Err(TryLockError::WouldBlock) = lock.try_lock() {
            return Err(locked(path, &before));
        }
        let status = Status {
            state: State::Running,
            pid: std::process::id(),
            host: host(),
            boot: boot(),
            started: before.started,
            ended: None,
            message: None,
        };
        let run = Self { path: path.to_owned(), status, _lock: lock, finished: false };
        run.write_json(STATUS, &run.status)?;
        Ok(run)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes one file of the run whole, e.g. `config.toml`, `logs/ppo-1.csv` or
    /// `policies/ppo/weights.safetensors`. The name is relative and stays inside the folder.
    ///
    /// # Errors
    /// A name that leaves the folder, or a failed write.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, ResultsError> {
        let inside =
            Path::new(name).components().all(|c| matches!(c, std::path::Component::Normal(_)));
        let path = self.path.join(name);
        if !inside || name.is_empty() {
            return Err(ResultsError::malformed(&path, "the name leaves the run directory"));
        }
        files::write_atomically(&path, bytes)?;
        Ok(path)
    }

    /// Writes one JSON file of the run whole: `summary.json`, `provenance.json`.
    ///
    /// # Errors
    /// As for [`RunDirectory::write`].
    pub fn write_json<T: Serialize>(&self, name: &str, value: &T) -> Result<PathBuf, ResultsError> {
        self.write(name, &files::to_json(&self.path.join(name), value)?)
    }

    /// Writes `series.json`, on one line: it holds tens of thousands of numbers.
    ///
    /// # Errors
    /// A failed write.
    pub fn write_series(&self, series: &Series) -> Result<PathBuf, ResultsError> {
        let name = "series.json";
        let bytes = serde_json::to_vec(series)
            .map_err(|source| ResultsError::malformed(&self.path.join(name), source))?;
        self.write(name, &bytes)
    }

    /// Opens `metrics.jsonl` for appending.
    ///
    /// # Errors
    /// A file that cannot be opened.
    pub fn metrics(&self) -> Result<MetricsWriter, ResultsError> {
        MetricsWriter::open(&self.path)
    }

    /// Ends the run. Call it with [`State::Done`] after everything else is written.
    ///
    /// # Errors
    /// A failed write.
    pub fn finish(mut self, state: State, message: Option<&str>) -> Result<(), ResultsError> {
        self.end(state, message)
    }

    fn end(&mut self, state: State, message: Option<&str>) -> Result<(), ResultsError> {
        self.finished = true;
        self.status.state = state;
        self.status.ended = Some(now());
        self.status.message = message.map(str::to_owned);
        self.write_json(STATUS, &self.status).map(|_| ())
    }
}

/// Makes `ROOT/NAME`, or `ROOT/NAME-2`, `-3` ... where that is taken: an earlier folder is never
/// touched. Characters of `name` that are no letters, digits, `.`, `_` or `-` become `-`.
///
/// # Errors
/// A root that cannot be written.
pub fn new_folder(root: &Path, name: &str) -> Result<PathBuf, ResultsError> {
    fs::create_dir_all(root).map_err(|source| ResultsError::write(root, source))?;
    let base = folder_name(name);
    let mut count = 1u64;
    loop {
        let folder = if count == 1 { base.clone() } else { format!("{base}-{count}") };
        let path = root.join(folder);
        // Making a folder fails where one is: of two processes, one gets it.
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => count += 1,
            Err(error) => return Err(ResultsError::write(&path, error)),
        }
    }
}

/// A run that goes away without a verdict has failed.
impl Drop for RunDirectory {
    fn drop(&mut self) {
        if !self.finished {
            // Where even this cannot be written, the file says `running` and reads as interrupted.
            let _ = self.end(State::Failed, Some("the run ended without a result"));
        }
    }
}

/// How far the run in a folder got: [`State::Interrupted`] where its file says running but its
/// process is gone.
///
/// # Errors
/// A folder without a readable `status.json`.
pub fn status(folder: &Path) -> Result<Status, ResultsError> {
    let read = || files::read_json::<Status>(&folder.join(STATUS));
    let mut status = read()?;
    if status.state == State::Running && !is_alive(folder, &status) {
        // The writer may have ended between the two looks.
        status = read()?;
        if status.state == State::Running {
            status.state = State::Interrupted;
            status.message = Some("its process died".to_owned());
        }
    }
    Ok(status)
}

fn is_alive(folder: &Path, status: &Status) -> bool {
    match File::open(folder.join(LOCK)).map(|file| file.try_lock_shared()) {
        Ok(Ok(())) => false,
        Ok(Err(TryLockError::WouldBlock)) => true,
        // No locks here: all that is left is whether the process number is in use.
        Ok(Err(TryLockError::Error(_))) => {
            status.host == host()
                && status.boot == boot()
                && Path::new("/proc").join(status.pid.to_string()).exists()
        }
        Err(_) => false,
    }
}

fn locked(path: &Path, status: &Status) -> ResultsError {
    let owner = format!(" ({} on {})", status.pid, status.host);
    ResultsError::Locked { path: path.to_owned(), owner }
}

pub(crate) fn boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

/// A name as a folder can have it: other letters become `-`.
pub(crate) fn folder_name(name: &str) -> String {
    let keep = |c: char| {
        if c.is_alphanumeric() || "._-".contains(c) { c } else { '-' }
    };
    let name: String = name.chars().map(keep).collect();
    let name = name.trim_start_matches('.');
    if name.is_empty() { "run".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_taken_gets_a_number_and_the_first_run_stays() {
        let root = tempfile::tempdir().unwrap();
        let first = RunDirectory::create(root.path(), "quick/start", 1).unwrap();
        first.write("summary.json", b"first").unwrap();
        let first_path = first.path().to_owned();
        first.finish(State::Done, None).unwrap();
        let second = RunDirectory::create(root.path(), "quick/start", 1).unwrap();
        assert_eq!(first_path, root.path().join("quick-start-1"));
        assert_eq!(second.path(), root.path().join("quick-start-1-2"));
        assert_eq!(fs::read(first_path.join("summary.json")).unwrap(), b"first");
    }

    #[test]
    fn an_explicit_folder_must_be_empty() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("out");
        let run = RunDirectory::create_at(&path).unwrap();
        let error = RunDirectory::create_at(&path).unwrap_err().to_string();
        assert!(error.contains("another process"), "{error}");
        run.finish(State::Done, None).unwrap();
        let error = RunDirectory::create_at(&path).unwrap_err().to_string();
        assert!(error.contains("not an empty folder"), "{error}");
    }

    #[test]
    fn states_are_read_back() {
        let root = tempfile::tempdir().unwrap();
        let run = RunDirectory::create(root.path(), "한국 은행", 3).unwrap();
        let path = run.path().to_owned();
        assert!(path.ends_with("한국-은행-3"));
        assert_eq!(status(&path).unwrap().state, State::Running);
        run.finish(State::Failed, Some("no data")).unwrap();
        let status = status(&path).unwrap();
        assert_eq!((status.state, status.message.as_deref()), (State::Failed, Some("no data")));
        assert!(status.ended.is_some());
    }

    #[test]
    fn a_running_folder_without_a_process_reads_interrupted() {
        let root = tempfile::tempdir().unwrap();
        let run = RunDirectory::create(root.path(), "killed", 1).unwrap();
        // What kill -9 leaves: the status file as it is, and no lock.
        let left = fs::read(run.path().join(STATUS)).unwrap();
        let path = run.path().to_owned();
        drop(run);
        assert_eq!(status(&path).unwrap().state, State::Failed);
        fs::write(path.join(STATUS), left).unwrap();
        assert_eq!(status(&path).unwrap().state, State::Interrupted);
        fs::remove_file(path.join(LOCK)).unwrap();
        assert_eq!(status(&path).unwrap().state, State::Interrupted);
    }

    #[test]
    fn a_run_is_taken_up_by_one_process_at_a_time() {
        let root = tempfile::tempdir().unwrap();
        let run = RunDirectory::create(root.path(), "long", 1).unwrap();
        let path = run.path().to_owned();
        run.write("logs/a.csv", b"a").unwrap();
        let error = RunDirectory::reopen(&path).unwrap_err().to_string();
        assert!(error.contains("another process"), "{error}");
        run.finish(State::Interrupted, Some("asked to stop")).unwrap();
        let again = RunDirectory::reopen(&path).unwrap();
        assert_eq!(status(&path).unwrap().state, State::Running);
        assert_eq!(fs::read(path.join("logs/a.csv")).unwrap(), b"a");
        again.finish(State::Done, None).unwrap();
        let after = status(&path).unwrap();
        assert_eq!((after.state, after.message), (State::Done, None));
        assert!(RunDirectory::reopen(root.path()).is_err());
    }

    #[test]
    fn files_stay_inside_the_folder() {
        let root = tempfile::tempdir().unwrap();
        let run = RunDirectory::create(root.path(), "..", 1).unwrap();
        assert_eq!(run.path(), root.path().join("run-1"));
        for name in ["../a", "/tmp/a", "", "a/../../b", "./a"] {
            assert!(run.write(name, b"").is_err(), "{name}");
        }
        assert!(run.write("logs/ppo-1.csv", b"user,tick\n").unwrap().exists());
    }
}
