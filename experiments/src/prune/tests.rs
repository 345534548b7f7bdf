//! Decisions of Optuna's pruners on recorded curves, and what can be counted by hand.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Curve, Halving, Median};

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

/// Asked when all have come to a rung: Hyperband's largest bracket with 81 steps and eta 3 (Li and
/// others 2018, table 1) has 81 trials at 1 step, 27 at 3, 9 at 9, 3 at 27, 1 at 81.
#[test]
fn in_lockstep_the_counts_are_those_of_the_published_table() {
    let rule = Halving { first: 1, eta: 3, startup: 0 };
    let value = |trial: usize| ((trial * 31) % 81) as f64;
    let mut curves: Vec<Vec<(u64, f64)>> = vec![Vec::new(); 81];
    let mut running: Vec<usize> = (0..81).collect();
    let mut counts = vec![running.len()];
    for rung in [1, 3, 9, 27] {
        running.iter().for_each(|&trial| curves[trial].push((rung, value(trial))));
        let goes_on = |&trial: &usize| {
            let others = curves.iter().enumerate().filter(|(other, _)| *other != trial);
            let others: Vec<&Curve> = others.map(|(_, curve)| curve.as_slice()).collect();
            !rule.prunes(&curves[trial], &others)
        };
        running = running.iter().copied().filter(goes_on).collect();
        counts.push(running.len());
    }
    assert_eq!(counts, [81, 27, 9, 3, 1]);
    assert_eq!(value(running[0]), 0.0);
}
