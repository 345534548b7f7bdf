//! Marginal discrepancies against scipy, POT and SDMetrics (`fixtures/marginal.py`).

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use serde::Deserialize;
use trueup_calibration::discrepancy::{Prepared, named};
use trueup_calibration::sample::{Sample, Shape};

#[derive(Deserialize)]
struct Fixture {
    pairs: Vec<Pair>,
    categories: Vec<Kinds>,
    placements: Vec<Column>,
}

#[derive(Deserialize)]
struct Pair {
    name: String,
    u: Vec<f64>,
    v: Vec<f64>,
    u_weights: Option<Vec<f64>>,
    v_weights: Option<Vec<f64>>,
    values: BTreeMap<String, f64>,
    bins: BTreeMap<String, Divergences>,
}

#[derive(Deserialize)]
struct Kinds {
    name: String,
    u: Vec<f64>,
    v: Vec<f64>,
    u_weights: Option<Vec<f64>>,
    v_weights: Option<Vec<f64>>,
    categories: usize,
    divergences: Divergences,
    category_shortfall: f64,
}

/// None where an empty cell makes it infinite.
type Divergences = BTreeMap<String, Option<f64>>;

#[derive(Deserialize)]
struct Column {
    name: String,
    internal: Vec<f64>,
    external: Vec<f64>,
    categories: usize,
    complement: f64,
    coverage: f64,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("fixtures/marginal.json")).unwrap()
}

#[track_caller]
fn close(name: &str, found: f64, expected: f64) {
    let error = (found - expected).abs();
    assert!(error <= 1e-12 * (1.0 + expected.abs()), "{name}: {found}, expected {expected}");
}

fn sample(values: &[f64], categories: usize) -> Sample {
    let shape = if categories > 0 { Shape::Category } else { Shape::Real };
    Sample { shape, categories, ..Sample::real(values.to_vec()) }
}

/// The metric under weights, which are equal where none are given.
fn value(
    metric: &str,
    (u, v): (&Sample, &Sample),
    given: (&Option<Vec<f64>>, &Option<Vec<f64>>),
) -> Option<f64> {
    let discrepancy = named(metric).unwrap();
    let prepared: Box<dyn Prepared> = discrepancy.prepare(u, v).unwrap();
    let weights = |given: &Option<Vec<f64>>, sample: &Sample| {
        given.clone().unwrap_or(vec![1.0; sample.users])
    };
    prepared.value(&weights(given.0, u), &weights(given.1, v))
}

#[test]
fn real_numbers() {
    let mut compared = 0;
    for pair in fixture().pairs {
        let (u, v) = (sample(&pair.u, 0), sample(&pair.v, 0));
        for (metric, expected) in &pair.values {
            let found = value(metric, (&u, &v), (&pair.u_weights, &pair.v_weights));
            close(&format!("{metric} of {}", pair.name), found.unwrap(), *expected);
            compared += 1;
        }
    }
    assert_eq!(compared, 13 * 13);
}

/// `psi`, or `psi-categories`, with this smoothing, and more parameters.
fn divergence(key: &str, ending: &str, parameters: &str) -> String {
    let (name, smoothing) = match key.strip_suffix("_smoothed") {
        Some(name) => (name, 0.001),
        None => (key, 0.0),
    };
    let name = name.replace('_', "-");
    format!("{name}{ending}(smoothing={smoothing}{parameters})")
}

#[test]
fn divergences_of_bins() {
    let mut finite = 0;
    for pair in fixture().pairs {
        let (u, v) = (sample(&pair.u, 0), sample(&pair.v, 0));
        for (bins, divergences) in &pair.bins {
            for (key, expected) in divergences {
                let ending = if key.starts_with("total_variation") { "-binned" } else { "" };
                let metric = divergence(key, ending, &format!(", bins={bins}"));
                let found = value(&metric, (&u, &v), (&pair.u_weights, &pair.v_weights));
                let name = format!("{metric} of {}", pair.name);
                assert_eq!(found.is_some(), expected.is_some(), "{name}");
                close(&name, found.unwrap_or(0.0), expected.unwrap_or(0.0));
                finite += usize::from(expected.is_some());
            }
        }
    }
    assert!(finite > 13 * 2 * 13, "{finite}");
}

#[test]
fn divergences_of_categories() {
    for kinds in fixture().categories {
        let (u, v) = (sample(&kinds.u, kinds.categories), sample(&kinds.v, kinds.categories));
        let measure = |metric: &str| value(metric, (&u, &v), (&kinds.u_weights, &kinds.v_weights));
        for (key, expected) in &kinds.divergences {
            let metric = match key.as_str() {
                "total_variation" => "total-variation".into(),
                "total_variation_smoothed" => continue,
                _ => divergence(key, "-categories", ""),
            };
            let (found, name) = (measure(&metric), format!("{metric} of {}", kinds.name));
            assert_eq!(found.is_some(), expected.is_some(), "{name}");
            close(&name, found.unwrap_or(0.0), expected.unwrap_or(0.0));
        }
        close(&kinds.name, measure("category-shortfall").unwrap(), kinds.category_shortfall);
    }
}

/// The demo of SDMetrics: its complements and coverages, some of them as its guide prints them.
#[test]
fn student_placements() {
    let printed = [
        ("second_perc", 0.897_674_418_604_651_1),
        ("work_experience", 0.995_348_837_209_302_3),
        ("degree_type", 0.939_534_883_720_930_2),
    ];
    let mut seen = 0;
    for column in fixture().placements {
        let internal = sample(&column.internal, column.categories);
        let external = sample(&column.external, column.categories);
        let metrics = match column.categories {
            0 => ["kolmogorov-smirnov", "range-shortfall"],
            _ => ["total-variation", "category-shortfall"],
        };
        let [distance, shortfall] =
            metrics.map(|metric| named(metric).unwrap().value(&internal, &external).unwrap());
        close(&column.name, 1.0 - distance, column.complement);
        close(&column.name, 1.0 - shortfall, column.coverage);
        for (_, expected) in printed.iter().filter(|(name, _)| *name == column.name) {
            close(&column.name, 1.0 - distance, *expected);
            seen += 1;
        }
    }
    assert_eq!(seen, 3);
}

/// Event counts with ties, five users against four. With m the pooled steps: F - G is 1/5, -1/20,
/// -3/10, -3/10, -11/20 and -2/5 on [1,2), [2,3) ... so the area of |F - G| is 1.85, that of its
/// square .6175; numpy and scipy say the same, and .342987 for Anderson-Darling.
#[test]
fn ties_in_tiny_samples() {
    let counts = [[1.0, 3.0, 6.0, 8.0, 8.0].to_vec(), [2.0, 3.0, 4.0, 6.0].to_vec()];
    // Variances (n) of the two.
    let variances: [f64; 2] = [7.76, 2.1875];
    let samples = counts.map(Sample::real);
    for (p, q, variance) in [(0, 1, variances[1]), (1, 0, variances[0])] {
        let value = |name: &str| named(name).unwrap().value(&samples[p], &samples[q]).unwrap();
        let sd = variance.sqrt();
        for (name, expected) in [
            ("kolmogorov-smirnov", 0.4),
            ("wasserstein-1", 1.85 / sd),
            ("cramer-von-mises", 0.6175 / sd),
            ("energy", (2.0 * 0.6175 / sd).sqrt()),
            ("mean-gap", 1.45 / sd),
        ] {
            assert!((value(name) - expected).abs() < 1e-14, "{name} {p}: {}", value(name));
        }
        assert!((value("anderson-darling") - 0.342_987_315).abs() < 1e-9);
    }
}
