//! Logs as CSV: written and read back without loss.
//!
//! Columns `user,tick,kind,amount`, then `balance` where any event has one, then one
//! `covariate.NAME` a covariate of numbers and `category.NAME` one of categories, repeated in each row
//! of the user. All users, those without events included, are listed in a file of their own beside
//! the log ([`write_users`]). Numbers have the fewest digits that read back to the
//! same f64. Users and their events keep their order. Tick length, horizon and kinds without
//! events are not in the file: the reader is told, or finds them in the
//! [`ClockFile`](super::ClockFile) beside it.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::Path;

use trueup_env::{Clock, Covariates, EventLog};

use super::calendar::day_text;
use super::error::ExternalError;
use super::load::{Loaded, load};
use super::map::{Align, Columns, Map, Window};
use super::source::{Layout, Source};

const COLUMNS: [&str; 4] = ["user", "tick", "kind", "amount"];
/// Of the file of users.
const USERS: [&str; 2] = ["user", "events"];
const BALANCE: &str = "balance";
const COVARIATE: &str = "covariate.";
const CATEGORY: &str = "category.";

/// Writes a log.
///
/// # Errors
/// What `out` says.
pub fn write_log(log: &EventLog, out: &mut dyn io::Write) -> io::Result<()> {
    let balances = log.events().iter().any(|event| !event.balance.is_nan());
    let mut csv = csv::Writer::from_writer(out);
    let mut header: Vec<String> = COLUMNS.map(String::from).to_vec();
    if balances {
        header.push(BALANCE.into());
    }
    header.extend(fact_names(log.covariates()));
    csv.write_record(&header)?;
    for (user, label) in log.users().iter().enumerate() {
        let facts = facts_of(log.covariates(), user);
        let mut row = |tick: &str, kind: &str, amount: &str, balance: &str| {
            let fields = [label, tick, kind, amount].into_iter();
            let fields = fields.chain(balances.then_some(balance));
            csv.write_record(fields.chain(facts.iter().map(String::as_str)))
        };
        for event in log.events_of(user) {
            let kind = &log.kinds()[usize::from(event.kind)];
            let known = !event.balance.is_nan();
            let balance = if known { event.balance.to_string() } else { String::new() };
            row(&event.tick.to_string(), kind, &event.amount.to_string(), &balance)?;
        }
    }
    csv.flush()
}

/// The columns of covariates.
fn fact_names(covariates: &Covariates) -> Vec<String> {
    let name = |(i, name): (usize, &String)| {
        let numbers = covariates.categories_of(i).is_empty();
        format!("{}{name}", if numbers { COVARIATE } else { CATEGORY })
    };
    covariates.names.iter().enumerate().map(name).collect()
}

/// The covariates of a user as they are written.
fn facts_of(covariates: &Covariates, user: usize) -> Vec<String> {
    let fact = |(i, value): (usize, &f64)| {
        let category = covariates.categories_of(i).get(*value as usize);
        category.cloned().unwrap_or_else(|| value.to_string())
    };
    covariates.row(user).iter().enumerate().map(fact).collect()
}

/// The name of a covariate without what its column has in front in such a log.
pub(super) fn plain_name(column: &str) -> &str {
    let plain = column.strip_prefix(COVARIATE).or_else(|| column.strip_prefix(CATEGORY));
    plain.unwrap_or(column)
}

/// Where the users of a log are listed: `ppo-0.users.csv` for `ppo-0.csv`.
pub fn users_file(log: &str) -> String {
    let plain = log.strip_suffix(".gz").unwrap_or(log);
    format!("{}.users.csv", plain.strip_suffix(".csv").unwrap_or(plain))
}

/// Writes the users of a log, one row each in their order: how many events the log holds of them, and
/// their covariates.
///
/// # Errors
/// What `out` says.
pub fn write_users(log: &EventLog, out: &mut dyn io::Write) -> io::Result<()> {
    let covariates = log.covariates();
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(USERS.map(String::from).into_iter().chain(fact_names(covariates)))?;
    for (user, label) in log.users().iter().enumerate() {
        let fields = [label.clone(), log.events_of(user).len().to_string()];
        csv.write_record(fields.into_iter().chain(facts_of(covariates, user)))?;
    }
    csv.flush()
}

