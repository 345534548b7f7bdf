//! Kolmogorov-Smirnov: the largest gap between two distribution functions.
//!
//! `D = sup_x |F(x) - G(x)|` (Kolmogorov 1933, Smirnov 1939), from 0 to 1, the same under any
//! increasing change of scale. It has no witness: its derivative lives on the one place of the
//! largest gap, so a reward made of it would pay a single step of the axis.

use super::axis::{self, Axis, OnSteps, Steps};
use super::{Discrepancy, DiscrepancyError, Prepared, Weighted};
use crate::sample::{Sample, Shape};

/// `kolmogorov-smirnov`.
pub struct KolmogorovSmirnov;

const NAME: &str = "kolmogorov-smirnov";

/// The largest gap between the distribution functions.
///
/// # Errors
/// Empty sides, values or weights that are not finite.
pub fn distance(internal: Weighted<'_>, external: Weighted<'_>) -> Result<f64, DiscrepancyError> {
    axis::on_points(internal, external, |steps| largest(steps)[0])
}

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
    fn on_steps<const L: usize>(steps: &Steps<'_, L>) -> [f64; L] {
        largest(steps)
    }
}

impl Discrepancy for KolmogorovSmirnov {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Kolmogorov-Smirnov"
    }

    fn definition(&self) -> &'static str {
        "max |F - G|"
    }

    fn shape(&self) -> Shape {
        Shape::Real
    }

    fn prepare<'a>(
        &self,
        internal: &'a Sample,
        external: &'a Sample,
    ) -> Result<Box<dyn Prepared + 'a>, DiscrepancyError> {
        Ok(Axis::of_samples(NAME, internal, external)?.prepared::<Self>())
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
        let of = |u: &[f64], v: &[f64]| distance(Weighted::equal(u), Weighted::equal(v));
        assert_eq!(of(&[0.0, 1.0], &[2.0, 3.0]), Ok(1.0));
        assert_eq!(of(&[1.0, 2.0, 3.0, 4.0], &[2.0, 3.0]), Ok(0.25));
        assert_eq!(of(&[5.0, 5.0], &[5.0]), Ok(0.0));
        assert_eq!(of(&[0.0, 0.0, -0.0], &[-0.0]), Ok(0.0));
    }
}
