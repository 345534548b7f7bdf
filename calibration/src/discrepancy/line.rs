//! Two samples of real numbers on one axis: the distinct values of both sides, and which rows of
//! which users lie at each. It is made once for all discrepancies of a feature.
//!
//! A weighting of users is turned into weights at the distinct values by one pass over the rows
//! (`both.rs`); what discrepancies read off is then as short as the list of distinct values.
//! Memory is 8 bytes a row and 32 a distinct value, and 16 a distinct value and weighting of a pass.

use super::both::Both;
use super::user_sums::{mean_and_sd, variance};
use super::wide::{self, Kernel};
use super::{DiscrepancyError, Weighted, check};
use crate::sample::{Sample, Shape};

/// Both sides on one axis.
pub struct Line {
    /// Distinct values in ascending order, and infinity after the last one.
    values: Vec<f64>,
    /// The values about the mean of each side, in its standard deviations (or 1 without spread).
    standard: Vec<[f64; 2]>,
    pub(super) internal: Rows,
    pub(super) external: Rows,
    /// How many rows lie at each value, where both sides are one sample.
    one: Option<Vec<f64>>,
}

/// The rows of one side, in their own order.
pub(super) struct Rows {
    users: usize,
    /// Whose each row is, and its place among the distinct values.
    rows: Vec<(u32, u32)>,
    /// Mean (n), or the one value that there is.
    pub(super) centre: f64,
    /// Standard deviation (n); 0 where all values are equal.
    pub(super) sd: f64,
}

impl Rows {
    /// What values are divided by.
    pub(super) fn scale(&self) -> f64 {
        if self.sd > 0.0 { self.sd } else { 1.0 }
    }

    /// Adds the weight of each row at its place.
    fn add<const L: usize>(&self, weights: [&[f64]; L], masses: &mut [[[f64; L]; 2]], side: usize) {
        let weights = weights.map(|weights| &weights[..self.users]);
        for &(user, place) in &self.rows {
            let mass = &mut masses[place as usize][side];
            for lane in 0..L {
                mass[lane] += weights[lane][user as usize];
            }
        }
    }

    /// Whether there is one finite number of at least 0 a user.
    fn accept(&self, weights: &[f64]) -> bool {
        weights.len() == self.users && wide::run(Accept(weights))
    }
}

/// Values and owners of the rows of one side; number of users; mean and standard deviation.
type Given<'a> = (&'a [f64], &'a [u32], (usize, (f64, f64)));

impl Line {
    /// Of two samples of real numbers.
    ///
    /// # Errors
    /// Other rows, no rows, or values that are not finite.
    pub(super) fn of_samples(
        discrepancy: &'static str,
        internal: &Sample,
        external: &Sample,
    ) -> Result<Self, DiscrepancyError> {
        check::samples(discrepancy, Shape::Real, 1, internal, external)?;
        let side = |sample: &Sample| (sample.users, mean_and_sd(&sample.values, None));
        let mut line = Self::merge(
            (&internal.values, &internal.user, side(internal)),
            (&external.values, &external.user, side(external)),
        );
        if std::ptr::eq(internal, external) {
            let mut counts = vec![0.0; line.places()];
            line.internal.rows.iter().for_each(|&(_, place)| counts[place as usize] += 1.0);
            line.one = Some(counts);
        }
        Ok(line)
    }

    /// Of weighted points; each is a user of its own.
    pub(super) fn of_points(
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Result<Self, DiscrepancyError> {
        check::points(internal, external)?;
        let owners = |points: Weighted<'_>| (0..points.values.len() as u32).collect::<Vec<_>>();
        let side = |points: Weighted<'_>| {
            (points.values.len(), mean_and_sd(points.values, points.weights))
        };
        Ok(Self::merge(
            (internal.values, &owners(internal), side(internal)),
            (external.values, &owners(external), side(external)),
        ))
    }

