//! Joint terms against the calculus they come from, and against `energy-nd` over all rows.

use super::tests::{log, mean, pays, term};
use super::witness::WitnessReward;
use super::*;
use crate::discrepancy::{Discrepancy, Weighted, energy_nd::EnergyNd, wasserstein};
use crate::features;
use crate::panel::USER_VECTOR;
use crate::sample::{Sample, Shape};
use crate::statistics::joint::running_vector;
use crate::statistics::projection::{dot, mean_cosine};
use crate::statistics::{Distribution, JointStatistics};

const NAMES: [&str; 3] = ["sliced-wasserstein", "energy-nd", "mmd-features"];

/// Few enough rows that nothing is compressed.
fn internal() -> EventLog {
    log(90, 0.09, 8.0, 0.3, 1)
}

fn external() -> Statistics {
    Statistics::of(&log(400, 0.06, 11.0, 0.1, 2))
}

fn witness(terms: Vec<Term>) -> WitnessReward {
    let config = WitnessConfig { terms: Some(terms), ..WitnessConfig::default() };
    WitnessReward::new(&config, &external()).unwrap()
}

/// The vectors of a log in the columns of the statistics, as a sample.
fn vectors(joint: &JointStatistics, log: &EventLog) -> Sample {
    if joint.feature != USER_VECTOR {
        return features::find(&joint.feature).unwrap().sample(log);
    }
    let columns: Vec<_> = joint.columns.iter().map(|name| features::find(name).unwrap()).collect();
    let mut values = Vec::new();
    for user in 0..log.user_count() {
        let mut history = trueup_env::History::default();
        log.events_of(user).iter().for_each(|event| history.push(event));
        running_vector(&columns, &history, log.clock(), &mut values);
    }
    Sample {
        shape: Shape::Vector,
        width: columns.len(),
        values,
        user: (0..log.user_count() as u32).collect(),
        users: log.user_count(),
        categories: 0,
    }
}

fn standardised(joint: &JointStatistics, sample: &Sample) -> Vec<Vec<f64>> {
    let scales = joint.scales();
    let one = |row: &[f64]| {
        (0..row.len()).map(|c| (row[c] - joint.mean[c]) / scales[c]).collect::<Vec<_>>()
    };
    sample.values.chunks_exact(sample.width).map(one).collect()
}

/// E|X - Y| of weighted points.
fn mean_gap(a: &[(f64, f64)], b: &[(f64, f64)]) -> f64 {
    a.iter().map(|x| b.iter().map(|y| x.1 * y.1 * (x.0 - y.0).abs()).sum::<f64>()).sum()
}

/// The distance by its definition, when row i has a weight.
fn distance(joint: &JointStatistics, name: &str, rows: &[Vec<f64>], weights: &[f64]) -> f64 {
    let total: f64 = weights.iter().sum();
    let shares: Vec<f64> = weights.iter().map(|w| w / total).collect();
    if name == "mmd-features" {
        let fourier = &joint.fourier;
        let one = |(k, w): (usize, &Vec<f64>)| {
            let of = |f: fn(f64) -> f64| -> f64 {
                rows.iter().zip(&shares).map(|(z, share)| share * f(dot(w, z))).sum()
            };
            (of(f64::cos) - fourier.cosine[k]).powi(2) + (of(f64::sin) - fourier.sine[k]).powi(2)
        };
        let frequencies = joint.frequencies();
        let sum: f64 = frequencies.iter().enumerate().map(one).sum();
        return (sum / frequencies.len() as f64).sqrt();
    }
    let directions = joint.directions();
    let one = |(k, u): (usize, &Vec<f64>)| {
        let along: Vec<f64> = rows.iter().map(|z| dot(u, z)).collect();
        let (places, masses) = joint.projection(k, u).unwrap().points();
        if name == "sliced-wasserstein" {
            let q = Weighted::new(&places, &masses);
            return wasserstein::distance(Weighted::new(&along, &shares), q).unwrap();
        }
        let p: Vec<(f64, f64)> = along.into_iter().zip(shares.iter().copied()).collect();
        let q: Vec<(f64, f64)> = places.into_iter().zip(masses).collect();
        (2.0 * mean_gap(&p, &q) - mean_gap(&p, &p) - mean_gap(&q, &q)) / mean_cosine(u.len())
    };
    let value = directions.iter().enumerate().map(one).sum::<f64>() / directions.len() as f64;
    if name == "energy-nd" { value.sqrt() } else { value }
}

