//! Power: how many users it takes to tell two laws apart.
//!
//! **Order.** Distances between two samples of one law are noise. That of Kolmogorov-Smirnov,
//! Wasserstein-1 or a gap of means is of order `1 / sqrt n` ([`Order::Root`]); that of a squared
//! distance (Cramer-von Mises, joint energy, MMD^2) or of a divergence (KL, JS) is of order `1 / n`
//! ([`Order::Squared`]). The two are told apart without noise by diluting the simulated users with
//! real ones: `D((1 - e) Q + e P, Q)` falls like `e` for the first and like `e^2` for the second.
//! All that follows is done on the squared scale, `S = D^2` or `S = D`.
//!
//! **Model.** For n users a side, S is a squared norm: that of the difference of the two laws plus
//! noise. So its mean is `delta + mu / n`, with `mu / n` the mean under equality, and its variance
//! is `v / n^2 + l / n`: the first part that under equality, the second that of the product of the
//! difference and the noise. A test at level 0.05 calls the two apart where S is above the 95%
//! quantile under equality, `c / n`. All of this is measured at the sizes at hand: mu, v and c on
//! random relabellings of the users ([`permutation`](super::permutation)), l as what the bootstrap
//! variance has more than v. At t times as many users the power is `1 - beta` where
//!
//! ```text
//! delta t + mu - c = z sqrt(v + l t),    z the 1 - beta quantile of the normal law,
//! ```
//!
//! a quadratic in t (delta, mu, c, v, l at the sizes at hand). Two sides of n and m users tell as
//! much as two of `2 n m / (n + m)`. For a gap of means this is close to the textbook
//! `N = 2 (1.960 + 0.842)^2 sd^2 / gap^2`. It is an estimate for the difference that was seen: next
//! to the floor that difference is mostly noise, and so is the number.

use super::bootstrap::{Measured, quantile};
use super::permutation::{Null, pooled};
use crate::discrepancy::Discrepancy;
use crate::sample::Sample;

/// Level of the test whose power is meant.
pub const LEVEL: f64 = 0.05;
/// The power that is asked for.
pub const POWER: f64 = 0.8;
/// The 80% quantile of the standard normal law.
const Z_OF_POWER: f64 = 0.841_621_233_572_914;
/// Numbers of users beyond this are not stated.
const MOST_USERS: f64 = 1e9;

/// How a distance between two samples of one law shrinks as they grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As 1 / sqrt n.
    Root,
    /// As 1 / n.
    Squared,
}

/// Users a side, and groups of them, that the order is judged on.
const SOME: usize = 100;
const GROUPS: usize = 5;

impl Order {
    /// The order of a discrepancy, by the majority of a few small groups of users of two samples;
    /// `Root` where none can be measured.
    pub fn of(discrepancy: &dyn Discrepancy, left: &Sample, right: &Sample) -> Self {
        let orders = (0..GROUPS).filter_map(|group| {
            let [left, right] = [left, right].map(|side| some_users(side, group));
            dilution(discrepancy, &left, &right)
        });
        let (squared, all) = orders.fold((0, 0), |(squared, all), ratio| {
            // 2 for the one order and 4 for the other: the border is their geometric mean.
            (squared + usize::from(ratio > 8.0_f64.sqrt()), all + 1)
        });
        if 2 * squared > all { Self::Squared } else { Self::Root }
    }

    /// A value on the squared scale.
    pub fn square(self, value: f64) -> f64 {
        match self {
            Self::Root => value * value,
            Self::Squared => value,
        }
    }
}

/// The users `group`, `group + GROUPS`, ... of a sample, at most [`SOME`] of them.
fn some_users(sample: &Sample, group: usize) -> Sample {
    let number = |user: u32| {
        let user = user as usize;
        let chosen = user % GROUPS == group && user / GROUPS < SOME;
        chosen.then_some((user / GROUPS) as u32)
    };
    let rows = || (0..sample.rows()).filter(|&row| number(sample.user[row]).is_some());
    Sample {
        values: rows().flat_map(|row| sample.row(row).iter().copied()).collect(),
        user: rows().filter_map(|row| number(sample.user[row])).collect(),
        users: (sample.users + GROUPS - 1 - group).div_euclid(GROUPS).min(SOME),
        ..sample.clone()
    }
}

