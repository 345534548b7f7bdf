//! Natural log of the event's amount; events of amount 0 have none.

use trueup_env::{Event, History};

use super::{Definition, Feature, Level};

/// Natural log of the event's amount; events of amount 0 have none.
pub const FEATURE: Feature = Feature {
    name: "log_amount",
    title: "Amount",
    unit: "ln amount",
    level: Level::Event,
    definition_text: "Natural log of the event's amount; events of amount 0 have none.",
    definition: Definition::Event(log_amount),
};

fn log_amount(_: &History, event: &Event) -> Option<f64> {
    trueup_env::log_amount(event.amount)
}