    fn merge(internal: Given<'_>, external: Given<'_>) -> Self {
        let all = internal.0.iter().chain(external.0).copied();
        let mut order: Vec<(f64, u32)> = all.zip(0..).collect();
        order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let (mut values, mut places) = (Vec::<f64>::new(), vec![0; order.len()]);
        for (value, row) in order {
            // Both zeros are one value.
            if values.last() != Some(&value) {
                values.push(value);
            }
            places[row as usize] = values.len() as u32 - 1;
        }
        let (first, second) = places.split_at(internal.0.len());
        let side = |(_, user, (users, (centre, sd))): Given<'_>, places: &[u32]| {
            let rows = user.iter().copied().zip(places.iter().copied()).collect();
            Rows { users, rows, centre, sd }
        };
        let (internal, external) = (side(internal, first), side(external, second));
        let standard =
            |value: &f64| [&internal, &external].map(|side| (value - side.centre) / side.scale());
        let standard = values.iter().map(standard).collect();
        values.push(f64::INFINITY);
        Self { values, standard, internal, external, one: None }
    }

    /// Number of distinct values.
    fn places(&self) -> usize {
        self.standard.len()
    }

    /// The distinct values in ascending order, and infinity after the last one.
    pub(super) fn values(&self) -> &[f64] {
        &self.values
    }

    /// The values of the external rows, in their own order.
    pub(super) fn external_values(&self) -> Vec<f64> {
        self.external.rows.iter().map(|&(_, place)| self.values[place as usize]).collect()
    }

    /// Refuses an external sample whose values are all equal.
    pub(super) fn with_spread(&self, discrepancy: &'static str) -> Result<(), DiscrepancyError> {
        if self.external.sd > 0.0 {
            return Ok(());
        }
        Err(DiscrepancyError::Constant { discrepancy, value: self.external.centre })
    }

    /// Both distribution functions when each user counts as often as its weight says; none where
    /// weights are not finite, or leave a side without rows, in any lane.
    pub(super) fn under<const L: usize>(
        &self,
        internal: [&[f64]; L],
        external: [&[f64]; L],
    ) -> Option<Both<'_, L>> {
        let usual = internal.iter().all(|weights| self.internal.accept(weights))
            && external.iter().all(|weights| self.external.accept(weights));
        if !usual {
            return None;
        }
        let mut masses = vec![[[0.0; L]; 2]; self.places()];
        self.internal.add(internal, &mut masses, 0);
        match &self.one {
            // Every user is on one side: what is not on the one is on the other.
            Some(counts) if complementary(internal, external) => {
                for (mass, count) in masses.iter_mut().zip(counts) {
                    mass[1] = mass[0].map(|internal| count - internal);
                }
            }
            _ => self.external.add(external, &mut masses, 1),
        }
        let (totals, sums) = wide::run(Cumulate { masses: &mut masses, standard: &self.standard });
        let scales = totals.map(|totals| totals.map(f64::recip));
        let counted = totals.iter().flatten().all(|total| *total > 0.0 && total.is_finite());
        let usual = counted && scales.iter().flatten().all(|scale| scale.is_normal());
        let moments: [[[f64; 4]; L]; 2] = std::array::from_fn(|side| {
            std::array::from_fn(|lane| {
                let [first, second, third] = sums[side].map(|lanes| lanes[lane]);
                [totals[side][lane], first, second, third]
            })
        });
        let spread = |[n, first, second, _]: [f64; 4]| variance([n, first, second]).sqrt();
        let sd = moments[1].map(|moments| self.external.sd * spread(moments));
        usual.then_some(Both { line: self, sums: masses, totals, scales, moments, sd })
    }
}

/// Whether all weights are finite and at least 0.
struct Accept<'a>(&'a [f64]);

impl Kernel for Accept<'_> {
    type Output = bool;

    #[inline(always)]
    fn work(self) -> bool {
        // No branch, so that it vectorises.
        self.0.iter().fold(true, |good, weight| good & (*weight >= 0.0) & (*weight <= f64::MAX))
    }
}

/// Whether each user counts once on one side and not on the other.
fn complementary<const L: usize>(internal: [&[f64]; L], external: [&[f64]; L]) -> bool {
    internal.iter().zip(external).all(|(p, q)| wide::run(Complementary(p, q)))
}

struct Complementary<'a>(&'a [f64], &'a [f64]);

