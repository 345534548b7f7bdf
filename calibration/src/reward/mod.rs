//! Rewards: what a training run pays its simulated users. Fitted from [`Statistics`] alone.
//!
//! A reward is refitted on each rollout and then frozen as a [`Payment`], which is paid at each
//! event. To add one, write a file with a type that implements [`Reward`] and add it to
//! [`REWARDS`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use trueup_env::{EventLog, Payment};

use crate::discrepancy::DiscrepancyError;

/// One thing a reward optimises: a discrepancy on a feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// Name of the feature.
    pub feature: String,
    /// Name of the discrepancy.
    pub discrepancy: String,
    /// Weight in the mix; positive.
    #[serde(default = "one")]
    pub weight: f64,
}

fn one() -> f64 {
    1.0
}

/// Why a reward could not be fitted.
#[derive(Debug, thiserror::Error)]
pub enum RewardError {
    /// No such reward, feature or discrepancy.
    #[error("unknown {what} `{name}`; there are: {known}")]
    Unknown {
        /// `reward`, `feature` or `discrepancy`.
        what: &'static str,
        /// The name given.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// The discrepancy cannot pay this feature.
    #[error("the discrepancy `{discrepancy}` has no witness on the feature `{feature}`: {why}")]
    NoWitness {
        /// Name of the discrepancy.
        discrepancy: String,
        /// Name of the feature.
        feature: String,
        /// Why.
        why: String,
    },
    /// The statistics do not hold the feature.
    #[error("the external statistics hold no rows of the feature `{0}`, so it cannot be rewarded")]
    NotMeasured(String),
    /// A weight that is not positive and finite, or no terms at all.
    #[error("{0}")]
    BadTerms(String),
    /// A discrepancy could not be computed.
    #[error("feature `{feature}`: {source}")]
    Discrepancy {
        /// Name of the feature.
        feature: String,
        /// What went wrong.
        source: DiscrepancyError,
    },
}

/// A reward that moves: refitted on every rollout.
pub trait Reward: Send {
    /// Name in configs and results.
    fn name(&self) -> &'static str;

    /// What it optimises; the panel marks these metrics.
    fn terms(&self) -> &[Term];

    /// Looks at the users that the current policy simulated, and freezes the reward there.
    ///
    /// # Errors
    /// A feature that is defined for no simulated user, or a discrepancy that fails.
    fn refit(&mut self, internal: &EventLog) -> Result<Arc<dyn Payment>, RewardError>;

    /// The weighted mean discrepancy over the terms at the last refit, in the units of the terms'
    /// normalisation: what a progress line shows. NaN before the first.
    fn discrepancy(&self) -> f64;
}
