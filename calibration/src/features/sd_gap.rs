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
    if history.count < 3 {
        return None;
    }
    let n = f64::from(history.count - 1);
    let sum = f64::from(history.last_tick - history.first_tick);
    Some(((history.gap_square_sum - sum * sum / n) / (n - 1.0)).max(0.0).sqrt())
}
