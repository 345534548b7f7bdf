//! From a source to a log: reading, cleaning, window, subsample, outliers, merge.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use trueup_env::finance::KindEffect;
use trueup_env::{Covariates, Event, EventLog, Money, Streams};

use super::account::Account;
use super::builtin;
use super::calendar::day_text;
use super::cleaning::{OutlierPolicy, Policy};
use super::clock_file::ClockFile;
use super::error::ExternalError;
use super::facts;
use super::field::{on_one_line, short};
use super::map::{Map, Merge};
use super::pseudonym::pseudonym;
use super::read::{self, Entry, Table};
use super::time::{MICROS_PER_DAY, TimeFormat};
use super::warnings;
use super::window::{self, Windowed};
use super::write::{is_written, is_written_log, plain_name, with_users};
use crate::population::Population;

/// How many rows of the file [`Loaded::first_rows`] shows.
const FIRST_ROWS: usize = 5;

/// A row as it was understood.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Understood {
    /// Line of the file.
    pub line: u64,
    /// The user's label in the log.
    pub user: String,
    /// The day, or none where the file has ticks.
    pub date: Option<String>,
    /// The tick.
    pub tick: u32,
    /// The kind.
    pub kind: String,
    /// The amount, before outliers and merge.
    pub amount: f64,
}

/// A log of real users and how it came about.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// `builtin:NAME` or the path of the file.
    pub source: String,
    /// The events, users in the order in which the file first names them.
    pub log: EventLog,
    /// What became of every row and user.
    pub account: Account,
    /// SHA-256 of the file as stored, in hexadecimal digits.
    pub sha256: String,
    /// The columns of the file.
    pub columns: Vec<String>,
    /// The map that was used.
    pub map: Map,
    /// First and last day of the usable rows, as ISO dates; none where the file has ticks.
    pub days: Option<(String, String)>,
    /// The first rows of the log in the order of the file.
    pub first_rows: Vec<Understood>,
    /// What a person should look at, with the remedy.
    pub warnings: Vec<String>,
}

/// Loads events from `builtin:cdnow` or a CSV or CSV.gz file.
///
/// `map` says what the columns mean; a builtin has one of its own, and so has a log that trueup
/// wrote, where its [`ClockFile`] is beside it. Users are replaced by
/// [`pseudonym`]s under `key` before they enter the log. Every user of the window is in the log,
/// with or without events.
///
/// # Errors
/// Says which file, line, column and value is wrong and what would be right; up to 20 bad rows are
/// listed together.
pub fn load(source: &str, map: Option<&Map>, key: &str) -> Result<Loaded, ExternalError> {
    let (map, effects) = match map {
        Some(map) => (map.clone(), Vec::new()),
        None => default_map(source)?,
    };
    let checked = map.checked()?;
    let mut table = read::read(source, &map, &checked)?;
    let mut windowed = window::apply(source, &map, &checked, &mut table)?;
    let has_dates = !matches!(checked.time_format, TimeFormat::Tick);
    let mut warnings = std::mem::take(&mut table.warnings);
    // A log that trueup wrote is as it was simulated.
    if !is_written(&table.header) {
        let times = windowed
            .days
            .and_then(|days| warnings::of_times(days, &checked.time_format, &map, source));
        warnings.extend(times);
        warnings.extend(warnings::of_window(&windowed, &map));
        warnings.extend(warnings::of_lines(&windowed.rows, has_dates, &map));
    }
    require_covariates(source, &map, &mut table, &mut windowed)?;
    subsample(&map, &mut table, &mut windowed);
    keep_rows_of_kept_users(&mut table, &mut windowed);
    if !windowed.keep.contains(&true) {
        let account = table.account.lines().join("\n");
        return Err(ExternalError::NoUsers { path: source.into(), account });
    }
    let labels: Vec<String> = table
        .users
        .iter()
        .map(|user| if map.pseudonymise { pseudonym(key, user) } else { Ok(user.clone()) })
        .collect::<Result<_, _>>()?;
    let first_rows = first_rows(&windowed, &table, &labels, has_dates);
    outliers(&map, &mut table, &mut windowed);
    table.account.rows_kept = windowed.rows.len() as u64;
    let rows = merge(&map, has_dates, &mut table, windowed.rows);
    table.account.events = rows.len() as u64;
    table.account.users_kept = windowed.keep.iter().filter(|keep| **keep).count() as u64;
    let clock = windowed.clock;
    let mut log = build(source, &map, &mut table, clock, &windowed.keep, labels, &rows)?;
    if let Some(users) = &map.users {
        log = with_users(log, users)?;
        // Those without events stand in no row.
        let more = (log.user_count() as u64).saturating_sub(table.account.users_kept);
        table.account.users_seen += more;
        table.account.users_kept += more;
    }
    let log = log.with_effects(&effects);
    Ok(Loaded {
        source: source.into(),
        log,
        account: table.account,
        sha256: table.sha256,
        columns: table.header,
        map,
        days: windowed.days.map(|(first, last)| (day_text(first), day_text(last))),
        first_rows,
        warnings,
    })
}

