//! Mean amount of the user's events in money, those of 0 included; users without events have none.

use trueup_env::{Clock, History};

use super::{Definition, Feature, Level};

/// Mean amount of the user's events in money, those of 0 included; users without events have none.
pub const FEATURE: Feature = Feature {
    name: "mean_amount",
    title: "Mean amount of money per user",
    unit: "amount",
    level: Level::User,
    definition_text: "Mean amount of the user's events in money, those of 0 included; users without events have none.",
    definition: Definition::User(mean_amount),
};

fn mean_amount(history: &History, _: &Clock) -> Option<f64> {
    (history.count > 0).then(|| history.amount_sum.over(u64::from(history.count)))
}
