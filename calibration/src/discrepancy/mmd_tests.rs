//! MMD against scikit-learn.

use super::*;
use crate::discrepancy::joint_fixture::{cases, sides};

#[test]
fn agrees_with_scikit_learn() {
    for case in cases() {
        let (x, y) = case.samples();
        let [_, external] = sides(&case);
        let kernel = Gaussians::of(&external, &vec![1.0; external.len()]);
        assert!((kernel.width - case.mmd.width).abs() < 1e-12, "{}", kernel.width);
        let value = Mmd::default().prepare(&x, &y).unwrap().value(&case.u, &case.v).unwrap();
        assert!((value - case.mmd.biased).abs() < 1e-12, "{value} {}", case.mmd.biased);
        let value = unbiased(&x, &y).unwrap();
        assert!((value - case.mmd.unbiased).abs() < 1e-12, "{value} {}", case.mmd.unbiased);
        let clipped = Mmd { unbiased: true, ..Mmd::default() }.value(&x, &y).unwrap();
        assert_eq!(clipped, value.max(0.0));
    }
}

/// More rows and columns than a block has.
#[test]
fn blocks_add_up() {
    let side = |n: usize, shift: f64| {
        let rows: Vec<f64> =
            (0..2 * n).map(|i| (f64::from(i as u32) * 0.7).sin() + shift).collect();
        Side { width: 2, rows, users: (0..n as u32).collect(), all_users: n }
    };
    let (x, y) = (side(130, 0.0), side(1100, 0.2));
    let shares = |n: usize| (0..n).map(|i| f64::from((i % 3) as u8)).collect::<Vec<f64>>();
    let (p, q) = (shares(130), shares(1100));
    let kernel = Gaussians { width: 0.8 };
    let pair = |a: &[f64], b: &[f64]| {
        let square = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
        let gaussian = |width: f64| (-square / (2.0 * width * width)).exp();
        (gaussian(0.4) + gaussian(0.8) + gaussian(1.6)) / 3.0
    };
    let sum = |a: &Side, b: &Side, p: &[f64], q: &[f64], same: bool| {
        let mut sum = 0.0;
        for (i, left) in p.iter().enumerate() {
            for (j, right) in q.iter().enumerate().filter(|(j, _)| !same || i != *j) {
                sum += left * right * pair(a.row(i), b.row(j));
            }
        }
        sum
    };
    let close = |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 1e-12);
    close(between(&kernel, &x, &Columns::of(&y), &[&p], &[&q])[0], sum(&x, &y, &p, &q, false));
    close(between(&kernel, &y, &Columns::of(&x), &[&q], &[&p])[0], sum(&x, &y, &p, &q, false));
    close(within(&kernel, &y, &[&q])[0], sum(&y, &y, &q, &q, true));
}

#[test]
fn an_unbiased_estimate_of_one_row_is_refused() {
    let row = |rows: usize| Sample {
        shape: Shape::Vector,
        width: 1,
        values: (0..rows).map(|i| i as f64).collect(),
        user: (0..rows as u32).collect(),
        users: rows,
        categories: 0,
    };
    let refused = unbiased(&row(1), &row(3)).unwrap_err();
    assert!(matches!(refused, DiscrepancyError::Undefined { side: "internal", .. }));
    assert_eq!(
        Mmd { unbiased: true, rows: 9 }.prepare(&row(1), &row(3)).unwrap().value(&[1.0], &[1.0; 3]),
        None
    );
}
