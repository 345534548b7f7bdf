//! Formats that the times of a file fit.

use super::field::is_missing;
use super::map::Map;
use super::source::each_field;
use super::time::{MICROS_PER_DAY, TimeFormat};

/// Formats that are tried, to suggest one that fits.
const COMMON: &[&str] = &[
    "iso",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%m.%d.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y/%m/%d",
    "%Y/%d/%m",
    "%Y-%d-%m",
    "%Y.%m.%d",
    "%Y%m%d",
    "%d%m%Y",
    "%m%d%Y",
    "%y%m%d",
    "%d%m%y",
    "%m%d%y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%y/%m/%d",
    "%d.%m.%y",
    "%m.%d.%y",
    "%d-%m-%y",
    "%m-%d-%y",
    "%y-%m-%d",
    "%d %b %Y",
    "%d %B %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d/%m/%y %H:%M",
    "%m/%d/%y %H:%M",
    "%d.%m.%Y %H:%M",
    "%d-%m-%Y %H:%M",
    "%m-%d-%Y %H:%M",
    "%Y/%m/%d %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M:%S %p",
    "%d/%m/%Y %I:%M %p",
    "%m/%d/%Y %I:%M %p",
    "%d.%m.%Y %H:%M:%S",
    "%d-%m-%Y %H:%M:%S",
    "%m-%d-%Y %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%Y%m%d%H%M%S",
    "%Y-%m",
    "%Y/%m",
    "%m/%Y",
    "%m.%Y",
    "%Y%m",
    "%b %Y",
    "%B %Y",
    "unix",
    "unix-ms",
    "unix-us",
    "unix-ns",
    "excel",
];

/// Formats that are not named where another one fits as well: an order of day and month that nobody
/// uses then, and another name of the same.
const RARE: [(&str, &str); 3] = [("%Y-%d-%m", "iso"), ("%Y/%d/%m", "%Y/%m/%d"), ("iso", "%Y%m%d")];
/// A format that does not fit all times fits at least this share of them, and more than any other.
const NEARLY_ALL: f64 = 0.95;
/// Failures that a format may have beside its share of the rows so far.
const PATIENCE: usize = 20;

/// A format and how many times fit it.
struct Candidate {
    name: String,
    format: TimeFormat,
    fits: usize,
}

/// The formats that might do, over the times seen so far.
pub(super) struct Formats {
    rows: usize,
    candidates: Vec<Candidate>,
}

impl Formats {
    fn new(given: &str) -> Self {
        let names = COMMON.iter().copied().filter(|name| *name != given).chain([given]);
        let candidate = |name: &str| {
            let format = TimeFormat::new(name).ok()?;
            Some(Candidate { name: name.into(), format, fits: 0 })
        };
        Self { rows: 0, candidates: names.filter_map(candidate).collect() }
    }

    /// Over these times.
    pub fn of<'a>(times: impl Iterator<Item = &'a str>, given: &str) -> Self {
        let mut formats = Self::new(given);
        times.for_each(|time| formats.see(time));
        formats
    }

    /// Over all times of a file; none where it cannot be read a second time.
    pub fn of_file(path: &str, map: &Map) -> Option<Self> {
        let mut formats = Self::new(&map.time_format);
        each_field(path, map, &map.columns.time, |time| formats.see(time)).then_some(formats)
    }

    fn see(&mut self, time: &str) {
        if is_missing(time) {
            return;
        }
        let hopeless = PATIENCE + self.rows / 10;
        for candidate in &mut self.candidates {
            if self.rows - candidate.fits <= hopeless {
                let since_1970 = matches!(candidate.format, TimeFormat::Unix(_));
                let read = candidate.format.parse(time);
                let fits = read.is_some_and(|time| plausible(time.civil, since_1970));
                candidate.fits += usize::from(fits);
            }
        }
        self.rows += 1;
    }

    /// What to say of the formats that fit; nothing where none fits better than the given one.
    pub fn say(&self, given: &str) -> Option<String> {
        let best = self.candidates.iter().map(|one| one.fits).max().filter(|best| *best > 0)?;
        let fitting = self.candidates.iter().filter(|one| one.fits == best);
        let mut names: Vec<&str> = fitting.map(|one| one.name.as_str()).collect();
        if names.contains(&given) {
            return None;
        }
        for (rare, common) in RARE {
            if names.contains(&common) {
                names.retain(|name| *name != rare);
            }
        }
        let list = names.iter().map(|name| format!("time_format = {name:?}"));
        let list = list.collect::<Vec<_>>().join(" and ");
        match (best == self.rows, names.len()) {
            (true, 1) => Some(format!("all times of the file fit {list}")),
            (true, _) => Some(format!(
                "all times of the file fit {list}: nothing in them tells which is meant, so ask \
                 where they come from"
            )),
            (false, 1) if best as f64 >= NEARLY_ALL * self.rows as f64 => {
                Some(format!("{best} of the {} times of the file fit {list}", self.rows))
            }
            _ => None,
        }
    }
}

