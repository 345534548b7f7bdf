//! Time of the one-dimensional discrepancies: sorting and merging two samples, and their values
//! under the user weights of a bootstrap. `peer_scipy.py` times scipy on the same sizes.

use divan::{Bencher, black_box};
use rand_distr::{Distribution, LogNormal};
use trueup_calibration::discrepancy::{Weighted, energy, find, kolmogorov_smirnov, wasserstein};
use trueup_calibration::evaluate::bootstrap::weights;
use trueup_calibration::sample::Sample;
use trueup_env::random::Streams;

const ROWS: [usize; 2] = [24_000, 1_000_000];
const METRICS: [&str; 3] = ["kolmogorov-smirnov", "wasserstein-1", "energy"];

fn main() {
    divan::main();
}

fn values(name: &str, rows: usize) -> Vec<f64> {
    let amounts = LogNormal::new(3.2, 0.7).unwrap_or_else(|_| unreachable!("a positive sd"));
    let mut stream = Streams::new(1).stream(name, 0);
    (0..rows).map(|_| amounts.sample(&mut stream)).collect()
}

/// Two rows a user, as in the purchase log.
fn sample(name: &str, rows: usize) -> Sample {
    let values = values(name, rows);
    let user = (0..rows as u32).map(|row| row / 2).collect();
    Sample { values, user, users: rows.div_ceil(2), ..Sample::real(Vec::new()) }
}

/// From two unsorted slices to a distance.
#[divan::bench(args = ROWS, consts = [0, 1, 2], sample_count = 9, sample_size = 1)]
fn distance<const METRIC: usize>(bencher: Bencher<'_, '_>, rows: usize) {
    let (u, v) = (values("internal", rows), values("external", rows));
    let distance = [kolmogorov_smirnov::distance, wasserstein::distance, energy::distance][METRIC];
    bencher.bench(|| distance(Weighted::equal(black_box(&u)), Weighted::equal(black_box(&v))));
}

/// 200 values of a prepared pair under user weights: a bootstrap.
#[divan::bench(consts = [0, 1, 2], sample_count = 20, sample_size = 1)]
fn bootstrap<const METRIC: usize>(bencher: Bencher<'_, '_>) {
    let (internal, external) = (sample("internal", ROWS[0]), sample("external", ROWS[0]));
    let Some(discrepancy) = find(METRICS[METRIC]) else { return };
    let Ok(prepared) = discrepancy.prepare(&internal, &external) else { return };
    let [left, right] = [4, 5].map(|seed| weights(internal.users, 200, &Streams::new(seed)));
    bencher.bench(|| prepared.values(black_box(&left), black_box(&right)));
}
