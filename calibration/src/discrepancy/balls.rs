//! Balls around the rows of two samples of vectors, out to each row's k-th nearest neighbour on its
//! own side: what precision, recall, density and coverage count.
//!
//! The ball of a row is open, `{x : |x - row| < r}`, and always holds its centre: where more than k
//! users are alike to the last digit, r is 0 and the ball is that one point. A side with k rows or
//! fewer has balls out to the farthest of its other rows.
//!
//! **Weights.** A user of weight 0 is not there: he has no ball, is in none, and is nobody's
//! neighbour. Others count in the sums as often as their weight says, but a user of weight 2 is not
//! two neighbours at distance 0, which would shrink balls to nothing in a bootstrap: k counts rows,
//! not weights. So values under weights are not those of a sample with repeated users. (That a
//! bootstrap with repeated users fails for nearest neighbours is known from Abadie and Imbens, *On
//! the failure of the bootstrap for matching estimators*, Econometrica 76, 2008; what is done here
//! avoids the copies, but leaves out a third of the rows in each replicate. Replicates are centred
//! on the value, which takes out the mean effect; intervals are to be read as rough.)
//!
//! **Equal rows** are taken together: one point that stands for as many rows as are there. Of each
//! point the nearest others are kept, and of the other side those within the farthest of them: what a
//! ball holds under a weighting is looked up there, and in all distances where it reaches farther.

use rayon::prelude::*;

use super::scaling::Scaling;
use super::vectors::Owners;
use crate::neighbours::{Points, evenly};
use crate::sample::Sample;

/// Squared distances that differ by less than this part of themselves are equal.
const TIE: f32 = 1e-5;
/// No distance is at most this.
const NOBODY: f32 = -1.0;

/// A squared distance, and which distinct row it is to.
type Neighbour = (f32, u32);

/// The compared rows of both sides.
pub(super) struct Balls {
    pub(super) internal: Side,
    pub(super) external: Side,
}

/// The compared rows of one side, equal ones taken together.
pub(super) struct Side {
    owners: Owners,
    /// Which distinct row each row is.
    places: Vec<u32>,
    /// The distinct rows.
    points: Points,
    /// The nearest other distinct rows of each, ascending by (squared distance, row).
    neighbours: Vec<Vec<Neighbour>>,
    k: usize,
}

/// The distinct rows of a side under one weighting.
pub(super) struct Weighted<'a> {
    side: &'a Side,
    /// The share of each.
    pub(super) shares: Vec<f64>,
    /// A row is in a ball where its squared distance is at most this; nobody is in the ball of a
    /// row that is not there.
    reach: Vec<f32>,
}

/// The distinct rows of one side that the balls of another can hold under all but the rarest
/// weightings.
pub(super) struct Held(Vec<Vec<Neighbour>>);

impl Balls {
    /// Compares at most `rows` rows a side, evenly spaced, standardised by the mean and standard
    /// deviation of all external rows.
    pub(super) fn of(internal: &Sample, external: &Sample, k: usize, rows: usize) -> Self {
        let scaling = Scaling::of_samples(&[external]);
        let side = |sample: &Sample| Side::of(sample, k, rows, &scaling);
        Self { internal: side(internal), external: side(external) }
    }
}

impl Side {
    fn of(sample: &Sample, k: usize, rows: usize, scaling: &Scaling) -> Self {
        let picks: Vec<usize> = evenly(sample.rows(), rows.max(1)).collect();
        let all = Points::of(sample, picks.iter().copied(), scaling);
        let (firsts, places) = all.distinct();
        let points = Points::of(sample, firsts.iter().map(|&first| picks[first]), scaling);
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
        Self { owners: Owners::of(sample, picks), places, points, neighbours, k }
    }

    /// Squared distance of the farthest kept neighbour of a row; infinite where all are kept.
    fn most(&self, row: usize) -> f32 {
        let kept = &self.neighbours[row];
        let whole = kept.len() + 1 >= self.points.len();
        kept.last().filter(|_| !whole).map_or(f32::INFINITY, |(square, _)| *square)
    }

