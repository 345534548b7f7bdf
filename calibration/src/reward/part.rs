//! What a witness reward is a sum of: parts, one a term, and what they freeze to.
//!
//! A part looks at a rollout, tells how far it is from the real users, and freezes what its rows are
//! worth. [`super::marginal`] is the part of a term on single numbers or categories.

use rayon::prelude::*;
use trueup_env::{Event, EventLog, History};

use super::state::{Reader, StateError, Writer};
use super::{Pay, RewardError};

/// How much of earlier rollouts P keeps; shares of at least 0 and under 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Past {
    /// Share of P that is memory of earlier rollouts.
    pub memory: f64,
    /// Share of the memory that a new rollout leaves in place.
    pub decay: f64,
}

/// One term of a witness reward.
pub(super) trait Part: Send {
    /// Name of the feature.
    fn feature(&self) -> &str;

    /// Weight in the mix, as the config gives it; positive.
    fn weight(&self) -> f64;

    /// Looks at a rollout, and returns its distance from the real users (the root where the
    /// discrepancy is a square); none where no simulated user has a row.
    ///
    /// # Errors
    /// A discrepancy that fails.
    fn look(&mut self, log: &EventLog) -> Result<Option<f64>, RewardError>;

    /// The mean of that distance between so many users and the real ones if both had one law.
    fn floor(&mut self, users: usize) -> f64;

    /// Takes the rollout last looked at into the memory, and freezes what rows are worth there,
    /// times `weight`. None where no rollout had a row yet: other terms must bring them about.
    ///
    /// # Errors
    /// A discrepancy that fails.
    fn freeze(&mut self, weight: f64, past: Past) -> Result<Option<Box<dyn Frozen>>, RewardError>;

    /// Writes what outlives a refit, with the names of the term in front.
    fn save(&self, writer: &mut Writer);

    /// Reads it back.
    ///
    /// # Errors
    /// The state of another term, or a broken one.
    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), StateError>;
}

/// What the rows of one term are worth, frozen.
pub(super) trait Frozen: Send + Sync {
    /// Paid at an event; `after` is `before` with the event pushed. `facts` are the covariates of the
    /// user, in the order of the log.
    fn event(&self, facts: &[f64], before: &History, event: &Event, after: &History) -> f64;

    /// Paid at the end of the window, from all events of the user.
    fn end(&self, _events: &[Event]) -> f64 {
        0.0
    }
}

/// The frozen terms of a reward; what they pay adds up.
pub(super) struct Payments(pub Vec<Box<dyn Frozen>>);

impl Payments {
    /// Pays one user with these covariates: events one by one into `pays`; returns the pay at the end.
    pub fn user(&self, facts: &[f64], events: &[Event], pays: &mut Vec<f64>) -> f64 {
        let mut before = History::default();
        for event in events {
            let mut after = before;
            after.push(event);
            pays.push(self.0.iter().map(|term| term.event(facts, &before, event, &after)).sum());
            before = after;
        }
        self.0.iter().map(|term| term.end(events)).sum()
    }

    /// Pays all users of a log.
    pub fn pay(&self, log: &EventLog) -> Pay {
        let one = |user: usize| {
            let mut pays = Vec::with_capacity(log.events_of(user).len());
            let end = self.user(log.covariates().row(user), log.events_of(user), &mut pays);
            (pays, end)
        };
        let users: Vec<(Vec<f64>, f64)> = (0..log.user_count()).into_par_iter().map(one).collect();
        let (events, ends): (Vec<Vec<f64>>, Vec<f64>) = users.into_iter().unzip();
        Pay { events: events.concat(), ends }
    }
}