/// Whether a suggested format reads a time between 1900 and 2100, and numbers since 1970 one that
/// does not lie in 1970 itself: 20240131 is no second.
fn plausible(micros: i64, since_1970: bool) -> bool {
    let day = micros.div_euclid(MICROS_PER_DAY);
    (-25_567..47_482).contains(&day) && !(since_1970 && (0..365).contains(&day))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(given: &str, times: &[&str]) -> String {
        Formats::of(times.iter().copied(), given).say(given).unwrap_or_default()
    }

    #[test]
    fn every_format_that_fits_all_times_is_named_and_no_other() {
        for (times, formats) in [
            (&["03/04/1997", "25/04/1997"][..], &["%d/%m/%Y"][..]),
            (&["03/04/1997", "04/25/1997"], &["%m/%d/%Y"]),
            (&["03/04/1997", "05/04/1997"], &["%d/%m/%Y", "%m/%d/%Y"]),
            (&["03/04/05"], &["%d/%m/%y", "%m/%d/%y", "%y/%m/%d"]),
            (&["03/04/05 10:00"], &["%d/%m/%y %H:%M", "%m/%d/%y %H:%M"]),
            (&["970425"], &["%y%m%d"]),
            (&["20240105"], &["%Y%m%d"]),
            (&["2024-01-05"], &["iso"]),
            (&["2024-13-01"], &["%Y-%d-%m"]),
            (&["2024-01"], &["%Y-%m"]),
            (&["01/2024"], &["%m/%Y"]),
            (&["852076800"], &["unix"]),
            (&["852076800000"], &["unix-ms"]),
            (&["852076800000000"], &["unix-us"]),
            (&["852076800000000000"], &["unix-ns"]),
            (&["45296", "45297.5"], &["excel"]),
            (&["5 January 2024"], &["%d %B %Y"]),
        ] {
            let said = said("%H", times);
            let list = formats.iter().map(|name| format!("time_format = {name:?}"));
            let list = list.collect::<Vec<_>>().join(" and ");
            let tail = said.strip_prefix(&format!("all times of the file fit {list}"));
            let expected = if formats.len() == 1 { "" } else { ": nothing in them" };
            assert!(tail.is_some_and(|tail| tail.starts_with(expected)), "{times:?}: {said}");
            assert_eq!(said.matches("time_format").count(), formats.len(), "{times:?}: {said}");
        }
    }

    #[test]
    fn nothing_is_named_that_does_not_fit() {
        assert_eq!(said("iso", &["04/25/1997", "soon"]), "");
        assert_eq!(said("iso", &["31/12/2023", "01/13/2024", "05/06/2024"]), "");
        assert_eq!(said("iso", &["", "nan"]), "");
        // The given format is the best there is: the times that do not fit it are mistakes.
        let mut times = vec!["05/06/2024"; 60];
        times.extend(["31/12/2023", "01/13/2024"]);
        assert_eq!(said("%d/%m/%Y", &times), "");
        // One mistake among many, for which no other format does better.
        let said = said("iso", &times);
        assert_eq!(said, "");
        times.push("30/12/2023");
        let said = Formats::of(times.iter().copied(), "iso").say("iso").unwrap();
        assert_eq!(said, "62 of the 63 times of the file fit time_format = \"%d/%m/%Y\"");
    }
}
