//! Checks of a map, as far as they need no file.

use jiff::tz::TimeZone;

use super::calendar::iso_day;
use super::error::ExternalError;
use super::field::Numbers;
use super::map::{Align, Filter, Map};
use super::time::TimeFormat;

/// What the texts of a checked map stand for.
pub(super) struct Checked {
    pub time_format: TimeFormat,
    /// Times with an offset are told by the clocks of this zone.
    pub zone: Option<TimeZone>,
    pub numbers: Numbers,
    /// Days since 1970-01-01.
    pub start: Option<i64>,
    /// Days since 1970-01-01.
    pub end: Option<i64>,
}

impl Map {
    /// Checks everything that can be checked without the file.
    ///
    /// # Errors
    /// [`ExternalError::Map`] with the key, its value and the remedy.
    pub fn check(&self) -> Result<(), ExternalError> {
        self.checked().map(|_| ())
    }

    pub(super) fn checked(&self) -> Result<Checked, ExternalError> {
        let time_format = TimeFormat::new(&self.time_format)
            .map_err(|remedy| refuse("time_format", &self.time_format, remedy))?;
        let zone = self.checked_zone()?;
        self.check_marks()?;
        self.check_window(&time_format)?;
        self.check_filters()?;
        let quantile = self.cleaning.outliers.quantile;
        if !(quantile > 0.0 && quantile <= 1.0) {
            let key = "cleaning.outliers.quantile";
            return Err(refuse(key, quantile, "a share above 0 and at most 1, such as 0.999"));
        }
        if self.max_users == Some(0) {
            return Err(refuse("max_users", 0, "at least 1, or leave it out"));
        }
        if self.columns.kind.is_none() && !self.kinds.is_empty() {
            let remedy = "name the column that holds the kinds, or leave `kinds` out";
            return Err(refuse("columns.kind", "missing", remedy));
        }
        for (key, names) in [
            ("columns.covariates", &self.columns.covariates),
            ("columns.categories", &self.columns.categories),
        ] {
            if let Some(i) = (1..names.len()).find(|&i| names[..i].contains(&names[i])) {
                return Err(refuse(key, &names[i], "each column once"));
            }
        }
        self.check_facts()?;
        let day = |key: &'static str, text: &Option<String>| match text {
            None => Ok(None),
            Some(text) => iso_day(text)
                .map(Some)
                .ok_or_else(|| refuse(key, text, "an ISO date such as 1997-01-31")),
        };
        let start = day("window.start", &self.window.start)?;
        let end = day("window.end", &self.window.end)?;
        if let (Some(first), Some(last)) = (start, end)
            && first > last
        {
            let text = self.window.end.as_deref().unwrap_or_default();
            return Err(refuse("window.end", text, "a date on or after window.start"));
        }
        Ok(Checked { time_format, zone, numbers: Numbers::of(self), start, end })
    }

    /// Covariates are facts about users: who they are and what they did are other columns. An id among
    /// the facts would be written with every simulated log.
    fn check_facts(&self) -> Result<(), ExternalError> {
        let own = &self.columns;
        let taken = [
            ("user", Some(&own.user)),
            ("time", Some(&own.time)),
            ("amount", Some(&own.amount)),
            ("kind", own.kind.as_ref()),
            ("balance", own.balance.as_ref()),
        ];
        for (key, facts) in
            [("columns.covariates", &own.covariates), ("columns.categories", &own.categories)]
        {
            for fact in facts {
                let of = |(name, column): &(&str, Option<&String>)| {
                    (*column == Some(fact)).then(|| (*name).to_owned())
                };
                if let Some(name) = taken.iter().find_map(of) {
                    let remedy = format!("a fact about users: it is the column of columns.{name}");
                    return Err(refuse(key, fact, &remedy));
                }
            }
        }
        Ok(())
    }

    fn checked_zone(&self) -> Result<Option<TimeZone>, ExternalError> {
        let Some(name) = &self.timezone else { return Ok(None) };
        let zone = TimeZone::get(name);
        zone.map(Some).map_err(|_| {
            refuse("timezone", name, "a name of the IANA database, such as Europe/Berlin or UTC")
        })
    }

    fn check_marks(&self) -> Result<(), ExternalError> {
        if !self.delimiter.is_ascii() || self.delimiter == '\n' || self.delimiter == '"' {
            let remedy = "one ASCII character that is no quote or line end, such as ; or \\t";
            return Err(refuse("delimiter", self.delimiter, remedy));
        }
        if let Some(mark) = self.comment
            && (!mark.is_ascii() || mark == '\n' || mark == '"' || mark == self.delimiter)
        {
            let remedy = "one ASCII character that begins no row, such as #";
            return Err(refuse("comment", mark, remedy));
        }
        let sign = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '(' | ')');
        if let Some(token) =
            self.currency.iter().find(|token| token.trim().is_empty() || token.contains(sign))
        {
            let remedy = "signs or codes without digits, such as [\"EUR\", \"$\"]";
            return Err(refuse("currency", format!("{token:?}"), remedy));
        }
        if !matches!(self.decimal, '.' | ',') {
            return Err(refuse("decimal", self.decimal, "a point or a comma"));
        }
        match self.thousands {
            Some(mark) if mark == self.decimal => {
                Err(refuse("thousands", mark, "another character than `decimal`"))
            }
            Some(mark) if mark.is_ascii_digit() || matches!(mark, '-' | '+') => {
                Err(refuse("thousands", mark, "a character that is no digit or sign"))
            }
            _ => Ok(()),
        }
    }

    fn check_window(&self, format: &TimeFormat) -> Result<(), ExternalError> {
        let window = &self.window;
        match window.horizon {
            Some(0) => return Err(refuse("window.horizon", 0, "at least 1 tick")),
            Some(ticks) if ticks > MAX_HORIZON => {
                let remedy = format!("at most {MAX_HORIZON} ticks; a longer `clock` has fewer");
                return Err(refuse("window.horizon", ticks, remedy));
            }
            None if window.align == Align::FirstEvent => {
                let remedy = "give the number of ticks that each user is observed for, such as 52";
                return Err(refuse("window.horizon", "missing", remedy));
            }
            _ => {}
        }
        if matches!(format, TimeFormat::Tick) {
            if window.align == Align::FirstEvent {
                let remedy = "`calendar`: a file with tick numbers has its windows already";
                return Err(refuse("window.align", "first-event", remedy));
            }
            if let Some(end) = &window.end {
                return Err(refuse("window.end", end, "use `horizon` with time_format = \"tick\""));
            }
        }
        Ok(())
    }

    fn check_filters(&self) -> Result<(), ExternalError> {
        for filter in &self.filters {
            let Filter { column, equals, one_of, min, max } = filter;
            if equals.is_none() && one_of.is_empty() && min.is_none() && max.is_none() {
                let remedy = "add `equals`, `one_of`, `min` or `max`";
                return Err(refuse("filters", format!("column = {column:?}"), remedy));
            }
            if min.is_some_and(f64::is_nan) || max.is_some_and(f64::is_nan) {
                let value = format!("column = {column:?}, nan");
                return Err(refuse("filters", value, "`min` and `max` must be numbers"));
            }
        }
        Ok(())
    }
}

