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

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trueup_env::Tick;

use super::cleaning::{Cleaning, Unmapped};
use crate::population::Population;

/// Which columns mean what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Columns {
    /// Who: any text.
    pub user: String,
    /// When, written as `time_format` says.
    pub time: String,
    /// How much money: a number.
    pub amount: String,
    /// What the user did; without it every event is of the kind `kind`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Balance after the event; an empty field is an unknown balance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance: Option<String>,
    /// Facts about the user: numbers, or categories where no value of the column is a number. The
    /// first value that is given for a user counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub covariates: Vec<String>,
    /// Facts about the user that are categories even where they look like numbers, such as the
    /// number of a district; they need not stand among `covariates` too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
}

impl Columns {
    /// All columns of facts about users: `covariates`, then the `categories` that are not among them.
    pub fn facts(&self) -> Vec<String> {
        let others = self.categories.iter().filter(|name| !self.covariates.contains(name));
        self.covariates.iter().chain(others).cloned().collect()
    }
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
            categories: Vec::new(),
        }
    }
}

/// Where a window starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Align {
    /// For all users on the same date: `start`, or the first day of the data.
    #[default]
    Calendar,
    /// For each user at his own first event.
    FirstEvent,
}

/// Which part of the data makes the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Merge {
    /// Each row is an event.
    #[default]
    None,
    /// Rows of one user, kind and day are one event with the sum of the amounts.
    Day,
}

/// One condition on a column; a row must satisfy all filters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// `iso` (date or date and time), `unix` (seconds), `unix-ms`, `unix-us`, `unix-ns`, `excel`
    /// (days of a spreadsheet), `tick` (already a tick number), or a strptime format such as
    /// `%d/%m/%Y` or `%Y-%m`. Dates are taken as written, whatever their offset, unless `timezone`
    /// is set.
    pub time_format: String,
    /// Times with an offset, and those since 1970, are told by the clocks of this zone, such as
    /// `Europe/Berlin`; times without an offset are its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// Lines before the header that are no part of the table.
    #[serde(skip_serializing_if = "is_default")]
    pub skip_lines: u32,
    /// Rows at the end that are no part of the table, such as a sum.
    #[serde(skip_serializing_if = "is_default")]
    pub skip_footer: u32,
    /// Lines that begin with this character are no part of the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<char>,
    /// Whether quotes enclose fields; false where they are letters like others.
    #[serde(skip_serializing_if = "Clone::clone")]
    pub quoting: bool,
    /// One character between fields.
    pub delimiter: char,
    /// The decimal mark of numbers.
    pub decimal: char,
    /// The mark between thousands in numbers, if there is one; one kind of space or apostrophe
    /// stands for all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thousands: Option<char>,
    /// Whether `(12.50)` and `12.50-` are -12.50, as accountants write it.
    #[serde(skip_serializing_if = "is_default")]
    pub accounting: bool,
    /// Signs or codes of currencies to leave off numbers, such as `EUR` or `$`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub currency: Vec<String>,
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
    /// Of a log that trueup wrote: the file beside it that lists its users.
    #[serde(skip)]
    pub users: Option<String>,
}

/// Whether a key has the value that it has where nobody sets it: configs of before read the same.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
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
            timezone: None,
            skip_lines: 0,
            skip_footer: 0,
            comment: None,
            quoting: true,
            delimiter: ',',
            decimal: '.',
            thousands: None,
            accounting: false,
            currency: Vec::new(),
            clock: Tick::Day,
            window: Window::default(),
            merge: Merge::default(),
            filters: Vec::new(),
            cleaning: Cleaning::default(),
            max_users: None,
            pseudonymise: true,
            users: None,
        }
    }
}
impl Map {
    /// Whom a log that is read so is about, where the window alone tells: a window from the day after
    /// a user's first event knows everybody; one that has the first event in it, or that is open to
    /// both sides of the calendar, knows users with events. None for ticks, and for a window of the
    /// calendar with an end or a beginning of its own, where users with earlier rows may have none.
    pub(super) fn population(&self, dates: bool) -> Option<Population> {
        let Window { align, include_first, start, end, .. } = &self.window;
        match align {
            _ if !dates => None,
            Align::FirstEvent if *include_first => Some(Population::Active),
            Align::FirstEvent => Some(Population::All),
            Align::Calendar => (start.is_none() && end.is_none()).then_some(Population::Active),
        }
    }
}
