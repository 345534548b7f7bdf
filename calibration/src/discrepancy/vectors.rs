//! What discrepancies between vectors share: checks, and user weights as shares of the rows.

use super::{DiscrepancyError, check};
use crate::sample::{Sample, Shape};

/// Checks two samples of vectors of one width, at least `least`.
pub(super) fn check(
    discrepancy: &'static str,
    least: usize,
    internal: &Sample,
    external: &Sample,
) -> Result<(), DiscrepancyError> {
    check::samples(discrepancy, Shape::Vector, external.width, internal, external)?;
    if external.width >= least {
        return Ok(());
    }
    let width = external.width;
    Err(DiscrepancyError::Mismatch(format!(
        "{discrepancy} compares rows of at least {least} numbers, and the rows have {width}"
    )))
}

/// Whose each row is.
pub(super) struct Owners {
    /// Number of users.
    users: usize,
    /// The user of each row.
    user: Vec<u32>,
}

impl Owners {
    /// All rows of a sample, or some of them.
    pub(super) fn of(sample: &Sample, rows: impl IntoIterator<Item = usize>) -> Self {
        let user = rows.into_iter().filter_map(|row| sample.user.get(row).copied()).collect();
        Self { users: sample.users, user }
    }

    /// The share of each row when a user counts as often as its weight says. None where the weights
    /// are not one finite number of at least 0 a user, or leave no row.
    pub(super) fn shares(&self, weights: &[f64]) -> Option<Vec<f64>> {
        let valid = |weight: &f64| weight.is_finite() && *weight >= 0.0;
        if weights.len() != self.users || !weights.iter().all(valid) {
            return None;
        }
        let weight = |&user: &u32| weights.get(user as usize).copied();
        let total = self.user.iter().map(weight).sum::<Option<f64>>()?;
        if !(total.is_finite() && total > 0.0) {
            return None;
        }
        Some(self.user.iter().filter_map(weight).map(|weight| weight / total).collect())
    }
}

/// The coordinate pairs (a, b) of a width, b below a, in the order of [`pairs`].
pub(super) fn pairs(width: usize) -> impl Iterator<Item = (usize, usize)> {
    (1..width).flat_map(|a| (0..a).map(move |b| (a, b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_by_hand() {
        let owners = Owners { users: 3, user: vec![0, 0, 2] };
        assert_eq!(owners.shares(&[1.0, 9.0, 2.0]), Some(vec![0.25, 0.25, 0.5]));
        for bad in
            [vec![0.0, 1.0, 0.0], vec![1.0; 2], vec![1.0, f64::NAN, 1.0], vec![2.0, 1.0, -1.0]]
        {
            assert_eq!(owners.shares(&bad), None, "{bad:?}");
        }
        assert_eq!(pairs(3).collect::<Vec<_>>(), [(1, 0), (2, 0), (2, 1)]);
    }
}