/// The map of a source that needs none, and the effects of its kinds where they are on file.
impl Loaded {
    /// Whom the log is about: everybody, unless users were found by their events and each has one.
    pub fn population(&self) -> Population {
        self.map.population(self.days.is_some()).unwrap_or_else(|| {
            let mut users = 0..self.log.user_count();
            match users.all(|user| !self.log.events_of(user).is_empty()) {
                true => Population::Active,
                false => Population::All,
            }
        })
    }

    /// The same as far as the map tells it without a look at the log.
    pub fn public_population(&self) -> Population {
        self.map.population(self.days.is_some()).unwrap_or_default()
    }
}

fn default_map(source: &str) -> Result<(Map, Vec<KindEffect>), ExternalError> {
    if let Some(map) = Map::builtin(source) {
        return Ok((map, Vec::new()));
    }
    match builtin::name(source) {
        Some(name) => Err(ExternalError::UnknownBuiltin {
            name: name.into(),
            what: "event log",
            known: "builtin:cdnow",
        }),
        None => match ClockFile::beside(source)? {
            Some(ClockFile { clock, kinds, effects }) if is_written_log(source)? => {
                Ok((Map::written(source, &clock, &kinds)?, effects))
            }
            _ => Err(ExternalError::NoMap { path: source.into() }),
        },
    }
}

/// Every user has a number where a covariate holds numbers; categories may be missing.
fn require_covariates(
    path: &str,
    map: &Map,
    table: &mut Table,
    windowed: &mut Windowed,
) -> Result<(), ExternalError> {
    let names = &map.columns.facts();
    let is_number = |i: usize| table.categories.get(i).is_none_or(Option::is_none);
    if names.is_empty() {
        return Ok(());
    }
    let mut lacking = vec![0_u64; names.len()];
    let mut lost = 0;
    for (keep, values) in windowed.keep.iter_mut().zip(table.covariates.chunks(names.len())) {
        let lacks = |(i, value): (usize, &f64)| value.is_nan() && is_number(i);
        if *keep && let Some(i) = values.iter().enumerate().position(lacks) {
            *keep = false;
            lacking[i] += 1;
            lost += 1;
        }
    }
    if lost > 0 && map.cleaning.missing == Policy::Error {
        let counts: Vec<String> = names
            .iter()
            .zip(&lacking)
            .filter(|(_, n)| **n > 0)
            .map(|(name, n)| format!("{name:?} ({n} users)"))
            .collect();
        let reason = format!(
            "users without a value of the covariate {}; set cleaning.missing = \"drop\" to drop \
             and count them, leave the covariate out, or list it in columns.categories, where users \
             without one are a category",
            counts.join(", ")
        );
        return Err(ExternalError::Covariates { path: path.into(), reason });
    }
    table.account.drop_users("no value of a covariate", lost);
    Ok(())
}

