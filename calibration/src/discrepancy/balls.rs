//! Balls around the rows of two samples of vectors, out to each row's k-th nearest neighbour on its
//! own side: what precision, recall, density and coverage count.
//!
//! The ball of a row is open, `{x : |x - row| < r}`, and always holds its centre: where more than k
//! users are alike to the last digit, r is 0 and the ball is that one point. A side with k rows or
//! fewer has balls out to the farthest of its other rows.
//!
//! **Weights.** A user of weight 0 is not there: he has no ball, is in none, and is nobody's
//! neighbour. Others count in the sums as often as their weight says, but a user of weight 2 is not
//! two neighbours at distance 0, which would shrink balls to nothing in a bootstrap: k counts
//! distinct rows. So values under weights are not those of a sample with repeated users. (That a
//! bootstrap with repeated users fails for nearest neighbours is known from Abadie and Imbens, *On
//! the failure of the bootstrap for matching estimators*, Econometrica 76, 2008; what is done here
//! avoids the copies, but leaves out a third of the rows in each replicate. Replicates are centred
//! on the value, which takes out the mean effect; intervals are to be read as rough.)

use rayon::prelude::*;

use super::scaling::Scaling;
use super::vectors::Owners;
use crate::neighbours::{Points, evenly};
use crate::sample::Sample;

/// Squared distances that differ by less than this part of themselves are equal.
const TIE: f32 = 1e-5;
/// No distance is at most this.
const NOBODY: f32 = -1.0;

/// The compared rows of both sides with all distances between them.
pub(super) struct Balls {
    pub(super) internal: Side,
    pub(super) external: Side,
    /// Squared distances, one list an external row: to all internal rows.
    between: Vec<Vec<f32>>,
}

/// The compared rows of one side.
pub(super) struct Side {
    owners: Owners,
    points: Points,
    /// The nearest other rows of each row, ascending by (squared distance, row).
    neighbours: Vec<Vec<(f32, u32)>>,
    /// Rows that are equal have one number.
    group: Vec<u32>,
    k: usize,
}

/// The rows of a side under one weighting.
pub(super) struct Weighted<'a> {
    side: &'a Side,
    /// The share of each row.
    pub(super) shares: Vec<f64>,
    /// A row is in a ball where its squared distance is at most this; nobody is in the ball of a
    /// row that is not there.
    reach: Vec<f32>,
}

impl Balls {
    /// Compares at most `rows` rows a side, evenly spaced, standardised by the mean and standard
    /// deviation of all external rows.
    pub(super) fn of(internal: &Sample, external: &Sample, k: usize, rows: usize) -> Self {
        let scaling = Scaling::of_samples(&[external]);
        let side = |sample: &Sample| Side::of(sample, k, rows, &scaling);
        let (internal, external) = (side(internal), side(external));
        let to_internal = |row: usize| internal.points.squares(external.points.row(row));
        let between = (0..external.points.len()).into_par_iter().map(to_internal).collect();
        Self { internal, external, between }
    }

    /// The squared distances of each external row to all internal ones.
    pub(super) fn between(&self) -> impl Iterator<Item = &[f32]> {
        self.between.iter().map(Vec::as_slice)
    }
}

impl Side {
    fn of(sample: &Sample, k: usize, rows: usize, scaling: &Scaling) -> Self {
        let picks = || evenly(sample.rows(), rows.max(1));
        let points = Points::of(sample, picks(), scaling);
        // Under the weights of a bootstrap two thirds of the rows are there: so many neighbours
        // hold k of them but for one weighting in billions, and then all distances are looked at.
        let kept = 4 * k + 16;
        let neighbours = |row: usize| {
            let mut all = others(&points, row);
            if all.len() > kept {
                all.select_nth_unstable_by(kept, nearer);
                all.truncate(kept);
            }
            all.sort_unstable_by(nearer);
            all
        };
        let neighbours = (0..points.len()).into_par_iter().map(neighbours).collect();
        let group = groups(&points);
        Self { owners: Owners::of(sample, picks()), points, neighbours, group, k }
    }

