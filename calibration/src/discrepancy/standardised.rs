//! Means and variances of two samples in units of the external standard deviation, under any user
//! weights.

use super::lanes::InLanes;
use super::user_sums::{UserSums, mean_and_sd, variance};
use super::{DiscrepancyError, Prepared, Weighted, check};
use crate::sample::{Sample, Shape};

/// The first two moments of the internal side, seen from the external one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standardised {
    /// `(m_P - m_Q) / sd_Q`.
    pub(super) mean: f64,
    /// `var_P / var_Q`.
    pub(super) variance: f64,
}

/// Per-user sums of `z = (x - centre) / sd_Q`, each side about its own mean: a side far away from
/// the other loses no digits.
struct Sums {
    internal: UserSums<3>,
    external: UserSums<3>,
    /// Distance of the two centres, in external standard deviations.
    offset: f64,
}

type Rows<'a> = (&'a [f64], usize, &'a mut dyn Iterator<Item = usize>);

impl Sums {
    /// None where the external side has no spread.
    fn of(
        internal: Rows<'_>,
        external: Rows<'_>,
        internal_centre: f64,
        (external_centre, sd): (f64, f64),
    ) -> Self {
        let sums = |(values, users, owners): Rows<'_>, centre: f64| {
            let standard = values.iter().map(|value| (value - centre) / sd);
            UserSums::of(users, owners.zip(standard.map(|z| [1.0, z, z * z])))
        };
        Self {
            internal: sums(internal, internal_centre),
            external: sums(external, external_centre),
            offset: (internal_centre - external_centre) / sd,
        }
    }

    /// The moments from the total sums of both sides.
    fn standardised(&self, p: [f64; 3], q: [f64; 3]) -> Option<Standardised> {
        let spread = variance(q);
        (spread > 0.0).then(|| Standardised {
            mean: (self.offset + p[1] / p[0] - q[1] / q[0]) / spread.sqrt(),
            variance: variance(p) / spread,
        })
    }
}

/// A discrepancy that is a function of the standardised moments.
struct OnMoments {
    sums: Sums,
    value: fn(Standardised) -> f64,
}

impl InLanes for OnMoments {
    fn lanes<const L: usize>(
        &self,
        internal: [&[f64]; L],
        external: [&[f64]; L],
    ) -> Option<[Option<f64>; L]> {
        let p = self.sums.internal.under_each(internal)?;
        let q = self.sums.external.under_each(external)?;
        Some(std::array::from_fn(|lane| {
            let moments = self.sums.standardised(p[lane], q[lane])?;
            Some((self.value)(moments)).filter(|value| value.is_finite())
        }))
    }
}

/// Prepares two samples of real numbers.
pub(super) fn prepare<'a>(
    discrepancy: &'static str,
    internal: &Sample,
    external: &Sample,
    value: fn(Standardised) -> f64,
) -> Result<Box<dyn Prepared + 'a>, DiscrepancyError> {
    check::samples(discrepancy, Shape::Real, 1, internal, external)?;
    let (centre, sd) = mean_and_sd(&external.values, None);
    if sd <= 0.0 {
        return Err(DiscrepancyError::Constant { discrepancy, value: centre });
    }
    let mut owners = internal.user.iter().map(|&user| user as usize);
    let mut external_owners = external.user.iter().map(|&user| user as usize);
    let sums = Sums::of(
        (&internal.values, internal.users, &mut owners),
        (&external.values, external.users, &mut external_owners),
        mean_and_sd(&internal.values, None).0,
        (centre, sd),
    );
    Ok(Box::new(OnMoments { sums, value }))
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
