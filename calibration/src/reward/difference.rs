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
//! `weight users (D at the start - D at the end)`, whatever happened between: each event is told its
//! own part of what the rollout changed.
//!
//! The start. A user feature that is defined without events (an event count of 0) starts with the
//! rows of all users there. Other rows come on top of those of the last rollout; of the first one, on
//! top of its own. Without them, D of a few rows is mostly chance and falls with every row, whatever
//! it is: n rows are sqrt(n) times as near as one, so that all that a rollout earns would go to those
//! who act first, for acting at all. Where there are no rows at all, D is taken to be the mean
//! distance of a single real row, a constant; so it is while a distance is not defined for the few
//! rows there are.
//!
//! Features that need all events of a user are paid at the end of the window, user by user.
//!
//! Against the witness: it is exact for the rollout at hand and needs no witness (any value on shares
//! will do), but its gradient is not that of D. Rows that move, such as counts, start far from the
//! real ones, so early events fill gaps that later ones would have filled anyway, and each user takes
//! what is left of a common good (Hardin, *The tragedy of the commons*, Science 162, 1968): users
//! whose number of events is free go on until D is as large as at the start, with many times too
//! many. `leave-one-out` compares with where all others end instead. Train with gamma 1.

use trueup_env::EventLog;

use super::Pay;
use super::by_distance::{Before, ByDistance, Rule};
use super::rows::Rows;
use super::running::Running;
use super::term::Ready;

/// Name in configs and results.
pub const NAME: &str = "difference";

/// The reward.
pub(super) type DifferenceReward = ByDistance<InTimeOrder>;

/// The events of a rollout in the order in which they count.
pub(super) struct InTimeOrder(Vec<Place>);

impl Rule for InTimeOrder {
    const NAME: &'static str = NAME;

    fn of(log: &EventLog) -> Self {
        Self(in_time_order(log))
    }

    fn pay(&self, log: &EventLog, term: &Ready, before: &mut Before) -> (Pay, f64) {
        let rows = Rows::of(term, log);
        let own = match rows.start {
            Some(_) => Vec::new(),
            None if rows.moving => rows.finals(log).into_iter().flatten().collect(),
            None => rows.events.iter().copied().flatten().collect(),
        };
        let own = Before::counted(&own);
        if before.rows.is_empty() {
            before.rows.clone_from(&own);
        }
        let earlier = before.rows.iter().map(|(value, _)| *value);
        let mut running = Running::new(term, rows.values().into_iter().chain(earlier).collect());
        let pay = differences(&rows, &mut running, before, &self.0);
        if !own.is_empty() {
            before.rows = own;
        }
        (pay, 1.0)
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
fn differences(rows: &Rows, running: &mut Running<'_>, before: &Before, order: &[Place]) -> Pay {
    let nothing = before.nothing;
    let mut pay = Pay { events: vec![0.0; rows.events.len()], ends: vec![0.0; rows.users] };
    let mut own = vec![rows.start; rows.users];
    if let Some(start) = rows.start {
        running.add(start, rows.users as f64);
    } else {
        before.rows.iter().for_each(|&(value, count)| running.add(value, count));
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
    use super::super::Reward;
    use super::super::by_distance::DistanceConfig;
    use super::super::mix::{self, MixWeights};
    use super::super::points::Points;
    use super::super::scales::Scales;
    use super::super::tests::{internal, other, statistics, term, totals};
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
                // With and without a last rollout.
                let earlier: Vec<f64> = rows.values().into_iter().take(40).collect();
                let earlier = if tried % 2 == 0 { Before::counted(&earlier) } else { Vec::new() };
                let before = Before { rows: earlier, ..Before::new(ready) };
                let values = || {
                    let earlier = before.rows.iter().map(|(value, _)| *value);
                    rows.values().into_iter().chain(earlier).collect()
                };
                let [fast, slow] = [Running::new, Running::exact]
                    .map(|make| differences(&rows, &mut make(ready, values()), &before, &order));
                let pairs =
                    fast.events.iter().zip(&slow.events).chain(fast.ends.iter().zip(&slow.ends));
                pairs.for_each(|(a, b)| assert!((a - b).abs() < 1e-9, "{}: {a} {b}", feature.name));
                assert!(slow.events.iter().chain(&slow.ends).any(|pay| *pay != 0.0));
                tried += 1;
            }
        }
        assert!(tried >= 90, "{tried}");
    }

