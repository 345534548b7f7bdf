//! Reading times, and the arithmetic of days, weeks and months.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, date};
use jiff::fmt::strtime::BrokenDownTime;
use trueup_env::Tick;

const EPOCH: Date = date(1970, 1, 1);
/// Microseconds in a day.
pub(super) const MICROS_PER_DAY: i64 = 86_400_000_000;
/// Beyond this many seconds from 1970 there are no dates (years -9999 to 9999).
const MAX_SECONDS: f64 = 2.5e11;

/// Formats that are tried when the given one fails, to suggest one that fits.
const COMMON: &[&str] = &[
    "iso",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%y%m%d",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%b %d, %Y",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%m/%d/%y %H:%M",
    "%d.%m.%Y %H:%M",
    "%Y/%m/%d %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S %z",
    "unix",
    "unix-ms",
];

/// How times are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TimeFormat {
    Iso,
    Unix,
    UnixMillis,
    Tick,
    Strptime(String),
}

impl TimeFormat {
    /// The format of a name or a strptime text; the error is the remedy.
    pub fn new(text: &str) -> Result<Self, String> {
        match text {
            "iso" => Ok(Self::Iso),
            "unix" => Ok(Self::Unix),
            "unix-ms" => Ok(Self::UnixMillis),
            "tick" => Ok(Self::Tick),
            format if format.contains('%') => Ok(Self::Strptime(format.into())),
            _ => Err("iso, unix, unix-ms, tick, or a strptime format such as %d/%m/%Y".into()),
        }
    }

    /// Microseconds since 1970-01-01 by the civil time as written, or the number of the tick.
    pub fn parse(&self, text: &str) -> Option<i64> {
        match self {
            Self::Iso => {
                // A civil time has no zone, and the date is taken as written.
                let text = text.strip_suffix(['Z', 'z']).unwrap_or(text);
                let moment = text.parse::<DateTime>().or_else(|_| {
                    text.parse::<Date>().map(|day| day.to_datetime(jiff::civil::Time::midnight()))
                });
                moment.ok().and_then(micros)
            }
            Self::Unix => seconds(text, 1.0),
            Self::UnixMillis => seconds(text, 1e-3),
            Self::Tick => text.parse::<u32>().ok().map(i64::from),
            Self::Strptime(format) => {
                let time = BrokenDownTime::parse(format, text).ok()?;
                micros(time.to_datetime().ok()?)
            }
        }
    }
}

fn micros(moment: DateTime) -> Option<i64> {
    let epoch = EPOCH.to_datetime(jiff::civil::Time::midnight());
    i64::try_from(moment.duration_since(epoch).as_micros()).ok()
}

fn seconds(text: &str, unit: f64) -> Option<i64> {
    let seconds = text.parse::<f64>().ok()? * unit;
    (seconds.abs() <= MAX_SECONDS).then(|| (seconds * 1e6).round() as i64)
}

/// A format that all of these values fit.
pub(super) fn suggest(values: &[&str]) -> Option<&'static str> {
    let fits = |format: &&str| {
        TimeFormat::new(format)
            .is_ok_and(|format| values.iter().all(|v| format.parse(v).is_some_and(plausible)))
    };
    if values.is_empty() { None } else { COMMON.iter().find(|f| fits(f)).copied() }
}

/// Whether a suggested format reads a time between 1900 and 2100: 20240131 is no Unix second.
fn plausible(micros: i64) -> bool {
    (-25_567..47_482).contains(&micros.div_euclid(MICROS_PER_DAY))
        && !(0..365).contains(&micros.div_euclid(MICROS_PER_DAY))
}

/// Days since 1970-01-01 of an ISO date.
pub(super) fn iso_day(text: &str) -> Option<i64> {
    text.parse::<Date>().ok().map(day_number)
}

fn day_number(day: Date) -> i64 {
    day.duration_since(EPOCH).as_hours() / 24
}

