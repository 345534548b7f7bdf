//! What classifiers say of users that they have not seen: rankings, right calls, and how both
//! compare with chance.

use rayon::prelude::*;
use trueup_env::Streams;

use super::auc::{FoldRankings, Ranking};
use super::folds::units_by_size;
use super::logistic::{Design, Logistic};
use super::{FOLDS, Fold, Pool};
use crate::discrepancy::Prepared;

/// Which classifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Trees,
    Logistic,
}

/// The scores of the users of one fold by the classifier that did not see them.
pub(super) struct HeldOut {
    rows: Vec<u32>,
    scores: Vec<f64>,
    /// Log-odds of the sides among the training users: a score above it speaks for `positive`.
    threshold: f64,
}

impl Kind {
    /// Trains one classifier a fold and asks it about that fold's users.
    pub(super) fn held_out(self, pool: &Pool) -> Vec<HeldOut> {
        let fold = |fold: usize| match self {
            Self::Trees => HeldOut::trees(&Fold::train(pool, fold)),
            Self::Logistic => HeldOut::logistic(pool, fold),
        };
        (0..FOLDS).into_par_iter().map(fold).collect()
    }
}

impl HeldOut {
    pub(super) fn trees(fold: &Fold) -> Self {
        let parts = fold.model.parts(&fold.data, &fold.held_out);
        let rows = fold.held_out.clone();
        Self { scores: fold.model.scores(&parts, rows.len()), threshold: fold.model.base(), rows }
    }

    fn logistic(pool: &Pool, fold: usize) -> Self {
        let (rows, training) = pool.part(fold);
        let data = Design::new(&pool.values, pool.width, &training);
        let model = Logistic::fit(&data, &training, &pool.positive);
        let positives = training.iter().filter(|&&row| pool.positive[row as usize]).count() as f64;
        let log_odds = (positives / (training.len() as f64 - positives)).ln();
        // Without both sides among the training users there is nothing to learn.
        let threshold = if log_odds.is_finite() { log_odds } else { 0.0 };
        Self { scores: model.scores(&data, &rows), threshold, rows }
    }

    pub(super) fn ranking(&self, pool: &Pool) -> Ranking {
        let rows = self.scores.iter().zip(&self.rows).map(|(&score, &row)| (score, row as usize));
        Ranking::new(rows.map(|(score, row)| (score, pool.positive[row], pool.user[row])))
    }
}

/// The mean AUC of the folds, every user counted once.
pub(super) fn mean_auc(held_out: &[HeldOut], pool: &Pool) -> f64 {
    let rankings = FoldRankings(held_out.iter().map(|fold| fold.ranking(pool)).collect());
    let ones = pool.ones();
    rankings.value(&ones, &ones).unwrap_or(0.5)
}

/// Right calls, all folds together; their value is the balanced accuracy, the mean of the shares of
/// right calls among simulated and among real users, so that it is 1/2 by chance whatever the
/// numbers of users (Brodersen, Ong, Stephan and Buhmann, *The balanced accuracy and its posterior
/// distribution*, ICPR 2010). A score at the threshold is half right.
pub(super) struct Calls {
    /// User, whether positive, how right.
    rows: Vec<(u32, bool, f64)>,
}

impl Calls {
    pub(super) fn of(held_out: &[HeldOut], pool: &Pool) -> Self {
        let rows = held_out.iter().flat_map(|fold| {
            fold.scores.iter().zip(&fold.rows).map(|(&score, &row)| {
                let positive = pool.positive[row as usize];
                let right = match score.total_cmp(&fold.threshold) {
                    std::cmp::Ordering::Equal => 0.5,
                    order => f64::from(u8::from(order.is_gt() == positive)),
                };
                (pool.user[row as usize], positive, right)
            })
        });
        Self { rows: rows.collect() }
    }
}

impl Prepared for Calls {
    fn value(&self, internal: &[f64], external: &[f64]) -> Option<f64> {
        let mut sums = [[0.0; 2]; 2];
        for &(user, positive, right) in &self.rows {
            let weights = if positive { internal } else { external };
            let weight = weights.get(user as usize).copied()?;
            let [total, correct] = &mut sums[usize::from(positive)];
            *total += weight;
            *correct += weight * right;
        }
        let value = sums.iter().map(|[total, correct]| 0.5 * correct / total).sum::<f64>();
        value.is_finite().then_some(value)
    }
}

/// Labels dealt out again within each fold, by units, which keeps the folds stratified and twins what
/// they are.
fn relabelled(pool: &Pool, streams: &Streams, index: usize) -> Vec<bool> {
    let mut positive = pool.positive.clone();
    for fold in 0..FOLDS {
        let (rows, _) = pool.part(fold);
        let mut stream = streams.child("labels", index as u64).stream("fold", fold as u64);
        for units in units_by_size(&rows, &pool.unit) {
            let positives = dealt_again(&positives_of(&units, pool), |n| stream.below(n));
            for (unit, positives) in units.iter().zip(positives) {
                let labels = unit.iter().zip(0..);
                labels.for_each(|(&row, place)| positive[row as usize] = place < positives);
            }
        }
    }
    positive
}

