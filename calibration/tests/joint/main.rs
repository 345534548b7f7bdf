//! What holds for every discrepancy of the registry that compares vectors, on random samples.

#![allow(clippy::unwrap_used)]

mod rows;

use rand::RngExt;
use trueup_calibration::discrepancy::{
    DISCREPANCIES, DiscrepancyError, Named, Weighted, has_witness, named,
};
use trueup_calibration::sample::{Sample, Shape};
use trueup_env::random::{Stream, Streams};

/// The joint discrepancies with the parameters that they are tested with: every order, and a
/// tolerance at which rounding is all that is left.
const TESTED: &[&str] = &[
    "energy-nd",
    "mmd",
    "mmd-features",
    "sliced-wasserstein(projections=20)",
    "sliced-wasserstein(projections=20, order=1)",
    "max-sliced-wasserstein(projections=20)",
    "max-sliced-wasserstein(projections=20, order=1)",
    "sinkhorn(epsilon=50, tolerance=0.0000000000001, iterations=100000)",
];

fn tested() -> impl Iterator<Item = Named> {
    TESTED.iter().map(|name| named(name).unwrap())
}

fn stream(purpose: &str, case: u64) -> Stream {
    Streams::new(9).stream(purpose, case)
}

/// Rows of `users` users, 0 to 3 each and at least 1 for the first two; every other case has ties.
fn random_sample(width: usize, users: usize, case: u64, random: &mut Stream) -> Sample {
    let (mut values, mut user) = (Vec::new(), Vec::new());
    let (shift, spread) = (random.random::<f64>(), 0.5 + random.random::<f64>());
    for owner in 0..users as u32 {
        let own = random.random::<f64>();
        let rows = if owner < 2 { 1 } else { random.random_range(0..4) };
        for _ in 0..rows {
            user.push(owner);
            for c in 0..width {
                let value =
                    shift + spread * (own + random.random::<f64>() - random.random::<f64>());
                let value = value * (1.0 + c as f64);
                values.push(if case % 2 == 1 { (4.0 * value).round() / 4.0 } else { value });
            }
        }
    }
    Sample { shape: Shape::Vector, width, values, user, users, categories: 0 }
}

fn pair(discrepancy: &Named, case: u64) -> (Sample, Sample) {
    let mut random = stream(discrepancy.label(), case);
    let users = (random.random_range(5..30), random.random_range(5..30));
    let width = 1 + case as usize % 4;
    let internal = random_sample(width, users.0, case, &mut random);
    (internal, random_sample(width, users.1, case, &mut random))
}

/// Energy-nd holds distances, and shares, as f32.
fn tolerance(discrepancy: &Named) -> f64 {
    if discrepancy.name() == "energy-nd" { 1e-5 } else { 1e-10 }
}

#[track_caller]
fn close(discrepancy: &Named, found: f64, expected: f64) {
    let error = (found - expected).abs();
    let allowed = tolerance(discrepancy) * (1.0 + expected.abs());
    assert!(error <= allowed, "{}: {found}, {expected}", discrepancy.label());
}

/// Those without a witness are tested by `discrepancy.rs`.
#[test]
fn all_vector_discrepancies_with_a_witness_are_tested() {
    for discrepancy in DISCREPANCIES.iter().filter(|d| d.shape() == Shape::Vector) {
        let name = discrepancy.name();
        let here = tested().any(|tested| tested.name() == name);
        assert_eq!(here, has_witness(*discrepancy), "{name}");
        assert!(!here || !discrepancy.symmetric(), "{name} is in units of one side");
    }
}

#[test]
fn zero_on_equal_samples_and_positive_elsewhere() {
    for discrepancy in tested() {
        for case in 0..24 {
            let (internal, external) = pair(&discrepancy, case);
            close(&discrepancy, discrepancy.value(&external, &external).unwrap(), 0.0);
            let value = discrepancy.value(&internal, &external).unwrap();
            assert!(value > 1e-6 && value.is_finite(), "{} {case}: {value}", discrepancy.label());
        }
    }
}

fn in_order(sample: &Sample, order: &[usize]) -> Sample {
    let values = order.iter().flat_map(|&i| sample.row(i).to_vec()).collect();
    Sample { values, user: order.iter().map(|&i| sample.user[i]).collect(), ..sample.clone() }
}

