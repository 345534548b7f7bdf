//! Standard deviation (n - 1) of ticks between consecutive events; users with fewer than three events have none.

use trueup_env::{Clock, History};

use super::{Definition, Feature, Level};

/// Standard deviation (n - 1) of ticks between consecutive events; users with fewer than three events have none.
pub const FEATURE: Feature = Feature {
    name: "sd_gap",
    title: "Irregularity of the times between events",
    unit: "ticks",
    level: Level::User,
    definition_text: "Standard deviation (n - 1) of ticks between consecutive events; users with fewer than three events have none.",
    definition: Definition::User(sd_gap),
};

fn sd_gap(history: &History, _: &Clock) -> Option<f64> {
    history.gap_variance(1).map(f64::sqrt)
}