impl Kernel for Complementary<'_> {
    type Output = bool;

    #[inline(always)]
    fn work(self) -> bool {
        let whole = |p: f64, q: f64| ((p == 0.0) & (q == 1.0)) | ((p == 1.0) & (q == 0.0));
        self.0.iter().zip(self.1).fold(true, |good, (p, q)| good & whole(*p, *q))
    }
}

/// Adds up masses from the lowest place on, in place; returns the totals and the sums of z, z^2 and
/// z^3.
struct Cumulate<'a, const L: usize> {
    masses: &'a mut [[[f64; L]; 2]],
    standard: &'a [[f64; 2]],
}

impl<const L: usize> Kernel for Cumulate<'_, L> {
    type Output = ([[f64; L]; 2], [[[f64; L]; 3]; 2]);

    #[inline(always)]
    fn work(self) -> Self::Output {
        let (mut totals, mut sums) = ([[0.0; L]; 2], [[[0.0; L]; 3]; 2]);
        for (mass, standard) in self.masses.iter_mut().zip(self.standard) {
            for side in 0..2 {
                let z = standard[side];
                for (sum, power) in sums[side].iter_mut().zip([z, z * z, z * z * z]) {
                    for lane in 0..L {
                        sum[lane] += mass[side][lane] * power;
                    }
                }
                for lane in 0..L {
                    totals[side][lane] += mass[side][lane];
                    mass[side][lane] = totals[side][lane];
                }
            }
        }
        (totals, sums)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Sample {
        Sample { user: vec![0, 0, 1, 3], users: 4, ..Sample::real(vec![2.0, -0.0, 0.0, 5.0]) }
    }

    #[test]
    fn masses_by_hand() {
        let line = Line::of_samples("test", &sample(), &Sample::real(vec![5.0, 1.0])).unwrap();
        assert_eq!(line.values(), [0.0, 1.0, 2.0, 5.0, f64::INFINITY]);
        let both = line.under([&[1.0, 2.0, 9.0, 0.5]], [&[3.0, 1.0]]).unwrap();
        let sums: Vec<[f64; 2]> = both.sums.iter().map(|sums| sums.map(|[sum]| sum)).collect();
        assert_eq!(sums, [[3.0, 0.0], [3.0, 1.0], [4.0, 1.0], [4.5, 4.0]]);
        assert_eq!(both.totals, [[4.5], [4.0]]);
        // 5 with weight 3 and 1 with weight 1.
        assert!((both.sd[0] - 3.0_f64.sqrt()).abs() < 1e-15);
    }

    #[test]
    fn weights_that_say_nothing_are_refused() {
        let line = Line::of_samples("test", &sample(), &Sample::real(vec![5.0, 1.0])).unwrap();
        let ones = [1.0; 4];
        for bad in [[1.0, 1.0, f64::NAN, 1.0], [1.0, 1.0, -1.0, 1.0], [0.0, 0.0, 7.0, 0.0]] {
            assert!(line.under([&bad], [&[1.0, 1.0]]).is_none(), "{bad:?}");
            assert!(line.under([&ones, &bad], [&[1.0, 1.0], &[1.0, 1.0]]).is_none(), "{bad:?}");
        }
        assert!(line.under([&ones[..3]], [&[1.0, 1.0]]).is_none());
        assert!(line.under([&ones], [&[0.0, 0.0]]).is_none());
        assert!(line.under([&ones], [&[f64::INFINITY, 0.0]]).is_none());
    }

    /// The short cut of relabellings against a copy of the sample, which does not take it.
    #[test]
    fn labels_are_weights() {
        let (pool, copy) = (sample(), sample());
        let once = Line::of_samples("test", &pool, &pool).unwrap();
        let twice = Line::of_samples("test", &pool, &copy).unwrap();
        let (p, q) = ([1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0]);
        let half = [0.5; 4];
        for (p, q) in [(p, q), (q, p), (half, half)] {
            let (a, b) = (once.under([&p], [&q]).unwrap(), twice.under([&p], [&q]).unwrap());
            assert_eq!((a.sums, a.totals), (b.sums, b.totals));
        }
    }
}