/// The date of a day number; none outside the calendar.
pub(super) fn date_of(day: i64) -> Option<Date> {
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

/// The tick of a day when tick 0 starts on day `start`; negative before it. A month begins on the
/// day of the month of `start`, or on the next 1st where that month is too short.
pub(super) fn tick_of(clock: Tick, start: i64, day: i64) -> Option<i64> {
    match clock {
        Tick::Day => Some(day - start),
        Tick::Week => Some((day - start).div_euclid(7)),
        Tick::Month => {
            let (a, b) = (date_of(start)?, date_of(day)?);
            let months = |d: Date| i64::from(d.year()) * 12 + i64::from(d.month());
            Some(months(b) - months(a) - i64::from(b.day() < a.day()))
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
            let first = Date::new(year, month, 1).ok()?;
            match Date::new(year, month, anchor.day()) {
                Ok(day) => Some(day_number(day)),
                Err(_) => Some(day_number(first.last_of_month()) + 1),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(format: &str, text: &str) -> Option<i64> {
        let format = TimeFormat::new(format).unwrap();
        format.parse(text).map(|micros| micros.div_euclid(MICROS_PER_DAY))
    }

    /// 1997-01-01 is day 9862 (`date -u -d @852076800`).
    #[test]
    fn all_formats_read_the_same_day() {
        for (format, text) in [
            ("iso", "1997-01-01"),
            ("iso", "1997-01-01T23:59:59.999"),
            ("iso", "1997-01-01 08:00:00"),
            ("iso", "1997-01-01T08:00:00Z"),
            ("iso", "1997-01-01T23:30:00-05:00"),
            ("unix", "852076800"),
            ("unix", "852163199.9"),
            ("unix-ms", "852076800000"),
            ("%d/%m/%Y", "01/01/1997"),
            ("%Y%m%d", "19970101"),
            ("%m/%d/%y %H:%M", "1/1/97 23:10"),
            ("%Y-%m-%d %H:%M:%S %z", "1997-01-01 23:30:00 -0500"),
        ] {
            assert_eq!(day(format, text), Some(9862), "{format} {text}");
        }
        assert_eq!(day("unix", "-1"), Some(-1));
        for bad in ["", "1997-13-01", "1997-02-29", "yesterday", "1997-01-01x"] {
            assert_eq!(day("iso", bad), None, "{bad}");
        }
        for bad in ["nan", "inf", "1e300", "x"] {
            assert_eq!(day("unix", bad), None, "{bad}");
        }
        assert_eq!(TimeFormat::Tick.parse("7"), Some(7));
        assert_eq!(TimeFormat::Tick.parse("-1"), None);
    }

    #[test]
    fn a_suggestion_fits_all_values() {
        assert_eq!(suggest(&["03/04/1997", "25/04/1997"]), Some("%d/%m/%Y"));
        assert_eq!(suggest(&["03/04/1997", "04/25/1997"]), Some("%m/%d/%Y"));
        assert_eq!(suggest(&["970425"]), Some("%y%m%d"));
        assert_eq!(suggest(&["852076800"]), Some("unix"));
        assert_eq!(suggest(&["852076800000"]), Some("unix-ms"));
        assert_eq!(suggest(&["04/25/1997", "soon"]), None);
    }

    #[test]
    fn months_begin_on_the_day_of_the_start() {
        let at = |text: &str| iso_day(text).unwrap();
        let tick = |start: &str, day: &str| tick_of(Tick::Month, at(start), at(day)).unwrap();
        assert_eq!(tick("2024-01-15", "2024-02-14"), 0);
        assert_eq!(tick("2024-01-15", "2024-02-15"), 1);
        assert_eq!(tick("2024-01-15", "2024-01-14"), -1);
        assert_eq!(tick("2023-12-01", "2024-12-01"), 12);
        // No 31st of April: the month begins on the 1st of May.
        assert_eq!(first_day(Tick::Month, at("2024-01-31"), 3), Some(at("2024-05-01")));
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
