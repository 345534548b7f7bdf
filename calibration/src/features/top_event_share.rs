//! Share of a user's money that is in their largest event; users without money have none.

use trueup_env::{Clock, History, Money};

use super::{Definition, Feature, Level};

/// Share of a user's money that is in their largest event; users without money have none.
pub const FEATURE: Feature = Feature {
    name: "top_event_share",
    title: "Share of the largest event",
    unit: "",
    level: Level::User,
    definition_text: "Share of a user's money that is in their largest event; users without money have none.",
    definition: Definition::User(top_event_share),
};

fn top_event_share(history: &History, _: &Clock) -> Option<f64> {
    Money::of(history.amount_max).share_of(history.amount_sum)
}
