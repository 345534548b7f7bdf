//! What holds for every discrepancy of the registry, on random samples.

#![allow(clippy::unwrap_used)]

use rand::RngExt;
use trueup_calibration::discrepancy::{
    DISCREPANCIES, Discrepancy, DiscrepancyError, Weighted, find,
};
use trueup_calibration::sample::{Sample, Shape};
use trueup_env::random::{Stream, Streams};

const CATEGORIES: usize = 6;

/// The joint energy distance standardises by all external rows, whatever their weights, and keeps
/// distances as f32: it has tests of its own.
fn registry() -> impl Iterator<Item = &'static dyn Discrepancy> {
    DISCREPANCIES.iter().copied().filter(|discrepancy| discrepancy.name() != "energy-nd")
}

fn stream(purpose: &str, case: u64) -> Stream {
    Streams::new(7).stream(purpose, case)
}

/// Rows of `users` users, 0 to 5 each and at least 2 for the first two; every other case has many
/// ties.
fn random_sample(shape: Shape, users: usize, case: u64, random: &mut Stream) -> Sample {
    let width = if shape == Shape::Vector { 2 } else { 1 };
    let categories = if shape == Shape::Category { CATEGORIES } else { 0 };
    let (mut values, mut user) = (Vec::new(), Vec::new());
    let (shift, spread) = (random.random::<f64>(), 0.5 + random.random::<f64>());
    for owner in 0..users as u32 {
        let own = random.random::<f64>();
        let rows = if owner < 2 { 2 } else { random.random_range(0..6) };
        for _ in 0..rows {
            user.push(owner);
            let value = shift + spread * (own + random.random::<f64>() - random.random::<f64>());
            let value = if case % 2 == 1 { (4.0 * value).round() / 4.0 } else { value };
            match shape {
                Shape::Real => values.push(value),
                // The last category but one stays empty on both sides.
                Shape::Category => {
                    values.push([0.0, 1.0, 2.0, 3.0, 5.0][random.random_range(0..5)])
                }
                Shape::Vector => values.extend([value, 0.5 * value + random.random::<f64>()]),
            }
        }
    }
    Sample { shape, width, values, user, users, categories }
}

fn pair(discrepancy: &dyn Discrepancy, case: u64) -> (Sample, Sample) {
    let mut random = stream(discrepancy.name(), case);
    let users = (random.random_range(2..40), random.random_range(2..40));
    let internal = random_sample(discrepancy.shape(), users.0, case, &mut random);
    (internal, random_sample(discrepancy.shape(), users.1, case, &mut random))
}

#[track_caller]
fn close(what: &str, found: f64, expected: f64) {
    assert!(
        (found - expected).abs() <= 1e-11 * (1.0 + expected.abs()),
        "{what}: {found}, {expected}"
    );
}

#[test]
fn names_are_unique_and_found() {
    for discrepancy in DISCREPANCIES {
        let name = discrepancy.name();
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'));
        assert_eq!(DISCREPANCIES.iter().filter(|other| other.name() == name).count(), 1, "{name}");
        assert_eq!(find(name).unwrap().title(), discrepancy.title());
        assert!(!discrepancy.definition().is_empty());
    }
    assert!(find("kolmogorov").is_none());
}

#[test]
fn zero_on_equal_samples_and_positive_elsewhere() {
    for discrepancy in registry() {
        for case in 0..40 {
            let (internal, external) = pair(discrepancy, case);
            let name = format!("{} case {case}", discrepancy.name());
            close(&name, discrepancy.value(&external, &external).unwrap(), 0.0);
            let value = discrepancy.value(&internal, &external).unwrap();
            assert!(value > 0.0 && value.is_finite(), "{name}: {value}");
        }
    }
}

#[test]
fn symmetric_where_the_value_has_no_external_unit() {
    for name in ["kolmogorov-smirnov", "total-variation", "correlation-gap", "between-share-gap"] {
        let discrepancy = find(name).unwrap();
        for case in 0..20 {
            let (internal, external) = pair(discrepancy, case);
            let other_way = discrepancy.value(&external, &internal).unwrap();
            close(name, discrepancy.value(&internal, &external).unwrap(), other_way);
        }
    }
}

fn shuffled(sample: &Sample, random: &mut Stream) -> Sample {
    let mut order: Vec<usize> = (0..sample.rows()).collect();
    for i in (1..order.len()).rev() {
        order.swap(i, random.random_range(0..=i));
    }
    let values = order.iter().flat_map(|&i| sample.row(i).to_vec()).collect();
    Sample { values, user: order.iter().map(|&i| sample.user[i]).collect(), ..sample.clone() }
}

