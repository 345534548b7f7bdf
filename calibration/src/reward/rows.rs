//! The rows that a term sees while a rollout goes on.

use trueup_env::{EventLog, History};

use super::term::{Ready, row_at};
use crate::features::{Definition, Setting};
use crate::population::Population;

/// The rows of one feature over a log, event by event.
pub(super) struct Rows {
    /// Number of users of the log.
    pub users: usize,
    /// Whether a user has one row that his events move; otherwise each event has a row of its own.
    pub moving: bool,
    /// The row of each event, in the order of the log; for a moving row, where it is after the
    /// event. None where the feature is not defined.
    pub events: Vec<Option<f64>>,
    /// For a moving row: where it is before the first event.
    pub start: Option<f64>,
    /// For features that need all events of a user: his row, known at the end of the window.
    pub ends: Option<Vec<Option<f64>>>,
}

impl Rows {
    /// The rows of a log.
    pub fn of(term: &Ready, log: &EventLog) -> Self {
        let definition = term.feature.definition;
        let (clock, kinds) = (log.clock(), log.kinds().len());
        let users = 0..log.user_count();
        let all = term.population == Population::All;
        if let Definition::Whole(f) = definition {
            let setting = Setting::new(clock, log.effects());
            return Self {
                users: log.user_count(),
                moving: true,
                events: vec![None; log.events().len()],
                start: f(&[], &setting).filter(|_| all),
                ends: Some(
                    users
                        .map(|user| log.events_of(user))
                        .map(|events| f(events, &setting).filter(|_| all || !events.is_empty()))
                        .collect(),
                ),
            };
        }
        let mut events = Vec::with_capacity(log.events().len());
        for user in users {
            let mut before = History::default();
            for event in log.events_of(user) {
                let mut after = before;
                after.push(event);
                events.push(match definition {
                    Definition::User(f) => f(&after, clock),
                    _ => row_at(definition, &before, event, clock, kinds),
                });
                before = after;
            }
        }
        let (moving, start) = match definition {
            Definition::User(f) => (true, f(&History::default(), clock).filter(|_| all)),
            _ => (false, None),
        };
        Self { users: log.user_count(), moving, events, start, ends: None }
    }

    /// Rows per user of the log, at the end of the window.
    pub fn per_user(&self, log: &EventLog) -> f64 {
        let rows = match self.moving {
            true => self.finals(log).iter().flatten().count(),
            false => self.events.iter().flatten().count(),
        };
        rows as f64 / self.users.max(1) as f64
    }

    /// For moving rows: where each user's row ends.
    pub fn finals(&self, log: &EventLog) -> Vec<Option<f64>> {
        let steps = |user: usize| &self.events[log.offsets()[user]..log.offsets()[user + 1]];
        let last = |user: usize| steps(user).last().copied().unwrap_or(self.start);
        self.ends.clone().unwrap_or_else(|| (0..self.users).map(last).collect())
    }

    /// Every value that a row has at some time.
    pub fn values(&self) -> Vec<f64> {
        let ends = self.ends.iter().flatten();
        self.events.iter().chain([&self.start]).chain(ends).flatten().copied().collect()
    }
}
