//! Whether the user has an event in the last quarter of the window: 1 or 0.

use trueup_env::{Clock, History};

use super::{Definition, Feature, Level};

/// Whether the user has an event in the last quarter of the window: 1 or 0.
pub const FEATURE: Feature = Feature {
    name: "retention",
    title: "Active at the end",
    unit: "",
    level: Level::User,
    definition_text: "Whether the user has an event in the last quarter of the window: 1 or 0.",
    definition: Definition::User(retention),
};

fn retention(history: &History, clock: &Clock) -> Option<f64> {
    let quarter = clock.horizon.div_ceil(4);
    let active = history.count > 0 && history.last_tick >= clock.horizon.saturating_sub(quarter);
    Some(f64::from(u8::from(active)))
}
