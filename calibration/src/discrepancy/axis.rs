//! Two samples merged on one axis: the steps of their distribution functions F (internal) and G
//! (external), under any user weights, in one pass.

use std::marker::PhantomData;

use super::lanes::InLanes;
use super::sorted::Sorted;
use super::user_sums::{UserSums, mean_and_sd, variance};
use super::{DiscrepancyError, Prepared, Weighted, check};
use crate::sample::{Sample, Shape};

/// Rows of both sides in ascending order of value.
pub(super) struct Axis {
    /// Whose each row is: the number of an internal user, or of an external one counted on from
    /// the last internal one.
    owners: Vec<u32>,
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

/// The steps under L sets of weights, one a lane.
pub(super) struct Steps<'a, const L: usize> {
    source: Source<'a, L>,
    /// Standard deviation (n) of the external rows under the weights; 0 where it has none.
    pub(super) sd: [f64; L],
}

/// Where steps come from.
enum Source<'a, const L: usize> {
    /// Weighted users.
    Users {
        axis: &'a Axis,
        /// What each owner's rows add to F - G, times both totals: the weight times the total of
        /// the other side, negative on the external side.
        steps: Vec<[f64; L]>,
        /// `1 / (internal total x external total)`.
        scale: [f64; L],
    },
    /// Rows that count alike.
    Rows(&'a Sorted),
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

        let first_external = internal.2 as u32;
        let first = internal.0.iter().copied().zip(internal.1);
        let second = external.1.into_iter().map(|user| first_external + user);
        let second = external.0.iter().copied().zip(second);
        let mut rows: Vec<(f64, u32)> = first.chain(second).collect();
        rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut values: Vec<f64> = rows.iter().map(|row| row.0).collect();
        values.extend(rows.last().map(|row| row.0));
        let owners = rows.into_iter().map(|row| row.1).collect();
        Self { owners, values, internal: internal_sums, external: external_sums, centre, sd }
    }

    /// Refuses an external sample whose values are all equal.
    pub(super) fn with_spread(self, discrepancy: &'static str) -> Result<Self, DiscrepancyError> {
        if self.sd > 0.0 {
            return Ok(self);
        }
        Err(DiscrepancyError::Constant { discrepancy, value: self.centre })
    }

    /// The steps when each user counts as often as its weight says; none where a side has no
    /// weight left in any lane.
    pub(super) fn under<const L: usize>(
        &self,
        internal: [&[f64]; L],
        external: [&[f64]; L],
    ) -> Option<Steps<'_, L>> {
        let internal_totals = self.internal.under_each(internal)?.map(|[total]| total);
        let sums = self.external.under_each(external)?;
        let external_totals = sums.map(|[total, ..]| total);
        let scale: [f64; L] =
            std::array::from_fn(|lane| 1.0 / (internal_totals[lane] * external_totals[lane]));
        let users = |weights: [&[f64]; L]| weights.iter().map(|lane| lane.len()).min().unwrap_or(0);
        let mut steps = Vec::with_capacity(users(internal) + users(external));
        for (weights, factors) in
            [(internal, external_totals), (external, internal_totals.map(|total| -total))]
        {
            let weights = weights.map(|lane| &lane[..users(weights)]);
            let step =
                |user: usize| std::array::from_fn(|lane| weights[lane][user] * factors[lane]);
            steps.extend((0..users(weights)).map(step));
        }
        let sd = sums.map(|sums| self.sd * variance(sums).sqrt());
        let normal = scale.iter().all(|scale| scale.is_normal());
        normal.then_some(Steps { source: Source::Users { axis: self, steps, scale }, sd })
    }
}

impl<const L: usize> Steps<'_, L> {
    /// Visits each interval between neighbouring values with (its left end, F - G on it in each
    /// lane, its width). Between equal values the width is 0 and F - G means nothing.
    #[inline(always)]
    pub(super) fn each(&self, mut visit: impl FnMut(f64, [f64; L], f64)) {
        let (axis, steps, scale) = match &self.source {
            Source::Users { axis, steps, scale } => (axis, steps, scale),
            Source::Rows(sorted) => {
                return sorted.each(|left, gap, width| visit(left, [gap; L], width));
            }
        };
        // Over a common denominator, F - G is exact up to one rounding when weights are integers,
        // and exactly 0 where F = G.
        let mut sums = [0.0; L];
        for (&owner, ends) in axis.owners.iter().zip(axis.values.windows(2)) {
            let steps = &steps[owner as usize];
            sums.iter_mut().zip(steps).for_each(|(sum, step)| *sum += step);
            let gaps = std::array::from_fn(|lane| sums[lane] * scale[lane]);
            visit(ends[0], gaps, ends[1] - ends[0]);
        }
    }

    /// The largest value.
    fn last(&self) -> Option<f64> {
        match &self.source {
            Source::Users { axis, .. } => axis.values.last().copied(),
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
    let axis = Axis::of_points(internal, external)?;
    let weights = |points: Weighted<'_>| match points.weights {
        Some(weights) => weights.to_vec(),
        None => vec![1.0; points.values.len()],
    };
    let (p, q) = (weights(internal), weights(external));
    let steps = axis.under([&p], [&q]).ok_or(DiscrepancyError::Empty { side: "internal" })?;
    match in_sd {
        Some(discrepancy) if steps.sd[0] <= 0.0 => {
            Err(DiscrepancyError::Constant { discrepancy, value: axis.centre })
        }
        _ => Ok(work(&steps)),
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

/// Two samples made ready for a discrepancy.
struct OnAxis<D> {
    axis: Axis,
    discrepancy: PhantomData<D>,
}

impl Axis {
    /// Leaves the axis to a discrepancy.
    pub(super) fn prepared<D: OnSteps>(self) -> Box<dyn Prepared> {
        Box::new(OnAxis { axis: self, discrepancy: PhantomData::<D> })
    }
}

impl<D: OnSteps> InLanes for OnAxis<D> {
    fn lanes<const L: usize>(
        &self,
        internal: [&[f64]; L],
        external: [&[f64]; L],
    ) -> Option<[Option<f64>; L]> {
        let steps = self.axis.under(internal, external)?;
        Some(D::on_steps(&steps).map(|value| value.is_finite().then_some(value)))
    }
}
