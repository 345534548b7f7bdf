//! A term's distance while rows come and go one by one.
//!
//! | discrepancy | kept | cost of a change |
//! |---|---|---|
//! | Cramer-von Mises, energy, Wasserstein-1 | a tree over the merged grid ([`super::gaps`]) | logarithm of the values |
//! | Kolmogorov-Smirnov | a tree over it with a search ([`super::steps`]) | the same, about |
//! | moments, mean gap, standard deviation gap | sums of z and z^2 | constant |
//! | others on numbers | shares on at most 256 values, computed anew | 256 and the external grid |
//! | others on categories | shares, computed anew | number of categories |
//!
//! Trees are exact up to [`KNOTS`] values of rows; of more, rows go to the nearest of so many.

use super::gaps::{Absolutes, Gaps, Squares};
use super::points::{LIMIT, Points};
use super::steps::Steps;
use super::term::Ready;
use crate::discrepancy::Weighted;

/// The most values of rows in a tree.
const KNOTS: usize = 4096;

/// The distance of a growing or shrinking set of rows.
pub(super) struct Running<'a> {
    term: &'a Ready,
    /// The values that rows can have, ascending and distinct.
    knots: Vec<f64>,
    rows: f64,
    kept: Kept,
}

enum Kept {
    /// `(sum w H^2) x scale`, the root of it taken.
    Squares { gaps: Gaps<Squares>, scale: f64 },
    /// `(sum w |H|) x scale`.
    Absolutes { gaps: Gaps<Absolutes>, scale: f64 },
    /// `max |F - G|`.
    Largest(Steps),
    /// Sums of z and z^2, z being in external standard deviations from the external mean.
    Moments { sums: [f64; 2], centre: f64, sd: f64 },
    /// Rows at each knot.
    Shares(Vec<f64>),
}

impl<'a> Running<'a> {
    /// Without rows, for rows that will have one of these values.
    pub fn new(term: &'a Ready, values: Vec<f64>) -> Self {
        let (centre, sd) = term.external.mean_and_sd();
        let label = term.discrepancy.label();
        let (knots, kept) = match label {
            "cramer-von-mises" | "energy" if sd > 0.0 => {
                let (knots, gaps) = grid(term, values);
                let scale = if label == "energy" { 2.0 / sd } else { 1.0 / sd };
                (knots, Kept::Squares { gaps: Gaps::new(gaps.into_iter()), scale })
            }
            "wasserstein-1" if sd > 0.0 => {
                let (knots, gaps) = grid(term, values);
                let gaps = Gaps::new(gaps.into_iter());
                (knots, Kept::Absolutes { gaps, scale: 1.0 / sd })
            }
            "kolmogorov-smirnov" => {
                let (knots, gaps) = grid(term, values);
                let shares = gaps.into_iter().map(|(_, share)| share).collect();
                (knots, Kept::Largest(Steps::new(shares)))
            }
            "moments" | "mean-gap" | "sd-gap" if sd > 0.0 => {
                (Vec::new(), Kept::Moments { sums: [0.0; 2], centre, sd })
            }
            _ => Self::on_shares(term, values),
        };
        Self { term, knots, rows: 0.0, kept }
    }

    /// The same by computing everything anew: what the others are tested against.
    #[cfg(test)]
    pub fn exact(term: &'a Ready, values: Vec<f64>) -> Self {
        let knots = distinct(values, usize::MAX);
        let kept = Kept::Shares(vec![0.0; knots.len()]);
        Self { term, knots, rows: 0.0, kept }
    }

    fn on_shares(term: &Ready, values: Vec<f64>) -> (Vec<f64>, Kept) {
        // Categories keep their numbers.
        let knots = if term.on_categories() {
            term.external.values.clone()
        } else {
            distinct(values, LIMIT)
        };
        let rows = vec![0.0; knots.len()];
        (knots, Kept::Shares(rows))
    }

