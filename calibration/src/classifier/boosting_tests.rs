//! Boosted trees by hand, and where there is nothing to learn.

use super::*;

#[test]
fn cuts_lie_between_distinct_values() {
    assert_eq!(cuts(vec![3.0, 1.0, 1.0, 2.0]), [1.5, 2.5]);
    assert!(cuts(vec![7.0; 9]).is_empty());
    let many = cuts((0..10_000).map(f64::from).collect());
    assert_eq!(many.len(), BINS - 1);
    assert!(many.is_sorted_by(|a, b| a < b));
}

fn fit(values: &[f64], width: usize, positive: &[bool]) -> (Binned, Boosted) {
    let rows: Vec<u32> = (0..positive.len() as u32).collect();
    let data = Binned::new(values, width, &rows);
    let model = Boosted::fit(&data, &rows, positive);
    (data, model)
}

#[test]
fn a_step_is_learned_and_a_constant_is_not_used() {
    let values: Vec<f64> = (0..400).flat_map(|i| [f64::from(i), 5.0]).collect();
    let positive: Vec<bool> = (0..400).map(|i| i >= 100).collect();
    let (data, model) = fit(&values, 2, &positive);
    assert!(model.uses(0) && !model.uses(1));
    let rows = [50, 250];
    let parts = model.parts(&data, &rows);
    let scores = model.scores(&parts, 2);
    assert!(scores[0] < -3.0 && scores[1] > 3.0);
    let swapped = model.scores_shuffled(&data, &rows, &parts, 0, &[250, 50]);
    assert_eq!(swapped, [scores[1], scores[0]]);
    assert_eq!(model.scores_shuffled(&data, &rows, &parts, 1, &[250, 50]), scores);
}

/// Two leaves, one round by hand: base log-odds 0, p = 1/2, so a leaf of pure positives has
/// gradient -1/2 and hessian 1/4 a row, and value .1 x 2.
#[test]
fn the_first_step_is_a_newton_step() {
    let values: Vec<f64> = (0..80).map(|i| f64::from(i / 40)).collect();
    let positive: Vec<bool> = (0..80).map(|i| i >= 40).collect();
    let (_, model) = fit(&values, 1, &positive);
    assert_eq!(model.trees[0].leaves, [-0.2, 0.0, 0.0, 0.0, 0.2, 0.0, 0.0, 0.0]);
}

#[test]
fn one_class_or_no_rows_teach_nothing() {
    let (data, model) = fit(&[1.0, 2.0, 3.0], 1, &[true; 3]);
    assert_eq!(model.scores(&model.parts(&data, &[1]), 1), [0.0]);
    let model = Boosted::fit(&data, &[], &[true; 3]);
    assert_eq!(model.scores(&model.parts(&data, &[1]), 1), [0.0]);
    assert_eq!(Binned::new(&[], 0, &[]).features(), 0);
}
