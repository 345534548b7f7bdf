//! The map: what the columns of a file mean, and how its rows become the events of a log.
//!
//! The same keys stand in a run config and alone in a `map.toml`:
//!
//! ```toml
//! columns = { user = "customer_id", time = "date", amount = "amount_usd" }
//! clock = "week"
//! merge = "day"
//! [window]
//! align = "first-event"
//! horizon = 52
//! ```
//!
//! The steps run in this order: filters, cleaning of each row, window, `max_users`, outliers,
//! merge. [`Account`](super::Account) counts what each of them removed or changed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use trueup_env::Tick;

use super::error::ExternalError;
use super::time::{self, TimeFormat};

/// Which columns mean what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Columns {
    /// Who: any text.
    pub user: String,
    /// When, in [`Map::time_format`].
    pub time: String,
    /// How much money: a number.
    pub amount: String,
    /// What the user did; without it every event is of kind [`Map::kind`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Balance after the event; an empty field is an unknown balance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance: Option<String>,
    /// Numeric facts about the user; the first value that is given for a user counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub covariates: Vec<String>,
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            user: "user".into(),
            time: "time".into(),
            amount: "amount".into(),
            kind: None,
            balance: None,
            covariates: Vec::new(),
        }
    }
}

/// Where a window starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Align {
    /// For all users on the same date: `start`, or the first day of the data.
    #[default]
    Calendar,
    /// For each user at his own first event.
    FirstEvent,
}

/// Which part of the data makes the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Window {
    /// `calendar` or `first-event`.
    pub align: Align,
    /// First day used (ISO date), default that of the first row; earlier rows are dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Last day that the data cover (ISO date), default that of the last row; later rows are
    /// dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// Number of ticks; needed for `first-event`, else the whole ticks from `start` to `end`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub horizon: Option<u32>,
    /// With `first-event`: true starts tick 0 on the day of the first event; false starts it the
    /// day after and leaves the events of that first day out.
    pub include_first: bool,
    /// True drops (`first-event`) or refuses (`calendar`) windows that reach beyond `end`; false
    /// keeps them, so that unobserved ticks look like ticks without events.
    pub require_full_window: bool,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            align: Align::default(),
            start: None,
            end: None,
            horizon: None,
            include_first: false,
            require_full_window: true,
        }
    }
}

/// Which rows of one user become one event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Merge {
    /// Each row is an event.
    #[default]
    None,
    /// Rows of one user, kind and day are one event with the sum of the amounts.
    Day,
}

/// What happens to a kind that `kinds` does not name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unmapped {
    /// Refuse the file and list the kinds.
    #[default]
    Error,
    /// Drop the rows.
    Drop,
    /// Keep the kind under its own name.
    Keep,
}

/// What happens to a row that cannot be used as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Refuse the file and list the rows.
    #[default]
    Error,
    /// Drop the row.
    Drop,
}

/// What happens to a negative amount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Negative {
    /// Refuse the file and list the rows.
    #[default]
    Error,
    /// Drop the row.
    Drop,
    /// Use the amount without its sign.
    Absolute,
}

/// What happens to a row that repeats an earlier one in every column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Duplicate {
    /// Keep it (counted): without an identifier it may be a second event.
    #[default]
    Keep,
    /// Drop it.
    Drop,
    /// Refuse the file and list the rows.
    Error,
}

/// What happens to amounts above a quantile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutlierPolicy {
    /// They stay.
    #[default]
    None,
    /// They are set to the quantile.
    Winsorise,
    /// Their rows are dropped.
    Drop,
}

/// Policy for large amounts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Outliers {
    /// `none`, `winsorise` or `drop`.
    pub policy: OutlierPolicy,
    /// The smallest amount with at least this share of the kind's rows at or below it.
    pub quantile: f64,
}

impl Default for Outliers {
    fn default() -> Self {
        Self { policy: OutlierPolicy::None, quantile: 0.999 }
    }
}

/// Policies for rows that cannot be used as they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cleaning {
    /// Empty user, time, amount or kind (also `NA`, `NaN`, `null` or `none` where a number or a
    /// time belongs), or a user without a covariate: `error` or `drop`.
    pub missing: Policy,
    /// A time or number that cannot be read, a row with too few or too many fields: `error` or
    /// `drop`.
    pub unparsable: Policy,
    /// An amount below 0: `error`, `drop` or `absolute`; not asked where `negative_kind` is set.
    pub negative: Negative,
    /// A row that repeats another in every column: `keep`, `drop` or `error`.
    pub duplicate: Duplicate,
    /// Large amounts, by kind.
    pub outliers: Outliers,
}

/// One condition on a column; a row must satisfy all filters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// The column.
    pub column: String,
    /// The field is this text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equals: Option<String>,
    /// The field is one of these texts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<String>,
    /// The field is a number of at least this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The field is a number of at most this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
}

/// The whole map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Map {
    /// Which columns mean what.
    pub columns: Columns,
    /// The kind of every event, where there is no kind column.
    pub kind: String,
    /// With signed amounts: the kind of the events with an amount below 0; the rest keep theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub negative_kind: Option<String>,
    /// New names for kinds; two old names may share a new one. Empty keeps all kinds.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub kinds: BTreeMap<String, String>,
    /// What happens to a kind that a `kinds` with entries does not name.
    pub unmapped: Unmapped,
    /// Kinds in the order of their numbers, present even without events; others follow by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kind_order: Vec<String>,
    /// `iso` (date or date and time), `unix` (seconds), `unix-ms`, `tick` (already a tick number),
    /// or a strptime format such as `%d/%m/%Y`. Dates are taken as written: offsets are ignored.
    pub time_format: String,
    /// One character between fields.
    pub delimiter: char,
    /// The decimal mark of numbers.
    pub decimal: char,
    /// The mark between thousands in numbers, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thousands: Option<char>,
    /// The length of a tick: `day`, `week` (seven days from the window's start) or `month`.
    pub clock: Tick,
    /// Which part of the data makes the log.
    pub window: Window,
    /// Which rows of one user become one event.
    pub merge: Merge,
    /// Conditions on rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<Filter>,
    /// Policies for rows that cannot be used as they are.
    pub cleaning: Cleaning,
    /// Keep a random subset of at most this many users, always the same one: for quick looks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_users: Option<usize>,
    /// False where the user column holds pseudonyms already.
    pub pseudonymise: bool,
}

impl Default for Map {
    fn default() -> Self {
        Self {
            columns: Columns::default(),
            kind: "purchase".into(),
            negative_kind: None,
            kinds: BTreeMap::new(),
            unmapped: Unmapped::default(),
            kind_order: Vec::new(),
            time_format: "iso".into(),
            delimiter: ',',
            decimal: '.',
            thousands: None,
            clock: Tick::Day,
            window: Window::default(),
            merge: Merge::default(),
            filters: Vec::new(),
            cleaning: Cleaning::default(),
            max_users: None,
            pseudonymise: true,
        }
    }
}

/// What the texts of a checked map stand for.
pub(super) struct Checked {
    pub time_format: TimeFormat,
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
        let day = |key: &'static str, text: &Option<String>| match text {
            None => Ok(None),
            Some(text) => time::iso_day(text)
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
        Ok(Checked { time_format, start, end })
    }

    fn check_marks(&self) -> Result<(), ExternalError> {
        if !self.delimiter.is_ascii() || self.delimiter == '\n' || self.delimiter == '"' {
            let remedy = "one ASCII character that is no quote or line end, such as ; or \\t";
            return Err(refuse("delimiter", self.delimiter, remedy));
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
    }
}
