//! The two-sample test against scikit-learn, against closed forms, and where nothing can be told.

use serde::Deserialize;

use super::*;
use crate::discrepancy::Prepared;
use crate::sample::Shape;

fn vectors(values: Vec<f64>, width: usize) -> Sample {
    let users = values.len() / width;
    Sample {
        shape: Shape::Vector,
        width,
        values,
        user: (0..users as u32).collect(),
        users,
        categories: 0,
    }
}

/// Uniform numbers to the power of `power`, so that sides differ in a known way.
fn uniforms(seed: u64, side: u64, users: usize, width: usize, power: f64) -> Sample {
    let mut stream = Streams::new(seed).stream("test sample", side);
    vectors((0..users * width).map(|_| stream.uniform().powf(power)).collect(), width)
}

fn auc(test: &TwoSampleTest, internal: usize, external: usize) -> f64 {
    test.rankings.value(&vec![1.0; internal], &vec![1.0; external]).unwrap()
}

#[derive(Deserialize)]
struct Fixture {
    same_bins: bool,
    width: usize,
    values: Vec<f64>,
    positive: Vec<bool>,
    fold: Vec<usize>,
    auc: Vec<f64>,
}

/// Against `HistGradientBoostingClassifier` (versions and settings in the fixture) on the same
/// folds. Where each distinct value has a bin of its own, the trees and so the AUC of every fold
/// are the same; where bins are quantiles, which are cut a little differently, the mean AUC is
/// within 0.01.
#[test]
fn agrees_with_scikit_learn() {
    let text = include_str!("../../tests/fixtures/boosting.json");
    let fixtures: Vec<Fixture> = serde_json::from_str(text).unwrap();
    for fixture in fixtures {
        let n = fixture.positive.len();
        let pool = Pool {
            width: fixture.width,
            values: fixture.values,
            positive: fixture.positive,
            user: (0..n as u32).collect(),
            fold: fixture.fold,
        };
        let ones = vec![1.0; n];
        let (mut sum, mut expected_sum) = (0.0, 0.0);
        for (fold, &expected) in fixture.auc.iter().enumerate() {
            let auc = Fold::train(&pool, fold).ranking(&pool).auc(&ones, &ones).unwrap();
            let same = !fixture.same_bins || (auc - expected).abs() < 1e-9;
            assert!(same, "fold {fold}: {auc} against {expected}");
            sum += auc;
            expected_sum += expected;
        }
        assert!((sum - expected_sum).abs() < 0.01 * FOLDS as f64, "{sum} {expected_sum}");
    }
}

/// U against V^2 with U, V uniform: P(U > V^2) = 2/3 by integration, the best AUC there is.
/// Trees on 4,000 users a side come within 0.02 (standard error of an AUC here: 0.006).
#[test]
fn reaches_the_best_possible_auc_and_names_the_telling_feature() {
    let internal = uniforms(1, 0, 4000, 2, 1.0);
    let mut external = uniforms(1, 1, 4000, 2, 1.0);
    external.values.iter_mut().skip(1).step_by(2).for_each(|value| *value *= *value);
    let test = two_sample_test(&internal, &external, 4000, &Streams::new(1)).unwrap();
    let auc = auc(&test, 4000, 4000);
    assert!((auc - 2.0 / 3.0).abs() < 0.02, "{auc}");
    let importance = test.importance();
    assert!(importance[1] > 0.1 && importance[0].abs() < 0.02, "{importance:?}");
}

/// Equal laws. Were the folds independent, the standard error of an AUC would be that of the
/// Mann-Whitney statistic, sqrt((n + m + 1) / (12 n m)) per fold; their classifiers share training
/// users, and over 1,000 seeds the standard deviation was 1.35 times that. Each AUC lies within 4
/// of these, and the mean of 20 within 4 of its own (false alarm about 1e-3 in all).
#[test]
fn equal_laws_cannot_be_told_apart() {
    let (n, m, seeds) = (400, 300, 20);
    let (fold_n, fold_m) = ((n / FOLDS) as f64, (m / FOLDS) as f64);
    let fold_error = ((fold_n + fold_m + 1.0) / (12.0 * fold_n * fold_m)).sqrt();
    let error = 1.35 * fold_error / (FOLDS as f64).sqrt();
    let mut sum = 0.0;
    for seed in 0..seeds {
        let internal = uniforms(seed, 0, n, 3, 1.0);
        let external = uniforms(seed, 1, m, 3, 1.0);
        let test = two_sample_test(&internal, &external, 1000, &Streams::new(seed)).unwrap();
        let auc = auc(&test, n, m);
        assert!((auc - 0.5).abs() < 4.0 * error, "seed {seed}: {auc}, error {error}");
        sum += auc - 0.5;
    }
    assert!((sum / seeds as f64).abs() < 4.0 * error / (seeds as f64).sqrt(), "{sum}");
}

#[test]
fn disjoint_sides_are_always_told_apart() {
    let internal = vectors((0..120).map(f64::from).collect(), 1);
    let external = vectors((0..100).map(|i| 500.0 + f64::from(i)).collect(), 1);
    let test = two_sample_test(&internal, &external, 1000, &Streams::new(1)).unwrap();
    assert_eq!(auc(&test, 120, 100), 1.0);
}

#[test]
fn few_users_or_other_widths_have_no_test() {
    let ten = uniforms(1, 0, 10, 2, 1.0);
    assert!(two_sample_test(&ten, &uniforms(1, 1, 9, 2, 1.0), 100, &Streams::new(1)).is_none());
    assert!(two_sample_test(&ten, &uniforms(1, 1, 10, 3, 1.0), 100, &Streams::new(1)).is_none());
    assert!(two_sample_test(&ten, &ten, 100, &Streams::new(1)).is_some());
}

/// The cap keeps every side at so many rows, and the rankings still point to the right users.
#[test]
fn a_cap_on_users_keeps_the_answer() {
    let internal = uniforms(2, 0, 3000, 1, 1.0);
    let external = uniforms(2, 1, 2000, 1, 3.0);
    let all = two_sample_test(&internal, &external, 5000, &Streams::new(1)).unwrap();
    let some = two_sample_test(&internal, &external, 1500, &Streams::new(1)).unwrap();
    assert!((auc(&all, 3000, 2000) - auc(&some, 3000, 2000)).abs() < 0.04);
}
