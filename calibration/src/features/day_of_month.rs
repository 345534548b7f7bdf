//! Day of the month of an event, the first 0; only where ticks are days with a common date.

use jiff::ToSpan;
use jiff::civil::date;
use trueup_env::{Clock, Event, History, Tick};

use super::{Definition, Feature, Level};

/// Day of the month of an event, the first 0; only where ticks are days with a common date.
pub const FEATURE: Feature = Feature {
    name: "day_of_month",
    title: "Day of the month",
    unit: "",
    level: Level::Event,
    definition_text: "Day of the month of an event, the first 0; only where ticks are days with a common \
        date.",
    definition: Definition::Class { classes: 31, of: day_of_month },
};

fn day_of_month(_: &History, event: &Event, clock: &Clock) -> Option<usize> {
    let (Tick::Day, Some(start)) = (clock.tick, clock.start_day) else { return None };
    let days = start.checked_add(i64::from(event.tick))?;
    // A span refuses more days than lie between the first and the last date of the calendar.
    let span = 0.days().try_days(days).ok()?;
    let day = date(1970, 1, 1).checked_add(span).ok()?;
    usize::try_from(day.day() - 1).ok()
}
