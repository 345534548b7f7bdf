//! Teacher forcing: recorded users live their events through the finance world, so that a policy
//! can learn from what they saw and did (Williams and Zipser, *A learning algorithm for continually
//! running fully recurrent neural networks*, Neural Computation 1(2), 1989, for the word).

use std::ops::Range;

use super::lanes::FinanceLanes;
use super::world::{CheckedWorld, MAX_AMOUNT};
use crate::clock::Clock;
use crate::environment::StepError;
use crate::event_log::EventLog;
use crate::lanes::{Actions, Lanes};
use crate::random::Streams;

/// What the users who are to decide see and then did, in one round of a tick.
#[derive(Clone, Copy, Debug)]
pub struct Decisions<'a> {
    /// The tick.
    pub tick: u32,
    /// Who decides: indices into the log, ascending.
    pub users: &'a [usize],
    /// What they see, row-major, users x size.
    pub observations: &'a [f32],
    /// What they could do, row-major, users x choices. What they did is among it.
    pub masks: &'a [bool],
    /// What they did.
    pub actions: &'a Actions,
}

/// Why recorded users cannot be followed.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum FollowError {
    /// The log has other kinds than the world.
    #[error(
        "the log has the kinds {log:?}, the world {world:?}: follow a log with those of the world"
    )]
    OtherKinds {
        /// Kinds of the log.
        log: Vec<String>,
        /// Kinds of the world.
        world: Vec<String>,
    },
    /// The log has another clock than the world.
    #[error("the log has {log:?}, the world {world:?}: follow a log with the clock of the world")]
    OtherClock {
        /// Clock of the log.
        log: Clock,
        /// Clock of the world.
        world: Clock,
    },
    /// A covariate of the world's profile is not in the log.
    #[error(
        "the world has the covariate {name:?}, the log only {log:?}: fit the world on this log"
    )]
    NoCovariate {
        /// Name of the covariate.
        name: String,
        /// Covariates of the log.
        log: Vec<String>,
    },
    /// A covariate is not a finite number.
    #[error("user {user}: the covariate {name:?} is {value}; clean the log of such users")]
    BadCovariate {
        /// Index of the user.
        user: usize,
        /// Name of the covariate.
        name: String,
        /// Its value.
        value: f64,
    },
    /// A category of a covariate is not among those of the world.
    #[error(
        "the covariate {name:?} of the log has the category {category:?}, the world has only \
         {known:?}: fit the world on this log"
    )]
    NoCategory {
        /// Name of the covariate.
        name: String,
        /// The category.
        category: String,
        /// Categories of the world; none where it has numbers there.
        known: Vec<String>,
    },
    /// An amount is beyond what a world counts.
    #[error(
        "user {user}, tick {tick}: the amount {amount} is beyond {MAX_AMOUNT}; use a larger unit"
    )]
    AmountBeyond {
        /// Index of the user.
        user: usize,
        /// The tick of the event.
        tick: u32,
        /// The amount.
        amount: f64,
    },
    /// Users that the log does not have.
    #[error("users {start} to {end} are asked for, but the log has {users} (0 to {users} - 1)")]
    UsersOutside {
        /// First user asked for.
        start: usize,
        /// The user after the last one asked for.
        end: usize,
        /// Users of the log.
        users: usize,
    },
    /// The world did not take a step.
    #[error(transparent)]
    Step(#[from] StepError),
}

