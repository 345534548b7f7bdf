//! (sd - mean) / (sd + mean) of ticks between consecutive events: -1 regular, 0 Poisson, towards 1
//! in bursts; users with fewer than three events, or all in one tick, have none.
//!
//! Goh and Barabási, *Burstiness and memory in complex systems*, EPL 81, 2008; the standard
//! deviation is that of the user's own gaps (n).

use trueup_env::exact::rounded;
use trueup_env::{Clock, History};

use super::{Definition, Feature, Level};

/// (sd - mean) / (sd + mean) of ticks between consecutive events: -1 regular, 0 Poisson, towards 1
/// in bursts; users with fewer than three events, or all in one tick, have none.
pub const FEATURE: Feature = Feature {
    name: "burstiness",
    title: "Burstiness",
    unit: "",
    level: Level::User,
    definition_text: "(sd - mean) / (sd + mean) of ticks between consecutive events: -1 regular, 0 \
        Poisson, towards 1 in bursts; users with fewer than three events, or all in one \
        tick, have none.",
    definition: Definition::User(burstiness),
};

fn burstiness(history: &History, _: &Clock) -> Option<f64> {
    let (mean, sd) = (history.mean_gap()?, history.gap_variance(0)?.sqrt());
    (mean > 0.0).then(|| rounded((sd - mean) / (sd + mean)))
}
