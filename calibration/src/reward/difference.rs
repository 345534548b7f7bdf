//! The difference reward: each event is paid by how much the distance falls when it happens, D
//! before minus D after.
//!
//! Events of a rollout count in time order: by tick, within a tick by user, and a user's own in
//! their order. At an event, an event feature gains a row; the row of a user feature moves. What an
//! event earns is
//!
//! `sum over terms of weight users (D before - D after)`
//!
//! with the root of D where it is a square. The factor gives a user's pay the size of what the
//! witness pays him: one event changes D by about 1 / users. The pays of all events add up to
//! `weight users (D at the start - D at the end)`, whatever happened between: what a rollout earns
//! in all is what the shared reward pays, but each event is told its own part.
//!
//! The start. A user feature that is defined without events (an event count of 0) starts with the
//! rows of all users there. Otherwise there is no mass, and D of nothing is taken to be the mean
//! distance of a single real row, a constant. While a distance is not defined for the few rows there
//! are, it counts as that of nothing.
//!
//! Features that need all events of a user are paid at the end of the window, user by user.
//!
//! Against the witness: it is exact for the rollout at hand, needs no witness (any value on
//! shares will do), but pays early events for gaps that later ones would have filled anyway, so that its
//! gradient is noisier and not that of D. Train with gamma 1.

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trueup_env::EventLog;

use super::mix::{self, MixWeights};
use super::rows::Rows;
use super::running::Running;
use super::scales::Scales;
use super::term::Ready;
use super::{Pay, Reward, RewardError, Term, default_terms};
use crate::statistics::Statistics;

/// Name in configs and results.
pub const NAME: &str = "difference";

/// Options of the difference reward.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DifferenceConfig {
    /// What to optimise; by default amounts, times and kinds, a discrepancy each. Any discrepancy with a value on shares will
    /// do.
    pub terms: Option<Vec<Term>>,
    /// How the weights of the terms are set: `fixed`, `floor` or `adaptive`.
    pub weights: MixWeights,
    /// Learning rate of adaptive weights, in (0, 10].
    pub rate: f64,
}

impl Default for DifferenceConfig {
    fn default() -> Self {
        Self { terms: None, weights: MixWeights::default(), rate: mix::RATE }
    }
}

/// The reward.
pub struct DifferenceReward {
    scales: Scales,
    /// The distance of nothing, one a term.
    nothing: Vec<f64>,
}

impl DifferenceReward {
    /// Makes the reward from external statistics.
    ///
    /// # Errors
    /// Unknown or unmeasured features, and discrepancies without a value on weighted rows.
    pub fn new(config: &DifferenceConfig, statistics: &Statistics) -> Result<Self, RewardError> {
        let terms = config.terms.clone().unwrap_or_else(|| default_terms(statistics));
        let scales = Scales::new(NAME, terms, statistics, (config.weights, config.rate))?;
        let nothing = scales.ready.iter().map(Ready::of_nothing).collect();
        Ok(Self { scales, nothing })
    }
}

impl Reward for DifferenceReward {
    fn name(&self) -> &'static str {
        NAME
    }

    fn terms(&self) -> &[Term] {
        &self.scales.terms
    }

    fn pay(&mut self, internal: &EventLog) -> Result<Pay, RewardError> {
        let weighed = self.scales.weigh(internal)?;
        let order = in_time_order(internal);
        let users = internal.user_count();
        let terms = self.scales.ready.par_iter().zip(&self.nothing).zip(&weighed);
        let pays: Vec<Pay> = terms
            .map(|((term, &nothing), weighed)| {
                let rows = Rows::of(term, internal);
                let mut running = Running::new(term, rows.values());
                differences(&rows, &mut running, nothing, &order)
                    .times(weighed.weight * users as f64)
            })
            .collect();
        Ok(Pay::sum(internal, pays))
    }

    fn discrepancy(&self) -> f64 {
        self.scales.discrepancy
    }

    fn state(&self) -> Vec<u8> {
        self.scales.state()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), RewardError> {
        self.scales.restore(state)
    }
}

/// An event in its place: (its number in the log, its user).
pub(super) type Place = (usize, usize);

/// All events by tick, within a tick by user, and a user's own in their order.
pub(super) fn in_time_order(log: &EventLog) -> Vec<Place> {
    let users = (0..log.user_count()).flat_map(|user| {
        (log.offsets()[user]..log.offsets()[user + 1]).map(move |event| (event, user))
    });
    let mut order: Vec<Place> = users.collect();
    order.sort_by_key(|&(event, _)| log.events()[event].tick);
    order
}

/// What each event, and each end, takes off the distance.
fn differences(rows: &Rows, running: &mut Running<'_>, nothing: f64, order: &[Place]) -> Pay {
    let mut pay = Pay { events: vec![0.0; rows.events.len()], ends: vec![0.0; rows.users] };
    let mut own = vec![rows.start; rows.users];
    if let Some(start) = rows.start {
        running.add(start, rows.users as f64);
    }
    let mut now = running.distance().unwrap_or(nothing);
    let mut change = |from: Option<f64>, to: Option<f64>| {
        if from == to || from.zip(to).is_some_and(|(from, to)| running.same(from, to)) {
            return 0.0;
        }
        from.into_iter().for_each(|x| running.add(x, -1.0));
        to.into_iter().for_each(|x| running.add(x, 1.0));
        let before = std::mem::replace(&mut now, running.distance().unwrap_or(nothing));
        before - now
    };
    if let Some(ends) = &rows.ends {
        let users = pay.ends.iter_mut().zip(&own).zip(ends);
        users.for_each(|((pay, from), to)| *pay = change(*from, *to));
        return pay;
    }
    for &(event, user) in order {
        let to = rows.events[event];
        let from = if rows.moving { std::mem::replace(&mut own[user], to) } else { None };
        pay.events[event] = change(from, to);
    }
    pay
}

