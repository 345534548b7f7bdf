//! Squared distance of the first two standardised moments.
//!
//! With `z = (x - m_Q) / sd_Q` and `phi = (z, z^2)`, so that `E_Q phi = (0, 1)`:
//! `D = |E_P phi - E_Q phi|^2 = (E_P z)^2 + (E_P z^2 - 1)^2`, the quadratic form of the method of
//! moments with the identity as its weights. Witness: `-2 (E_P phi - E_Q phi)' phi(x)`.

use super::both::Reading;
use super::line::Line;
use super::on_line::{About, OnLine};
use super::standardised::{self, Standardised};
use super::{DiscrepancyError, Weighted, Witness, cost};

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

impl OnLine for Moments {
    const ABOUT: About = About {
        name: NAME,
        title: "First two moments",
        definition: "(E_P z)^2 + (E_P z^2 - 1)^2 with z = (x - mean_Q) / external sd",
        reference: "Hansen, Large sample properties of generalized method of moments estimators, Econometrica 50, 1982",
        cost: cost::PASS,
        also_optimises: &["mean-gap", "sd-gap"],
        squared: true,
        ..About::USUAL
    };

    fn reading(&self, line: &Line) -> Reading {
        standardised::reader(NAME, line, form)
    }

    fn witness_on(
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

    fn value_on(
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
    use crate::discrepancy::Discrepancy;
    use crate::sample::Sample;

    #[test]
    fn value_by_hand() {
        // z of 5, 9 is 1, 3: mean 2, mean square 5.
        let (p, q) = (Sample::real(vec![5.0, 9.0]), Sample::real(vec![1.0, 5.0]));
        assert_eq!(Moments.value(&p, &q), Ok(4.0 + 16.0));
    }
}
