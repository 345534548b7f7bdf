//! Log amounts of an event and of the event with a positive amount before it.

use trueup_env::{Event, History};

use super::{Definition, Feature, Level};

/// Log amounts of an event and of the event with a positive amount before it.
pub const FEATURE: Feature = Feature {
    name: "amount_pair",
    title: "Amount to next amount",
    unit: "ln amount",
    level: Level::Transition,
    definition_text: "Log amounts of an event and of the event with a positive amount before it.",
    definition: Definition::Pair(amount_pair),
};

fn amount_pair(before: &History, event: &Event) -> Option<[f64; 2]> {
    let later = trueup_env::log_amount(event.amount)?;
    (before.log_count > 0).then_some([before.last_log_amount, later])
}
