//! Cramer-von Mises distance weighted on the upper tail.
//!
//! `D = integral (F - G)^2 / max(1 - G, floor) dx / sd_Q`: the square of a gap is seen against the
//! share of external users that are left above, as in the upper tail form of the Anderson-Darling
//! statistic (Chernobai, Rachev and Fabozzi 2005), but over values, as `cramer-von-mises`. So a gap
//! among the heaviest hundredth counts a hundred times as much as one at the bottom; the floor
//! bounds the weight beyond all external values. Where the plain distance thins out heavy users,
//! and log scales do so once more, this one sees them. Witness: `2 integral up to x of (F - G) /
//! max(1 - G, floor) / sd_Q`.

use super::both::{self, Both, OnBoth, Place, Reading};
use super::line::Line;
use super::on_line::{About, OnLine};
use super::{DiscrepancyError, Parameter, Weighted, Witness};

/// `cramer-von-mises-upper`.
#[derive(Clone, Copy)]
pub struct CramerVonMisesUpper {
    /// The smallest share of external users above that a gap is seen against.
    pub floor: f64,
}

const NAME: &str = "cramer-von-mises-upper";

impl CramerVonMisesUpper {
    /// `(F - G) / max(1 - G, floor)` and F - G right of a place.
    fn gap<const L: usize>(&self, place: &Place<L>, lane: usize) -> (f64, f64) {
        let gap = place.f[lane] - place.g[lane];
        (gap / (1.0 - place.g[lane]).max(self.floor), gap)
    }
}

impl OnBoth for CramerVonMisesUpper {
    #[inline(always)]
    fn on_both<const L: usize>(&self, both: &Both<'_, L>) -> [f64; L] {
        let mut sums = [0.0; L];
        both.each(|place| {
            for (lane, sum) in sums.iter_mut().enumerate() {
                let (weighted, gap) = self.gap(place, lane);
                *sum += weighted * gap * place.width();
            }
        });
        std::array::from_fn(|lane| sums[lane] / both.sd[lane])
    }
}

impl OnLine for CramerVonMisesUpper {
    const ABOUT: About = About {
        name: NAME,
        title: "Cramér-von Mises (upper tail)",
        definition: "integral (F - G)^2 / max(1 - G, floor) dx / external sd",
        reference: "Chernobai, Rachev and Fabozzi, Composite goodness-of-fit tests for left-truncated loss samples, 2005",
        parameters: &[Parameter {
            name: "floor",
            meaning: "the smallest share of external users above that a gap is seen against",
            default: 0.01,
            low: 0.0001,
            high: 1.0,
            whole: false,
        }],
        unit: "external sd",
        squared: true,
        ..About::USUAL
    };

    fn set(values: &[f64]) -> Option<Self> {
        Some(Self { floor: *values.first()? })
    }

    fn reading(&self, line: &Line) -> Reading {
        both::with_spread(NAME, line, *self)
    }

    fn witness_on(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<Witness, DiscrepancyError>> {
        Some(both::on_spread_points(NAME, internal, external, |both| {
            let (mut knots, mut values, mut sum) = (Vec::new(), Vec::new(), 0.0);
            both.each(|place| {
                knots.push(place.value);
                values.push(sum);
                sum += 2.0 * self.gap(place, 0).0 * place.width() / both.sd[0];
            });
            Witness::Curve { knots, values }
        }))
    }

    fn value_on(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<f64, DiscrepancyError>> {
        let value = |both: &Both<'_, 1>| self.on_both(both)[0];
        Some(both::on_spread_points(NAME, internal, external, value))
    }
}

#[cfg(test)]
mod tests {
    use super::super::cramer_von_mises::CramerVonMises;
    use super::*;
    use crate::discrepancy::Discrepancy;
    use crate::sample::Sample;

    #[test]
    fn value_by_hand() {
        // F - G is 1/2 on [0, 1], 1 on [1, 2] and 1/2 on [2, 4]; 1 - G is 1, 1 and 1/2; the sd is 1.
        let (p, q) = (Sample::real(vec![0.0, 1.0]), Sample::real(vec![2.0, 4.0]));
        assert_eq!(CramerVonMisesUpper { floor: 0.01 }.value(&p, &q), Ok(0.25 + 1.0 + 2.0 * 0.5));
        // Under the highest floor nothing is weighted.
        let plain = CramerVonMises.value(&q, &p);
        assert_eq!(CramerVonMisesUpper { floor: 1.0 }.value(&q, &p), plain);
    }

    #[test]
    fn a_tail_weighs_more_than_a_bottom() {
        // One user in ten moved outwards by the same distance, below and above.
        let q: Vec<f64> = (0..10).map(f64::from).collect();
        let (mut low, mut high) = (q.clone(), q.clone());
        (low[0], high[9]) = (-5.0, 14.0);
        let external = Sample::real(q);
        let upper = CramerVonMisesUpper { floor: 0.01 };
        let [low, high] = [low, high].map(|p| upper.value(&Sample::real(p), &external).unwrap());
        assert!((high / low - 100.0).abs() < 1e-9, "{low} {high}");
    }
}