#[test]
fn the_order_of_rows_does_not_matter() {
    for discrepancy in registry() {
        for case in 0..20 {
            let (internal, external) = pair(discrepancy, case);
            let mut random = stream("shuffle", case);
            let other = (shuffled(&internal, &mut random), shuffled(&external, &mut random));
            let expected = discrepancy.value(&internal, &external).unwrap();
            close(discrepancy.name(), discrepancy.value(&other.0, &other.1).unwrap(), expected);
        }
    }
}

/// Every user as often as its weight says, each copy a user of its own.
fn expanded(sample: &Sample, copies: &[f64]) -> Sample {
    let (mut values, mut user, mut users) = (Vec::new(), Vec::new(), 0);
    for (owner, &copies) in copies.iter().enumerate() {
        for _ in 0..copies as usize {
            for i in (0..sample.rows()).filter(|&i| sample.user[i] as usize == owner) {
                values.extend_from_slice(sample.row(i));
                user.push(users);
            }
            users += 1;
        }
    }
    Sample { values, user, users: users as usize, ..sample.clone() }
}

#[test]
fn weights_count_users_as_often() {
    for discrepancy in registry() {
        for case in 0..40 {
            let (internal, external) = pair(discrepancy, case);
            let prepared = discrepancy.prepare(&internal, &external).unwrap();
            let mut random = stream("weights", case);
            let mut weights = |users: usize| -> Vec<f64> {
                let mut weights: Vec<f64> =
                    (0..users).map(|_| f64::from(random.random_range(0..4_u8))).collect();
                weights[..2].fill(1.0);
                weights
            };
            let (p, q) = (weights(internal.users), weights(external.users));
            let copies = (expanded(&internal, &p), expanded(&external, &q));
            let expected = discrepancy.value(&copies.0, &copies.1).unwrap();
            let name = format!("{} case {case}", discrepancy.name());
            close(&name, prepared.value(&p, &q).unwrap(), expected);
            if discrepancy.name() == "between-share-gap" {
                continue; // It counts users, so that half a user is not the same share of one.
            }
            let half: Vec<f64> = p.iter().map(|weight| weight / 2.0).collect();
            close(&name, prepared.value(&half, &q).unwrap(), expected);
        }
    }
}

/// To the last bit, also next to weightings that leave nothing to measure.
#[test]
fn many_weightings_are_measured_as_if_alone() {
    for discrepancy in registry() {
        let (internal, external) = pair(discrepancy, 3);
        let prepared = discrepancy.prepare(&internal, &external).unwrap();
        let mut random = stream("many weights", 3);
        let mut weights = |users: usize| -> Vec<Vec<f64>> {
            let mut one = || (0..users).map(|_| random.random_range(0.0..3.0)).collect();
            (0..23).map(|_| one()).collect()
        };
        let (mut p, mut q) = (weights(internal.users), weights(external.users));
        p[5].fill(0.0);
        q[9].pop();
        q[14][0] = f64::NAN;
        q.truncate(22);
        let alone: Vec<_> = p.iter().zip(&q).map(|(p, q)| prepared.value(p, q)).collect();
        let undefined: Vec<usize> = (0..22).filter(|&i| alone[i].is_none()).collect();
        assert_eq!(undefined, [5, 9, 14], "{}", discrepancy.name());
        assert_eq!(prepared.values(&p, &q), alone, "{}", discrepancy.name());
        assert_eq!(prepared.values(&p, &[]), []);
    }
}

#[test]
fn no_weight_no_value() {
    for discrepancy in registry() {
        let (internal, external) = pair(discrepancy, 0);
        let prepared = discrepancy.prepare(&internal, &external).unwrap();
        let (p, q) = (vec![1.0; internal.users], vec![1.0; external.users]);
        assert!(prepared.value(&p, &q).is_some());
        let mut bad = vec![vec![0.0; p.len()], vec![1.0; p.len() + 1], Vec::new()];
        for value in [f64::NAN, f64::INFINITY, -1.0] {
            let mut weights = p.clone();
            weights[0] = value;
            bad.push(weights);
        }
        for weights in &bad {
            assert_eq!(prepared.value(weights, &q), None, "{} {weights:?}", discrepancy.name());
        }
        assert_eq!(prepared.value(&p, &vec![0.0; q.len()]), None);
        assert_eq!(prepared.value(&p, &q[1..]), None);
        let huge = (vec![1e300; p.len()], vec![1e300; q.len()]);
        assert!(prepared.value(&huge.0, &huge.1).is_none_or(f64::is_finite));
    }
}

