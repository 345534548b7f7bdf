//! Median log amount of the user; none without positive amounts.

use trueup_env::Event;

use super::quantile::log_amount_quantile;
use super::{Definition, Feature, Level, Setting};

/// Median log amount of the user; none without positive amounts.
pub const FEATURE: Feature = Feature {
    name: "median_log_amount",
    title: "Median amount per user",
    unit: "ln amount",
    level: Level::User,
    definition_text: "Median log amount of the user; none without positive amounts.",
    definition: Definition::Whole(median_log_amount),
};

fn median_log_amount(events: &[Event], _: &Setting) -> Option<f64> {
    log_amount_quantile(events, 5)
}
