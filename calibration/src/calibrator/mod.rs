//! Calibrators: anything that turns a world and what is known of the real users into a simulation.
//! All of them are compared on one panel.

use std::path::Path;

use serde::{Deserialize, Serialize};
use trueup_env::{EventLog, Streams};

use crate::statistics::Statistics;

pub mod bgnbd;
pub mod gamma_gamma;
pub mod scaling;
mod simplex;

#[cfg(test)]
mod tests;

pub use bgnbd::BgNbdCalibrator;
pub use scaling::Scaling;

/// What a calibrator may look at: the training users, never the test users.
pub struct Brief<'a> {
    /// External statistics of the training users.
    pub statistics: &'a Statistics,
    /// The training log; none where only statistics were handed over.
    pub train: Option<&'a EventLog>,
    /// Random streams of this calibrator.
    pub streams: Streams,
    /// Told how far it is; may ask it to stop.
    pub progress: &'a dyn Progress,
    /// A folder of its own for checkpoints, from which it goes on; none: it keeps nothing.
    pub checkpoints: Option<&'a Path>,
}

/// Where a long calibration reports to.
pub trait Progress: Sync {
    /// Iteration `done` of `total`; `line` holds what a person wants to see, e.g. the discrepancy.
    /// Returns false when the run is to stop (an interrupt).
    fn iteration(&self, done: usize, total: usize, metrics: &[(&str, f64)]) -> bool;

    /// A line for a person.
    fn note(&self, _text: &str) {}

    /// Whether the run is to stop; for stages without iterations of their own.
    fn stopped(&self) -> bool {
        false
    }
}

/// A progress that nobody looks at.
pub struct Silent;

impl Progress for Silent {
    fn iteration(&self, _done: usize, _total: usize, _metrics: &[(&str, f64)]) -> bool {
        true
    }
}

/// Why a calibration failed.
#[derive(Debug, thiserror::Error)]
pub enum CalibrationError {
    /// It needs the raw log, and only statistics were handed over.
    #[error("{0} needs the training log; only external statistics were given")]
    NeedsLog(&'static str),
    /// The data cannot be fitted.
    #[error("{calibrator}: {why}")]
    CannotFit {
        /// Name of the calibrator.
        calibrator: &'static str,
        /// Why, and what would help.
        why: String,
    },
    /// Too few simulated users belong to the population that is compared.
    #[error(
        "{active} of {drawn} simulated users have an event, too few to draw {wanted} active ones: \
         raise how often they act, or set evaluation.population = \"all\""
    )]
    Inactive {
        /// How many have an event.
        active: usize,
        /// How many were drawn.
        drawn: usize,
        /// How many were wanted.
        wanted: usize,
    },
    /// The run was asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// Anything below it.
    #[error("{calibrator}: {source}")]
    Inner {
        /// Name of the calibrator.
        calibrator: &'static str,
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// What a reader must know about a fitted simulation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remarks {
    /// Whether training came to nothing, so that what is shipped is what training started from.
    pub untrained: bool,
    /// Sentences.
    pub notes: Vec<String>,
}

/// A fitted simulation: draws users.
pub trait Simulator: Send + Sync {
    /// Simulates `users` independent users over the clock of the statistics. The log is a function
    /// of the simulator, `users` and `streams`, whatever the number of threads; with more users it
    /// begins with the same ones.
    ///
    /// # Errors
    /// Whatever makes a log impossible.
    fn simulate(&self, users: usize, streams: &Streams) -> Result<EventLog, CalibrationError>;

    /// Parameters worth showing to a person, with their names.
    fn parameters(&self) -> Vec<(String, f64)> {
        Vec::new()
    }

    /// What a reader must know.
    fn remarks(&self) -> Remarks {
        Remarks::default()
    }

    /// Further files of the run directory: (name, bytes), e.g. weights.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        Vec::new()
    }
}

/// A way to calibrate.
pub trait Calibrator: Send {
    /// Name in configs and results.
    fn name(&self) -> &'static str;

    /// Fits a simulation.
    ///
    /// # Errors
    /// Data that it cannot fit, or an interrupt.
    fn calibrate(&mut self, brief: &Brief<'_>) -> Result<Box<dyn Simulator>, CalibrationError>;
}
