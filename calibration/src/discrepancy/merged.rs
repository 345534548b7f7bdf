//! Two samples merged on one axis, with both distribution functions: for discrepancies that need
//! more than their gap (`axis.rs`), under any user weights, in one pass.

use super::lanes::InLanes;
use super::user_sums::{UserSums, mean_and_sd, variance};
use super::{DiscrepancyError, Prepared, Weighted, check};
use crate::sample::{Sample, Shape};

/// Shares up to here are rounding.
pub(super) const ROUNDING: f64 = 1e-12;

/// Rows of both sides in ascending order of value.
pub(super) struct Merged {
    /// Whose each row is: the number of an internal user, or of an external one counted on from
    /// the last internal one.
    owners: Vec<u32>,
    /// Value of each row, and infinity after the last one.
    values: Vec<f64>,
    internal_users: usize,
    internal: UserSums<1>,
    external: UserSums<3>,
    /// Mean of the external rows, or the one value that they have.
    centre: f64,
    /// Standard deviation (n) of the external rows; 0 where they are all equal.
    sd: f64,
}

/// Both distribution functions under L sets of weights, one a lane.
pub(super) struct Both<'a, const L: usize> {
    merged: &'a Merged,
    /// Weight of each owner's rows, internal and external; one of them is 0.
    masses: Vec<[[f64; L]; 2]>,
    /// 1 / total weight of the rows of each side.
    scales: [[f64; L]; 2],
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
    pub(super) fn width(&self) -> f64 {
        if self.next < f64::INFINITY { self.next - self.value } else { 0.0 }
    }
}

impl Merged {
    /// Merges two samples of real numbers.
    pub(super) fn of_samples(
        discrepancy: &'static str,
        internal: &Sample,
        external: &Sample,
    ) -> Result<Self, DiscrepancyError> {
        check::samples(discrepancy, Shape::Real, 1, internal, external)?;
        let owners = |sample: &Sample| sample.user.clone();
        Ok(Self::merge(
            (&internal.values, owners(internal), internal.users),
            (&external.values, owners(external), external.users),
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
        let second = external.1.into_iter().map(|user| internal.2 as u32 + user);
        let second = external.0.iter().copied().zip(second);
        let mut rows: Vec<(f64, u32)> = first.chain(second).collect();
        rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut values: Vec<f64> = rows.iter().map(|row| row.0).collect();
        values.push(f64::INFINITY);
        Self {
            owners: rows.into_iter().map(|row| row.1).collect(),
            values,
            internal_users: internal.2,
            internal: internal_sums,
            external: external_sums,
            centre,
            sd,
        }
    }

    /// Refuses an external sample whose values are all equal.
    pub(super) fn with_spread(self, discrepancy: &'static str) -> Result<Self, DiscrepancyError> {
        if self.sd > 0.0 {
            return Ok(self);
        }
        Err(DiscrepancyError::Constant { discrepancy, value: self.centre })
    }

    /// Both functions when each user counts as often as its weight says; none where a side has no
    /// weight left in any lane.
    pub(super) fn under<const L: usize>(
        &self,
        internal: [&[f64]; L],
        external: [&[f64]; L],
    ) -> Option<Both<'_, L>> {
        let p = self.internal.under_each(internal)?.map(|[total]| total);
        let sums = self.external.under_each(external)?;
        let scales = [p, sums.map(|[total, ..]| total)].map(|totals| totals.map(f64::recip));
        let users = |weights: [&[f64]; L]| weights.iter().map(|lane| lane.len()).min().unwrap_or(0);
        let (p_users, q_users) = (users(internal), users(external));
        let (internal, external) =
            (internal.map(|lane| &lane[..p_users]), external.map(|lane| &lane[..q_users]));
        let mass =
            |weights: [&[f64]; L], user: usize| std::array::from_fn(|lane| weights[lane][user]);
        let mut masses = Vec::with_capacity(p_users + q_users);
        masses.extend((0..p_users).map(|user| [mass(internal, user), [0.0; L]]));
        masses.extend((0..q_users).map(|user| [[0.0; L], mass(external, user)]));
        let usual = scales.iter().flatten().all(|scale| scale.is_normal());
        let sd = sums.map(|sums| self.sd * variance(sums).sqrt());
        usual.then_some(Both { merged: self, masses, scales, sd })
    }

    /// Values of the rows of each side and their owners within it, in ascending order of value.
    pub(super) fn sides(&self) -> [Vec<(f64, u32)>; 2] {
        let users = self.internal_users as u32;
        let rows = self.values.iter().copied().zip(self.owners.iter().copied());
        let (p, q): (Vec<_>, Vec<_>) = rows.partition(|row| row.1 < users);
        [p, q.into_iter().map(|(value, owner)| (value, owner - users)).collect()]
    }
}

impl<const L: usize> Both<'_, L> {
    /// Mean of the external rows.
    pub(super) fn centre(&self) -> f64 {
        self.merged.centre
    }

