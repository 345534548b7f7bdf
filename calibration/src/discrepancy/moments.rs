//! Squared distance of the first two standardised moments.
//!
//! With `z = (x - m_Q) / sd_Q` and `phi = (z, z^2)`, so that `E_Q phi = (0, 1)`:
//! `D = |E_P phi - E_Q phi|^2 = (E_P z)^2 + (E_P z^2 - 1)^2`, the quadratic form of the method of
//! moments with the identity as its weights. Witness: `-2 (E_P phi - E_Q phi)' phi(x)`.

use super::both::Reading;
use super::line::Line;
use super::standardised::{self, Standardised};
use super::{Discrepancy, DiscrepancyError, Prepared, Weighted, Witness, shared};
use crate::sample::{Sample, Shape};

/// `moments`.
pub struct Moments;

const NAME: &str = "moments";

/// `E_P phi - E_Q phi`.
fn gaps(moments: Standardised) -> [f64; 2] {
    [moments.mean, moments.variance + moments.mean * moments.mean - 1.0]
}

fn form(moments: Standardised) -> f64 {
    gaps(moments).iter().map(|gap| gap * gap).sum()
}

impl Discrepancy for Moments {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "First two moments"
    }

    fn definition(&self) -> &'static str {
        "(E_P z)^2 + (E_P z^2 - 1)^2 with z = (x - mean_Q) / external sd"
    }

    fn reference(&self) -> &'static str {
        "Hansen, Large sample properties of generalized method of moments estimators, Econometrica 50, 1982"
    }

    fn cost(&self) -> &'static str {
        super::cost::PASS
    }

    fn also_optimises(&self) -> &'static [&'static str] {
        &["mean-gap", "sd-gap"]
    }

    fn shape(&self) -> Shape {
        Shape::Real
    }

    fn squared(&self) -> bool {
        true
    }

    fn on_line(&self, line: &Line) -> Option<Reading> {
        standardised::reader(NAME, line, form)
    }

    fn prepare<'a>(
        &self,
        internal: &'a Sample,
        external: &'a Sample,
    ) -> Result<Box<dyn Prepared + 'a>, DiscrepancyError> {
        shared::prepare(self, internal, external)
    }

    fn witness(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<Witness, DiscrepancyError>> {
        Some(standardised::on_points(NAME, internal, external, |points| {
            let [first, second] = gaps(points.standardised());
            Witness::Parabola {
                centre: points.external_mean,
                scale: points.external_sd,
                linear: -2.0 * first,
                square: -2.0 * second,
            }
        }))
    }

    fn weighted_value(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<f64, DiscrepancyError>> {
        Some(standardised::on_points(NAME, internal, external, |points| {
            form(points.standardised())
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_by_hand() {
        // z of 5, 9 is 1, 3: mean 2, mean square 5.
        let (p, q) = (Sample::real(vec![5.0, 9.0]), Sample::real(vec![1.0, 5.0]));
        assert_eq!(Moments.value(&p, &q), Ok(4.0 + 16.0));
    }
}
