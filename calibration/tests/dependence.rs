//! Discrepancies of dependence and support against SDMetrics, scipy and prdc
//! (`fixtures/dependence.py`, `fixtures/quality.py`), and what their definitions promise.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use serde::Deserialize;
use trueup_calibration::discrepancy::named;
use trueup_calibration::sample::{Sample, Shape};
use trueup_env::random::Streams;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    width: usize,
    x: Vec<f64>,
    y: Vec<f64>,
    values: BTreeMap<String, f64>,
}

const SUPPORT: [&str; 4] =
    ["precision-shortfall", "recall-shortfall", "density-gap", "coverage-shortfall"];

fn rows(values: Vec<f64>, width: usize) -> Sample {
    let users = values.len() / width;
    let user = (0..users as u32).collect();
    Sample { shape: Shape::Vector, width, values, user, users, categories: 0 }
}

/// Normal-like numbers (a sum of four uniforms), rounded where `digits` is finite.
fn drawn(seed: u64, users: usize, width: usize, shift: f64, digits: f64) -> Sample {
    let mut stream = Streams::new(seed).stream("rows", users as u64);
    let mut draw = || (0..4).map(|_| stream.uniform()).sum::<f64>() + shift;
    let values = (0..users * width).map(|_| (draw() * digits).round() / digits).collect();
    rows(values, width)
}

fn value(name: &str, internal: &Sample, external: &Sample) -> f64 {
    named(name).unwrap().value(internal, external).unwrap()
}

#[test]
fn values_agree_with_sdmetrics_scipy_and_prdc() {
    let text = include_str!("fixtures/dependence.json");
    let fixture: Fixture = serde_json::from_str(text).unwrap();
    let mut seen = 0;
    for case in fixture.cases {
        let (x, y) = (rows(case.x, case.width), rows(case.y, case.width));
        for (name, expected) in case.values {
            let found = value(&name, &x, &y);
            assert!((found - expected).abs() < 1e-11, "{name}: {found}, expected {expected}");
            seen += 1;
        }
    }
    assert!(seen >= 80, "{seen}");
}

#[derive(Deserialize)]
struct Quality {
    overall: f64,
    shapes: Vec<Score>,
    pairs: Vec<Score>,
}

/// Values, or rows of two, with the score that the report of SDMetrics gives them.
#[derive(Deserialize)]
struct Score {
    name: String,
    category: bool,
    x: Vec<f64>,
    y: Vec<f64>,
    score: f64,
}

impl Score {
    fn of(&self, distance: f64) -> f64 {
        let score = 1.0 - distance;
        assert!((score - self.score).abs() < 1e-12, "{}: {score} {}", self.name, self.score);
        score
    }
}

/// The quality report of SDMetrics on its student placements: the mean score of the columns and the
/// mean score of the pairs, by our distances; its own tests expect 0.8393750143888287.
#[test]
fn the_quality_report_of_sdmetrics() {
    let text = include_str!("fixtures/quality.json");
    let quality: Quality = serde_json::from_str(text).unwrap();
    let shape = |column: &Score| {
        let kind = if column.category { Shape::Category } else { Shape::Real };
        let side = |values: &[f64]| Sample {
            shape: kind,
            categories: if column.category { 3 } else { 0 },
            ..rows(values.to_vec(), 1)
        };
        let name = if column.category { "total-variation" } else { "kolmogorov-smirnov" };
        column.of(value(name, &side(&column.x), &side(&column.y)))
    };
    let pair = |pair: &Score| {
        let (x, y) = (rows(pair.x.clone(), 2), rows(pair.y.clone(), 2));
        // SDMetrics halves the gap of correlations, which goes to 2; its cells are values here.
        let distance = match pair.category {
            true => value("contingency-distance(bins=20)", &x, &y),
            false => value("correlation-distance", &x, &y) / 2.0,
        };
        pair.of(distance)
    };
    let mean = |scores: Vec<f64>| scores.iter().sum::<f64>() / scores.len() as f64;
    let shapes = mean(quality.shapes.iter().map(shape).collect());
    let pairs = mean(quality.pairs.iter().map(pair).collect());
    assert_eq!((quality.shapes.len(), quality.pairs.len()), (4, 6));
    let overall = 0.5 * (shapes + pairs);
    for expected in [quality.overall, 0.839_375_014_388_828_7] {
        assert!((overall - expected).abs() < 1e-12, "{overall} {expected}");
    }
}

/// What is left when users of weight 0 are taken away.
fn without(sample: &Sample, weights: &[f64]) -> Sample {
    let kept = (0..sample.rows()).filter(|&i| weights[i] > 0.0);
    rows(kept.flat_map(|i| sample.row(i).to_vec()).collect(), sample.width)
}

