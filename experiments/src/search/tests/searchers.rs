//! Searches: what a proposal depends on, and whether it is worth more than chance.

use trueup_env::random::Streams;

use super::benchmark::{difference, problems, regret, space};
use super::{Search, Told};
use crate::search::cmaes::State;

fn only(text: &str) -> Search {
    let all = super::space(text).unwrap().searches(&Streams::new(1));
    assert_eq!(all.len(), 1);
    all.into_iter().next().unwrap()
}

const MIXED: &str = "\"k\" = [\"a\", \"b\"]\n\"r\" = { low = 0, high = 1, when = { \"k\" = \"b\" } }\n\
    \"n\" = { low = 1, high = 9, integer = true }\n";

fn group(head: &str, axes: &str) -> String {
    format!("[[sweep.groups]]\n{head}\n[sweep.groups.axes]\n{axes}\n")
}

/// Searches to the end; the objective is a number that only the values decide, one in five fails.
fn run(search: &Search, streams: &Streams) -> Vec<Told> {
    let mut history: Vec<Told> = Vec::new();
    loop {
        let batch = search.propose(&history, streams);
        if batch.is_empty() {
            return history;
        }
        for assignment in batch {
            let number = Streams::new(3).stream(&assignment.key(), 0).uniform();
            let objective = (number < 0.8).then_some(number);
            history.push(Told { assignment, objective });
        }
    }
}

#[test]
fn proposals_depend_on_seed_and_whole_batches_alone() {
    let numbers = "\"x\" = { low = 0, high = 1 }\n\"n\" = { low = 1, high = 99, integer = true }\n";
    for text in [
        group("kind = \"tpe\"\nbudget = 30\nbatch = 4\nstartup = 6", MIXED),
        group("kind = \"cmaes\"\nbudget = 30\npopulation = 7", numbers),
    ] {
        let (search, streams) = (only(&text), Streams::new(1));
        let history = run(&search, &streams);
        assert_eq!((history.len(), search.budget()), (30, 30));
        assert_eq!(run(&search, &streams), history);
        assert_ne!(run(&search, &Streams::new(2)), history);
        let batch = search.batch();
        for told in 0..30 {
            let start = told / batch * batch;
            let expected: Vec<_> =
                history[start..].iter().take(batch).map(|told| told.assignment.clone()).collect();
            assert_eq!(search.propose(&history[..told], &streams), expected, "after {told}");
        }
    }
}

/// 2 values of `k`, `r` only beside one of them, nine of `n`: values of `n` and `k = "a"` are nine.
#[test]
fn tpe_tries_nothing_twice_while_there_is_something_new() {
    let text = group("kind = \"tpe\"\nbudget = 40", MIXED);
    let history = run(&only(&text), &Streams::new(1));
    let keys = |history: &[Told]| -> std::collections::BTreeSet<String> {
        history.iter().map(|told| told.assignment.key()).collect()
    };
    assert_eq!(keys(&history).len(), 40);
    let small =
        group("kind = \"tpe\"\nbudget = 20", "\"k\" = [\"a\", \"b\", \"c\"]\n\"l\" = [1, 2, 3]\n");
    let history = run(&only(&small), &Streams::new(1));
    assert_eq!((keys(&history[..9]).len(), history.len()), (9, 20));
}

#[test]
fn values_stay_inside_their_domains() {
    let numbers = "\"x\" = { low = 1e-5, high = 1e-2, scale = \"log\" }\n\
        \"n\" = { low = 1, high = 3, integer = true }\n";
    for head in ["kind = \"tpe\"\nbudget = 100", "kind = \"cmaes\"\nbudget = 100\nsigma = 1.0"] {
        for told in run(&only(&group(head, numbers)), &Streams::new(1)) {
            let x = told.assignment.get("x").unwrap().as_float().unwrap();
            let n = told.assignment.get("n").unwrap().as_integer().unwrap();
            assert!((1e-5..=1e-2).contains(&x) && (1..=3).contains(&n));
        }
    }
}

#[test]
fn every_combination_of_the_other_groups_is_searched_by_itself() {
    let text = group("kind = \"grid\"", "\"m\" = [\"a\", \"b\", \"c\"]")
        + &group(
            "kind = \"tpe\"\nbudget = 5",
            "\"x\" = { low = 0, high = 1, when = { \"m\" = [\"a\", \"b\"] } }",
        );
    let (space, streams) = (super::space(&text).unwrap(), Streams::new(1));
    assert!(space.expand(&streams).is_empty());
    let searches = space.searches(&streams);
    let methods = |search: &Search| search.fixed().get("m").cloned();
    assert_eq!(
        searches.iter().map(methods).collect::<Vec<_>>(),
        ["a", "b", "c"].map(|m| Some(m.into()))
    );
    // Beside `c` nothing is searched: one trial.
    assert_eq!(searches.iter().map(Search::budget).collect::<Vec<_>>(), [5, 5, 1]);
    for search in &searches {
        let history = run(search, &streams);
        assert_eq!(history.len(), search.budget());
        for told in history {
            assert_eq!(told.assignment.get("m").cloned(), methods(search));
            assert_eq!(told.assignment.get("x").is_some(), search.budget() > 1);
        }
    }
}

