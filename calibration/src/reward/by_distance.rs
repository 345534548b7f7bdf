//! What the rewards that pay by changes of a distance share: their options, and the frame around the
//! [`Rule`] that pays.

use std::marker::PhantomData;

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trueup_env::EventLog;

use super::mix::{self, MixWeights};
use super::points::Points;
use super::scales::Scales;
use super::state::{Reader, StateError, Writer};
use super::term::Ready;
use super::{Pay, Reward, RewardError, Term, default_terms};
use crate::statistics::Statistics;

/// Options of a reward that needs distances and no witness.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DistanceConfig {
    /// What to optimise; by default amounts, times and kinds, a discrepancy each. Any discrepancy
    /// with a value on shares will do, with a witness or without.
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

    /// What the rollout earns, and a factor that goes with the weight.
    fn pay(&self, log: &EventLog, term: &Ready, before: &mut Before) -> (Pay, f64);
}

/// What a term knows of the time before a rollout.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Before {
    /// The distance of no rows.
    pub nothing: f64,
    /// Rows of the last rollout and how many there were of each, where the rule remembers them.
    pub rows: Vec<(f64, f64)>,
}

impl Before {
    pub(super) fn new(term: &Ready) -> Self {
        Self { nothing: term.of_nothing(), rows: Vec::new() }
    }

    /// Rows and their numbers, which are whole; few enough to be kept.
    pub fn counted(rows: &[f64]) -> Vec<(f64, f64)> {
        let Points { values, weights } = Points::of(rows);
        let counts = weights.iter().map(|weight| (weight * rows.len() as f64).round());
        values.into_iter().zip(counts).filter(|(_, count)| *count > 0.0).collect()
    }

    fn save(&self, writer: &mut Writer) {
        let (values, counts): (Vec<f64>, Vec<f64>) = self.rows.iter().copied().unzip();
        writer.doubles(&values);
        writer.doubles(&counts);
    }

    fn load(&self, reader: &mut Reader<'_>) -> Result<Self, StateError> {
        let (values, counts) = (reader.doubles("rows")?, reader.doubles("numbers of rows")?);
        let sound = values.len() == counts.len()
            && values.iter().all(|value| value.is_finite())
            && counts.iter().all(|count| *count > 0.0 && count.fract() == 0.0);
        let wrong = || StateError("the rows in it are none".into());
        let rows = sound.then(|| values.into_iter().zip(counts).collect()).ok_or_else(wrong)?;
        Ok(Self { nothing: self.nothing, rows })
    }
}

/// A reward that pays by a rule.
pub(super) struct ByDistance<R> {
    pub(super) scales: Scales,
    /// One a term.
    pub(super) before: Vec<Before>,
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
        let before = scales.ready.iter().map(Before::new).collect();
        Ok(Self { scales, before, rule: PhantomData })
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
        let terms = self.scales.ready.par_iter().zip(&mut self.before).zip(&weighed);
        let pays = terms.map(|((term, before), weighed)| {
            let (pay, factor) = rule.pay(internal, term, before);
            pay.times(weighed.weight * users * factor)
        });
        let pays: Vec<Pay> = pays.collect();
        Ok(Pay::sum(internal, pays))
    }

    fn discrepancy(&self) -> f64 {
        self.scales.discrepancy
    }

    fn state(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        self.before.iter().for_each(|before| before.save(&mut writer));
        [self.scales.state(), writer.finish()].concat()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), RewardError> {
        let mut before = self.before.clone();
        self.scales.restore_with(state, |reader| {
            before = self.before.iter().map(|b| b.load(reader)).collect::<Result<_, _>>()?;
            Ok(())
        })?;
        self.before = before;
        Ok(())
    }
}
