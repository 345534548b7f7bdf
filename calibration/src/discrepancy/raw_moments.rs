//! Gaps of raw moments: of counts and of squared counts, say.
//!
//! `D = sum over k from 1 to order of ((E_P x^k - E_Q x^k) / rms_k)^2` with `rms_k = sqrt(E_Q
//! x^2k)`, so that each power has its own unit. Other than `moments`, nothing is centred: where the
//! external values are skewed, as counts and sums are, high powers are ruled by the heaviest users,
//! and the witness `-2 sum_k (E_P x^k - E_Q x^k) / rms_k^2 x^k` pays for them where witnesses on log
//! scales thin them out. It wants a feature on its raw scale.

use super::lanes::InLanes;
use super::user_sums::UserSums;
use super::{Discrepancy, DiscrepancyError, Parameter, Prepared, Weighted, Witness, check};
use crate::sample::{Sample, Shape};

/// `raw-moments`.
#[derive(Clone, Copy)]
pub struct RawMoments {
    /// The highest power, from 1 to 4.
    pub order: usize,
}

const NAME: &str = "raw-moments";

/// The highest power.
const MOST: usize = 4;

/// `[1, y, ..., y^8]`.
fn powers(y: f64) -> [f64; 2 * MOST + 1] {
    let mut power = 1.0;
    std::array::from_fn(|k| {
        power = if k == 0 { 1.0 } else { power * y };
        power
    })
}

/// What values are divided by before powers are taken, which changes nothing but keeps them of a
/// usual size: the root mean square of the external values.
fn scale(values: &[f64]) -> Result<f64, DiscrepancyError> {
    let largest = values.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    let squares: f64 = values.iter().map(|value| (value / largest) * (value / largest)).sum();
    let scale = largest * (squares / values.len() as f64).sqrt();
    if scale.is_normal() {
        return Ok(scale);
    }
    Err(DiscrepancyError::Constant { discrepancy: NAME, value: 0.0 })
}

/// Sums over users of the powers of both sides, in units of `scale`.
struct Powers {
    internal: UserSums<{ MOST + 1 }>,
    external: UserSums<{ 2 * MOST + 1 }>,
    order: usize,
}

impl Powers {
    fn of(
        (p, p_users, p_owners): (&[f64], usize, impl Iterator<Item = usize>),
        (q, q_users, q_owners): (&[f64], usize, impl Iterator<Item = usize>),
        scale: f64,
        order: usize,
    ) -> Self {
        let low = |x: &f64| {
            let all = powers(x / scale);
            std::array::from_fn(|k| all[k])
        };
        Self {
            internal: UserSums::of(p_users, p_owners.zip(p.iter().map(low))),
            external: UserSums::of(q_users, q_owners.zip(q.iter().map(|x| powers(x / scale)))),
            order,
        }
    }

    /// `(E_P y^k - E_Q y^k) / rms_k` and `rms_k`, for k from 1 up to the order.
    fn gaps(&self, p: [f64; MOST + 1], q: [f64; 2 * MOST + 1]) -> [(f64, f64); MOST] {
        std::array::from_fn(|i| {
            let k = i + 1;
            let rms = (q[2 * k] / q[0]).sqrt();
            let gap = (p[k] / p[0] - q[k] / q[0]) / rms;
            if k <= self.order { (gap, rms) } else { (0.0, 1.0) }
        })
    }
}

fn form(gaps: [(f64, f64); MOST]) -> f64 {
    gaps.iter().map(|(gap, _)| gap * gap).sum()
}

impl InLanes for Powers {
    fn lanes<const L: usize>(
        &self,
        internal: [&[f64]; L],
        external: [&[f64]; L],
    ) -> Option<[Option<f64>; L]> {
        let (p, q) = (self.internal.under_each(internal)?, self.external.under_each(external)?);
        let value = |lane: usize| Some(form(self.gaps(p[lane], q[lane])));
        Some(std::array::from_fn(|lane| value(lane).filter(|value| value.is_finite())))
    }
}

