//! Event logs: what real (external) and simulated (internal) users did. One type for both.

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::finance::KindEffect;

/// The most kinds a log may have; a user's counts per kind are held inline in
/// [`History`](crate::history::History).
pub const MAX_KINDS: usize = 16;

/// One event of one user.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Tick in `0..clock.horizon`.
    pub tick: u32,
    /// Index into [`EventLog::kinds`].
    pub kind: u16,
    /// Money moved, in the log's currency; finite and at least 0 (the kind gives the sign).
    pub amount: f64,
    /// Balance after the event where it is known, else NaN (never read as a number by any
    /// feature; CSV writes it as an empty field).
    pub balance: f64,
}

/// The most categories of one covariate.
pub const MAX_CATEGORIES: usize = 64;

/// Facts about users that do not change with time (age, region ...), one row a user: numbers, or
/// categories by their number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Covariates {
    /// Column names.
    pub names: Vec<String>,
    /// Row-major, users x names; all finite.
    pub values: Vec<f64>,
    /// Names of each column's categories, none for numbers; empty where all columns are numbers.
    #[serde(default)]
    pub categories: Vec<Vec<String>>,
}

impl Covariates {
    /// The place of a column.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|own| own == name)
    }

    /// Names of a column's categories; none for a column of numbers.
    pub fn categories_of(&self, column: usize) -> &[String] {
        self.categories.get(column).map_or(&[], Vec::as_slice)
    }

    /// A column, user by user.
    pub fn column(&self, column: usize) -> impl Iterator<Item = f64> + '_ {
        self.values.iter().skip(column).step_by(self.names.len().max(1)).copied()
    }

    /// The same columns of nobody.
    fn without_users(&self) -> Self {
        Self { names: self.names.clone(), values: Vec::new(), categories: self.categories.clone() }
    }

    /// The facts about one user.
    pub fn row(&self, user: usize) -> &[f64] {
        let width = self.names.len();
        self.values.get(user * width..(user + 1) * width).unwrap_or_default()
    }
}

/// Why a log was refused.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum LogError {
    /// An event lies outside the clock.
    #[error(
        "user {user}: an event at tick {tick}, but the clock has {horizon} ticks (0 to {horizon} - 1)"
    )]
    TickOutside {
        /// Index of the user.
        user: usize,
        /// The tick of the event.
        tick: u32,
        /// Number of ticks of the clock.
        horizon: u32,
    },
    /// An event's kind is not among the kinds of the log.
    #[error("user {user}: an event of kind number {kind}, but the log has {kinds} kinds")]
    KindOutside {
        /// Index of the user.
        user: usize,
        /// The kind's number.
        kind: u16,
        /// Number of kinds.
        kinds: usize,
    },
    /// An amount is NaN, infinite or negative.
    #[error("user {user}, tick {tick}: the amount {amount} is not a finite number of at least 0")]
    BadAmount {
        /// Index of the user.
        user: usize,
        /// The tick of the event.
        tick: u32,
        /// The amount.
        amount: f64,
    },
    /// Too many kinds.
    #[error("the log has {0} kinds, at most {MAX_KINDS} are supported: merge rare ones in the map")]
    TooManyKinds(usize),
    /// The covariates do not fit the users.
    #[error("{values} covariate values for {users} users and {names} covariates")]
    BadCovariates {
        /// Number of values.
        values: usize,
        /// Number of users.
        users: usize,
        /// Number of covariates.
        names: usize,
    },
    /// A covariate is none of its categories, or there are too many.
    #[error(
        "user {user}: the covariate {name:?} is {value}, and its categories are numbered below {categories}"
    )]
    BadCategory {
        /// Index of the user.
        user: usize,
        /// Name of the covariate.
        name: String,
        /// Its value.
        value: f64,
        /// Number of categories, at most [`MAX_CATEGORIES`].
        categories: usize,
    },
    /// Nothing to put together.
    #[error("no logs to put together")]
    NoLogs,
    /// Logs of different worlds.
    #[error("logs over different clocks, kinds, effects or covariates cannot be put together")]
    DifferentWorlds,
}

/// Events of many users over one clock, stored user by user in time order (compressed rows).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventLog {
    clock: Clock,
    kinds: Vec<String>,
    effects: Vec<KindEffect>,
    users: Vec<String>,
    offsets: Vec<usize>,
    events: Vec<Event>,
    covariates: Covariates,
}

