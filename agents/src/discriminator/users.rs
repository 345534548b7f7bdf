//! Users as rows: the vector of user-level features, at any time in the window.

use trueup_calibration::features::{Definition, user_features};
use trueup_calibration::population::Population;
use trueup_calibration::statistics::{Form, Statistics};
use trueup_env::{Clock, EventLog, History};

use super::rows::{CUT, Rows};

type Function = fn(&History, &Clock) -> Option<f64>;

/// The features of a user vector.
#[derive(Clone)]
pub(super) struct UserVector {
    /// Whom the statistics are about.
    pub population: Population,
    clock: Clock,
    columns: Vec<Column>,
}

#[derive(Clone)]
struct Column {
    function: Function,
    mean: f64,
    scale: f64,
}

/// Names and functions of the features that are asked for; none asks for all.
///
/// # Errors
/// A name that is no feature at user level, a name that stands twice, or no name at all.
pub(super) fn chosen(names: Option<&[String]>) -> Result<Vec<(&'static str, Function)>, String> {
    let all: Vec<(&'static str, Function)> = user_features()
        .filter_map(|feature| match feature.definition {
            Definition::User(function) => Some((feature.name, function)),
            _ => None,
        })
        .collect();
    let Some(names) = names else { return Ok(all) };
    let known = || all.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    if names.is_empty() {
        return Err(format!("names none; there are: {}", known()));
    }
    let mut found = Vec::new();
    for (i, name) in names.iter().enumerate() {
        if names[..i].contains(name) {
            return Err(format!("names `{name}` twice"));
        }
        let feature = all.iter().find(|(known, _)| known == name);
        found.push(*feature.ok_or_else(|| {
            format!("names `{name}`, which is no feature of users; there are: {}", known())
        })?);
    }
    Ok(found)
}

impl UserVector {
    /// Standardises by the external statistics.
    pub fn new(features: &[(&'static str, Function)], statistics: &Statistics) -> Self {
        let column = |&(name, function): &(&'static str, Function)| {
            let moments = statistics.feature(name).and_then(|entry| match &entry.form {
                Form::Grid(law) if law.sd > 0.0 => Some((law.mean, 1.0 / law.sd)),
                Form::Grid(law) => Some((law.mean, 1.0)),
                _ => None,
            });
            let (mean, scale) = moments.unwrap_or((0.0, 1.0));
            Column { function, mean, scale }
        };
        Self {
            population: statistics.population(),
            clock: statistics.clock,
            columns: features.iter().map(column).collect(),
        }
    }

    /// Numbers per user: each feature, standardised, and whether it is defined. One that is not
    /// stands at the external mean.
    pub fn width(&self) -> usize {
        2 * self.columns.len()
    }

    fn push(&self, history: &History, rows: &mut Rows) {
        for column in &self.columns {
            let value = (column.function)(history, &self.clock);
            let z = value.map_or(0.0, |x| (x - column.mean) * column.scale) as f32;
            rows.values.push(z.clamp(-CUT, CUT));
            rows.values.push(f32::from(u8::from(value.is_some())));
        }
    }

    /// A user without events.
    pub fn empty(&self) -> Rows {
        let mut rows = Rows::new(self.width());
        self.push(&History::default(), &mut rows);
        rows
    }

    /// Each user at the end of the window.
    pub fn finals(&self, log: &EventLog) -> Rows {
        let mut rows = Rows::new(self.width());
        for user in 0..log.user_count() {
            let mut history = History::default();
            log.events_of(user).iter().for_each(|event| history.push(event));
            self.push(&history, &mut rows);
        }
        rows
    }

    /// Each user after each of his events, in the order of the log.
    pub fn running(&self, log: &EventLog) -> Rows {
        let mut rows = Rows::new(self.width());
        for user in 0..log.user_count() {
            let mut history = History::default();
            for event in log.events_of(user) {
                history.push(event);
                self.push(&history, &mut rows);
            }
        }
        rows
    }
}
