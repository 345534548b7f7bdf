//! How much of a feature one user is.
//!
//! At event level a user weighs as much as they do: a machine, or all guests under one id, may have
//! most of the rows of a side. Users are what is drawn again and relabelled, so the noise floor of such
//! a feature is large, or is that user, and a value far above any other seems at the floor. The number
//! of users who weigh as much as all, had they equally many rows, is
//!
//! ```text
//! 1 / sum_u s_u^2,    s_u the share of the rows of user u
//! ```
//!
//! (Kish, *Survey sampling*, 1965). Where it is small, what is said about the feature is measured once
//! more, with each user's rows counting as much as any other's.

use crate::sample::Sample;

/// Fewer users in effect than this, and than a quarter of those with rows, are few.
const FEW: f64 = 16.0;
/// See [`FEW`].
const PART: f64 = 4.0;

/// How the rows of a sample are spread over users.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Concentration {
    /// Users with rows.
    pub users: usize,
    /// The largest share of the rows that a user has.
    pub largest: f64,
    /// The number of users in effect.
    pub effective: f64,
}

impl Concentration {
    /// Of a sample with rows.
    pub fn of(sample: &Sample) -> Option<Self> {
        let counts = sample.user.chunk_by(|a, b| a == b).map(|rows| rows.len() as f64);
        let (users, largest, squares) = counts.fold((0, 0.0_f64, 0.0), |(n, most, sum), count| {
            (n + 1, most.max(count), sum + count * count)
        });
        let rows = sample.rows() as f64;
        let effective = rows * rows / squares;
        (users > 0).then_some(Self { users, largest: largest / rows, effective })
    }

    /// Whether what is said about the feature would rest on one user, or a few.
    pub fn is_high(&self) -> bool {
        self.effective < FEW && PART * self.effective < self.users as f64
    }
}

/// What to count each user by so that all count alike, however many rows they have; 1 on average.
pub fn alike(sample: &Sample) -> Vec<f64> {
    let mut by = vec![0.0; sample.users];
    for rows in sample.user.chunk_by(|a, b| a == b) {
        by[rows[0] as usize] = 1.0 / rows.len() as f64;
    }
    let (sum, users) = by
        .iter()
        .fold((0.0, 0.0), |(sum, n), by| if *by > 0.0 { (sum + by, n + 1.0) } else { (sum, n) });
    if sum > 0.0 {
        by.iter_mut().for_each(|by| *by *= users / sum);
    }
    by
}

/// The sentence for one side, of the features with their concentration; none where nothing is high.
pub fn note(side: &str, features: &[(&str, Concentration)]) -> Option<String> {
    let mut high: Vec<&(&str, Concentration)> =
        features.iter().filter(|(_, own)| own.is_high()).collect();
    high.sort_by(|a, b| b.1.largest.total_cmp(&a.1.largest));
    let (first, most) = high.first()?;
    let named = |(feature, own): &&(&str, Concentration)| {
        format!("{:.0}% of those of `{feature}`", 100.0 * own.largest)
    };
    let others: Vec<String> = high.iter().skip(1).map(named).collect();
    let others = match others.len() {
        0 => String::new(),
        _ => format!(" ({})", others.join(", ")),
    };
    Some(format!(
        "One user has {:.0}% of the rows of `{first}` among the {side} users{others}: as if {:.1} users \
         made them, of {}. Values, floors, intervals and p-values of such features hang on that \
         user; verdicts, effects and the mean excess count every user alike, and there is no verdict \
         where the two disagree.",
        100.0 * most.largest,
        most.effective,
        most.users,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(counts: &[usize]) -> Sample {
        let user = counts.iter().zip(0..).flat_map(|(&n, user)| std::iter::repeat_n(user, n));
        let user: Vec<u32> = user.collect();
        Sample {
            users: counts.len(),
            ..Sample { user: user.clone(), ..Sample::real(vec![0.0; user.len()]) }
        }
    }

    #[test]
    fn shares_by_hand() {
        let own = Concentration::of(&rows(&[6, 0, 2, 2])).unwrap();
        assert_eq!(own, Concentration { users: 3, largest: 0.6, effective: 100.0 / 44.0 });
        assert_eq!(Concentration::of(&rows(&[0, 0])), None);
        for (found, sevenths) in alike(&rows(&[6, 0, 2, 2])).into_iter().zip([3.0, 0.0, 9.0, 9.0]) {
            assert!((7.0 * found - sevenths).abs() < 1e-12, "{found}");
        }
    }

    /// A machine among 200 users is seen, two or three as well; users who differ are not a few.
    #[test]
    fn a_few_users_who_are_most_of_the_rows_are_seen() {
        let beside = |machines: &[usize]| [machines, &[3; 200]].concat();
        for machines in [&[1000][..], &[400, 400], &[300, 300, 300], &[250]] {
            assert!(Concentration::of(&rows(&beside(machines))).unwrap().is_high(), "{machines:?}");
        }
        let unequal: Vec<usize> = (1..=100).map(|i| 1 + 200 / i).collect();
        for counts in [beside(&[40]), unequal, vec![1, 3, 6, 8, 8], vec![5, 1], vec![9]] {
            assert!(!Concentration::of(&rows(&counts)).unwrap().is_high(), "{counts:?}");
        }
        let one = Concentration::of(&rows(&beside(&[1000]))).unwrap();
        let told = note(
            "test",
            &[
                ("gap", one),
                ("event_count", Concentration { users: 9, largest: 0.2, effective: 8.0 }),
            ],
        );
        assert!(told.unwrap().starts_with(
            "One user has 62% of the rows of `gap` among the test users: as if 2.6 users"
        ));
        assert_eq!(note("test", &[]), None);
    }
}
