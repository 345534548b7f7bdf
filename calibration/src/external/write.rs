//! Logs as CSV: written and read back without loss.
//!
//! Columns `user,tick,kind,amount`, then `balance` where any event has one, then one
//! `covariate.NAME` a covariate of numbers and `category.NAME` one of categories, repeated in each row
//! of the user. A user without events has one row with empty `tick`, `kind` and `amount`. Numbers have the fewest digits that read back to the
//! same f64. Users and their events keep their order. Tick length, horizon and kinds without
//! events are not in the file: the reader is told, or finds them in the
//! [`ClockFile`](super::ClockFile) beside it.

use std::io;

use trueup_env::{Clock, EventLog};

use super::error::ExternalError;
use super::load::{Loaded, load};
use super::map::{Align, Columns, Map, Window};
use super::source::Source;
use super::time::day_text;

const COLUMNS: [&str; 4] = ["user", "tick", "kind", "amount"];
const BALANCE: &str = "balance";
const COVARIATE: &str = "covariate.";
const CATEGORY: &str = "category.";

/// Writes a log.
///
/// # Errors
/// What `out` says.
pub fn write_log(log: &EventLog, out: &mut dyn io::Write) -> io::Result<()> {
    let balances = log.events().iter().any(|event| !event.balance.is_nan());
    let covariates = log.covariates();
    let names = &covariates.names;
    let mut csv = csv::Writer::from_writer(out);
    let mut header: Vec<String> = COLUMNS.map(String::from).to_vec();
    if balances {
        header.push(BALANCE.into());
    }
    header.extend(names.iter().enumerate().map(|(i, name)| {
        let numbers = covariates.categories_of(i).is_empty();
        format!("{}{name}", if numbers { COVARIATE } else { CATEGORY })
    }));
    csv.write_record(&header)?;
    for (user, label) in log.users().iter().enumerate() {
        let fact = |(i, value): (usize, &f64)| {
            let category = covariates.categories_of(i).get(*value as usize);
            category.cloned().unwrap_or_else(|| value.to_string())
        };
        let facts: Vec<String> = covariates.row(user).iter().enumerate().map(fact).collect();
        let mut row = |tick: &str, kind: &str, amount: &str, balance: &str| {
            let fields = [label, tick, kind, amount].into_iter();
            let fields = fields.chain(balances.then_some(balance));
            csv.write_record(fields.chain(facts.iter().map(String::as_str)))
        };
        if log.events_of(user).is_empty() {
            row("", "", "", "")?;
        }
        for event in log.events_of(user) {
            let kind = &log.kinds()[usize::from(event.kind)];
            let known = !event.balance.is_nan();
            let balance = if known { event.balance.to_string() } else { String::new() };
            row(&event.tick.to_string(), kind, &event.amount.to_string(), &balance)?;
        }
    }
    csv.flush()
}

/// The name of a covariate without what its column has in front in such a log.
pub(super) fn plain_name(column: &str) -> &str {
    let plain = column.strip_prefix(COVARIATE).or_else(|| column.strip_prefix(CATEGORY));
    plain.unwrap_or(column)
}

/// Reads a log that [`write_log`] wrote, plain or compressed. `kinds` are the kinds in the order of
/// their numbers; those without events are in the log too.
///
/// # Errors
/// As for [`load`].
pub fn read_log(path: &str, clock: &Clock, kinds: &[String]) -> Result<Loaded, ExternalError> {
    load(path, Some(&Map::written(path, clock, kinds)?), "")
}

/// Whether the header of a file is that of [`write_log`].
///
/// # Errors
/// The file cannot be read, is empty, or is no CSV.
pub fn is_written_log(path: &str) -> Result<bool, ExternalError> {
    Ok(Source::open(path, b',')?.header.starts_with(&COLUMNS.map(String::from)))
}

impl Map {
    /// The map that reads a file of [`write_log`].
    ///
    /// # Errors
    /// The file cannot be read, is empty, or is no CSV.
    pub fn written(path: &str, clock: &Clock, kinds: &[String]) -> Result<Self, ExternalError> {
        let header = Source::open(path, b',')?.header;
        let [user, time, kind, amount] = COLUMNS.map(String::from);
        let balance = header.get(COLUMNS.len()).filter(|name| *name == BALANCE).cloned();
        let is_fact = |name: &&String| plain_name(name) != name.as_str();
        let covariates = header.iter().filter(is_fact).cloned().collect();
        let is_category = |name: &&String| name.starts_with(CATEGORY);
        let categories = header.iter().filter(is_category).cloned().collect();
        Ok(Self {
            columns: Columns {
                user,
                time,
                amount,
                kind: Some(kind),
                balance,
                covariates,
                categories,
            },
            kind_order: kinds.to_vec(),
            time_format: "tick".into(),
            clock: clock.tick,
            window: Window {
                align: Align::Calendar,
                start: clock.start_day.map(day_text),
                horizon: Some(clock.horizon),
                ..Window::default()
            },
            pseudonymise: false,
            ..Self::default()
        })
    }
}
