//! 90% quantile of the user's log amounts, interpolated; none without positive amounts.

use trueup_env::Event;

use super::quantile::log_amount_quantile;
use super::{Definition, Feature, Level, Setting};

/// 90% quantile of the user's log amounts, interpolated; none without positive amounts.
pub const FEATURE: Feature = Feature {
    name: "p90_log_amount",
    title: "Large amounts per user",
    unit: "ln amount",
    level: Level::User,
    definition_text: "90% quantile of the user's log amounts, interpolated; none without positive amounts.",
    definition: Definition::Whole(p90_log_amount),
};

fn p90_log_amount(events: &[Event], _: &Setting) -> Option<f64> {
    log_amount_quantile(events, 9)
}
