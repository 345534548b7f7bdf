//! The gap F - G between two distribution functions on the intervals between neighbouring values:
//! of weighted users (`both.rs`), or of rows that all count alike (`sorted.rs`).

use std::marker::PhantomData;

use super::both::{self, Both, OnBoth, Reader, Reading};
use super::line::Line;
use super::sorted::Sorted;
use super::user_sums::mean_and_sd;
use super::{DiscrepancyError, Weighted, check};
use crate::sample::{Sample, Shape};

/// The steps under L sets of weights, one a lane.
pub(super) struct Steps<'a, const L: usize> {
    source: Source<'a, L>,
    /// Standard deviation (n) of the external rows under the weights; 0 where it has none.
    pub(super) sd: [f64; L],
}

/// Where steps come from.
enum Source<'a, const L: usize> {
    /// Weighted users.
    Users(&'a Both<'a, L>),
    /// Rows that count alike.
    Rows(&'a Sorted),
}

impl<'a, const L: usize> Steps<'a, L> {
    fn of(both: &'a Both<'a, L>) -> Self {
        Self { source: Source::Users(both), sd: both.sd }
    }

    /// Visits each interval between neighbouring values with (its left end, F - G on it in each
    /// lane, its width). Between equal values the width is 0 and F - G means nothing.
    #[inline(always)]
    pub(super) fn each(&self, mut visit: impl FnMut(f64, [f64; L], f64)) {
        let both = match &self.source {
            Source::Users(both) => both,
            Source::Rows(sorted) => {
                return sorted.each(|left, gap, width| visit(left, [gap; L], width));
            }
        };
        // Over a common denominator, F - G is exact up to one rounding when weights are integers,
        // and exactly 0 where F = G.
        let [p, q] = both.totals;
        let scale: [f64; L] = std::array::from_fn(|lane| 1.0 / (p[lane] * q[lane]));
        for (sums, ends) in both.sums.iter().zip(both.line.values().windows(2)) {
            let gap =
                |lane: usize| (sums[0][lane] * q[lane] - sums[1][lane] * p[lane]) * scale[lane];
            let width = if ends[1] < f64::INFINITY { ends[1] - ends[0] } else { 0.0 };
            visit(ends[0], std::array::from_fn(gap), width);
        }
    }

    /// The largest value.
    fn last(&self) -> Option<f64> {
        match &self.source {
            Source::Users(both) => both.line.values().iter().rev().nth(1).copied(),
            Source::Rows(sorted) => sorted.last(),
        }
    }

    /// `sum of term(F - G) x width` over the intervals.
    #[inline(always)]
    pub(super) fn integral(&self, term: impl Fn(f64) -> f64) -> [f64; L] {
        let mut sums = [0.0; L];
        self.each(|_, gaps, width| {
            sums.iter_mut().zip(gaps).for_each(|(sum, gap)| *sum += term(gap) * width);
        });
        sums
    }
}

impl Steps<'_, 1> {
    /// Knots at the distinct values and there the integral of `term(F - G)` from the left.
    pub(super) fn running_integral(&self, term: impl Fn(f64) -> f64) -> (Vec<f64>, Vec<f64>) {
        let (mut knots, mut values) = (Vec::new(), Vec::new());
        let mut sum = 0.0;
        self.each(|left, [gap], width| {
            if width > 0.0 {
                knots.push(left);
                values.push(sum);
                sum += term(gap) * width;
            }
        });
        knots.extend(self.last());
        values.push(sum);
        (knots, values)
    }
}

/// Works on the steps of weighted points.
pub(super) fn on_points<T>(
    internal: Weighted<'_>,
    external: Weighted<'_>,
    work: impl FnOnce(&Steps<'_, 1>) -> T,
) -> Result<T, DiscrepancyError> {
    on(None, internal, external, work)
}

/// The same, where the value is in units of the external standard deviation.
pub(super) fn on_spread_points<T>(
    discrepancy: &'static str,
    internal: Weighted<'_>,
    external: Weighted<'_>,
    work: impl FnOnce(&Steps<'_, 1>) -> T,
) -> Result<T, DiscrepancyError> {
    on(Some(discrepancy), internal, external, work)
}

fn on<T>(
    in_sd: Option<&'static str>,
    internal: Weighted<'_>,
    external: Weighted<'_>,
    work: impl FnOnce(&Steps<'_, 1>) -> T,
) -> Result<T, DiscrepancyError> {
    if internal.weights.is_none() && external.weights.is_none() {
        check::points(internal, external)?;
        let sd = spread(in_sd, external.values)?;
        let sorted = Sorted::of(internal.values, external.values);
        return Ok(work(&Steps { source: Source::Rows(&sorted), sd: [sd] }));
    }
    match in_sd {
        Some(discrepancy) => {
            both::on_spread_points(discrepancy, internal, external, |both| work(&Steps::of(both)))
        }
        None => both::on_points(internal, external, |both| work(&Steps::of(both))),
    }
}

/// The standard deviation where a discrepancy needs it, else 1.
fn spread(in_sd: Option<&'static str>, values: &[f64]) -> Result<f64, DiscrepancyError> {
    let Some(discrepancy) = in_sd else { return Ok(1.0) };
    match mean_and_sd(values, None) {
        (value, sd) if sd <= 0.0 => Err(DiscrepancyError::Constant { discrepancy, value }),
        (_, sd) => Ok(sd),
    }
}

/// The value with every user counted once, in units of the external standard deviation.
///
/// # Errors
/// Samples that cannot be compared, or without spread.
pub(super) fn value<D: OnSteps>(
    discrepancy: &'static str,
    internal: &Sample,
    external: &Sample,
) -> Result<f64, DiscrepancyError> {
    check::samples(discrepancy, Shape::Real, 1, internal, external)?;
    let sd = spread(Some(discrepancy), &external.values)?;
    let sorted = Sorted::of(&internal.values, &external.values);
    let [value] = D::on_steps(&Steps { source: Source::Rows(&sorted), sd: [sd] });
    let why = "its values are too far away to be summed up";
    let undefined = DiscrepancyError::Undefined { discrepancy, side: "internal", why };
    value.is_finite().then_some(value).ok_or(undefined)
}

/// A discrepancy that reads its value off the steps.
pub(super) trait OnSteps: Send + Sync + 'static {
    /// The value of each lane; not finite where it is undefined.
    fn on_steps<const L: usize>(steps: &Steps<'_, L>) -> [f64; L];
}

/// Reads a discrepancy off the steps.
struct Stepwise<D>(PhantomData<D>);

impl<D: OnSteps> OnBoth for Stepwise<D> {
    #[inline(always)]
    fn on_both<const L: usize>(&self, both: &Both<'_, L>) -> [f64; L] {
        D::on_steps(&Steps::of(both))
    }
}

/// Reads a discrepancy off the steps.
pub(super) fn reader<D: OnSteps>() -> Box<dyn Reader> {
    Box::new(Stepwise::<D>(PhantomData))
}

/// Reads a discrepancy that is in units of the external standard deviation.
pub(super) fn with_spread<D: OnSteps>(discrepancy: &'static str, line: &Line) -> Reading {
    line.with_spread(discrepancy).map(|()| reader::<D>())
}
