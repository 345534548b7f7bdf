//! Wasserstein-1, the earth mover's distance on the line.
//!
//! `W1 = integral |F - G| dx` (Vallender 1973): the mean distance that mass must move. As a metric
//! it is divided by the external standard deviation. First variation: `dW1/dP(x) = integral from x
//! up of sign(F - G)`, hence the witness `integral up to x of sign(F - G)`, in the same units. Where
//! F = G on an interval, as on both sides of all values, the distance has a kink: it grows with mass
//! that comes there and with mass that leaves. The witness takes the slope in the middle, 0.

use super::both::Reading;
use super::line::Line;
use super::on_line::{About, OnLine};
use super::steps::{self, OnSteps, Steps};
use super::{DiscrepancyError, Weighted, Witness};
use crate::sample::Sample;

/// `wasserstein-1`.
pub struct Wasserstein1;

const NAME: &str = "wasserstein-1";
/// Gaps up to here are rounding, not a side to move mass to.
const ROUNDING: f64 = 1e-12;

/// `integral |F - G| dx` in the units of the values.
///
/// # Errors
/// Empty sides, values or weights that are not finite.
pub fn distance(internal: Weighted<'_>, external: Weighted<'_>) -> Result<f64, DiscrepancyError> {
    steps::on_points(internal, external, |steps| area(steps)[0])
}

#[inline(always)]
fn area<const L: usize>(steps: &Steps<'_, L>) -> [f64; L] {
    steps.integral(f64::abs)
}

fn sign(gap: f64) -> f64 {
    if gap.abs() > ROUNDING { gap.signum() } else { 0.0 }
}

impl OnSteps for Wasserstein1 {
    #[inline(always)]
    fn on_steps<const L: usize>(steps: &Steps<'_, L>) -> [f64; L] {
        let areas = area(steps);
        std::array::from_fn(|lane| areas[lane] / steps.sd[lane])
    }
}

impl OnLine for Wasserstein1 {
    const ABOUT: About = About {
        name: NAME,
        title: "Wasserstein-1",
        definition: "integral |F - G| dx / external sd",
        reference: "Vallender, Calculation of the Wasserstein distance between probability distributions on the line, Theory of Probability and its Applications 18, 1974",
        unit: "external sd",
        ..About::USUAL
    };

    fn reading(&self, line: &Line) -> Reading {
        steps::with_spread::<Self>(NAME, line)
    }

    fn witness_on(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<Witness, DiscrepancyError>> {
        Some(steps::on_spread_points(NAME, internal, external, |steps| {
            let (knots, values) = steps.running_integral(|gap| sign(gap) / steps.sd[0]);
            Witness::Curve { knots, values }
        }))
    }

    fn value_on(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<f64, DiscrepancyError>> {
        Some(steps::on_spread_points(NAME, internal, external, |steps| {
            area(steps)[0] / steps.sd[0]
        }))
    }

    fn value_alike(
        &self,
        internal: &Sample,
        external: &Sample,
    ) -> Option<Result<f64, DiscrepancyError>> {
        Some(steps::value::<Self>(NAME, internal, external))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discrepancy::Discrepancy;

    #[test]
    fn a_shift_moves_all_mass_by_its_length() {
        let of = |u: &[f64], v: &[f64]| distance(Weighted::equal(u), Weighted::equal(v));
        assert_eq!(of(&[0.0, 1.0, 3.0], &[5.0, 6.0, 8.0]), Ok(5.0));
        assert_eq!(of(&[0.0, 0.0], &[1.0]), Ok(1.0));
    }

    #[test]
    fn witness_climbs_towards_the_external_values() {
        let (u, v) = ([0.0, 2.0], [4.0, 8.0]);
        let witness = Wasserstein1.witness(Weighted::equal(&u), Weighted::equal(&v));
        // F - G is positive from 0 to 8; the external sd is 2.
        let (knots, values) = (vec![0.0, 2.0, 4.0, 8.0], vec![0.0, 1.0, 2.0, 4.0]);
        assert_eq!(witness, Some(Ok(Witness::Curve { knots, values })));
    }
}
