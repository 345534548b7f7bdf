//! The leave-one-out reward: each row is paid by how much worse the distance would be without it.
//!
//! `users x weight x (D(P without the row) - D(P))`, the difference reward of cooperating agents
//! (Wolpert and Tumer, *Optimal payoff functions for members of collectives*, Advances in Complex
//! Systems 4, 2001), with the root of D where it is a square. Row x is `P without x =
//! P + (P - x) / (rows - 1)`, so that `(rows - 1) (D(P without x) - D(P))` tends to the centred
//! witness `w(x) - mean_P w` as there are more rows: the same reward, but exact, without a witness,
//! and fair to the last row as to the first. Rows per user turn rows into users.
//!
//! Event features: paid at the event. User features: a user's one row is compared with the row of
//! a user who has done nothing (or with no row, where the feature is then not defined), and the pay
//! is spread over his events: at each, what moving his row there takes off the distance, the rows
//! of all others being where they end. It adds up to `D(P had he done nothing) - D(P)`. Features
//! that need all events of a user: the same sum, at the end of the window. Without any row, D is
//! taken as [`super::difference`] takes it.
//!
//! With under [`MIN_ROWS_PER_USER`] rows per user, pay is less in proportion, as the witness's is.
//!
//! Cost: two changes of a running distance (`running.rs`) for each distinct row or each step of a user.

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trueup_env::EventLog;

use super::mix::{self, MixWeights};
use super::rows::Rows;
use super::running::Running;
use super::scales::Scales;
use super::term::Ready;
use super::witness::MIN_ROWS_PER_USER;
use super::{Pay, Reward, RewardError, Term, default_terms};
use crate::statistics::Statistics;

/// Name in configs and results.
pub const NAME: &str = "leave-one-out";

/// Options of the leave-one-out reward.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LeaveOneOutConfig {
    /// What to optimise; by default amounts, times and kinds, a discrepancy each. Any discrepancy with a value on shares will
    /// do.
    pub terms: Option<Vec<Term>>,
    /// How the weights of the terms are set: `fixed`, `floor` or `adaptive`.
    pub weights: MixWeights,
    /// Learning rate of adaptive weights, in (0, 10].
    pub rate: f64,
}

impl Default for LeaveOneOutConfig {
    fn default() -> Self {
        Self { terms: None, weights: MixWeights::default(), rate: mix::RATE }
    }
}

/// The reward.
pub struct LeaveOneOutReward {
    scales: Scales,
    /// The distance of nothing, one a term.
    nothing: Vec<f64>,
}

impl LeaveOneOutReward {
    /// Makes the reward from external statistics.
    ///
    /// # Errors
    /// Unknown or unmeasured features, and discrepancies without a value on weighted rows.
    pub fn new(config: &LeaveOneOutConfig, statistics: &Statistics) -> Result<Self, RewardError> {
        let terms = config.terms.clone().unwrap_or_else(|| default_terms(statistics));
        let scales = Scales::new(NAME, terms, statistics, (config.weights, config.rate))?;
        let nothing = scales.ready.iter().map(Ready::of_nothing).collect();
        Ok(Self { scales, nothing })
    }
}

