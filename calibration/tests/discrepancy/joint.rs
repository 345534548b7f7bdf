//! What holds for every discrepancy of the registry that compares vectors, on random samples.

use rand::RngExt;
use trueup_calibration::discrepancy::{
    DISCREPANCIES, DiscrepancyError, Named, Weighted, has_witness, named,
};
use trueup_calibration::sample::{Sample, Shape};
use trueup_env::random::{Stream, Streams};

use super::checks::{self, expanded, refused, shuffled, whole_weights};

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

pub fn tested() -> impl Iterator<Item = Named> {
    TESTED.iter().map(|name| named(name).unwrap())
}

pub fn stream(purpose: &str, case: u64) -> Stream {
    Streams::new(9).stream(purpose, case)
}

/// Rows of `users` users, 0 to 3 each and at least 1 for the first two; every other case has ties.
pub fn random_sample(width: usize, users: usize, case: u64, random: &mut Stream) -> Sample {
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
pub fn close(discrepancy: &Named, found: f64, expected: f64) {
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

#[test]
fn the_order_of_rows_does_not_matter() {
    for discrepancy in tested() {
        for case in 0..12 {
            let (internal, external) = pair(&discrepancy, case);
            let mut random = stream("shuffle", case);
            let other = (shuffled(&internal, &mut random), shuffled(&external, &mut random));
            let expected = discrepancy.value(&internal, &external).unwrap();
            close(&discrepancy, discrepancy.value(&other.0, &other.1).unwrap(), expected);
        }
    }
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

#[test]
fn many_weightings_are_measured_as_if_alone() {
    for discrepancy in tested() {
        let (pair, mut random) = (pair(&discrepancy, 3), stream("many weights", 3));
        let label = discrepancy.label();
        checks::many_weightings_as_if_alone(label, &*discrepancy, &pair, &mut random);
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
        checks::no_weight_no_value(discrepancy.label(), &*discrepancy, &pair(&discrepancy, 0));
    }
}

#[test]
fn bad_samples_are_errors() {
    for discrepancy in tested() {
        let pair = pair(&discrepancy, 1);
        checks::bad_samples_are_errors(&*discrepancy, &pair);
        let (internal, external) = &pair;
        let none = Sample { values: vec![], width: 0, ..internal.clone() };
        let error = refused(&*discrepancy, &none, &none);
        assert_eq!(error, DiscrepancyError::Empty { side: "internal" });
        let wide = random_sample(3, 5, 0, &mut stream("wide", 0));
        let error = refused(&*discrepancy, &wide, external);
        assert!(matches!(error, DiscrepancyError::Mismatch(_)), "{error}");
        let real = Sample { shape: Shape::Real, ..internal.clone() };
        let error = refused(&*discrepancy, &real, external);
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
    for name in TESTED.iter().filter(|name| !name.starts_with("sinkhorn")).chain(&["sinkhorn"]) {
        let discrepancy = named(name).unwrap();
        for case in 0..60 {
            let (pair, random) = (pair(&discrepancy, case), &mut stream("extremes", case));
            checks::extreme_values_never_give_nan(name, &*discrepancy, pair, random);
        }
    }
}
