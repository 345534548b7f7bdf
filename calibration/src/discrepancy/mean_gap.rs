//! Standardised gap of means.
//!
//! `D = |m_P - m_Q| / sd_Q`. Witness: `-sign(m_P - m_Q) (x - m_Q) / sd_Q`.

use super::both::Reading;
use super::line::Line;
use super::standardised::{self, sign};
use super::{Discrepancy, DiscrepancyError, Prepared, Weighted, Witness, shared};
use crate::sample::{Sample, Shape};

/// `mean-gap`.
pub struct MeanGap;

const NAME: &str = "mean-gap";

impl Discrepancy for MeanGap {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Gap of means"
    }

    fn definition(&self) -> &'static str {
        "|mean_P - mean_Q| / external sd"
    }

    fn reference(&self) -> &'static str {
        "Glass, Primary, secondary, and meta-analysis of research, Educational Researcher 5, 1976"
    }

    fn cost(&self) -> &'static str {
        super::cost::PASS
    }

    fn unit(&self) -> &'static str {
        "external sd"
    }

    fn shape(&self) -> Shape {
        Shape::Real
    }

    fn on_line(&self, line: &Line) -> Option<Reading> {
        standardised::reader(NAME, line, |moments| moments.mean.abs())
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
        Some(standardised::on_points(NAME, internal, external, |points| Witness::Parabola {
            centre: points.external_mean,
            scale: points.external_sd,
            linear: -sign(points.standardised().mean),
            square: 0.0,
        }))
    }

    fn weighted_value(
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

    #[test]
    fn value_by_hand() {
        let (p, q) = (Sample::real(vec![4.0, 6.0, 8.0]), Sample::real(vec![1.0, 5.0]));
        assert_eq!(MeanGap.value(&p, &q), Ok(1.5));
    }
}
