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
//! phi. Discounting would break the sum: train with gamma 1.
//!
//! P is half the current rollout, half a decaying memory of earlier ones, which damps the chase
//! between policy and reward (fictitious play).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use trueup_env::{Clock, Event, EventLog, History, Payment};

use super::points::Points;
use super::state::{Reader, Writer};
use super::term::{self, Ready, Rollout};
use super::{Reward, RewardError, Term, default_terms};
use crate::discrepancy::Witness;
use crate::features::Definition;
use crate::statistics::Statistics;

/// Name in configs and results.
pub const NAME: &str = "witness";

/// The fewest rows per user that a term divides by.
pub const MIN_ROWS_PER_USER: f64 = 0.05;

/// Options of the witness reward.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WitnessConfig {
    /// What to optimise; none means [`default_terms`].
    pub terms: Option<Vec<Term>>,
    /// Share of P that is memory of earlier rollouts, in [0, 1).
    pub memory: f64,
    /// Share of the memory that a new rollout leaves in place, in [0, 1).
    pub decay: f64,
}

impl Default for WitnessConfig {
    fn default() -> Self {
        Self { terms: None, memory: 0.5, decay: 0.8 }
    }
}

/// The reward.
pub struct WitnessReward {
    terms: Vec<Term>,
    ready: Vec<Ready>,
    /// One a term: the compressed memory of earlier rollouts, empty before the second.
    memories: Vec<Points>,
    memory: f64,
    decay: f64,
    clock: Clock,
    kinds: usize,
    discrepancy: f64,
}

impl WitnessReward {
    /// Makes the reward from external statistics.
    ///
    /// # Errors
    /// Unknown or unmeasured features, discrepancies without a witness, shares outside [0, 1).
    pub fn new(config: &WitnessConfig, statistics: &Statistics) -> Result<Self, RewardError> {
        for (name, share) in [("memory", config.memory), ("decay", config.decay)] {
            if !(0.0..1.0).contains(&share) {
                return Err(RewardError::BadTerms(format!(
                    "{name} is {share}; give a share of at least 0 and under 1"
                )));
            }
        }
        let terms = config.terms.clone().unwrap_or_else(|| default_terms(statistics));
        let ready = Ready::all(&terms, statistics)?;
        Ok(Self {
            memories: vec![Points::default(); ready.len()],
            terms,
            ready,
            memory: config.memory,
            decay: config.decay,
            clock: statistics.clock,
            kinds: statistics.kinds.len(),
            discrepancy: f64::NAN,
        })
    }

    /// P of term `i`, and the memory for the next refit.
    fn remember(&mut self, i: usize, now: &Points) -> Points {
        let memory = &self.memories[i];
        if memory.is_empty() {
            self.memories[i] = now.clone();
            return now.clone();
        }
        if now.is_empty() {
            return memory.clone();
        }
        let mixed = now.mixed(memory, self.memory);
        let next = now.mixed(memory, self.decay);
        // Categories keep their numbers; compressing would do so too, but for empty ones.
        let merge = |pairs| {
            if self.ready[i].feature.categories(self.kinds) == 0 {
                return Points::compress(pairs);
            }
            let mut counts = vec![0.0; now.values.len()];
            let add = |(category, weight): (f64, f64)| {
                if let Some(count) = counts.get_mut(category as usize) {
                    *count += weight;
                }
            };
            Vec::into_iter(pairs).for_each(add);
            Points::of_counts(&counts)
        };
        let (mixed, next) = (merge(mixed), merge(next));
        self.memories[i] = next;
        mixed
    }
}

