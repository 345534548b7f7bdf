//! Entropy of the shares of kinds among the events of the user; users without events have none.

use trueup_env::{Clock, History};

use super::entropy::entropy;
use super::{Definition, Feature, Level};

/// Entropy of the shares of kinds among the events of the user; users without events have none.
pub const FEATURE: Feature = Feature {
    name: "kind_entropy",
    title: "Variety of kinds per user",
    unit: "nats",
    level: Level::User,
    definition_text: "Entropy of the shares of kinds among the events of the user; users without events have none.",
    definition: Definition::User(kind_entropy),
};

fn kind_entropy(history: &History, _: &Clock) -> Option<f64> {
    entropy(history.kind_counts)
}
