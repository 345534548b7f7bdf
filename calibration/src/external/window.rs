//! Windows: which rows of a user are in the log, and in which tick.

use trueup_env::Clock;

use super::calendar::{day_text, first_day, tick_of};
use super::error::ExternalError;
use super::map::{Align, Map};
use super::map_check::{Checked, MAX_HORIZON};
use super::read::{Entry, Table};
use super::time::{MICROS_PER_DAY, TimeFormat};

/// Rows in their windows.
pub(super) struct Windowed {
    pub clock: Clock,
    /// Rows with their ticks, in the order of the file.
    pub rows: Vec<(u32, Entry)>,
    /// Whether each user of the table is in the log.
    pub keep: Vec<bool>,
    /// First and last day of all rows; none where the file has ticks.
    pub days: Option<(i64, i64)>,
}

/// Why a row with a tick is not in the log.
pub(super) const BEYOND_HORIZON: &str = "tick beyond window.horizon";
const USER_DROPPED: &str = "its user was dropped";

/// Applies the window of the map.
pub(super) fn apply(
    path: &str,
    map: &Map,
    checked: &Checked,
    table: &mut Table,
) -> Result<Windowed, ExternalError> {
    if matches!(checked.time_format, TimeFormat::Tick) {
        return ticks(path, map, checked, table);
    }
    let days = table.entries.iter().map(|entry| day_of(entry.time));
    let (Some(first), Some(last)) = (days.clone().min(), days.max()) else {
        let keep = vec![false; table.users.len()];
        table.account.drop_users("no usable row", keep.len() as u64);
        let clock = Clock { tick: map.clock, horizon: 1, start_day: None };
        return Ok(Windowed { clock, rows: Vec::new(), keep, days: None });
    };
    let start = checked.start.unwrap_or(first);
    let end = checked.end.unwrap_or(last);
    let missed = match (checked.start, checked.end) {
        (Some(start), _) if start > last => Some(("start", start, "last", last)),
        (_, Some(end)) if end < first => Some(("end", end, "first", first)),
        _ => None,
    };
    if let Some((key, day, which, row)) = missed {
        let reason = format!(
            "window.{key} is {}, but the {which} row is of {}: no event lies in the window",
            day_text(day),
            day_text(row)
        );
        return Err(ExternalError::Window { path: path.into(), reason });
    }
    let mut windowed = match map.window.align {
        Align::Calendar => calendar(path, map, start, end, table)?,
        Align::FirstEvent => first_event(map, start, end, table),
    };
    windowed.days = Some((first, last));
    Ok(windowed)
}

fn day_of(micros: i64) -> i64 {
    micros.div_euclid(MICROS_PER_DAY)
}

/// A file with tick numbers: every user of the file is in the log.
fn ticks(
    path: &str,
    map: &Map,
    checked: &Checked,
    table: &mut Table,
) -> Result<Windowed, ExternalError> {
    let last = table.entries.iter().map(|entry| entry.time).max().unwrap_or(0);
    let horizon = map.window.horizon.map_or(last + 1, i64::from);
    let Some(horizon) = u32::try_from(horizon).ok().filter(|ticks| *ticks <= MAX_HORIZON) else {
        let reason = format!(
            "the last tick is {last}, at most {MAX_HORIZON} ticks are supported; is the column a \
             date? then set time_format"
        );
        return Err(ExternalError::Window { path: path.into(), reason });
    };
    let mut keep = table.marked.clone();
    let mut rows = Vec::with_capacity(table.entries.len());
    let mut outside = 0;
    for entry in std::mem::take(&mut table.entries) {
        keep[entry.user as usize] = true;
        match u32::try_from(entry.time) {
            Ok(tick) if tick < horizon => rows.push((tick, entry)),
            _ => outside += 1,
        }
    }
    table.account.drop_rows(BEYOND_HORIZON, outside);
    let lost = keep.iter().filter(|keep| !**keep).count();
    table.account.drop_users("no usable row", lost as u64);
    let clock = Clock { tick: map.clock, horizon, start_day: checked.start };
    Ok(Windowed { clock, rows, keep, days: None })
}

/// One window for all users. A user with no row before its end is not a user yet, and is dropped;
/// one with earlier rows only is a user without events.
fn calendar(
    path: &str,
    map: &Map,
    start: i64,
    end: i64,
    table: &mut Table,
) -> Result<Windowed, ExternalError> {
    let horizon = calendar_horizon(map, start, end)
        .map_err(|reason| ExternalError::Window { path: path.into(), reason })?;
    // Days beyond the calendar cannot come from a file with dates.
    let after = first_day(map.clock, start, i64::from(horizon)).unwrap_or(i64::MAX);
    let mut keep = vec![false; table.users.len()];
    let mut seen = vec![false; table.users.len()];
    for entry in &table.entries {
        seen[entry.user as usize] = true;
        keep[entry.user as usize] |= day_of(entry.time) < after;
    }
    let mut rows = Vec::with_capacity(table.entries.len());
    let (mut early, mut late, mut of_dropped) = (0, 0, 0);
    for entry in std::mem::take(&mut table.entries) {
        let day = day_of(entry.time);
        match tick_of(map.clock, start, day).map(u32::try_from) {
            _ if !keep[entry.user as usize] => of_dropped += 1,
            _ if day < start => early += 1,
            Some(Ok(tick)) if day <= end && tick < horizon => rows.push((tick, entry)),
            _ => late += 1,
        }
    }
    let account = &mut table.account;
    account.drop_rows("before the window", early);
    account.drop_rows("after the window", late);
    account.drop_rows(USER_DROPPED, of_dropped);
    let lost = |seen_value: bool| {
        seen.iter().zip(&keep).filter(|(s, k)| !**k && **s == seen_value).count() as u64
    };
    account.drop_users("first row after the window", lost(true));
    account.drop_users("no usable row", lost(false));
    let clock = Clock { tick: map.clock, horizon, start_day: Some(start) };
    Ok(Windowed { clock, rows, keep, days: None })
}

