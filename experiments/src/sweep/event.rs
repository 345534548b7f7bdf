//! What a worker tells its runner: one line of JSON an event, on its standard output.

use serde::{Deserialize, Serialize};

/// What a worker tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A run begins, or goes on.
    Begun {
        /// The run, `TRIAL-SEED`.
        run: String,
        /// Whether an earlier process had begun it.
        resumed: bool,
    },
    /// A calibrator of the run goes on.
    Progress {
        /// Its name.
        calibrator: String,
        /// Iterations done.
        done: usize,
        /// Iterations in all.
        total: usize,
        /// The rest in words.
        words: String,
    },
    /// The run ended.
    Ended {
        /// The run.
        run: String,
        /// How.
        how: Ending,
        /// Why it failed, or what it gave.
        message: String,
        /// Wall-clock seconds of this attempt, where whoever tells it has seen it begin.
        seconds: Option<f64>,
    },
    /// The worker itself cannot go on.
    Broken {
        /// Why.
        message: String,
    },
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// Complete.
    Done,
    /// Failed.
    Failed,
    /// Stopped on request; it can be gone on with.
    Interrupted,
    /// It came to its rung and waits for others.
    Paused,
}

impl Event {
    /// Writes the event as a line. A runner that has gone away is told by other means.
    pub fn tell(&self) {
        use std::io::Write;
        if let Ok(mut line) = serde_json::to_vec(self) {
            line.push(b'\n');
            let mut out = std::io::stdout().lock();
            let _ = out.write_all(&line).and_then(|()| out.flush());
        }
    }
}