#[test]
fn a_search_without_any_success_goes_on() {
    for head in ["kind = \"tpe\"\nbudget = 40", "kind = \"cmaes\"\nbudget = 40"] {
        let search = only(&group(head, "\"x\" = { low = 0, high = 1 }\n"));
        let mut history: Vec<Told> = Vec::new();
        for objective in [None, Some(f64::NAN), Some(f64::INFINITY), None].into_iter().cycle() {
            let batch = search.propose(&history, &Streams::new(1));
            if batch.is_empty() {
                break;
            }
            history.extend(batch.into_iter().map(|assignment| Told { assignment, objective }));
        }
        let different: std::collections::BTreeSet<String> =
            history.iter().map(|told| told.assignment.key()).collect();
        assert_eq!((history.len(), different.len()), (40, 40), "{head}");
    }
}

/// After 100 trials, the interval of the difference in log regret over 20 seeds lies below 0. By
/// chance it would for one problem in forty. CMA-ES descends into one basin: no gain is claimed for
/// it where there are many.
#[test]
fn searches_beat_random_trials_of_the_same_number() {
    for problem in problems() {
        let all = |kind: &str| -> Vec<f64> {
            let searcher = format!("kind = \"{kind}\"\nbudget = 100");
            (1..=20).map(|seed| regret(&problem, &searcher, seed).unwrap()).collect()
        };
        let random = all("random");
        let one_basin = problem.numeric && !problem.name.starts_with("Rastrigin");
        for kind in ["tpe", "cmaes"].into_iter().filter(|kind| *kind == "tpe" || one_basin) {
            let (mean, low, high) = difference(&all(kind), &random);
            assert!(high < 0.0, "{} {kind}: {mean:.2} [{low:.2}, {high:.2}]", problem.name);
        }
    }
}

#[derive(serde::Deserialize)]
struct Fixture {
    sphere: Vec<Option<usize>>,
    rosenbrock: Vec<Option<usize>>,
}

/// Evaluations until a function of ten axes is below 1e-8; none where it does not come about.
fn evaluations(value: fn(&[f64]) -> f64, start: f64, seed: u64) -> Option<usize> {
    let streams = Streams::new(seed);
    let mut state = State::new(vec![start; 10], 0.5, 10);
    for generation in 0..3000 {
        let values: Vec<f64> = state.points(&streams).iter().map(|x| value(x)).collect();
        if let Some(at) = values.iter().position(|&value| value <= 1e-8) {
            return Some(10 * generation + at + 1);
        }
        state.update(&values.into_iter().map(Some).collect::<Vec<_>>(), &streams);
    }
    None
}

fn sphere(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum()
}

fn rosenbrock(x: &[f64]) -> f64 {
    x.windows(2).map(|w| 100.0 * (w[1] - w[0] * w[0]).powi(2) + (1.0 - w[0]).powi(2)).sum()
}

/// As many evaluations as pycma needs, to a tenth: medians of 15 and 50 runs. A single run spreads
/// by 7% (sphere) and 9%, so that the medians differ by this much once in 5,000 and in 500.
#[test]
fn cmaes_needs_as_many_evaluations_as_pycma() {
    let text = include_str!("../../../tests/fixtures/cmaes.json");
    let fixture: Fixture = serde_json::from_str(text).unwrap();
    let median = |mut runs: Vec<Option<usize>>| {
        runs.sort_by_key(|run| run.unwrap_or(usize::MAX));
        runs[runs.len() / 2].unwrap() as f64
    };
    for (value, start, theirs) in
        [(sphere as fn(&[f64]) -> f64, 1.0, fixture.sphere), (rosenbrock, 0.0, fixture.rosenbrock)]
    {
        let ours: Vec<Option<usize>> =
            (1..=15).map(|seed| evaluations(value, start, seed)).collect();
        let (ours, theirs) = (median(ours), median(theirs));
        assert!((ours / theirs - 1.0).abs() < 0.1, "{ours} against {theirs}");
    }
}

/// The functions have their published minima where these are known to lie.
#[test]
fn the_functions_of_the_benchmark_have_their_minima() {
    let at = |values: &[f64]| {
        let set = |(i, x): (usize, &f64)| crate::search::Set {
            path: format!("x.{i}"),
            value: (*x).into(),
            label: String::new(),
        };
        super::Assignment::new(values.iter().enumerate().map(set).collect())
    };
    let hartmann = [0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573];
    let branin = [(std::f64::consts::PI + 5.0) / 15.0, 2.275 / 15.0];
    let places: [&[f64]; 5] =
        [&[1.0, -2.0, 1.0, -2.0, 1.0], &[1.0; 4], &[1.0; 3], &branin, &hartmann];
    for (problem, place) in problems().iter().zip(places) {
        let value = (problem.value)(&at(place));
        assert!((value - problem.least).abs() < 1e-6, "{} {value}", problem.name);
        assert_eq!(space(problem, "kind = \"cmaes\"\nbudget = 20").unwrap().parts.len(), 1);
    }
}
