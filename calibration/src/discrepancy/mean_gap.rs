//! Standardised gap of means.
//!
//! `D = |m_P - m_Q| / sd_Q`. Witness: `-sign(m_P - m_Q) (x - m_Q) / sd_Q`.

use super::both::Reading;
use super::line::Line;
use super::on_line::{About, OnLine};
use super::standardised::{self, sign};
use super::{DiscrepancyError, Weighted, Witness, cost};

/// `mean-gap`.
pub struct MeanGap;

const NAME: &str = "mean-gap";

impl OnLine for MeanGap {
    const ABOUT: About = About {
        name: NAME,
        title: "Gap of means",
        definition: "|mean_P - mean_Q| / external sd",
        reference: "Glass, Primary, secondary, and meta-analysis of research, Educational Researcher 5, 1976",
        cost: cost::PASS,
        unit: "external sd",
        ..About::USUAL
    };

    fn reading(&self, line: &Line) -> Reading {
        standardised::reader(NAME, line, |moments| moments.mean.abs())
    }

    fn witness_on(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<Witness, DiscrepancyError>> {
        Some(standardised::on_points(NAME, internal, external, |points| Witness::Parabola {
            centre: points.external_mean,
            scale: points.external_sd,
            linear: -sign(points.standardised().mean),
            square: 0.0,
        }))
    }

    fn value_on(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<f64, DiscrepancyError>> {
        Some(standardised::on_points(NAME, internal, external, |points| {
            points.standardised().mean.abs()
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
        let (p, q) = (Sample::real(vec![4.0, 6.0, 8.0]), Sample::real(vec![1.0, 5.0]));
        assert_eq!(MeanGap.value(&p, &q), Ok(1.5));
    }
}