/// Weights of 0 and 1 take users away, and only shares of weights count. Half of the cases are
/// rounded to few values; some weightings leave fewer rows than `k`.
#[test]
fn users_of_weight_zero_are_not_there() {
    let more = ["copula-distance", "copula-distance(cells=3)", "correlation-distance(ranks=1)"];
    let with_k = SUPPORT.map(|name| format!("{name}(k=2)"));
    let names = SUPPORT.into_iter().chain(more).chain(with_k.iter().map(String::as_str));
    for name in names {
        for case in 0..24 {
            let digits = if case % 2 == 0 { 1e6 } else { 1.0 };
            let users = [70 + 5 * case as usize, 90 - 2 * case as usize];
            let samples = [0, 1].map(|side| {
                drawn(2 * case + side, users[side as usize], 2, side as f64 / 4.0, digits)
            });
            let mut stream = Streams::new(case).stream("weights", 0);
            let kept = [0.9, 0.6, 0.1][case as usize % 3];
            let mut weights = |users: usize| -> Vec<f64> {
                let mut one = || f64::from(u8::from(stream.uniform() < kept));
                (0..users).map(|user| if user < 3 { 1.0 } else { one() }).collect()
            };
            let (p, q) = (weights(users[0]), weights(users[1]));
            let [x, y] = &samples;
            let prepared = named(name).unwrap();
            let prepared = prepared.prepare(x, y).unwrap();
            let found = prepared.value(&p, &q).unwrap();
            // The external rows that are taken away still set the scale of the others.
            if !SUPPORT.iter().any(|support| name.starts_with(support)) {
                let expected = value(name, &without(x, &p), &without(y, &q));
                assert!((found - expected).abs() < 1e-12, "{name}: {found}, expected {expected}");
            } else {
                let spread =
                    |sample: &Sample, weights: &[f64]| scaled_as(&without(sample, weights), y);
                let expected = value_unscaled(name, &spread(x, &p), &spread(y, &q));
                assert!((found - expected).abs() < 1e-9, "{name}: {found}, expected {expected}");
            }
            let halves: Vec<f64> = p.iter().map(|weight| weight / 2.0).collect();
            assert!((prepared.value(&halves, &q).unwrap() - found).abs() < 1e-12, "{name}");
        }
    }
}

