//! Divergences (`divergence.rs`) of the shares of bins that end at external quantiles.
//!
//! Bin k of K ends at the smallest value x with `G(x) >= k / K`, and holds it; the first and the
//! last bin are open. Under ties some bins end at one value and are one bin, and bins that begin at
//! the largest external value belong to the one before, so that every bin holds a real user. The
//! bins follow the external weights, so that a bootstrap repeats the whole measurement. Witness: a
//! step for each bin, `-dD/dp_k`.

use super::both::{self, Both, OnBoth, Reading};
use super::divergence::{self, Divergence};
use super::line::Line;
use super::{Discrepancy, DiscrepancyError, Parameter, Prepared, Weighted, Witness, shared};
use crate::sample::{Sample, Shape};

/// A divergence over bins between external quantiles.
#[derive(Clone, Copy)]
pub struct Binned {
    divergence: &'static Divergence,
    bins: usize,
    smoothing: f64,
}

const BINS: Parameter = Parameter {
    name: "bins",
    meaning: "bins between quantiles of the external values",
    default: 10.0,
    low: 2.0,
    high: 1000.0,
    whole: true,
};
const PLAIN: &[Parameter] = &[BINS, divergence::smoothing(0.0)];
const SMOOTHED: &[Parameter] = &[BINS, divergence::smoothing(divergence::SMALL)];

impl Binned {
    pub(super) const fn of(divergence: &'static Divergence) -> Self {
        Self { divergence, bins: 10, smoothing: divergence.smoothing }
    }

    /// The bins under each weighting; those between equal quantiles are empty on both sides.
    fn cells<const L: usize>(&self, both: &Both<'_, L>) -> [Vec<Bin>; L] {
        let bins = self.bins as f64;
        let mut cells = std::array::from_fn(|_| vec![Bin::default(); self.bins]);
        // F and G at the last value and before the present bin, and G where that bin ends.
        let (mut f, mut g, mut value) = ([0.0; L], [0.0; L], 0.0);
        let (mut start, mut bin, mut end) = ([(0.0, 0.0); L], [0; L], [0.0; L]);
        both.each(|place| {
            for lane in 0..L {
                if g[lane] >= end[lane] && g[lane] < 1.0 - both::ROUNDING {
                    cells[lane][bin[lane]] = Bin::between(start[lane], (f[lane], g[lane]), value);
                    start[lane] = (f[lane], g[lane]);
                    bin[lane] = ((g[lane] * bins + NEAR) as usize).min(self.bins - 1);
                    end[lane] = ((bin[lane] + 1) as f64 - NEAR) / bins;
                }
            }
            (f, g, value) = (place.f, place.g, place.value);
        });
        for lane in 0..L {
            cells[lane][bin[lane]] = Bin::between(start[lane], (f[lane], g[lane]), value);
        }
        cells
    }
}

/// A quantile that is met up to this share of a bin is met.
const NEAR: f64 = 1e-9;

/// Shares of the two sides, and the largest value.
#[derive(Clone, Copy, Default)]
struct Bin {
    p: f64,
    q: f64,
    end: f64,
}

impl Bin {
    fn between(start: (f64, f64), end: (f64, f64), value: f64) -> Self {
        Self { p: end.0 - start.0, q: end.1 - start.1, end: value }
    }
}

fn shares(cells: &[Bin]) -> impl Iterator<Item = (f64, f64)> {
    cells.iter().map(|cell| (cell.p, cell.q))
}

impl OnBoth for Binned {
    #[inline(always)]
    fn on_both<const L: usize>(&self, both: &Both<'_, L>) -> [f64; L] {
        self.cells(both).map(|cells| self.divergence.value(shares(&cells), self.smoothing))
    }
}