#[test]
fn the_order_of_rows_does_not_matter() {
    for discrepancy in tested() {
        for case in 0..12 {
            let (internal, external) = pair(&discrepancy, case);
            let mut random = stream("shuffle", case);
            let mut shuffled = |sample: &Sample| {
                let mut order: Vec<usize> = (0..sample.rows()).collect();
                for i in (1..order.len()).rev() {
                    order.swap(i, random.random_range(0..=i));
                }
                in_order(sample, &order)
            };
            let other = (shuffled(&internal), shuffled(&external));
            let expected = discrepancy.value(&internal, &external).unwrap();
            close(&discrepancy, discrepancy.value(&other.0, &other.1).unwrap(), expected);
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

fn whole_weights(users: usize, random: &mut Stream) -> Vec<f64> {
    let mut weights: Vec<f64> =
        (0..users).map(|_| f64::from(random.random_range(0..4_u8))).collect();
    weights[..2].fill(1.0);
    weights
}

/// External rows give the units, whatever their weights: so of external users each is there twice,
/// and what one copy counts less the other counts more.
#[test]
fn weights_count_users_as_often() {
    for discrepancy in tested() {
        for case in 0..24 {
            let (internal, external) = pair(&discrepancy, case);
            let twice = expanded(&external, &vec![2.0; external.users]);
            let mut random = stream("weights", case);
            let p = whole_weights(internal.users, &mut random);
            let share = |_| [0.0, 1.0, 2.0][random.random_range(0..3)];
            let q = (0..external.users).map(share).flat_map(|share| [share, 2.0 - share]);
            let q: Vec<f64> = q.collect();
            let prepared = discrepancy.prepare(&internal, &twice).unwrap();
            let expected = discrepancy.value(&expanded(&internal, &p), &external).unwrap();
            close(&discrepancy, prepared.value(&p, &q).unwrap(), expected);
            let half: Vec<f64> = p.iter().map(|weight| weight / 2.0).collect();
            close(&discrepancy, prepared.value(&half, &q).unwrap(), expected);
        }
    }
}

/// To the last bit, also next to weightings that leave nothing to measure.
#[test]
fn many_weightings_are_measured_as_if_alone() {
    for discrepancy in tested() {
        let (internal, external) = pair(&discrepancy, 3);
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
        assert_eq!(undefined, [5, 9, 14], "{}", discrepancy.label());
        assert_eq!(prepared.values(&p, &q), alone, "{}", discrepancy.label());
        assert_eq!(prepared.values(&p, &[]), []);
    }
}

/// Several blocks of rows, on one thread and on three.
#[test]
fn the_number_of_threads_does_not_matter() {
    let mut random = stream("threads", 0);
    let samples = [400, 300].map(|users| random_sample(3, users, 0, &mut random));
    for name in TESTED.iter().filter(|name| !name.starts_with("sinkhorn")).chain(&["sinkhorn"]) {
        let discrepancy = named(name).unwrap();
        let values = [1, 3].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let prepared = discrepancy.prepare(&samples[0], &samples[1]).unwrap();
                let weights = |users: usize| (0..6).map(|k| vec![1.0 + k as f64; users]).collect();
                let (p, q): (Vec<Vec<f64>>, Vec<Vec<f64>>) = (weights(400), weights(300));
                prepared.values(&p, &q)
            })
        });
        assert_eq!(values[0], values[1], "{name}");
        assert!(values[0].iter().all(Option::is_some));
    }
}

#[test]
fn no_weight_no_value() {
    for discrepancy in tested() {
        let (internal, external) = pair(&discrepancy, 0);
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
            assert_eq!(prepared.value(weights, &q), None, "{} {weights:?}", discrepancy.label());
        }
        assert_eq!(prepared.value(&p, &vec![0.0; q.len()]), None);
        assert_eq!(prepared.value(&p, &q[1..]), None);
        let huge = (vec![1e300; p.len()], vec![1e300; q.len()]);
        assert!(prepared.value(&huge.0, &huge.1).is_none_or(f64::is_finite));
    }
}

