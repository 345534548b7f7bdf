//! The event's amount in money, those of 0 included.

use trueup_env::{Event, History};

use super::{Definition, Feature, Level};

/// The event's amount in money, those of 0 included.
pub const FEATURE: Feature = Feature {
    name: "amount",
    title: "Amount of money",
    unit: "amount",
    level: Level::Event,
    definition_text: "The event's amount in money, those of 0 included.",
    definition: Definition::Event(amount),
};

fn amount(_: &History, event: &Event) -> Option<f64> {
    Some(event.amount)
}
