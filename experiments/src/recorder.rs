//! Metrics of a run while it goes on.

use std::collections::BTreeMap;
use std::sync::Mutex;

use trueup_results::{Metric, MetricsWriter, ResultsError};

use crate::progress::ENV_STEPS;

/// Writes the metrics of one calibrator; the first failed write stops it.
pub(crate) struct Recorder<'a> {
    name: &'a str,
    state: Mutex<(&'a mut MetricsWriter, u64, Option<ResultsError>)>,
}

impl<'a> Recorder<'a> {
    pub fn new(name: &'a str, metrics: &'a mut MetricsWriter) -> Self {
        Self { name, state: Mutex::new((metrics, 0, None)) }
    }

    /// Whether to go on.
    pub fn record(&self, done: usize, total: usize, values: &[(&str, f64)]) -> bool {
        let Ok(mut state) = self.state.lock() else { return false };
        let values: BTreeMap<String, f64> =
            values.iter().map(|&(name, value)| (name.to_owned(), value)).collect();
        if let Some(&steps) = values.get(ENV_STEPS) {
            state.1 = steps as u64;
        }
        let (iteration, total) = (done as u64, total as u64);
        let metric = Metric { calibrator: self.name.into(), iteration, total, values };
        match state.0.append(&metric) {
            Ok(()) => true,
            Err(error) => {
                state.2 = Some(error);
                false
            }
        }
    }

    /// Environment steps of the calibrator.
    pub fn finish(self) -> Result<u64, ResultsError> {
        match self.state.into_inner() {
            Ok((_, _, Some(error))) => Err(error),
            Ok((_, steps, None)) => Ok(steps),
            Err(_) => Ok(0),
        }
    }
}
