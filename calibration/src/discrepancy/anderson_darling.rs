//! Anderson-Darling distance: the squared gap between distribution functions, in units of what
//! chance would make of it at each place, so that both tails count as much as the middle.
//!
//! `A = integral (F - G)^2 / (H (1 - H)) dH` with the pooled `H = s F + (1 - s) G`, all functions
//! taken at the value, itself included. With n and m rows and `s = n / (n + m)` the two-sample
//! statistic of Pettitt (1976) and of Scholz and Stephens (1987, formula 3) is `n m / (n + m) A`;
//! here s is a parameter, so that A does not grow with the samples and needs no number of rows. With
//! s = 1/2 it is symmetric, from 0 to 4 (2 ln 2 - 1).
//!
//! Witness. Mass at x lifts F from x up, and adds s times its mass to dH at x. With `a = (F - G)^2 /
//! (H (1 - H))` and `a' = (2 (F - G) - s (1 - 2 H) a) / (H (1 - H))`, the slope of a in F, it is `-sum
//! of a' dH from x up - s a(x)`. At the largest value, where H = 1, a' is -1 / s: mass beyond it.

use super::both::{self, Both, OnBoth, Place, ROUNDING, Reading};
use super::line::Line;
use super::on_line::{About, OnLine};
use super::{DiscrepancyError, Parameter, Weighted, Witness};

/// `anderson-darling`.
#[derive(Clone, Copy)]
pub struct AndersonDarling {
    /// Share of the internal side in the pool.
    pub share: f64,
}

const NAME: &str = "anderson-darling";

impl AndersonDarling {
    /// H at the place, and how much it rises there.
    fn pooled<const L: usize>(&self, place: &Place<L>, lane: usize) -> (f64, f64) {
        let (s, t) = (self.share, 1.0 - self.share);
        (s * place.f[lane] + t * place.g[lane], s * place.p[lane] + t * place.q[lane])
    }

    /// a and a' at a place.
    fn term(&self, f: f64, g: f64, h: f64) -> (f64, f64) {
        let (gap, spread) = (f - g, h * (1.0 - h));
        if 1.0 - h <= ROUNDING {
            return (0.0, -1.0 / self.share);
        }
        if h <= ROUNDING {
            return (0.0, 0.0);
        }
        let a = gap * gap / spread;
        (a, (2.0 * gap - self.share * (1.0 - 2.0 * h) * a) / spread)
    }
}

impl OnBoth for AndersonDarling {
    #[inline(always)]
    fn on_both<const L: usize>(&self, both: &Both<'_, L>) -> [f64; L] {
        let mut sums = [0.0; L];
        both.each(|place| {
            for (lane, sum) in sums.iter_mut().enumerate() {
                let (h, rise) = self.pooled(place, lane);
                *sum += rise * self.term(place.f[lane], place.g[lane], h).0;
            }
        });
        sums
    }
}

impl OnLine for AndersonDarling {
    const ABOUT: About = About {
        name: NAME,
        title: "Anderson-Darling",
        definition: "integral (F - G)^2 / (H (1 - H)) dH with H = (1 - share) G + share F",
        reference: "Scholz and Stephens, K-sample Anderson-Darling tests, Journal of the American Statistical Association 82, 1987",
        parameters: &[Parameter {
            name: "share",
            meaning: "share of the internal side in the pooled distribution",
            default: 0.5,
            low: 0.01,
            high: 0.99,
            whole: false,
        }],
        squared: true,
        ..About::USUAL
    };

    fn set(values: &[f64]) -> Option<Self> {
        Some(Self { share: *values.first()? })
    }

    fn is_symmetric(&self) -> bool {
        self.share == 0.5
    }

    fn reading(&self, _line: &Line) -> Reading {
        Ok(Box::new(*self))
    }

    fn witness_on(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<Witness, DiscrepancyError>> {
        Some(both::on_points(internal, external, |both| {
            let (mut knots, mut terms) = (Vec::new(), Vec::new());
            both.each(|place| {
                let (h, rise) = self.pooled(place, 0);
                let (a, slope) = self.term(place.f[0], place.g[0], h);
                knots.push(place.value);
                terms.push((self.share * a, slope * rise));
            });
            let (mut at, mut between) = (vec![0.0; knots.len()], vec![[0.0; 5]; knots.len() + 1]);
            let mut above = 0.0;
            for (i, &(here, rise)) in terms.iter().enumerate().rev() {
                between[i + 1][0] = -above - here;
                above += rise;
                at[i] = -above - here;
            }
            between[0][0] = -above;
            Witness::Pieces { knots, at, between, centre: 0.0, scale: 1.0 }
        }))
    }

    fn value_on(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<f64, DiscrepancyError>> {
        Some(both::on_points(internal, external, |both| self.on_both(both)[0]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discrepancy::Discrepancy;

    #[test]
    fn values_by_hand() {
        let of = |u: &[f64], v: &[f64]| {
            let value = AndersonDarling { share: 0.5 };
            value.weighted_value(Weighted::equal(u), Weighted::equal(v)).unwrap().unwrap()
        };
        // H rises by half at 0, where the gap is 1 and H (1 - H) is 1/4, and by half at 1.
        assert_eq!(of(&[0.0], &[1.0]), 2.0);
        assert_eq!(of(&[5.0, 5.0], &[5.0]), 0.0);
        // Far apart, of n rows each, the sum goes to the integral 4 (2 ln 2 - 1).
        let low: Vec<f64> = (0..2000).map(f64::from).collect();
        let high: Vec<f64> = low.iter().map(|x| x + 5000.0).collect();
        assert!((of(&low, &high) - 4.0 * (2.0 * std::f64::consts::LN_2 - 1.0)).abs() < 2e-3);
    }
}
