//! What a person should look at before they trust a log, with the remedy.

use std::collections::{BTreeSet, HashSet};

use trueup_env::{Clock, Tick};

use super::calendar::{day_text, first_day};
use super::map::{Align, Map, Merge};
use super::read::Entry;
use super::time::{MICROS_PER_DAY, TimeFormat};
use super::time_hint::Formats;
use super::window::Windowed;

/// The fewest events that say something of a window.
const EVENTS: usize = 10;
/// The share of a window without any event that is too long to be chance.
const EMPTY: f64 = 0.5;
/// The share of rows behind another of their user, kind and day that look like lines of one event.
const LINES: f64 = 0.3;

/// Times whose offsets differ, where no zone is given.
pub(super) fn of_offsets(offsets: &BTreeSet<Option<i32>>) -> Option<String> {
    if offsets.len() < 2 {
        return None;
    }
    let show = |offset: &Option<i32>| match offset {
        None => "none".to_owned(),
        Some(seconds) => {
            let (sign, minutes) = (if *seconds < 0 { '-' } else { '+' }, seconds.abs() / 60);
            format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
        }
    };
    let list = offsets.iter().take(4).map(show).collect::<Vec<_>>().join(", ");
    let more = if offsets.len() > 4 { ", ..." } else { "" };
    Some(format!(
        "the times have {} offsets from UTC ({list}{more}) and days are taken as written, so that \
         events minutes apart can lie on two days: set timezone = \"UTC\" or a zone such as \
         \"Europe/Berlin\" to tell all of them by one clock",
        offsets.len()
    ))
}

/// Times that all lie where times of another format end up.
pub(super) fn of_times(
    days: (i64, i64),
    format: &TimeFormat,
    map: &Map,
    path: &str,
) -> Option<String> {
    let (first, last) = days;
    let place = match (first, last) {
        (0.., ..366) if matches!(format, TimeFormat::Unix(_)) => "in 1970",
        (..-25_567, _) if last < -25_567 => "before 1900",
        (47_482.., _) => "after 2099",
        _ => return None,
    };
    let remedy = Formats::of_file(path, map).and_then(|formats| formats.say(&map.time_format));
    let remedy = remedy.unwrap_or_else(|| "check the unit of the column".into());
    Some(format!(
        "all times lie {place} ({} to {}) with time_format = {:?}, as where numbers are read in \
         another unit than they were written in: {remedy}",
        day_text(first),
        day_text(last),
        map.time_format
    ))
}

/// A window much of which has no event of anybody.
pub(super) fn of_window(windowed: &Windowed, map: &Map) -> Option<String> {
    let Clock { tick, horizon, start_day } = windowed.clock;
    if windowed.rows.len() < EVENTS {
        return None;
    }
    let mut busy: Vec<u32> = windowed.rows.iter().map(|(tick, _)| *tick).collect();
    busy.sort_unstable();
    busy.dedup();
    // Ticks without events lie between these.
    let edges =
        |i: usize| (i.checked_sub(1).map_or(0, |i| busy[i] + 1), *busy.get(i).unwrap_or(&horizon));
    let longest = (0..=busy.len()).map(edges).max_by_key(|(from, to)| to.saturating_sub(*from))?;
    let (from, to) = longest;
    let empty = to.saturating_sub(from);
    if f64::from(empty) <= EMPTY * f64::from(horizon) {
        return None;
    }
    let name = tick.name();
    let date = |at: u32| first_day(tick, start_day?, at.into()).map(day_text);
    let place = match (date(from), date(to)) {
        (Some(from), Some(to)) if map.window.align == Align::Calendar => {
            format!("from {from} to before {to}")
        }
        _ => format!("{name}s {from} to {}", to - 1),
    };
    Some(format!(
        "nobody has an event in {empty} {name}s in a row ({place}) of the {horizon} of the window: \
         if single rows are far from the others, their dates are mistakes more often than not; \
         window.start, window.end and window.horizon make the window that the events fill"
    ))
}

/// Rows that could be lines of one purchase.
pub(super) fn of_lines(rows: &[(u32, Entry)], has_dates: bool, map: &Map) -> Option<String> {
    if map.merge != Merge::None || rows.len() < EVENTS {
        return None;
    }
    let day = |entry: &Entry| match has_dates {
        true => entry.time.div_euclid(MICROS_PER_DAY),
        false => entry.time,
    };
    let events: HashSet<_> = rows.iter().map(|(_, e)| (e.user, e.kind, day(e))).collect();
    let further = rows.len() - events.len();
    let share = further as f64 / rows.len() as f64;
    (share >= LINES).then(|| {
        let unit = if has_dates { Tick::Day.name() } else { "tick" };
        format!(
            "{:.0}% of the rows follow another of the same user, kind and {unit}: if they are lines \
             of one purchase and no purchases of their own, set merge = \"day\"",
            100.0 * share
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_told_where_they_differ() {
        let said = |offsets: &[Option<i32>]| of_offsets(&offsets.iter().copied().collect());
        assert_eq!(said(&[Some(3600)]), None);
        assert_eq!(said(&[None]), None);
        let text = said(&[None, Some(-18_000), Some(19_800)]).unwrap();
        assert!(text.contains("3 offsets from UTC (none, -05:00, +05:30)"), "{text}");
    }
}
