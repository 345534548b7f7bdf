//! Kinds of two consecutive events of a user.

use trueup_env::{Event, History};

use super::{Definition, Feature, Level};

/// Kinds of two consecutive events of a user.
pub const FEATURE: Feature = Feature {
    name: "kind_pair",
    title: "Kind to next kind",
    unit: "",
    level: Level::Transition,
    definition_text: "Kinds of two consecutive events of a user.",
    definition: Definition::CategoryPair(kind_pair),
};

fn kind_pair(before: &History, event: &Event) -> Option<[usize; 2]> {
    (before.count > 0).then(|| [usize::from(before.last_kind), usize::from(event.kind)])
}
