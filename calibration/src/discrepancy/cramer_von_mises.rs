//! Cramer-von Mises distance: the squared gap between distribution functions, integrated over
//! values.
//!
//! `D = integral (F - G)^2 dx / sd_Q`, Cramer's (1928) own form, with dx where the later test
//! statistic has dG. It is half the squared energy distance. First variation: `dD/dP(x) = 2 integral from x up
//! of (F - G) / sd_Q`, hence the witness `2 integral up to x of (F - G) / sd_Q`.

use super::both::Reading;
use super::line::Line;
use super::on_line::{About, OnLine};
use super::steps::{self, OnSteps, Steps};
use super::{DiscrepancyError, Weighted, Witness};
use crate::sample::Sample;

/// `cramer-von-mises`.
pub struct CramerVonMises;

const NAME: &str = "cramer-von-mises";

/// `integral (F - G)^2 dx` in the units of the values.
///
/// # Errors
/// Empty sides, values or weights that are not finite.
pub fn distance(internal: Weighted<'_>, external: Weighted<'_>) -> Result<f64, DiscrepancyError> {
    steps::on_points(internal, external, |steps| area(steps)[0])
}

#[inline(always)]
pub(super) fn area<const L: usize>(steps: &Steps<'_, L>) -> [f64; L] {
    steps.integral(|gap| gap * gap)
}

impl OnSteps for CramerVonMises {
    #[inline(always)]
    fn on_steps<const L: usize>(steps: &Steps<'_, L>) -> [f64; L] {
        let areas = area(steps);
        std::array::from_fn(|lane| areas[lane] / steps.sd[lane])
    }
}

impl OnLine for CramerVonMises {
    const ABOUT: About = About {
        name: NAME,
        title: "Cramér-von Mises",
        definition: "integral (F - G)^2 dx / external sd",
        reference: "Anderson, On the distribution of the two-sample Cramer-von Mises criterion, Annals of Mathematical Statistics 33, 1962",
        also_optimises: &["energy"],
        unit: "external sd",
        squared: true,
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
            let (knots, values) = steps.running_integral(|gap| 2.0 * gap / steps.sd[0]);
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
    fn values_by_hand() {
        // F - G is 1/2 on [0, 1], 1 on [1, 2] and 1/2 on [2, 4].
        let (u, v) = ([0.0, 1.0], [2.0, 4.0]);
        assert_eq!(distance(Weighted::equal(&u), Weighted::equal(&v)), Ok(1.75));
        let value = CramerVonMises.value(&Sample::real(u.to_vec()), &Sample::real(v.to_vec()));
        assert_eq!(value, Ok(1.75));
    }
}
