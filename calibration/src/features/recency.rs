//! Ticks from the last event to the end of the window; the whole window for users without events.

use trueup_env::{Clock, History};

use super::{Definition, Feature, Level};

/// Ticks from the last event to the end of the window; the whole window for users without events.
pub const FEATURE: Feature = Feature {
    name: "recency",
    title: "Time since the last event",
    unit: "ticks",
    level: Level::User,
    definition_text: "Ticks from the last event to the end of the window; the whole window for users without events.",
    definition: Definition::User(recency),
};

fn recency(history: &History, clock: &Clock) -> Option<f64> {
    let last = if history.count > 0 { history.last_tick } else { 0 };
    Some(f64::from(clock.horizon - last))
}
