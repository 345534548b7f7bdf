//! Means and variances of two samples in units of the external standard deviation, under any user
//! weights.

use super::both::{self, Both, OnBoth, Reading};
use super::line::Line;
use super::user_sums::{mean_and_sd, variance};
use super::{DiscrepancyError, Weighted, check};

/// The first two moments of the internal side, seen from the external one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standardised {
    /// `(m_P - m_Q) / sd_Q`.
    pub(super) mean: f64,
    /// `var_P / var_Q`.
    pub(super) variance: f64,
}

/// A discrepancy that is a function of the standardised moments.
struct OnMoments(fn(Standardised) -> f64);

impl OnBoth for OnMoments {
    #[inline(always)]
    fn on_both<const L: usize>(&self, both: &Both<'_, L>) -> [f64; L] {
        let (internal, external) = (&both.line.internal, &both.line.external);
        // Each side about its own mean: a side far away from the other loses no digits.
        let offset = (internal.centre - external.centre) / external.scale();
        let ratio = internal.scale() / external.scale();
        std::array::from_fn(|lane| {
            let [p, q] = [0, 1].map(|side| both.moments[side][lane]);
            let [spread, internal_spread] =
                [q, p].map(|[n, z, squares, _]| variance([n, z, squares]));
            if spread <= 0.0 {
                return f64::NAN;
            }
            (self.0)(Standardised {
                mean: (offset + ratio * (p[1] / p[0]) - q[1] / q[0]) / spread.sqrt(),
                variance: ratio * ratio * internal_spread / spread,
            })
        })
    }
}

/// Reads a function of the standardised moments.
pub(super) fn reader(
    discrepancy: &'static str,
    line: &Line,
    value: fn(Standardised) -> f64,
) -> Reading {
    both::with_spread(discrepancy, line, OnMoments(value))
}

/// Means and standard deviations (n) of weighted points.
pub(super) struct PointMoments {
    /// Mean of the internal points.
    pub(super) internal_mean: f64,
    /// Standard deviation of the internal points.
    pub(super) internal_sd: f64,
    /// Mean of the external points.
    pub(super) external_mean: f64,
    /// Standard deviation of the external points; positive.
    pub(super) external_sd: f64,
}

impl PointMoments {
    /// The internal moments in units of the external ones.
    pub(super) fn standardised(&self) -> Standardised {
        let ratio = self.internal_sd / self.external_sd;
        Standardised {
            mean: (self.internal_mean - self.external_mean) / self.external_sd,
            variance: ratio * ratio,
        }
    }
}

/// Measures weighted points and works on what was found.
pub(super) fn on_points<T>(
    discrepancy: &'static str,
    internal: Weighted<'_>,
    external: Weighted<'_>,
    work: impl FnOnce(&PointMoments) -> T,
) -> Result<T, DiscrepancyError> {
    check::points(internal, external)?;
    let (internal_mean, internal_sd) = mean_and_sd(internal.values, internal.weights);
    let (external_mean, external_sd) = mean_and_sd(external.values, external.weights);
    if external_sd <= 0.0 {
        return Err(DiscrepancyError::Constant { discrepancy, value: external_mean });
    }
    Ok(work(&PointMoments { internal_mean, internal_sd, external_mean, external_sd }))
}

/// The sign of a gap, 0 where it is rounding.
pub(super) fn sign(gap: f64) -> f64 {
    if gap.abs() > 1e-12 { gap.signum() } else { 0.0 }
}
