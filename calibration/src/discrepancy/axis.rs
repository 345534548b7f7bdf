//! Two samples merged on one axis: the steps of their distribution functions F (internal) and G
//! (external), under any user weights, in one pass without allocation.

use super::user_sums::{UserSums, mean_and_sd, variance};
use super::{DiscrepancyError, Prepared, Weighted, check};
use crate::sample::{Sample, Shape};

/// The bit of a row's code that marks the external side; the others number its user.
const EXTERNAL: u32 = 1 << 31;

/// Rows of both sides in ascending order of value.
pub(super) struct Axis {
    /// Side and user of each row.
    codes: Vec<u32>,
    /// Value of each row, and the last one once more: `values[i + 1] - values[i]` is the width of
    /// the step after row i, 0 between equal values and after the last row.
    values: Vec<f64>,
    internal: UserSums<1>,
    external: UserSums<3>,
    /// Mean of the external rows, or the one value that they have.
    centre: f64,
    /// Standard deviation (n) of the external rows; 0 where they are all equal.
    sd: f64,
}

/// The steps under one set of weights.
pub(super) struct Steps<'a> {
    axis: &'a Axis,
    weights: [&'a [f64]; 2],
    totals: [f64; 2],
    /// `1 / (internal total x external total)`.
    scale: f64,
    /// Standard deviation (n) of the external rows under the weights; 0 where it has none.
    pub(super) sd: f64,
}

impl Axis {
    /// Merges two samples of real numbers.
    pub(super) fn of_samples(
        discrepancy: &'static str,
        internal: &Sample,
        external: &Sample,
    ) -> Result<Self, DiscrepancyError> {
        check::samples(discrepancy, Shape::Real, 1, internal, external)?;
        Ok(Self::merge(
            (&internal.values, internal.user.clone(), internal.users),
            (&external.values, external.user.clone(), external.users),
            mean_and_sd(&external.values, None),
        ))
    }

    /// Merges weighted points; each is a user of its own.
    fn of_points(internal: Weighted<'_>, external: Weighted<'_>) -> Result<Self, DiscrepancyError> {
        check::points(internal, external)?;
        let owners = |points: Weighted<'_>| (0..points.values.len() as u32).collect();
        Ok(Self::merge(
            (internal.values, owners(internal), internal.values.len()),
            (external.values, owners(external), external.values.len()),
            mean_and_sd(external.values, external.weights),
        ))
    }

    fn merge(
        internal: (&[f64], Vec<u32>, usize),
        external: (&[f64], Vec<u32>, usize),
        (centre, sd): (f64, f64),
    ) -> Self {
        let scale = if sd > 0.0 { sd } else { 1.0 };
        let standard = external.0.iter().map(|value| (value - centre) / scale);
        let owners = external.1.iter().map(|&user| user as usize);
        let external_sums = UserSums::of(external.2, owners.zip(standard.map(|z| [1.0, z, z * z])));
        let owners = internal.1.iter().map(|&user| user as usize);
        let internal_sums = UserSums::of(internal.2, owners.map(|user| (user, [1.0])));

        let first = internal.0.iter().copied().zip(internal.1);
        let second = external.0.iter().copied().zip(external.1.into_iter().map(|u| u | EXTERNAL));
        let mut rows: Vec<(f64, u32)> = first.chain(second).collect();
        rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut values: Vec<f64> = rows.iter().map(|row| row.0).collect();
        values.extend(rows.last().map(|row| row.0));
        let codes = rows.into_iter().map(|row| row.1).collect();
        Self { codes, values, internal: internal_sums, external: external_sums, centre, sd }
    }

    /// Refuses an external sample whose values are all equal.
    pub(super) fn with_spread(self, discrepancy: &'static str) -> Result<Self, DiscrepancyError> {
        if self.sd > 0.0 {
            return Ok(self);
        }
        Err(DiscrepancyError::Constant { discrepancy, value: self.centre })
    }