/// `D(1/2 P + 1/2 Q, Q) / D(1/4 P + 3/4 Q, Q)`.
fn dilution(discrepancy: &dyn Discrepancy, left: &Sample, right: &Sample) -> Option<f64> {
    let both = pooled(left, right)?;
    let prepared = discrepancy.prepare(&both, &both).ok()?;
    let (n, m) = (left.users, right.users);
    let real: Vec<f64> = (0..n + m).map(|user| if user < n { 0.0 } else { 1.0 }).collect();
    let value = |share: f64| {
        let own = |&real: &f64| {
            if real > 0.0 { (1.0 - share) / m as f64 } else { share / n as f64 }
        };
        prepared.value(&real.iter().map(own).collect::<Vec<f64>>(), &real)
    };
    let (half, quarter) = (value(0.5)?, value(0.25)?);
    (quarter > 0.0).then_some(half / quarter)
}

/// `n m / (n + m)` of the users of two sides: what the noise between them shrinks with. `most` is the
/// number that a discrepancy compares at most.
pub fn effective([internal, external]: [usize; 2], most: Option<usize>) -> f64 {
    let [n, m] = [internal, external].map(|n| n.min(most.unwrap_or(n)) as f64);
    if n + m > 0.0 { n * m / (n + m) } else { 0.0 }
}

/// Users a side at which a permutation test at level [`LEVEL`] finds the difference with
/// probability [`POWER`]. None where the value is not above what it is under equality on average,
/// or beyond 1e9. `users` are those of the two sides; `most` as in [`effective`].
pub fn users_needed(
    order: Order,
    null: &Null,
    bootstrap: &Measured,
    users: [usize; 2],
    most: Option<usize>,
) -> Option<u64> {
    let equal = Moments::of(order, &null.permuted)?;
    let delta = order.square(null.value) - equal.mean;
    if delta.is_nan() || delta <= 0.0 {
        return None;
    }
    let in_pool = most.map_or(1.0, |most| (most as f64 / (users[0] + users[1]) as f64).min(1.0));
    let size = in_pool * effective(users, None);
    // The bootstrap has its own number of users where the pool holds only a part of them.
    let ratio = effective(users, most) / size;
    let spread = Moments::of(order, &bootstrap.replicates)?.variance;
    let seen = order.square(bootstrap.value);
    // The noise in the value counts as difference in the bootstrap: take its share off.
    let share = if seen > 0.0 { (delta / order.square(null.value)).clamp(0.0, 1.0) } else { 0.0 };
    let linear = (spread - equal.variance / (ratio * ratio)).max(0.0) * ratio * share;
    let times = growth(delta, equal.critical - equal.mean, equal.variance, linear)?;
    // Two sides of N users have N / 2.
    let needed = (2.0 * times * size).ceil().max(2.0);
    (needed <= MOST_USERS).then_some(needed as u64)
}

/// The t at which `delta t - k = z sqrt(v + l t)`.
fn growth(delta: f64, k: f64, v: f64, l: f64) -> Option<f64> {
    let z2 = Z_OF_POWER * Z_OF_POWER;
    let half = delta * k + z2 * l / 2.0;
    let root = (half * half - delta * delta * (k * k - z2 * v)).max(0.0).sqrt();
    let times = (half + root) / (delta * delta);
    (times.is_finite() && times > 0.0).then_some(times)
}

/// What a list of values is like on the squared scale.
struct Moments {
    mean: f64,
    variance: f64,
    /// Quantile of 1 - [`LEVEL`].
    critical: f64,
}

impl Moments {
    fn of(order: Order, values: &[Option<f64>]) -> Option<Self> {
        let mut squares: Vec<f64> = values.iter().flatten().map(|&v| order.square(v)).collect();
        squares.sort_by(f64::total_cmp);
        let n = squares.len() as f64;
        let mean = squares.iter().sum::<f64>() / n;
        let variance = squares.iter().map(|s| (s - mean) * (s - mean)).sum::<f64>() / n;
        Some(Self { mean, variance, critical: quantile(&squares, 1.0 - LEVEL)? })
    }
}

#[cfg(test)]
#[path = "power_tests.rs"]
mod tests;