/// How many rows of each unit are positive.
fn positives_of(units: &[Vec<u32>], pool: &Pool) -> Vec<usize> {
    let positives =
        |unit: &Vec<u32>| unit.iter().filter(|&&row| pool.positive[row as usize]).count();
    units.iter().map(positives).collect()
}

/// The numbers in random order; `below` draws a number below another.
fn dealt_again(numbers: &[usize], mut below: impl FnMut(usize) -> usize) -> Vec<usize> {
    let mut dealt = numbers.to_vec();
    for last in (1..dealt.len()).rev() {
        dealt.swap(last, below(last + 1));
    }
    dealt
}

/// How often classifiers that are trained and judged on labels dealt out at random have a mean AUC as
/// large: exact, because under equal laws all labellings of equal units within the folds are alike.
pub(super) fn p_value_by_refits(
    kind: Kind,
    held_out: &[HeldOut],
    pool: &Pool,
    refits: usize,
    streams: &Streams,
) -> f64 {
    let found = mean_auc(held_out, pool);
    let as_large = |&index: &usize| {
        let pool = Pool { positive: relabelled(pool, streams, index), ..pool.clone() };
        mean_auc(&kind.held_out(&pool), &pool) >= found
    };
    let hits = (0..refits).into_par_iter().filter(as_large).count();
    (1 + hits) as f64 / (1 + refits) as f64
}

/// The same without training again. In one fold the classifier knows nothing of the labels of the
/// users that it judges, so that the share of relabellings of their units with as large an AUC is an
/// exact p-value for the fold. Across folds the classifiers share users, and pooling them would see
/// differences where there are none; twice the mean of p-values is one whatever they share (Vovk and
/// Wang, *Combining p-values via averaging*, Biometrika 107, 2020). It errs on the side of "no
/// difference".
pub(super) fn p_value_by_folds(
    held_out: &[HeldOut],
    pool: &Pool,
    relabellings: usize,
    streams: &Streams,
) -> f64 {
    let p_value = |(index, fold): (usize, &HeldOut)| {
        let mut rank_of = vec![0.0; pool.positive.len()];
        let ranks = mid_ranks(&fold.scores);
        fold.rows.iter().zip(ranks).for_each(|(&row, rank)| rank_of[row as usize] = rank);
        // Rows of a unit are equal, and so are their scores.
        let classes: Vec<(Vec<f64>, Vec<usize>)> = units_by_size(&fold.rows, &pool.unit)
            .into_iter()
            .map(|units| {
                let ranks = units.iter().map(|unit| rank_of[unit[0] as usize]).collect();
                (ranks, positives_of(&units, pool))
            })
            .collect();
        let sum = |ranks: &[f64], positives: &[usize]| -> f64 {
            ranks.iter().zip(positives).map(|(rank, &count)| rank * count as f64).sum()
        };
        let found: f64 = classes.iter().map(|(ranks, positives)| sum(ranks, positives)).sum();
        let as_large = |&draw: &usize| {
            let mut stream = streams.child("fold", index as u64).stream("labels", draw as u64);
            let mut again = |(ranks, positives): &(Vec<f64>, Vec<usize>)| {
                sum(ranks, &dealt_again(positives, |n| stream.below(n)))
            };
            classes.iter().map(&mut again).sum::<f64>() >= found
        };
        let hits = (0..relabellings).into_par_iter().filter(as_large).count();
        (1 + hits) as f64 / (1 + relabellings) as f64
    };
    let sum: f64 = held_out.iter().enumerate().map(p_value).sum();
    (2.0 * sum / held_out.len().max(1) as f64).min(1.0)
}

/// Twice the mean rank of each number, a whole number, so that sums are exact.
fn mid_ranks(numbers: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by(|&a, &b| (numbers[a] + 0.0).total_cmp(&(numbers[b] + 0.0)));
    let mut ranks = vec![0.0; numbers.len()];
    let mut start = 0;
    for tied in order.chunk_by(|&a, &b| numbers[a] == numbers[b]) {
        let end = start + tied.len();
        tied.iter().for_each(|&at| ranks[at] = (start + end + 1) as f64);
        start = end;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_by_hand() {
        assert_eq!(mid_ranks(&[0.5, -0.0, 2.0, 0.0]), [6.0, 3.0, 8.0, 3.0]);
    }

    #[test]
    fn balanced_accuracy_by_hand() {
        let calls = Calls { rows: vec![(0, true, 1.0), (1, true, 0.0), (0, false, 0.5)] };
        assert_eq!(calls.value(&[1.0, 1.0], &[1.0]), Some(0.5));
        assert_eq!(calls.value(&[3.0, 1.0], &[2.0]), Some(0.625));
        assert_eq!(calls.value(&[0.0, 0.0], &[1.0]), None);
    }
}