    /// The rows under user weights; none where no row is left.
    pub(super) fn under(&self, weights: &[f64]) -> Option<Weighted<'_>> {
        let mut shares = vec![0.0; self.points.len()];
        let mut there = vec![0_usize; self.points.len()];
        for (share, &place) in self.owners.shares(weights)?.iter().zip(&self.places) {
            shares[place as usize] += share;
            there[place as usize] += usize::from(*share > 0.0);
        }
        let reach = |row: usize| {
            if there[row] > 0 { open(self.radius(row, &there)) } else { NOBODY }
        };
        let reach = (0..self.points.len()).map(reach).collect();
        Some(Weighted { side: self, shares, reach })
    }

    /// Squared distance of the k-th nearest row that is there, or of the farthest; `there` is how
    /// many rows each distinct one stands for.
    fn radius(&self, row: usize, there: &[usize]) -> f32 {
        let kept = &self.neighbours[row];
        let (found, radius) = self.kth(row, there, kept);
        if found || kept.len() + 1 >= self.points.len() {
            return radius;
        }
        self.kth(row, there, &sorted(&self.points, row)).1
    }

    /// Whether there are k rows among a row's equals and `neighbours`, and the squared distance of
    /// the k-th, or else of the last.
    fn kth(&self, row: usize, there: &[usize], neighbours: &[Neighbour]) -> (bool, f32) {
        let (mut seen, mut radius) = (there[row] - 1, 0.0);
        for &(square, other) in neighbours {
            if seen >= self.k {
                break;
            }
            let rows = there[other as usize];
            seen += rows;
            radius = if rows > 0 { square } else { radius };
        }
        (seen >= self.k, radius)
    }
}

/// The other rows with their squared distances.
fn others(points: &Points, row: usize) -> Vec<Neighbour> {
    let squares = points.squares(points.row(row));
    squares.into_iter().zip(0..).filter(|(_, other)| *other as usize != row).collect()
}

fn sorted(points: &Points, row: usize) -> Vec<Neighbour> {
    let mut all = others(points, row);
    all.sort_unstable_by(nearer);
    all
}

fn nearer(a: &Neighbour, b: &Neighbour) -> std::cmp::Ordering {
    a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))
}

/// The largest squared distance inside an open ball with its centre. Rows of whole numbers have many
/// equal distances, which rounding must not tell apart.
fn open(radius: f32) -> f32 {
    radius * (1.0 - TIE)
}

impl Held {
    /// The rows of `others` within the farthest kept neighbour of each row of `centres`.
    pub(super) fn of(centres: &Side, others: &Side) -> Self {
        let near = |row: usize| {
            let (squares, most) =
                (others.points.squares(centres.points.row(row)), centres.most(row));
            squares.into_iter().zip(0..).filter(|(square, _)| *square <= most).collect()
        };
        Self((0..centres.points.len()).into_par_iter().map(near).collect())
    }

    /// The rows of `others` in the ball of a row of `centres`, in their order.
    pub(super) fn by<'a>(
        &'a self,
        centres: &Weighted<'_>,
        others: &Side,
        row: usize,
    ) -> impl Iterator<Item = usize> + 'a {
        let (side, reach) = (centres.side, centres.reach[row]);
        let far = (reach > side.most(row)).then(|| {
            let squares = others.points.squares(side.points.row(row));
            squares.into_iter().zip(0..).collect::<Vec<Neighbour>>()
        });
        let near = if far.is_some() { &[][..] } else { &self.0[row] };
        let rows = near.iter().copied().chain(far.into_iter().flatten());
        rows.filter(move |(square, _)| *square <= reach).map(|(_, other)| other as usize)
    }
}

impl Weighted<'_> {
    /// The distinct rows that have a share.
    pub(super) fn rows(&self) -> impl Iterator<Item = usize> {
        (0..self.reach.len()).filter(|&row| self.is_there(row))
    }

    /// Whether a row has a share.
    pub(super) fn is_there(&self, row: usize) -> bool {
        self.reach[row] >= 0.0
    }

    /// How many of this side's own shares lie in its balls: the sum over pairs of both shares.
    pub(super) fn own_density(&self) -> f64 {
        let inside = |row: usize| -> f64 {
            let (side, reach) = (self.side, self.reach[row]);
            // Mostly the kept neighbours hold all of the ball.
            let far = (reach > side.most(row)).then(|| sorted(&side.points, row));
            let list = far.as_deref().unwrap_or(&side.neighbours[row]);
            let within = list.iter().take_while(|(square, _)| *square <= reach);
            self.shares[row] + within.map(|(_, other)| self.shares[*other as usize]).sum::<f64>()
        };
        self.rows().map(|row| self.shares[row] * inside(row)).sum()
    }
}
