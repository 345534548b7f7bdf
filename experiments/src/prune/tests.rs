//! Decisions of Optuna's pruners on recorded curves, and what can be counted by hand.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Curve, Halving, Median, rungs, survivors};

type Event = (usize, Option<u64>, Option<f64>, bool);

#[derive(Deserialize)]
struct Fixture {
    median: Vec<MedianCase>,
    halving: Vec<HalvingCase>,
}

#[derive(Deserialize)]
struct MedianCase {
    startup: usize,
    warmup: u64,
    interval: u64,
    least: usize,
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct HalvingCase {
    first: u64,
    eta: u64,
    startup: usize,
    events: Vec<Event>,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../../tests/fixtures/prune.json")).unwrap()
}

/// Goes along the events and compares each decision; gives how many trials were pruned. `prunes`
/// sees the own curve, the curves of finished trials, and those of all others.
fn compare(events: &[Event], prunes: impl Fn(&Curve, &[&Curve], &[&Curve]) -> bool) -> usize {
    let mut curves: BTreeMap<usize, Vec<(u64, f64)>> = BTreeMap::new();
    let (mut finished, mut pruned) = (Vec::new(), 0);
    for &(trial, step, value, expected) in events {
        let (Some(step), Some(value)) = (step, value) else {
            finished.push(trial);
            continue;
        };
        curves.entry(trial).or_default().push((step, value));
        let done: Vec<&Curve> = finished.iter().map(|trial| curves[trial].as_slice()).collect();
        let others = curves.iter().filter(|(other, _)| **other != trial);
        let others: Vec<&Curve> = others.map(|(_, curve)| curve.as_slice()).collect();
        assert_eq!(prunes(&curves[&trial], &done, &others), expected, "trial {trial}, step {step}");
        pruned += usize::from(expected);
    }
    pruned
}

#[test]
fn the_median_rule_decides_as_optuna_does() {
    for MedianCase { startup, warmup, interval, least, events } in fixture().median {
        let rule = Median { startup, warmup, interval, least };
        let pruned = compare(&events, |own, finished, _| rule.prunes(own, finished));
        assert!((3..22).contains(&pruned), "{pruned}");
    }
}

#[test]
fn successive_halving_decides_as_optuna_does() {
    for HalvingCase { first, eta, startup, events } in fixture().halving {
        let rule = Halving { first, eta, startup };
        let pruned = compare(&events, |own, _, others| rule.prunes(own, others));
        // Some trials go on beyond the first rung.
        let far = events.iter().any(|event| event.1 > Some(first) && !event.3);
        assert!(pruned > 2 && far, "{pruned}");
    }
}

#[test]
fn what_is_no_number_stops_and_nothing_panics() {
    let bad: &Curve = &[(1, 1.0), (2, f64::NAN)];
    assert!(Median::default().prunes(bad, &[]));
    assert!(Halving::default().prunes(bad, &[]));
    assert!(!Median::default().prunes(&[], &[bad]));
    assert!(!Halving::default().prunes(&[], &[bad]));
    let zero = Halving { first: 0, eta: 0, startup: 0 };
    assert!(!zero.prunes(&[(u64::MAX, 1.0)], &[bad, &[]]));
    let zero = Median { startup: 0, warmup: u64::MAX, interval: 0, least: 0 };
    assert!(!zero.prunes(&[(3, 1.0)], &[bad]));
    // Only numbers count: the one trial that has one is better.
    let rule = Median { startup: 0, warmup: 0, interval: 0, least: 0 };
    assert!(rule.prunes(&[(2, 1.0)], &[bad, &[(2, 0.5)]]));
}

/// Three rungs are passed by one report: 1, 4 and 16.
#[test]
fn a_report_may_pass_more_than_one_rung() {
    let rule = Halving::default();
    let good: &Curve = &[(1, 0.5), (16, 0.1)];
    assert!(rule.prunes(&[(20, 0.6)], &[good]));
    assert!(!rule.prunes(&[(20, 0.05)], &[good]));
    // Better at the first rung, not at the third.
    assert!(rule.prunes(&[(20, 0.3)], &[good]));
    assert!(!rule.prunes(&[(3, 0.3)], &[good]));
    // Between two rungs nothing is asked.
    assert!(!rule.prunes(&[(1, 0.3), (3, 9.0)], &[good]));
}

/// Rungs of Hyperband's largest bracket with 81 steps and eta 3 (Li and others 2018, table 1):
/// 81 trials at 1 step, 27 at 3, 9 at 9, 3 at 27, 1 at 81.
#[test]
fn rungs_and_survivors_are_those_of_the_published_table() {
    let steps = rungs(1, 81, 3);
    assert_eq!(steps, [1, 3, 9, 27, 81]);
    let mut trials: Vec<Option<f64>> = (0..81).map(|i| Some(f64::from((i * 31) % 81))).collect();
    let mut counts = Vec::new();
    for _ in &steps {
        counts.push(trials.len());
        trials = survivors(&trials, 3).into_iter().map(|at| trials[at]).collect();
    }
    assert_eq!(counts, [81, 27, 9, 3, 1]);
    assert_eq!(trials, [Some(0.0)]);
}

#[test]
fn rungs_and_survivors_take_anything() {
    assert_eq!(rungs(2, 10, 2), [2, 4, 8, 10]);
    assert_eq!(rungs(5, 5, 2), [5]);
    assert!(rungs(0, 5, 2).is_empty() && rungs(6, 5, 2).is_empty() && rungs(1, 5, 1).is_empty());
    assert_eq!(rungs(1, u64::MAX, u64::MAX), [1, u64::MAX]);
    let nan = Some(f64::NAN);
    assert_eq!(survivors(&[None, Some(2.0), nan, Some(1.0), Some(1.0), None], 2), [1, 3, 4]);
    assert_eq!(survivors(&[Some(2.0), Some(1.0), Some(1.0)], 3), [1]);
    assert_eq!(survivors(&[Some(2.0), Some(1.0)], 0), [0, 1]);
    assert!(survivors(&[], 2).is_empty() && survivors(&[None, nan], 2).is_empty());
}
