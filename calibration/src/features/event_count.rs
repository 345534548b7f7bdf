//! Number of events of the user in the window.

use trueup_env::{Clock, History};

use super::{Definition, Feature, Level};

/// Number of events of the user in the window.
pub const FEATURE: Feature = Feature {
    name: "event_count",
    title: "Events per user",
    unit: "events",
    level: Level::User,
    definition_text: "Number of events of the user in the window.",
    definition: Definition::User(event_count),
};

fn event_count(history: &History, _: &Clock) -> Option<f64> {
    Some(f64::from(history.count))
}
