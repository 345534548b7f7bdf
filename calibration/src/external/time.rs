//! Reading times.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;

use super::calendar::EPOCH;

/// Microseconds in a day.
pub(super) const MICROS_PER_DAY: i64 = 86_400_000_000;
/// Beyond this many seconds from 1970 there are no dates (years -9999 to 9999).
const MAX_SECONDS: f64 = 2.5e11;
/// Days from 1899-12-30, day 0 of spreadsheets, to 1970-01-01.
const SPREADSHEET_EPOCH: f64 = 25_569.0;

/// How times are written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TimeFormat {
    Iso,
    /// Seconds of one unit since 1970-01-01 UTC.
    Unix(f64),
    /// Days since 1899-12-30.
    Excel,
    Tick,
    Strptime(String),
}

/// A time as written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Written {
    /// Microseconds since 1970-01-01 by the civil time as written, or the number of the tick.
    pub civil: i64,
    /// Seconds east of UTC, where they are written.
    pub offset: Option<i32>,
}

impl TimeFormat {
    /// The format of a name or a strptime text; the error is the remedy.
    pub fn new(text: &str) -> Result<Self, String> {
        match text {
            "iso" => Ok(Self::Iso),
            "unix" => Ok(Self::Unix(1.0)),
            "unix-ms" => Ok(Self::Unix(1e-3)),
            "unix-us" => Ok(Self::Unix(1e-6)),
            "unix-ns" => Ok(Self::Unix(1e-9)),
            "excel" => Ok(Self::Excel),
            "tick" => Ok(Self::Tick),
            format if format.contains('%') => Ok(Self::Strptime(format.into())),
            _ => {
                Err("iso, unix, unix-ms, unix-us, unix-ns, excel, tick, or a strptime format such \
                      as %d/%m/%Y"
                    .into())
            }
        }
    }

    /// Reads a time.
    pub fn parse(&self, text: &str) -> Option<Written> {
        let civil = |civil| Written { civil, offset: None };
        match self {
            Self::Iso => {
                let (text, offset) = split_offset(text);
                let moment = text
                    .parse::<DateTime>()
                    .or_else(|_| text.parse::<Date>().map(|day| day.to_datetime(Time::midnight())));
                Some(Written { civil: micros(moment.ok()?)?, offset })
            }
            Self::Unix(unit) => {
                let seconds = text.parse::<f64>().ok()? * unit;
                Some(Written { civil: of_seconds(seconds)?, offset: Some(0) })
            }
            Self::Excel => {
                let days = text.parse::<f64>().ok()? - SPREADSHEET_EPOCH;
                of_seconds(days * 86_400.0).map(civil)
            }
            Self::Tick => text.parse::<u32>().ok().map(|tick| civil(tick.into())),
            Self::Strptime(format) => {
                let mut time = BrokenDownTime::parse(format, text).ok()?;
                let offset = time.offset().map(|offset| offset.seconds());
                if time.day().is_none() && time.day_of_year().is_none() && time.iso_week().is_none()
                {
                    // A month without a day begins on its first, a year in January.
                    time.set_month(time.month().or(Some(1))).ok()?;
                    time.set_day(Some(1)).ok()?;
                }
                Some(Written { civil: micros(time.to_datetime().ok()?)?, offset })
            }
        }
    }
}

impl Written {
    /// Microseconds since 1970-01-01 by the clocks of a zone; as written where there is no offset
    /// that would say when it was.
    pub fn in_zone(self, zone: &TimeZone) -> Option<i64> {
        let Some(offset) = self.offset else { return Some(self.civil) };
        let instant = self.civil - i64::from(offset) * 1_000_000;
        micros(zone.to_datetime(Timestamp::from_microsecond(instant).ok()?))
    }
}

/// An ISO time without the offset at its end, and the offset in seconds: `Z`, `UTC`, `GMT`, `+01`,
/// `-0500`, `+05:30`, with or without a space before it.
fn split_offset(text: &str) -> (&str, Option<i32>) {
    // Shorter texts are dates, whose hyphens are no signs.
    const DATE: usize = "2024-01-05T".len();
    for name in ["Z", "z", "UTC", "GMT"] {
        if let Some(rest) = text.strip_suffix(name).filter(|rest| rest.len() >= DATE) {
            return (rest.trim_end(), Some(0));
        }
    }
    let sign = text.rfind(['+', '-']).filter(|&at| at > DATE);
    let found = sign.and_then(|at| {
        let digits: String = text[at + 1..].split(':').collect();
        let part = |range| digits.get(range).map_or(Some(0), |part: &str| part.parse::<i32>().ok());
        let whole = matches!(digits.len(), 2 | 4 | 6);
        let [hours, minutes, seconds] = [part(0..2)?, part(2..4)?, part(4..6)?];
        let offset = hours * 3600 + minutes * 60 + seconds;
        let sound = whole && hours < 26 && minutes < 60 && seconds < 60;
        let signed = if text[at..].starts_with('-') { -offset } else { offset };
        sound.then_some((text[..at].trim_end(), Some(signed)))
    });
    found.unwrap_or((text, None))
}

