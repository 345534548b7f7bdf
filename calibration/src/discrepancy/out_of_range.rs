//! Share of simulated rows outside the external range.
//!
//! `D = P(x < min_Q or x > max_Q)`, 1 - BoundaryAdherence of SDMetrics. Witness: -1 outside the
//! range, 0 within.

use super::both::{self, Both, OnBoth, Reading};
use super::line::Line;
use super::on_line::{About, OnLine};
use super::{DiscrepancyError, Weighted, Witness};

/// `out-of-range`.
#[derive(Clone, Copy)]
pub struct OutOfRange;

const NAME: &str = "out-of-range";

impl OnBoth for OutOfRange {
    #[inline(always)]
    fn on_both<const L: usize>(&self, both: &Both<'_, L>) -> [f64; L] {
        let (mut begun, mut below, mut since) = ([false; L], [0.0; L], [0.0; L]);
        both.each(|place| {
            for lane in 0..L {
                // Mass since the last external value; up to the first one it is mass below.
                let external = place.q[lane] > 0.0;
                below[lane] = if external && !begun[lane] { since[lane] } else { below[lane] };
                since[lane] = if external { 0.0 } else { since[lane] + place.p[lane] };
                begun[lane] |= external;
            }
        });
        std::array::from_fn(|lane| below[lane] + since[lane])
    }
}

/// The smallest and the largest external value that has weight.
fn range(both: &Both<'_, 1>) -> (f64, f64) {
    let mut range = (f64::INFINITY, f64::NEG_INFINITY);
    both.each(|place| {
        if place.q[0] > 0.0 {
            range = (range.0.min(place.value), place.value);
        }
    });
    range
}

impl OnLine for OutOfRange {
    const ABOUT: About = About {
        name: NAME,
        title: "Share out of range",
        definition: "P(x < min_Q or x > max_Q)",
        reference: "SDMetrics, BoundaryAdherence; DataCebo, Synthetic Data Metrics, 2023",
        most: 1.0,
        ..About::USUAL
    };

    fn reading(&self, _line: &Line) -> Reading {
        Ok(Box::new(*self))
    }

    fn witness_on(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<Witness, DiscrepancyError>> {
        Some(both::on_points(internal, external, |both| {
            let (low, high) = range(both);
            let knots = if low < high { vec![low, high] } else { vec![low] };
            let at = vec![0.0; knots.len()];
            let mut between = vec![[0.0; 5]; knots.len() + 1];
            between[0][0] = -1.0;
            between[knots.len()][0] = -1.0;
            Witness::Pieces { knots, at, between, centre: 0.0, scale: 1.0 }
        }))
    }

    fn value_on(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<f64, DiscrepancyError>> {
        Some(both::on_points(internal, external, |both| self.on_both(both)[0]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discrepancy::Discrepancy;

    #[test]
    fn value_and_witness_by_hand() {
        let (p, q) = ([-1.0, 0.0, 3.0, 5.0, 5.0, 9.0, 9.5, 9.5], [0.0, 5.0]);
        let (p, q) = (Weighted::equal(&p), Weighted::equal(&q));
        assert_eq!(OutOfRange.weighted_value(p, q), Some(Ok(0.5)));
        let witness = OutOfRange.witness(p, q).unwrap().unwrap();
        assert_eq!([-0.1, 0.0, 2.0, 5.0, 5.1].map(|x| witness.at(x)), [-1.0, 0.0, 0.0, 0.0, -1.0]);
    }
}