    /// Visits each distinct value in ascending order.
    #[inline(always)]
    pub(super) fn each(&self, mut visit: impl FnMut(&Place<L>)) {
        // Sums of weights are exact where weights are whole numbers, as in a bootstrap.
        let (mut sums, mut below) = ([[0.0; L]; 2], [[0.0; L]; 2]);
        let merged = self.merged;
        for (&owner, ends) in merged.owners.iter().zip(merged.values.windows(2)) {
            for (sums, masses) in sums.iter_mut().zip(&self.masses[owner as usize]) {
                sums.iter_mut().zip(masses).for_each(|(sum, mass)| *sum += mass);
            }
            if ends[0] == ends[1] {
                continue;
            }
            let share = |sums: &[[f64; L]; 2], side: usize, lane: usize| {
                sums[side][lane] * self.scales[side][lane]
            };
            let here = |side: usize, lane: usize| {
                (sums[side][lane] - below[side][lane]) * self.scales[side][lane]
            };
            visit(&Place {
                value: ends[0],
                next: ends[1],
                p: std::array::from_fn(|lane| here(0, lane)),
                q: std::array::from_fn(|lane| here(1, lane)),
                f: std::array::from_fn(|lane| share(&sums, 0, lane)),
                g: std::array::from_fn(|lane| share(&sums, 1, lane)),
            });
            below = sums;
        }
    }

    /// The lower quantile of G: the smallest value with `G >= share`, up to rounding.
    pub(super) fn external_quantile(&self, share: f64) -> [f64; L] {
        self.quantile(share, |place, lane| (place.g[lane], place.q[lane]))
    }

    /// The lower quantile of F.
    pub(super) fn internal_quantile(&self, share: f64) -> [f64; L] {
        self.quantile(share, |place, lane| (place.f[lane], place.p[lane]))
    }

    fn quantile(&self, share: f64, side: impl Fn(&Place<L>, usize) -> (f64, f64)) -> [f64; L] {
        let (mut found, mut quantile) = ([false; L], [f64::NAN; L]);
        self.each(|place| {
            for lane in 0..L {
                let (reached, here) = side(place, lane);
                if !found[lane] && here > 0.0 {
                    quantile[lane] = place.value;
                    found[lane] = reached >= share - ROUNDING;
                }
            }
        });
        quantile
    }
}

/// Works on both distribution functions of weighted points.
pub(super) fn on_points<T>(
    internal: Weighted<'_>,
    external: Weighted<'_>,
    work: impl FnOnce(&Both<'_, 1>) -> T,
) -> Result<T, DiscrepancyError> {
    let merged = Merged::of_points(internal, external)?;
    let weights = |points: Weighted<'_>| match points.weights {
        Some(weights) => weights.to_vec(),
        None => vec![1.0; points.values.len()],
    };
    let (p, q) = (weights(internal), weights(external));
    let both = merged.under([&p], [&q]).ok_or(DiscrepancyError::Empty { side: "internal" })?;
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
        let value = both.merged.centre;
        if both.sd[0] > 0.0 {
            return Ok(work(both));
        }
        Err(DiscrepancyError::Constant { discrepancy, value })
    })?
}

/// A discrepancy that reads its value off both distribution functions.
pub(super) trait OnBoth: Send + Sync + 'static {
    /// The value of each lane; not finite where it is undefined.
    fn on_both<const L: usize>(&self, both: &Both<'_, L>) -> [f64; L];
}

/// Two samples made ready for a discrepancy.
struct OnMerged<D> {
    merged: Merged,
    discrepancy: D,
}

impl Merged {
    /// Leaves the rows to a discrepancy.
    pub(super) fn prepared<D: OnBoth>(self, discrepancy: D) -> Box<dyn Prepared> {
        Box::new(OnMerged { merged: self, discrepancy })
    }
}

impl<D: OnBoth> InLanes for OnMerged<D> {
    fn lanes<const L: usize>(
        &self,
        internal: [&[f64]; L],
        external: [&[f64]; L],
    ) -> Option<[Option<f64>; L]> {
        let both = self.merged.under(internal, external)?;
        let values = self.discrepancy.on_both(&both);
        Some(values.map(|value| value.is_finite().then_some(value)))
    }
}
