//! Gap of the upper tail beyond an external quantile.
//!
//! `D = |E_P (X - t)+ - E_Q (X - t)+| / ((1 - p) sd_Q)` with t the lower external p-quantile: how
//! much the simulated users have beyond t, seen per user of the external tail. Its size and its
//! excess both count. On the external side `t + E_Q (X - t)+ / (1 - p)` is the expected shortfall,
//! the mean of the upper share 1 - p (Rockafellar and Uryasev 2000). Witness: `-sign(gap) (x - t)+
//! / ((1 - p) sd_Q)`, which pays for what the heaviest users do, in proportion.

use super::both::{self, Both, OnBoth, Reading};
use super::line::Line;
use super::on_line::{About, OnLine};
use super::standardised::sign;
use super::{DiscrepancyError, Parameter, Weighted, Witness};

/// `tail-gap`.
#[derive(Clone, Copy)]
pub struct TailGap {
    /// Share of external rows up to where the tail begins.
    pub p: f64,
}

const NAME: &str = "tail-gap";

impl TailGap {
    /// The gap with its sign, and t.
    fn gaps<const L: usize>(&self, both: &Both<'_, L>) -> ([f64; L], [f64; L]) {
        let from = both.external_quantile(self.p);
        let (mut p, mut q) = ([0.0; L], [0.0; L]);
        both.each(|place| {
            for lane in 0..L {
                let excess = (place.value - from[lane]).max(0.0) / both.sd[lane];
                p[lane] += place.p[lane] * excess;
                q[lane] += place.q[lane] * excess;
            }
        });
        let gap = |lane: usize| (p[lane] - q[lane]) / (1.0 - self.p);
        (std::array::from_fn(gap), from)
    }
}

impl OnBoth for TailGap {
    #[inline(always)]
    fn on_both<const L: usize>(&self, both: &Both<'_, L>) -> [f64; L] {
        self.gaps(both).0.map(f64::abs)
    }
}

impl OnLine for TailGap {
    const ABOUT: About = About {
        name: NAME,
        title: "Gap of the upper tail",
        definition: "|E_P (X - t)+ - E_Q (X - t)+| / ((1 - p) external sd), t the external p-quantile",
        reference: "Rockafellar and Uryasev, Optimization of conditional value-at-risk, Journal of Risk 2, 2000",
        parameters: &[Parameter {
            name: "p",
            meaning: "share of external rows up to where the tail begins",
            default: 0.95,
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

    fn witness_on(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<Witness, DiscrepancyError>> {
        Some(both::on_spread_points(NAME, internal, external, |both| {
            let ([gap], [from]) = self.gaps(both);
            let (at, rise) = (vec![0.0], -sign(gap) / (1.0 - self.p));
            let between = vec![[0.0; 5], [0.0, rise, 0.0, 0.0, 0.0]];
            Witness::Pieces { knots: vec![from], at, between, centre: from, scale: both.sd[0] }
        }))
    }

    fn value_on(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<f64, DiscrepancyError>> {
        let value = |both: &Both<'_, 1>| self.gaps(both).0[0].abs();
        Some(both::on_spread_points(NAME, internal, external, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discrepancy::Discrepancy;

    #[test]
    fn value_and_witness_by_hand() {
        // t = 1, the external excess is (0 + 2) / 2, the internal one (0 + 0 + 3 + 7) / 4.
        let (p, q) = ([0.0, 1.0, 4.0, 8.0], [1.0, 3.0]);
        let (p, q) = (Weighted::equal(&p), Weighted::equal(&q));
        let tail = TailGap { p: 0.5 };
        assert_eq!(tail.weighted_value(p, q), Some(Ok((2.5 - 1.0) / 0.5)));
        let witness = tail.witness(p, q).unwrap().unwrap();
        assert_eq!([-3.0, 1.0, 2.0, 5.0].map(|x| witness.at(x)), [0.0, 0.0, -2.0, -8.0]);
    }
}
