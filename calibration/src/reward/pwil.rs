//! PWIL: rows are matched greedily with external mass as they come, and paid by how near it is.
//!
//! Primal Wasserstein imitation learning (Dadashi, Hussenot, Geist and Pietquin, ICLR 2021), feature
//! by feature. A row of n has the mass 1 / n. It takes the nearest external mass that no earlier row
//! has taken until it has its fill, at the cost c, the mean distance of what it took: in external
//! standard deviations for numbers, 0 or 1 (another category) for categories. Its reward is
//! `r = exp(-sharpness c)`, 1 for a row that is where real ones are. The coupling is a transport of
//! all mass, so that the mean cost is at least Wasserstein-1 (total variation for categories).
//!
//! A row is paid `weight (r - mean r) / rows per user`. The published reward has a fixed number of
//! rows an episode and pays r; where users choose how often to act, that would pay for acting.
//!
//! Rows come in time order (by tick, then by user) and are paid at the event. User features have
//! one row a user, which is known at the end of the window: they come by user and are paid there.
//! Nothing is remembered from one rollout to the next. Cost: n log m for n rows and m external
//! values.

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trueup_env::EventLog;

use super::check;
use super::difference::in_time_order;
use super::mix::{self, MixWeights};
use super::plain;
use super::points::Points;
use super::rows::Rows;
use super::scales::Scales;
use super::term::Ready;
use super::witness::MIN_ROWS_PER_USER;
use super::{Pay, Reward, RewardError, Term};
use crate::statistics::Statistics;

/// Name in configs and results.
pub const NAME: &str = "pwil";

/// Options of PWIL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PwilConfig {
    /// The features to match, numbers or categories; none means those of the default terms.
    #[schemars(schema_with = "crate::schema::plain_features")]
    pub features: Option<Vec<String>>,
    /// How quickly the reward falls with the cost, per external standard deviation; in (0, 100].
    pub sharpness: f64,
}

impl Default for PwilConfig {
    fn default() -> Self {
        Self { features: None, sharpness: 5.0 }
    }
}

/// The reward.
pub struct PwilReward {
    scales: Scales,
    sharpness: f64,
}

impl PwilReward {
    /// Makes the reward from external statistics.
    ///
    /// # Errors
    /// Features that are unknown, not measured, or no single numbers or categories.
    pub fn new(config: &PwilConfig, statistics: &Statistics) -> Result<Self, RewardError> {
        check::sharpness(config.sharpness)?;
        let terms = plain::terms(config.features.as_deref(), statistics)?;
        let scales = Scales::new(NAME, terms, statistics, (MixWeights::Fixed, mix::RATE))?;
        Ok(Self { scales, sharpness: config.sharpness })
    }
}