/// Keeps at most `max_users` users, each subset equally likely, the same one for the same file.
fn subsample(map: &Map, table: &mut Table, windowed: &mut Windowed) {
    let mut kept: Vec<usize> = (0..windowed.keep.len()).filter(|&u| windowed.keep[u]).collect();
    let Some(most) = map.max_users.filter(|most| *most < kept.len()) else {
        return;
    };
    let mut stream = Streams::new(0).stream("max_users", 0);
    for i in 0..most {
        let other = i + stream.below(kept.len() - i);
        kept.swap(i, other);
    }
    for &user in &kept[most..] {
        windowed.keep[user] = false;
    }
    table.account.drop_users("not in the subset of max_users", (kept.len() - most) as u64);
}

fn keep_rows_of_kept_users(table: &mut Table, windowed: &mut Windowed) {
    let before = windowed.rows.len();
    let keep = &windowed.keep;
    windowed.rows.retain(|(_, entry)| keep[entry.user as usize]);
    let lost = before - windowed.rows.len();
    table.account.drop_rows("its user was dropped", lost as u64);
}

fn first_rows(
    windowed: &Windowed,
    table: &Table,
    labels: &[String],
    has_dates: bool,
) -> Vec<Understood> {
    let understood = |(tick, entry): &(u32, Entry)| Understood {
        line: entry.line,
        user: on_one_line(&labels[entry.user as usize]),
        date: has_dates.then(|| day_text(entry.time.div_euclid(MICROS_PER_DAY))),
        tick: *tick,
        kind: short(&on_one_line(&table.kinds[entry.kind as usize])),
        amount: entry.amount,
    };
    windowed.rows.iter().take(FIRST_ROWS).map(understood).collect()
}

/// Amounts above the quantile of their kind. The quantile is an observed amount: the smallest one
/// with at least the share `quantile` of the kind's rows at or below it.
fn outliers(map: &Map, table: &mut Table, windowed: &mut Windowed) {
    let policy = map.cleaning.outliers.policy;
    if policy == OutlierPolicy::None {
        return;
    }
    let mut amounts = vec![Vec::new(); table.kinds.len()];
    for (_, entry) in &windowed.rows {
        amounts[entry.kind as usize].push(entry.amount);
    }
    let caps: Vec<f64> = amounts
        .into_iter()
        .map(|mut amounts| {
            amounts.sort_by(f64::total_cmp);
            let rank = (map.cleaning.outliers.quantile * amounts.len() as f64).ceil() as usize;
            amounts.get(rank.clamp(1, amounts.len().max(1)) - 1).copied().unwrap_or(f64::INFINITY)
        })
        .collect();
    let above = |entry: &Entry| entry.amount > caps[entry.kind as usize];
    let count = windowed.rows.iter().filter(|(_, entry)| above(entry)).count() as u64;
    if policy == OutlierPolicy::Drop {
        windowed.rows.retain(|(_, entry)| !above(entry));
        table.account.drop_rows("amount above the outlier quantile", count);
    } else {
        for (_, entry) in &mut windowed.rows {
            entry.amount = entry.amount.min(caps[entry.kind as usize]);
        }
        table.account.repair_rows("amount set to the outlier quantile", count);
    }
}

/// Rows in the order of users and times, with those of one user, kind and day as one.
fn merge(
    map: &Map,
    has_dates: bool,
    table: &mut Table,
    mut rows: Vec<(u32, Entry)>,
) -> Vec<(u32, Entry)> {
    rows.sort_by_key(|(_, entry)| (entry.user, entry.time));
    if map.merge == Merge::None {
        return rows;
    }
    let day = |entry: &Entry| {
        if has_dates { entry.time.div_euclid(MICROS_PER_DAY) } else { entry.time }
    };
    let mut merged: Vec<(u32, Entry)> = Vec::with_capacity(rows.len());
    // What each merged row amounts to, exactly: 0.10 and 0.20 are 0.30.
    let mut sums: Vec<Money> = Vec::with_capacity(rows.len());
    let mut group = 0;
    for (tick, entry) in rows.iter().copied() {
        let same = |other: &Entry| other.user == entry.user && day(other) == day(&entry);
        if merged.get(group).is_none_or(|(_, first)| !same(first)) {
            group = merged.len();
        }
        let mut rows = merged.iter_mut().zip(&mut sums).skip(group);
        match rows.find(|((_, other), _)| other.kind == entry.kind) {
            Some(((_, other), sum)) => {
                *sum += Money::of(entry.amount);
                (other.amount, other.balance) = (sum.value(), entry.balance);
            }
            None => {
                sums.push(Money::of(entry.amount));
                merged.push((tick, entry));
            }
        }
    }
    let count = (rows.len() - merged.len()) as u64;
    table.account.repair_rows("merged into another row of the user, kind and day", count);
    merged
}

