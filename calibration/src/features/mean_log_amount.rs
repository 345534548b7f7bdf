//! Mean log amount of the user; users without positive amounts have none.

use trueup_env::{Clock, History};

use super::{Definition, Feature, Level};

/// Mean log amount of the user; users without positive amounts have none.
pub const FEATURE: Feature = Feature {
    name: "mean_log_amount",
    title: "Mean amount per user",
    unit: "ln amount",
    level: Level::User,
    definition_text: "Mean log amount of the user; users without positive amounts have none.",
    definition: Definition::User(mean_log_amount),
};

fn mean_log_amount(history: &History, _: &Clock) -> Option<f64> {
    history.mean_log_amount()
}
