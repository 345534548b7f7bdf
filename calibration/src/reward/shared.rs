//! The shared reward: every user is paid `-sum of weight x distance` at the end of the horizon, the
//! same number for all.
//!
//! It is what one would try first, and the weak baseline: within a rollout it does not tell users
//! apart, so a policy gradient sees only noise, and learns from the difference between rollouts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trueup_env::EventLog;

use super::mix::{self, MixWeights};
use super::scales::Scales;
use super::{Pay, Reward, RewardError, Term, default_terms};
use crate::statistics::Statistics;

/// Name in configs and results.
pub const NAME: &str = "shared";

/// Options of the shared reward.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SharedConfig {
    /// What to optimise; by default amounts, times and kinds, a discrepancy each. Any discrepancy with a value on shares will
    /// do, with a witness or without.
    pub terms: Option<Vec<Term>>,
    /// How the weights of the terms are set: `fixed`, `floor` or `adaptive`.
    pub weights: MixWeights,
    /// Learning rate of adaptive weights, in (0, 10].
    pub rate: f64,
}

impl Default for SharedConfig {
    fn default() -> Self {
        Self { terms: None, weights: MixWeights::default(), rate: mix::RATE }
    }
}

/// The reward.
pub struct SharedReward {
    scales: Scales,
}

impl SharedReward {
    /// Makes the reward from external statistics.
    ///
    /// # Errors
    /// Unknown or unmeasured features, and discrepancies without a value on weighted rows.
    pub fn new(config: &SharedConfig, statistics: &Statistics) -> Result<Self, RewardError> {
        let terms = config.terms.clone().unwrap_or_else(|| default_terms(statistics));
        let scales = Scales::new(NAME, terms, statistics, (config.weights, config.rate))?;
        Ok(Self { scales })
    }
}

impl Reward for SharedReward {
    fn name(&self) -> &'static str {
        NAME
    }

    fn terms(&self) -> &[Term] {
        &self.scales.terms
    }

    fn pay(&mut self, internal: &EventLog) -> Result<Pay, RewardError> {
        let weighed = self.scales.weigh(internal)?;
        let terms = weighed.iter().map(|term| term.weight * term.distance.unwrap_or(0.0));
        let paid = -terms.sum::<f64>();
        Ok(Pay {
            events: vec![0.0; internal.events().len()],
            ends: vec![paid; internal.user_count()],
        })
    }

    fn discrepancy(&self) -> f64 {
        self.scales.discrepancy
    }

    fn state(&self) -> Vec<u8> {
        self.scales.state()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), RewardError> {
        self.scales.restore(state)
    }
}
