//! The two sides of the noise floor: training and test users, or two halves of the test users.

use std::borrow::Cow;

use trueup_env::{EventLog, Streams};

use super::bootstrap::{Weights, weights};
use crate::sample::Sample;

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
    /// other. The halves' users keep the weights that they have in the test log. `samples` are the
    /// features of the test users: where the second half happens to be all alike in one of them, or the
    /// first has nothing of it, there is no floor of it, and other halves are drawn.
    pub fn new(
        train: Option<&'a EventLog>,
        test: &'a EventLog,
        samples: &[Sample],
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
        let drawn = (0..DRAWS).map(|draw| halves(test.user_count(), draw, streams));
        let mut least = (usize::MAX, [Vec::new(), Vec::new()]);
        for halves in drawn {
            let [left, _] = &halves;
            let flaws = samples.iter().filter(|sample| is_flawed(sample, left)).count();
            if flaws < least.0 {
                least = (flaws, halves);
            }
            if flaws == 0 {
                break;
            }
        }
        let [left, right] = least.1;
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

/// The most pairs of halves that are drawn.
const DRAWS: u64 = 32;

/// Whether a feature that users differ in has no floor between these halves, of which the first is
/// given, ascending.
fn is_flawed(sample: &Sample, left: &[usize]) -> bool {
    let is_left = |user: u32| left.binary_search(&(user as usize)).is_ok();
    let one = sample.values.get(..sample.width.max(1));
    let (mut on_left, mut right, mut spread) = (false, None, false);
    for (values, &user) in sample.values.chunks_exact(sample.width.max(1)).zip(&sample.user) {
        spread |= Some(values) != one;
        match is_left(user) {
            true => on_left = true,
            false if *right.get_or_insert(values) != values => right = Some(&[]),
            false => {}
        }
        // Rows that are unlike each other never equal the empty row.
        if on_left && right == Some(&[]) {
            return false;
        }
    }
    spread
}

/// A random split of `0..users` in two, each half ascending; the second is larger by one where
/// `users` is odd.
fn halves(users: usize, draw: u64, streams: &Streams) -> [Vec<usize>; 2] {
    let mut order: Vec<usize> = (0..users).collect();
    let mut stream = streams.stream("halves", draw);
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
        let [left, right] = halves(11, 0, &Streams::new(1));
        assert_eq!((left.len(), right.len()), (5, 6));
        let mut all = [left.clone(), right].concat();
        all.sort_unstable();
        assert_eq!(all, (0..11).collect::<Vec<_>>());
        assert_ne!(left, halves(11, 0, &Streams::new(2))[0]);
        assert_ne!(left, halves(11, 1, &Streams::new(1))[0]);
    }

    /// The second half must have spread where there is some, the first something.
    #[test]
    fn halves_without_a_floor_are_seen() {
        let sample = Sample::real(vec![1.0, 3.0, 6.0, 8.0, 8.0]);
        assert!(is_flawed(&sample, &[0, 1, 2]));
        assert!(!is_flawed(&sample, &[0, 1, 3]));
        assert!(!is_flawed(&Sample::real(vec![8.0; 5]), &[0, 1]));
        let of_three =
            Sample { user: vec![2, 3, 4], users: 5, ..Sample::real(vec![1.0, 2.0, 3.0]) };
        assert!(is_flawed(&of_three, &[0, 1]) && !is_flawed(&of_three, &[0, 4]));
    }
}
