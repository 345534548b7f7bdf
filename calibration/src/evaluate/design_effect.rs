//! Users who are strong make intervals wider: by what theory says.
//!
//! Users with m rows each, whose values share a user's part of variance rho (the intraclass
//! correlation), have a mean whose variance is `1 + (m - 1) rho` times that of as many independent
//! rows (Kish, *Survey sampling*, 1965: the design effect). The bootstrap over users must show it,
//! the bootstrap over rows must not.

use trueup_env::Streams;

use super::bootstrap::{Measured, weights};
use crate::discrepancy;
use crate::sample::Sample;

const USERS: usize = 200;
const REPLICATES: usize = 400;
const STUDIES: u64 = 20;

/// Normal rows of variance 1, about 3 standard deviations above 0.
fn strong_users(rows: usize, share: f64, study: u64) -> Sample {
    let mut stream = Streams::new(51).stream("strong users", study);
    let mut sample = Sample { users: USERS, ..Sample::real(Vec::new()) };
    for user in 0..USERS {
        let mut normal = || (0..12).map(|_| stream.uniform()).sum::<f64>() - 6.0;
        let own = share.sqrt() * normal();
        for _ in 0..rows {
            sample.values.push(3.0 + own + (1.0 - share).sqrt() * normal());
            sample.user.push(user as u32);
        }
    }
    sample
}

/// Variance of the bootstrap of the gap of means to a fixed external sample.
fn variance(sample: &Sample, study: u64) -> f64 {
    let external = Sample::real(vec![-1.0, 1.0]);
    let prepared = discrepancy::find("mean-gap").unwrap().prepare(sample, &external).unwrap();
    let drawn = weights(sample.users, REPLICATES, &Streams::new(52).child("study", study));
    let fixed = vec![vec![1.0; 2]; REPLICATES];
    let measured = Measured::of(prepared.as_ref(), &drawn, &fixed).unwrap();
    let values: Vec<f64> = measured.replicates.into_iter().flatten().collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64
}

/// A variance of 400 replicates has a relative error of 0.07, and that of 200 users one of 0.1, of
/// which the ratio over rows keeps the larger part; over 20 studies the mean ratio has about 0.03.
/// The tolerance is 10%, more than three of them (false alarm below 0.01 for the three cases).
#[test]
fn the_bootstrap_over_users_is_wider_by_the_design_effect() {
    for (rows, share) in [(5, 0.5), (10, 0.2), (5, 0.0)] {
        let ratio = |study: u64| {
            let by_user = strong_users(rows, share, study);
            let by_row = Sample::real(by_user.values.clone());
            variance(&by_user, study) / variance(&by_row, study)
        };
        let mean = (0..STUDIES).map(ratio).sum::<f64>() / STUDIES as f64;
        let theory = 1.0 + (rows - 1) as f64 * share;
        println!("{rows} rows, share {share}: {mean}, theory {theory}");
        assert!((mean / theory - 1.0).abs() < 0.1, "{rows} rows, share {share}: {mean}, {theory}");
    }
}
