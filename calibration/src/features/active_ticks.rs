//! Number of ticks in which the user did anything.

use trueup_env::{Clock, History};

use super::{Definition, Feature, Level};

/// Number of ticks in which the user did anything.
pub const FEATURE: Feature = Feature {
    name: "active_ticks",
    title: "Active ticks per user",
    unit: "ticks",
    level: Level::User,
    definition_text: "Number of ticks in which the user did anything.",
    definition: Definition::User(active_ticks),
};

fn active_ticks(history: &History, _: &Clock) -> Option<f64> {
    Some(f64::from(history.active_ticks))
}