#[cfg(test)]
mod tests {
    use super::super::tests::{internal, statistics, term, totals};
    use super::*;
    use crate::features::{FEATURES, find};
    use crate::sample::Shape;

    /// Every incremental form against the same distance computed anew at each change.
    #[test]
    fn running_distances_are_exact() {
        let (log, statistics) = (internal(), statistics());
        let order = in_time_order(&log);
        let mut tried = 0;
        for feature in FEATURES.iter().filter(|feature| feature.shape() == Shape::Real) {
            for name in [
                "cramer-von-mises",
                "energy",
                "wasserstein-1",
                "kolmogorov-smirnov",
                "moments",
                "mean-gap",
                "sd-gap",
            ] {
                let terms = vec![term(feature.name, name)];
                let Ok(scales) =
                    Scales::new(NAME, terms, &statistics, (MixWeights::Fixed, mix::RATE))
                else {
                    continue;
                };
                let ready = &scales.ready[0];
                let rows = Rows::of(ready, &log);
                let [fast, slow] = [Running::new, Running::exact].map(|make| {
                    let mut running = make(ready, rows.values());
                    differences(&rows, &mut running, ready.of_nothing(), &order)
                });
                let pairs =
                    fast.events.iter().zip(&slow.events).chain(fast.ends.iter().zip(&slow.ends));
                pairs.for_each(|(a, b)| assert!((a - b).abs() < 1e-9, "{}: {a} {b}", feature.name));
                assert!(slow.events.iter().chain(&slow.ends).any(|pay| *pay != 0.0));
                tried += 1;
            }
        }
        assert!(tried >= 90, "{tried}");
    }

    /// All that is earned is the distance of the start less that of the end, whatever the term.
    #[test]
    fn the_sum_telescopes() {
        let (log, statistics) = (internal(), statistics());
        let users = log.user_count() as f64;
        for (feature, discrepancy) in [
            ("log_amount", "cramer-von-mises"),
            ("gap", "wasserstein-1"),
            ("event_count", "moments"),
            ("event_count", "kolmogorov-smirnov"),
            ("mean_log_amount", "energy"),
            ("kind", "total-variation"),
            ("kind_pair", "total-variation"),
        ] {
            let terms = Some(vec![term(feature, discrepancy)]);
            let config = DifferenceConfig { terms, ..Default::default() };
            let mut reward = DifferenceReward::new(&config, &statistics).unwrap();
            let pay = reward.pay(&log).unwrap();
            let sum: f64 = totals(&pay, &log).iter().sum();
            let ready = &reward.scales.ready[0];
            // Counts are defined without events: all users start at 0.
            let start = match find(feature).unwrap().name {
                "event_count" => {
                    let zero = super::super::points::Points::of(&[0.0]);
                    ready.distance(&zero).unwrap().unwrap()
                }
                _ => ready.of_nothing(),
            };
            let expected = users * (start - reward.discrepancy());
            // Above 256 values the end is compressed otherwise than the running shares.
            assert!((sum - expected).abs() < 1e-7 * users, "{feature}: {sum} {expected}");
        }
    }

    /// With amounts and means that are all different, the grid is coarser than the rows: what is
    /// earned is the fall of a distance that is a thousandth away from the exact one.
    #[test]
    fn many_values_are_counted_on_a_grid() {
        let statistics = statistics();
        let mut stream = trueup_env::Streams::new(6).stream("amounts", 0);
        let log = internal();
        let users = (0..20 * log.user_count()).map(|user| user.to_string()).collect();
        let mut events = Vec::new();
        for user in 0..20 * log.user_count() {
            for event in log.events_of(user % log.user_count()) {
                let amount = event.amount * (0.5 + stream.uniform());
                events.push((user as u32, trueup_env::Event { amount, ..*event }));
            }
        }
        let (clock, kinds) = (*log.clock(), log.kinds().to_vec());
        let many = EventLog::new(clock, kinds, users, events, Default::default()).unwrap();
        assert!(many.events().len() > 2 * 4096);
        for name in ["cramer-von-mises", "wasserstein-1", "kolmogorov-smirnov"] {
            let terms = Some(vec![term("log_amount", name)]);
            let config = DifferenceConfig { terms, ..Default::default() };
            let mut reward = DifferenceReward::new(&config, &statistics).unwrap();
            let pay = reward.pay(&many).unwrap();
            let end = reward.nothing[0] - pay.events.iter().sum::<f64>() / many.user_count() as f64;
            let rows = find("log_amount").unwrap().sample(&many).values;
            let ready = &reward.scales.ready[0];
            let own = crate::discrepancy::Weighted::equal(&rows);
            let exact = ready.weighted_distance(own, ready.external.weighted()).unwrap().unwrap();
            assert!((end / exact - 1.0).abs() < 2e-3, "{name}: {end} {exact}");
        }
    }

    #[test]
    fn events_count_in_time_order() {
        let log = internal();
        let order = in_time_order(&log);
        let keys: Vec<_> = order.iter().map(|&(e, u)| (log.events()[e].tick, u, e)).collect();
        assert!(keys.is_sorted() && keys.len() == log.events().len());
    }
}
