//! The n-dimensional energy distance against numpy, and its properties.

use serde::Deserialize;
use trueup_env::Streams;

use super::*;

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

fn random(seed: u64, users: usize, width: usize, shift: f64) -> Sample {
    let mut stream = Streams::new(seed).stream("vectors", users as u64);
    vectors((0..users * width).map(|_| stream.uniform() + shift).collect(), width)
}

#[derive(Deserialize)]
struct Case {
    width: usize,
    x: Vec<f64>,
    y: Vec<f64>,
    u: Vec<f64>,
    v: Vec<f64>,
    value: f64,
}

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

/// Distances are held as f32, so values agree to a few 1e-6 of the mean distance.
#[test]
fn agrees_with_numpy() {
    let text = include_str!("../../tests/fixtures/energy_nd.json");
    let fixture: Fixture = serde_json::from_str(text).unwrap();
    for case in fixture.cases {
        let (x, y) = (vectors(case.x, case.width), vectors(case.y, case.width));
        let value = EnergyNd::default().prepare(&x, &y).unwrap().value(&case.u, &case.v).unwrap();
        assert!((value - case.value).abs() < 5e-6 * (1.0 + case.value), "{value} {}", case.value);
    }
}

#[test]
fn equal_samples_are_at_distance_zero_and_others_are_not() {
    let x = random(1, 200, 3, 0.0);
    assert!(EnergyNd::default().value(&x, &x).unwrap() < 5e-6);
    let y = random(2, 150, 3, 0.5);
    assert!(EnergyNd::default().value(&x, &y).unwrap() > 0.5);
}

/// A user of weight 2 is a user who is there twice, and the order of users does not matter.
#[test]
fn whole_weights_repeat_users() {
    let (x, y) = (random(3, 30, 2, 0.1), random(4, 40, 2, 0.0));
    let weights: Vec<f64> = (0..30).map(|i| f64::from(i % 3)).collect();
    let mut repeated = Vec::new();
    for i in (0..30).rev() {
        (0..i % 3).for_each(|_| repeated.extend_from_slice(x.row(i)));
    }
    let weighted =
        EnergyNd::default().prepare(&x, &y).unwrap().value(&weights, &[1.0; 40]).unwrap();
    let expanded = EnergyNd::default().value(&vectors(repeated, 2), &y).unwrap();
    assert!((weighted - expanded).abs() < 5e-6, "{weighted} {expanded}");
}

/// Standardising by the external side takes away the units of each coordinate.
#[test]
fn units_do_not_matter() {
    let (x, y) = (random(5, 60, 2, 0.3), random(6, 60, 2, 0.0));
    let scale = |sample: &Sample| {
        let values = sample.values.iter().enumerate();
        vectors(values.map(|(i, v)| if i % 2 == 0 { 1e6 * v } else { v - 40.0 }).collect(), 2)
    };
    let plain = EnergyNd::default().value(&x, &y).unwrap();
    let scaled = EnergyNd::default().value(&scale(&x), &scale(&y)).unwrap();
    assert!((plain - scaled).abs() < 1e-5, "{plain} {scaled}");
}

/// 5,000 rows thinned to 1,000: the same distance within sampling error (its standard deviation
/// over subsamples is about 0.01 here).
#[test]
fn thinning_keeps_the_distance() {
    let (x, y) = (random(7, 5000, 2, 0.3), random(8, 4000, 2, 0.0));
    let all = EnergyNd { rows: 3000 }.value(&x, &y).unwrap();
    let thin = EnergyNd { rows: 1000 }.value(&x, &y).unwrap();
    assert!((all - thin).abs() < 0.05 * all, "{all} {thin}");
    assert_ne!(all, thin);
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let x = random(1, 10, 2, 0.0);
    let energy = EnergyNd::default();
    let error = |a: &Sample, b: &Sample| energy.prepare(a, b).err().unwrap();
    assert_eq!(error(&vectors(vec![], 2), &x), DiscrepancyError::Empty { side: "internal" });
    assert!(matches!(error(&x, &random(1, 10, 3, 0.0)), DiscrepancyError::Mismatch(_)));
    let real = Sample::real(vec![1.0]);
    assert!(matches!(error(&x, &real), DiscrepancyError::WrongShape { .. }));
    let bad = vectors(vec![0.0, 1.0, f64::NAN, 2.0], 2);
    assert!(matches!(error(&bad, &x), DiscrepancyError::NotFinite { row: 1, .. }));
    let prepared = energy.prepare(&x, &x).unwrap();
    assert_eq!(prepared.value(&[0.0; 10], &[1.0; 10]), None);
    assert_eq!(prepared.value(&[1.0; 10], &[0.0; 10]), None);
    assert_eq!(prepared.value(&[1.0; 3], &[1.0; 10]), None);
}