/// As for other terms: with user weights proportional to exp(eta pay), the distance falls at
/// eta = 0 at the rate Var(pay), times sqrt(D + 0.3 / users) / sqrt(D) for squares.
#[test]
fn pay_is_the_slope_of_every_joint_distance() {
    let (log, statistics) = (internal(), external());
    for feature in [USER_VECTOR, "amount_pair"] {
        let joint = statistics.joint(feature).unwrap();
        let sample = vectors(joint, &log);
        let rows = standardised(joint, &sample);
        assert!(rows.len() > 50 && rows.len() <= 256, "{}", rows.len());
        for name in NAMES {
            let mut reward = witness(vec![term(feature, name)]);
            let pays = pays(&mut reward, &log);
            let centre = mean(&pays);
            let variance = mean(&pays.iter().map(|s| (s - centre).powi(2)).collect::<Vec<_>>());
            let tilted = |eta: f64| {
                let weight = |&user: &u32| (eta * pays[user as usize]).exp();
                let weights: Vec<f64> = sample.user.iter().map(weight).collect();
                distance(joint, name, &rows, &weights)
            };
            let step = 1e-4 / variance.sqrt();
            let slope = (tilted(step) - tilted(-step)) / (2.0 * step);
            let now = tilted(0.0);
            let users = sample.users_with_rows() as f64;
            let squared = name != "sliced-wasserstein";
            let factor = if squared { (now * now + 0.3 / users).sqrt() / now } else { 1.0 };
            let expected = -variance * factor;
            assert!(variance > 0.0, "{feature} {name} pays all alike");
            assert!((slope / expected - 1.0).abs() < 5e-3, "{feature} {name}: {slope} {expected}");
            assert!((reward.discrepancy() - now).abs() < 1e-6, "{feature} {name}");
        }
    }
}

/// 64 orthogonal directions and grids of 129 quantiles against the pairwise definition over all
/// vectors of both logs.
#[test]
fn the_mean_over_directions_is_energy_nd() {
    let (real, statistics) = (log(400, 0.06, 11.0, 0.1, 2), external());
    for feature in [USER_VECTOR, "amount_pair"] {
        let joint = statistics.joint(feature).unwrap();
        let [p, q] = [&internal(), &real].map(|log| vectors(joint, log));
        let exact = EnergyNd::default().value(&p, &q).unwrap();
        let rows = standardised(joint, &p);
        let found = distance(joint, "energy-nd", &rows, &vec![1.0; rows.len()]).powi(2);
        assert!((found / exact - 1.0).abs() < 0.1, "{feature}: {found} {exact}");
    }
}

/// A user vector's pay is a function of where it ends.
#[test]
fn pay_on_user_vectors_telescopes() {
    let log = internal();
    for name in NAMES {
        let payment = witness(vec![term(USER_VECTOR, name)]).refit(&log).unwrap();
        let same_tick = |pair: &[trueup_env::Event]| pair[0].tick == pair[1].tick;
        let mut events = (0..log.user_count()).map(|user| log.events_of(user));
        let mut own = events.find(|own| own.windows(2).any(same_tick)).unwrap().to_vec();
        let of = |events: &[trueup_env::Event]| {
            let mut pays = Vec::new();
            payment.user(&[], events, &mut pays) + pays.iter().sum::<f64>()
        };
        let whole = of(&own);
        // Another order within a tick leads to the same vector.
        let at = own.windows(2).position(same_tick).unwrap();
        own.swap(at, at + 1);
        assert!((of(&own) - whole).abs() < 1e-9 * (1.0 + whole.abs()), "{name}");
        assert_eq!(of(&[]), 0.0);
    }
}

