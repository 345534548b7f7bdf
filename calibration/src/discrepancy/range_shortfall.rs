//! Shortfall of the external range.
//!
//! `D = min(1, ((min_P - min_Q)+ + (max_Q - max_P)+) / (max_Q - min_Q))`: the share of the range of
//! the real users that the simulated ones do not reach, 1 - RangeCoverage of SDMetrics. It has no
//! witness: only the outermost rows count.

use super::user_sums::{UserSums, mean_and_sd};
use super::{Discrepancy, DiscrepancyError, Prepared, check};
use crate::sample::{Sample, Shape};

/// `range-shortfall`.
pub struct RangeShortfall;

const NAME: &str = "range-shortfall";

/// One side: the smallest and the largest value of each user.
struct Side {
    ranges: Vec<(f64, f64)>,
    rows: UserSums<1>,
}

impl Side {
    fn of(sample: &Sample) -> Self {
        let mut ranges = vec![(f64::INFINITY, f64::NEG_INFINITY); sample.users];
        for (&user, &value) in sample.user.iter().zip(&sample.values) {
            let range = &mut ranges[user as usize];
            *range = (range.0.min(value), range.1.max(value));
        }
        let owners = sample.user.iter().map(|&user| (user as usize, [1.0]));
        Self { ranges, rows: UserSums::of(sample.users, owners) }
    }

    /// The range of the users that have weight; none where no row has any.
    fn range(&self, weights: &[f64]) -> Option<(f64, f64)> {
        self.rows.under(weights)?;
        let counted = self.ranges.iter().zip(weights).filter(|user| *user.1 > 0.0);
        let nothing = (f64::INFINITY, f64::NEG_INFINITY);
        Some(counted.fold(nothing, |all, (own, _)| (all.0.min(own.0), all.1.max(own.1))))
    }
}

struct Ranges {
    internal: Side,
    external: Side,
}

impl Prepared for Ranges {
    fn value(&self, internal: &[f64], external: &[f64]) -> Option<f64> {
        let (p, q) = (self.internal.range(internal)?, self.external.range(external)?);
        let missed = (p.0 - q.0).max(0.0) + (q.1 - p.1).max(0.0);
        (q.1 > q.0).then(|| (missed / (q.1 - q.0)).min(1.0))
    }
}

impl Discrepancy for RangeShortfall {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Shortfall of the range"
    }

    fn definition(&self) -> &'static str {
        "min(1, ((min_P - min_Q)+ + (max_Q - max_P)+) / (max_Q - min_Q))"
    }

    fn reference(&self) -> &'static str {
        "SDMetrics, RangeCoverage; DataCebo, Synthetic Data Metrics, 2023"
    }

    fn cost(&self) -> &'static str {
        super::cost::PASS
    }

    fn shape(&self) -> Shape {
        Shape::Real
    }

    fn prepare<'a>(
        &self,
        internal: &'a Sample,
        external: &'a Sample,
    ) -> Result<Box<dyn Prepared + 'a>, DiscrepancyError> {
        check::samples(NAME, Shape::Real, 1, internal, external)?;
        let (value, sd) = mean_and_sd(&external.values, None);
        if sd <= 0.0 {
            return Err(DiscrepancyError::Constant { discrepancy: NAME, value });
        }
        Ok(Box::new(Ranges { internal: Side::of(internal), external: Side::of(external) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_by_hand() {
        let value = |p: &[f64]| {
            let external = Sample::real(vec![0.0, 4.0, 10.0]);
            RangeShortfall.value(&Sample::real(p.to_vec()), &external).unwrap()
        };
        assert_eq!([value(&[-3.0, 12.0]), value(&[1.0, 8.0])], [0.0, 0.3]);
        assert_eq!([value(&[5.0, 5.0]), value(&[30.0, 31.0])], [1.0, 1.0]);
    }
}
