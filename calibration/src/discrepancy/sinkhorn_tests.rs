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

/// OT of Sinkhorn's own iterations in the log domain, without lists, kernels or relaxation.
fn plain(x: &Side, y: &Side, p: &[f64], q: &[f64], epsilon: f64) -> f64 {
    let cost = |i: usize, j: usize| -> f64 {
        x.row(i).iter().zip(y.row(j)).map(|(a, b)| (a - b).powi(2)).sum()
    };
    let soft = |terms: Vec<f64>| {
        let most = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        -epsilon * (most + terms.iter().map(|term| (term - most).exp()).sum::<f64>().ln())
    };
    let (mut f, mut g) = (vec![0.0; x.len()], vec![0.0; y.len()]);
    for _ in 0..20_000 {
        for (i, f) in f.iter_mut().enumerate() {
            let term = |j: usize| q[j].ln() + (g[j] - cost(i, j)) / epsilon;
            *f = soft((0..y.len()).map(term).collect());
        }
        for (j, g) in g.iter_mut().enumerate() {
            let term = |i: usize| p[i].ln() + (f[i] - cost(i, j)) / epsilon;
            *g = soft((0..x.len()).map(term).collect());
        }
    }
    let sum = |shares: &[f64], potentials: &[f64]| -> f64 {
        shares.iter().zip(potentials).filter(|(share, _)| **share > 0.0).map(|(s, f)| s * f).sum()
    };
    sum(p, &f) + sum(q, &g)
}

/// Two groups far from each other, of which weights leave unequal parts: what lies too much in one
/// moves to the other over many iterations, by which its weighting goes on alone. Beside it weightings
/// that are soon done.
#[test]
fn slow_weightings_end_where_plain_iterations_end() {
    let group = |from: f64, n: i32| (0..n).map(move |i| from + 0.3 * f64::from(i * i % 7));
    let x = vectors(group(0.0, 9).chain(group(9.0, 4)).collect(), 1);
    let y = vectors(group(0.2, 8).chain(group(8.7, 5)).collect(), 1);
    let sinkhorn = Sinkhorn { epsilon: 0.3, ..exactly(0.3) };
    let prepared = sinkhorn.prepare(&x, &y).unwrap();
    let weights = |lane: usize, n: usize, first: usize| -> Vec<f64> {
        let of_row =
            |row: usize| if row < first || lane % 2 == 1 { 1 + (row + lane) % 3 } else { 1 };
        (0..n).map(|row| of_row(row) as f64).collect()
    };
    let (p, q): (Vec<_>, Vec<_>) =
        (0..LANES).map(|lane| (weights(lane, 13, 9), weights(3 * lane, 13, 8))).unzip();
    let values = prepared.values(&p, &q);
    let scaling = crate::discrepancy::scaling::Scaling::of_samples(&[&y]);
    let [a, b] = [&x, &y].map(|sample| Side::of_sample(sample, 100, &scaling));
    for (value, (p, q)) in values.into_iter().zip(p.iter().zip(&q)) {
        assert_eq!(value, prepared.value(p, q));
        let share = |weights: &Vec<f64>| -> Vec<f64> {
            weights.iter().map(|weight| weight / weights.iter().sum::<f64>()).collect()
        };
        let (p, q) = (share(p), share(q));
        let within = plain(&a, &a, &p, &p, 0.3) + plain(&b, &b, &q, &q, 0.3);
        let expected = plain(&a, &b, &p, &q, 0.3) - 0.5 * within;
        let value = value.unwrap();
        assert!((value - expected).abs() < 1e-7 * (1.0 + expected), "{value} {expected}");
    }
}

#[derive(serde::Deserialize)]
struct Honest {
    transport: Transport,
}

#[derive(serde::Deserialize)]
struct Transport {
    width: usize,
    x: Vec<f64>,
    y: Vec<f64>,
    cost: f64,
}

/// Down to the smallest epsilon the value comes to POT's exact cost: within `epsilon ln n`, which is
/// the most that the entropies add or take, and a thousandth for marginals that are not yet exact.
/// Weights of a bootstrap have values too.
#[test]
fn small_epsilon_comes_to_the_exact_cost() {
    let text = include_str!("../../tests/fixtures/honest.json");
    let Transport { width, x, y, cost } = serde_json::from_str::<Honest>(text).unwrap().transport;
    let (x, y) = (vectors(x, width), vectors(y, width));
    let mut last = 0.0;
    for epsilon in [10.0, 1.0, 0.1, 0.01, 0.001] {
        let sinkhorn = Sinkhorn { epsilon, tolerance: 1e-3, ..Sinkhorn::default() };
        let value = sinkhorn.value(&x, &y).unwrap();
        let entropy = epsilon * 60.0_f64.ln();
        assert!(value > last && value < 1.001 * cost, "{epsilon}: {value} {last} {cost}");
        assert!((value - cost).abs() < entropy + 1e-3 * cost, "{epsilon}: {value} {cost}");
        last = value;
        let weights = crate::evaluate::bootstrap::weights(60, 4, &trueup_env::Streams::new(1));
        let prepared = sinkhorn.prepare(&x, &y).unwrap();
        let values = prepared.values(&weights, &weights);
        assert!(values.iter().all(|value| value.is_some_and(|v| v > 0.0)), "{epsilon}: {values:?}");
        let none = sinkhorn.value(&y, &y).unwrap();
        assert!(none < 1e-4 * cost, "{epsilon}: {none}");
    }
}

#[test]
fn too_few_iterations_are_told() {
    let case = &cases()[0];
    let (x, y) = case.samples();
    let hasty = Sinkhorn { epsilon: 1e-3, iterations: 1, ..Sinkhorn::default() };
    let error = hasty.value(&x, &y).unwrap_err();
    assert_eq!(error, DiscrepancyError::NotConverged { discrepancy: NAME, iterations: 1 });
    assert!(error.to_string().contains("did not converge"));
}
