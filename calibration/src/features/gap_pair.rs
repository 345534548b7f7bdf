//! Ticks between two consecutive events of a user, and between the later one and the next.

use trueup_env::{Event, History};

use super::{Definition, Feature, Level};

/// Ticks between two consecutive events of a user, and between the later one and the next.
pub const FEATURE: Feature = Feature {
    name: "gap_pair",
    title: "Gap to next gap",
    unit: "ticks",
    level: Level::Transition,
    definition_text: "Ticks between two consecutive events of a user, and between the later one and the \
        next.",
    definition: Definition::Pair(gap_pair),
};

fn gap_pair(before: &History, event: &Event) -> Option<[f64; 2]> {
    let later = || f64::from(event.tick - before.last_tick);
    (before.count > 1).then(|| [f64::from(before.last_gap), later()])
}
