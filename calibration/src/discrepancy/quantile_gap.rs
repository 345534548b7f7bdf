//! Gap of a quantile, the median where no other is named.
//!
//! `D = |F^-1(p) - G^-1(p)| / sd_Q`, with the lower quantile: the smallest value that at least the
//! share p of the rows does not exceed. It has no witness: on a sample a quantile stays where it is
//! until enough mass has moved, and then jumps. `tail-gap` and `cramer-von-mises-upper` pay for
//! what lies beyond a quantile.

use super::Parameter;
use super::both::{self, Both, OnBoth, Reading};
use super::line::Line;
use super::on_line::{About, OnLine};

/// `quantile-gap`.
#[derive(Clone, Copy)]
pub struct QuantileGap {
    /// Share of rows up to the quantile.
    pub p: f64,
}

const NAME: &str = "quantile-gap";

impl OnBoth for QuantileGap {
    #[inline(always)]
    fn on_both<const L: usize>(&self, both: &Both<'_, L>) -> [f64; L] {
        let (p, q) = (both.internal_quantile(self.p), both.external_quantile(self.p));
        std::array::from_fn(|lane| (p[lane] - q[lane]).abs() / both.sd[lane])
    }
}

impl OnLine for QuantileGap {
    const ABOUT: About = About {
        name: NAME,
        title: "Gap of a quantile",
        definition: "|F^-1(p) - G^-1(p)| / external sd, lower quantiles",
        reference: "Hyndman and Fan, Sample quantiles in statistical packages, The American Statistician 50, 1996, definition 1",
        parameters: &[Parameter {
            name: "p",
            meaning: "share of rows up to the quantile",
            default: 0.5,
            low: 0.001,
            high: 0.999,
            whole: false,
        }],
        unit: "external sd",
        ..About::USUAL
    };

    fn set(values: &[f64]) -> Option<Self> {
        Some(Self { p: *values.first()? })
    }

    fn reading(&self, line: &Line) -> Reading {
        both::with_spread(NAME, line, *self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discrepancy::Discrepancy;
    use crate::sample::Sample;

    #[test]
    fn values_by_hand() {
        let (p, q) = (Sample::real(vec![5.0, 7.0, 9.0]), Sample::real(vec![1.0, 3.0]));
        // Medians 7 and 1, upper deciles 9 and 3; the external sd is 1.
        assert_eq!(QuantileGap { p: 0.5 }.value(&p, &q), Ok(6.0));
        assert_eq!(QuantileGap { p: 0.9 }.value(&p, &q), Ok(6.0));
        assert_eq!(QuantileGap { p: 0.3 }.value(&p, &q), Ok(4.0));
        // A user without weight is no quantile.
        let weighted = QuantileGap { p: 0.3 };
        let prepared = weighted.prepare(&p, &q).unwrap();
        assert_eq!(prepared.value(&[0.0, 1.0, 0.0], &[1.0, 1.0]), Some(6.0));
    }
}
