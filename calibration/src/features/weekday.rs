//! Weekday of an event, Monday 0; only where ticks are days with a common date.
//!
//! The hour is not known: the finest tick of a clock is a day.

use trueup_env::{Clock, Event, History};

use super::{Definition, Feature, Level};

/// Weekday of an event, Monday 0; only where ticks are days with a common date.
pub const FEATURE: Feature = Feature {
    name: "weekday",
    title: "Weekday",
    unit: "",
    level: Level::Event,
    definition_text: "Weekday of an event, Monday 0; only where ticks are days with a common date.",
    definition: Definition::Class { classes: 7, of: weekday },
};

fn weekday(_: &History, event: &Event, clock: &Clock) -> Option<usize> {
    clock.week_phase(event.tick).map(|phase| (7.0 * phase).round() as usize % 7)
}
