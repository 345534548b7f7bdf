//! Energy distance on the line.
//!
//! `E = sqrt(2 E|X - Y| - E|X - X'| - E|Y - Y'|) = sqrt(2 integral (F - G)^2 dx)` (Szekely and
//! Rizzo 2013), here with values in external standard deviations, so that the unit is a root of
//! them. Next to equality the root has an infinite slope, so the witness is that of the square:
//! `E^2 = 2 integral (F - G)^2 dx / sd_Q` has the first variation `4 integral from x up of (F - G)
//! / sd_Q`, hence the witness `4 integral up to x of (F - G) / sd_Q`. Divided by 2E it is that of E.

use super::both::Reading;
use super::cramer_von_mises::area;
use super::line::Line;
use super::on_line::{About, OnLine};
use super::steps::{self, OnSteps, Steps};
use super::{DiscrepancyError, Weighted, Witness};
use crate::sample::Sample;

/// `energy`.
pub struct Energy;

const NAME: &str = "energy";

/// `sqrt(2 integral (F - G)^2 dx)`, in the root of the units of the values.
///
/// # Errors
/// Empty sides, values or weights that are not finite.
pub fn distance(internal: Weighted<'_>, external: Weighted<'_>) -> Result<f64, DiscrepancyError> {
    steps::on_points(internal, external, |steps| (2.0 * area(steps)[0]).sqrt())
}

impl OnSteps for Energy {
    #[inline(always)]
    fn on_steps<const L: usize>(steps: &Steps<'_, L>) -> [f64; L] {
        let areas = area(steps);
        std::array::from_fn(|lane| (2.0 * areas[lane] / steps.sd[lane]).sqrt())
    }
}

impl OnLine for Energy {
    const ABOUT: About = About {
        name: NAME,
        title: "Energy distance",
        definition: "sqrt(2 integral (F - G)^2 dx / external sd)",
        reference: "Székely and Rizzo, Energy statistics, Journal of Statistical Planning and Inference 143, 2013",
        also_optimises: &["cramer-von-mises"],
        unit: "root external sd",
        squared: true,
        ..About::USUAL
    };

    fn reading(&self, line: &Line) -> Reading {
        steps::with_spread::<Self>(NAME, line)
    }

    /// The witness of the square.
    fn witness_on(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<Witness, DiscrepancyError>> {
        Some(steps::on_spread_points(NAME, internal, external, |steps| {
            let (knots, values) = steps.running_integral(|gap| 4.0 * gap / steps.sd[0]);
            Witness::Curve { knots, values }
        }))
    }

    fn value_on(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<f64, DiscrepancyError>> {
        Some(steps::on_spread_points(NAME, internal, external, |steps| {
            2.0 * area(steps)[0] / steps.sd[0]
        }))
    }

    /// The square of the value.
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

    #[test]
    fn equals_its_definition_by_mean_distances() {
        let (u, v) = ([0.3, 1.0, 4.0, 4.0], [-1.0, 2.5, 4.0]);
        let mean = |a: &[f64], b: &[f64]| {
            let pairs = a.iter().flat_map(|x| b.iter().map(move |y| (x - y).abs()));
            pairs.sum::<f64>() / (a.len() * b.len()) as f64
        };
        let square = 2.0 * mean(&u, &v) - mean(&u, &u) - mean(&v, &v);
        let found = distance(Weighted::equal(&u), Weighted::equal(&v)).unwrap();
        assert!((found * found - square).abs() < 1e-14);
    }
}
