//! A panel without uncertainty, cheap enough to choose among the checkpoints of a training run.

use rayon::prelude::*;
use trueup_env::EventLog;

use super::metrics::{self, Panel};
use super::summary::EXCESS;
use super::{LEAST_USERS, PanelConfig, PanelError};
use crate::sample::Sample;

/// Real users to hold simulations against: some of the training set, never the test users.
pub struct Validation {
    panel: Panel,
    samples: Vec<Sample>,
}

impl Validation {
    /// The metrics of the default panel that share a scale of about 0 to 1: those of the mean
    /// excess.
    ///
    /// # Errors
    /// Fewer than [`LEAST_USERS`] users, or nothing to measure on them.
    pub fn new(log: &EventLog) -> Result<Self, PanelError> {
        let users = log.user_count();
        if users < LEAST_USERS {
            let which = "the validation log".into();
            return Err(PanelError::TooFewUsers { which, users, least: LEAST_USERS });
        }
        let mut panel = metrics::choose(&PanelConfig::default(), &[log], &[])?;
        panel.metrics.retain(|metric| EXCESS.contains(&metric.discrepancy.name()));
        if panel.metrics.is_empty() {
            let reasons =
                panel.left_out.iter().map(|out| format!("{}: {}", out.feature, out.reason));
            return Err(PanelError::NothingToMeasure(reasons.collect::<Vec<_>>().join("; ")));
        }
        let samples = panel.sources.par_iter().map(|source| source.sample(log)).collect();
        Ok(Self { panel, samples })
    }

    /// The mean value over the metrics; a metric that is not defined for these users counts as 1,
    /// which is as far as most go. Smaller is better.
    pub fn score(&self, internal: &EventLog) -> f64 {
        let samples: Vec<Sample> =
            self.panel.sources.par_iter().map(|source| source.sample(internal)).collect();
        let values: Vec<f64> = self
            .panel
            .metrics
            .par_iter()
            .map(|metric| {
                let (own, other) = (&samples[metric.source], &self.samples[metric.source]);
                metric.discrepancy.value(own, other).unwrap_or(1.0)
            })
            .collect();
        values.iter().sum::<f64>() / values.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use trueup_env::{Clock, Covariates, Event, Tick};

    use super::*;

    fn log(shift: u32, users: usize) -> EventLog {
        let event = |i: u32| {
            let (user, amount) = (i % users as u32, 1.0 + f64::from((i * 7919 + shift * 13) % 97));
            let tick = (i * 31 + shift) % 20;
            (user, Event { tick, kind: 0, amount, balance: f64::NAN })
        };
        EventLog::new(
            Clock { tick: Tick::Week, horizon: 20, start_day: None },
            vec!["purchase".into()],
            (0..users).map(|user| format!("{user}")).collect(),
            (0..4 * users as u32 + shift * 150).map(event),
            Covariates::default(),
        )
        .unwrap()
    }

    #[test]
    fn the_same_users_score_0_and_others_more() {
        let validation = Validation::new(&log(0, 200)).unwrap();
        assert!(validation.score(&log(0, 200)).abs() < 1e-12);
        let (near, far) = (validation.score(&log(1, 200)), validation.score(&log(8, 200)));
        assert!(0.0 < near && near < far, "{near} {far}");
    }

    #[test]
    fn nobody_and_nothing_are_refused() {
        assert!(matches!(Validation::new(&log(0, 3)), Err(PanelError::TooFewUsers { .. })));
    }
}
