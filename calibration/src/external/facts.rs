//! Covariates while a file is read: numbers, or categories numbered by first appearance.
//!
//! A column holds categories where the map says so, or where none of its values is a number. A
//! column of numbers with a text among them is refused, whichever comes first.

use std::collections::{BTreeSet, HashMap};

use super::account::Account;
use super::error::ExternalError;
use super::field::short;
use super::map::Map;

/// The category of users without a value.
const MISSING: &str = "(missing)";
/// The category of all categories that are too rare to stand alone.
const OTHER: &str = "(other)";
/// The most categories of a covariate; rarer ones are [`OTHER`] together.
const MOST: usize = 32;

/// What a column holds.
enum Column {
    Unknown,
    Numbers,
    Categories(Categories),
}

#[derive(Default)]
struct Categories {
    /// Whether the map says so.
    declared: bool,
    /// By first appearance.
    names: Vec<String>,
    numbers: HashMap<String, u32>,
    /// Where the first value stands.
    line: u64,
    /// Whether a value is a number.
    any_number: bool,
}

/// The covariates of a file.
pub(super) struct Facts {
    columns: Vec<Column>,
}

impl Facts {
    pub fn new(map: &Map) -> Self {
        let column = |name: &String| match map.columns.categories.contains(name) {
            true => Column::Categories(Categories { declared: true, ..Categories::default() }),
            false => Column::Unknown,
        };
        Self { columns: map.columns.facts().iter().map(column).collect() }
    }

    /// The number of the category that a field names; none where the column holds numbers.
    pub fn category(&mut self, column: usize, text: &str, line: u64, number: bool) -> Option<u32> {
        let own = &mut self.columns[column];
        if matches!(own, Column::Unknown) {
            *own = match number {
                true => Column::Numbers,
                false => Column::Categories(Categories { line, ..Categories::default() }),
            };
        }
        let Column::Categories(own) = own else { return None };
        own.any_number |= number;
        if let Some(&number) = own.numbers.get(text) {
            return Some(number);
        }
        let next = own.names.len() as u32;
        own.numbers.insert(text.into(), next);
        own.names.push(text.into());
        Some(next)
    }

    /// Names of the categories of each covariate; none for numbers.
    pub fn finish(self, path: &str, map: &Map) -> Result<Vec<Option<Vec<String>>>, ExternalError> {
        let names = map.columns.facts();
        let one = |(column, name): (Column, &String)| match column {
            Column::Categories(own) if own.any_number && !own.declared => {
                let text = own.names.first().map_or("", String::as_str);
                let reason = format!(
                    "the covariate {name:?} holds numbers and, on line {}, {:?}: mend that field, \
                     or list the column in columns.categories if its values are categories",
                    own.line,
                    short(text)
                );
                Err(ExternalError::Covariates { path: path.into(), reason })
            }
            Column::Categories(own) => Ok(Some(own.names)),
            Column::Unknown | Column::Numbers => Ok(None),
        };
        self.columns.into_iter().zip(&names).map(one).collect()
    }
}

/// Numbers the categories of the users of a log by name, whatever their order in the file; returns
/// the names. `values` holds places in `names`, or NaN.
pub(super) fn number(
    covariate: &str,
    values: &mut [&mut f64],
    names: &[String],
    account: &mut Account,
) -> Vec<String> {
    let name = |value: f64| names.get(value as usize).map_or(OTHER, String::as_str);
    let mut counts: HashMap<&str, u64> = HashMap::new();
    let mut missing = 0;
    let mut own: Vec<&str> = Vec::with_capacity(values.len());
    for value in values.iter() {
        let name = if value.is_nan() { MISSING } else { name(**value) };
        missing += u64::from(value.is_nan());
        *counts.entry(name).or_default() += 1;
        own.push(name);
    }
    account.tell_users(
        &format!("no value of the covariate {covariate:?}, which is the category {MISSING}"),
        missing,
    );
    let mut order: Vec<(&str, u64)> = counts.into_iter().collect();
    order.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let kept = if order.len() > MOST { MOST - 1 } else { order.len() };
    let rare = order[kept..].iter().map(|(_, count)| count).sum();
    account.tell_users(
        &format!("a rare category of the covariate {covariate:?}, which are {OTHER} together"),
        rare,
    );
    let mut kept: BTreeSet<&str> = order[..kept].iter().map(|(name, _)| *name).collect();
    if rare > 0 {
        kept.insert(OTHER);
    }
    let places: HashMap<&str, usize> =
        kept.iter().enumerate().map(|(i, name)| (*name, i)).collect();
    let other = places.get(OTHER).copied().unwrap_or(0);
    for (value, name) in values.iter_mut().zip(own) {
        **value = places.get(name).copied().unwrap_or(other) as f64;
    }
    kept.into_iter().map(String::from).collect()
}