/// A log with the users that the file in `path` lists, in its order and with their covariates.
pub(super) fn with_users(log: EventLog, path: &str) -> Result<EventLog, ExternalError> {
    let refuse = |reason: String| ExternalError::Unreadable { path: path.into(), reason };
    let mut source = Source::open(path, Layout::PLAIN)?;
    let names = source.header.strip_prefix(&USERS.map(String::from)).map(<[String]>::to_vec);
    let Some(names) = names else {
        return Err(refuse(format!("it has no columns {}", USERS.join(", "))));
    };
    let places: HashMap<&str, usize> =
        log.users().iter().enumerate().map(|(place, label)| (label.as_str(), place)).collect();
    let (mut users, mut offsets, mut events) = (Vec::new(), vec![0], Vec::new());
    let mut facts: Vec<Vec<String>> = Vec::new();
    while let Some(row) = source.next_row()? {
        let mut fields =
            row.record.iter().map(|field| String::from_utf8_lossy(field).trim().to_owned());
        let (label, listed) =
            (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        let own = places.get(label.as_str()).map_or(&[][..], |&place| log.events_of(place));
        if listed.parse() != Ok(own.len()) {
            let (line, there) = (row.line, own.len());
            return Err(refuse(format!(
                "line {line} says that the user {label} has {listed} events, and the log beside it \
                 holds {there}: keep the two files of a log together"
            )));
        }
        facts.push(fields.collect());
        events.extend_from_slice(own);
        offsets.push(events.len());
        users.push(label);
    }
    if events.len() != log.events().len() {
        return Err(refuse("it does not list all users of the log beside it".into()));
    }
    let covariates = read_facts(&names, &facts).map_err(refuse)?;
    let effects = log.effects().to_vec();
    let (clock, kinds) = (*log.clock(), log.kinds().to_vec());
    EventLog::from_sorted(clock, kinds, users, offsets, events, covariates)
        .map(|log| log.with_effects(&effects))
        .map_err(|source| ExternalError::Log { path: path.into(), source })
}

/// The covariates of the columns `names`, from the fields of each user; categories are numbered by
/// name.
fn read_facts(names: &[String], facts: &[Vec<String>]) -> Result<Covariates, String> {
    let mut values = vec![0.0; facts.len() * names.len()];
    let mut categories = Vec::new();
    for (column, name) in names.iter().enumerate() {
        let texts = || facts.iter().map(|fields| fields.get(column).map_or("", String::as_str));
        let known: BTreeSet<&str> =
            if name.starts_with(CATEGORY) { texts().collect() } else { BTreeSet::new() };
        let places: HashMap<&str, usize> =
            known.iter().enumerate().map(|(place, text)| (*text, place)).collect();
        let own = values.iter_mut().skip(column).step_by(names.len());
        for ((value, text), user) in own.zip(texts()).zip(1..) {
            let number = match places.get(text) {
                Some(&place) => Some(place as f64),
                None => text.parse().ok().filter(|number: &f64| number.is_finite()),
            };
            *value =
                number.ok_or_else(|| format!("{name} of user {user} is {text:?}, no number"))?;
        }
        categories.push(known.into_iter().map(String::from).collect::<Vec<String>>());
    }
    if categories.iter().all(Vec::is_empty) {
        categories.clear();
    }
    let names = names.iter().map(|name| plain_name(name).to_owned()).collect();
    Ok(Covariates { names, values, categories })
}

/// Reads a log that [`write_log`] wrote, plain or compressed, with the users of the file beside it;
/// logs of older versions have a row with empty fields for a user without events instead. `kinds` are
/// the kinds in the order of
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
    Ok(is_written(&Source::open(path, Layout::PLAIN)?.header))
}

/// Whether these are the columns of [`write_log`].
pub(super) fn is_written(header: &[String]) -> bool {
    header.starts_with(&COLUMNS.map(String::from))
}

impl Map {
    /// The map that reads a file of [`write_log`].
    ///
    /// # Errors
    /// The file cannot be read, is empty, or is no CSV.
    pub fn written(path: &str, clock: &Clock, kinds: &[String]) -> Result<Self, ExternalError> {
        let header = Source::open(path, Layout::PLAIN)?.header;
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
            users: Some(users_file(path)).filter(|path| Path::new(path).exists()),
            ..Self::default()
        })
    }
}