fn build(
    path: &str,
    map: &Map,
    table: &mut Table,
    clock: trueup_env::Clock,
    keep: &[bool],
    labels: Vec<String>,
    rows: &[(u32, Entry)],
) -> Result<EventLog, ExternalError> {
    let (kinds, numbers) = number_kinds(map, &table.kinds, rows);
    let effect = |kind: &String| {
        let at = table.kinds.iter().position(|name| name == kind);
        at.and_then(|at| table.effects.get(at))
            .copied()
            .unwrap_or_else(|| KindEffect::by_name(kind))
    };
    let effects: Vec<KindEffect> = kinds.iter().map(effect).collect();
    let mut new_number = vec![0; keep.len()];
    let mut users = Vec::new();
    let names = map.columns.facts();
    let width = names.len();
    let mut values = Vec::new();
    for (user, label) in labels.into_iter().enumerate().filter(|(user, _)| keep[*user]) {
        new_number[user] = users.len() as u32;
        users.push(label);
        values.extend_from_slice(&table.covariates[user * width..(user + 1) * width]);
    }
    let events = rows.iter().map(|(tick, entry)| {
        let kind = numbers[entry.kind as usize];
        let (amount, balance) = (entry.amount, entry.balance);
        (new_number[entry.user as usize], Event { tick: *tick, kind, amount, balance })
    });
    let mut categories = vec![Vec::new(); width];
    for (i, known) in table.categories.iter().enumerate() {
        if let Some(known) = known {
            let mut own: Vec<&mut f64> = values.iter_mut().skip(i).step_by(width).collect();
            categories[i] = facts::number(&names[i], &mut own, known, &mut table.account);
        }
    }
    if categories.iter().all(Vec::is_empty) {
        categories.clear();
    }
    let names = names.iter().map(|name| plain_name(name).to_owned()).collect();
    let covariates = Covariates { names, values, categories };
    EventLog::new(clock, kinds, users, events, covariates)
        .map(|log| log.with_effects(&effects))
        .map_err(|source| ExternalError::Log { path: path.into(), source })
}

/// Names of the kinds in the order of their numbers, and the number of each kind of the table:
/// first those of `kind_order`, then the others that have events, by name.
fn number_kinds(map: &Map, names: &[String], rows: &[(u32, Entry)]) -> (Vec<String>, Vec<u16>) {
    let mut used = vec![false; names.len()];
    for (_, entry) in rows {
        used[entry.kind as usize] = true;
    }
    let mut kinds: Vec<String> = Vec::new();
    for name in &map.kind_order {
        if !kinds.contains(name) {
            kinds.push(name.clone());
        }
    }
    let mut others: BTreeSet<&String> =
        names.iter().zip(&used).filter(|(_, used)| **used).map(|(name, _)| name).collect();
    if map.columns.kind.is_none() && map.kind_order.is_empty() {
        others.insert(&map.kind);
    }
    for name in others {
        if !kinds.contains(name) {
            kinds.push(name.clone());
        }
    }
    // Kinds without events have no number that is read; a number too large for u16 stands in a
    // list that `EventLog` refuses for its length.
    let number = |name: &String| kinds.iter().position(|kind| kind == name).unwrap_or(0);
    let numbers = names.iter().map(|name| u16::try_from(number(name)).unwrap_or(u16::MAX));
    let numbers = numbers.collect();
    (kinds, numbers)
}
