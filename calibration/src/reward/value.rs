//! What a row of one feature is worth, frozen: `V(x) = factor (witness(x) - mean)`.
//!
//! When it is paid. Event, gap and transition features: V(x) at the event. User features: at each
//! event the change V(phi after) - V(phi before) of the running feature, with V = 0 where phi is
//! not yet defined, so that an episode is paid `V(phi at the end) - V(phi of a user without
//! events)`. Features that need all events of a user: the same sum, at the end of the window. Among
//! active users no feature is defined for a user without events.

use trueup_env::{Event, History};

use super::part::Frozen;
use super::term::row_at;
use crate::discrepancy::Witness;
use crate::features::{Definition, Setting};
use crate::population::Population;

/// V of one feature.
pub(super) struct Value {
    definition: Definition,
    witness: Witness,
    mean: f64,
    factor: f64,
    setting: Setting,
    /// V of a user without events.
    empty: f64,
    population: Population,
}

impl Value {
    /// `factor (witness(x) - mean)` over a log of such a setting.
    pub fn new(
        definition: Definition,
        witness: Witness,
        mean: f64,
        factor: f64,
        (setting, population): (&Setting, Population),
    ) -> Self {
        let setting = setting.clone();
        let mut value = Self { definition, witness, mean, factor, setting, empty: 0.0, population };
        value.empty = match definition {
            _ if population == Population::Active => 0.0,
            Definition::Whole(f) => f(&[], &value.setting).map_or(0.0, |phi| value.of(phi)),
            _ => value.user(&History::default()),
        };
        value
    }

    /// V of a row.
    #[inline]
    pub fn of(&self, x: f64) -> f64 {
        self.factor * (self.witness.at(x) - self.mean)
    }

    /// V of a user with this history.
    #[inline]
    fn user(&self, history: &History) -> f64 {
        match self.definition {
            Definition::User(f) => f(history, &self.setting.clock).map_or(0.0, |phi| self.of(phi)),
            _ => 0.0,
        }
    }
}

impl Frozen for Value {
    #[inline]
    fn event(&self, _: &[f64], before: &History, event: &Event, after: &History) -> f64 {
        if let Definition::User(_) = self.definition {
            let from = if before.count == 0 { self.empty } else { self.user(before) };
            return self.user(after) - from;
        }
        let row =
            row_at(self.definition, before, event, &self.setting.clock, self.setting.effects.len());
        row.map_or(0.0, |x| self.of(x))
    }

    fn end(&self, events: &[Event]) -> f64 {
        match self.definition {
            Definition::Whole(_) if self.population == Population::Active && events.is_empty() => {
                0.0
            }
            Definition::Whole(f) => {
                f(events, &self.setting).map_or(0.0, |phi| self.of(phi)) - self.empty
            }
            _ => 0.0,
        }
    }
}
