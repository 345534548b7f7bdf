//! Largest less smallest log amount of the user; none without positive amounts.

use trueup_env::exact::rounded;
use trueup_env::{Clock, History, Money};

use super::{Definition, Feature, Level};

/// Largest less smallest log amount of the user; none without positive amounts.
pub const FEATURE: Feature = Feature {
    name: "amount_range",
    title: "Range of amounts per user",
    unit: "ln amount",
    level: Level::User,
    definition_text: "Largest less smallest log amount of the user; none without positive amounts.",
    definition: Definition::User(amount_range),
};

fn amount_range(history: &History, _: &Clock) -> Option<f64> {
    if history.log_count == 0 {
        return None;
    }
    // The log of their quotient in decimal digits: 5 to 10 is as wide as 19.99 to 39.98.
    let (least, most) = (history.amount_min, history.amount_max);
    let times = Money::of(most).share_of(Money::of(least)).map(f64::ln);
    Some(rounded(times.unwrap_or_else(|| most.ln() - least.ln())))
}
