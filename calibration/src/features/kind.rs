//! The kind of the event.

use trueup_env::{Event, History};

use super::{Definition, Feature, Level};

/// The kind of the event.
pub const FEATURE: Feature = Feature {
    name: "kind",
    title: "Kind",
    unit: "",
    level: Level::Event,
    definition_text: "The kind of the event.",
    definition: Definition::Category(kind),
};

fn kind(_: &History, event: &Event) -> Option<usize> {
    Some(usize::from(event.kind))
}
