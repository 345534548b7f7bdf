//! Discrepancies of series, sequences and paths, and stylised facts, against statsmodels, scipy,
//! SDMetrics and esig (`fixtures/sequential.py`), and on a real and a simulated market.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use serde::Deserialize;
use trueup_calibration::discrepancy::sequences::signature::signature;
use trueup_calibration::discrepancy::{DISCREPANCIES, DiscrepancyError, named};
use trueup_calibration::external::price_series;
use trueup_calibration::features;
use trueup_calibration::sample::{Sample, Shape};
use trueup_calibration::stylised;
use trueup_env::market::{Gbm, Market};
use trueup_env::{Clock, Covariates, Event, EventLog, Streams, Tick};

#[derive(Deserialize)]
struct Fixture {
    sp500: Facts,
    series: Vec<SeriesCase>,
    kinds: Vec<KindsCase>,
    msas: Vec<MsasCase>,
    paths: Vec<PathCase>,
}

#[derive(Deserialize)]
struct Facts {
    autocorrelation: Vec<f64>,
    absolute_autocorrelation: Vec<f64>,
    absolute_decay: f64,
    excess_kurtosis: f64,
    hill: f64,
    leverage: Vec<f64>,
    aggregated_kurtosis: Vec<f64>,
}

#[derive(Deserialize)]
struct SeriesCase {
    ticks: usize,
    users: usize,
    internal: Rows,
    external: Rows,
    gaps: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
struct Rows {
    user: Vec<u32>,
    values: Vec<f64>,
    weights: Vec<f64>,
}

#[derive(Deserialize)]
struct KindsCase {
    kinds: usize,
    internal: Sequences,
    external: Sequences,
    values: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
struct MsasCase {
    internal: Sequences,
    external: Sequences,
    values: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
struct PathCase {
    width: usize,
    depth: usize,
    internal: Sequences,
    external: Sequences,
    value: f64,
}

/// The numbers of each user in order.
#[derive(Deserialize)]
struct Sequences {
    rows: Vec<Vec<f64>>,
    weights: Vec<f64>,
    #[serde(default)]
    signatures: Vec<Vec<f64>>,
}

impl Sequences {
    fn sample(&self, shape: Shape, width: usize, categories: usize) -> Sample {
        let owners = self.rows.iter().zip(0..);
        Sample {
            shape,
            width,
            values: self.rows.concat(),
            user: owners.flat_map(|(r, u)| std::iter::repeat_n(u, r.len() / width)).collect(),
            users: self.rows.len(),
            categories,
        }
    }

