//! What holds for every discrepancy of the registry, on random samples.

#![allow(clippy::unwrap_used)]

mod checks;
mod joint;
mod rows;

use checks::{expanded, refused, shuffled, whole_weights};
use rand::RngExt;
use trueup_calibration::discrepancy::{
    DISCREPANCIES, Discrepancy, DiscrepancyError, Weighted, find, lookup,
};
use trueup_calibration::sample::{Sample, Shape};
use trueup_env::random::{Stream, Streams};

/// A square, so that categories can be pairs of kinds.
const CATEGORIES: usize = 9;
const TICKS: usize = 8;

/// They look at a part of the distributions alone, which may agree where the rest differs.
const OF_A_PART: [&str; 5] =
    ["quantile-gap", "tail-gap", "range-shortfall", "out-of-range", "category-shortfall"];

/// The root of what their witness is the first variation of.
const ROOTS: [&str; 4] = ["energy", "wasserstein-2", "hellinger", "hellinger-categories"];

/// Where F = G, as on both sides of all values, they have a kink.
const KINKED_OUTSIDE: [&str; 3] = ["wasserstein-1", "kolmogorov-smirnov", "kuiper"];

/// They standardise by all external rows, whatever their weights, and stop at a tolerance or keep
/// distances as f32: `joint.rs` has their tests.
const JOINT: [&str; 6] = [
    "energy-nd",
    "mmd",
    "mmd-features",
    "sliced-wasserstein",
    "max-sliced-wasserstein",
    "sinkhorn",
];

fn registry() -> impl Iterator<Item = &'static dyn Discrepancy> {
    DISCREPANCIES.iter().copied().filter(|discrepancy| !JOINT.contains(&discrepancy.name()))
}

/// These look at balls around rows: they are 0 where supports are equal, collapsed or not, and a user
/// of weight 2 is not two neighbours at distance 0.
const OF_SUPPORTS: [&str; 4] =
    ["precision-shortfall", "recall-shortfall", "density-gap", "coverage-shortfall"];

/// Cells are those of all external rows, whatever their weights.
const OF_FIXED_CELLS: [&str; 1] = ["contingency-distance"];

fn stream(purpose: &str, case: u64) -> Stream {
    Streams::new(7).stream(purpose, case)
}

fn categories(shape: Shape) -> usize {
    match shape {
        Shape::Category => CATEGORIES,
        Shape::Series => TICKS,
        _ => 0,
    }
}

/// Rows of `users` users, 0 to 5 each and at least 2 for the first two; every other case has many
/// ties.
fn random_sample(shape: Shape, users: usize, case: u64, random: &mut Stream) -> Sample {
    let width = if matches!(shape, Shape::Real | Shape::Category) { 1 } else { 2 };
    let categories = categories(shape);
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
                    values.push([0.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0][random.random_range(0..7)])
                }
                Shape::Vector | Shape::Path => {
                    values.extend([value, 0.5 * value + random.random::<f64>()]);
                }
                Shape::Series => {
                    values.extend([random.random_range(0..TICKS) as f64, 1.0 + value.abs()]);
                }
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

/// Absolute values, which have a kink at 0.
const ABSOLUTE: [&str; 4] = ["mean-gap", "sd-gap", "skewness-gap", "tail-gap"];

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
            let partial = OF_A_PART.contains(&discrepancy.name())
                || OF_SUPPORTS.contains(&discrepancy.name());
            let positive = partial || value > 1e-9;
            assert!(positive && value >= 0.0 && value.is_finite(), "{name}: {value}");
        }
    }
}

#[test]
fn symmetric_where_it_is_claimed() {
    for discrepancy in registry().filter(|discrepancy| discrepancy.symmetric()) {
        let name = discrepancy.name();
        assert_eq!(discrepancy.unit(), "", "{name}: a value in external units is not symmetric");
        for case in 0..20 {
            let (internal, external) = pair(discrepancy, case);
            let other_way = discrepancy.value(&external, &internal).unwrap();
            close(name, discrepancy.value(&internal, &external).unwrap(), other_way);
        }
    }
}