fn calendar_horizon(map: &Map, start: i64, end: i64) -> Result<u32, String> {
    let whole = tick_of(map.clock, start, end + 1).unwrap_or(0);
    let whole = u32::try_from(whole).unwrap_or(0);
    let range = format!("the data cover {} to {}", day_text(start), day_text(end));
    let tick = map.clock.name();
    match map.window.horizon {
        Some(asked) if asked > whole && map.window.require_full_window => Err(format!(
            "{range}, which is {whole} whole ticks of one {tick}, but window.horizon is {asked}; \
             shorten it, or set window.end to the day up to which the data are complete"
        )),
        Some(asked) => Ok(asked),
        None if whole == 0 => {
            Err(format!("{range}, which is less than one {tick}; choose a shorter clock"))
        }
        None if whole > MAX_HORIZON => Err(format!(
            "{range}, which is {whole} ticks of one {tick}, at most {MAX_HORIZON} are supported; \
             choose a longer clock, or window.start and window.end"
        )),
        None => Ok(whole),
    }
}

/// Why a user has no window at his first event.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Without {
    Rows,
    Before,
    After,
    FullWindow,
}

/// A window for each user, from his first event or the day after it.
///
/// Ticks are counted from the first event in either case, so that payments on the last day of each
/// month lie one month apart from it: without the first day, tick k holds the days after k and up
/// to k + 1 ticks from the first event.
fn first_event(map: &Map, start: i64, end: i64, table: &mut Table) -> Windowed {
    // `Map::checked` demands a horizon here.
    let horizon = map.window.horizon.unwrap_or(1);
    let mut first = vec![i64::MAX; table.users.len()];
    for entry in &table.entries {
        let first = &mut first[entry.user as usize];
        *first = (*first).min(day_of(entry.time));
    }
    let left_out = i64::from(!map.window.include_first);
    let origin: Vec<Result<i64, Without>> = first
        .iter()
        .map(|&day| match day {
            i64::MAX => Err(Without::Rows),
            day if day < start => Err(Without::Before),
            day if day > end => Err(Without::After),
            day => {
                let after = first_day(map.clock, day, i64::from(horizon));
                let full = after.is_some_and(|after| after + left_out <= end + 1);
                if full || !map.window.require_full_window {
                    Ok(day)
                } else {
                    Err(Without::FullWindow)
                }
            }
        })
        .collect();
    let mut rows = Vec::with_capacity(table.entries.len());
    let (mut early, mut late, mut of_dropped) = (0, 0, 0);
    for entry in std::mem::take(&mut table.entries) {
        let day = day_of(entry.time);
        match origin[entry.user as usize] {
            Err(_) => of_dropped += 1,
            Ok(origin) if day < origin + left_out => early += 1,
            Ok(origin) => match tick_of(map.clock, origin, day - left_out).map(u32::try_from) {
                Some(Ok(tick)) if tick < horizon && day <= end => rows.push((tick, entry)),
                _ => late += 1,
            },
        }
    }
    let account = &mut table.account;
    account.drop_rows("on the day of the user's first event, before his window", early);
    account.drop_rows("after the user's window", late);
    account.drop_rows(USER_DROPPED, of_dropped);
    let lost = |why| origin.iter().filter(|o| **o == Err(why)).count() as u64;
    account.drop_users("no usable row", lost(Without::Rows));
    account.drop_users("first event before window.start", lost(Without::Before));
    account.drop_users("first event after window.end", lost(Without::After));
    account.drop_users("window reaches beyond the end of the data", lost(Without::FullWindow));
    let keep = origin.iter().map(Result::is_ok).collect();
    let clock = Clock { tick: map.clock, horizon, start_day: None };
    Windowed { clock, rows, keep, days: None }
}

/// The words for a tick length, for a person.
pub(super) fn clock_text(clock: &Clock) -> String {
    let unit = match (clock.tick, clock.horizon) {
        (tick, 1) => tick.name().to_string(),
        (tick, _) => format!("{}s", tick.name()),
    };
    let start = match clock.start_day {
        Some(day) => format!("from {}", day_text(day)),
        None => "each user from a day of his own".into(),
    };
    format!("{} {unit}, {start}", clock.horizon)
}