    /// Kinds of consecutive rows.
    fn pairs(&self, kinds: usize) -> Sample {
        let pairs = |row: &Vec<f64>| row.windows(2).map(|w| w[0] * kinds as f64 + w[1]).collect();
        let pairs = Self {
            rows: self.rows.iter().map(pairs).collect(),
            weights: Vec::new(),
            signatures: Vec::new(),
        };
        pairs.sample(Shape::Category, 1, kinds * kinds)
    }
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("fixtures/sequential.json")).unwrap()
}

#[track_caller]
fn close(name: &str, found: f64, expected: f64, tolerance: f64) {
    let error = (found - expected).abs();
    assert!(error <= tolerance * (1.0 + expected.abs()), "{name}: {found}, expected {expected}");
}

fn weighted(name: &str, (p, u): (&Sample, &[f64]), (q, v): (&Sample, &[f64])) -> f64 {
    named(name).unwrap().prepare(p, q).unwrap().value(u, v).unwrap()
}

#[test]
fn gaps_of_series_agree_with_statsmodels_and_scipy() {
    for case in fixture().series {
        let sample = |rows: &Rows| Sample {
            shape: Shape::Series,
            width: 2,
            values: rows.values.clone(),
            user: rows.user.clone(),
            users: case.users,
            categories: case.ticks,
        };
        let (p, q) = (sample(&case.internal), sample(&case.external));
        for (name, expected) in &case.gaps {
            let sides = ((&p, &case.internal.weights[..]), (&q, &case.external.weights[..]));
            close(name, weighted(name, sides.0, sides.1), *expected, 1e-11);
        }
        assert!(case.gaps.len() >= 14);
    }
}

#[test]
fn what_follows_what_agrees_with_linear_algebra_and_scipy() {
    for case in fixture().kinds {
        for (name, expected) in &case.values {
            let on_pairs = name.starts_with("transition") || name.starts_with("stationary");
            let sample = |side: &Sequences| match on_pairs {
                true => side.pairs(case.kinds),
                false => side.sample(Shape::Category, 1, case.kinds),
            };
            let (p, q) = (sample(&case.internal), sample(&case.external));
            let sides = ((&p, &case.internal.weights[..]), (&q, &case.external.weights[..]));
            close(name, weighted(name, sides.0, sides.1), *expected, 1e-11);
        }
    }
}

#[test]
fn sequence_statistics_agree_with_sdmetrics() {
    for case in fixture().msas {
        let sample = |side: &Sequences| side.sample(Shape::Real, 1, 0);
        let (p, q) = (sample(&case.internal), sample(&case.external));
        assert_eq!(case.values.len(), 7);
        for (statistic, expected) in &case.values {
            let name = format!("msas(statistic={statistic})");
            let sides = ((&p, &case.internal.weights[..]), (&q, &case.external.weights[..]));
            close(&name, weighted(&name, sides.0, sides.1), *expected, 1e-12);
        }
    }
}

#[test]
fn signatures_agree_with_esig() {
    for case in fixture().paths {
        for side in [&case.internal, &case.external] {
            for (path, expected) in side.rows.iter().zip(&side.signatures) {
                let found = signature(path, case.width, case.depth);
                assert_eq!(found.len(), expected.len());
                for (found, expected) in found.iter().zip(expected) {
                    close("signature", *found, *expected, 1e-12);
                }
            }
        }
        let sample = |side: &Sequences| side.sample(Shape::Path, case.width, 0);
        let (p, q) = (sample(&case.internal), sample(&case.external));
        let name = format!("signature-mmd(depth={})", case.depth);
        let sides = ((&p, &case.internal.weights[..]), (&q, &case.external.weights[..]));
        close(&name, weighted(&name, sides.0, sides.1), case.value, 1e-12);
    }
}

fn sp500() -> Vec<f64> {
    let prices = price_series("builtin:sp500").unwrap();
    prices.windows(2).map(|pair| (pair[1].1 / pair[0].1).ln()).collect()
}

#[test]
fn facts_of_the_sp500_agree_with_statsmodels_and_scipy() {
    let (returns, facts) = (sp500(), fixture().sp500);
    let all = |name: &str, found: Vec<f64>, expected: &[f64]| {
        assert_eq!(found.len(), expected.len(), "{name}");
        found.iter().zip(expected).for_each(|(a, b)| close(name, *a, *b, 1e-10));
    };
    let curve = stylised::autocorrelation(&returns, 10).unwrap();
    all("autocorrelation", curve, &facts.autocorrelation);
    let curve = stylised::absolute_autocorrelation(&returns, 50).unwrap();
    all("absolute", curve, &facts.absolute_autocorrelation);
    all("leverage", stylised::leverage(&returns, 5).unwrap(), &facts.leverage);
    let scales = [5, 20].map(|scale| stylised::aggregated_kurtosis(&returns, scale).unwrap());
    all("aggregated", scales.to_vec(), &facts.aggregated_kurtosis);
    close("decay", stylised::absolute_decay(&returns, 50).unwrap(), facts.absolute_decay, 1e-10);
    close("kurtosis", stylised::excess_kurtosis(&returns).unwrap(), facts.excess_kurtosis, 1e-10);
    close("hill", stylised::hill(&returns, 0.05).unwrap(), facts.hill, 1e-10);
}

/// The market has each fact of Cont (2001), geometric Brownian motion has none. Bounds on the
/// latter are 4.5 standard errors (7 in a million each, 16 of them: about 1 false alarm in 9,000
/// seeds).
#[test]
fn the_sp500_has_the_stylised_facts_and_brownian_motion_has_not() {
    let market = sp500();
    let clock = Clock { tick: Tick::Day, horizon: market.len() as u32, start_day: None };
    let gbm = Gbm { mean: 0.08, volatility: 0.18 };
    let brown = gbm.log_returns(&clock, &mut Streams::new(3).stream("market", 0));
    let n = brown.len() as f64;
    let noise = 4.5 / n.sqrt();

    // Heavy tails; 1 / alpha of a normal law, measured at its 5% tail, is about 0.16.
    assert!(stylised::excess_kurtosis(&market).unwrap() > 3.0);
    assert!(stylised::excess_kurtosis(&brown).unwrap().abs() < noise * 24_f64.sqrt());
    assert!((0.2..0.5).contains(&stylised::hill(&market, 0.05).unwrap()));
    assert!(stylised::hill(&brown, 0.05).unwrap() < 0.2);
    // Volatility clusters, and the memory of it falls slowly.
    let clustered = stylised::absolute_autocorrelation(&market, 50).unwrap();
    assert!(clustered.iter().all(|c| *c > 0.1) && clustered[49] < clustered[0]);
    assert!((0.1..0.5).contains(&stylised::absolute_decay(&market, 50).unwrap()));
    let free = stylised::absolute_autocorrelation(&brown, 10).unwrap();
    assert!(free.iter().all(|c| c.abs() < noise), "{free:?}");
    // Falls raise volatility.
    assert!(stylised::leverage(&market, 5).unwrap().iter().all(|l| *l < -0.05));
    let even = stylised::leverage(&brown, 5).unwrap();
    assert!(even.iter().all(|l| l.abs() < noise), "{even:?}");
    // Sums become more normal.
    let falls = [1, 5, 20].map(|scale| stylised::aggregated_kurtosis(&market, scale).unwrap());
    assert!(falls[0] > falls[1] + 1.0 && falls[1] > falls[2] + 0.5, "{falls:?}");
    // Returns themselves have next to no memory.
    assert!(stylised::autocorrelation(&market, 10).unwrap().iter().all(|c| c.abs() < 0.06));
}

/// From log to value, on each feature that the discrepancies are made for.
#[test]
fn a_log_is_compared_with_itself_and_with_another() {
    let log = |seed: u64, rate: f64| {
        let mut events = Vec::new();
        for user in 0..60 {
            let mut stream = Streams::new(seed).stream("user", u64::from(user));
            for tick in 0..90 {
                if stream.uniform() < rate {
                    let kind =
                        u16::from(stream.uniform() < rate) + u16::from(stream.uniform() < 0.5);
                    let amount = 1.0 + 50.0 * stream.uniform();
                    events.push((user, Event { tick, kind, amount, balance: f64::NAN }));
                }
            }
        }
        let clock = Clock { tick: Tick::Day, horizon: 90, start_day: Some(9862) };
        let kinds = ["deposit", "purchase", "fee"].map(String::from).to_vec();
        let labels = (0..60).map(|user| user.to_string()).collect();
        EventLog::new(clock, kinds, labels, events, Covariates::default()).unwrap()
    };
    let (one, other) = (log(1, 0.1), log(2, 0.3));
    let metrics = [
        ("daily_count", "autocorrelation-gap"),
        ("daily_count", "weekday-profile-gap"),
        ("daily_volume", "growth-gap"),
        ("daily_volume", "kurtosis-gap"),
        ("daily_volume", "hill-gap"),
        ("daily_volume", "absolute-autocorrelation-gap"),
        ("daily_volume", "leverage-gap"),
        ("daily_volume", "aggregational-gaussianity-gap"),
        ("kind_pair", "transition-distance"),
        ("kind_pair", "stationary-gap"),
        ("kind", "dwell-gap"),
        ("kind", "ngram-divergence"),
        ("log_amount", "msas"),
        ("gap", "msas(statistic=4)"),
        ("user_path", "signature-mmd"),
    ];
    for (feature, name) in metrics {
        let feature = features::find(feature).unwrap();
        let (p, q) = (feature.sample(&one), feature.sample(&other));
        assert_eq!(named(name).unwrap().value(&p, &p), Ok(0.0), "{name}");
        assert!(named(name).unwrap().value(&p, &q).unwrap() > 0.0, "{name}");
    }
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let refused =
        |name: &str, sample: &Sample| named(name).unwrap().value(sample, sample).unwrap_err();
    let unsorted = Sample { user: vec![1, 0], ..Sample::real(vec![1.0, 2.0]) };
    for name in ["msas", "msas(statistic=4)"] {
        assert!(matches!(refused(name, &unsorted), DiscrepancyError::Mismatch(_)));
    }
    let single = Sample::real(vec![1.0, 2.0]);
    let error = refused("msas(statistic=2)", &single);
    assert!(matches!(error, DiscrepancyError::Undefined { side: "internal", .. }));
    let kinds = Sample { shape: Shape::Category, categories: 900, ..single.clone() };
    assert!(matches!(
        refused("ngram-divergence(n=6)", &Sample { categories: 1 << 20, ..kinds }),
        DiscrepancyError::Mismatch(_)
    ));
    let path = Sample { shape: Shape::Path, width: 2, user: vec![0], ..single.clone() };
    let wide = Sample { width: 40, values: vec![0.0; 40], ..path.clone() };
    assert!(matches!(refused("signature-mmd", &wide), DiscrepancyError::Mismatch(_)));
    // A path of one point stands still.
    assert_eq!(named("signature-mmd").unwrap().value(&path, &path), Ok(0.0));
    let series = Sample { shape: Shape::Series, categories: 4, ..path };
    assert!(matches!(
        refused("growth-gap", &Sample { values: vec![4.0, 1.0], ..series.clone() }),
        DiscrepancyError::Mismatch(_)
    ));
    assert!(matches!(
        refused("growth-gap", &Sample { categories: 0, ..series.clone() }),
        DiscrepancyError::Mismatch(_)
    ));
    let flat = Sample { values: vec![1.0, 0.0], ..series };
    assert!(matches!(
        refused("kurtosis-gap", &flat),
        DiscrepancyError::Undefined { side: "external", .. }
    ));
}

/// Every parameter at its ends, on samples of usual and of extreme numbers: a value of at least 0,
/// or an error, and never a panic.
#[test]
fn parameters_at_their_ends() {
    let mut random = Streams::new(9).stream("ends", 0);
    let extremes = [0.0, 1.0, -1.0, 1e-300, 1e30, -1e30, 1.0 + f64::EPSILON];
    let mut sample = |shape: Shape, wild: bool| {
        let width = if matches!(shape, Shape::Series | Shape::Path) { 2 } else { 1 };
        let user: Vec<u32> = (0..30).flat_map(|u| std::iter::repeat_n(u, u as usize % 5)).collect();
        let mut row = |column: usize| match shape {
            Shape::Category => random.below(9) as f64,
            Shape::Series if column == 0 => random.below(12) as f64,
            _ if wild => extremes[random.below(extremes.len())],
            _ => random.uniform() - 0.3,
        };
        let values =
            user.iter().flat_map(|_| (0..width).map(&mut row).collect::<Vec<_>>()).collect();
        let categories = match shape {
            Shape::Category => 9,
            Shape::Series => 12,
            _ => 0,
        };
        Sample { shape, width, values, user, users: 30, categories }
    };
    let (mut values, mut errors) = (0, 0);
    for discrepancy in DISCREPANCIES.iter().filter(|d| NEW.contains(&d.name())) {
        for parameter in discrepancy.parameters() {
            for end in [parameter.low, parameter.high] {
                let name = format!("{}({}={end})", discrepancy.name(), parameter.name);
                for wild in [false, true] {
                    let (p, q) =
                        (sample(discrepancy.shape(), wild), sample(discrepancy.shape(), wild));
                    match named(&name).unwrap().value(&p, &q) {
                        Ok(value) => {
                            assert!(value >= 0.0 && value.is_finite(), "{name}: {value}");
                            values += 1;
                        }
                        Err(DiscrepancyError::Undefined { .. }) => errors += 1,
                        Err(other) => panic!("{name}: {other}"),
                    }
                }
            }
        }
    }
    assert!(values > 40 && errors > 0, "{values} {errors}");
}

const NEW: [&str; 14] = [
    "transition-distance",
    "stationary-gap",
    "dwell-gap",
    "ngram-divergence",
    "msas",
    "signature-mmd",
    "autocorrelation-gap",
    "weekday-profile-gap",
    "growth-gap",
    "kurtosis-gap",
    "hill-gap",
    "absolute-autocorrelation-gap",
    "leverage-gap",
    "aggregational-gaussianity-gap",
];