impl RawMoments {
    /// The gaps of weighted points, and what their values were divided by.
    fn on_points(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Result<([(f64, f64); MOST], f64), DiscrepancyError> {
        check::points(internal, external)?;
        let scale = scale(external.values)?;
        let side = |points: Weighted<'_>| {
            let rows = points.values.len();
            points.weights.map_or(vec![1.0; rows], <[f64]>::to_vec)
        };
        let (p, q) = (side(internal), side(external));
        let powers = Powers::of(
            (internal.values, p.len(), 0..p.len()),
            (external.values, q.len(), 0..q.len()),
            scale,
            self.order,
        );
        let far = DiscrepancyError::Undefined {
            discrepancy: NAME,
            side: "internal",
            why: "its values are too far away to be summed up",
        };
        let gaps = match (powers.internal.under(&p), powers.external.under(&q)) {
            (Some(p), Some(q)) => powers.gaps(p, q),
            _ => return Err(far),
        };
        if form(gaps).is_finite() { Ok((gaps, scale)) } else { Err(far) }
    }
}

impl Discrepancy for RawMoments {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Raw moments"
    }

    fn definition(&self) -> &'static str {
        "sum over k up to order of (E_P x^k - E_Q x^k)^2 / E_Q x^2k"
    }

    fn reference(&self) -> &'static str {
        "Hansen, Large sample properties of generalized method of moments estimators, Econometrica 50, 1982"
    }

    fn cost(&self) -> &'static str {
        super::cost::PASS
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[Parameter {
            name: "order",
            meaning: "the highest power",
            default: 2.0,
            low: 1.0,
            high: MOST as f64,
            whole: true,
        }]
    }

    fn with(&self, values: &[f64]) -> Option<Box<dyn Discrepancy>> {
        Some(Box::new(Self { order: *values.first()? as usize }))
    }

    fn also_optimises(&self) -> &'static [&'static str] {
        &["mean-gap", "sd-gap", "moments"]
    }

    fn shape(&self) -> Shape {
        Shape::Real
    }

    fn squared(&self) -> bool {
        true
    }

    fn prepare<'a>(
        &self,
        internal: &'a Sample,
        external: &'a Sample,
    ) -> Result<Box<dyn Prepared + 'a>, DiscrepancyError> {
        check::samples(NAME, Shape::Real, 1, internal, external)?;
        fn owners(sample: &Sample) -> impl Iterator<Item = usize> {
            sample.user.iter().map(|&user| user as usize)
        }
        Ok(Box::new(Powers::of(
            (&internal.values, internal.users, owners(internal)),
            (&external.values, external.users, owners(external)),
            scale(&external.values)?,
            self.order,
        )))
    }

    fn witness(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<Witness, DiscrepancyError>> {
        Some(self.on_points(internal, external).map(|(gaps, scale)| {
            let [a, b, c, d] = gaps.map(|(gap, rms)| -2.0 * gap / rms);
            Witness::polynomial([0.0, a, b, c, d], 0.0, scale)
        }))
    }

    fn weighted_value(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<f64, DiscrepancyError>> {
        Some(self.on_points(internal, external).map(|(gaps, _)| form(gaps)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_by_hand() {
        // E_Q x is 1, E_Q x^2 is 2, E_Q x^4 is 8.
        let (p, q) = (Sample::real(vec![3.0]), Sample::real(vec![0.0, 2.0]));
        let value = |order| RawMoments { order }.value(&p, &q).unwrap();
        assert!((value(1) - 4.0 / 2.0).abs() < 1e-14);
        assert!((value(2) - (2.0 + 49.0 / 8.0)).abs() < 1e-14);
        // E_Q x^3 is 4, E_Q x^6 is 32.
        assert!((value(3) - (2.0 + 49.0 / 8.0 + 23.0 * 23.0 / 32.0)).abs() < 1e-13);
    }

    #[test]
    fn nothing_but_zeros_is_no_unit() {
        let zeros = Sample::real(vec![0.0, 0.0]);
        assert!(RawMoments { order: 2 }.value(&Sample::real(vec![1.0]), &zeros).is_err());
    }
}
