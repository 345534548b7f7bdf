//! Tick at which the event happens, from the start of the window.

use trueup_env::{Event, History};

use super::{Definition, Feature, Level};

/// Tick at which the event happens, from the start of the window.
pub const FEATURE: Feature = Feature {
    name: "event_tick",
    title: "Time of the event",
    unit: "ticks",
    level: Level::Event,
    definition_text: "Tick at which the event happens, from the start of the window.",
    definition: Definition::Event(event_tick),
};

fn event_tick(_: &History, event: &Event) -> Option<f64> {
    Some(f64::from(event.tick))
}
