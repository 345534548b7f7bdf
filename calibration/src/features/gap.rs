//! Ticks between consecutive events of a user; 0 within one tick.

use trueup_env::{Event, History};

use super::{Definition, Feature, Level};

/// Ticks between consecutive events of a user; 0 within one tick.
pub const FEATURE: Feature = Feature {
    name: "gap",
    title: "Time between events",
    unit: "ticks",
    level: Level::Gap,
    definition_text: "Ticks between consecutive events of a user; 0 within one tick.",
    definition: Definition::Event(gap),
};

fn gap(before: &History, event: &Event) -> Option<f64> {
    (before.count > 0).then(|| f64::from(event.tick - before.last_tick))
}
