//! The classifier two-sample test: how well can boosted trees tell simulated users from real ones?
//!
//! A classifier is trained to tell the two sides apart and judged on users that it has not seen
//! (Lopez-Paz and Oquab, *Revisiting classifier two-sample tests*, ICLR 2017). Its AUC is 0.5 where
//! it cannot, 1 where it always can. Five folds, stratified by side, equal users in one fold
//! (`folds.rs`); the value is the mean AUC of the folds. A row is a user, so a bootstrap over users reweights the out-of-fold scores. (DeLong's
//! variance would do for one simulation, but the mean over evaluation seeds shares its real users,
//! and shared bootstrap weights carry that correlation.) The classifiers are not trained again:
//! the interval is for these classifiers, and leaves out what another draw of training users would
//! change. Between equal laws and with some hundred users, the AUC varies about 1.35 times as much
//! as the interval says.
//!
//! [`examine`] does this by boosted trees and by logistic regression, with AUC and balanced accuracy,
//! p-values, and which features give the simulation away; [`Examination`] is what a panel keeps of it.

mod auc;
mod boosting;
mod examination;
mod examine;
mod folds;
mod held_out;
mod logistic;
mod newton;
mod telling;
mod twins;

pub use auc::{FoldRankings, Ranking};
pub use boosting::{Binned, Boosted};
pub use examination::{Examination, Judged};
pub use examine::{ExaminationConfig, Examined, Scores, examine};
pub use logistic::{Design, Logistic, UNDEFINED};
pub use telling::{Direction, Telling};
pub use twins::Twins;

use folds::Folds;
use rayon::prelude::*;
use trueup_env::Streams;

use crate::sample::Sample;

/// Number of folds.
pub const FOLDS: usize = 5;

/// The fewest users of a side: two in each fold.
pub const LEAST_USERS: usize = 2 * FOLDS;

/// The boosted trees of one simulation.
struct Trees {
    pool: Pool,
    folds: Vec<Fold>,
    streams: Streams,
}

/// The trees that did not see the users of one fold.
struct Fold {
    held_out: Vec<u32>,
    data: Binned,
    model: Boosted,
}

/// The pooled rows of both sides, internal users first.
#[derive(Clone)]
struct Pool {
    width: usize,
    values: Vec<f64>,
    positive: Vec<bool>,
    user: Vec<u32>,
    fold: Vec<usize>,
    /// Rows of one unit are equal and in one fold.
    unit: Vec<u32>,
}

/// Pools at most `rows` users a side, evenly spaced. None with fewer than [`LEAST_USERS`] users on a
/// side, or with rows of different width.
fn pool(internal: &Sample, external: &Sample, rows: usize, streams: &Streams) -> Option<Pool> {
    let few = internal.rows().min(external.rows()).min(rows) < LEAST_USERS;
    let fits = !few && internal.width == external.width && internal.width > 0;
    fits.then(|| pooled(internal, external, rows, streams))
}

impl Trees {
    fn train(pool: Pool, streams: &Streams) -> Self {
        let train = |fold| Fold::train(&pool, fold);
        let folds = (0..FOLDS).into_par_iter().map(train).collect();
        Self { folds, pool, streams: *streams }
    }

    /// Per column: how much the AUC falls when the column is shuffled among the held-out users
    /// (permutation importance; Breiman, *Random forests*, 2001), the mean over the folds. Columns
    /// that say the same share their importance.
    fn importance(&self) -> Vec<f64> {
        let falls = |fold: usize| self.folds[fold].falls(&self.pool, fold, &self.streams);
        let falls: Vec<Vec<f64>> = (0..self.folds.len()).into_par_iter().map(falls).collect();
        let mut importance = vec![0.0; self.pool.width];
        for falls in falls {
            importance.iter_mut().zip(falls).for_each(|(sum, fall)| *sum += fall / FOLDS as f64);
        }
        importance
    }
}

fn pooled(internal: &Sample, external: &Sample, rows: usize, streams: &Streams) -> Pool {
    let mut values = Vec::new();
    let (mut positive, mut user) = (Vec::new(), Vec::new());
    for (side, sample) in [external, internal].into_iter().enumerate().rev() {
        let n = sample.rows();
        let count = n.min(rows);
        for i in 0..count {
            let row = ((2 * i + 1) * n) / (2 * count);
            values.extend_from_slice(sample.row(row));
            positive.push(side == 1);
            user.push(sample.user[row]);
        }
    }
    let Folds { fold, unit } = Folds::deal(&values, internal.width, &positive, streams);
    Pool { width: internal.width, values, positive, user, fold, unit }
}

impl Pool {
    /// The rows of a fold, and all others.
    fn part(&self, fold: usize) -> (Vec<u32>, Vec<u32>) {
        (0..self.fold.len() as u32).partition(|&row| self.fold[row as usize] == fold)
    }

    /// Whether the trees of every fold have users enough to split.
    fn can_be_split(&self) -> bool {
        (0..FOLDS).all(|fold| Boosted::can_split(self.part(fold).1.len()))
    }

    /// A weight of 1 for each user of either side.
    fn ones(&self) -> Vec<f64> {
        vec![1.0; self.user.iter().max().map_or(0, |&user| user as usize + 1)]
    }
}

/// A uniform permutation (Fisher and Yates).
fn shuffle<T>(items: &mut [T], streams: &Streams, purpose: &str, index: usize) {
    let mut stream = streams.stream(purpose, index as u64);
    for last in (1..items.len()).rev() {
        items.swap(last, stream.below(last + 1));
    }
}

impl Fold {
    /// Trains on the other folds.
    fn train(pool: &Pool, fold: usize) -> Self {
        let (held_out, training) = pool.part(fold);
        let data = Binned::new(&pool.values, pool.width, &training);
        let model = Boosted::fit(&data, &training, &pool.positive);
        Self { held_out, data, model }
    }

    fn rank(&self, pool: &Pool, scores: Vec<f64>) -> Ranking {
        let rows = scores.into_iter().zip(self.held_out.iter().map(|&row| row as usize));
        Ranking::new(rows.map(|(score, row)| (score, pool.positive[row], pool.user[row])))
    }

    /// How much the AUC falls with each column shuffled among the held-out rows.
    fn falls(&self, pool: &Pool, fold: usize, streams: &Streams) -> Vec<f64> {
        let ones = pool.ones();
        let parts = self.model.parts(&self.data, &self.held_out);
        let auc = |scores| self.rank(pool, scores).auc(&ones, &ones).unwrap_or(0.5);
        let full = auc(self.model.scores(&parts, self.held_out.len()));
        let fall = |feature: usize| {
            if !self.model.uses(feature) {
                return 0.0;
            }
            let (data, rows) = (&self.data, &self.held_out);
            let mut from = rows.clone();
            shuffle(&mut from, streams, "importance", fold * pool.width + feature);
            full - auc(self.model.scores_shuffled(data, rows, &parts, feature, &from))
        };
        (0..pool.width).map(fall).collect()
    }
}

#[cfg(test)]
mod tests;
