//! The shared reward: every user is paid `-sum of weight x distance` at the end of the horizon, the
//! same number for all.
//!
//! It is what one would try first, and the weak baseline: within a rollout it does not tell users
//! apart, so a policy gradient sees only noise, and learns from the difference between rollouts.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use trueup_env::{Event, EventLog, History, Payment};

use super::state::{Reader, Writer};
use super::term::{self, Ready};
use super::{Reward, RewardError, Term, default_terms};
use crate::statistics::Statistics;

/// Name in configs and results.
pub const NAME: &str = "shared";

/// Options of the shared reward.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SharedConfig {
    /// What to optimise; none means [`default_terms`].
    pub terms: Option<Vec<Term>>,
}

/// The reward.
pub struct SharedReward {
    terms: Vec<Term>,
    ready: Vec<Ready>,
    discrepancy: f64,
}

impl SharedReward {
    /// Makes the reward from external statistics.
    ///
    /// # Errors
    /// Unknown or unmeasured features, and discrepancies without a value on weighted rows.
    pub fn new(config: &SharedConfig, statistics: &Statistics) -> Result<Self, RewardError> {
        let terms = config.terms.clone().unwrap_or_else(|| default_terms(statistics));
        let ready = Ready::all(&terms, statistics)?;
        Ok(Self { terms, ready, discrepancy: f64::NAN })
    }
}

impl Reward for SharedReward {
    fn name(&self) -> &'static str {
        NAME
    }

    fn terms(&self) -> &[Term] {
        &self.terms
    }

    fn refit(&mut self, internal: &EventLog) -> Result<Arc<dyn Payment>, RewardError> {
        let mut distances = Vec::with_capacity(self.ready.len());
        for ready in &self.ready {
            distances.push(ready.distance(&ready.measure(internal).points)?);
        }
        self.discrepancy = term::mean_distance(&self.ready, &distances)?;
        let terms = self.ready.iter().zip(&distances);
        let paid = terms.map(|(ready, distance)| ready.weight * distance.unwrap_or(0.0)).sum();
        Ok(Arc::new(SharedPayment { paid }))
    }

    fn discrepancy(&self) -> f64 {
        self.discrepancy
    }

    fn state(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.text(NAME);
        writer.doubles(&[self.discrepancy]);
        writer.finish()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), RewardError> {
        let mut reader = Reader::new(state);
        reader.expect(NAME)?;
        let discrepancy = reader.doubles("the discrepancy")?;
        reader.end()?;
        self.discrepancy = discrepancy.first().copied().unwrap_or(f64::NAN);
        Ok(())
    }
}

/// The frozen reward.
struct SharedPayment {
    paid: f64,
}

impl Payment for SharedPayment {
    fn event(&self, _before: &History, _event: &Event, _after: &History) -> f64 {
        0.0
    }

    fn end(&self, _history: &History) -> f64 {
        -self.paid
    }
}
