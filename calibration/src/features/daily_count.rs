//! Events of all users in each tick, divided by the number of users.

use trueup_env::{Event, History};

use super::{Definition, Feature, Level};

/// Events of all users in each tick, divided by the number of users.
pub const FEATURE: Feature = Feature {
    name: "daily_count",
    title: "Events per user and tick",
    unit: "events",
    level: Level::Population,
    definition_text: "Events of all users in each tick, divided by the number of users.",
    definition: Definition::Series(daily_count),
};

fn daily_count(_: &History, _: &Event) -> Option<f64> {
    Some(1.0)
}
