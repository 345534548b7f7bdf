//! The witness reward: pays each simulated user how much the discrepancies fall when there are
//! more users like him.
//!
//! Let P be the distribution of a term's feature over the simulated users and Q the external one,
//! w the witness of the term's discrepancy D at P, and rho the rows of the feature per simulated
//! user. A row x is worth
//!
//! `V(x) = weight (w(x) - mean_P w) / (n(D) rho)`
//!
//! and the expected sum of V over a user's rows has the policy gradient -dD / n(D) (score-function
//! identity: the first variation of a distribution of rows by the users' law is the centred
//! witness over the rows per user). Centring makes the number of rows worth nothing in itself.
//! rho counts from [`MIN_ROWS_PER_USER`] up, so that a feature that hardly any user has cannot
//! drown the others.
//!
//! Normaliser n(D), so that every term pulls about equally, near its goal or far:
//! - squared distances (Cramer-von Mises, energy, moments): `2 sqrt(D + 0.3 / users)`, which makes
//!   V the variation of sqrt(D), levelled off at the noise of a sample of that many users;
//! - other distances (Wasserstein-1: slope 1 per external standard deviation): 1;
//! - categories under total variation: the sign of q - p would flip with the noise, so
//!   `w = (q - p) / sqrt((q - p)^2 + 1 / users)` instead, and 1.
//!
//! When it is paid. Event, gap and transition features: V(x) at the event. User features: at each
//! event the change V(phi after) - V(phi before) of the running feature, with V = 0 where phi is
//! not yet defined. So the pay of an episode telescopes to `V(phi at the end) - V(phi of a user
//! without events)`: the last term is the same for all, and credit arrives at the event that moved
//! phi. Where the statistics are about active users ([`crate::population`]), phi is not defined for a
//! user without events: P is about active users too, and whoever does nothing earns what an active
//! user earns on average. Features that need all events of a user are paid the same sum at the end of the window.
//! Discounting would break the sum: train with gamma 1.
//!
//! P is half the current rollout, half a decaying memory of earlier ones, which damps the chase
//! between policy and reward (fictitious play). With `memory = 0`, P is the current rollout alone;
//! `decay` is then of no account.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trueup_env::EventLog;

use super::check::{self, Need};
use super::joint::{self, JointTerm};
pub use super::marginal::MIN_ROWS_PER_USER;
use super::marginal::Marginal;
use super::mix::{self, Mix, MixWeights};
use super::part::{Part, Past, Payments};
use super::relation::{self, RelationTerm};
use super::state::{Reader, StateError, Writer};
use super::term::{self, Ready};
use super::{Pay, Reward, RewardError, Term, default_witness_terms};
use crate::features::Setting;
use crate::statistics::Statistics;

/// Name in configs and results.
pub const NAME: &str = "witness";

/// Options of the witness reward.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WitnessConfig {
    /// What to optimise; by default amounts, times and kinds, a discrepancy each, and how covariates
    /// of users go with counts, amounts and kinds, where there are any.
    pub terms: Option<Vec<Term>>,
    /// Share of P that is memory of earlier rollouts, in [0, 1).
    pub memory: f64,
    /// Share of the memory that a new rollout leaves in place, in [0, 1).
    pub decay: f64,
    /// How the weights of the terms are set: `fixed`, `floor` or `adaptive`.
    pub weights: MixWeights,
    /// Learning rate of adaptive weights, in (0, 10].
    pub rate: f64,
}

impl Default for WitnessConfig {
    fn default() -> Self {
        Self {
            terms: None,
            memory: 0.5,
            decay: 0.8,
            weights: MixWeights::default(),
            rate: mix::RATE,
        }
    }
}

/// The reward.
pub struct WitnessReward {
    terms: Vec<Term>,
    /// One a term.
    parts: Vec<Box<dyn Part>>,
    mix: Mix,
    past: Past,
    discrepancy: f64,
}