    /// The steps when each user counts as often as its weight says; none where a side has no
    /// weight left.
    pub(super) fn under<'a>(
        &'a self,
        internal: &'a [f64],
        external: &'a [f64],
    ) -> Option<Steps<'a>> {
        let [internal_total] = self.internal.under(internal)?;
        let sums = self.external.under(external)?;
        let scale = 1.0 / (internal_total * sums[0]);
        scale.is_normal().then(|| Steps {
            axis: self,
            weights: [internal, external],
            totals: [internal_total, sums[0]],
            scale,
            sd: self.sd * variance(sums).sqrt(),
        })
    }
}

impl Steps<'_> {
    /// Visits each interval between neighbouring values with (its left end, F - G on it, its
    /// width). Between equal values the width is 0 and F - G means nothing.
    #[inline(always)]
    pub(super) fn each(&self, mut visit: impl FnMut(f64, f64, f64)) {
        // Over a common denominator, F - G is exact up to one rounding when weights are integers,
        // and exactly 0 where F = G.
        let [internal_total, external_total] = self.totals;
        let (mut internal, mut external) = (0.0, 0.0);
        let ends = self.axis.values.windows(2);
        for (&code, ends) in self.axis.codes.iter().zip(ends) {
            let weight = self.weights[(code >> 31) as usize][(code & !EXTERNAL) as usize];
            // All ones on the external side: which side comes next is a coin, and a branch on it
            // would take twice the time.
            let mask = i64::from(code as i32 >> 31) as u64;
            internal += f64::from_bits(weight.to_bits() & !mask);
            external += f64::from_bits(weight.to_bits() & mask);
            let gap = (internal * external_total - external * internal_total) * self.scale;
            visit(ends[0], gap, ends[1] - ends[0]);
        }
    }

    /// `sum of term(F - G) x width` over the intervals.
    #[inline(always)]
    pub(super) fn integral(&self, term: impl Fn(f64) -> f64) -> f64 {
        let mut sum = 0.0;
        self.each(|_, gap, width| sum += term(gap) * width);
        sum
    }

    /// Knots at the distinct values and there the integral of `term(F - G)` from the left.
    pub(super) fn running_integral(&self, term: impl Fn(f64) -> f64) -> (Vec<f64>, Vec<f64>) {
        let (mut knots, mut values) = (Vec::new(), Vec::new());
        let mut sum = 0.0;
        self.each(|left, gap, width| {
            if width > 0.0 {
                knots.push(left);
                values.push(sum);
                sum += term(gap) * width;
            }
        });
        knots.extend(self.axis.values.last());
        values.push(sum);
        (knots, values)
    }
}

/// Works on the steps of weighted points.
pub(super) fn on_points<T>(
    internal: Weighted<'_>,
    external: Weighted<'_>,
    work: impl FnOnce(&Steps<'_>) -> T,
) -> Result<T, DiscrepancyError> {
    let axis = Axis::of_points(internal, external)?;
    let weights = |points: Weighted<'_>| match points.weights {
        Some(weights) => weights.to_vec(),
        None => vec![1.0; points.values.len()],
    };
    let (p, q) = (weights(internal), weights(external));
    let steps = axis.under(&p, &q).ok_or(DiscrepancyError::Empty { side: "internal" })?;
    Ok(work(&steps))
}

/// The same, where the value is in units of the external standard deviation.
pub(super) fn on_spread_points<T>(
    discrepancy: &'static str,
    internal: Weighted<'_>,
    external: Weighted<'_>,
    work: impl FnOnce(&Steps<'_>) -> T,
) -> Result<T, DiscrepancyError> {
    on_points(internal, external, |steps| {
        let value = steps.axis.centre;
        if steps.sd > 0.0 {
            return Ok(work(steps));
        }
        Err(DiscrepancyError::Constant { discrepancy, value })
    })?
}

/// A discrepancy that reads its value off the steps.
pub(super) struct OnAxis {
    /// The two samples.
    pub(super) axis: Axis,
    /// The value.
    pub(super) value: fn(&Steps<'_>) -> Option<f64>,
}

impl Prepared for OnAxis {
    fn value(&self, internal: &[f64], external: &[f64]) -> Option<f64> {
        let steps = self.axis.under(internal, external)?;
        (self.value)(&steps).filter(|value| value.is_finite())
    }
}
