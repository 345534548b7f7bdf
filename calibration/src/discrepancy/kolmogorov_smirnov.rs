//! Kolmogorov-Smirnov: the largest gap between two distribution functions.
//!
//! `D = sup_x |F(x) - G(x)|` (Kolmogorov 1933, Smirnov 1939), from 0 to 1, the same under any
//! increasing change of scale. Let the gap be largest from the value a up to the next one, b. Where F
//! is above there, mass below b makes it larger, so the witness is `-1{x < b}`; where F is below,
//! mass up to a makes it smaller, so it is `1{x <= a}`. This is a single step, at another place after
//! each rollout. Where the gap is as large at several places the distance has a kink, and the
//! witness takes one of them.

use super::both::Reading;
use super::kuiper::{largest_gaps, steps_at};
use super::line::Line;
use super::on_line::{About, OnLine};
use super::sorted::largest_gap;
use super::steps::{self, OnSteps, Steps};
use super::{DiscrepancyError, Weighted, Witness, check};
use crate::sample::{Sample, Shape};

/// `kolmogorov-smirnov`.
pub struct KolmogorovSmirnov;

const NAME: &str = "kolmogorov-smirnov";

/// The largest gap between the distribution functions.
///
/// # Errors
/// Empty sides, values or weights that are not finite.
pub fn distance(internal: Weighted<'_>, external: Weighted<'_>) -> Result<f64, DiscrepancyError> {
    if internal.weights.is_none() && external.weights.is_none() {
        check::points(internal, external)?;
        return Ok(largest_gap(internal.values, external.values));
    }
    steps::on_points(internal, external, |steps| largest(steps)[0])
}

#[inline(always)]
fn largest<const L: usize>(steps: &Steps<'_, L>) -> [f64; L] {
    let mut largest = [0.0_f64; L];
    steps.each(|_, gaps, width| {
        for (largest, gap) in largest.iter_mut().zip(gaps) {
            let size = if width > 0.0 { gap.abs() } else { 0.0 };
            *largest = if size > *largest { size } else { *largest };
        }
    });
    largest
}

impl OnSteps for KolmogorovSmirnov {
    #[inline(always)]
    fn on_steps<const L: usize>(steps: &Steps<'_, L>) -> [f64; L] {
        largest(steps)
    }
}

impl OnLine for KolmogorovSmirnov {
    const ABOUT: About = About {
        name: NAME,
        title: "Kolmogorov-Smirnov",
        definition: "max |F - G|",
        reference: "Smirnov, Table for estimating the goodness of fit of empirical distributions, Annals of Mathematical Statistics 19, 1948",
        symmetric: true,
        most: 1.0,
        ..About::USUAL
    };

    fn reading(&self, _line: &Line) -> Reading {
        Ok(steps::reader::<Self>())
    }

    fn witness_on(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<Witness, DiscrepancyError>> {
        Some(steps::on_points(internal, external, |steps| {
            let gaps = largest_gaps(steps).into_iter().flatten();
            let largest = gaps.max_by(|a, b| a.gap.total_cmp(&b.gap));
            steps_at(largest.as_slice())
        }))
    }

    fn value_on(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<f64, DiscrepancyError>> {
        Some(distance(internal, external))
    }

    fn value_alike(
        &self,
        internal: &Sample,
        external: &Sample,
    ) -> Option<Result<f64, DiscrepancyError>> {
        let samples = check::samples(NAME, Shape::Real, 1, internal, external);
        Some(samples.map(|()| largest_gap(&internal.values, &external.values)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discrepancy::Discrepancy;

    #[test]
    fn values_by_hand() {
        let of = |u: &[f64], v: &[f64]| distance(Weighted::equal(u), Weighted::equal(v));
        assert_eq!(of(&[0.0, 1.0], &[2.0, 3.0]), Ok(1.0));
        assert_eq!(of(&[1.0, 2.0, 3.0, 4.0], &[2.0, 3.0]), Ok(0.25));
        assert_eq!(of(&[5.0, 5.0], &[5.0]), Ok(0.0));
        assert_eq!(of(&[0.0, 0.0, -0.0], &[-0.0]), Ok(0.0));
    }

    #[test]
    fn the_witness_steps_at_the_largest_gap() {
        let pays = |u: &[f64], v: &[f64]| {
            let witness = KolmogorovSmirnov.witness(Weighted::equal(u), Weighted::equal(v));
            let witness = witness.unwrap().unwrap();
            [0.0, 1.0, 2.0, 3.0].map(|x| witness.at(x))
        };
        // F is above by a half from 0 to 3, and first from 0 to 1.
        assert_eq!(pays(&[0.0, 1.0], &[1.0, 3.0]), [-1.0, 0.0, 0.0, 0.0]);
        // F is below by 1 from 1 to 2.
        assert_eq!(pays(&[2.0, 3.0], &[1.0, 1.0]), [1.0, 1.0, 0.0, 0.0]);
        assert_eq!(pays(&[2.0, 3.0], &[2.0, 3.0]), [0.0; 4]);
    }
}
