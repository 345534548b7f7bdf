//! Largest less smallest log amount of the user; none without positive amounts.

use trueup_env::{Clock, History};

use super::{Definition, Feature, Level};

/// Largest less smallest log amount of the user; none without positive amounts.
pub const FEATURE: Feature = Feature {
    name: "amount_range",
    title: "Range of amounts per user",
    unit: "ln amount",
    level: Level::User,
    definition_text: "Largest less smallest log amount of the user; none without positive amounts.",
    definition: Definition::User(amount_range),
};

fn amount_range(history: &History, _: &Clock) -> Option<f64> {
    (history.log_count > 0).then_some(history.log_max - history.log_min)
}