impl EventLog {
    /// Builds a log from (user index, event) pairs in any order; events of one user are sorted by
    /// tick, ties keep their order. `users` holds one label a user, users without events included.
    /// Effects of kinds are what their names tell ([`EventLog::with_effects`] says others).
    ///
    /// # Errors
    /// An event outside the clock or the kinds, an amount that is not finite and at least 0, more
    /// than [`MAX_KINDS`] kinds, or covariates of another size.
    pub fn new(
        clock: Clock,
        kinds: Vec<String>,
        users: Vec<String>,
        events: impl IntoIterator<Item = (u32, Event)>,
        covariates: Covariates,
    ) -> Result<Self, LogError> {
        let mut pairs: Vec<(u32, Event)> = events.into_iter().collect();
        pairs.sort_by_key(|(user, event)| (*user, event.tick));
        let mut offsets = vec![0; users.len() + 1];
        for (user, _) in &pairs {
            offsets[*user as usize + 1] += 1;
        }
        for i in 1..offsets.len() {
            offsets[i] += offsets[i - 1];
        }
        let events = pairs.into_iter().map(|(_, event)| event).collect();
        Self::from_sorted(clock, kinds, users, offsets, events, covariates)
    }

    /// Builds a log from events that are sorted by user and tick already; user `u` owns
    /// `events[offsets[u]..offsets[u + 1]]`.
    ///
    /// # Errors
    /// As for [`EventLog::new`].
    pub fn from_sorted(
        clock: Clock,
        kinds: Vec<String>,
        users: Vec<String>,
        offsets: Vec<usize>,
        events: Vec<Event>,
        covariates: Covariates,
    ) -> Result<Self, LogError> {
        if kinds.len() > MAX_KINDS {
            return Err(LogError::TooManyKinds(kinds.len()));
        }
        if covariates.values.len() != covariates.names.len() * users.len() {
            return Err(LogError::BadCovariates {
                values: covariates.values.len(),
                users: users.len(),
                names: covariates.names.len(),
            });
        }
        for (column, name) in covariates.names.iter().enumerate() {
            let categories = covariates.categories_of(column).len().min(MAX_CATEGORIES);
            let known = |value: &f64| {
                categories == 0
                    || (*value >= 0.0 && *value < categories as f64 && value.fract() == 0.0)
            };
            let bad = covariates.column(column).enumerate().find(|(_, value)| !known(value));
            if let Some((user, value)) = bad {
                return Err(LogError::BadCategory { user, name: name.clone(), value, categories });
            }
        }
        let effects = KindEffect::by_names(&kinds);
        let log = Self { clock, kinds, effects, users, offsets, events, covariates };
        for user in 0..log.user_count() {
            for event in log.events_of(user) {
                log.check(user, event)?;
            }
        }
        Ok(log)
    }

    /// Puts logs of different users over the same clock and kinds one behind another.
    ///
    /// # Errors
    /// No logs at all, or logs over different clocks, kinds, effects of kinds or covariates.
    pub fn concatenate(logs: Vec<Self>) -> Result<Self, LogError> {
        let mut logs = logs.into_iter();
        let mut all = logs.next().ok_or(LogError::NoLogs)?;
        for log in logs {
            if log.clock != all.clock
                || log.kinds != all.kinds
                || log.effects != all.effects
                || log.covariates.names != all.covariates.names
                || log.covariates.categories != all.covariates.categories
            {
                return Err(LogError::DifferentWorlds);
            }
            let base = all.events.len();
            all.offsets.extend(log.offsets[1..].iter().map(|offset| base + offset));
            all.events.extend(log.events);
            all.users.extend(log.users);
            all.covariates.values.extend(log.covariates.values);
        }
        Ok(all)
    }