/// The longest horizon: a daily clock of 179 years.
pub const MAX_HORIZON: u32 = 65_536;

pub(super) fn refuse(key: &str, value: impl ToString, remedy: impl Into<String>) -> ExternalError {
    ExternalError::Map { key: key.into(), value: value.to_string(), remedy: remedy.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(map: &Map) -> String {
        map.check().unwrap_err().to_string()
    }

    #[test]
    fn a_map_names_the_key_that_is_wrong() {
        assert_eq!(Map::default().check(), Ok(()));
        let mut map = Map { delimiter: '→', ..Map::default() };
        assert!(refused(&map).contains("delimiter"));
        map.delimiter = ';';
        map.time_format = "DD/MM/YYYY".into();
        assert!(refused(&map).contains("%d/%m/%Y"), "{}", refused(&map));
        map.time_format = "unix".into();
        map.window.align = Align::FirstEvent;
        assert!(refused(&map).contains("window.horizon"));
        map.window.horizon = Some(52);
        map.window.start = Some("1997-02-30".into());
        assert!(refused(&map).contains("1997-02-30"));
        map.window.start = Some("1997-03-01".into());
        map.window.end = Some("1997-02-01".into());
        assert!(refused(&map).contains("window.end"));
        map.window.end = None;
        map.filters = vec![Filter { column: "type".into(), ..Filter::default() }];
        assert!(refused(&map).contains("one_of"));
        map.filters[0].max = Some(f64::NAN);
        assert!(refused(&map).contains("numbers"));
        map.filters.clear();
        map.cleaning.outliers.quantile = 99.0;
        assert!(refused(&map).contains("quantile"));
        map.cleaning.outliers.quantile = 0.99;
        map.kinds.insert("A".into(), "purchase".into());
        assert!(refused(&map).contains("columns.kind"));
        map.kinds.clear();
        map.thousands = Some('.');
        assert!(refused(&map).contains("thousands"));
        map.thousands = None;
        map.max_users = Some(0);
        assert!(refused(&map).contains("max_users"));
        map.max_users = None;
        map.columns.covariates = vec!["age".into(), map.columns.user.clone()];
        assert!(refused(&map).contains("it is the column of columns.user"), "{}", refused(&map));
    }
}
