//! Standard deviation (n - 1) of the log amounts of the user; users with fewer than two have none.

use trueup_env::{Clock, History};

use super::{Definition, Feature, Level};

/// Standard deviation (n - 1) of the log amounts of the user; users with fewer than two have none.
pub const FEATURE: Feature = Feature {
    name: "sd_log_amount",
    title: "Spread of amounts per user",
    unit: "ln amount",
    level: Level::User,
    definition_text: "Standard deviation (n - 1) of the log amounts of the user; users with fewer than two have none.",
    definition: Definition::User(sd_log_amount),
};

fn sd_log_amount(history: &History, _: &Clock) -> Option<f64> {
    history.sd_log_amount()
}
