//! Entropy of the user's events over the seven weekdays; none without events or where ticks are not
//! days.
//!
//! The finest tick of a clock is a day, so this is the entropy over time that can be known; it does
//! not ask which weekday is which, and so needs no common date.

use trueup_env::{Clock, History, Tick};

use super::entropy::entropy;
use super::{Definition, Feature, Level};

/// Entropy of the user's events over the seven weekdays; none without events or where ticks are not
/// days.
pub const FEATURE: Feature = Feature {
    name: "time_entropy",
    title: "Spread over the week",
    unit: "nats",
    level: Level::User,
    definition_text: "Entropy of the user's events over the seven weekdays; none without events or where \
        ticks are not days.",
    definition: Definition::User(time_entropy),
};

fn time_entropy(history: &History, clock: &Clock) -> Option<f64> {
    entropy(history.phase_counts).filter(|_| clock.tick == Tick::Day)
}