/// Rows standardised by the rows of another sample.
fn scaled_as(sample: &Sample, by: &Sample) -> Sample {
    let n = by.rows() as f64;
    let mut scaled = sample.clone();
    for c in 0..by.width {
        let column = || by.values.iter().skip(c).step_by(by.width);
        let mean = column().sum::<f64>() / n;
        let sd = (column().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
        let cells = scaled.values.iter_mut().skip(c).step_by(by.width);
        cells.for_each(|value| *value = (*value - mean) / sd);
    }
    scaled
}

/// The four numbers from their definitions, on rows as they are: all distances, no lists.
fn value_unscaled(name: &str, x: &Sample, y: &Sample) -> f64 {
    let k: usize = if name.ends_with("(k=2)") { 2 } else { 5 };
    let distance = |a: &[f64], b: &[f64]| -> f64 {
        let square: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
        // Distances of equal pairs of rounded rows are equal but for rounding.
        (square.sqrt() * 1e9).round() / 1e9
    };
    let radius = |side: &Sample, i: usize| {
        let others = (0..side.rows()).filter(|&j| j != i);
        let mut all: Vec<f64> = others.map(|j| distance(side.row(i), side.row(j))).collect();
        all.sort_by(f64::total_cmp);
        all.get(k - 1).or(all.last()).copied().unwrap_or(0.0)
    };
    let in_ball = |row: &[f64], side: &Sample, i: usize| {
        let d = distance(row, side.row(i));
        d == 0.0 || d < radius(side, i)
    };
    let balls =
        |row: &[f64], side: &Sample| (0..side.rows()).filter(|&i| in_ball(row, side, i)).count();
    let share = |n: usize, side: &Sample| n as f64 / side.rows() as f64;
    let all = |side: &Sample| 0..side.rows();
    match name.split('(').next().unwrap() {
        "precision-shortfall" => share(all(x).filter(|&i| balls(x.row(i), y) == 0).count(), x),
        "recall-shortfall" => share(all(y).filter(|&j| balls(y.row(j), x) == 0).count(), y),
        "density-gap" => {
            let own: usize = all(y).map(|j| balls(y.row(j), y)).sum();
            let other: usize = all(x).map(|i| balls(x.row(i), y)).sum();
            (share(other, x) / share(own, y) - 1.0).abs()
        }
        _ => share(all(y).filter(|&j| !all(x).any(|i| in_ball(x.row(i), y, j))).count(), y),
    }
}

/// Integer weights are repeated users where correlations and copulas are concerned.
#[test]
fn ranks_and_copulas_count_users_as_often_as_their_weights() {
    for name in ["correlation-distance(ranks=1)", "copula-distance(cells=4)", "copula-distance"] {
        for case in 0..20 {
            let digits = if case % 2 == 0 { 1e6 } else { 1.0 };
            let (x, y) = (drawn(case, 40, 3, 0.0, digits), drawn(case + 99, 30, 3, 0.5, digits));
            let mut stream = Streams::new(case).stream("weights", 0);
            let mut weights = |users: usize| -> Vec<f64> {
                (0..users).map(|user| if user < 2 { 1.0 } else { stream.below(4) as f64 }).collect()
            };
            let (p, q) = (weights(40), weights(30));
            let repeated = |sample: &Sample, weights: &[f64]| {
                let copies = |i: usize| sample.row(i).repeat(weights[i] as usize);
                rows((0..sample.rows()).flat_map(copies).collect(), sample.width)
            };
            let found = named(name).unwrap().prepare(&x, &y).unwrap().value(&p, &q).unwrap();
            let expected = value(name, &repeated(&x, &p), &repeated(&y, &q));
            assert!((found - expected).abs() < 1e-12, "{name}: {found}, expected {expected}");
        }
    }
}

/// Equal laws, 1,000 rows a side. A fresh row falls nearer to a given row than the k-th of its own
/// 999 neighbours with probability k / 1000, so density is 1 on average, and a ball is missed with
/// probability about 1 / 2^k. Over 100 seeds in numpy the standard deviations were 0.019 (density),
/// 0.015 (coverage, k = 2) and 0.008 (k = 5); the bounds are 4.5 of them (false alarm below 1e-4).
#[test]
fn equal_laws_have_density_one_and_the_known_coverage() {
    for seed in 0..4 {
        let (x, y) = (drawn(seed, 1000, 3, 0.0, 1e9), drawn(seed + 50, 1000, 3, 0.0, 1e9));
        let density = value("density-gap", &x, &y);
        assert!(density < 0.0855, "{density}");
        let names = [(2, "coverage-shortfall(k=2)", 0.0675), (5, "coverage-shortfall", 0.036)];
        for (k, name, bound) in names {
            let missed = value(name, &x, &y);
            assert!((missed - 0.5_f64.powi(k)).abs() < bound, "{name} {missed}");
        }
    }
}

/// A simulation that dropped half of the users' kinds is precise and forgets; one that invents users
/// remembers and is imprecise.
#[test]
fn precision_and_recall_tell_dropping_from_inventing() {
    let two = |seed: u64, n: usize| {
        let mut sample = drawn(seed, n, 2, 0.0, 1e9);
        sample.values.iter_mut().skip(sample.width * n / 2).for_each(|value| *value += 50.0);
        sample
    };
    let (both, other, one) = (two(1, 400), two(2, 400), drawn(3, 400, 2, 0.0, 1e9));
    assert!(value("precision-shortfall", &one, &both) < 0.1);
    assert!((value("recall-shortfall", &one, &both) - 0.5).abs() < 0.05);
    assert!((value("precision-shortfall", &both, &one) - 0.5).abs() < 0.05);
    assert!(value("recall-shortfall", &both, &one) < 0.1);
    assert!(value("coverage-shortfall", &one, &both) > 0.5);
    for name in ["precision-shortfall", "recall-shortfall"] {
        assert!(value(name, &both, &other) < 0.1, "{name}");
    }
}

/// More rows than are compared, one row, equal rows, and rows without width.
#[test]
fn few_and_many_rows_have_values() {
    let (x, y) = (drawn(1, 500, 2, 0.0, 1e9), drawn(2, 400, 2, 0.0, 1e9));
    let (one, flat) = (rows(vec![2.0, 2.0], 2), rows(vec![2.0; 60], 2));
    let copulas = ["copula-distance(rows=200)", "copula-distance"].map(|name| value(name, &x, &y));
    assert!(copulas[0] != copulas[1] && (copulas[0] - copulas[1]).abs() < 0.02, "{copulas:?}");
    for name in SUPPORT {
        let short = value(&format!("{name}(rows=200)"), &x, &y);
        assert!((short - value(name, &x, &y)).abs() < 0.25, "{name} {short}");
        for (p, q) in [(&one, &y), (&x, &one), (&one, &one), (&flat, &y), (&x, &flat)] {
            let found = value(name, p, q);
            assert!(found >= 0.0 && found.is_finite(), "{name} {found}");
        }
        assert_eq!(value(name, &flat, &flat), 0.0);
        assert_eq!(value(name, &y, &y), 0.0);
        assert!(named(name).unwrap().value(&rows(Vec::new(), 2), &y).is_err());
    }
}