impl Reward for WitnessReward {
    fn name(&self) -> &'static str {
        NAME
    }

    fn terms(&self) -> &[Term] {
        &self.terms
    }

    fn refit(&mut self, internal: &EventLog) -> Result<Arc<dyn Payment>, RewardError> {
        let rollouts: Vec<Rollout> =
            self.ready.iter().map(|ready| ready.measure(internal)).collect();
        let distances = self.ready.iter().zip(&rollouts);
        let distances: Result<Vec<_>, _> = distances.map(|(t, r)| t.distance(&r.points)).collect();
        self.discrepancy = term::mean_distance(&self.ready, &distances?)?;
        let mut pays = Vec::with_capacity(self.ready.len());
        for (i, rollout) in rollouts.iter().enumerate() {
            let p = self.remember(i, &rollout.points);
            // A term that never had a row pays nothing: terms that have rows bring them about.
            if !p.is_empty() {
                pays.push(Pay::new(&self.ready[i], &p, rollout, self.clock, self.kinds)?);
            }
        }
        Ok(Arc::new(WitnessPayment { clock: self.clock, pays }))
    }

    fn discrepancy(&self) -> f64 {
        self.discrepancy
    }

    fn state(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.text(NAME);
        writer.doubles(&[self.discrepancy]);
        for (term, memory) in self.terms.iter().zip(&self.memories) {
            writer.text(&term.feature);
            writer.text(&term.discrepancy);
            writer.doubles(&memory.values);
            writer.doubles(&memory.weights);
        }
        writer.finish()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), RewardError> {
        let mut reader = Reader::new(state);
        reader.expect(NAME)?;
        let discrepancy = reader.doubles("the discrepancy")?;
        let mut memories = Vec::with_capacity(self.terms.len());
        for term in &self.terms {
            reader.expect(&term.feature)?;
            reader.expect(&term.discrepancy)?;
            let values = reader.doubles("the values of a memory")?;
            let weights = reader.doubles("the weights of a memory")?;
            memories.push(Points::restored(values, weights)?);
        }
        reader.end()?;
        self.discrepancy = discrepancy.first().copied().unwrap_or(f64::NAN);
        self.memories = memories;
        Ok(())
    }
}

/// V of one term, frozen: `factor (witness(x) - mean)`.
struct Pay {
    definition: Definition,
    witness: Witness,
    mean: f64,
    factor: f64,
    kinds: usize,
    /// V of a user without events.
    empty: f64,
}

impl Pay {
    fn new(
        term: &Ready,
        p: &Points,
        rollout: &Rollout,
        clock: Clock,
        kinds: usize,
    ) -> Result<Self, RewardError> {
        let failed = |source| term.failed(source);
        let noise = 1.0 / rollout.users.max(1) as f64;
        let (witness, normaliser) = if term.discrepancy.name() == "total-variation" {
            (smoothed_sign(p, &term.external, noise), 1.0)
        } else {
            let (p, q) = (p.weighted(), term.external.weighted());
            let witness = term.discrepancy.witness(p, q).transpose().map_err(failed)?;
            let normaliser = if term.discrepancy.squared() {
                let value = term.discrepancy.weighted_value(p, q).transpose().map_err(failed)?;
                2.0 * (value.unwrap_or(0.0).max(0.0) + 0.3 * noise).sqrt()
            } else {
                1.0
            };
            // `Ready` has checked that there is a witness.
            (witness.unwrap_or(Witness::Table(Vec::new())), normaliser)
        };
        let mean = p.mean_of(|x| witness.at(x));
        let rows = rollout.rows_per_user.max(MIN_ROWS_PER_USER);
        let mut pay = Self {
            definition: term.feature.definition,
            witness,
            mean,
            factor: term.weight / (normaliser * rows),
            kinds,
            empty: 0.0,
        };
        pay.empty = pay.user(&History::default(), &clock);
        Ok(pay)
    }

    #[inline]
    fn value(&self, x: f64) -> f64 {
        self.factor * (self.witness.at(x) - self.mean)
    }

    /// V of a user with this history.
    #[inline]
    fn user(&self, history: &History, clock: &Clock) -> f64 {
        match self.definition {
            Definition::User(f) => f(history, clock).map_or(0.0, |phi| self.value(phi)),
            _ => 0.0,
        }
    }

    #[inline]
    fn event(&self, before: &History, event: &Event, after: &History, clock: &Clock) -> f64 {
        let row = match self.definition {
            Definition::User(_) => {
                let from = if before.count == 0 { self.empty } else { self.user(before, clock) };
                return self.user(after, clock) - from;
            }
            Definition::Event(f) => f(before, event),
            Definition::Category(f) => f(before, event).map(|category| category as f64),
            Definition::CategoryPair(f) => {
                f(before, event).map(|[from, to]| (from * self.kinds + to) as f64)
            }
            Definition::Pair(_) => None,
        };
        row.map_or(0.0, |x| self.value(x))
    }
}

/// `(q - p) / sqrt((q - p)^2 + noise)` for each category.
fn smoothed_sign(p: &Points, q: &Points, noise: f64) -> Witness {
    let gap = |(p, q): (&f64, &f64)| (q - p) / ((q - p) * (q - p) + noise).sqrt();
    Witness::Table(p.weights.iter().zip(&q.weights).map(gap).collect())
}

/// The frozen reward.
struct WitnessPayment {
    clock: Clock,
    pays: Vec<Pay>,
}

impl Payment for WitnessPayment {
    fn event(&self, before: &History, event: &Event, after: &History) -> f64 {
        self.pays.iter().map(|pay| pay.event(before, event, after, &self.clock)).sum()
    }
}
