//! What the rewards that only need distances share: terms made ready, the weights of their mix, and
//! what outlives a rollout.

use trueup_env::EventLog;

use super::check::{self, Need};
use super::floor::Floor;
use super::mix::{Mix, MixWeights};
use super::state::{Reader, StateError, Writer};
use super::term::{self, Ready};
use super::{RewardError, Term};
use crate::statistics::Statistics;

/// Terms with their weights.
pub(super) struct Scales {
    name: &'static str,
    pub terms: Vec<Term>,
    pub ready: Vec<Ready>,
    floors: Vec<Floor>,
    mix: Mix,
    /// The weighted mean distance at the last rollout; NaN before the first.
    pub discrepancy: f64,
}

/// A term on a rollout.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weighed {
    /// Its weight in the mix.
    pub weight: f64,
    /// Its distance; none where no simulated user has a row.
    pub distance: Option<f64>,
}

impl Scales {
    /// Makes the terms of the reward `name` ready; `weights` are how they mix, and a rate.
    ///
    /// # Errors
    /// Unknown or unmeasured features, and discrepancies without a value on weighted rows.
    pub fn new(
        name: &'static str,
        terms: Vec<Term>,
        statistics: &Statistics,
        (weights, rate): (MixWeights, f64),
    ) -> Result<Self, RewardError> {
        check::terms(&terms, Need::Value).map_err(|mistake| mistake.error)?;
        let ready = Ready::all(&terms, statistics, Need::Value)?;
        let mix = Mix::new(weights, rate, ready.len())?;
        let floors = vec![Floor::default(); ready.len()];
        Ok(Self { name, terms, ready, floors, mix, discrepancy: f64::NAN })
    }

    /// Measures a rollout, and weighs the terms by it.
    ///
    /// # Errors
    /// No simulated user with a row of any feature, or a discrepancy that fails.
    pub fn weigh(&mut self, log: &EventLog) -> Result<Vec<Weighed>, RewardError> {
        let mut distances = Vec::with_capacity(self.ready.len());
        for ready in &self.ready {
            distances.push(ready.distance(&ready.measure(log).points)?);
        }
        let given = self.ready.iter().map(|ready| (ready.weight, ready.feature.name));
        self.discrepancy = term::mean_distance(given, &distances)?;
        let given: Vec<f64> = self.ready.iter().map(|ready| ready.weight).collect();
        let users = log.user_count();
        let floors: Vec<f64> = match self.mix.needs_floors() {
            true => {
                let terms = self.floors.iter_mut().zip(&self.ready);
                terms.map(|(floor, ready)| floor.of(ready, users)).collect()
            }
            false => Vec::new(),
        };
        let weights = self.mix.weights(&given, &distances, &floors);
        let both = weights.into_iter().zip(distances);
        Ok(both.map(|(weight, distance)| Weighed { weight, distance }).collect())
    }

    /// All that outlives a rollout.
    pub fn state(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.text(self.name);
        writer.doubles(&[self.discrepancy]);
        self.mix.save(&mut writer);
        writer.finish()
    }

    /// Takes it up again; left as it was where the state does not fit.
    ///
    /// # Errors
    /// A state of another reward or of other terms, or a broken one.
    pub fn restore(&mut self, state: &[u8]) -> Result<(), RewardError> {
        self.restore_with(state, |_| Ok(()))
    }

    /// The same of a state in which `more` stands behind.
    ///
    /// # Errors
    /// As above, or what `more` finds wrong.
    pub fn restore_with(
        &mut self,
        state: &[u8],
        more: impl FnOnce(&mut Reader<'_>) -> Result<(), StateError>,
    ) -> Result<(), RewardError> {
        let mut mix = self.mix.clone();
        let read = || -> Result<f64, StateError> {
            let mut reader = Reader::new(state);
            reader.expect(self.name)?;
            let discrepancy = reader.doubles("the discrepancy")?;
            mix.load(&mut reader)?;
            more(&mut reader)?;
            reader.end()?;
            Ok(discrepancy.first().copied().unwrap_or(f64::NAN))
        };
        self.discrepancy = read()?;
        self.mix = mix;
        Ok(())
    }
}