    fn check(&self, user: usize, event: &Event) -> Result<(), LogError> {
        if event.tick >= self.clock.horizon {
            let horizon = self.clock.horizon;
            return Err(LogError::TickOutside { user, tick: event.tick, horizon });
        }
        if usize::from(event.kind) >= self.kinds.len() {
            let kinds = self.kinds.len();
            return Err(LogError::KindOutside { user, kind: event.kind, kinds });
        }
        if !event.amount.is_finite() || event.amount < 0.0 {
            return Err(LogError::BadAmount { user, tick: event.tick, amount: event.amount });
        }
        Ok(())
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Names of the kinds; an event's `kind` is an index into them.
    pub fn kinds(&self) -> &[String] {
        &self.kinds
    }

    /// What each kind does to money, and how that is known.
    pub fn effects(&self) -> &[KindEffect] {
        &self.effects
    }

    /// The same log with other effects of kinds, one a kind; of another number, they are left as
    /// they are.
    pub fn with_effects(mut self, effects: &[KindEffect]) -> Self {
        if effects.len() == self.kinds.len() {
            self.effects = effects.to_vec();
        }
        self
    }

    /// Labels of the users (pseudonyms for external users).
    pub fn users(&self) -> &[String] {
        &self.users
    }

    /// Number of users, those without events included.
    pub fn user_count(&self) -> usize {
        self.users.len()
    }

    /// All events, user by user in time order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Where user `u`'s events start: length `user_count() + 1`.
    pub fn offsets(&self) -> &[usize] {
        &self.offsets
    }

    /// The events of one user in time order.
    pub fn events_of(&self, user: usize) -> &[Event] {
        &self.events[self.offsets[user]..self.offsets[user + 1]]
    }

    /// The users' covariates.
    pub fn covariates(&self) -> &Covariates {
        &self.covariates
    }

    /// The kinds of several logs with their effects: those of the first, in their order, then new ones
    /// of the next. The first log that has a kind says what it does.
    pub fn united_kinds<'a>(
        logs: impl IntoIterator<Item = &'a Self>,
    ) -> (Vec<String>, Vec<KindEffect>) {
        let (mut kinds, mut effects) = (Vec::new(), Vec::new());
        for (kind, effect) in logs.into_iter().flat_map(|log| log.kinds.iter().zip(&log.effects)) {
            if !kinds.contains(kind) {
                kinds.push(kind.clone());
                effects.push(*effect);
            }
        }
        (kinds, effects)
    }

    /// The same log over other kinds, which are in any order and hold those of its own that it uses.
    ///
    /// # Errors
    /// More than [`MAX_KINDS`] kinds, or events of a kind that is not among them.
    pub fn over_kinds(
        mut self,
        kinds: &[String],
        effects: &[KindEffect],
    ) -> Result<Self, LogError> {
        let place = |kind: &String| kinds.iter().position(|other| other == kind);
        let places: Vec<Option<usize>> = self.kinds.iter().map(place).collect();
        for event in &mut self.events {
            let place = places.get(usize::from(event.kind)).copied().flatten();
            event.kind = place.unwrap_or(kinds.len()).try_into().unwrap_or(u16::MAX);
        }
        let Self { clock, users, offsets, events, covariates, .. } = self;
        let log = Self::from_sorted(clock, kinds.to_vec(), users, offsets, events, covariates)?;
        Ok(log.with_effects(effects))
    }

    /// The same log with other covariates.
    ///
    /// # Errors
    /// Covariates that do not fit the users.
    pub fn with_covariates(self, covariates: Covariates) -> Result<Self, LogError> {
        let Self { clock, kinds, effects, users, offsets, events, .. } = self;
        let log = Self::from_sorted(clock, kinds, users, offsets, events, covariates)?;
        Ok(log.with_effects(&effects))
    }

    /// The same log with all balances unknown.
    pub fn without_balances(mut self) -> Self {
        self.events.iter_mut().for_each(|event| event.balance = f64::NAN);
        self
    }

