//! Standardised gap of standard deviations.
//!
//! `D = |sd_P - sd_Q| / sd_Q`, with n in the denominator. As `d sd_P / dP(x) = ((x - m_P)^2 -
//! var_P) / (2 sd_P)`, the witness is `-sign(sd_P - sd_Q) (x - m_P)^2 / (2 sd_P sd_Q)`. Where P has
//! no spread its standard deviation has an infinite slope; the witness there is `(x - m_P)^2 /
//! (2 var_Q)`, which points the same way.

use super::both::Reading;
use super::line::Line;
use super::on_line::{About, OnLine};
use super::standardised::{self, sign};
use super::{DiscrepancyError, Weighted, Witness, cost};

/// `sd-gap`.
pub struct SdGap;

const NAME: &str = "sd-gap";

impl OnLine for SdGap {
    const ABOUT: About = About {
        name: NAME,
        title: "Gap of standard deviations",
        definition: "|sd_P - sd_Q| / external sd",
        reference: "the relative error of a standard deviation; no single source",
        cost: cost::PASS,
        unit: "external sd",
        ..About::USUAL
    };

    fn reading(&self, line: &Line) -> Reading {
        standardised::reader(NAME, line, |moments| (moments.variance.sqrt() - 1.0).abs())
    }

    fn witness_on(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<Witness, DiscrepancyError>> {
        Some(standardised::on_points(NAME, internal, external, |points| {
            let (p, q) = (points.internal_sd, points.external_sd);
            let centre = points.internal_mean;
            let (scale, square) = match p > 0.0 {
                true => (p.sqrt() * q.sqrt(), -sign((p - q) / q) / 2.0),
                false => (q, 0.5),
            };
            Witness::Parabola { centre, scale, linear: 0.0, square }
        }))
    }

    fn value_on(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<f64, DiscrepancyError>> {
        Some(standardised::on_points(NAME, internal, external, |points| {
            (points.internal_sd / points.external_sd - 1.0).abs()
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
        let (p, q) = (Sample::real(vec![-3.0, 3.0]), Sample::real(vec![1.0, 5.0]));
        assert_eq!(SdGap.value(&p, &q), Ok(0.5));
        assert_eq!(SdGap.value(&Sample::real(vec![7.0, 7.0]), &q), Ok(1.0));
    }

    #[test]
    fn a_side_without_spread_is_paid_for_spread() {
        let (p, q) = ([7.0, 7.0], [1.0, 5.0]);
        let witness = SdGap.witness(Weighted::equal(&p), Weighted::equal(&q)).unwrap().unwrap();
        assert_eq!([witness.at(7.0), witness.at(9.0), witness.at(3.0)], [0.0, 0.5, 2.0]);
    }
}
