//! Kinds as a Markov chain: counts of (earlier, later) pairs, and where the chain spends its time.

use super::counts::Counts;
use crate::discrepancy::{DiscrepancyError, Parameter, check};
use crate::sample::{Sample, Shape};

/// Chains of more kinds are refused: their matrices grow with the square.
const MOST_KINDS: usize = 64;
/// What a value on pairs costs.
pub(super) const COST: &str =
    "O((n + m) log(n + m)) once, then O(n + m + 40 kinds^3) a value; O(n + m) memory";
/// Squarings of the matrix: 2^40 steps of the chain.
const SQUARINGS: usize = 40;

/// How often the chain starts anew; by default, users have about twenty events.
pub(super) const RESTART: Parameter = Parameter {
    name: "restart",
    meaning: "the probability that another user comes, at each step of the chain",
    default: 0.05,
    low: 0.0,
    high: 1.0,
    whole: false,
};

/// Counts of the pairs of both sides, and the number of kinds.
pub(super) fn pair_counts(
    discrepancy: &'static str,
    internal: &Sample,
    external: &Sample,
) -> Result<([Counts; 2], usize), DiscrepancyError> {
    check::samples(discrepancy, Shape::Category, 1, internal, external)?;
    let kinds = kinds_of(discrepancy, external.categories)?;
    let counts = |sample: &Sample| {
        let pairs =
            sample.user.iter().zip(&sample.values).map(|(&user, &pair)| (user, pair as u32));
        Counts::of(sample.users, kinds * kinds, pairs)
    };
    Ok(([counts(internal), counts(external)], kinds))
}

/// The number of kinds of which there are so many pairs.
pub(super) fn kinds_of(discrepancy: &'static str, pairs: usize) -> Result<usize, DiscrepancyError> {
    let kinds = (pairs as f64).sqrt().round() as usize;
    if kinds <= MOST_KINDS && kinds * kinds == pairs {
        return Ok(kinds);
    }
    Err(DiscrepancyError::Mismatch(format!(
        "{discrepancy} compares pairs of kinds, of which there are 1, 4, 9, ... {}, and the feature \
         has {pairs} categories; use it on kind_pair",
        MOST_KINDS * MOST_KINDS
    )))
}

/// Totals of the rows of a square table.
pub(super) fn row_sums(counts: &[f64], kinds: usize) -> Vec<f64> {
    counts.chunks_exact(kinds).map(|row| row.iter().sum()).collect()
}

/// The share of time that the chain spends in each kind.
///
/// It is the limit of the mean of the first n laws of a chain that starts as the earlier kinds of
/// all pairs are distributed; such a limit exists for every finite chain. With the probability
/// `restart` a step is not one of the chain but a new start, as when another user comes. At 0,
/// where the chain falls into parts that do not reach each other, each part keeps the share of the
/// start that flows into it, and kinds that are left for good have no share; above 0, every kind
/// that is ever left has one; at 1, it is the law of the start. A kind that is never left (a user's
/// last) is followed by a new start. Computed by squaring `(I + P) / 2`, which has the same limit
/// and does not oscillate.
pub(super) fn stationary(counts: &[f64], kinds: usize, restart: f64) -> Vec<f64> {
    let sums = row_sums(counts, kinds);
    let total: f64 = sums.iter().sum();
    let start: Vec<f64> = sums.iter().map(|sum| sum / total).collect();
    let mut matrix = vec![0.0; kinds * kinds];
    for (i, (row, sum)) in matrix.chunks_exact_mut(kinds).zip(&sums).enumerate() {
        for (j, cell) in row.iter_mut().enumerate() {
            let step = if *sum > 0.0 { counts[i * kinds + j] / sum } else { start[j] };
            let step = restart * start[j] + (1.0 - restart) * step;
            *cell = 0.5 * step + if i == j { 0.5 } else { 0.0 };
        }
    }
    for _ in 0..SQUARINGS {
        matrix = squared(&matrix, kinds);
    }
    let share = |j: usize| (0..kinds).map(|i| start[i] * matrix[i * kinds + j]).sum();
    (0..kinds).map(share).collect()
}

/// The square of a matrix whose rows add up to 1, and again do so to the last bit or two.
fn squared(matrix: &[f64], kinds: usize) -> Vec<f64> {
    let mut square = vec![0.0; kinds * kinds];
    for (row, into) in matrix.chunks_exact(kinds).zip(square.chunks_exact_mut(kinds)) {
        for (factor, other) in row.iter().zip(matrix.chunks_exact(kinds)) {
            into.iter_mut().zip(other).for_each(|(cell, other)| *cell += factor * other);
        }
        let sum: f64 = into.iter().sum();
        into.iter_mut().for_each(|cell| *cell /= sum);
    }
    square
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn close(found: &[f64], expected: &[f64]) {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
    }

    #[test]
    fn limits_by_hand() {
        // From 0 to 1 with 1/2, from 1 to 0 with 1/4: 1/3 and 2/3.
        close(&stationary(&[2.0, 2.0, 1.0, 3.0], 2, 0.0), &[1.0 / 3.0, 2.0 / 3.0]);
        // Periodic: half of the time in each.
        close(&stationary(&[0.0, 5.0, 4.0, 0.0], 2, 0.0), &[0.5, 0.5]);
        // Two parts: each keeps its share of the start, 1/4 and 3/4.
        close(&stationary(&[1.0, 0.0, 0.0, 3.0], 2, 0.0), &[0.25, 0.75]);
        // Kind 0 leads to 1 and 2 alike, which are never left: every user starts anew at 0.
        let ends = [0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        close(&stationary(&ends, 3, 0.0), &[0.5, 0.25, 0.25]);
        // Kind 2 is neither seen nor reached.
        let unseen = [1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0];
        close(&stationary(&unseen, 3, 0.0), &[0.5, 0.5, 0.0]);
    }

    #[test]
    fn new_starts_reach_every_kind() {
        // Kind 1 is for ever; from the start (1/2, 1/2) half of the time goes on in kind 0.
        let counts = [1.0, 1.0, 0.0, 2.0];
        close(&stationary(&counts, 2, 0.0), &[0.0, 1.0]);
        close(&stationary(&counts, 2, 1.0), &[0.5, 0.5]);
        // x = r / 2 + (1 - r) x / 2 in kind 0: x = r / (1 + r).
        close(&stationary(&counts, 2, 0.25), &[0.2, 0.8]);
    }

    /// A chain that leaves its parts once in a million steps.
    #[test]
    fn slow_chains_arrive() {
        close(&stationary(&[1e6, 1.0, 2.0, 1e6 - 1.0], 2, 0.0), &[2.0 / 3.0, 1.0 / 3.0]);
    }
}
