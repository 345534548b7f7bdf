//! Largest log amount of the user; users without positive amounts have none.

use trueup_env::{Clock, History};

use super::{Definition, Feature, Level};

/// Largest log amount of the user; users without positive amounts have none.
pub const FEATURE: Feature = Feature {
    name: "max_log_amount",
    title: "Largest amount per user",
    unit: "ln amount",
    level: Level::User,
    definition_text: "Largest log amount of the user; users without positive amounts have none.",
    definition: Definition::User(max_log_amount),
};

fn max_log_amount(history: &History, _: &Clock) -> Option<f64> {
    (history.log_count > 0).then_some(history.log_max)
}
