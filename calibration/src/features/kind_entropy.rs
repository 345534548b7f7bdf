//! Entropy of the shares of kinds among the events of the user; users without events have none.

use trueup_env::{Clock, History};

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
    let n = f64::from(history.count);
    (history.count > 0).then(|| {
        let shares = history.kind_counts.iter().map(|&count| f64::from(count) / n);
        // Not negated: the entropy of a single kind is 0 and not -0.
        0.0 - shares.filter(|&p| p > 0.0).map(|p| p * p.ln()).sum::<f64>()
    })
}
