//! Sum of the amounts of the user in the window, in money.

use trueup_env::{Clock, History};

use super::{Definition, Feature, Level};

/// Sum of the amounts of the user in the window, in money.
pub const FEATURE: Feature = Feature {
    name: "total_amount",
    title: "Money per user",
    unit: "amount",
    level: Level::User,
    definition_text: "Sum of the amounts of the user in the window, in money.",
    definition: Definition::User(total_amount),
};

fn total_amount(history: &History, _: &Clock) -> Option<f64> {
    Some(history.amount_sum.value())
}