    /// The rows under user weights; none where no row is left.
    pub(super) fn under(&self, weights: &[f64]) -> Option<Weighted<'_>> {
        let shares = self.owners.shares(weights)?;
        let reach = |(row, share): (usize, &f64)| {
            if *share > 0.0 { open(self.radius(row, &shares)) } else { NOBODY }
        };
        let reach = shares.iter().enumerate().map(reach).collect();
        Some(Weighted { side: self, shares, reach })
    }

    /// Squared distance of the k-th nearest row that is there, or of the farthest.
    fn radius(&self, row: usize, shares: &[f64]) -> f32 {
        let within = |neighbours: &[(f32, u32)]| {
            let there =
                |(_, row): &&(f32, u32)| shares.get(*row as usize).is_some_and(|s| *s > 0.0);
            neighbours
                .iter()
                .filter(there)
                .take(self.k)
                .map(|(square, _)| *square)
                .enumerate()
                .last()
        };
        let kept = self.neighbours.get(row).map_or(&[][..], Vec::as_slice);
        let whole = kept.len() + 1 == self.points.len();
        match within(kept) {
            Some((last, square)) if whole || last + 1 == self.k => square,
            None if whole => 0.0,
            _ => {
                let mut all = others(&self.points, row);
                all.sort_unstable_by(nearer);
                within(&all).map_or(0.0, |(_, square)| square)
            }
        }
    }
}

/// The other rows with their squared distances.
fn others(points: &Points, row: usize) -> Vec<(f32, u32)> {
    let squares = points.squares(points.row(row));
    squares.into_iter().zip(0..).filter(|(_, other)| *other as usize != row).collect()
}

fn nearer(a: &(f32, u32), b: &(f32, u32)) -> std::cmp::Ordering {
    a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))
}

/// The largest squared distance inside an open ball with its centre. Rows of whole numbers have many
/// equal distances, which rounding must not tell apart.
fn open(radius: f32) -> f32 {
    radius * (1.0 - TIE)
}

/// The number of the first row that is equal, for each row.
fn groups(points: &Points) -> Vec<u32> {
    let same = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| a == b);
    let mut order: Vec<usize> = (0..points.len()).collect();
    // -0 is 0.
    let key = |row: usize| points.row(row).iter().map(|value| value + 0.0);
    let compare = |a: usize, b: usize| {
        let unequal = key(a).zip(key(b)).map(|(a, b)| a.total_cmp(&b)).find(|order| order.is_ne());
        unequal.unwrap_or(a.cmp(&b))
    };
    order.sort_unstable_by(|&a, &b| compare(a, b));
    let mut group = vec![0; points.len()];
    for equal in order.chunk_by(|&a, &b| same(points.row(a), points.row(b))) {
        equal.iter().for_each(|&row| group[row] = equal[0] as u32);
    }
    group
}

impl Weighted<'_> {
    /// How far each row's ball reaches.
    pub(super) fn reach(&self) -> &[f32] {
        &self.reach
    }

    /// How many of this side's own shares lie in its balls: the sum over pairs of both shares.
    pub(super) fn own_density(&self) -> f64 {
        let side = self.side;
        let share = |row: usize| self.shares.get(row).copied().unwrap_or(0.0);
        let mut of_group = vec![0.0; self.shares.len()];
        for (row, &group) in side.group.iter().enumerate() {
            of_group[group as usize] += share(row);
        }
        let inside = |row: usize, reach: f32| -> f64 {
            if reach == 0.0 {
                return of_group[side.group[row] as usize];
            }
            // All of the ball is among the kept neighbours, or they ran out and all are looked at.
            let kept = &side.neighbours[row];
            let whole = kept.len() + 1 == side.points.len();
            let held = |list: &[(f32, u32)]| -> f64 {
                let within = list.iter().take_while(|(square, _)| *square <= reach);
                within.map(|(_, other)| share(*other as usize)).sum()
            };
            let beyond = kept.last().is_some_and(|(square, _)| *square > reach);
            let others = if whole || beyond { held(kept) } else { held(&sorted(side, row)) };
            share(row) + others
        };
        let rows = self.reach.iter().enumerate().filter(|(_, reach)| **reach >= 0.0);
        rows.map(|(row, &reach)| share(row) * inside(row, reach)).sum()
    }
}

fn sorted(side: &Side, row: usize) -> Vec<(f32, u32)> {
    let mut all = others(&side.points, row);
    all.sort_unstable_by(nearer);
    all
}
