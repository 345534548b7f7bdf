//! Gap of skewness.
//!
//! `D = |g_P - g_Q|` with `g = m3 / m2^(3/2)`, the third standardised central moment, n in the
//! denominators (Joanes and Gill 1998, g1); 0 for simulated users who are all alike. With z the
//! value in standard deviations about the mean, the influence function of g is
//! `z^3 - g - 3 z - 3/2 g (z^2 - 1)`. Hence the witness, with z about the internal mean:
//! `-sign(g_P - g_Q) (z^3 - 3 z - 3/2 g_P z^2)`.

use super::both::{Both, OnBoth, Reader, Reading};
use super::line::Line;
use super::measure::Measure;
use super::on_line::{About, OnLine};
use super::standardised::sign;
use super::user_sums::{UserSums, mean_and_sd, variance};
use super::{DiscrepancyError, Weighted, Witness, check, cost};

/// `skewness-gap`.
#[derive(Clone, Copy)]
pub struct SkewnessGap;

const NAME: &str = "skewness-gap";
const FEW: &str = "it has no rows";

/// `[n, z, z^2, z^3]` per user, z about the overall mean in overall standard deviations.
fn sums(values: &[f64], users: usize, owners: impl Iterator<Item = usize>) -> UserSums<4> {
    let (mean, sd) = mean_and_sd(values, None);
    let scale = if sd > 0.0 { sd } else { 1.0 };
    let standard = values.iter().map(|value| (value - mean) / scale);
    UserSums::of(users, owners.zip(standard.map(|z| [1.0, z, z * z, z * z * z])))
}

fn skewness([n, first, second, third]: [f64; 4]) -> Measure {
    let spread = variance([n, first, second]);
    if spread <= 0.0 {
        return Measure::NoSpread;
    }
    let (m1, m2, m3) = (first / n, second / n, third / n);
    Measure::Value((m3 - 3.0 * m1 * m2 + 2.0 * m1 * m1 * m1) / (spread * spread.sqrt()))
}

impl OnBoth for SkewnessGap {
    #[inline(always)]
    fn on_both<const L: usize>(&self, both: &Both<'_, L>) -> [f64; L] {
        std::array::from_fn(|lane| {
            let [p, q] = [0, 1].map(|side| skewness(both.moments[side][lane]));
            match (p.or_nothing(), q) {
                (Measure::Value(p), Measure::Value(q)) => (p - q).abs(),
                _ => f64::NAN,
            }
        })
    }
}

/// The skewness of points; `side` for the error.
fn of_points(points: Weighted<'_>, side: &'static str) -> Result<f64, DiscrepancyError> {
    let rows = points.values.len();
    let equal = vec![1.0; rows];
    let weights = points.weights.unwrap_or(&equal);
    let sums = sums(points.values, rows, 0..rows);
    let measure = sums.under(weights).map_or(Measure::TooFew, skewness);
    let measure = if side == "internal" { measure.or_nothing() } else { measure };
    measure.required(NAME, side, FEW)
}

fn gap(internal: Weighted<'_>, external: Weighted<'_>) -> Result<(f64, f64), DiscrepancyError> {
    check::points(internal, external)?;
    Ok((of_points(internal, "internal")?, of_points(external, "external")?))
}

impl OnLine for SkewnessGap {
    const ABOUT: About = About {
        name: NAME,
        title: "Gap of skewness",
        definition: "|g_P - g_Q| with g = m3 / m2^(3/2); g_P = 0 without spread",
        reference: "Joanes and Gill, Comparing measures of sample skewness and kurtosis, The Statistician 47, 1998",
        cost: cost::PASS,
        symmetric: true,
        ..About::USUAL
    };

    fn reading(&self, line: &Line) -> Reading {
        let external = if line.external.sd > 0.0 { Measure::Value(0.0) } else { Measure::NoSpread };
        let reader = external.required(NAME, "external", FEW);
        reader.map(|_| Box::new(*self) as Box<dyn Reader>)
    }

    fn witness_on(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<Witness, DiscrepancyError>> {
        Some(gap(internal, external).map(|(p, q)| {
            let (centre, sd) = mean_and_sd(internal.values, internal.weights);
            let (scale, sign) = if sd > 0.0 { (sd, -sign(p - q)) } else { (1.0, 0.0) };
            let coefficients = [0.0, -3.0, -1.5 * p, 1.0, 0.0].map(|each| sign * each);
            Witness::polynomial(coefficients, centre, scale)
        }))
    }

    fn value_on(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<f64, DiscrepancyError>> {
        Some(gap(internal, external).map(|(p, q)| (p - q).abs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discrepancy::Discrepancy;
    use crate::sample::Sample;

    #[test]
    fn value_by_hand() {
        // 0, 0, 3 about 1: third moment (8 - 1 - 1) / 3 = 2, variance 2.
        let (p, q) = (Sample::real(vec![0.0, 0.0, 3.0]), Sample::real(vec![1.0, 5.0]));
        let value = SkewnessGap.value(&p, &q).unwrap();
        assert!((value - 2.0_f64.sqrt() / 2.0).abs() < 1e-15, "{value}");
        assert_eq!(SkewnessGap.value(&Sample::real(vec![4.0]), &q), Ok(0.0));
    }
}
