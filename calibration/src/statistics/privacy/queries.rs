//! The histograms that a private release asks of a log, before noise: whole numbers, of which one
//! user can change only so many.
//!
//! What a user adds depends on his own events alone. A feature of users counts him once, in one bin.
//! A feature of events counts at most `max_events` of his rows, evenly spaced among them, so all that
//! he can add to its histogram is that many.

use trueup_env::{Clock, Event, EventLog, History};

use super::bins::Bins;
use super::config::{PrivacyConfig, PrivacyError};
use crate::features::{Definition, Feature, Level};
use crate::sample::{Sample, Shape};

/// The largest number of events in one tick that is told from more.
pub(super) const MOST_IN_TICK: f64 = 15.0;

/// What the bins of a histogram are.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Layout {
    /// One number.
    Count,
    /// Values of an axis.
    Axis(Bins),
    /// Categories.
    Categories(usize),
    /// For each kind a bin of amounts of 0, then the logs of the others.
    Amounts(Bins),
}

/// One histogram.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Query {
    pub(super) name: String,
    pub(super) layout: Layout,
    /// The most that one user can add to all bins together, so also in the Euclidean norm.
    pub(super) sensitivity: u64,
    pub(super) counts: Vec<i64>,
}

/// Names of histograms that are no features.
pub(super) const USERS: &str = "users";
pub(super) const IN_TICK: &str = "most events in a tick";
pub(super) const AMOUNTS: &str = "amounts";
pub(super) const COUNTS: &str = "event_count";

/// What a histogram is to count.
#[derive(Clone, Copy)]
enum Count<'a> {
    Users,
    Events,
    InTick,
    Amounts,
    Feature(&'static Feature),
    Covariate(usize, &'a str),
    Category(usize),
}

/// A histogram before anything is counted: it follows from public numbers alone.
pub(super) struct Plan<'a> {
    pub(super) name: String,
    /// The most that one user can add to all bins together, so also in the Euclidean norm.
    pub(super) sensitivity: u64,
    /// How much more than others it matters.
    pub(super) importance: f64,
    count: Count<'a>,
}

/// All histograms of a release. The first counts the users.
pub(super) fn plan<'a>(
    log: &'a EventLog,
    config: &PrivacyConfig,
) -> Result<Vec<Plan<'a>>, PrivacyError> {
    let one = |name: &str, sensitivity: u32, importance, count| Plan {
        name: name.into(),
        sensitivity: sensitivity.into(),
        importance,
        count,
    };
    let mut plans = vec![
        one(USERS, 1, 1.0, Count::Users),
        // How often users act is behind all that a world and a policy are given.
        one(COUNTS, 1, 4.0, Count::Events),
        one(IN_TICK, 1, 0.5, Count::InTick),
        one(AMOUNTS, config.max_events, 1.0, Count::Amounts),
    ];
    let known = |feature: &&'static Feature| applies(feature, log.clock());
    for feature in config.chosen()?.into_iter().filter(known) {
        // A user has one row of a feature of users.
        let most = if feature.level == Level::User { 1 } else { config.max_events };
        plans.push(one(feature.name, most, 1.0, Count::Feature(feature)));
    }
    for (c, name) in log.covariates().names.iter().enumerate() {
        plans.push(match log.covariates().categories_of(c).is_empty() {
            true => one(&format!("covariate.{name}"), 1, 1.0, Count::Covariate(c, name)),
            false => one(&format!("category.{name}"), 1, 1.0, Count::Category(c)),
        });
    }
    Ok(plans)
}

/// Whether a feature can be defined on such a clock, which is public: weekdays are not where ticks
/// have no date, and would cost budget for nothing.
fn applies(feature: &Feature, clock: &Clock) -> bool {
    let event = Event { tick: 0, kind: 0, amount: 1.0, balance: f64::NAN };
    match feature.definition {
        Definition::Class { of, .. } => of(&History::default(), &event, clock).is_some(),
        _ => true,
    }
}