#[test]
fn the_order_of_rows_does_not_matter_where_none_is_claimed() {
    for discrepancy in registry().filter(|discrepancy| !discrepancy.ordered()) {
        for case in 0..20 {
            let (internal, external) = pair(discrepancy, case);
            let mut random = stream("shuffle", case);
            let other = (shuffled(&internal, &mut random), shuffled(&external, &mut random));
            let expected = discrepancy.value(&internal, &external).unwrap();
            close(discrepancy.name(), discrepancy.value(&other.0, &other.1).unwrap(), expected);
        }
    }
}

#[test]
fn weights_count_users_as_often() {
    let exempt = |name: &str| OF_SUPPORTS.contains(&name) || OF_FIXED_CELLS.contains(&name);
    for discrepancy in registry().filter(|discrepancy| !exempt(discrepancy.name())) {
        for case in 0..40 {
            let (internal, external) = pair(discrepancy, case);
            let prepared = discrepancy.prepare(&internal, &external).unwrap();
            let mut random = stream("weights", case);
            let p = whole_weights(internal.users, &mut random);
            let q = whole_weights(external.users, &mut random);
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

#[test]
fn many_weightings_are_measured_as_if_alone() {
    for discrepancy in registry() {
        let (pair, mut random) = (pair(discrepancy, 3), stream("many weights", 3));
        checks::many_weightings_as_if_alone(discrepancy.name(), discrepancy, &pair, &mut random);
    }
}

#[test]
fn no_weight_no_value() {
    for discrepancy in registry() {
        checks::no_weight_no_value(discrepancy.name(), discrepancy, &pair(discrepancy, 0));
    }
}

#[test]
fn bad_samples_are_errors() {
    for discrepancy in registry() {
        let pair = pair(discrepancy, 0);
        checks::bad_samples_are_errors(discrepancy, &pair);
        let (internal, external) = &pair;
        let other = if internal.shape == Shape::Real { Shape::Category } else { Shape::Real };
        let error = refused(discrepancy, &Sample { shape: other, ..internal.clone() }, external);
        assert!(matches!(error, DiscrepancyError::WrongShape { .. }), "{error}");
        if internal.shape == Shape::Category {
            refused(discrepancy, &Sample { categories: 2, ..internal.clone() }, external);
            refused(discrepancy, &Sample { categories: 16, ..internal.clone() }, external);
        }
    }
}

#[test]
fn an_external_sample_without_spread() {
    for discrepancy in registry() {
        let (internal, mut external) = pair(discrepancy, 0);
        // A mean of 0.1 is not exact: rounding must not pass for spread.
        let whole = matches!(external.shape, Shape::Category | Shape::Series);
        let value = if whole { 0.0 } else { 0.1 };
        external.values.fill(value);
        let found = discrepancy.value(&internal, &external);
        match discrepancy.name() {
            "kolmogorov-smirnov" | "total-variation" => assert!(found.unwrap() > 0.0),
            _ if discrepancy.unit() == "external sd" => {
                let error =
                    DiscrepancyError::Constant { discrepancy: discrepancy.name(), value: 0.1 };
                assert_eq!(found, Err(error));
            }
            name => match found {
                Ok(value) => assert!(value >= 0.0 && value.is_finite(), "{name}: {value}"),
                Err(DiscrepancyError::Undefined { .. } | DiscrepancyError::Constant { .. }) => {}
                Err(other) => panic!("{name}: {other}"),
            },
        }
        // The other way round it is a simulation that has collapsed, and has a value.
        let collapsed = discrepancy.value(&external, &internal).unwrap();
        let name = discrepancy.name();
        let partial = OF_A_PART.contains(&name) || OF_SUPPORTS.contains(&name);
        assert!(collapsed > 0.0 || (partial && collapsed >= 0.0), "{name}: {collapsed}");
    }
}

#[test]
fn extreme_values_never_give_nan() {
    for discrepancy in registry().filter(|discrepancy| discrepancy.shape() != Shape::Category) {
        for case in 0..300 {
            let (pair, random) = (pair(discrepancy, case), &mut stream("extremes", case));
            checks::extreme_values_never_give_nan(discrepancy.name(), discrepancy, pair, random);
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
                Weighted::new(values, weights)
            };
            let found = discrepancy.weighted_value(points("internal"), points("external"));
            let Some(found) = found else { continue };
            let sample = |points: &(Vec<f64>, Vec<f64>)| Sample {
                shape: discrepancy.shape(),
                categories: categories(discrepancy.shape()),
                ..Sample::real(points.0.clone())
            };
            let (internal, external) = (sample(&p), sample(&q));
            let prepared = discrepancy.prepare(&internal, &external).unwrap();
            let value = prepared.value(&p.1, &q.1).unwrap();
            let square = ROOTS.contains(&discrepancy.name());
            close(discrepancy.name(), found.unwrap(), if square { value * value } else { value });
            seen += 1;
        }
    }
    assert!(seen >= 29 * 20, "{seen}");
}

/// Mixing mass eps at x into P changes D by `-eps (w(x) - E_P w)` to first order: long steps suit
/// where sums lose digits, short ones next to empty cells, where the slope changes quickly. What
/// has a kink left and right of all values is tested between them, an absolute value not at 0. What
/// has a smoothing is smoothed, as without it the slope is infinite in empty cells.
#[test]
fn witnesses_are_first_variations() {
    let mut with_witness = 0;
    for discrepancy in registry().filter(|discrepancy| discrepancy.shape() != Shape::Vector) {
        let discrepancy = lookup::named_with(discrepancy.name(), &[("smoothing", 0.01)]).unwrap();
        let (mut largest, mut cases) = (0.0_f64, 0);
        for case in 0..30 {
            let mut random = stream("witness", case);
            let (values, weights) = random_points(discrepancy.shape(), case, &mut random);
            let external = random_points(discrepancy.shape(), case, &mut random);
            let total: f64 = weights.iter().sum();
            let q = Weighted::new(&external.0, &external.1);
            let p = Weighted::new(&values, &weights);
            let Some(witness) = discrepancy.witness(p, q) else { continue };
            let witness = witness.unwrap();
            cases += 1;
            let paid_now = values.iter().zip(&weights).map(|(x, weight)| weight * witness.at(*x));
            let mean = paid_now.sum::<f64>() / total;
            let mixed = |x: f64, eps: f64| {
                let mut values = values.clone();
                let mut weights: Vec<f64> =
                    weights.iter().map(|weight| (1.0 - eps) * weight / total).collect();
                values.push(x);
                weights.push(eps);
                let p = Weighted::new(&values, &weights);
                discrepancy.weighted_value(p, q).unwrap().unwrap()
            };
            let now = mixed(values[0], 0.0);
            if now == 0.0 && ABSOLUTE.contains(&discrepancy.name()) {
                continue;
            }
            let places: Vec<f64> = match discrepancy.shape() {
                Shape::Category => (0..CATEGORIES).map(|k| k as f64).collect(),
                _ => vec![values[0], external.0[0], -1.5, 0.0, 0.37, 0.81, 1.9, 2.6, 5.0],
            };
            let all = || values.iter().chain(&external.0).copied();
            let (first, last) =
                (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
            let kinked =
                |x: f64| KINKED_OUTSIDE.contains(&discrepancy.name()) && (x < first || x > last);
            for x in places.into_iter().filter(|&x| !kinked(x)) {
                // Two step lengths, so that what is left of the slope is of third order.
                let now = mixed(x, 0.0);
                let slope = |eps: f64| {
                    (4.0 * (mixed(x, eps) - now) - (mixed(x, 2.0 * eps) - now)) / (2.0 * eps)
                };
                let expected = -(witness.at(x) - mean);
                let name = discrepancy.name();
                let slopes = [1e-6, 1e-8].map(slope);
                let error = slopes.map(|slope| (slope - expected).abs());
                assert!(
                    error[0].min(error[1]) < 1e-6 * (1.0 + expected.abs()),
                    "{name} case {case} at {x}: slopes {slopes:?}, expected {expected}"
                );
                largest = largest.max(expected.abs());
            }
        }
        assert!(cases == 0 || largest > 0.1, "{} pays nothing", discrepancy.name());
        with_witness += usize::from(cases > 0);
    }
    assert!(with_witness >= 28, "{with_witness}");
}