/// Lives the events of recorded users, and shows `visit` each round of decisions before it is
/// taken: an event of the tick (choice kind + 1) or, when there is none left, "nothing". Returns
/// the number of events that were skipped because the world's `max_events_per_tick` had been
/// reached.
///
/// The profile is the log's. Whatever a log does not know is drawn as for simulated users of the
/// same numbers: income, the market, and latent components, which say nothing about a recorded
/// user. The wallet binds nobody: amounts are moved in full, what was done counts as feasible, and
/// where the balance after an event is known (not NaN), cash takes it. Users followed in pieces see
/// and do the same as in one.
///
/// ```
/// use trueup_env::finance::{Effect, Kind, Profile, Scales, WalletModel, World, follow};
/// use trueup_env::market::{Gbm, MarketModel};
/// use trueup_env::{Clock, Covariates, Event, EventLog, Streams, Tick};
///
/// let clock = Clock { tick: Tick::Week, horizon: 10, start_day: None };
/// let purchase = Event { tick: 4, kind: 0, amount: 25.0, balance: f64::NAN };
/// let (kinds, users) = (vec!["purchase".into()], vec!["a".into(), "b".into()]);
/// let log = EventLog::new(clock, kinds, users, [(1, purchase)], Covariates::default())?;
/// let world = World {
///     clock,
///     kinds: vec![Kind { name: "purchase".into(), effect: Effect::Spend }],
///     wallet: WalletModel {
///         income_median: 300.0,
///         income_sigma: 0.5,
///         initial_cash: 1.0,
///         initial_savings: 0.0,
///         initial_risky: 0.0,
///         savings_rate: 0.0,
///         credit: 0.0,
///     },
///     market: MarketModel::Gbm(Gbm { mean: 0.0, volatility: 0.1 }),
///     max_events_per_tick: 1,
///     latent: 0,
///     profile: Profile::default(),
///     scales: Scales::default(),
/// };
/// let (mut decisions, mut events) = (0, 0);
/// let skipped = follow(&world.check()?, &log, 0..2, &Streams::new(1), &mut |round| {
///     decisions += round.users.len();
///     events += round.actions.kind.iter().filter(|&&kind| kind > 0).count();
/// })?;
/// assert_eq!((decisions, events, skipped), (20, 1, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// A log of other kinds, another clock or without the world's covariates, users that it does not
/// have, or an amount above [`MAX_AMOUNT`].
pub fn follow(
    world: &CheckedWorld,
    log: &EventLog,
    users: Range<usize>,
    streams: &Streams,
    visit: &mut dyn FnMut(&Decisions<'_>),
) -> Result<u64, FollowError> {
    let lanes = live(world, log, users.clone(), streams, visit)?;
    let recorded = log.offsets()[users.end] - log.offsets()[users.start];
    Ok((recorded - lanes.events().len()) as u64)
}

/// Lives the events, and returns the lanes after the end.
pub(super) fn live(
    world: &CheckedWorld,
    log: &EventLog,
    users: Range<usize>,
    streams: &Streams,
    visit: &mut dyn FnMut(&Decisions<'_>),
) -> Result<FinanceLanes, FollowError> {
    check(world, log, &users)?;
    let profile = profiles(world, log, &users)?;
    let mut lanes = FinanceLanes::new(world.clone(), users.len()).first_user(users.start as u64);
    lanes.reset(streams);
    lanes.set_profile(profile);
    let choices = world.choices();
    // The next event of each user: an index into the events of the log.
    let mut next: Vec<usize> = log.offsets()[users.clone()].to_vec();
    let (mut deciders, mut masks) = (Vec::new(), Vec::new());
    let (mut actions, mut balances) = (Actions::default(), Vec::new());
    while !lanes.waiting().is_empty() {
        let tick = lanes.tick();
        deciders.clear();
        masks.clear();
        masks.extend_from_slice(lanes.masks());
        actions.kind.clear();
        actions.amount.clear();
        balances.clear();
        for (&lane, mask) in lanes.waiting().iter().zip(masks.chunks_exact_mut(choices)) {
            let (lane, user) = (lane as usize, users.start + lane as usize);
            let left = &log.events()[next[lane]..log.offsets()[user + 1]];
            // What is left of earlier ticks was more than a tick can hold.
            let skipped = left.iter().take_while(|event| event.tick < tick).count();
            let event = left.get(skipped).filter(|event| event.tick == tick);
            next[lane] += skipped + usize::from(event.is_some());
            let choice = event.map_or(0, |event| event.kind + 1);
            mask[usize::from(choice)] = true;
            deciders.push(user);
            actions.kind.push(choice);
            actions.amount.push(event.map_or(0.0, |event| event.amount));
            balances.push(event.map_or(f64::NAN, |event| event.balance));
        }
        let (users, observations) = (&deciders[..], lanes.observations());
        visit(&Decisions { tick, users, observations, masks: &masks, actions: &actions });
        lanes.step_recorded(&actions, &balances)?;
    }
    Ok(lanes)
}

fn check(world: &CheckedWorld, log: &EventLog, users: &Range<usize>) -> Result<(), FollowError> {
    let Range { start, end } = *users;
    if start > end || end > log.user_count() {
        return Err(FollowError::UsersOutside { start, end, users: log.user_count() });
    }
    if !world.kinds.iter().map(|kind| &kind.name).eq(log.kinds()) {
        let world = world.kinds.iter().map(|kind| kind.name.clone()).collect();
        return Err(FollowError::OtherKinds { log: log.kinds().to_vec(), world });
    }
    if *log.clock() != world.clock {
        return Err(FollowError::OtherClock { log: *log.clock(), world: world.clock });
    }
    for user in users.clone() {
        if let Some(event) = log.events_of(user).iter().find(|event| event.amount > MAX_AMOUNT) {
            let (tick, amount) = (event.tick, event.amount);
            return Err(FollowError::AmountBeyond { user, tick, amount });
        }
    }
    Ok(())
}

/// The world's covariates of the users, row-major, users x covariates.
fn profiles(
    world: &CheckedWorld,
    log: &EventLog,
    users: &Range<usize>,
) -> Result<Vec<f64>, FollowError> {
    let covariates = log.covariates();
    let mut columns = Vec::new();
    for (i, name) in world.profile.names.iter().enumerate() {
        let column = covariates.place(name).ok_or_else(|| FollowError::NoCovariate {
            name: name.clone(),
            log: covariates.names.clone(),
        })?;
        let (own, known) = (covariates.categories_of(column), world.profile.categories_of(i));
        // The number that the world gives to each category of the log.
        let place = |category: &String| known.iter().position(|other| other == category);
        let numbers: Vec<Option<usize>> = own.iter().map(place).collect();
        if own.is_empty() != known.is_empty() {
            let (name, category) = (name.clone(), own.first().cloned().unwrap_or_default());
            return Err(FollowError::NoCategory { name, category, known: known.to_vec() });
        }
        columns.push((column, numbers));
    }
    let mut values = Vec::with_capacity(users.len() * columns.len());
    for user in users.clone() {
        for (column, numbers) in &columns {
            let value = covariates.row(user)[*column];
            let name = || covariates.names[*column].clone();
            if !value.is_finite() {
                return Err(FollowError::BadCovariate { user, name: name(), value });
            }
            let Some(number) = numbers.get(value as usize) else {
                values.push(value);
                continue;
            };
            let number = number.ok_or_else(|| FollowError::NoCategory {
                name: name(),
                category: covariates.categories_of(*column)[value as usize].clone(),
                known: known_categories(world, &covariates.names[*column]),
            })?;
            values.push(number as f64);
        }
    }
    Ok(values)
}

fn known_categories(world: &CheckedWorld, name: &str) -> Vec<String> {
    let place = world.profile.names.iter().position(|own| own == name);
    place.map_or(Vec::new(), |place| world.profile.categories_of(place).to_vec())
}