impl Reward for PwilReward {
    fn name(&self) -> &'static str {
        NAME
    }

    fn terms(&self) -> &[Term] {
        &self.scales.terms
    }

    fn pay(&mut self, internal: &EventLog) -> Result<Pay, RewardError> {
        self.scales.weigh(internal)?;
        let order: Vec<usize> = in_time_order(internal).iter().map(|place| place.0).collect();
        let one = |term: &Ready| matched(term, internal, &order, self.sharpness);
        Ok(Pay::sum(internal, self.scales.ready.par_iter().map(one).collect()))
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

/// What one term pays.
fn matched(term: &Ready, log: &EventLog, order: &[usize], sharpness: f64) -> Pay {
    let rows = Rows::of(term, log);
    // (place in the pay, row), in the order in which rows come.
    let come: Vec<(usize, f64)> = if rows.moving {
        let ends = rows.finals(log);
        ends.into_iter().enumerate().filter_map(|(user, row)| Some((user, row?))).collect()
    } else {
        order.iter().filter_map(|&event| Some((event, rows.events[event]?))).collect()
    };
    let costs = coupled(term, come.iter().map(|(_, row)| *row), come.len());
    let rewards: Vec<f64> = costs.iter().map(|cost| (-sharpness * cost).exp()).collect();
    let mean = rewards.iter().sum::<f64>() / rewards.len().max(1) as f64;
    let per_user = come.len() as f64 / rows.users.max(1) as f64;
    let factor = term.weight / per_user.max(MIN_ROWS_PER_USER);
    let mut pay = Pay { events: vec![0.0; rows.events.len()], ends: vec![0.0; rows.users] };
    let places = if rows.moving { &mut pay.ends } else { &mut pay.events };
    for ((place, _), reward) in come.iter().zip(rewards) {
        places[*place] = factor * (reward - mean);
    }
    pay
}

/// The cost of each of `count` rows.
fn coupled(term: &Ready, rows: impl Iterator<Item = f64>, count: usize) -> Vec<f64> {
    let mut left = Left::new(&term.external);
    let share = 1.0 / count.max(1) as f64;
    let sd = term.external.mean_and_sd().1;
    let take = |x: f64| {
        if term.on_categories() {
            return left.take_category(x as usize, share) / share;
        }
        left.take(x, share) / (share * if sd > 0.0 { sd } else { 1.0 })
    };
    rows.map(take).collect()
}

/// External mass that nobody has taken yet.
struct Left {
    values: Vec<f64>,
    mass: Vec<f64>,
    /// The nearest place at or above that has mass, once followed to its end; one more than places.
    up: Vec<usize>,
    /// The same at or below, counted from 1; 0 is the end.
    down: Vec<usize>,
}

/// Follows links to their end, and shortens them on the way.
fn follow(links: &mut [usize], from: usize) -> usize {
    let mut end = from;
    while links[end] != end {
        end = links[end];
    }
    let mut at = from;
    while links[at] != end {
        at = std::mem::replace(&mut links[at], end);
    }
    end
}

impl Left {
    fn new(external: &Points) -> Self {
        let places = external.values.len();
        let mut left = Self {
            values: external.values.clone(),
            mass: external.weights.clone(),
            up: (0..=places).collect(),
            down: (0..=places).collect(),
        };
        (0..places).filter(|&i| external.weights[i] <= 0.0).for_each(|i| left.close(i));
        left
    }

    /// Nothing is left at a place.
    fn close(&mut self, place: usize) {
        self.mass[place] = 0.0;
        self.up[place] = place + 1;
        self.down[place + 1] = place;
    }

    /// Takes up to `wanted` at a place; returns how much it was.
    fn take_at(&mut self, place: usize, wanted: f64) -> f64 {
        let taken = self.mass[place].min(wanted);
        self.mass[place] -= taken;
        // What rounding leaves is no mass.
        if self.mass[place] < 1e-15 {
            self.close(place);
        }
        taken
    }

    /// Takes the nearest mass; returns the sum of mass times distance.
    fn take(&mut self, x: f64, mut wanted: f64) -> f64 {
        let places = self.values.len();
        let start = self.values.partition_point(|value| *value < x);
        let mut cost = 0.0;
        while wanted > 1e-15 {
            let above = follow(&mut self.up, start);
            let below = follow(&mut self.down, start).checked_sub(1);
            let nearest = match (below, above < places) {
                (Some(below), true) if x - self.values[below] <= self.values[above] - x => below,
                (_, true) => above,
                (Some(below), false) => below,
                (None, false) => break,
            };
            let taken = self.take_at(nearest, wanted);
            wanted -= taken;
            cost += taken * (x - self.values[nearest]).abs();
        }
        cost
    }

    /// Takes mass of the category, then of those that have most left; returns the mass of others.
    fn take_category(&mut self, category: usize, mut wanted: f64) -> f64 {
        if category < self.mass.len() {
            wanted -= self.take_at(category, wanted);
        }
        let cost = wanted;
        while wanted > 1e-15 {
            let most =
                (0..self.mass.len()).rev().max_by(|&a, &b| self.mass[a].total_cmp(&self.mass[b]));
            match most.filter(|&most| self.mass[most] > 0.0) {
                Some(most) => wanted -= self.take_at(most, wanted),
                None => break,
            }
        }
        cost
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{internal, statistics, term};
    use super::*;
    use crate::discrepancy::{Weighted, wasserstein};

    fn ready(feature: &str, discrepancy: &str) -> Ready {
        let terms = vec![term(feature, discrepancy)];
        let weights = (MixWeights::Fixed, mix::RATE);
        Scales::new(NAME, terms, &statistics(), weights).unwrap().ready.remove(0)
    }

    /// Two rows of 1/2 each against thirds at 0, 1 and 5 (sd 2.16): the row at 0.9 takes the third
    /// at 1 and a sixth at 0, the row at 0 the sixth left there and the third at 5.
    #[test]
    fn costs_by_hand() {
        let mut term = ready("gap", "wasserstein-1");
        term.external = Points { values: vec![0.0, 1.0, 5.0], weights: vec![1.0 / 3.0; 3] };
        let sd = (26.0_f64 / 3.0 - 4.0).sqrt();
        let costs = coupled(&term, [0.9, 0.0].into_iter(), 2);
        let expected = [2.0 * (0.1 / 3.0 + 0.9 / 6.0) / sd, 2.0 * (5.0 / 3.0) / sd];
        assert!(costs.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{costs:?}");
        // Of three categories: the second row of category 0 finds half of its mass gone.
        let mut term = ready("kind", "total-variation");
        term.external = Points { values: vec![0.0, 1.0, 2.0], weights: vec![0.375, 0.25, 0.375] };
        let costs = coupled(&term, [0.0, 0.0, 1.0, 2.0].into_iter(), 4);
        assert!(
            costs.iter().zip([0.0, 0.5, 0.0, 0.0]).all(|(a, b)| (a - b).abs() < 1e-12),
            "{costs:?}"
        );
    }

    /// The coupling moves all mass, so its mean cost is at least Wasserstein-1; rows drawn as a
    /// comb of the external law cost next to nothing.
    #[test]
    fn the_mean_cost_is_an_upper_bound_of_wasserstein() {
        let log = internal();
        for feature in ["log_amount", "gap", "event_count"] {
            let term = ready(feature, "wasserstein-1");
            let rows = crate::features::find(feature).unwrap().sample(&log).values;
            let costs = coupled(&term, rows.iter().copied(), rows.len());
            let mean = costs.iter().sum::<f64>() / costs.len() as f64;
            let least = wasserstein::distance(Weighted::equal(&rows), term.external.weighted());
            let least = least.unwrap() / term.external.mean_and_sd().1;
            assert!(mean >= least - 1e-9 && mean < 3.0 * least, "{feature}: {mean} {least}");
            let grid = statistics();
            let crate::statistics::Form::Grid(grid) = &grid.feature(feature).unwrap().form else {
                unreachable!()
            };
            let comb: Vec<f64> =
                (0..64).map(|i| grid.quantile((f64::from(i) + 0.5) / 64.0)).collect();
            let costs = coupled(&term, comb.into_iter(), 64);
            assert!(costs.iter().sum::<f64>() / 64.0 < 0.1 * mean, "{feature}");
        }
    }

    #[test]
    fn pay_is_centred_and_kind_to_rows_where_real_ones_are() {
        let log = internal();
        let features = Some(vec!["log_amount".into()]);
        let config = PwilConfig { features, ..Default::default() };
        let mut reward = PwilReward::new(&config, &statistics()).unwrap();
        let pay = reward.pay(&log).unwrap();
        let scale = pay.events.iter().fold(0.0_f64, |most, pay| most.max(pay.abs()));
        assert!(pay.events.iter().sum::<f64>().abs() < 1e-10 * scale);
        // Amounts of 16 are common among the real users, the largest ones do not exist there.
        let mean = |keep: &dyn Fn(f64) -> bool| {
            let kept = log.events().iter().zip(&pay.events).filter(|(event, _)| keep(event.amount));
            let kept: Vec<f64> = kept.map(|(_, pay)| *pay).collect();
            kept.iter().sum::<f64>() / kept.len() as f64
        };
        assert!(mean(&|amount| amount < 9.0) < 0.0 && mean(&|amount| amount > 20.0) > 0.0);
        let config = PwilConfig { sharpness: 0.0, ..Default::default() };
        assert!(PwilReward::new(&config, &statistics()).is_err());
        let config =
            PwilConfig { features: Some(vec!["amount_pair".into()]), ..Default::default() };
        assert!(PwilReward::new(&config, &statistics()).is_err());
    }
}
