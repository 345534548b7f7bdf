//! Total variation distance between categories.
//!
//! `D = 1/2 sum_k |p_k - q_k|`: the largest difference in the probability of any set of
//! categories, from 0 to 1. Witness: `1/2 sign(q_k - p_k)`; 0 at the kink p_k = q_k, but -1/2 in a
//! category that neither side has, where mass can only be gained.

use super::user_sums::UserSums;
use super::{Discrepancy, DiscrepancyError, Prepared, Weighted, Witness, check};
use crate::sample::{Sample, Shape};

/// `total-variation`.
pub struct TotalVariation;

const NAME: &str = "total-variation";
/// Gaps up to here are rounding.
const ROUNDING: f64 = 1e-12;

/// Half the summed absolute difference of the category probabilities; values are category numbers.
///
/// # Errors
/// Empty sides, weights that are not finite, values that are no category numbers.
pub fn distance(internal: Weighted<'_>, external: Weighted<'_>) -> Result<f64, DiscrepancyError> {
    let (p, q) = shares(internal, external)?;
    Ok(p.iter().zip(&q).map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0)
}

/// Probabilities of the categories 0 to the largest of either side.
pub(super) fn shares(
    internal: Weighted<'_>,
    external: Weighted<'_>,
) -> Result<(Vec<f64>, Vec<f64>), DiscrepancyError> {
    check::category_points(internal, external)?;
    let all = internal.values.iter().chain(external.values);
    let count = all.fold(0.0_f64, |most, &value| most.max(value)) as usize + 1;
    let side = |points: Weighted<'_>| {
        let mut shares = vec![0.0; count];
        for (i, &category) in points.values.iter().enumerate() {
            shares[category as usize] += points.weights.map_or(1.0, |weights| weights[i]);
        }
        let total: f64 = shares.iter().sum();
        shares.iter_mut().for_each(|share| *share /= total);
        shares
    };
    Ok((side(internal), side(external)))
}

/// One side: the owners of the rows, sorted by category.
pub(super) struct Side {
    owners: Vec<u32>,
    /// The rows of category k are `owners[ends[k - 1]..ends[k]]`.
    ends: Vec<usize>,
    rows: UserSums<1>,
}

impl Side {
    /// Sorts the rows of a sample of categories.
    pub(super) fn of(sample: &Sample) -> Self {
        let mut rows: Vec<(u32, u32)> =
            sample.values.iter().map(|&k| k as u32).zip(sample.user.iter().copied()).collect();
        rows.sort_unstable();
        let categories = 0..sample.categories;
        let ends = categories.map(|k| rows.partition_point(|row| row.0 as usize <= k)).collect();
        let owners = sample.user.iter().map(|&user| (user as usize, [1.0]));
        Self {
            rows: UserSums::of(sample.users, owners),
            owners: rows.into_iter().map(|row| row.1).collect(),
            ends,
        }
    }

    fn mass(&self, category: usize, weights: &[f64]) -> f64 {
        let start = if category == 0 { 0 } else { self.ends[category - 1] };
        let owners = &self.owners[start..self.ends[category]];
        owners.iter().map(|&user| weights[user as usize]).sum()
    }

    /// Share of each category when each user counts as often as its weight says; none where no
    /// weight is left on rows.
    pub(super) fn shares(&self, weights: &[f64]) -> Option<Vec<f64>> {
        let [total] = self.rows.under(weights)?;
        Some((0..self.ends.len()).map(|k| self.mass(k, weights) / total).collect())
    }
}

struct OnCategories {
    internal: Side,
    external: Side,
}

impl Prepared for OnCategories {
    fn value(&self, internal: &[f64], external: &[f64]) -> Option<f64> {
        let (p, q) = (self.internal.shares(internal)?, self.external.shares(external)?);
        let value = p.iter().zip(&q).map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0;
        value.is_finite().then_some(value)
    }
}

impl Discrepancy for TotalVariation {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Total variation"
    }

    fn definition(&self) -> &'static str {
        "1/2 sum |p_k - q_k| over categories k"
    }

    fn reference(&self) -> &'static str {
        "Levin and Peres, Markov chains and mixing times, 2nd edition, 2017, chapter 4"
    }

    fn cost(&self) -> &'static str {
        super::cost::PASS
    }

    fn symmetric(&self) -> bool {
        true
    }

    fn also_optimises(&self) -> &'static [&'static str] {
        super::categories::FAMILY
    }

    fn most(&self) -> f64 {
        1.0
    }

    fn shape(&self) -> Shape {
        Shape::Category
    }

    fn prepare<'a>(
        &self,
        internal: &'a Sample,
        external: &'a Sample,
    ) -> Result<Box<dyn Prepared + 'a>, DiscrepancyError> {
        check::samples(NAME, Shape::Category, 1, internal, external)?;
        Ok(Box::new(OnCategories { internal: Side::of(internal), external: Side::of(external) }))
    }

    fn witness(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<Witness, DiscrepancyError>> {
        let slope = |(p, q): (f64, f64)| match p - q {
            _ if p == 0.0 && q == 0.0 => -0.5,
            gap if gap.abs() > ROUNDING => -0.5 * gap.signum(),
            _ => 0.0,
        };
        let table = |(p, q): (Vec<f64>, Vec<f64>)| {
            Witness::Table(p.into_iter().zip(q).map(slope).collect())
        };
        Some(shares(internal, external).map(table))
    }

    fn weighted_value(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<f64, DiscrepancyError>> {
        Some(distance(internal, external))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_by_hand() {
        let (p, q) = ([0.0, 0.0, 1.0, 3.0], [0.0, 1.0]);
        let (p, q) = (Weighted::equal(&p), Weighted::equal(&q));
        assert_eq!(distance(p, q), Ok(0.25));
        let table = vec![0.0, 0.5, -0.5, -0.5];
        assert_eq!(TotalVariation.witness(p, q), Some(Ok(Witness::Table(table))));
    }

    #[test]
    fn no_category_numbers() {
        let of = |x: f64| distance(Weighted::equal(&[x]), Weighted::equal(&[0.0]));
        assert_eq!(of(1.0), Ok(1.0));
        for x in [-1.0, 0.5, 1e15, f64::NAN] {
            assert!(of(x).is_err(), "{x}");
        }
    }
}
