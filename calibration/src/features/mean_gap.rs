//! Mean ticks between consecutive events of the user; users with fewer than two events have none.

use trueup_env::{Clock, History};

use super::{Definition, Feature, Level};

/// Mean ticks between consecutive events of the user; users with fewer than two events have none.
pub const FEATURE: Feature = Feature {
    name: "mean_gap",
    title: "Mean time between events",
    unit: "ticks",
    level: Level::User,
    definition_text: "Mean ticks between consecutive events of the user; users with fewer than two events have none.",
    definition: Definition::User(mean_gap),
};

fn mean_gap(history: &History, _: &Clock) -> Option<f64> {
    history.mean_gap()
}
