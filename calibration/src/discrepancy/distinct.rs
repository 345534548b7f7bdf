//! Rows that are equal, taken together: users who did nothing, say, are one row of many users. What
//! is summed over rows, or pairs of rows, is then summed over as many as there are distinct ones.

use std::collections::HashMap;

use super::joint::Side;

/// The first row of each set of equal ones, and for each row which of them it is.
pub(crate) fn distinct(rows: &[f64], width: usize) -> (Vec<usize>, Vec<u32>) {
    let mut known: HashMap<Vec<u64>, u32> = HashMap::new();
    let (mut firsts, mut places) = (Vec::new(), Vec::new());
    for (at, row) in rows.chunks_exact(width.max(1)).enumerate() {
        // Both zeros are one number.
        let key = row.iter().map(|value| (value + 0.0).to_bits()).collect();
        let place = *known.entry(key).or_insert_with(|| {
            firsts.push(at);
            firsts.len() as u32 - 1
        });
        places.push(place);
    }
    (firsts, places)
}

/// The distinct rows of a side.
pub(super) struct Distinct {
    /// Each of them once.
    pub(super) rows: Side,
    /// All rows as they are: the place among the distinct ones, and the user.
    all: Vec<(u32, u32)>,
}

impl Distinct {
    /// Takes equal rows together.
    pub(super) fn of(side: &Side) -> Self {
        let (firsts, places) = distinct(&side.rows, side.width);
        Self {
            rows: Side {
                width: side.width,
                rows: firsts.iter().flat_map(|&first| side.row(first)).copied().collect(),
                users: firsts.iter().map(|&first| side.users[first]).collect(),
                all_users: side.all_users,
            },
            all: places.into_iter().zip(side.users.iter().copied()).collect(),
        }
    }

    /// Leaves rows as they are.
    pub(super) fn none(side: Side) -> Self {
        let all = (0..).zip(side.users.iter().copied()).collect();
        Self { rows: side, all }
    }

    /// The weight of each distinct row when each user counts as often as its weight says, in each
    /// lane. None where the weights of any lane are not one finite number of at least 0 a user, or
    /// leave no row.
    pub(super) fn masses<const L: usize>(&self, weights: [&[f64]; L]) -> Option<Vec<[f64; L]>> {
        let users = self.rows.all_users;
        let valid = |weight: &f64| weight.is_finite() && *weight >= 0.0;
        if !weights.iter().all(|weights| weights.len() == users && weights.iter().all(valid)) {
            return None;
        }
        let mut masses = vec![[0.0; L]; self.rows.len()];
        for &(place, user) in &self.all {
            let mass = &mut masses[place as usize];
            for lane in 0..L {
                mass[lane] += weights[lane][user as usize];
            }
        }
        let total = |lane: usize| masses.iter().map(|mass| mass[lane]).sum::<f64>();
        let counts = |total: f64| total.is_finite() && total > 1e-300;
        (0..L).all(|lane| counts(total(lane))).then_some(masses)
    }

    /// What each distinct row counts: shares of 1. None as for [`Distinct::masses`].
    pub(super) fn shares(&self, weights: &[f64]) -> Option<Vec<f64>> {
        let masses = self.masses([weights])?;
        let total: f64 = masses.iter().map(|[mass]| mass).sum();
        Some(masses.into_iter().map(|[mass]| mass / total).collect())
    }

    /// The shares of the distinct rows, from those of all rows.
    pub(super) fn merged(&self, all: &[f64]) -> Vec<f64> {
        let mut shares = vec![0.0; self.rows.len()];
        self.all.iter().zip(all).for_each(|(&(place, _), share)| shares[place as usize] += share);
        shares
    }

    /// The shares where every row counts alike.
    pub(super) fn even(&self) -> Vec<f64> {
        let mut shares = vec![0.0; self.rows.len()];
        self.all.iter().for_each(|&(place, _)| shares[place as usize] += 1.0);
        shares.iter_mut().for_each(|share| *share /= self.all.len() as f64);
        shares
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_rows_are_one() {
        let rows = vec![0.0, 1.0, 2.0, 3.0, -0.0, 1.0, 2.0, 4.0];
        assert_eq!(distinct(&rows, 2), (vec![0, 1, 3], vec![0, 1, 0, 2]));
        let side = Distinct::of(&Side { width: 2, rows, users: vec![0, 0, 2, 3], all_users: 5 });
        assert_eq!(side.rows.rows, [0.0, 1.0, 2.0, 3.0, 2.0, 4.0]);
        assert_eq!(side.masses([&[1.0, 9.0, 2.0, 4.0, 9.0]]), Some(vec![[3.0], [1.0], [4.0]]));
        assert_eq!(side.shares(&[1.0, 9.0, 2.0, 4.0, 9.0]), Some(vec![0.375, 0.125, 0.5]));
        assert_eq!(side.even(), [0.5, 0.25, 0.25]);
        assert_eq!(side.merged(&[0.125, 0.25, 0.5, 0.125]), [0.625, 0.25, 0.125]);
        for bad in [vec![0.0, 1.0, 0.0, 0.0, 1.0], vec![1.0; 4], vec![f64::NAN; 5]] {
            assert_eq!(side.shares(&bad), None, "{bad:?}");
        }
    }
}
