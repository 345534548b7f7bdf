//! Which side simulated users are closer to.
//!
//! If the simulation has not seen which real users were training users, the real user closest to a
//! simulated one is a training user with probability `expected`, the share of training users among
//! the real ones: 1/2 where both sides have as many. A simulated user as close to one side as to the
//! other counts for `expected`.
//!
//! The p-value asks how often a random relabelling of the real users gives as large a share. It is
//! exact for independent users and no ties, because labels are then exchangeable and the closest
//! user does not depend on them; it keeps to the fact that one real user may be closest to many
//! simulated ones. Users that are alike are relabelled as one, which makes it larger. The interval
//! is a bootstrap over simulated, training and held-out users, the closest ones held fixed.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use trueup_env::Streams;

use super::{Estimate, PrivacyConfig};
use crate::evaluate::bootstrap::quantile;
use crate::neighbours::Nearest;

/// Which side some simulated users are closer to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Closeness {
    /// Number of simulated users that were looked at.
    pub users: usize,
    /// The share that is closer to a training user than to any held-out one; `expected` where
    /// nobody was looked at.
    pub share: Estimate,
    /// The share that is to be expected of a simulation that repeats nobody.
    pub expected: f64,
    /// How often chance gives a share as large.
    pub p_value: f64,
}

/// The closest real user of each simulated user.
pub(super) struct Pooled {
    /// Squared distance.
    square: Vec<f32>,
    /// Training users first, held-out users counted on from the last; none where both sides are as
    /// close.
    closest: Vec<Option<u32>>,
    /// Numbers of training and held-out users.
    sides: [usize; 2],
}

impl Pooled {
    pub(super) fn of(train: &[Nearest], holdout: &[Nearest], sides: [usize; 2]) -> Self {
        let closest = |(t, h): (&Nearest, &Nearest)| match t.first.total_cmp(&h.first) {
            std::cmp::Ordering::Less => Some(t.row),
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Greater => Some(h.row + sides[0] as u32),
        };
        let pairs = || train.iter().zip(holdout);
        Self {
            square: pairs().map(|(t, h)| t.first.min(h.first)).collect(),
            closest: pairs().map(closest).collect(),
            sides,
        }
    }

    /// The simulated users that come nearest to any real user.
    pub(super) fn nearest(&self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.square.len()).collect();
        order.sort_by(|&a, &b| self.square[a].total_cmp(&self.square[b]));
        order.truncate(count);
        order
    }

    /// The simulated users that are equal to a real user.
    pub(super) fn equal(&self) -> Vec<usize> {
        (0..self.square.len()).filter(|&user| self.square[user] == 0.0).collect()
    }

    fn expected(&self) -> f64 {
        self.sides[0] as f64 / (self.sides[0] + self.sides[1]) as f64
    }

    /// What a simulated user adds to the share: 1, 0, or `expected` where there is a tie.
    fn closer(&self, user: usize) -> f64 {
        let train = |real: u32| f64::from(u8::from((real as usize) < self.sides[0]));
        self.closest[user].map_or(self.expected(), train)
    }

    /// The share among the given simulated users.
    pub(super) fn closeness(
        &self,
        users: &[usize],
        config: &PrivacyConfig,
        streams: &Streams,
    ) -> Closeness {
        let expected = self.expected();
        let n = users.len();
        if n == 0 {
            let share = Estimate { value: expected, interval: [0.0, 1.0] };
            return Closeness { users: 0, share, expected, p_value: 1.0 };
        }
        let value = users.iter().map(|&user| self.closer(user)).sum::<f64>() / n as f64;
        let replicate = |i: usize| self.replicate(users, streams, i);
        let replicates: Vec<Option<f64>> =
            (0..config.replicates).into_par_iter().map(replicate).collect();
        let mut sorted: Vec<f64> = replicates.into_iter().flatten().collect();
        sorted.sort_by(f64::total_cmp);
        let interval = [0.025, 0.975].map(|p| quantile(&sorted, p).unwrap_or(value));
        let p_value = self.p_value(users, config.relabellings, streams);
        Closeness { users: n, share: Estimate { value, interval }, expected, p_value }
    }

    /// The share when simulated and real users are drawn again.
    fn replicate(&self, users: &[usize], streams: &Streams, index: usize) -> Option<f64> {
        let draw = |side: &str, count: usize| {
            let mut stream = streams.stream(side, index as u64);
            let mut weights = vec![0.0; count];
            (0..count).for_each(|_| weights[stream.below(count)] += 1.0);
            weights
        };
        let simulated = draw("simulated", users.len());
        let mut real = draw("training", self.sides[0]);
        real.extend(draw("held out", self.sides[1]));
        let (mut sum, mut total) = (0.0, 0.0);
        for (&user, weight) in users.iter().zip(simulated) {
            let of_real = |real_user: u32| real.get(real_user as usize).copied().unwrap_or(0.0);
            let weight = weight * self.closest[user].map_or(1.0, of_real);
            sum += weight * self.closer(user);
            total += weight;
        }
        (total > 0.0).then(|| sum / total)
    }

    /// How often labels that are dealt out at random give as many closer to training users.
    fn p_value(&self, users: &[usize], relabellings: usize, streams: &Streams) -> f64 {
        let mut closest: Vec<u32> = users.iter().filter_map(|&user| self.closest[user]).collect();
        closest.sort_unstable();
        let counts: Vec<u64> =
            closest.chunk_by(|a, b| a == b).map(|equal| equal.len() as u64).collect();
        let train = self.sides[0] as u32;
        let found = closest.iter().filter(|&&real| real < train).count() as u64;
        let all = self.sides[0] + self.sides[1];
        let as_large = |index: usize| {
            let mut stream = streams.stream("labels", index as u64);
            let (mut sum, mut labels) = (0, self.sides[0]);
            for (dealt, count) in counts.iter().enumerate() {
                // Cards without replacement: so many training labels are left among so many users.
                if stream.below(all - dealt) < labels {
                    labels -= 1;
                    sum += count;
                }
            }
            sum >= found
        };
        let hits = (0..relabellings).into_par_iter().filter(|&index| as_large(index)).count();
        (1 + hits) as f64 / (1 + relabellings) as f64
    }
}