fn micros(moment: DateTime) -> Option<i64> {
    let epoch = EPOCH.to_datetime(Time::midnight());
    i64::try_from(moment.duration_since(epoch).as_micros()).ok()
}

fn of_seconds(seconds: f64) -> Option<i64> {
    (seconds.abs() <= MAX_SECONDS).then(|| (seconds * 1e6).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(format: &str, text: &str) -> Option<i64> {
        let format = TimeFormat::new(format).unwrap();
        format.parse(text).map(|time| time.civil.div_euclid(MICROS_PER_DAY))
    }

    /// 1997-01-01 is day 9862 (`date -u -d @852076800`) and day 35431 of spreadsheets.
    #[test]
    fn all_formats_read_the_same_day() {
        for (format, text) in [
            ("iso", "1997-01-01"),
            ("iso", "1997-01-01T23:59:59.999"),
            ("iso", "1997-01-01 08:00:00"),
            ("iso", "1997-01-01T08:00:00Z"),
            ("iso", "1997-01-01T23:30:00-05:00"),
            ("iso", "1997-01-01 08:00:00 UTC"),
            ("iso", "1997-01-01 08:00:00.25 GMT"),
            ("iso", "1997-01-01 08:00:00 +00:00"),
            ("iso", "1997-01-01 08:00:00+00"),
            ("iso", "1997-01-01T08:00:00-0530"),
            ("iso", "1997-01-01T08:00 Z"),
            ("unix", "852076800"),
            ("unix", "852163199.9"),
            ("unix", "8.520768e8"),
            ("unix-ms", "852076800000"),
            ("unix-us", "852076800000000"),
            ("unix-ns", "852076800000000000"),
            ("excel", "35431"),
            ("excel", "35431.75"),
            ("%d/%m/%Y", "01/01/1997"),
            ("%Y%m%d", "19970101"),
            ("%Y-%m", "1997-01"),
            ("%b %Y", "Jan 1997"),
            ("%Y", "1997"),
            ("%Y-%j", "1997-001"),
            ("%m/%d/%y %H:%M", "1/1/97 23:10"),
            ("%Y-%m-%d %H:%M:%S %z", "1997-01-01 23:30:00 -0500"),
        ] {
            assert_eq!(day(format, text), Some(9862), "{format} {text}");
        }
        assert_eq!(day("unix", "-1"), Some(-1));
        for bad in [
            "",
            "1997-13-01",
            "1997-02-29",
            "yesterday",
            "1997-01-01x",
            "1997-01-01 08:00:00 +1",
            "1997-01-01 08:00:00 +0x",
            "1997-01-01 08:00:00 EST",
            "Z",
        ] {
            assert_eq!(day("iso", bad), None, "{bad}");
        }
        for bad in ["nan", "inf", "1e300", "x"] {
            assert_eq!(day("unix", bad), None, "{bad}");
            assert_eq!(day("excel", bad), None, "{bad}");
        }
        assert_eq!(TimeFormat::Tick.parse("7"), Some(Written { civil: 7, offset: None }));
        assert_eq!(TimeFormat::Tick.parse("-1"), None);
    }

    /// Berlin went from +01:00 to +02:00 on 2024-03-31 at 01:00 UTC (IANA time zone database).
    #[test]
    fn times_with_an_offset_can_be_told_by_the_clocks_of_a_zone() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let read = |format: &str, text: &str| {
            let time = TimeFormat::new(format).unwrap().parse(text).unwrap();
            time.in_zone(&berlin).unwrap()
        };
        let local = |text: &str| TimeFormat::Iso.parse(text).unwrap().civil;
        for (format, text, clock) in [
            ("iso", "2024-03-30T23:30:00-05:00", "2024-03-31T06:30:00"),
            ("iso", "2024-03-31T00:59:59Z", "2024-03-31T01:59:59"),
            ("iso", "2024-03-31T01:00:00Z", "2024-03-31T03:00:00"),
            ("unix", "1711846800", "2024-03-31T03:00:00"),
            ("unix-ns", "1711846800000000000", "2024-03-31T03:00:00"),
            ("%d.%m.%Y %H:%M %z", "30.03.2024 23:30 +0000", "2024-03-31T00:30:00"),
            // Nothing to convert.
            ("iso", "2024-03-31T01:00:00", "2024-03-31T01:00:00"),
        ] {
            assert_eq!(read(format, text), local(clock), "{text}");
        }
    }
}
