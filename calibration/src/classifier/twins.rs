//! Simulated users who equal a real one in every feature.

use serde::{Deserialize, Serialize};

use crate::discrepancy::distinct::distinct;
use crate::privacy::wilson;
use crate::sample::Sample;

/// Shares of users whose vector of features is that of somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Twins {
    /// Of the simulated users, those who equal a test user.
    pub test: f64,
    /// Of the simulated users, those who equal a training user; none without training users.
    pub train: Option<f64>,
    /// Of the test users, those who equal a training user; without training users, another test user.
    /// This is what users of one law have in common.
    pub real: f64,
    /// Of the simulated users, those who equal a test user whom no other test user equals.
    pub single: f64,
    /// The same of fresh users of the law of the test users: twice the number of vectors that two test
    /// users have, over the number of test users (Good, *The population frequencies of species and the
    /// estimation of population parameters*, Biometrika 40, 1953).
    pub single_by_chance: f64,
}

/// The half width of an interval in standard deviations, of both shares that are compared: a share is
/// beyond chance by mistake in fewer than one of a thousand comparisons.
const SURE: f64 = 2.6;

impl Twins {
    /// Counts twins among samples of vectors with one row a user; none where they are not comparable.
    pub fn of(simulated: &Sample, test: &Sample, train: Option<&Sample>) -> Option<Self> {
        let none = Sample { values: Vec::new(), user: Vec::new(), users: 0, ..test.clone() };
        let sides = [test, train.unwrap_or(&none), simulated];
        let fits = sides.iter().all(|side| side.width == test.width);
        if !fits || test.rows() == 0 || simulated.rows() == 0 {
            return None;
        }
        let (vectors, places) = distinct(&sides.map(|side| &side.values[..]).concat(), test.width);
        let (test_places, rest) = places.split_at(test.rows());
        let (train_places, own) = rest.split_at(sides[1].rows());
        let mut counts = vec![[0_usize; 2]; vectors.len()];
        test_places.iter().for_each(|&place| counts[place as usize][0] += 1);
        train_places.iter().for_each(|&place| counts[place as usize][1] += 1);
        let share = |places: &[u32], is_twin: &dyn Fn([usize; 2]) -> bool| {
            let twins = places.iter().filter(|&&place| is_twin(counts[place as usize])).count();
            twins as f64 / places.len() as f64
        };
        let pairs = counts.iter().filter(|[test, _]| *test == 2).count();
        Some(Self {
            test: share(own, &|[test, _]| test > 0),
            train: train.map(|_| share(own, &|[_, train]| train > 0)),
            real: match train {
                Some(_) => share(test_places, &|[_, train]| train > 0),
                None => share(test_places, &|[test, _]| test > 1),
            },
            single: share(own, &|[test, _]| test == 1),
            single_by_chance: (2 * pairs) as f64 / test.rows() as f64,
        })
    }

    /// Whether so many simulated users repeat single test users more than chance explains; `users` are
    /// the numbers of simulated and of test users.
    pub fn beyond_chance(&self, users: [usize; 2]) -> bool {
        let interval = |share: f64, of: usize| wilson(share, of, SURE);
        let [low, _] = interval(self.single, users[0]);
        let [_, high] = interval(self.single_by_chance, users[1]);
        low > high
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Shape;

    fn vectors(values: Vec<f64>) -> Sample {
        Sample { shape: Shape::Vector, ..Sample::real(values) }
    }

    #[test]
    fn twins_by_hand() {
        let test = vectors(vec![1.0, 2.0, 2.0, 3.0, 4.0]);
        let train = vectors(vec![2.0, 4.0, 9.0]);
        let own = vectors(vec![1.0, 2.0, 2.0, 9.0, 7.0, -0.0, 4.0, 4.0]);
        let twins = Twins::of(&own, &test, Some(&train)).unwrap();
        assert_eq!((twins.test, twins.train, twins.real), (0.625, Some(0.625), 0.6));
        assert_eq!((twins.single, twins.single_by_chance), (0.375, 0.4));
        let alone = Twins::of(&own, &test, None).unwrap();
        assert_eq!((alone.train, alone.real), (None, 0.4));
        assert_eq!(Twins::of(&own, &vectors(vec![]), None), None);
    }

    /// A copy is beyond chance; a simulation that makes one common user, and fresh users of a law with
    /// few values, are not.
    #[test]
    fn copies_are_beyond_chance_and_common_users_are_not() {
        let log: Vec<f64> = (0..300).map(f64::from).collect();
        let judge = |own: Vec<f64>, test: &[f64]| {
            let (own, test) = (vectors(own), vectors(test.to_vec()));
            Twins::of(&own, &test, None).unwrap().beyond_chance([own.users, test.users])
        };
        assert!(judge(log.clone(), &log));
        assert!(judge(log.iter().map(|i| if *i < 40.0 { *i } else { 0.5 }).collect(), &log));
        assert!(!judge(log.iter().map(|i| i + 0.5).collect(), &log));
        let few: Vec<f64> = log.iter().map(|i| i % 10.0).collect();
        assert!(!judge(few.clone(), &few));
        assert!(!judge(vec![3.0; 300], &few));
    }
}
