//! Weighted rows: their values, and witnesses against finite differences.

use rand::RngExt;
use trueup_calibration::discrepancy::{Named, Weighted};
use trueup_calibration::sample::{Sample, Shape};
use trueup_env::random::Stream;

use super::checks::whole_weights;
use super::joint::{close, random_sample, stream, tested};

fn is_root(discrepancy: &Named) -> bool {
    discrepancy.squared() && discrepancy.label().contains("wasserstein")
}

/// Internal weights of any kind; external ones are all equal, as units are by all external rows.
#[test]
fn values_agree_with_weighted_values() {
    for discrepancy in tested() {
        for case in 0..12 {
            let mut random = stream("weighted", case);
            let sample = |users: usize, random: &mut Stream| {
                let rows = random_sample(1 + case as usize % 4, users, case, random).values;
                let width = 1 + case as usize % 4;
                let users = rows.len() / width;
                let user = (0..users as u32).collect();
                Sample { shape: Shape::Vector, width, values: rows, user, users, categories: 0 }
            };
            let (internal, external) = (sample(9, &mut random), sample(12, &mut random));
            let weights: Vec<f64> =
                (0..internal.users).map(|_| 0.1 + random.random::<f64>()).collect();
            let width = internal.width;
            let p = Weighted { values: &internal.values, width, weights: Some(&weights) };
            let q = Weighted { values: &external.values, width, weights: None };
            let found = discrepancy.weighted_value(p, q).unwrap().unwrap();
            let prepared = discrepancy.prepare(&internal, &external).unwrap();
            let value = prepared.value(&weights, &vec![1.0; external.users]).unwrap();
            close(&discrepancy, found, if is_root(&discrepancy) { value * value } else { value });
        }
    }
}

/// Weighted external rows set the units by their weights.
#[test]
fn weighted_rows_count_as_often() {
    for discrepancy in tested() {
        for case in 0..12 {
            let mut random = stream("weighted rows", case);
            let sides: Vec<(Sample, Vec<f64>)> = [8, 11]
                .into_iter()
                .map(|users| {
                    let sample = random_sample(2, users, case, &mut random);
                    let weights = whole_weights(sample.rows(), &mut random);
                    (sample, weights)
                })
                .collect();
            let often: Vec<Vec<f64>> = sides
                .iter()
                .map(|(sample, weights)| {
                    let copies =
                        (0..sample.rows()).map(|i| vec![sample.row(i); weights[i] as usize]);
                    copies.flatten().flatten().copied().collect()
                })
                .collect();
            let weighted = |k: usize| Weighted {
                values: &sides[k].0.values,
                width: 2,
                weights: Some(&sides[k].1),
            };
            let copied = |k: usize| Weighted { values: &often[k], width: 2, weights: None };
            let value = |p, q| discrepancy.weighted_value(p, q).unwrap().unwrap();
            let expected = value(copied(0), copied(1));
            close(&discrepancy, value(weighted(0), weighted(1)), expected);
        }
    }
}

/// Mixing mass eps at x into P changes D by `-eps (w(x) - E_P w)` to first order. Of order 1 the
/// distance has a kink outside all values, where F = G, and is tested between them.
#[test]
fn witnesses_are_first_variations() {
    for discrepancy in tested() {
        for width in [2, 4] {
            let largest = (0..10).map(|case| first_variation(&discrepancy, width, case));
            let largest = largest.fold(0.0, f64::max);
            assert!(largest > 0.05, "{} pays nothing: {largest}", discrepancy.label());
        }
    }
}

fn first_variation(discrepancy: &Named, width: usize, case: u64) -> f64 {
    let mut random = stream("witness", case);
    let mut points = || {
        let values = random_sample(width, 9, 2 * case, &mut random).values;
        let rows = values.len() / width;
        (values, (0..rows).map(|_| 0.1 + random.random::<f64>()).collect::<Vec<f64>>())
    };
    let ((values, weights), external) = (points(), points());
    let q = Weighted { values: &external.0, width, weights: Some(&external.1) };
    let p = Weighted { values: &values, width, weights: Some(&weights) };
    let witness = discrepancy.witness(p, q).unwrap().unwrap();
    let total: f64 = weights.iter().sum();
    let paid = values.chunks(width).zip(&weights).map(|(row, w)| w * witness.at_row(row));
    let mean = paid.sum::<f64>() / total;
    let mixed = |x: &[f64], eps: f64| {
        let values = [&values, x].concat();
        let now = weights.iter().map(|weight| (1.0 - eps) * weight / total);
        let weights: Vec<f64> = now.chain([eps]).collect();
        let p = Weighted { values: &values, width, weights: Some(&weights) };
        discrepancy.weighted_value(p, q).unwrap().unwrap()
    };
    let middle = |a: &[f64], b: &[f64]| -> Vec<f64> {
        a.iter().zip(b).map(|(a, b)| 0.4 * a + 0.6 * b).collect()
    };
    let (first, second) = (&values[..width], &values[width..2 * width]);
    let (third, fourth) = (&external.0[..width], &external.0[width..2 * width]);
    let mut places = vec![first.to_vec(), third.to_vec(), middle(first, second)];
    places.extend([middle(third, fourth), middle(first, fourth)]);
    // Mass far from all of P goes to itself in the entropic plan of P to P, unless it is tiny beside
    // the kernel there: such a step would be below rounding.
    let between = ["order=1", "sinkhorn"].iter().any(|name| discrepancy.label().contains(name));
    if !between {
        places.extend([vec![-1.5; width], vec![0.37; width], vec![6.0; width]]);
    }
    // A step must not use up what is left at any place of the coupling of a sliced distance.
    let eps = if discrepancy.name().contains("sliced") { 1e-7 } else { 1e-6 };
    let mut largest = 0.0_f64;
    for x in places {
        // Two step lengths, so that what is left of the slope is of third order.
        let now = mixed(&x, 0.0);
        let slope = (4.0 * (mixed(&x, eps) - now) - (mixed(&x, 2.0 * eps) - now)) / (2.0 * eps);
        let expected = -(witness.at_row(&x) - mean);
        assert!(
            (slope - expected).abs() < 1e-6 * (1.0 + expected.abs()),
            "{} case {case} at {x:?}: slope {slope}, expected {expected}",
            discrepancy.label()
        );
        largest = largest.max(expected.abs());
    }
    largest
}
