//! Share of what came in that was not spent, at least -1; none without inflow or where no kind of
//! the log brings money in, or none spends it.
//!
//! Money moved to savings or holdings is not spent. A user who spends more than twice what comes in
//! counts as one who spends twice.

use trueup_env::Event;

use super::flows::Flows;
use super::{Definition, Feature, Level, Setting};

/// Share of what came in that was not spent, at least -1; none without inflow or where no kind of
/// the log brings money in, or none spends it.
pub const FEATURE: Feature = Feature {
    name: "saving_rate",
    title: "Saving rate",
    unit: "",
    level: Level::User,
    definition_text: "Share of what came in that was not spent, at least -1; none without inflow or where \
        no kind of the log brings money in, or none spends it.",
    definition: Definition::Whole(saving_rate),
};

fn saving_rate(events: &[Event], setting: &Setting) -> Option<f64> {
    let flows = Flows::of(events, &setting.effects)?;
    flows.net().share_of(flows.inflow).map(|share| share.max(-1.0))
}
