//! ln(1 + number of events of the user in the window).

use trueup_env::{Clock, History};

use super::{Definition, Feature, Level};

/// ln(1 + number of events of the user in the window).
pub const FEATURE: Feature = Feature {
    name: "log_count",
    title: "Events per user, log scale",
    unit: "ln(1 + events)",
    level: Level::User,
    definition_text: "ln(1 + number of events of the user in the window).",
    definition: Definition::User(log_count),
};

fn log_count(history: &History, _: &Clock) -> Option<f64> {
    Some(f64::from(history.count).ln_1p())
}