    /// All that is earned is the distance of the start less that of the end, whatever the term: of
    /// rows that come, that of the last rollout less that of both together.
    #[test]
    fn the_sum_telescopes() {
        let (log, last, statistics) = (internal(), other(), statistics());
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
            let config = DistanceConfig { terms, ..Default::default() };
            let mut reward = DifferenceReward::new(&config, &statistics).unwrap();
            let first = reward.pay(&last).unwrap();
            let pay = reward.pay(&log).unwrap();
            let sum: f64 = totals(&pay, &log).iter().sum();
            let ready = &reward.scales.ready[0];
            let of = |logs: &[&EventLog]| {
                let rows = |log: &&EventLog| {
                    let rows = Rows::of(ready, log);
                    if rows.moving { rows.finals(log) } else { rows.events }
                };
                let rows: Vec<f64> = logs.iter().flat_map(rows).flatten().collect();
                ready.distance(&Points::of(&rows)).unwrap().unwrap()
            };
            // Counts are defined without events: all users start at 0.
            let (start, end) = match find(feature).unwrap().name {
                "event_count" => {
                    (ready.distance(&Points::of(&[0.0])).unwrap().unwrap(), of(&[&log]))
                }
                _ => (of(&[&last]), of(&[&last, &log])),
            };
            // Above 256 values they are compressed otherwise than the running shares.
            let close = 1e-3 * users * start;
            let expected = users * (start - end);
            assert!((sum - expected).abs() < close, "{feature}: {sum} {expected}");
            if feature != "event_count" {
                // The first comes on top of itself: as it was, only more of it.
                let sum: f64 = totals(&first, &last).iter().sum();
                assert!(sum.abs() < close, "{feature}: {sum}");
            }
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
            let config = DistanceConfig { terms, ..Default::default() };
            let mut reward = DifferenceReward::new(&config, &statistics).unwrap();
            let pay = reward.pay(&many).unwrap();
            let rows = find("log_amount").unwrap().sample(&many).values;
            let ready = &reward.scales.ready[0];
            let start = ready.distance(&Points::of(&rows)).unwrap().unwrap();
            let end = start - pay.events.iter().sum::<f64>() / many.user_count() as f64;
            let own = crate::discrepancy::Weighted::equal(&rows);
            let exact = ready.weighted_distance(own, ready.external.weighted()).unwrap().unwrap();
            assert!((end / exact - 1.0).abs() < 2e-3, "{name}: {end} {exact}");
        }
    }

    /// Users as real ones are, in a rollout like the last: whoever acts first earns what others earn.
    #[test]
    fn acting_first_is_worth_nothing_in_itself() {
        let (log, statistics) = (internal(), statistics());
        let terms = Some(vec![term("log_amount", "energy")]);
        let config = DistanceConfig { terms, ..Default::default() };
        let mut reward = DifferenceReward::new(&config, &statistics).unwrap();
        let _ = reward.pay(&log).unwrap();
        let pay = reward.pay(&log).unwrap();
        let order = in_time_order(&log);
        let largest = |places: &[Place]| {
            places.iter().map(|&(event, _)| pay.events[event].abs()).fold(0.0, f64::max)
        };
        let (first, rest) = order.split_at(order.len() / 10);
        assert!(largest(first) < 4.0 * largest(rest), "{} {}", largest(first), largest(rest));
    }

    /// A resumed run pays to the bit what it would have paid.
    #[test]
    fn the_last_rollout_is_part_of_the_state() {
        let (log, last, statistics) = (internal(), other(), statistics());
        let config = DistanceConfig::default();
        let make = || DifferenceReward::new(&config, &statistics).unwrap();
        let mut reward = make();
        let _ = reward.pay(&last).unwrap();
        let state = reward.state();
        let mut resumed = make();
        resumed.restore(&state).unwrap();
        let paid = |reward: &mut DifferenceReward| totals(&reward.pay(&log).unwrap(), &log);
        let next = paid(&mut resumed);
        assert_eq!(next, paid(&mut reward));
        assert_ne!(next, paid(&mut make()));
        for cut in 0..state.len() {
            assert!(make().restore(&state[..cut]).is_err(), "{cut}");
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
