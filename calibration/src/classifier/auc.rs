//! Area under the ROC curve, weighted and with ties.
//!
//! AUC is the chance that a random positive row scores above a random negative one, a tie counting
//! one half (Hanley and McNeil, *The meaning and use of the area under a receiver operating
//! characteristic curve*, Radiology 143, 1982).

use crate::discrepancy::Prepared;

/// Rows in ascending order of score, ready for many weightings.
#[derive(Clone, Debug, Default)]
pub struct Ranking {
    rows: Vec<Ranked>,
}

#[derive(Clone, Copy, Debug)]
struct Ranked {
    user: u32,
    positive: bool,
    /// Whether the next row has a higher score.
    last_of_tie: bool,
}

impl Ranking {
    /// Sorts the rows: their scores, whether they are positive, and the index of their weight among
    /// the positive or the negative weights. Scores must not be NaN.
    pub fn new(rows: impl IntoIterator<Item = (f64, bool, u32)>) -> Self {
        let mut sorted: Vec<(f64, bool, u32)> = rows.into_iter().collect();
        // Adding 0 turns -0 into 0, so that equal scores are tied.
        sorted.iter_mut().for_each(|row| row.0 += 0.0);
        sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let next = sorted.iter().skip(1).map(|row| Some(row.0)).chain([None]);
        let rows = sorted.iter().zip(next).map(|(row, next)| Ranked {
            user: row.2,
            positive: row.1,
            last_of_tie: next != Some(row.0),
        });
        Self { rows: rows.collect() }
    }

    /// The AUC when each row counts as often as its weight says; none when a side has no weight.
    pub fn auc(&self, positive: &[f64], negative: &[f64]) -> Option<f64> {
        let (mut above, mut positives, mut negatives) = (0.0, 0.0, 0.0);
        let (mut tied_positives, mut tied_negatives) = (0.0, 0.0);
        for row in &self.rows {
            let weights = if row.positive { positive } else { negative };
            let weight = weights.get(row.user as usize).copied()?;
            if row.positive {
                tied_positives += weight;
            } else {
                tied_negatives += weight;
            }
            if row.last_of_tie {
                above += tied_positives * (negatives + 0.5 * tied_negatives);
                positives += tied_positives;
                negatives += tied_negatives;
                (tied_positives, tied_negatives) = (0.0, 0.0);
            }
        }
        let pairs = positives * negatives;
        (pairs > 0.0 && pairs.is_finite()).then(|| above / pairs)
    }
}

/// Out-of-fold scores, one ranking a fold; the value is the mean AUC of the folds that have weight
/// on both sides. Scores of different folds come from different classifiers and are never compared
/// with each other.
#[derive(Clone, Debug, Default)]
pub struct FoldRankings(pub Vec<Ranking>);

impl Prepared for FoldRankings {
    fn value(&self, internal: &[f64], external: &[f64]) -> Option<f64> {
        let mut sum = 0.0;
        let mut folds = 0.0;
        for ranking in &self.0 {
            if let Some(auc) = ranking.auc(internal, external) {
                sum += auc;
                folds += 1.0;
            }
        }
        (folds > 0.0).then(|| sum / folds)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Case {
        scores: Vec<f64>,
        labels: Vec<bool>,
        weights: Option<Vec<f64>>,
        auc: f64,
    }

    #[derive(Deserialize)]
    struct Fixture {
        cases: Vec<Case>,
    }

    /// Against `sklearn.metrics.roc_auc_score` (versions in the fixture): normal scores, heavy
    /// ties, all tied, weights, unequal sizes.
    #[test]
    fn agrees_with_scikit_learn() {
        let text = include_str!("../../tests/fixtures/auc.json");
        let fixture: Fixture = serde_json::from_str(text).unwrap();
        assert!(fixture.cases.len() >= 10);
        for case in fixture.cases {
            let n = case.scores.len();
            let rows = (0..n).map(|i| (case.scores[i], case.labels[i], i as u32));
            let weights = case.weights.unwrap_or_else(|| vec![1.0; n]);
            let auc = Ranking::new(rows).auc(&weights, &weights).unwrap();
            assert!((auc - case.auc).abs() < 1e-12, "{auc} against {}", case.auc);
        }
    }

    #[test]
    fn one_side_without_weight_has_no_auc() {
        let ranking = Ranking::new([(0.1, true, 0), (0.2, false, 0)]);
        assert_eq!(ranking.auc(&[1.0], &[1.0]), Some(0.0));
        assert_eq!(ranking.auc(&[0.0], &[1.0]), None);
        assert_eq!(ranking.auc(&[1.0], &[0.0]), None);
        assert_eq!(Ranking::new([]).auc(&[], &[]), None);
    }

    #[test]
    fn zero_of_either_sign_is_one_score() {
        assert_eq!(Ranking::new([(0.0, true, 0), (-0.0, false, 0)]).auc(&[1.0], &[1.0]), Some(0.5));
    }
}
