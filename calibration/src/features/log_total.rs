//! ln(1 + sum of the amounts of the user in the window).

use trueup_env::{Clock, History};

use super::{Definition, Feature, Level};

/// ln(1 + sum of the amounts of the user in the window).
pub const FEATURE: Feature = Feature {
    name: "log_total",
    title: "Total amount per user",
    unit: "ln(1 + amount)",
    level: Level::User,
    definition_text: "ln(1 + sum of the amounts of the user in the window).",
    definition: Definition::User(log_total),
};

fn log_total(history: &History, _: &Clock) -> Option<f64> {
    Some(history.amount_sum.value().ln_1p())
}