    /// The log of a selection of users, in the order given; an index may repeat.
    pub fn select(&self, users: &[usize]) -> Self {
        let mut offsets = vec![0];
        let mut events = Vec::new();
        let mut values = Vec::with_capacity(users.len() * self.covariates.names.len());
        for &user in users {
            events.extend_from_slice(self.events_of(user));
            offsets.push(events.len());
            values.extend_from_slice(self.covariates.row(user));
        }
        Self {
            clock: self.clock,
            kinds: self.kinds.clone(),
            effects: self.effects.clone(),
            users: users.iter().map(|&user| self.users[user].clone()).collect(),
            offsets,
            events,
            covariates: Covariates { values, ..self.covariates.without_users() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Tick;

    fn event(tick: u32, amount: f64) -> Event {
        Event { tick, kind: 0, amount, balance: f64::NAN }
    }

    fn build(events: Vec<(u32, Event)>) -> Result<EventLog, LogError> {
        EventLog::new(
            Clock { tick: Tick::Week, horizon: 4, start_day: None },
            vec!["purchase".into()],
            vec!["a".into(), "b".into(), "c".into()],
            events,
            Covariates::default(),
        )
    }

    #[test]
    fn events_are_sorted_by_user_and_tick_and_ties_keep_their_order() -> Result<(), LogError> {
        let log = build(vec![
            (2, event(3, 1.0)),
            (0, event(2, 2.0)),
            (0, event(1, 3.0)),
            (0, event(2, 4.0)),
        ])?;
        let amounts: Vec<f64> = log.events().iter().map(|e| e.amount).collect();
        assert_eq!(amounts, [3.0, 2.0, 4.0, 1.0]);
        assert!(log.events_of(1).is_empty());
        let picked = log.select(&[2, 0, 2]);
        assert_eq!(picked.users(), ["c", "a", "c"]);
        assert_eq!(picked.events().len(), 5);
        Ok(())
    }

    #[test]
    fn categories_are_numbered_and_stay_with_their_users() {
        let log = |region: f64| {
            EventLog::new(
                Clock { tick: Tick::Week, horizon: 4, start_day: None },
                vec!["purchase".into()],
                vec!["a".into(), "b".into()],
                [],
                Covariates {
                    names: vec!["age".into(), "region".into()],
                    values: vec![30.5, 1.0, -2.0, region],
                    categories: vec![vec![], vec!["north".into(), "south".into()]],
                },
            )
        };
        let picked = log(0.0).unwrap().select(&[1, 0, 1]);
        assert_eq!(picked.covariates().column(1).collect::<Vec<_>>(), [0.0, 1.0, 0.0]);
        assert_eq!(picked.covariates().categories_of(1), ["north", "south"]);
        assert!(picked.covariates().categories_of(0).is_empty());
        assert_eq!(picked.covariates().row(1), [30.5, 1.0]);
        for bad in [2.0, -1.0, 0.5, f64::NAN] {
            assert!(matches!(log(bad), Err(LogError::BadCategory { user: 1, .. })), "{bad}");
        }
    }

    #[test]
    fn kinds_of_logs_are_united() {
        let over = |kinds: &[&str]| {
            let kinds: Vec<String> = kinds.iter().map(|kind| kind.to_string()).collect();
            let events = (0..kinds.len() as u16).map(|kind| (0, Event { kind, ..event(1, 2.0) }));
            let clock = Clock { tick: Tick::Week, horizon: 4, start_day: None };
            EventLog::new(clock, kinds.clone(), vec!["a".into()], events, Covariates::default())
                .unwrap()
        };
        let (real, own) = (over(&["x", "y"]), over(&["z", "y", "x"]));
        let (all, effects) = EventLog::united_kinds([&real, &own]);
        assert_eq!(all, ["x", "y", "z"]);
        let numbers = |log: EventLog| -> Vec<u16> { log.events().iter().map(|e| e.kind).collect() };
        assert_eq!(numbers(own.clone().over_kinds(&all, &effects).unwrap()), [2, 1, 0]);
        assert_eq!(numbers(real.clone().over_kinds(&all, &effects).unwrap()), [0, 1]);
        assert!(matches!(
            own.clone().over_kinds(real.kinds(), real.effects()),
            Err(LogError::KindOutside { .. })
        ));
        let many: Vec<String> = (0..=MAX_KINDS).map(|i| i.to_string()).collect();
        assert!(matches!(real.over_kinds(&many, &[]), Err(LogError::TooManyKinds(_))));
    }

    #[test]
    fn logs_are_put_one_behind_another() {
        let a = build(vec![(0, event(1, 1.0)), (2, event(0, 2.0))]).unwrap();
        let b = build(vec![(1, event(3, 3.0))]).unwrap();
        let both = EventLog::concatenate(vec![a, b]).unwrap();
        assert_eq!(both.user_count(), 6);
        assert_eq!((both.events_of(2)[0].tick, both.events_of(2)[0].amount), (0, 2.0));
        assert_eq!((both.events_of(4)[0].tick, both.events_of(4)[0].amount), (3, 3.0));
        assert_eq!(EventLog::concatenate(vec![]), Err(LogError::NoLogs));
    }

    #[test]
    fn bad_events_are_refused_with_their_place() {
        assert!(matches!(
            build(vec![(1, event(4, 1.0))]),
            Err(LogError::TickOutside { user: 1, tick: 4, horizon: 4 })
        ));
        assert!(matches!(
            build(vec![(1, event(0, f64::NAN))]),
            Err(LogError::BadAmount { user: 1, .. })
        ));
        assert!(matches!(build(vec![(1, event(0, -1.0))]), Err(LogError::BadAmount { .. })));
        let bad = Event { kind: 1, ..event(0, 1.0) };
        assert!(matches!(
            build(vec![(0, bad)]),
            Err(LogError::KindOutside { kind: 1, kinds: 1, .. })
        ));
    }
}
