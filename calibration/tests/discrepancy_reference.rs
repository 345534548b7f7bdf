//! Discrepancies against scipy, numpy and pandas (`fixtures/discrepancy.py`), published values,
//! and the real purchase log.

#![allow(clippy::unwrap_used)]

use serde::Deserialize;
use trueup_calibration::discrepancy::{
    Weighted, between_share_gap, correlation_gap, cramer_von_mises, energy, find,
    kolmogorov_smirnov, wasserstein,
};
use trueup_calibration::sample::{Sample, Shape};

#[derive(Deserialize)]
struct Fixture {
    pairs: Vec<Pair>,
    logs: Vec<Log>,
}

#[derive(Deserialize)]
struct Pair {
    name: String,
    u: Vec<f64>,
    v: Vec<f64>,
    u_weights: Option<Vec<f64>>,
    v_weights: Option<Vec<f64>>,
    kolmogorov_smirnov: f64,
    wasserstein: f64,
    energy: f64,
    cramer_von_mises: f64,
    sd: f64,
    mean_gap: f64,
    sd_gap: f64,
    moments: f64,
}

#[derive(Deserialize)]
struct Log {
    users: usize,
    user: Vec<u32>,
    value: Vec<f64>,
    pair_user: Vec<u32>,
    earlier: Vec<f64>,
    later: Vec<f64>,
    correlation: f64,
    between_share: f64,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("fixtures/discrepancy.json")).unwrap()
}

#[track_caller]
fn close(name: &str, found: f64, expected: f64) {
    let error = (found - expected).abs();
    assert!(error <= 1e-12 * (1.0 + expected.abs()), "{name}: {found}, expected {expected}");
}

#[test]
fn pure_functions_agree_with_scipy() {
    for pair in fixture().pairs {
        let u = Weighted { values: &pair.u, width: 1, weights: pair.u_weights.as_deref() };
        let v = Weighted { values: &pair.v, width: 1, weights: pair.v_weights.as_deref() };
        let name = &pair.name;
        close(name, kolmogorov_smirnov::distance(u, v).unwrap(), pair.kolmogorov_smirnov);
        close(name, wasserstein::distance(u, v).unwrap(), pair.wasserstein);
        close(name, energy::distance(u, v).unwrap(), pair.energy);
        close(name, cramer_von_mises::distance(u, v).unwrap(), pair.cramer_von_mises);
    }
}

#[test]
fn metrics_agree_with_scipy_and_numpy() {
    for pair in fixture().pairs {
        let (internal, external) = (Sample::real(pair.u.clone()), Sample::real(pair.v.clone()));
        let p = pair.u_weights.unwrap_or(vec![1.0; pair.u.len()]);
        let q = pair.v_weights.unwrap_or(vec![1.0; pair.v.len()]);
        let expected = [
            ("kolmogorov-smirnov", pair.kolmogorov_smirnov),
            ("wasserstein-1", pair.wasserstein / pair.sd),
            ("cramer-von-mises", pair.cramer_von_mises / pair.sd),
            ("energy", pair.energy / pair.sd.sqrt()),
            ("mean-gap", pair.mean_gap),
            ("sd-gap", pair.sd_gap),
            ("moments", pair.moments),
        ];
        for (name, expected) in expected {
            let prepared = find(name).unwrap().prepare(&internal, &external).unwrap();
            close(&format!("{name} of {}", pair.name), prepared.value(&p, &q).unwrap(), expected);
        }
    }
}

#[test]
fn documented_values_of_scipy() {
    let (u, v) = ([0.0, 1.0, 3.0], [5.0, 6.0, 8.0]);
    close("W1", wasserstein::distance(Weighted::equal(&u), Weighted::equal(&v)).unwrap(), 5.0);
    let (u, uw) = ([3.4, 3.9, 7.5, 7.8], [1.4, 0.9, 3.1, 7.2]);
    let (v, vw) = ([4.5, 1.4], [3.2, 3.5]);
    let (u, v) = (Weighted::new(&u, &uw), Weighted::new(&v, &vw));
    close("W1", wasserstein::distance(u, v).unwrap(), 4.078_133_143_804_786);
    let (u, uw) = ([0.7, 7.4, 2.4, 6.8], [2.1, 4.2, 7.4, 8.0]);
    let (v, vw) = ([1.4, 8.0], [7.6, 8.8]);
    let (u, v) = (Weighted::new(&u, &uw), Weighted::new(&v, &vw));
    close("energy", energy::distance(u, v).unwrap(), 0.880_033_409_761_582_2);
}

fn sample(user: Vec<u32>, values: Vec<f64>, users: usize, shape: Shape) -> Sample {
    let width = if shape == Shape::Vector { 2 } else { 1 };
    Sample { shape, width, values, user, users, categories: 0 }
}

#[test]
fn correlation_and_between_share_agree_with_pandas() {
    let logs = fixture().logs;
    let samples: Vec<(Sample, Sample)> = logs
        .iter()
        .map(|log| {
            let pairs = log.earlier.iter().zip(&log.later).flat_map(|(a, b)| [*a, *b]).collect();
            (
                sample(log.pair_user.clone(), pairs, log.users, Shape::Vector),
                sample(log.user.clone(), log.value.clone(), log.users, Shape::Real),
            )
        })
        .collect();
    for (log, (pairs, rows)) in logs.iter().zip(&samples) {
        close("correlation", correlation_gap::correlation(pairs).unwrap(), log.correlation);
        close("share", between_share_gap::between_share(rows).unwrap(), log.between_share);
    }
    let value = |name, p, q| find(name).unwrap().value(p, q).unwrap();
    let gap = (logs[0].correlation - logs[1].correlation).abs();
    close("correlation-gap", value("correlation-gap", &samples[0].0, &samples[1].0), gap);
    let gap = (logs[0].between_share - logs[1].between_share).abs();
    close("between-share-gap", value("between-share-gap", &samples[0].1, &samples[1].1), gap);
}

/// Lag-1 correlation and between-user share of log amounts of the whole CDNOW master log, as
/// pandas found them (printed to six decimals).
#[test]
fn real_purchases() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/cdnow/cdnow_master.csv.gz");
    let Ok(file) = std::fs::File::open(path) else {
        println!("skipped: {path} is not here");
        return;
    };
    let mut reader = csv::Reader::from_reader(flate2::read::GzDecoder::new(file));
    let mut rows: Vec<(u32, String, f64)> = reader
        .records()
        .map(|record| {
            let record = record.unwrap();
            (record[0].parse().unwrap(), record[1].to_string(), record[3].parse().unwrap())
        })
        .collect();
    assert_eq!(rows.len(), 69_659);
    rows.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    let users = 23_571;
    let (mut user, mut values, mut pair_user, mut pairs) = (vec![], vec![], vec![], vec![]);
    for (owner, _, amount) in rows.iter().filter(|row| row.2 > 0.0) {
        user.push(*owner);
        values.push(amount.ln());
    }
    for two in rows.windows(2).filter(|two| two[0].0 == two[1].0) {
        if two[0].2 > 0.0 && two[1].2 > 0.0 {
            pair_user.push(two[0].0);
            pairs.extend([two[0].2.ln(), two[1].2.ln()]);
        }
    }
    let share = between_share_gap::between_share(&sample(user, values, users, Shape::Real));
    assert!((share.as_ref().unwrap() - 0.372034).abs() < 1e-6, "{share:?}");
    let rho = correlation_gap::correlation(&sample(pair_user, pairs, users, Shape::Vector));
    assert!((rho.as_ref().unwrap() - 0.416127).abs() < 1e-6, "{rho:?}");
}
