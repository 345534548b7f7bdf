//! What both families of discrepancies, those of the line and those of vectors, are asked alike.

use rand::RngExt;
use trueup_calibration::discrepancy::{Discrepancy, DiscrepancyError, Weighted};
use trueup_calibration::sample::Sample;
use trueup_env::random::Stream;

/// Two samples, internal and external.
pub type Pair = (Sample, Sample);

/// The rows of a sample in another order.
pub fn shuffled(sample: &Sample, random: &mut Stream) -> Sample {
    let mut order: Vec<usize> = (0..sample.rows()).collect();
    for i in (1..order.len()).rev() {
        order.swap(i, random.random_range(0..=i));
    }
    let values = order.iter().flat_map(|&i| sample.row(i).to_vec()).collect();
    Sample { values, user: order.iter().map(|&i| sample.user[i]).collect(), ..sample.clone() }
}

/// Every user as often as its weight says, each copy a user of its own.
pub fn expanded(sample: &Sample, copies: &[f64]) -> Sample {
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

/// Weights from 0 to 3, of which the first two are 1.
pub fn whole_weights(users: usize, random: &mut Stream) -> Vec<f64> {
    let mut weights: Vec<f64> =
        (0..users).map(|_| f64::from(random.random_range(0..4_u8))).collect();
    weights[..2].fill(1.0);
    weights
}

/// To the last bit, also next to weightings that leave nothing to measure.
pub fn many_weightings_as_if_alone(
    label: &str,
    discrepancy: &dyn Discrepancy,
    (internal, external): &Pair,
    random: &mut Stream,
) {
    let prepared = discrepancy.prepare(internal, external).unwrap();
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
    assert_eq!(undefined, [5, 9, 14], "{label}");
    assert_eq!(prepared.values(&p, &q), alone, "{label}");
    assert_eq!(prepared.values(&p, &[]), []);
}

pub fn no_weight_no_value(label: &str, discrepancy: &dyn Discrepancy, (internal, external): &Pair) {
    let prepared = discrepancy.prepare(internal, external).unwrap();
    let (p, q) = (vec![1.0; internal.users], vec![1.0; external.users]);
    assert!(prepared.value(&p, &q).is_some());
    let mut bad = vec![vec![0.0; p.len()], vec![1.0; p.len() + 1], Vec::new()];
    for value in [f64::NAN, f64::INFINITY, -1.0] {
        let mut weights = p.clone();
        weights[0] = value;
        bad.push(weights);
    }
    for weights in &bad {
        assert_eq!(prepared.value(weights, &q), None, "{label} {weights:?}");
    }
    assert_eq!(prepared.value(&p, &vec![0.0; q.len()]), None);
    assert_eq!(prepared.value(&p, &q[1..]), None);
    let huge = (vec![1e300; p.len()], vec![1e300; q.len()]);
    assert!(prepared.value(&huge.0, &huge.1).is_none_or(f64::is_finite));
}

/// The refusal of two samples.
pub fn refused(discrepancy: &dyn Discrepancy, p: &Sample, q: &Sample) -> DiscrepancyError {
    discrepancy.value(p, q).unwrap_err()
}

pub fn bad_samples_are_errors(discrepancy: &dyn Discrepancy, (internal, external): &Pair) {
    let refused = |p: &Sample, q: &Sample| refused(discrepancy, p, q);
    for value in [f64::NAN, f64::NEG_INFINITY, 1e200] {
        let mut sample = internal.clone();
        sample.values[0] = value;
        let error = refused(&sample, external);
        assert!(matches!(error, DiscrepancyError::NotFinite { row: 0, .. }), "{error}");
        refused(external, &sample);
    }
    let empty = Sample { values: vec![], user: vec![], ..internal.clone() };
    assert_eq!(refused(&empty, external), DiscrepancyError::Empty { side: "internal" });
    assert_eq!(refused(external, &empty), DiscrepancyError::Empty { side: "external" });
    refused(&Sample { users: 1, ..internal.clone() }, external);
    let mut short = internal.clone();
    short.values.pop();
    refused(&short, external);
}

/// Fills two samples with values of any size: what there is, is a number.
pub fn extreme_values_never_give_nan(
    label: &str,
    discrepancy: &dyn Discrepancy,
    (mut internal, mut external): Pair,
    random: &mut Stream,
) {
    let extremes = [0.0, -0.0, 5e-324, 1e-300, -1e-29, 1.0, 1.0 + f64::EPSILON, 1e15, -1e29, 1e30];
    let from = random.random_range(0..extremes.len());
    let mut fill = |values: &mut Vec<f64>| {
        values.fill_with(|| extremes[random.random_range(from..extremes.len())]);
    };
    fill(&mut internal.values);
    fill(&mut external.values);
    if let Ok(value) = discrepancy.value(&internal, &external) {
        assert!(value >= 0.0 && value.is_finite(), "{label}: {value}");
    }
    let [p, q] = [&internal, &external].map(|sample| Weighted {
        values: &sample.values,
        width: sample.width,
        weights: None,
    });
    if let Some(Ok(value)) = discrepancy.weighted_value(p, q) {
        assert!(value >= 0.0 && value.is_finite(), "{label}: {value}");
    }
    if let Some(Ok(witness)) = discrepancy.witness(p, q) {
        for x in extremes {
            assert!(!witness.at_row(&vec![x; p.width]).is_nan(), "{label} at {x}: {witness:?}");
        }
    }
}
