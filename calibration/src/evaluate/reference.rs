//! The two sides of the noise floor: training and test users, or two halves of the test users.

use std::borrow::Cow;

use trueup_env::{EventLog, Streams};

use super::bootstrap::{Weights, weights};

/// Two disjoint sets of real users with their bootstrap weights.
pub struct Reference<'a> {
    left: Cow<'a, EventLog>,
    right: Cow<'a, EventLog>,
    left_weights: Weights,
    /// None where the right side is the test log.
    right_weights: Option<Weights>,
    /// Weights of the users of the test log.
    pub test_weights: Weights,
}

impl<'a> Reference<'a> {
    /// Train against test; without a training log, a random half of the test users against the
    /// other. The halves' users keep the weights that they have in the test log.
    pub fn new(
        train: Option<&'a EventLog>,
        test: &'a EventLog,
        replicates: usize,
        streams: &Streams,
    ) -> Self {
        let test_weights = weights(test.user_count(), replicates, &streams.child("test", 0));
        if let Some(train) = train {
            return Self {
                left: Cow::Borrowed(train),
                right: Cow::Borrowed(test),
                left_weights: weights(train.user_count(), replicates, &streams.child("train", 0)),
                right_weights: None,
                test_weights,
            };
        }
        let [left, right] = halves(test.user_count(), streams);
        let of = |half: &[usize]| {
            let pick = |all: &Vec<f64>| half.iter().map(|&user| all[user]).collect();
            test_weights.iter().map(pick).collect()
        };
        Self {
            left: Cow::Owned(test.select(&left)),
            right: Cow::Owned(test.select(&right)),
            left_weights: of(&left),
            right_weights: Some(of(&right)),
            test_weights,
        }
    }

    /// The two logs.
    pub fn logs(&self) -> [&EventLog; 2] {
        [&self.left, &self.right]
    }

    /// The weights of their users.
    pub fn weights(&self) -> (&Weights, &Weights) {
        (&self.left_weights, self.right_weights.as_ref().unwrap_or(&self.test_weights))
    }
}

/// A random split of `0..users` in two, each half ascending; the second is larger by one where
/// `users` is odd.
fn halves(users: usize, streams: &Streams) -> [Vec<usize>; 2] {
    let mut order: Vec<usize> = (0..users).collect();
    let mut stream = streams.stream("halves", 0);
    for last in (1..users).rev() {
        order.swap(last, stream.below(last + 1));
    }
    let mut right = order.split_off(users / 2);
    order.sort_unstable();
    right.sort_unstable();
    [order, right]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_a_partition() {
        let [left, right] = halves(11, &Streams::new(1));
        assert_eq!((left.len(), right.len()), (5, 6));
        let mut all = [left.clone(), right].concat();
        all.sort_unstable();
        assert_eq!(all, (0..11).collect::<Vec<_>>());
        assert_ne!(left, halves(11, &Streams::new(2))[0]);
    }
}
