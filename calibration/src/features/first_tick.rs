//! Tick of the first event in the window; users without events have none.

use trueup_env::{Clock, History};

use super::{Definition, Feature, Level};

/// Tick of the first event in the window; users without events have none.
pub const FEATURE: Feature = Feature {
    name: "first_tick",
    title: "Time of the first event",
    unit: "ticks",
    level: Level::User,
    definition_text: "Tick of the first event in the window; users without events have none.",
    definition: Definition::User(first_tick),
};

fn first_tick(history: &History, _: &Clock) -> Option<f64> {
    (history.count > 0).then(|| f64::from(history.first_tick))
}