impl WitnessReward {
    /// Makes the reward from external statistics.
    ///
    /// # Errors
    /// Unknown or unmeasured features, discrepancies without a witness, shares outside [0, 1).
    pub fn new(config: &WitnessConfig, statistics: &Statistics) -> Result<Self, RewardError> {
        check::share("memory", config.memory)?;
        check::share("decay", config.decay)?;
        let terms = config.terms.clone().unwrap_or_else(|| default_witness_terms(statistics));
        let parts = parts(&terms, statistics)?;
        let mix = Mix::new(config.weights, config.rate, parts.len())?;
        let past = Past { memory: config.memory, decay: config.decay };
        Ok(Self { terms, parts, mix, past, discrepancy: f64::NAN })
    }

    /// Looks at simulated users, and freezes the reward there.
    pub(super) fn refit(&mut self, internal: &EventLog) -> Result<Payments, RewardError> {
        let distances: Result<Vec<_>, _> =
            self.parts.iter_mut().map(|part| part.look(internal)).collect();
        let distances = distances?;
        let given = self.parts.iter().map(|part| (part.weight(), part.feature()));
        self.discrepancy = term::mean_distance(given, &distances)?;
        let given: Vec<f64> = self.parts.iter().map(|part| part.weight()).collect();
        let users = internal.user_count();
        let floors: Vec<f64> = match self.mix.needs_floors() {
            true => self.parts.iter_mut().map(|part| part.floor(users)).collect(),
            false => Vec::new(),
        };
        let weights = self.mix.weights(&given, &distances, &floors);
        let mut frozen = Vec::with_capacity(self.parts.len());
        for (part, weight) in self.parts.iter_mut().zip(weights) {
            frozen.extend(part.freeze(weight, self.past)?);
        }
        Ok(Payments(frozen))
    }

    fn load(&mut self, state: &[u8]) -> Result<(), StateError> {
        let mut reader = Reader::new(state);
        reader.expect(NAME)?;
        let discrepancy = reader.doubles("the discrepancy")?;
        for part in &mut self.parts {
            part.load(&mut reader)?;
        }
        self.mix.load(&mut reader)?;
        reader.end()?;
        self.discrepancy = discrepancy.first().copied().unwrap_or(f64::NAN);
        Ok(())
    }
}

/// One part a term, in their order.
fn parts(terms: &[Term], statistics: &Statistics) -> Result<Vec<Box<dyn Part>>, RewardError> {
    check::terms(terms, Need::Witness).map_err(|mistake| mistake.error)?;
    let is_plain = |term: &&Term| !joint::is_joint(term) && !relation::is_relation(term);
    let plain: Vec<Term> = terms.iter().filter(is_plain).cloned().collect();
    let mut ready = Ready::all(&plain, statistics, Need::Witness)?.into_iter();
    let mut parts: Vec<Box<dyn Part>> = Vec::with_capacity(terms.len());
    for term in terms {
        if joint::is_joint(term) {
            parts.push(Box::new(JointTerm::new(term, statistics)?));
        } else if relation::is_relation(term) {
            parts.push(Box::new(RelationTerm::new(term, statistics)?));
        } else if let Some(ready) = ready.next() {
            let setting = Setting::new(&statistics.clock, &statistics.effects);
            parts.push(Box::new(Marginal::new(ready, setting)));
        }
    }
    Ok(parts)
}

impl Reward for WitnessReward {
    fn name(&self) -> &'static str {
        NAME
    }

    fn terms(&self) -> &[Term] {
        &self.terms
    }

    fn pay(&mut self, internal: &EventLog) -> Result<Pay, RewardError> {
        Ok(self.refit(internal)?.pay(internal))
    }

    fn discrepancy(&self) -> f64 {
        self.discrepancy
    }

    fn state(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.text(NAME);
        writer.doubles(&[self.discrepancy]);
        self.parts.iter().for_each(|part| part.save(&mut writer));
        self.mix.save(&mut writer);
        writer.finish()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), RewardError> {
        let before = self.state();
        let loaded = self.load(state);
        if loaded.is_err() {
            // What this reward wrote itself, it reads.
            let _ = self.load(&before);
        }
        Ok(loaded?)
    }
}
