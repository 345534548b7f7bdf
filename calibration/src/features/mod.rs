//! Features: the numbers and categories that behaviour is compared on.
//!
//! A feature is a value of type [`Feature`]: a name, a unit, a level, and a function of the user's
//! [`History`]. The same function feeds the panel (over a whole log), the statistics, and the
//! rewards (at each event), so that what is paid is what is measured. To add one, write a file with
//! a `pub const FEATURE` and add it to [`FEATURES`]; `exact_tests.rs` asks what leaves it as it is.
//!
//! Values that are equal in exact arithmetic are equal: they are made of whole numbers (sums of
//! [`History`], [`trueup_env::Money`]) and rounded once, and what goes through logarithms or roots
//! is rounded to a multiple of 2^-32. So ties are ties, and what does not vary has the spread 0.
//!
//! The amounts of single kinds are features too
//! ([`of_kind`]), and so are covariates of users beside what they did ([`relation`]).
//!
//! The hour of the day is no feature: a tick is a day at the finest.

use serde::{Deserialize, Serialize};
use trueup_env::finance::{Effect, KindEffect};
use trueup_env::{Clock, Event, EventLog, History};

use crate::sample::{Sample, Shape};

mod active_ticks;
mod amount;
mod amount_pair;
mod amount_range;
mod burstiness;
mod daily_count;
mod daily_volume;
mod day_of_month;
mod entropy;
mod event_count;
mod event_tick;
mod first_tick;
mod flows;
mod gap;
mod gap_pair;
mod kind;
mod kind_entropy;
mod kind_pair;
mod log_amount;
mod log_count;
mod log_total;
mod max_log_amount;
mod mean_amount;
mod mean_gap;
mod mean_log_amount;
mod median_log_amount;
mod net_flow;
pub mod of_kind;
mod p90_log_amount;
mod quantile;
mod recency;
pub mod relation;
mod retention;
mod saving_rate;
mod sd_gap;
mod sd_log_amount;
mod time_entropy;
mod top_event_share;
mod total_amount;
mod user_path;
mod weekday;

/// Where a feature lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// One row an event.
    Event,
    /// One row a pair of consecutive events: the time between them.
    Gap,
    /// One row a user.
    User,
    /// One row a pair of consecutive events: from what to what.
    Transition,
    /// All users together, tick by tick.
    Population,
}

impl Level {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Gap => "gap",
            Self::User => "user",
            Self::Transition => "transition",
            Self::Population => "population",
        }
    }
}

/// How a feature is computed. `None` means that it is not defined there (the mean amount of a user
/// without events): such rows are left out of the sample.
#[derive(Clone, Copy)]
pub enum Definition {
    /// A number at an event, from what came before and the event.
    Event(fn(&History, &Event) -> Option<f64>),
    /// A category at an event: its number among the log's kinds.
    Category(fn(&History, &Event) -> Option<usize>),
    /// A number at a user: from his history at any time in the window.
    User(fn(&History, &Clock) -> Option<f64>),
    /// An (earlier, later) pair at an event.
    Pair(fn(&History, &Event) -> Option<[f64; 2]>),
    /// A pair of categories at an event, numbered `earlier x kinds + later`.
    CategoryPair(fn(&History, &Event) -> Option<[usize; 2]>),
    /// One of a fixed number of classes at an event, such as a weekday.
    Class {
        /// Number of classes.
        classes: usize,
        /// The class, under `classes`.
        of: fn(&History, &Event, &Clock) -> Option<usize>,
    },
    /// A number at a user that needs all of his events, such as a quantile: not known before the
    /// end of the window.
    Whole(fn(&[Event], &Setting) -> Option<f64>),
    /// A covariate of a user beside a fact about what they did.
    Relation(relation::Relation),
    /// What an event adds to its tick, over all users.
    Series(fn(&History, &Event) -> Option<f64>),
    /// The path that a user goes: appends its points in time order.
    Path {
        /// Numbers per point.
        width: usize,
        /// Appends the points.
        of: fn(&[Event], &Clock, &mut Vec<f64>),
    },
}

/// What a log says about all of its users.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// The clock.
    pub clock: Clock,
    /// What each kind does to a wallet.
    pub effects: Vec<Effect>,
}

impl Setting {
    /// From the clock and the effects of the kinds of a log or of statistics.
    pub fn new(clock: &Clock, effects: &[KindEffect]) -> Self {
        Self { clock: *clock, effects: effects.iter().map(|kind| kind.effect).collect() }
    }
}

/// One feature.
#[derive(Clone, Copy)]
pub struct Feature {
    /// Name in configs and results, in snake_case.
    pub name: &'static str,
    /// Title for plots and tables.
    pub title: &'static str,
    /// Unit of the axis, e.g. `ticks`, `ln amount`; empty where there is none.
    pub unit: &'static str,
    /// Where it lives.
    pub level: Level,
    /// What it is, in one sentence.
    pub definition_text: &'static str,
    /// How it is computed.
    pub definition: Definition,
}

