//! Gaps of raw moments: of counts and of squared counts, say.
//!
//! `D = sum over k from 1 to order of ((E_P x^k - E_Q x^k) / rms_k)^2` with `rms_k = sqrt(E_Q
//! x^2k)`, so that each power has its own unit. Other than `moments`, nothing is centred: where the
//! external values are skewed, as counts and sums are, high powers are ruled by the heaviest users,
//! and the witness `-2 sum_k (E_P x^k - E_Q x^k) / rms_k^2 x^k` pays for them where witnesses on log
//! scales thin them out. It wants a feature on its raw scale.

use super::both::{self, Both, OnBoth, Reader, Reading};
use super::line::Line;
use super::on_line::{About, OnLine};
use super::{DiscrepancyError, Parameter, Weighted, Witness, check, cost};

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

/// `(E_P y^k - E_Q y^k) / rms_k` and `rms_k`, for k from 1 up to the order, from the sums of powers.
fn gaps(order: usize, p: [f64; MOST + 1], q: [f64; 2 * MOST + 1]) -> [(f64, f64); MOST] {
    std::array::from_fn(|i| {
        let k = i + 1;
        let rms = (q[2 * k] / q[0]).sqrt();
        let gap = (p[k] / p[0] - q[k] / q[0]) / rms;
        if k <= order { (gap, rms) } else { (0.0, 1.0) }
    })
}

fn form(gaps: [(f64, f64); MOST]) -> f64 {
    gaps.iter().map(|(gap, _)| gap * gap).sum()
}

/// The powers of each distinct value, in units of the scale.
struct Powers {
    powers: Vec<[f64; 2 * MOST + 1]>,
    order: usize,
}

impl Powers {
    fn gaps<const L: usize>(&self, both: &Both<'_, L>) -> [[(f64, f64); MOST]; L] {
        let mut p = [[0.0; MOST + 1]; L];
        let mut q = [[0.0; 2 * MOST + 1]; L];
        let mut below = [[0.0; L]; 2];
        for (sums, powers) in both.sums.iter().zip(&self.powers) {
            for lane in 0..L {
                let mass = |side: usize| sums[side][lane] - below[side][lane];
                p[lane].iter_mut().zip(powers).for_each(|(sum, power)| *sum += mass(0) * power);
                q[lane].iter_mut().zip(powers).for_each(|(sum, power)| *sum += mass(1) * power);
            }
            below = *sums;
        }
        std::array::from_fn(|lane| gaps(self.order, p[lane], q[lane]))
    }

    fn new(line: &Line, scale: f64, order: usize) -> Self {
        let values = line.values().iter().filter(|value| value.is_finite());
        Self { powers: values.map(|x| powers(x / scale)).collect(), order }
    }
}

impl OnBoth for Powers {
    #[inline(always)]
    fn on_both<const L: usize>(&self, both: &Both<'_, L>) -> [f64; L] {
        self.gaps(both).map(form)
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
        let gaps = both::on_points(internal, external, |both| {
            let [gaps] = Powers::new(both.line, scale, self.order).gaps(both);
            gaps
        })?;
        if form(gaps).is_finite() {
            return Ok((gaps, scale));
        }
        let why = "its values are too far away to be summed up";
        Err(DiscrepancyError::Undefined { discrepancy: NAME, side: "internal", why })
    }
}

impl OnLine for RawMoments {
    const ABOUT: About = About {
        name: NAME,
        title: "Raw moments",
        definition: "sum over k up to order of (E_P x^k - E_Q x^k)^2 / E_Q x^2k",
        reference: "Hansen, Large sample properties of generalized method of moments estimators, Econometrica 50, 1982",
        cost: cost::PASS,
        parameters: &[Parameter {
            name: "order",
            meaning: "the highest power",
            default: 2.0,
            low: 1.0,
            high: MOST as f64,
            whole: true,
        }],
        also_optimises: &["mean-gap", "sd-gap", "moments"],
        squared: true,
        ..About::USUAL
    };

    fn set(values: &[f64]) -> Option<Self> {
        Some(Self { order: *values.first()? as usize })
    }

    fn reading(&self, line: &Line) -> Reading {
        let powers =
            scale(&line.external_values()).map(|scale| Powers::new(line, scale, self.order));
        powers.map(|powers| Box::new(powers) as Box<dyn Reader>)
    }

    fn witness_on(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<Witness, DiscrepancyError>> {
        Some(self.on_points(internal, external).map(|(gaps, scale)| {
            let [a, b, c, d] = gaps.map(|(gap, rms)| -2.0 * gap / rms);
            Witness::polynomial([0.0, a, b, c, d], 0.0, scale)
        }))
    }

    fn value_on(
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
    use crate::discrepancy::Discrepancy;
    use crate::sample::Sample;

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