impl Plan<'_> {
    /// Counts, in at most so many bins.
    pub(super) fn count(
        &self,
        log: &EventLog,
        config: &PrivacyConfig,
        bins: usize,
    ) -> Result<Query, PrivacyError> {
        let users = 0..log.user_count();
        let (layout, counts) = match self.count {
            Count::Users => (Layout::Count, vec![log.user_count() as i64]),
            Count::Events => {
                let count = |user: usize| log.events_of(user).len() as f64;
                of_users(config.counts(bins), users.map(count))
            }
            Count::InTick => {
                let most = |user: usize| {
                    let ticks = log.events_of(user).chunk_by(|a, b| a.tick == b.tick);
                    ticks.map(<[_]>::len).max().unwrap_or(0) as f64
                };
                of_users(Bins::whole(0.0, MOST_IN_TICK, bins), users.map(most))
            }
            Count::Amounts => amounts(log, config, bins),
            Count::Feature(feature) => {
                let layout = match feature.shape() {
                    Shape::Category => Layout::Categories(feature.categories(log.kinds().len())),
                    _ => Layout::Axis(config.feature(feature, log, bins)?),
                };
                let counts = bounded_counts(&feature.sample(log), &layout, self.sensitivity);
                (layout, counts)
            }
            Count::Covariate(c, name) => {
                of_users(config.covariate(name, bins)?, log.covariates().column(c))
            }
            Count::Category(c) => {
                let mut counts = vec![0; log.covariates().categories_of(c).len()];
                log.covariates().column(c).for_each(|value| counts[value as usize] += 1);
                (Layout::Categories(counts.len()), counts)
            }
        };
        let (name, sensitivity) = (self.name.clone(), self.sensitivity);
        Ok(Query { name, layout, sensitivity, counts })
    }
}

/// One value a user.
fn of_users(bins: Bins, values: impl Iterator<Item = f64>) -> (Layout, Vec<i64>) {
    let mut counts = vec![0; bins.len()];
    values.for_each(|x| counts[bins.of(x)] += 1);
    (Layout::Axis(bins), counts)
}

/// Indices of at most `most` of `n` rows: the middle of as many equal stretches.
fn spaced(n: usize, most: u64) -> impl Iterator<Item = usize> {
    let count = n.min(most as usize);
    (0..count).map(move |i| ((2 * i + 1) * n) / (2 * count))
}

fn amounts(log: &EventLog, config: &PrivacyConfig, bins: usize) -> (Layout, Vec<i64>) {
    let [low, high] = config.log_amounts();
    let bins = Bins::real(low, high, bins);
    let width = bins.len() + 1;
    let mut counts = vec![0; width * log.kinds().len()];
    for user in 0..log.user_count() {
        let events = log.events_of(user);
        for i in spaced(events.len(), config.max_events.into()) {
            let bin = trueup_env::log_amount(events[i].amount).map_or(0, |x| 1 + bins.of(x));
            counts[usize::from(events[i].kind) * width + bin] += 1;
        }
    }
    (Layout::Amounts(bins), counts)
}

/// Rows per bin, at most `most` of each user.
fn bounded_counts(sample: &Sample, layout: &Layout, most: u64) -> Vec<i64> {
    let bins = match layout {
        Layout::Axis(bins) | Layout::Amounts(bins) => bins.len(),
        Layout::Categories(count) => *count,
        Layout::Count => 1,
    };
    let mut counts = vec![0; bins];
    let mut rows = sample.values.as_slice();
    for user in sample.user.chunk_by(|a, b| a == b) {
        let (own, rest) = rows.split_at(user.len().min(rows.len()));
        rows = rest;
        for i in spaced(own.len(), most) {
            let bin = match layout {
                Layout::Axis(bins) => bins.of(own[i]),
                _ => own[i] as usize,
            };
            if let Some(count) = counts.get_mut(bin) {
                *count += 1;
            }
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_evenly_spaced_and_bounded() {
        assert_eq!(spaced(3, 10).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(spaced(10, 2).collect::<Vec<_>>(), [2, 7]);
        assert_eq!(spaced(0, 5).count(), 0);
        assert!(spaced(1_000_001, 100).all(|i| i < 1_000_001));
    }
}