/// All features.
pub const FEATURES: &[Feature] = &[
    log_amount::FEATURE,
    event_tick::FEATURE,
    kind::FEATURE,
    gap::FEATURE,
    event_count::FEATURE,
    log_count::FEATURE,
    active_ticks::FEATURE,
    first_tick::FEATURE,
    recency::FEATURE,
    mean_gap::FEATURE,
    sd_gap::FEATURE,
    mean_log_amount::FEATURE,
    sd_log_amount::FEATURE,
    max_log_amount::FEATURE,
    log_total::FEATURE,
    kind_entropy::FEATURE,
    amount_pair::FEATURE,
    kind_pair::FEATURE,
    weekday::FEATURE,
    day_of_month::FEATURE,
    amount_range::FEATURE,
    median_log_amount::FEATURE,
    p90_log_amount::FEATURE,
    burstiness::FEATURE,
    time_entropy::FEATURE,
    retention::FEATURE,
    net_flow::FEATURE,
    saving_rate::FEATURE,
    gap_pair::FEATURE,
    daily_count::FEATURE,
    daily_volume::FEATURE,
    user_path::FEATURE,
    amount::FEATURE,
    total_amount::FEATURE,
    mean_amount::FEATURE,
    top_event_share::FEATURE,
];

/// Finds a feature by name.
pub fn find(name: &str) -> Option<&'static Feature> {
    FEATURES.iter().find(|feature| feature.name == name)
}

impl Feature {
    /// What its rows are.
    pub fn shape(&self) -> Shape {
        match self.definition {
            Definition::Event(_) | Definition::User(_) | Definition::Whole(_) => Shape::Real,
            Definition::Category(_) | Definition::CategoryPair(_) | Definition::Class { .. } => {
                Shape::Category
            }
            Definition::Pair(_) | Definition::Relation(_) => Shape::Vector,
            Definition::Series(_) => Shape::Series,
            Definition::Path { .. } => Shape::Path,
        }
    }

    /// Number of categories over a log of `kinds` kinds; 0 for real features.
    pub fn categories(&self, kinds: usize) -> usize {
        match self.definition {
            Definition::Category(_) => kinds,
            Definition::CategoryPair(_) => kinds * kinds,
            Definition::Class { classes, .. } => classes,
            _ => 0,
        }
    }

    /// Evaluates the feature over a log.
    pub fn sample(&self, log: &EventLog) -> Sample {
        let kinds = log.kinds().len();
        let setting = Setting::new(log.clock(), log.effects());
        let mut values = Vec::new();
        let mut owners = Vec::new();
        for user in 0..log.user_count() {
            let mut history = History::default();
            let before = values.len();
            for event in log.events_of(user) {
                match self.definition {
                    Definition::Event(f) => values.extend(f(&history, event)),
                    Definition::Category(f) => values.extend(f(&history, event).map(|c| c as f64)),
                    Definition::Pair(f) => values.extend(f(&history, event).into_iter().flatten()),
                    Definition::CategoryPair(f) => {
                        values.extend(f(&history, event).map(|[a, b]| (a * kinds + b) as f64));
                    }
                    Definition::Class { of, .. } => {
                        values.extend(of(&history, event, log.clock()).map(|c| c as f64));
                    }
                    Definition::Series(f) => {
                        let row = f(&history, event).map(|x| [f64::from(event.tick), x]);
                        values.extend(row.into_iter().flatten());
                    }
                    Definition::User(_)
                    | Definition::Whole(_)
                    | Definition::Relation(_)
                    | Definition::Path { .. } => {}
                }
                history.push(event);
            }
            match self.definition {
                Definition::User(f) => values.extend(f(&history, log.clock())),
                Definition::Whole(f) => values.extend(f(log.events_of(user), &setting)),
                Definition::Relation(relation) => {
                    values.extend(relation.row(log, user, &history).into_iter().flatten());
                }
                Definition::Path { of, .. } => of(log.events_of(user), log.clock(), &mut values),
                _ => {}
            }
            let rows = (values.len() - before) / self.width();
            owners.extend(std::iter::repeat_n(user as u32, rows));
        }
        Sample {
            shape: self.shape(),
            width: self.width(),
            values,
            user: owners,
            users: log.user_count(),
            categories: match self.definition {
                Definition::Series(_) => log.clock().horizon as usize,
                Definition::Relation(relation) => relation.categories(log),
                _ => self.categories(kinds),
            },
        }
    }

    /// Numbers per row.
    pub fn width(&self) -> usize {
        match self.definition {
            Definition::Pair(_) | Definition::Relation(_) | Definition::Series(_) => 2,
            Definition::Path { width, .. } => width.max(1),
            _ => 1,
        }
    }
}

/// The features of a user vector: every real feature at user level.
pub fn user_features() -> impl Iterator<Item = &'static Feature> {
    let of_users =
        |f: &&Feature| matches!(f.definition, Definition::User(_) | Definition::Whole(_));
    FEATURES.iter().filter(of_users)
}

/// One vector a user, of all [`user_features`]. Where a feature is not defined for a user, the
/// vector holds -1, a value outside the range of every count and time, so that "not defined" stays
/// visible to a classifier; log amounts below that are possible but rare, and the shares that can
/// be -1 (burstiness, saving rate) meet it only at that extreme.
pub fn user_vectors(log: &EventLog) -> Sample {
    let width = user_features().count();
    let setting = Setting::new(log.clock(), log.effects());
    let mut values = Vec::with_capacity(log.user_count() * width);
    for user in 0..log.user_count() {
        let mut history = History::default();
        for event in log.events_of(user) {
            history.push(event);
        }
        for feature in user_features() {
            let value = match feature.definition {
                Definition::User(f) => f(&history, log.clock()),
                Definition::Whole(f) => f(log.events_of(user), &setting),
                _ => None,
            };
            values.push(value.unwrap_or(-1.0));
        }
    }
    Sample {
        shape: Shape::Vector,
        width,
        values,
        user: (0..log.user_count() as u32).collect(),
        users: log.user_count(),
        categories: 0,
    }
}

#[cfg(test)]
mod exact_tests;
#[cfg(test)]
mod tests;
