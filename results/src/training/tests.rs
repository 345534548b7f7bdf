use std::collections::{BTreeMap, HashSet};

use super::*;
use crate::metrics::{self, APPROXIMATE_KL, ENV_STEPS, Metric, RETURN};
use crate::run_directory::RunDirectory;

fn seed(seed: u64, value: Option<f64>) -> SeedResult {
    SeedResult {
        seed,
        steps: 100_000,
        last_100_return: value,
        evaluation_return: value,
        evaluation_sd: value.map(|_| 12.5),
        evaluation_episodes: if value.is_some() { 100 } else { 0 },
        seconds: 8.0,
        steps_per_second: 12_500.0,
    }
}

fn summary(values: &[Option<f64>]) -> TrainingSummary {
    TrainingSummary {
        name: "cart <b>".into(),
        task: "CartPole-v1".into(),
        seeds: values.iter().zip(1..).map(|(&value, i)| seed(i, value)).collect(),
        ..TrainingSummary::default()
    }
}

fn line(seed: u64, iteration: u64, value: Option<f64>) -> Metric {
    let steps = (ENV_STEPS.to_owned(), iteration as f64 * 1000.0);
    let kl = (APPROXIMATE_KL.to_owned(), 0.01 / iteration as f64);
    let value = value.map(|value| (RETURN.to_owned(), value));
    let values = BTreeMap::from_iter([steps, kl].into_iter().chain(value));
    Metric { calibrator: "ppo".into(), seed: Some(seed), iteration, total: 5, values }
}

/// A run directory with a report of it.
fn written(summary: &TrainingSummary, metrics: &[Metric]) -> (tempfile::TempDir, String) {
    let root = tempfile::tempdir().unwrap();
    let run = RunDirectory::create(root.path(), "training", 1).unwrap();
    run.write_json("summary.json", summary).unwrap();
    let mut writer = run.metrics().unwrap();
    metrics.iter().for_each(|metric| writer.append(metric).unwrap());
    let path = run.path().to_owned();
    run.finish(State::Done, None).unwrap();
    let html = std::fs::read_to_string(write_training_report(&path).unwrap()).unwrap();
    (root, html)
}

fn sentences(summary: &TrainingSummary) -> String {
    let verdict = words::verdict(summary);
    [verdict.sentences, verdict.caveats].concat().join(" ")
}

#[test]
fn the_page_stands_alone_and_names_its_parts() {
    let metrics: Vec<_> = (1..=3)
        .flat_map(|seed| (1..=5).map(move |i| line(seed, i, Some((seed * 10 * i) as f64))))
        .collect();
    let (root, html) = written(&summary(&[Some(480.0), Some(500.0), Some(490.0)]), &metrics);
    assert!(html.contains("<p class=\"kind\">Training report</p>"));
    for outside in ["src=\"", "<link", "@import", "<script", "url(http", "<b>"] {
        assert!(!html.contains(outside), "{outside}");
    }
    let ids = || html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next());
    assert_eq!(ids().collect::<HashSet<_>>().len(), ids().count(), "ids are unique");
    let links = html.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next());
    links.for_each(|link| assert!(html.contains(&format!(" id=\"{link}\"")), "{link}"));
    // The learning curve and the one other value that the run stored.
    assert_eq!(html.matches("<svg ").count(), 2);
    assert!(html.contains("ppo (3 seeds)") && html.contains("The run stored no config."));
    let plots = root.path().join("training-1/plots");
    for name in ["learning-curve.svg", "learning-curve.png", "approximate-kl.png"] {
        assert!(plots.join(name).exists(), "{name}");
    }
    // The mean of 480, 500 and 490 is 490, its standard error 10 / sqrt(3), t(0.975, 2) = 4.30265.
    assert!(html.contains(
        "trained policies return 490.0 on average over 3 seeds (95% interval 465.2 to 514.8)"
    ));
    assert!(html.contains("<td>490.0 (465.2 to 514.8)</td>"));
}

/// Both axes of every picture say what they show.
#[test]
fn pictures_inside_the_updates_name_their_axes() {
    let units = [
        (metrics::APPROXIMATE_KL, "nats"),
        (metrics::CLIP_FRACTION, "share of actions"),
        (metrics::ENTROPY, "nats"),
        (metrics::EXPLAINED_VARIANCE, "share of variance"),
        (metrics::VALUE_LOSS, "mean squared error"),
    ];
    let lines = (1..=3).map(|i| {
        let mut line = line(1, i, Some(i as f64));
        line.values.extend(units.map(|(value, _)| (value.to_owned(), 0.1 * i as f64)));
        line
    });
    let (root, _html) = written(&summary(&[Some(3.0)]), &lines.collect::<Vec<_>>());
    for (value, unit) in units {
        let name = format!("training-1/plots/{}.svg", value.replace('_', "-"));
        let svg = std::fs::read_to_string(root.path().join(&name)).unwrap();
        for (title, upwards) in [("environment steps", false), (unit, true)] {
            let named = svg.split("<text").skip(1).any(|text| {
                text.contains(&format!(">\n{title}</text>")) && text.contains("rotate") == upwards
            });
            assert!(named, "no {title:?} in {name}");
        }
    }
}