impl Discrepancy for Binned {
    fn name(&self) -> &'static str {
        self.divergence.names[0]
    }

    fn title(&self) -> &'static str {
        self.divergence.title
    }

    fn definition(&self) -> &'static str {
        self.divergence.definitions[0]
    }

    fn reference(&self) -> &'static str {
        self.divergence.reference
    }

    fn cost(&self) -> &'static str {
        super::cost::SORT
    }

    fn parameters(&self) -> &'static [Parameter] {
        if self.divergence.smoothing > 0.0 { SMOOTHED } else { PLAIN }
    }

    fn with(&self, values: &[f64]) -> Option<Box<dyn Discrepancy>> {
        let [bins, smoothing] = *values else { return None };
        Some(Box::new(Self { bins: bins as usize, smoothing, ..*self }))
    }

    /// All of them are functions of the shares of the bins.
    fn also_optimises(&self) -> &'static [&'static str] {
        &["kl", "g", "psi", "chi-squared", "jensen-shannon", "hellinger", "total-variation-binned"]
    }

    fn most(&self) -> f64 {
        self.divergence.most
    }

    fn shape(&self) -> Shape {
        Shape::Real
    }

    fn squared(&self) -> bool {
        self.divergence.squared
    }

    /// Where all external values are equal, all values would lie in one bin.
    fn on_line(&self, line: &Line) -> Option<Reading> {
        Some(both::with_spread(self.name(), line, *self))
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
        Some(both::on_points(internal, external, |both| {
            let [mut cells] = self.cells(both);
            cells.retain(|cell| cell.q > 0.0);
            let pay = |cell: &Bin| -self.divergence.variation((cell.p, cell.q), self.smoothing);
            let last = cells.pop().map_or(0.0, |cell| pay(&cell));
            let left = cells.iter().map(pay).collect();
            Witness::steps(cells.iter().map(|cell| cell.end).collect(), left, last)
        }))
    }

    fn weighted_value(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<f64, DiscrepancyError>> {
        let value = both::on_points(internal, external, |both| {
            let [cells] = self.cells(both);
            self.divergence.sum(shares(&cells), self.smoothing)
        });
        Some(value.and_then(|value| self.divergence.finite(self.name(), value)))
    }

    fn value(&self, internal: &Sample, external: &Sample) -> Result<f64, DiscrepancyError> {
        self.divergence.alone(self, internal, external)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{chi_squared, kl};
    use super::*;

    fn cells(internal: &[f64], external: &[f64], bins: usize) -> Vec<(f64, f64)> {
        let binned = Binned { bins, ..Binned::of(&kl::KL) };
        let (internal, external) = (Weighted::equal(internal), Weighted::equal(external));
        let cells = |both: &Both<'_, 1>| shares(&binned.cells(both)[0]).collect();
        both::on_points(internal, external, cells).unwrap()
    }

    #[test]
    fn bins_by_hand() {
        // Quarters of 1, 2, 3, 4 end at 1, 2 and 3.
        let quarters = cells(&[0.0, 1.0, 1.5, 9.0], &[1.0, 2.0, 3.0, 4.0], 4);
        assert_eq!(quarters, [(0.5, 0.25), (0.25, 0.25), (0.0, 0.25), (0.25, 0.25)]);
        // The lower three quarters of 0, 0, 0, 2 all end at 0; nothing begins at the largest value.
        let ties = cells(&[-1.0, 0.0, 1.0, 3.0], &[0.0, 0.0, 0.0, 2.0], 4);
        assert_eq!(ties, [(0.5, 0.75), (0.0, 0.0), (0.0, 0.0), (0.5, 0.25)]);
        assert_eq!(cells(&[1.0, 3.0], &[2.0, 2.0], 4)[0], (1.0, 1.0));
    }

    #[test]
    fn the_witness_is_a_step_a_bin() {
        let binned = Binned { bins: 2, smoothing: 0.0, ..Binned::of(&chi_squared::CHI_SQUARED) };
        let (p, q) = ([0.0, 0.0, 0.0, 5.0], [1.0, 2.0]);
        let witness = binned.witness(Weighted::equal(&p), Weighted::equal(&q));
        // Shares 3/4 and 1/4 against 1/2 and 1/2: t is 3/2 and 1/2, the slope 2 (t - 1).
        assert_eq!(witness, Some(Ok(Witness::steps(vec![1.0], vec![-1.0], 1.0))));
    }

    #[test]
    fn an_infinite_value_is_told_with_the_remedy() {
        let binned = Binned { bins: 2, smoothing: 0.0, ..Binned::of(&super::super::psi::PSI) };
        let (p, q) = (Sample::real(vec![0.0]), Sample::real(vec![1.0, 2.0]));
        let message = binned.value(&p, &q).unwrap_err().to_string();
        assert!(message.contains("give smoothing above 0"), "{message}");
    }
}