#[test]
fn bad_samples_are_errors() {
    for discrepancy in registry() {
        let (internal, external) = pair(discrepancy, 0);
        let refused = |p: &Sample, q: &Sample| discrepancy.value(p, q).unwrap_err();
        for value in [f64::NAN, f64::NEG_INFINITY, 1e200] {
            let mut sample = internal.clone();
            sample.values[0] = value;
            let error = refused(&sample, &external);
            assert!(matches!(error, DiscrepancyError::NotFinite { row: 0, .. }), "{error}");
            refused(&external, &sample);
        }
        let empty = Sample { values: vec![], user: vec![], ..internal.clone() };
        assert_eq!(refused(&empty, &external), DiscrepancyError::Empty { side: "internal" });
        assert_eq!(refused(&external, &empty), DiscrepancyError::Empty { side: "external" });
        refused(&Sample { users: 1, ..internal.clone() }, &external);
        let mut short = internal.clone();
        short.values.pop();
        refused(&short, &external);
        let other = if internal.shape == Shape::Real { Shape::Category } else { Shape::Real };
        let error = refused(&Sample { shape: other, ..internal.clone() }, &external);
        assert!(matches!(error, DiscrepancyError::WrongShape { .. }), "{error}");
        if internal.shape == Shape::Category {
            refused(&Sample { categories: 2, ..internal.clone() }, &external);
            refused(&Sample { categories: 9, ..internal.clone() }, &external);
        }
    }
}

#[test]
fn an_external_sample_without_spread() {
    for discrepancy in registry() {
        let (internal, mut external) = pair(discrepancy, 0);
        // A mean of 0.1 is not exact: rounding must not pass for spread.
        let value = if external.shape == Shape::Category { 0.0 } else { 0.1 };
        external.values.fill(value);
        let found = discrepancy.value(&internal, &external);
        match discrepancy.name() {
            "kolmogorov-smirnov" | "total-variation" => assert!(found.unwrap() > 0.0),
            "correlation-gap" | "between-share-gap" => {
                assert!(matches!(found, Err(DiscrepancyError::Undefined { .. })), "{found:?}");
            }
            name => {
                let error = DiscrepancyError::Constant { discrepancy: name_of(name), value: 0.1 };
                assert_eq!(found, Err(error));
            }
        }
        // The other way round it is a simulation that has collapsed, and has a value.
        assert!(discrepancy.value(&external, &internal).unwrap() > 0.0, "{}", discrepancy.name());
    }
}

fn name_of(name: &str) -> &'static str {
    find(name).unwrap().name()
}

#[test]
fn extreme_values_never_give_nan() {
    let extremes = [0.0, -0.0, 5e-324, 1e-300, -1e-29, 1.0, 1.0 + f64::EPSILON, 1e15, -1e29, 1e30];
    for discrepancy in registry().filter(|discrepancy| discrepancy.shape() != Shape::Category) {
        for case in 0..300 {
            let (mut internal, mut external) = pair(discrepancy, case);
            let mut random = stream("extremes", case);
            let from = random.random_range(0..extremes.len());
            let mut fill = |values: &mut Vec<f64>| {
                values.fill_with(|| extremes[random.random_range(from..extremes.len())]);
            };
            fill(&mut internal.values);
            fill(&mut external.values);
            if let Ok(value) = discrepancy.value(&internal, &external) {
                assert!(value >= 0.0 && value.is_finite(), "{}: {value}", discrepancy.name());
            }
            let (p, q) = (Weighted::equal(&internal.values), Weighted::equal(&external.values));
            if let Some(Ok(value)) = discrepancy.weighted_value(p, q) {
                assert!(value >= 0.0 && value.is_finite(), "{}: {value}", discrepancy.name());
            }
            if let Some(Ok(witness)) = discrepancy.witness(p, q) {
                for x in extremes {
                    let pay = witness.at(x);
                    assert!(!pay.is_nan(), "{} at {x}: {witness:?}", discrepancy.name());
                }
            }
        }
    }
}

