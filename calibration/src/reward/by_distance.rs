//! What the rewards that pay by changes of a distance share: their options, and the frame around the
//! [`Rule`] that pays.

use std::marker::PhantomData;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use trueup_env::EventLog;

use super::mix::{self, MixWeights};
use super::scales::Scales;
use super::term::Ready;
use super::{Pay, Reward, RewardError, Term, default_terms};
use crate::statistics::Statistics;

/// Options of a reward that needs distances and no witness.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DistanceConfig {
    /// What to optimise; none means [`default_terms`]. Any discrepancy with a value on shares will
    /// do, with a witness or without.
    pub terms: Option<Vec<Term>>,
    /// How the weights of the terms are set: `fixed`, `floor` or `adaptive`.
    pub weights: MixWeights,
    /// Learning rate of adaptive weights, in (0, 10].
    pub rate: f64,
}

impl Default for DistanceConfig {
    fn default() -> Self {
        Self { terms: None, weights: MixWeights::default(), rate: mix::RATE }
    }
}

impl DistanceConfig {
    /// The terms of the reward `name`, made ready.
    pub(super) fn scales(
        &self,
        name: &'static str,
        statistics: &Statistics,
    ) -> Result<Scales, RewardError> {
        let terms = self.terms.clone().unwrap_or_else(|| default_terms(statistics));
        Scales::new(name, terms, statistics, (self.weights, self.rate))
    }
}

/// What a rollout earns by one term.
pub(super) trait Rule: Send + Sync + Sized {
    /// Name in configs and results.
    const NAME: &'static str;

    /// Looks at a rollout.
    fn of(log: &EventLog) -> Self;

    /// What the rollout earns, and a factor that goes with the weight; `nothing` is the distance of
    /// no rows.
    fn pay(&self, log: &EventLog, term: &Ready, nothing: f64) -> (Pay, f64);
}

/// A reward that pays by a rule.
pub(super) struct ByDistance<R> {
    pub(super) scales: Scales,
    /// The distance of nothing, one a term.
    pub(super) nothing: Vec<f64>,
    rule: PhantomData<R>,
}

impl<R: Rule> ByDistance<R> {
    /// Makes the reward from external statistics.
    ///
    /// # Errors
    /// Unknown or unmeasured features, and discrepancies without a value on weighted rows.
    pub(super) fn new(
        config: &DistanceConfig,
        statistics: &Statistics,
    ) -> Result<Self, RewardError> {
        let scales = config.scales(R::NAME, statistics)?;
        let nothing = scales.ready.iter().map(Ready::of_nothing).collect();
        Ok(Self { scales, nothing, rule: PhantomData })
    }
}

impl<R: Rule> Reward for ByDistance<R> {
    fn name(&self) -> &'static str {
        R::NAME
    }

    fn terms(&self) -> &[Term] {
        &self.scales.terms
    }

    fn pay(&mut self, internal: &EventLog) -> Result<Pay, RewardError> {
        let weighed = self.scales.weigh(internal)?;
        let (rule, users) = (R::of(internal), internal.user_count() as f64);
        let terms = self.scales.ready.par_iter().zip(&self.nothing).zip(&weighed);
        let pays = terms.map(|((term, &nothing), weighed)| {
            let (pay, factor) = rule.pay(internal, term, nothing);
            pay.times(weighed.weight * users * factor)
        });
        let pays: Vec<Pay> = pays.collect();
        Ok(Pay::sum(internal, pays))
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
