//! Whole-program tests: the binary, on real data, as a person runs it.
//!
//! A test makes a [`Folder`], runs the command in it, and compares what it printed.

// This crate is test code only: a failed expectation is a failed test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod cluster;
pub mod data;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The head of a config that trains on a task for a moment, for so many steps: what a test of sweeps
/// writes its `[sweep]` below.
#[macro_export]
macro_rules! tiny_task {
    ($steps:literal) => {
        concat!(
            "name = \"tiny\"\nseed = 1\n[task]\nenvironment = \"CartPole-v1\"\ntotal_steps = ",
            $steps,
            "\n[task.update]\ngamma = 0.99\nlearning_rate = 1e-3\n",
            "[task.sampling]\nenvironments = 2\nsteps = 16\nevaluation_episodes = 2\n"
        )
    };
}

/// The built binary beside the test executables.
///
/// # Panics
/// Where it has not been built.
pub fn binary() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let folder = here.parent().and_then(Path::parent).unwrap();
    let path = folder.join(format!("trueup{}", std::env::consts::EXE_SUFFIX));
    assert!(
        path.exists(),
        "{} is not built: run `cargo test --workspace`, or `cargo build -p trueup` first",
        path.display()
    );
    path
}

/// A temporary folder to run commands in.
#[derive(Debug)]
pub struct Folder {
    folder: tempfile::TempDir,
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Folder {
    /// An empty folder.
    ///
    /// # Panics
    /// Where the system gives none.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// The path of a file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        std::fs::write(self.path(name), content).unwrap();
        self
    }

    /// Reads a text file.
    ///
    /// # Panics
    /// Where there is none.
    pub fn read(&self, name: &str) -> String {
        let path = self.path(name);
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    /// Names in a sub-folder, sorted; empty where there is none.
    ///
    /// # Panics
    /// Where it cannot be read.
    pub fn list(&self, name: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path(name)) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// The command, ready to run in the folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.current_dir(self.folder.path()).args(arguments).stdin(Stdio::null());
        command.env("NO_COLOR", "1").env("COLUMNS", "100");
        command
    }

    /// Runs the command to its end.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub fn trueup(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().unwrap();
        Output {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Starts the command and leaves it running.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

/// What a command left.
#[derive(Debug)]
pub struct Output {
    /// Exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Output {
    /// Expects exit code 0.
    ///
    /// # Panics
    /// Where it is another.
    #[must_use]
    pub fn ok(self) -> Self {
        self.code(0)
    }

    /// Expects an exit code.
    ///
    /// # Panics
    /// Where it is another.
    #[must_use]
    pub fn code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "\n--- out\n{}\n--- err\n{}", self.out, self.err);
        self
    }

    /// Expects every one of `words` on standard error, and no sign of a crash.
    ///
    /// # Panics
    /// Where one is missing.
    pub fn complains(&self, words: &[&str]) {
        for word in words {
            assert!(self.err.contains(word), "no {word:?} in\n{}", self.err);
        }
        for crash in ["panicked", "RUST_BACKTRACE", "NaN"] {
            assert!(!self.err.contains(crash), "{crash:?} in\n{}", self.err);
        }
    }

    /// Standard output as JSON.
    ///
    /// # Panics
    /// Where it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e} in\n{}", self.out))
    }
}

/// Says on the test's output why it did not run.
pub fn skip(why: &str) {
    println!("skipped: {why}");
}
