//! The arithmetic of days, weeks and months.
//!
//! Months are added as date libraries add them: to the same day of the month, or to the last day of
//! a month that is too short, always counted from the start. So the months from 31 January begin on
//! 29 February, 31 March, 30 April of a leap year.

use jiff::SignedDuration;
use jiff::civil::{Date, date};
use trueup_env::Tick;

/// Day 0.
pub(super) const EPOCH: Date = date(1970, 1, 1);

/// Days since 1970-01-01 of an ISO date.
pub(super) fn iso_day(text: &str) -> Option<i64> {
    text.parse::<Date>().ok().map(day_number)
}

fn day_number(day: Date) -> i64 {
    day.duration_since(EPOCH).as_hours() / 24
}

/// The date of a day number; none outside the calendar.
fn date_of(day: i64) -> Option<Date> {
    let hours = day.checked_mul(24)?;
    if hours.abs() > 100_000_000 {
        return None;
    }
    EPOCH.checked_add(SignedDuration::from_hours(hours)).ok()
}

/// The day as an ISO date.
pub(super) fn day_text(day: i64) -> String {
    date_of(day).map_or_else(|| format!("day {day}"), |date| date.to_string())
}

/// The tick of a day when tick 0 starts on day `start`; negative before it.
pub(super) fn tick_of(clock: Tick, start: i64, day: i64) -> Option<i64> {
    match clock {
        Tick::Day => Some(day - start),
        Tick::Week => Some((day - start).div_euclid(7)),
        Tick::Month => {
            let (a, b) = (date_of(start)?, date_of(day)?);
            let months = |d: Date| i64::from(d.year()) * 12 + i64::from(d.month());
            let begins = a.day().min(b.days_in_month());
            Some(months(b) - months(a) - i64::from(b.day() < begins))
        }
    }
}

/// The first day of a tick when tick 0 starts on day `start`.
pub(super) fn first_day(clock: Tick, start: i64, tick: i64) -> Option<i64> {
    match clock {
        Tick::Day => start.checked_add(tick),
        Tick::Week => start.checked_add(tick.checked_mul(7)?),
        Tick::Month => {
            let anchor = date_of(start)?;
            let months = i64::from(anchor.year()) * 12 + i64::from(anchor.month()) - 1 + tick;
            let year = i16::try_from(months.div_euclid(12)).ok()?;
            let month = i8::try_from(months.rem_euclid(12) + 1).ok()?;
            let length = Date::new(year, month, 1).ok()?.days_in_month();
            Date::new(year, month, anchor.day().min(length)).ok().map(day_number)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_begin_on_the_day_of_the_start() {
        let at = |text: &str| iso_day(text).unwrap();
        let tick = |start: &str, day: &str| tick_of(Tick::Month, at(start), at(day)).unwrap();
        assert_eq!(tick("2024-01-15", "2024-02-14"), 0);
        assert_eq!(tick("2024-01-15", "2024-02-15"), 1);
        assert_eq!(tick("2024-01-15", "2024-01-14"), -1);
        assert_eq!(tick("2023-12-01", "2024-12-01"), 12);
        // No 31st of April: its last day.
        assert_eq!(first_day(Tick::Month, at("2024-01-31"), 3), Some(at("2024-04-30")));
        assert_eq!(tick("2024-01-31", "2024-04-29"), 2);
        assert_eq!(tick("2024-01-31", "2024-04-30"), 3);
    }

    /// `tests/fixtures/months.py`: starts and the first days of later months, by dateutil and
    /// pandas.
    #[test]
    fn months_are_those_of_date_libraries() {
        let text = include_str!("../../tests/fixtures/months.json");
        let fixture: serde_json::Value = serde_json::from_str(text).unwrap();
        let cases = fixture["cases"].as_array().unwrap();
        assert!(cases.len() > 1_000);
        for case in cases {
            let day = |i: usize| iso_day(case[i].as_str().unwrap()).unwrap();
            let (start, months, first) = (day(0), case[1].as_i64().unwrap(), day(2));
            assert_eq!(first_day(Tick::Month, start, months), Some(first), "{case}");
            let ticks = [first - 1, first].map(|day| tick_of(Tick::Month, start, day).unwrap());
            assert_eq!(ticks, [months - 1, months], "{case}");
        }
    }

    #[test]
    fn the_first_day_of_a_tick_is_the_first_day_with_that_tick() {
        for clock in [Tick::Day, Tick::Week, Tick::Month] {
            for start in 19_700..20_150 {
                for tick in [-3, 0, 1, 2, 13] {
                    let first = first_day(clock, start, tick).unwrap();
                    let of = |day| tick_of(clock, start, day).unwrap();
                    assert_eq!((of(first - 1), of(first)), (tick - 1, tick), "{clock:?} {start}");
                }
            }
        }
    }
}
