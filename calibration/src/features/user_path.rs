//! (tick / horizon, ln(1 + events) / ln(1 + horizon), ln(1 + amounts) / 10) after each event, from
//! 0 at the start to the end of the window.
//!
//! Each coordinate is of the order of 1 whatever the window: one event a tick ends at 1 in the
//! second, and an amount of 22,000 of any currency at 1 in the third. Every user has two points or
//! more.

use trueup_env::{Clock, Event, Money};

use super::{Definition, Feature, Level};

/// (tick / horizon, ln(1 + events) / ln(1 + horizon), ln(1 + amounts) / 10) after each event, from
/// 0 at the start to the end of the window.
pub const FEATURE: Feature = Feature {
    name: "user_path",
    title: "Path of a user",
    unit: "",
    level: Level::User,
    definition_text: "(tick / horizon, ln(1 + events) / ln(1 + horizon), ln(1 + amounts) / 10) after each \
        event, from 0 at the start to the end of the window.",
    definition: Definition::Path { width: 3, of: user_path },
};

fn user_path(events: &[Event], clock: &Clock, into: &mut Vec<f64>) {
    let horizon = f64::from(clock.horizon.max(1));
    let point = |tick: f64, count: usize, amounts: Money| {
        let amounts = amounts.value().ln_1p() / 10.0;
        [tick / horizon, (count as f64).ln_1p() / horizon.ln_1p(), amounts]
    };
    into.extend([0.0; 3]);
    let mut amounts = Money::default();
    for (i, event) in events.iter().enumerate() {
        amounts += Money::of(event.amount);
        into.extend(point(f64::from(event.tick), i + 1, amounts));
    }
    into.extend(point(horizon, events.len(), amounts));
}