impl Reward for LeaveOneOutReward {
    fn name(&self) -> &'static str {
        NAME
    }

    fn terms(&self) -> &[Term] {
        &self.scales.terms
    }

    fn pay(&mut self, internal: &EventLog) -> Result<Pay, RewardError> {
        let weighed = self.scales.weigh(internal)?;
        let users = internal.user_count() as f64;
        let terms = self.scales.ready.par_iter().zip(&self.nothing).zip(&weighed);
        let pays: Vec<Pay> = terms
            .map(|((term, &nothing), weighed)| {
                let rows = Rows::of(term, internal);
                let mut without = Without { running: Running::new(term, rows.values()), nothing };
                let pay = if rows.moving {
                    without.moving(&rows, internal)
                } else {
                    without.standing(&rows)
                };
                let per_user = rows.per_user(internal);
                let rare = per_user / per_user.max(MIN_ROWS_PER_USER);
                pay.times(weighed.weight * users * rare)
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

/// The distance without a row, or with it elsewhere.
struct Without<'a> {
    running: Running<'a>,
    nothing: f64,
}

impl Without<'_> {
    fn distance(&self) -> f64 {
        self.running.distance().unwrap_or(self.nothing)
    }

    /// The distance with one more row, which then leaves again.
    fn with(&mut self, row: Option<f64>) -> f64 {
        let Some(x) = row else { return self.distance() };
        self.running.add(x, 1.0);
        let distance = self.distance();
        self.running.add(x, -1.0);
        distance
    }

    /// Rows of events: D without the row less D, computed once for equal rows.
    fn standing(&mut self, rows: &Rows) -> Pay {
        let mut order: Vec<(f64, usize)> = Vec::new();
        for (event, row) in rows.events.iter().enumerate() {
            order.extend(row.map(|x| (x, event)));
        }
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        order.iter().for_each(|(x, _)| self.running.add(*x, 1.0));
        let now = self.distance();
        let mut events = vec![0.0; rows.events.len()];
        // Rows are ascending, so those that count alike stand together.
        let mut alike: Vec<&[(f64, usize)]> = Vec::new();
        alike.extend(order.chunk_by(|a, b| self.running.same(a.0, b.0)));
        for equal in alike {
            self.running.add(equal[0].0, -1.0);
            let paid = self.distance() - now;
            self.running.add(equal[0].0, 1.0);
            equal.iter().for_each(|&(_, event)| events[event] = paid);
        }
        Pay { events, ends: vec![0.0; rows.users] }
    }

    /// Rows of users: what each step of a row takes off the distance, the others being at their
    /// ends.
    fn moving(&mut self, rows: &Rows, log: &EventLog) -> Pay {
        let steps = |user: usize| &rows.events[log.offsets()[user]..log.offsets()[user + 1]];
        let ends = rows.finals(log);
        ends.iter().flatten().for_each(|&x| self.running.add(x, 1.0));
        let mut pay = Pay { events: Vec::with_capacity(rows.events.len()), ends: Vec::new() };
        for (user, last) in ends.into_iter().enumerate() {
            last.into_iter().for_each(|x| self.running.add(x, -1.0));
            let (mut from, mut before) = (rows.start, None);
            let mut step = |without: &mut Self, to: Option<f64>| {
                let alike = from.zip(to).is_some_and(|(a, b)| without.running.same(a, b));
                if alike || from == to {
                    return 0.0;
                }
                let then = before.unwrap_or_else(|| without.with(from));
                let now = without.with(to);
                (from, before) = (to, Some(now));
                then - now
            };
            if rows.ends.is_some() {
                pay.events.extend(steps(user).iter().map(|_| 0.0));
                pay.ends.push(step(self, last));
            } else {
                for to in steps(user) {
                    pay.events.push(step(self, *to));
                }
                pay.ends.push(0.0);
            }
            last.into_iter().for_each(|x| self.running.add(x, 1.0));
        }
        pay
    }
}

#[cfg(test)]
mod tests {
    use super::super::points::Points;
    use super::super::tests::{internal, log, statistics, term, totals};
    use super::super::witness::{WitnessConfig, WitnessReward};
    use super::*;
    use crate::features::find;

    fn reward(feature: &str, discrepancy: &str) -> LeaveOneOutReward {
        let terms = Some(vec![term(feature, discrepancy)]);
        let config = LeaveOneOutConfig { terms, ..Default::default() };
        LeaveOneOutReward::new(&config, &statistics()).unwrap()
    }

    /// Every row against two whole computations of the distance.
    #[test]
    fn each_row_is_left_out() {
        let log = internal();
        for (feature, discrepancy) in [
            ("log_amount", "cramer-von-mises"),
            ("gap", "wasserstein-1"),
            ("kind", "total-variation"),
            ("log_amount", "kolmogorov-smirnov"),
        ] {
            let mut reward = reward(feature, discrepancy);
            let pay = reward.pay(&log).unwrap();
            let ready = &reward.scales.ready[0];
            let rows = Rows::of(ready, &log).events;
            let distance = |left_out: Option<usize>| {
                let kept = rows.iter().enumerate().filter(|(i, _)| Some(*i) != left_out);
                let kept: Vec<f64> = kept.filter_map(|(_, row)| *row).collect();
                let points = if feature == "kind" {
                    let count = |kind| kept.iter().filter(|x| **x == kind).count() as f64;
                    Points::of_counts(&[count(0.0), count(1.0)])
                } else {
                    Points::of(&kept)
                };
                ready.distance(&points).unwrap().unwrap()
            };
            let now = distance(None);
            for event in (0..rows.len()).step_by(23) {
                let paid = if rows[event].is_some() { distance(Some(event)) - now } else { 0.0 };
                let users = log.user_count() as f64;
                assert!((pay.events[event] - users * paid).abs() < 1e-8, "{feature} {event}");
            }
        }
    }

    /// A user is worth the distance had he done nothing, less the distance.
    #[test]
    fn users_are_compared_with_users_who_did_nothing() {
        let log = internal();
        let mut reward = reward("event_count", "energy");
        let paid = totals(&reward.pay(&log).unwrap(), &log);
        let counts = find("event_count").unwrap().sample(&log).values;
        let ready = &reward.scales.ready[0];
        let distance = |counts: &[f64]| ready.distance(&Points::of(counts)).unwrap().unwrap();
        for user in (0..log.user_count()).step_by(7) {
            let mut other = counts.clone();
            other[user] = 0.0;
            let expected = log.user_count() as f64 * (distance(&other) - distance(&counts));
            assert!((paid[user] - expected).abs() < 1e-8, "{user}: {} {expected}", paid[user]);
        }
    }

    /// With four times the users, the pay is clearly nearer to that of the witness. The witness of a root is levelled off at sqrt(D + 0.3 / users), which is taken out here.
    #[test]
    fn tends_to_the_witness() {
        for (feature, discrepancy) in
            [("log_amount", "cramer-von-mises"), ("gap", "energy"), ("event_count", "moments")]
        {
            let worst = |users: u32| {
                let log = log(users, 0.11, 8.0, 0.3, 1);
                let mut own = reward(feature, discrepancy);
                let paid = totals(&own.pay(&log).unwrap(), &log);
                let terms = Some(vec![term(feature, discrepancy)]);
                let config = WitnessConfig { terms, ..Default::default() };
                let mut witness = WitnessReward::new(&config, &statistics()).unwrap();
                let wanted = totals(&witness.pay(&log).unwrap(), &log);
                let with_rows = find(feature).unwrap().sample(&log).users_with_rows() as f64;
                let square = own.discrepancy().powi(2);
                let level = ((square + 0.3 / with_rows) / square).sqrt();
                let largest = wanted.iter().fold(0.0_f64, |a, b| a.max(b.abs())) * level;
                let gaps = paid.iter().zip(&wanted).map(|(a, b)| (a - b * level).abs());
                gaps.fold(0.0, f64::max) / largest
            };
            let [few, many] = [worst(200), worst(800)];
            assert!(many < 0.03 && many < 0.6 * few, "{feature}: {few} then {many}");
        }
    }
}