#[test]
fn a_report_repeats_byte_for_byte_and_says_how_to_repeat_the_run() {
    let root = tempfile::tempdir().unwrap();
    let run = RunDirectory::create(root.path(), "repeat", 1).unwrap();
    run.write_json("summary.json", &summary(&[Some(1.0)])).unwrap();
    run.write("config.toml", b"name = \"repeat\"").unwrap();
    let command = vec!["trueup".to_owned(), "train".into(), "cart pole.toml".into()];
    run.write_json("provenance.json", &Provenance { command, ..Provenance::default() }).unwrap();
    let path = run.path().to_owned();
    let first = std::fs::read(write_training_report(&path).unwrap()).unwrap();
    run.finish(State::Done, None).unwrap();
    assert!(first == std::fs::read(write_training_report(&path).unwrap()).unwrap());
    let html = String::from_utf8(first).unwrap();
    assert!(html.contains("trueup train &#39;cart pole.toml&#39;"));
    assert!(html.contains("repeat-1/config.toml"));
    assert!(is_training(&path).unwrap());
}

#[test]
fn a_run_without_a_finished_episode_says_so_and_knows_no_nan() {
    let metrics = [line(1, 1, None), line(1, 2, None)];
    let (_root, html) = written(&summary(&[None, None]), &metrics);
    assert!(html.contains("In training on CartPole-v1, no episode finished."));
    assert!(html.contains("<td>no episode finished</td>"));
    assert!(html.contains("No learning curve: no episode finished."));
    assert!(!html.contains("NaN") && !html.contains("inf<"));
    // A single finished episode of one seed among two.
    let (_root, html) = written(&summary(&[None, Some(-200.0)]), &[line(2, 3, Some(-200.0))]);
    assert!(html.contains("trained policies return −200.0 on average (one seed)."));
    assert!(html.contains("Seed by seed, 1: no episode finished; 2: −200.0."));
    assert!(html.contains("1 of 2 seeds finished no training episode"));
    assert!(html.contains("returns are known of one iteration only") && !html.contains("NaN"));
}

#[test]
fn failed_seeds_are_named_and_a_run_of_failures_has_no_verdict() {
    let failure = |seed| SeedFailure { seed, reason: "the loss is not finite.".into() };
    let mut summary = summary(&[Some(480.0)]);
    summary.failed = vec![failure(7)];
    summary.solved_at = Some(475.0);
    let said = sentences(&summary);
    assert!(said.contains("Seed 7 failed: the loss is not finite. Means are over"), "{said}");
    assert!(said.contains("1 of 2 seeds reaches 475, where the task counts as solved."), "{said}");
    assert!(said.contains("One seed says nothing of how far seeds differ."), "{said}");
    summary.seeds.clear();
    let (_root, html) = written(&summary, &[]);
    assert!(html.contains("There is no verdict: no seed gave a result."));
    assert!(html.contains("Seed 7 failed") && html.contains("<td>failed</td>"));
    assert!(html.contains("No learning curve: the run stored no iterations."));
}

#[test]
fn a_summary_comes_back_and_is_told_from_that_of_a_panel() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("summary.json");
    let wanted = summary(&[Some(0.1 + 0.2), None]);
    std::fs::write(&path, serde_json::to_vec(&wanted).unwrap()).unwrap();
    assert_eq!(read_json::<TrainingSummary>(&path).unwrap(), wanted);
    assert!(read_json::<crate::Summary>(&path).is_err());
    std::fs::write(&path, serde_json::to_vec(&crate::Summary::default()).unwrap()).unwrap();
    assert!(!is_training(folder.path()).unwrap());
    assert!(read_json::<TrainingSummary>(&path).is_err());
}

#[test]
fn returns_have_the_decimals_that_they_can_bear() {
    let given = [500.0, -86.45, 0.04321, -0.0001, 0.0, 99.999];
    let wanted = ["500.0", "−86.45", "0.043", "0", "0", "100.00"];
    assert_eq!(given.map(words::points), wanted);
}
