//! Populations: whom a comparison is about.
//!
//! A window that starts with each user's first event knows everybody who could act in it, those who
//! never did among them. A window of the calendar knows only who acted: whoever had no event is not
//! in the data. Simulated users without events would then stand against nobody, and a model that is
//! fitted as if everybody were known takes users for busier than they are. So both sides are held to
//! one population, and of simulated users as many are drawn as it takes.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trueup_env::{EventLog, Streams};

use crate::calibrator::{CalibrationError, Simulator};

/// Whom a comparison is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Population {
    /// Every user, with or without events.
    #[default]
    All,
    /// Users with at least one event in the window.
    Active,
}

/// Simulated users of a population.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// The users.
    pub log: EventLog,
    /// Share of the users that were drawn that have no event; among [`Population::Active`] they are
    /// not in the log.
    pub inactive: f64,
}

/// The most users that are drawn for one that is kept.
const MOST: usize = 100;

impl Population {
    /// Its name in configs.
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Active => "active",
        }
    }

    /// The users of a log that belong to it.
    pub fn select(self, log: &EventLog) -> Cow<'_, EventLog> {
        let active = active(log);
        match self {
            Self::Active if active.len() < log.user_count() => Cow::Owned(log.select(&active)),
            _ => Cow::Borrowed(log),
        }
    }

    /// Draws `users` users of it: the first that belong to it, by their number in the simulation.
    ///
    /// # Errors
    /// Whatever makes a log impossible, and a simulation in which hardly anybody has an event.
    pub fn draw(
        self,
        simulator: &dyn Simulator,
        users: usize,
        streams: &Streams,
    ) -> Result<Drawn, CalibrationError> {
        let mut asked = users;
        loop {
            let log = simulator.simulate(asked, streams)?;
            let active = active(&log);
            let share = |kept: usize, of: usize| 1.0 - kept as f64 / of.max(1) as f64;
            if self == Self::All {
                return Ok(Drawn { inactive: share(active.len(), log.user_count()), log });
            }
            if let Some(kept) = active.get(..users) {
                let drawn = kept.last().map_or(0, |last| last + 1);
                return Ok(Drawn { inactive: share(users, drawn), log: log.select(kept) });
            }
            let most = users.saturating_mul(MOST);
            if asked >= most {
                return Err(CalibrationError::Inactive {
                    active: active.len(),
                    drawn: asked,
                    wanted: users,
                });
            }
            // A little more than the share that was seen asks for.
            let needed = users as f64 * asked as f64 / active.len().max(1) as f64;
            asked = ((1.05 * needed) as usize + 10).clamp(asked + 1, most);
        }
    }
}

/// The users with events.
fn active(log: &EventLog) -> Vec<usize> {
    (0..log.user_count()).filter(|&user| !log.events_of(user).is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use trueup_env::{Clock, Event, Tick};

    use super::*;

    /// Users of whom each `one in` has an event.
    struct Some(u64);

    impl Simulator for Some {
        fn simulate(&self, users: usize, streams: &Streams) -> Result<EventLog, CalibrationError> {
            let clock = Clock { tick: Tick::Week, horizon: 4, start_day: None };
            let acts = |user: &u32| {
                let mut stream = streams.stream("acts", u64::from(*user));
                stream.below(self.0 as usize) == 0
            };
            let event = Event { tick: 1, kind: 0, amount: 1.0, balance: f64::NAN };
            let events = (0..users as u32).filter(acts).map(|user| (user, event));
            let names = (0..users).map(|user| user.to_string()).collect();
            Ok(EventLog::new(clock, vec!["a".into()], names, events, Default::default()).unwrap())
        }
    }

    /// The users that are kept are the first active ones, however many are asked for.
    #[test]
    fn the_first_active_users_are_kept() {
        let streams = Streams::new(3);
        for one_in in [1, 2, 20] {
            let few = Population::Active.draw(&Some(one_in), 50, &streams).unwrap();
            let many = Population::Active.draw(&Some(one_in), 400, &streams).unwrap();
            assert_eq!(many.log.user_count(), 400);
            assert!((0..400).all(|user| many.log.events_of(user).len() == 1));
            assert_eq!(few.log.users(), &many.log.users()[..50]);
            // Of so many draws the share is within 4.5 standard errors (false alarm 1e-5).
            let p = 1.0 - 1.0 / one_in as f64;
            let error = (p * (1.0 - p) / (400.0 * one_in as f64)).sqrt();
            assert!((many.inactive - p).abs() <= 4.5 * error, "{one_in}: {}", many.inactive);
            let all = Population::All.draw(&Some(one_in), 400, &streams).unwrap();
            assert_eq!(all.log.user_count(), 400);
            assert_eq!(Population::Active.select(&all.log).user_count(), {
                (400.0 * (1.0 - all.inactive)).round() as usize
            });
        }
    }

    #[test]
    fn a_simulation_in_which_nobody_acts_is_an_error_with_the_share() {
        let error = Population::Active.draw(&Some(u64::MAX), 30, &Streams::new(1)).unwrap_err();
        assert!(error.to_string().contains("0 of 3000 simulated users have an event"), "{error}");
    }
}