#[test]
fn joint_terms_stand_beside_others_and_are_remembered() {
    let logs = [internal(), log(90, 0.03, 20.0, 0.0, 9), log(90, 0.05, 9.0, 0.2, 10)];
    let mut terms: Vec<Term> = NAMES.iter().map(|name| term(USER_VECTOR, name)).collect();
    terms.push(term("gap", "cramer-von-mises"));
    terms.extend(NAMES.iter().map(|name| term("amount_pair", name)));
    let (mut first, mut second) = (witness(terms.clone()), witness(terms.clone()));
    assert_eq!(first.terms().len(), 7);
    second.restore(&first.state()).unwrap();
    first.pay(&logs[0]).unwrap();
    first.pay(&logs[1]).unwrap();
    second.restore(&first.state()).unwrap();
    let [a, b] = [&mut first, &mut second].map(|reward| reward.pay(&logs[2]).unwrap());
    assert!(a.events.iter().any(|pay| *pay != 0.0) && a == b);
    assert_eq!(first.state(), second.state());
    let state = first.state();
    for cut in (0..state.len()).step_by(997) {
        assert!(second.restore(&state[..cut]).is_err(), "{cut}");
    }
    // Memory is part of what is paid.
    let mut fresh = witness(terms);
    assert_ne!(fresh.pay(&logs[2]).unwrap(), a);
    let nobody = log(40, 0.0, 1.0, 0.0, 3);
    let pay = witness(vec![term(USER_VECTOR, "energy-nd")]).pay(&nobody).unwrap();
    assert!(pay.events.is_empty());
}

#[test]
fn what_is_missing_is_said_with_a_remedy() {
    let said = |terms: Vec<Term>, statistics: &Statistics| {
        let config = WitnessConfig { terms: Some(terms), ..WitnessConfig::default() };
        WitnessReward::new(&config, statistics).err().unwrap().to_string()
    };
    let old = Statistics { joint: Vec::new(), ..external() };
    let message = said(vec![term(USER_VECTOR, "energy-nd")], &old);
    assert!(message.contains("trueup describe"), "{message}");
    let twice = vec![term(USER_VECTOR, "mmd-features"); 2];
    assert!(said(twice, &external()).contains("stands twice"));
    let negative = Term { weight: -1.0, ..term("amount_pair", "mmd-features") };
    assert!(said(vec![negative], &external()).contains("-1"));
}

/// Correlations, means and standard deviations by hand: columns x and 2 x, and one without spread.
#[test]
fn moments_of_pairs_are_those_of_the_pair_form() {
    let statistics = external();
    let joint = statistics.joint("amount_pair").unwrap();
    let Form::Pair { mean, sd, correlation } = &statistics.feature("amount_pair").unwrap().form
    else {
        unreachable!()
    };
    for side in 0..2 {
        assert!((joint.mean[side] - mean[side]).abs() < 1e-12);
        assert!((joint.sd[side] - sd[side]).abs() < 1e-12);
        assert_eq!(joint.correlation[side][side], 1.0);
        assert!((joint.correlation[side][1 - side] - correlation).abs() < 1e-9);
    }
    // Along a direction, the variance follows from the correlations, and so does the grid's.
    for (k, u) in joint.directions().iter().enumerate() {
        let law = joint.projection(k, u).unwrap();
        let wide = Distribution::of(&law.quantiles).unwrap().sd;
        assert!((wide / law.sd - 1.0).abs() < 0.05, "{k}: {wide} {}", law.sd);
    }
}
