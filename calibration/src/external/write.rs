//! Logs as CSV: written and read back without loss.
//!
//! Columns `user,tick,kind,amount`, then `balance` where any event has one, then one
//! `covariate.NAME` a covariate, repeated in each row of the user. A user without events has one
//! row with empty `tick`, `kind` and `amount`. Numbers have the fewest digits that read back to the
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

/// Writes a log.
///
/// # Errors
/// What `out` says.
pub fn write_log(log: &EventLog, out: &mut dyn io::Write) -> io::Result<()> {
    let balances = log.events().iter().any(|event| !event.balance.is_nan());
    let names = &log.covariates().names;
    let mut csv = csv::Writer::from_writer(out);
    let mut header: Vec<String> = COLUMNS.map(String::from).to_vec();
    if balances {
        header.push(BALANCE.into());
    }
    header.extend(names.iter().map(|name| format!("{COVARIATE}{name}")));
    csv.write_record(&header)?;
    let width = names.len();
    for (user, label) in log.users().iter().enumerate() {
        let facts = &log.covariates().values[user * width..(user + 1) * width];
        let facts: Vec<String> = facts.iter().map(f64::to_string).collect();
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
        let is_covariate = |name: &&String| name.starts_with(COVARIATE);
        let covariates = header.iter().filter(is_covariate).cloned().collect();
        Ok(Self {
            columns: Columns { user, time, amount, kind: Some(kind), balance, covariates },
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