#[test]
fn bad_samples_are_errors() {
    for discrepancy in tested() {
        let (internal, external) = pair(&discrepancy, 1);
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
        let none = Sample { values: vec![], width: 0, ..internal.clone() };
        assert_eq!(refused(&none, &none), DiscrepancyError::Empty { side: "internal" });
        refused(&Sample { users: 1, ..internal.clone() }, &external);
        let mut short = internal.clone();
        short.values.pop();
        refused(&short, &external);
        let wide = random_sample(3, 5, 0, &mut stream("wide", 0));
        assert!(matches!(refused(&wide, &external), DiscrepancyError::Mismatch(_)));
        let error = refused(&Sample { shape: Shape::Real, ..internal.clone() }, &external);
        assert!(matches!(error, DiscrepancyError::WrongShape { .. }), "{error}");
    }
}

#[test]
fn bad_weighted_rows_are_errors() {
    let rows = [1.0, 2.0, 3.0, 4.0];
    let good = Weighted { values: &rows, width: 2, weights: None };
    let bad = [
        Weighted { values: &[], width: 2, weights: None },
        Weighted { values: &rows, width: 0, weights: None },
        Weighted { values: &rows, width: 3, weights: None },
        Weighted { values: &rows[..3], width: 2, weights: None },
        Weighted { values: &[1.0, f64::NAN], width: 2, weights: None },
        Weighted { values: &[1.0, 1e31], width: 2, weights: None },
        Weighted { values: &rows, width: 2, weights: Some(&[1.0]) },
        Weighted { values: &rows, width: 2, weights: Some(&[1.0, -1.0]) },
        Weighted { values: &rows, width: 2, weights: Some(&[0.0, 0.0]) },
    ];
    for discrepancy in tested() {
        assert!(discrepancy.weighted_value(good, good).unwrap().is_ok());
        for bad in bad {
            for (p, q) in [(bad, good), (good, bad)] {
                assert!(discrepancy.weighted_value(p, q).unwrap().is_err(), "{bad:?}");
                assert!(discrepancy.witness(p, q).unwrap().is_err(), "{bad:?}");
            }
        }
        let witness = discrepancy.witness(good, good).unwrap().unwrap();
        assert_eq!((witness.at_row(&[]), witness.at_row(&[1.0]), witness.at(1.0)), (0.0, 0.0, 0.0));
    }
}

#[test]
fn sides_without_spread() {
    for discrepancy in tested() {
        let (internal, mut external) = pair(&discrepancy, 2);
        external.values.fill(0.1);
        let value = discrepancy.value(&internal, &external).unwrap();
        assert!(value > 0.0 && value.is_finite(), "{}: {value}", discrepancy.label());
        // The other way round it is a simulation that has collapsed.
        assert!(discrepancy.value(&external, &internal).unwrap() > 0.0, "{}", discrepancy.label());
        close(&discrepancy, discrepancy.value(&external, &external).unwrap(), 0.0);
    }
}

#[test]
fn extreme_values_never_give_nan() {
    let extremes = [0.0, -0.0, 5e-324, 1e-300, -1e-29, 1.0, 1.0 + f64::EPSILON, 1e15, -1e29, 1e30];
    for name in TESTED.iter().filter(|name| !name.starts_with("sinkhorn")).chain(&["sinkhorn"]) {
        let discrepancy = named(name).unwrap();
        for case in 0..60 {
            let (mut internal, mut external) = pair(&discrepancy, case);
            let mut random = stream("extremes", case);
            let from = random.random_range(0..extremes.len());
            let mut fill = |values: &mut Vec<f64>| {
                values.fill_with(|| extremes[random.random_range(from..extremes.len())]);
            };
            fill(&mut internal.values);
            fill(&mut external.values);
            if let Ok(value) = discrepancy.value(&internal, &external) {
                assert!(value >= 0.0 && value.is_finite(), "{name}: {value}");
            }
            let [p, q] = [&internal, &external].map(|sample| Weighted {
                values: &sample.values,
                width: sample.width,
                weights: None,
            });
            if let Some(Ok(value)) = discrepancy.weighted_value(p, q) {
                assert!(value >= 0.0 && value.is_finite(), "{name}: {value}");
            }
            if let Some(Ok(witness)) = discrepancy.witness(p, q) {
                for x in extremes {
                    assert!(!witness.at_row(&vec![x; p.width]).is_nan(), "{name} case {case} {x}");
                }
            }
        }
    }
}
