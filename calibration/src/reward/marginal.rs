//! The part of a witness reward that looks at one feature of single numbers or categories.

use trueup_env::EventLog;

use super::RewardError;
use super::floor::Floor;
use super::part::{Frozen, Part, Past};
use super::points::Points;
use super::state::{Reader, StateError, Writer};
use super::term::{Ready, Rollout};
use super::value::Value;
use crate::discrepancy::Witness;
use crate::features::Setting;

/// The fewest rows per user that a term divides by.
pub const MIN_ROWS_PER_USER: f64 = 0.05;

/// One term with its memory.
pub(super) struct Marginal {
    ready: Ready,
    floor: Floor,
    setting: Setting,
    /// The rollout last looked at.
    rollout: Rollout,
    /// The compressed memory of earlier rollouts, empty before the second.
    memory: Points,
}

impl Marginal {
    /// A term of a log of such a setting.
    pub fn new(ready: Ready, setting: Setting) -> Self {
        let floor = Floor::default();
        Self { ready, floor, setting, rollout: Rollout::default(), memory: Points::default() }
    }

    /// P, and the memory for the next refit.
    fn remember(&mut self, past: Past) -> Points {
        let now = &self.rollout.points;
        if self.memory.is_empty() {
            self.memory = now.clone();
            return now.clone();
        }
        if now.is_empty() {
            return self.memory.clone();
        }
        // Categories keep their numbers; compressing would do so too, but for empty ones.
        let merge = |pairs| {
            if self.ready.feature.categories(self.setting.effects.len()) == 0 {
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
        let mixed = merge(now.mixed(&self.memory, past.memory));
        self.memory = merge(now.mixed(&self.memory, past.decay));
        mixed
    }

    /// The witness at P, and the normaliser n(D).
    fn witness(&self, p: &Points) -> Result<(Witness, f64), RewardError> {
        let term = &self.ready;
        let failed = |source| term.failed(source);
        let noise = 1.0 / self.rollout.users.max(1) as f64;
        if term.discrepancy.name() == "total-variation" {
            return Ok((smoothed_sign(p, &term.external, noise), 1.0));
        }
        let (p, q) = (p.weighted(), term.external.weighted());
        let witness = term.discrepancy.witness(p, q).transpose().map_err(failed)?;
        let normaliser = if term.discrepancy.squared() {
            let value = term.discrepancy.weighted_value(p, q).transpose().map_err(failed)?;
            2.0 * (value.unwrap_or(0.0).max(0.0) + 0.3 * noise).sqrt()
        } else {
            1.0
        };
        // `Ready` has checked that there is a witness.
        Ok((witness.unwrap_or(Witness::Table(Vec::new())), normaliser))
    }
}

impl Part for Marginal {
    fn feature(&self) -> &str {
        self.ready.feature.name
    }

    fn weight(&self) -> f64 {
        self.ready.weight
    }

    fn look(&mut self, log: &EventLog) -> Result<Option<f64>, RewardError> {
        self.rollout = self.ready.measure(log);
        self.ready.distance(&self.rollout.points)
    }

    fn floor(&mut self, users: usize) -> f64 {
        self.floor.of(&self.ready, users)
    }

    fn freeze(&mut self, weight: f64, past: Past) -> Result<Option<Box<dyn Frozen>>, RewardError> {
        let p = self.remember(past);
        if p.is_empty() {
            return Ok(None);
        }
        let (witness, normaliser) = self.witness(&p)?;
        let mean = p.mean_of(|x| witness.at(x));
        let factor = weight / (normaliser * self.rollout.rows_per_user.max(MIN_ROWS_PER_USER));
        let definition = self.ready.feature.definition;
        let value =
            Value::new(definition, witness, mean, factor, (&self.setting, self.ready.population));
        Ok(Some(Box::new(value)))
    }

    fn save(&self, writer: &mut Writer) {
        writer.text(self.ready.feature.name);
        writer.text(&self.ready.given);
        writer.doubles(&self.memory.values);
        writer.doubles(&self.memory.weights);
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), StateError> {
        reader.expect(self.ready.feature.name)?;
        reader.expect(&self.ready.given)?;
        let values = reader.doubles("the values of a memory")?;
        let weights = reader.doubles("the weights of a memory")?;
        self.memory = Points::restored(values, weights)?;
        Ok(())
    }
}

/// `(q - p) / sqrt((q - p)^2 + noise)` for each category.
fn smoothed_sign(p: &Points, q: &Points, noise: f64) -> Witness {
    let gap = |(p, q): (&f64, &f64)| (q - p) / ((q - p) * (q - p) + noise).sqrt();
    Witness::Table(p.weights.iter().zip(&q.weights).map(gap).collect())
}