/// Values and weights without ties in F - G.
fn random_points(shape: Shape, case: u64, random: &mut Stream) -> (Vec<f64>, Vec<f64>) {
    let values = random_sample(shape, 12, case, random).values;
    let weights = values.iter().map(|_| 0.1 + random.random::<f64>()).collect();
    (values, weights)
}

#[test]
fn values_agree_with_weighted_values() {
    let mut seen = 0;
    for discrepancy in registry().filter(|discrepancy| discrepancy.shape() != Shape::Vector) {
        for case in 0..20 {
            let mut random = stream("weighted", case);
            let [p, q] = [0, 1].map(|_| random_points(discrepancy.shape(), case, &mut random));
            let points = |side: &'static str| {
                let (values, weights) = if side == "internal" { &p } else { &q };
                Weighted { values, weights: Some(weights) }
            };
            let found = discrepancy.weighted_value(points("internal"), points("external"));
            let Some(found) = found else { continue };
            let sample = |points: &(Vec<f64>, Vec<f64>)| Sample {
                shape: discrepancy.shape(),
                categories: if discrepancy.shape() == Shape::Category { CATEGORIES } else { 0 },
                ..Sample::real(points.0.clone())
            };
            let (internal, external) = (sample(&p), sample(&q));
            let prepared = discrepancy.prepare(&internal, &external).unwrap();
            let value = prepared.value(&p.1, &q.1).unwrap();
            let square = discrepancy.name() == "energy";
            close(discrepancy.name(), found.unwrap(), if square { value * value } else { value });
            seen += 1;
        }
    }
    assert_eq!(seen, 8 * 20);
}

/// Mixing mass eps at x into P changes D by `-eps (w(x) - E_P w)` to first order. Wasserstein-1 has
/// a kink left and right of all values, where F = G, and is tested between them.
#[test]
fn witnesses_are_first_variations() {
    let mut paid = Vec::new();
    for discrepancy in registry().filter(|discrepancy| discrepancy.shape() != Shape::Vector) {
        let mut largest = 0.0_f64;
        for case in 0..30 {
            let mut random = stream("witness", case);
            let (values, weights) = random_points(discrepancy.shape(), case, &mut random);
            let external = random_points(discrepancy.shape(), case, &mut random);
            let total: f64 = weights.iter().sum();
            let q = Weighted { values: &external.0, weights: Some(&external.1) };
            let p = Weighted { values: &values, weights: Some(&weights) };
            let Some(witness) = discrepancy.witness(p, q) else { continue };
            let witness = witness.unwrap();
            let paid_now = values.iter().zip(&weights).map(|(x, weight)| weight * witness.at(*x));
            let mean = paid_now.sum::<f64>() / total;
            let mixed = |x: f64, eps: f64| {
                let mut values = values.clone();
                let mut weights: Vec<f64> =
                    weights.iter().map(|weight| (1.0 - eps) * weight / total).collect();
                values.push(x);
                weights.push(eps);
                let p = Weighted { values: &values, weights: Some(&weights) };
                discrepancy.weighted_value(p, q).unwrap().unwrap()
            };
            let places: Vec<f64> = match discrepancy.shape() {
                Shape::Category => (0..CATEGORIES).map(|k| k as f64).collect(),
                _ => vec![values[0], external.0[0], -1.5, 0.0, 0.37, 0.81, 1.9, 2.6, 5.0],
            };
            let all = || values.iter().chain(&external.0).copied();
            let (first, last) =
                (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
            let kinked = |x: f64| discrepancy.name() == "wasserstein-1" && (x < first || x > last);
            for x in places.into_iter().filter(|&x| !kinked(x)) {
                // Two step lengths, so that what is left of the slope is of third order.
                let (eps, now) = (1e-6, mixed(x, 0.0));
                let slope =
                    (4.0 * (mixed(x, eps) - now) - (mixed(x, 2.0 * eps) - now)) / (2.0 * eps);
                let expected = -(witness.at(x) - mean);
                let name = discrepancy.name();
                assert!(
                    (slope - expected).abs() < 1e-6 * (1.0 + expected.abs()),
                    "{name} case {case} at {x}: slope {slope}, expected {expected}"
                );
                largest = largest.max(expected.abs());
            }
        }
        if largest > 0.1 {
            paid.push(discrepancy.name());
        }
    }
    let expected = [
        "wasserstein-1",
        "cramer-von-mises",
        "energy",
        "mean-gap",
        "sd-gap",
        "moments",
        "total-variation",
    ];
    assert_eq!(paid, expected);
}
