//! Metrics of a run while it goes on.

use std::collections::BTreeMap;
use std::sync::Mutex;

use trueup_results::{Metric, MetricsWriter, ResultsError};

/// Writes the metrics of one curve; the first failed write stops what makes them.
pub(crate) struct Recorder<'a> {
    name: &'a str,
    seed: Option<u64>,
    /// The iteration at which to stop for a while.
    pause: Option<u64>,
    state: Mutex<Recording<'a>>,
}

struct Recording<'a> {
    metrics: &'a mut MetricsWriter,
    /// Lines of an earlier attempt that are made again have to go first.
    rewind: bool,
    paused: bool,
    error: Option<ResultsError>,
}

impl<'a> Recorder<'a> {
    /// `resumed` tells that there may be lines of an earlier attempt.
    pub fn new(
        name: &'a str,
        seed: Option<u64>,
        metrics: &'a mut MetricsWriter,
        resumed: bool,
    ) -> Self {
        let state = Mutex::new(Recording { metrics, rewind: resumed, paused: false, error: None });
        Self { name, seed, pause: None, state }
    }

    /// The same, to stop at an iteration that is not the last.
    pub fn until(self, pause: Option<u64>) -> Self {
        Self { pause, ..self }
    }

    /// Whether to go on.
    pub fn record(&self, done: usize, total: usize, values: &[(&str, f64)]) -> bool {
        let Ok(mut state) = self.state.lock() else { return false };
        let resident = resident_mib().map(|mib| ("resident_mib", mib));
        let values: BTreeMap<String, f64> = values
            .iter()
            .copied()
            .chain(resident)
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let (iteration, total) = (done as u64, total as u64);
        let metric =
            Metric { calibrator: self.name.into(), seed: self.seed, iteration, total, values };
        let ready = match std::mem::take(&mut state.rewind) {
            true => state.metrics.rewind(self.name, self.seed, iteration),
            false => Ok(()),
        };
        match ready.and_then(|()| state.metrics.append(&metric)) {
            Ok(()) => {
                state.paused = self.pause.is_some_and(|at| iteration >= at && iteration < total);
                !state.paused
            }
            Err(error) => {
                state.error = Some(error);
                false
            }
        }
    }

    /// Whether it stopped for a while; the write that failed, if one did.
    pub fn finish(self) -> Result<bool, ResultsError> {
        match self.state.into_inner() {
            Ok(Recording { error: Some(error), .. }) => Err(error),
            Ok(Recording { paused, .. }) => Ok(paused),
            Err(_) => Ok(false),
        }
    }
}

/// Memory of this process that is in use, in MiB; none where the system does not tell (Linux does).
fn resident_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}
