//! The classifier two-sample test: how well can boosted trees tell simulated users from real ones?
//!
//! A classifier is trained to tell the two sides apart and judged on users that it has not seen
//! (Lopez-Paz and Oquab, *Revisiting classifier two-sample tests*, ICLR 2017). Its AUC is 0.5 where
//! it cannot, 1 where it always can. Five folds, stratified by side; the value is the mean AUC of
//! the folds. A row is a user, so a bootstrap over users reweights the out-of-fold scores. (DeLong's
//! variance would do for one simulation, but the mean over evaluation seeds shares its real users,
//! and shared bootstrap weights carry that correlation.) The classifiers are not trained again:
//! the interval is for these classifiers, and leaves out what another draw of training users would
//! change. Between equal laws and with some hundred users, the AUC varies about 1.35 times as much
//! as the interval says.

mod auc;
mod boosting;

pub use auc::{FoldRankings, Ranking};
pub use boosting::{Binned, Boosted};

use rayon::prelude::*;
use trueup_env::Streams;

use crate::sample::Sample;

/// Number of folds.
pub const FOLDS: usize = 5;

/// The fewest users of a side: two in each fold.
pub const LEAST_USERS: usize = 2 * FOLDS;

/// Out-of-fold scores of one simulation, and what the classifier looked at.
pub struct TwoSampleTest {
    /// Rankings of held-out users; their value is the AUC.
    pub rankings: FoldRankings,
    /// Per column: how much the AUC falls when the column is shuffled among the held-out users
    /// (permutation importance; Breiman, *Random forests*, 2001). Columns that say the same share
    /// their importance.
    pub importance: Vec<f64>,
}

/// The pooled rows of both sides, internal users first.
struct Pool {
    width: usize,
    values: Vec<f64>,
    positive: Vec<bool>,
    user: Vec<u32>,
    fold: Vec<usize>,
}

/// Trains and judges the classifiers on at most `rows` users a side, evenly spaced. None with
/// fewer than [`LEAST_USERS`] users on a side, or with rows of different width.
pub fn two_sample_test(
    internal: &Sample,
    external: &Sample,
    rows: usize,
    streams: &Streams,
) -> Option<TwoSampleTest> {
    let few = internal.rows().min(external.rows()).min(rows) < LEAST_USERS;
    if few || internal.width != external.width || internal.width == 0 {
        return None;
    }
    let pool = pool(internal, external, rows, streams);
    let judged: Vec<(Ranking, Vec<f64>)> =
        (0..FOLDS).into_par_iter().map(|fold| judge(&pool, fold, streams)).collect();
    let mut importance = vec![0.0; internal.width];
    let mut rankings = Vec::with_capacity(FOLDS);
    for (ranking, falls) in judged {
        importance.iter_mut().zip(falls).for_each(|(sum, fall)| *sum += fall / FOLDS as f64);
        rankings.push(ranking);
    }
    Some(TwoSampleTest { rankings: FoldRankings(rankings), importance })
}

fn pool(internal: &Sample, external: &Sample, rows: usize, streams: &Streams) -> Pool {
    let mut values = Vec::new();
    let (mut positive, mut user, mut fold) = (Vec::new(), Vec::new(), Vec::new());
    for (side, sample) in [external, internal].into_iter().enumerate().rev() {
        let n = sample.rows();
        let count = n.min(rows);
        let mut folds: Vec<usize> = (0..count).map(|i| i % FOLDS).collect();
        shuffle(&mut folds, streams, "folds", side);
        for (i, fold_of_row) in folds.into_iter().enumerate() {
            let row = ((2 * i + 1) * n) / (2 * count);
            values.extend_from_slice(sample.row(row));
            positive.push(side == 1);
            user.push(sample.user[row]);
            fold.push(fold_of_row);
        }
    }
    Pool { width: internal.width, values, positive, user, fold }
}

/// A uniform permutation (Fisher and Yates).
fn shuffle(items: &mut [usize], streams: &Streams, purpose: &str, index: usize) {
    let mut stream = streams.stream(purpose, index as u64);
    for last in (1..items.len()).rev() {
        items.swap(last, stream.below(last + 1));
    }
}

/// Trains on the other folds; ranks the rows of this one, and ranks them again with each feature
/// shuffled among them.
fn judge(pool: &Pool, fold: usize, streams: &Streams) -> (Ranking, Vec<f64>) {
    let (held_out, training): (Vec<usize>, Vec<usize>) =
        (0..pool.fold.len()).partition(|&row| pool.fold[row] == fold);
    let data = Binned::new(&pool.values, pool.width, &training);
    let model = Boosted::fit(&data, &training, &pool.positive);
    let rank = |score: &dyn Fn(usize) -> f64| {
        let rows = held_out.iter().enumerate();
        Ranking::new(rows.map(|(i, &row)| (score(i), pool.positive[row], pool.user[row])))
    };
    let ones = vec![1.0; pool.user.iter().max().map_or(0, |&user| user as usize + 1)];
    let auc = |ranking: &Ranking| ranking.auc(&ones, &ones).unwrap_or(0.5);
    let ranking = rank(&|i| model.score(&data, held_out[i]));
    let full = auc(&ranking);
    let mut falls = vec![0.0; pool.width];
    for (feature, fall) in falls.iter_mut().enumerate() {
        if model.uses(feature) {
            let mut from = held_out.clone();
            shuffle(&mut from, streams, "importance", fold * pool.width + feature);
            let score = |i: usize| model.score_shuffled(&data, held_out[i], feature, from[i]);
            *fall = full - auc(&rank(&score));
        }
    }
    (ranking, falls)
}

#[cfg(test)]
mod tests;
