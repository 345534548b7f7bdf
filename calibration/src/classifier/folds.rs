//! Which fold each user is in.
//!
//! Users who are equal in all features share a fold. A twin among the training users gives away the
//! side that it is on; where a simulation repeats real users that is the wrong side, and classifiers
//! judged on twins of their training users would have an AUC far below 1/2, which hides what else is
//! wrong. A vector that a twentieth of a side has, and ten users or more, is another matter: users who
//! did nothing, say. It is part of the law, and its users are dealt out over all folds, in equal parts
//! of either side, in which nothing can be learned but how common it is on each.
//!
//! The folds are filled with the largest groups first and at random among equals, each into the fold
//! that has least of its sides so far: sides are as balanced as the groups allow, and equally where
//! nobody has a twin.

use trueup_env::Streams;

use super::{FOLDS, LEAST_USERS, shuffle};
use crate::discrepancy::distinct::distinct;

/// A vector is common where one of so many users of a side has it.
const COMMON: usize = 20;

/// The fold of each row, and the unit: rows of one unit are equal, and stay together when labels are
/// dealt out again.
pub(super) struct Folds {
    pub(super) fold: Vec<usize>,
    pub(super) unit: Vec<u32>,
}

impl Folds {
    /// Deals out rows of `width` numbers, of which each is on the positive side or not.
    pub(super) fn deal(values: &[f64], width: usize, positive: &[bool], streams: &Streams) -> Self {
        let (firsts, places) = distinct(values, width);
        let mut groups: Vec<Vec<u32>> = vec![Vec::new(); firsts.len()];
        places.iter().zip(0..).for_each(|(&group, row)| groups[group as usize].push(row));
        let sides = |rows: &[u32]| {
            let positives = rows.iter().filter(|&&row| positive[row as usize]).count();
            [rows.len() - positives, positives]
        };
        let all: Vec<u32> = (0..positive.len() as u32).collect();
        let totals = sides(&all);
        let is_common = |rows: &[u32]| {
            let own = sides(rows);
            rows.len() >= LEAST_USERS
                && (0..2).any(|side| COMMON * own[side] >= totals[side].max(1))
        };
        shuffle(&mut groups, streams, "folds", 0);
        groups.sort_by_key(|rows| std::cmp::Reverse(rows.len()));
        let (mut fold, mut unit) = (vec![0; positive.len()], vec![0; positive.len()]);
        let mut filled = [[0.0; 2]; FOLDS];
        let shares = totals.map(|total| 1.0 / (total.max(1) as f64).powi(2));
        let units = groups.iter().flat_map(|rows| {
            let size = if is_common(rows) { 1 } else { rows.len() };
            rows.chunks(size)
        });
        for (number, rows) in units.enumerate() {
            let own = sides(rows).map(|count| count as f64);
            let load = |fold: &usize| -> f64 {
                (0..2).map(|side| own[side] * filled[*fold][side] * shares[side]).sum()
            };
            let emptiest = (0..FOLDS).min_by(|a, b| load(a).total_cmp(&load(b))).unwrap_or(0);
            (0..2).for_each(|side| filled[emptiest][side] += own[side]);
            for &row in rows {
                fold[row as usize] = emptiest;
                unit[row as usize] = number as u32;
            }
        }
        Self { fold, unit }
    }
}

/// The units among some rows, those of one size together. If labels say nothing of the vectors, how
/// many rows of a unit are positive says nothing either, and units of one size may exchange it: labels
/// are relabelled by units, which keeps twins what they are.
pub(super) fn units_by_size(rows: &[u32], unit: &[u32]) -> Vec<Vec<Vec<u32>>> {
    let mut sorted = rows.to_vec();
    sorted.sort_by_key(|&row| (unit[row as usize], row));
    let mut units: Vec<Vec<u32>> = sorted
        .chunk_by(|&a, &b| unit[a as usize] == unit[b as usize])
        .map(<[u32]>::to_vec)
        .collect();
    units.sort_by_key(Vec::len);
    units.chunk_by(|a, b| a.len() == b.len()).map(<[Vec<u32>]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dealt(values: &[f64], positive: &[bool]) -> Folds {
        Folds::deal(values, 1, positive, &Streams::new(3))
    }

    fn counts(folds: &Folds, positive: &[bool]) -> Vec<[usize; 2]> {
        let mut counts = vec![[0; 2]; FOLDS];
        let rows = folds.fold.iter().zip(positive);
        rows.for_each(|(&fold, &positive)| counts[fold][usize::from(positive)] += 1);
        counts
    }

    #[test]
    fn folds_of_users_without_twins_are_balanced_to_one() {
        let values: Vec<f64> = (0..127).map(f64::from).collect();
        let positive: Vec<bool> = (0..127).map(|i| i < 44).collect();
        let counts = counts(&dealt(&values, &positive), &positive);
        assert!(counts.iter().all(|[real, own]| (16..=17).contains(real) && (8..=9).contains(own)));
    }

    /// A log against a copy of it: each fold has as many users of either side, all with their twins.
    #[test]
    fn twins_share_a_fold() {
        let values: Vec<f64> = (0..300).map(|i| f64::from(i % 150)).collect();
        let positive: Vec<bool> = (0..300).map(|i| i < 150).collect();
        let folds = dealt(&values, &positive);
        for i in 0..150 {
            assert_eq!((folds.fold[i], folds.unit[i]), (folds.fold[i + 150], folds.unit[i + 150]));
        }
        assert_eq!(counts(&folds, &positive), [[30, 30]; FOLDS]);
        let rows: Vec<u32> = (0..300).collect();
        assert_eq!(units_by_size(&rows, &folds.unit).len(), 1);
        assert_eq!(units_by_size(&rows, &folds.unit)[0].len(), 150);
    }

    /// 50 simulated users who did nothing beside 100 real ones who all did something else.
    #[test]
    fn a_common_vector_is_dealt_out() {
        let values: Vec<f64> = (0..150).map(|i| if i < 50 { -1.0 } else { f64::from(i) }).collect();
        let positive: Vec<bool> = (0..150).map(|i| i < 50).collect();
        assert_eq!(counts(&dealt(&values, &positive), &positive), [[20, 10]; FOLDS]);
    }
}
