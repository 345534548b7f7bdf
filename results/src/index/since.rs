//! Moments as people type them.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A moment in UTC as run directories write it: of a date, `2026-01-31`, a time, `2026-01-31T12:30`
/// (UTC unless it says otherwise), or so long ago: `30m`, `12h`, `7d`, `2w`. None where the text is
/// neither.
pub fn moment(text: &str) -> Option<String> {
    moment_at(text, Timestamp::now())
}

fn moment_at(text: &str, now: Timestamp) -> Option<String> {
    let ago = || {
        let unit = text.chars().last()?;
        let seconds = match unit {
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return None,
        };
        let count: u32 = text.strip_suffix(unit)?.parse().ok()?;
        now.checked_sub(SignedDuration::from_secs(i64::from(count) * seconds)).ok()
    };
    let told = || {
        text.parse::<Timestamp>().ok().or_else(|| {
            let time: DateTime = text.parse().ok()?;
            Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
        })
    };
    let moment = ago().or_else(told)?;
    Some(moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_in_utc() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let told = [
            ("2026-01-31", "2026-01-31T00:00:00Z"),
            ("2026-01-31T12:30", "2026-01-31T12:30:00Z"),
            ("2026-01-31T12:30:00Z", "2026-01-31T12:30:00Z"),
            ("2026-01-31T12:30:00+09:00", "2026-01-31T03:30:00Z"),
            ("1d", "2026-02-28T12:00:00Z"),
            ("2w", "2026-02-15T12:00:00Z"),
            ("13h", "2026-02-28T23:00:00Z"),
            ("90m", "2026-03-01T10:30:00Z"),
        ];
        for (text, wanted) in told {
            assert_eq!(moment_at(text, now).as_deref(), Some(wanted), "{text}");
        }
        for text in ["", "yesterday", "2026-13-01", "-1d", "d", "4294967296w", "4000000000w"] {
            assert_eq!(moment_at(text, now), None, "{text}");
        }
    }
}