    /// The knot of a value: its own, or the nearest.
    fn place(&self, x: f64) -> usize {
        let above = self.knots.partition_point(|knot| *knot < x);
        match (above.checked_sub(1).and_then(|i| self.knots.get(i)), self.knots.get(above)) {
            (Some(below), Some(knot)) if x - below < knot - x => above - 1,
            (Some(_), None) => above - 1,
            _ => above,
        }
    }

    /// Whether two rows count alike.
    pub fn same(&self, a: f64, b: f64) -> bool {
        a == b || !self.knots.is_empty() && self.place(a) == self.place(b)
    }

    /// So many rows of value `x` come; negative where they go.
    pub fn add(&mut self, x: f64, rows: f64) {
        let place = self.place(x);
        self.rows += rows;
        match &mut self.kept {
            Kept::Squares { gaps, .. } => gaps.add(place, rows),
            Kept::Absolutes { gaps, .. } => gaps.add(place, rows),
            Kept::Largest(steps) => steps.add(place, rows),
            Kept::Moments { sums, centre, sd } => {
                let z = (x - *centre) / *sd;
                sums[0] += rows * z;
                sums[1] += rows * z * z;
            }
            Kept::Shares(shares) => {
                if let Some(share) = shares.get_mut(place) {
                    // Rows are whole numbers: what has gone has left nothing.
                    *share += rows;
                }
            }
        }
    }

    /// The distance as rewards count it (the root where the discrepancy is a square); none without
    /// rows, or where it is not defined for them.
    pub fn distance(&self) -> Option<f64> {
        if self.rows < 0.5 {
            return None;
        }
        let n = self.rows;
        let found = match &self.kept {
            Kept::Squares { gaps, scale } => {
                Some((gaps.whole().square.max(0.0) * scale).sqrt() / n)
            }
            Kept::Absolutes { gaps, scale } => Some(gaps.whole().sum().max(0.0) * scale / n),
            Kept::Largest(steps) => Some(steps.largest(n)),
            Kept::Moments { sums, centre, sd } => {
                // Two points with the same mean and standard deviation on either side.
                let mean = sums[0] / n;
                let (square, variance) = (sums[1] / n, sums[1] / n - mean * mean);
                // What rounding leaves of equal rows is no spread.
                let own = if variance > 1e-13 * square { variance.sqrt() } else { 0.0 };
                let two = |mean: f64, own: f64| Points {
                    values: [mean - own, mean + own].map(|z| centre + sd * z).to_vec(),
                    weights: vec![0.5; 2],
                };
                self.term.between(&two(mean, own), &two(0.0, 1.0)).ok().flatten()
            }
            Kept::Shares(rows) => {
                let own = Weighted::new(&self.knots, rows);
                self.term.weighted_distance(own, self.term.external.weighted()).ok().flatten()
            }
        };
        found.filter(|distance| distance.is_finite())
    }
}

/// The distinct values, ascending; of more than `most`, the quantiles.
fn distinct(mut values: Vec<f64>, most: usize) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    let all = values.clone();
    values.dedup_by(|a, b| a == b);
    if values.len() <= most {
        return values;
    }
    let last = (all.len() - 1) as f64;
    let quantile = |i: usize| all[(last * i as f64 / (most - 1) as f64).round() as usize];
    let mut values: Vec<f64> = (0..most).map(quantile).collect();
    values.dedup_by(|a, b| a == b);
    values
}

/// The distinct values of both sides, and each interval between neighbours by its width and the
/// external share up to it.
fn grid(term: &Ready, mut values: Vec<f64>) -> (Vec<f64>, Vec<(f64, f64)>) {
    let external = &term.external;
    values = distinct(values, KNOTS);
    values.extend(&external.values);
    let knots = distinct(values, usize::MAX);
    let total: f64 = external.weights.iter().sum();
    let (mut sum, mut next) = (0.0, 0);
    let mut gaps = Vec::with_capacity(knots.len());
    for pair in knots.windows(2) {
        while external.values.get(next).is_some_and(|value| *value <= pair[0]) {
            sum += external.weights[next];
            next += 1;
        }
        gaps.push((pair[1] - pair[0], sum / total));
    }
    (knots, gaps)
}
