//! The Sinkhorn divergence against POT, and its two limits.

use super::*;
use crate::discrepancy::joint_fixture::{cases, sides, vectors};

fn exactly(epsilon: f64) -> Sinkhorn {
    Sinkhorn { rows: 1000, epsilon, iterations: 100_000, tolerance: 1e-11 }
}

#[test]
fn agrees_with_pot() {
    for case in cases() {
        let (x, y) = case.samples();
        for expected in &case.sinkhorn {
            let sinkhorn = exactly(expected.epsilon);
            let value = sinkhorn.prepare(&x, &y).unwrap().value(&case.u, &case.v).unwrap();
            let error = (value - expected.value).abs();
            assert!(error < 1e-7 * (1.0 + expected.value), "{value} {}", expected.value);
            if let Some(expected) = expected.plans {
                let value = sinkhorn.of_plans(&x, &y).unwrap();
                assert!((value - expected).abs() < 1e-7 * (1.0 + expected), "{value} {expected}");
            }
        }
    }
}

/// The default tolerance is worth 1e-6 of the value.
#[test]
fn the_default_tolerance_is_enough() {
    for case in cases() {
        let (x, y) = case.samples();
        let value =
            |sinkhorn: Sinkhorn| sinkhorn.prepare(&x, &y).unwrap().value(&case.u, &case.v).unwrap();
        let (found, exact) = (value(Sinkhorn::default()), value(exactly(1.0)));
        assert!((found - exact).abs() < 1e-6 * exact, "{found} {exact}");
    }
}

/// Epsilon to infinity: the plan is the product, and S half of 2 |E X - E Y|^2.
#[test]
fn a_large_epsilon_compares_means() {
    for case in cases() {
        let [x, y] = sides(&case);
        let mean = |side: &Side, c: usize| {
            (0..side.len()).map(|i| side.row(i)[c]).sum::<f64>() / side.len() as f64
        };
        let square: f64 = (0..case.width).map(|c| (mean(&x, c) - mean(&y, c)).powi(2)).sum();
        let (x, y) = case.samples();
        let value = exactly(1e6).value(&x, &y).unwrap();
        assert!((value - square).abs() < 1e-3 * (1.0 + square), "{value} {square}");
    }
}

/// Rows so far apart that a kernel of distances alone would hold nothing but zeros, and weights
/// that leave only one end.
#[test]
fn far_rows_need_new_potentials() {
    let y: Vec<f64> = (0..60).map(f64::from).chain([400.0, 2000.0]).collect();
    let x: Vec<f64> = (0..40).map(|i| 7.0 * f64::from(i)).collect();
    let (x, y) = (vectors(x, 1), vectors(y, 1));
    let sinkhorn = Sinkhorn { epsilon: 1e-3, ..exactly(1e-3) };
    let prepared = sinkhorn.prepare(&x, &y).unwrap();
    let (mut p, mut q) = (vec![0.0; 40], vec![0.0; 62]);
    (p[39], q[61]) = (1.0, 1.0);
    let value = prepared.value(&p, &q).unwrap();
    let scaling = crate::discrepancy::scaling::Scaling::of_samples(&[&y]);
    let [a, b] = [[273.0], [2000.0]].map(|row| scaling.standardised(&row).sum::<f64>());
    assert!((value - (a - b).powi(2)).abs() < 1e-9 * value, "{value}");
}
