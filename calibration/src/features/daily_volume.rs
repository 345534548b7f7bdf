//! Amounts of all users in each tick, divided by the number of users.

use trueup_env::{Event, History};

use super::{Definition, Feature, Level};

/// Amounts of all users in each tick, divided by the number of users.
pub const FEATURE: Feature = Feature {
    name: "daily_volume",
    title: "Volume per user and tick",
    unit: "amount",
    level: Level::Population,
    definition_text: "Amounts of all users in each tick, divided by the number of users.",
    definition: Definition::Series(daily_volume),
};

fn daily_volume(_: &History, event: &Event) -> Option<f64> {
    Some(event.amount)
}
