//! Tests of the permutation test.

use trueup_env::random::Stream;

use super::*;
use crate::discrepancy;
use crate::sample::Shape;

/// `users` users with 1 to 4 rows that share the user's mean, as numbers or pairs.
fn clustered(shape: Shape, users: usize, stream: &mut Stream) -> Sample {
    let width = if shape == Shape::Vector { 2 } else { 1 };
    let mut sample = Sample { shape, width, users, ..Sample::real(Vec::new()) };
    for user in 0..users {
        let rows = 1 + stream.below(4);
        let mut normal = || (0..12).map(|_| stream.uniform()).sum::<f64>() - 6.0;
        let mean = normal();
        for _ in 0..rows {
            sample.values.extend((0..width).map(|_| mean + 0.5 * normal()));
            sample.user.push(user as u32);
        }
    }
    sample
}

fn test(name: &str, internal: &Sample, external: &Sample, permutations: usize, seed: u64) -> f64 {
    let relabellings =
        Relabellings::new(internal.users, external.users, permutations, &Streams::new(seed));
    let discrepancy = discrepancy::find(name).unwrap();
    Null::of(discrepancy, internal, external, &relabellings).unwrap().p()
}

/// Four numbers below four others: of the 70 ways to call four of eight internal, two are as far
/// apart. With 10,000 relabellings the standard error is 0.0017; four of them, so that one seed in
/// 16,000 fails.
#[test]
fn separated_samples_have_the_p_value_of_a_count() {
    let (low, high) =
        (Sample::real(vec![1.0, 2.0, 3.0, 4.0]), Sample::real(vec![5.0, 6.0, 7.0, 8.0]));
    for name in ["kolmogorov-smirnov", "mean-gap", "cramer-von-mises", "energy"] {
        let p = test(name, &low, &high, 10_000, 1);
        assert!((p - 2.0 / 70.0).abs() < 0.0068, "{name}: {p}");
    }
}

#[test]
fn relabellings_keep_the_sizes() {
    let relabellings = Relabellings::new(7, 12, 30, &Streams::new(1));
    let counts = |labels: &Vec<bool>| labels.iter().filter(|label| **label).count();
    assert!(relabellings.labels.iter().all(|labels| counts(labels) == 7 && labels.len() == 19));
    assert_ne!(relabellings.labels[0], relabellings.labels[1]);
}

/// P-values of 500 pairs of samples of one law, 25 users against 40, by 99 relabellings.
fn p_values(name: &str, by_row: bool) -> Vec<f64> {
    let shape = discrepancy::find(name).unwrap().shape();
    let one = |case: u64| {
        let mut stream = Streams::new(31).stream(name, case);
        let mut sides = [25, 40].map(|users| clustered(shape, users, &mut stream));
        if by_row {
            sides = sides.map(|side| Sample {
                user: (0..side.rows() as u32).collect(),
                users: side.rows(),
                ..side
            });
        }
        test(name, &sides[0], &sides[1], 99, case)
    };
    (0..500).map(one).collect()
}

/// Under equality p is uniform on 0.01, 0.02 ... 1: the largest gap to its distribution function is
/// below 1.95 / sqrt 500 in all but 1 of 1,000 seeds a metric (Kolmogorov's law; less, because p is
/// discrete). Values of Kolmogorov-Smirnov tie, so that its p is too large at times, never too small.
/// If rows are relabelled instead of users, which are alike, the same must fail.
#[test]
fn p_values_are_uniform_under_equality() {
    let bound = 1.95 / 500.0_f64.sqrt();
    let gaps = |p: &[f64]| -> Vec<f64> {
        let share = |k: u32| {
            let level = f64::from(k) / 100.0;
            p.iter().filter(|p| **p < level + 0.005).count() as f64 / p.len() as f64 - level
        };
        (1..=100).map(share).collect()
    };
    for name in ["wasserstein-1", "mean-gap", "cramer-von-mises", "correlation-gap", "energy-nd"] {
        let largest =
            gaps(&p_values(name, false)).into_iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        assert!(largest < bound, "{name}: {largest}");
    }
    let too_small = gaps(&p_values("kolmogorov-smirnov", false)).into_iter().fold(0.0, f64::max);
    assert!(too_small < bound, "{too_small}");
    let by_row = gaps(&p_values("mean-gap", true)).into_iter().fold(0.0, f64::max);
    assert!(by_row > 2.0 * bound, "{by_row}");
}

#[test]
fn what_cannot_be_measured_counts_against_a_difference() {
    let null = Null { value: 1.0, permuted: vec![Some(0.5), None, Some(1.0 - 1e-12), Some(0.9)] };
    assert_eq!(null.p(), 0.6);
    assert_eq!(Null { value: 1.0, permuted: Vec::new() }.p(), 1.0);
    let (some, none) = (Sample::real(vec![1.0, 2.0]), Sample { users: 2, ..Sample::real(vec![]) });
    let relabellings = Relabellings::new(2, 2, 20, &Streams::new(1));
    let ks = discrepancy::find("kolmogorov-smirnov").unwrap();
    assert_eq!(Null::of(ks, &some, &none, &relabellings), None);
    assert_eq!(Null::of(ks, &none, &some, &relabellings), None);
    // Relabellings of other users.
    let others = Relabellings::new(3, 2, 20, &Streams::new(1));
    assert_eq!(Null::of(ks, &some, &some, &others), None);
}

#[test]
fn relabelled_users_take_their_rows_with_them() {
    let left = Sample { users: 3, user: vec![0, 0, 2], ..Sample::real(vec![1.0, 2.0, 3.0]) };
    let right = Sample { users: 2, user: vec![1], ..Sample::real(vec![9.0]) };
    let both = pooled(&left, &right).unwrap();
    assert_eq!((both.users, both.user), (5, vec![0, 0, 2, 4]));
    assert_eq!(both.values, [1.0, 2.0, 3.0, 9.0]);
    let category = Sample { shape: Shape::Category, categories: 2, ..right };
    assert_eq!(pooled(&left, &category), None);
}
