//! Both distribution functions, F of the internal and G of the external side, under user weights,
//! and the discrepancies that are read off them.
//!
//! Several weightings lie side by side, one a lane: a pass serves [`LANES`] of them in the time of
//! about one, and each is computed as if it were alone, to the last bit.

use super::lanes::LANES;
use super::line::Line;
use super::wide::{self, Kernel};
use super::{DiscrepancyError, Weighted};

/// Shares up to here are rounding.
pub(super) const ROUNDING: f64 = 1e-12;

/// Both distribution functions under L sets of weights, one a lane.
pub struct Both<'a, const L: usize> {
    pub(super) line: &'a Line,
    /// Weight of the rows of each side up to each distinct value.
    pub(super) sums: Vec<[[f64; L]; 2]>,
    /// Total weight of the rows of each side.
    pub(super) totals: [[f64; L]; 2],
    /// 1 / total weight.
    pub(super) scales: [[f64; L]; 2],
    /// Of each side the sums of 1, z, z^2 and z^3, z about the mean of all its rows in their
    /// standard deviations.
    pub(super) moments: [[[f64; 4]; L]; 2],
    /// Standard deviation (n) of the external rows under the weights; 0 where it has none.
    pub(super) sd: [f64; L],
}

/// One distinct value of either side.
pub(super) struct Place<const L: usize> {
    /// The value.
    pub(super) value: f64,
    /// The next value; infinity after the last one.
    next: f64,
    /// Share of the internal rows at it.
    pub(super) p: [f64; L],
    /// Share of the external rows at it.
    pub(super) q: [f64; L],
    /// F at the value, itself included.
    pub(super) f: [f64; L],
    /// G at the value, itself included.
    pub(super) g: [f64; L],
}

impl<const L: usize> Place<L> {
    /// Distance to the next value; 0 after the last one.
    #[inline(always)]
    pub(super) fn width(&self) -> f64 {
        if self.next < f64::INFINITY { self.next - self.value } else { 0.0 }
    }
}

impl<const L: usize> Both<'_, L> {
    /// Mean of the external rows.
    pub(super) fn centre(&self) -> f64 {
        self.line.external.centre
    }

    /// Visits each distinct value in ascending order.
    #[inline(always)]
    pub(super) fn each(&self, mut visit: impl FnMut(&Place<L>)) {
        // Sums of weights are exact where weights are whole numbers, as in a bootstrap.
        let mut below = [[0.0; L]; 2];
        for (&sums, ends) in self.sums.iter().zip(self.line.values().windows(2)) {
            let share = |side: usize, lane: usize| sums[side][lane] * self.scales[side][lane];
            let here = |side: usize, lane: usize| {
                (sums[side][lane] - below[side][lane]) * self.scales[side][lane]
            };
            visit(&Place {
                value: ends[0],
                next: ends[1],
                p: std::array::from_fn(|lane| here(0, lane)),
                q: std::array::from_fn(|lane| here(1, lane)),
                f: std::array::from_fn(|lane| share(0, lane)),
                g: std::array::from_fn(|lane| share(1, lane)),
            });
            below = sums;
        }
    }

    /// The lower quantile of G: the smallest value with `G >= share`, up to rounding.
    pub(super) fn external_quantile(&self, share: f64) -> [f64; L] {
        self.quantile(share, 1)
    }

    /// The lower quantile of F.
    pub(super) fn internal_quantile(&self, share: f64) -> [f64; L] {
        self.quantile(share, 0)
    }

    fn quantile(&self, share: f64, side: usize) -> [f64; L] {
        let reached = share - ROUNDING;
        std::array::from_fn(|lane| {
            let scale = self.scales[side][lane];
            let below = |sums: &[[f64; L]; 2]| sums[side][lane] * scale < reached;
            let mut at = self.sums.partition_point(below);
            if at == self.sums.len() {
                // Only rounding is missing: the last value that has weight.
                let top = self.totals[side][lane];
                at = self.sums.partition_point(|sums| sums[side][lane] < top);
            }
            self.line.values().get(at).copied().unwrap_or(f64::NAN)
        })
    }
}

/// Works on both distribution functions of weighted points.
pub(super) fn on_points<T>(
    internal: Weighted<'_>,
    external: Weighted<'_>,
    work: impl FnOnce(&Both<'_, 1>) -> T,
) -> Result<T, DiscrepancyError> {
    let line = Line::of_points(internal, external)?;
    let weights = |points: Weighted<'_>| match points.weights {
        Some(weights) => weights.to_vec(),
        None => vec![1.0; points.values.len()],
    };
    let (p, q) = (weights(internal), weights(external));
    let both = line.under([&p], [&q]).ok_or(DiscrepancyError::Empty { side: "internal" })?;
    Ok(work(&both))
}

/// The same, where the value is in units of the external standard deviation.
pub(super) fn on_spread_points<T>(
    discrepancy: &'static str,
    internal: Weighted<'_>,
    external: Weighted<'_>,
    work: impl FnOnce(&Both<'_, 1>) -> T,
) -> Result<T, DiscrepancyError> {
    on_points(internal, external, |both| {
        if both.sd[0] > 0.0 {
            return Ok(work(both));
        }
        Err(DiscrepancyError::Constant { discrepancy, value: both.centre() })
    })?
}

/// A discrepancy that reads its value off both distribution functions.
pub(super) trait OnBoth: Send + Sync {
    /// The value of each lane; not finite where it is undefined. Best `#[inline(always)]`, so that it
    /// is compiled for what the processor has.
    fn on_both<const L: usize>(&self, both: &Both<'_, L>) -> [f64; L];
}

/// The same for one weighting and for as many as make a pass.
pub trait Reader: Send + Sync {
    /// Under one weighting.
    fn one(&self, both: &Both<'_, 1>) -> [f64; 1];
    /// Under as many as make a pass.
    fn all(&self, both: &Both<'_, LANES>) -> [f64; LANES];
}

impl<D: OnBoth> Reader for D {
    fn one(&self, both: &Both<'_, 1>) -> [f64; 1] {
        wide::run(Read(self, both))
    }

    fn all(&self, both: &Both<'_, LANES>) -> [f64; LANES] {
        wide::run(Read(self, both))
    }
}

struct Read<'a, 'b, D, const L: usize>(&'a D, &'a Both<'b, L>);

impl<D: OnBoth, const L: usize> Kernel for Read<'_, '_, D, L> {
    type Output = [f64; L];

    #[inline(always)]
    fn work(self) -> [f64; L] {
        self.0.on_both(self.1)
    }
}

/// What a discrepancy says to the question how it is read off a line.
pub type Reading = Result<Box<dyn Reader>, DiscrepancyError>;

/// Reads a discrepancy that is in units of the external standard deviation.
pub(super) fn with_spread<D: OnBoth + 'static>(
    discrepancy: &'static str,
    line: &Line,
    reader: D,
) -> Reading {
    line.with_spread(discrepancy).map(|()| Box::new(reader) as Box<dyn Reader>)
}
