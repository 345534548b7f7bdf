//! A run and a sweep with awkward names, without the programs that make one; and Python.

#![allow(dead_code, clippy::unwrap_used)] // Not every test file uses everything.

#[path = "../../../results/tests/made_up_sweep/parts.rs"]
pub mod parts;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use parts::Row;
use trueup_results::metrics::{DISCREPANCY, ENV_STEPS};
use trueup_results::sweep::RunId;
use trueup_results::{
    Facts, FeatureSeries, Histogram, Metric, Provenance, RunDirectory, SeedResult, Series, Side,
    State, Summary, TrainingSummary,
};

/// A small run.
pub fn run(folder: &Path) -> PathBuf {
    let run = RunDirectory::create(folder, "한국 \"run\"", 1).unwrap();
    let side = |name: &str, shift: f64| Side {
        name: name.to_owned(),
        rows: 5,
        distribution: trueup_calibration::statistics::Distribution::of(&[
            shift, 1.0, 2.0, 3.0, 4.0,
        ]),
        shares: vec![1.0],
        effective: 5.0,
    };
    let series = Series {
        tick: "week".into(),
        horizon: 52,
        kinds: vec!["구매".into()],
        features: vec![FeatureSeries {
            name: "log_amount".into(),
            title: "Amount".into(),
            unit: "ln amount".into(),
            definition: String::new(),
            sides: vec![side("real users", 0.0), side("한글", 0.5)],
            histogram: Some(Histogram { edges: vec![0.0, 5.0], whole: false }),
            classes: Vec::new(),
        }],
        facts: vec![Facts { name: "real users".into(), ..Facts::default() }],
        ..Series::default()
    };
    let panel = serde_json::json!([{
        "name": "한글", "gap_closed": 0.9, "gap_closed_ci": [0.8, 0.95], "gap_closed_unseen": null,
        "mean_excess": 0.1, "c2st_auc": 0.6, "c2st_auc_ci": [0.55, 0.65], "c2st_auc_floor": 0.5,
        "c2st_importance": [["event_count", 0.1]],
        "panel": [{
            "feature": "log_amount", "level": "event", "discrepancy": "kolmogorov-smirnov",
            "unit": "", "value": 0.1, "ci": [0.05, 0.15], "floor": 0.02, "floor_ci": [0.01, 0.03],
            "before": 0.5, "gap_closed": 0.83, "optimised": false, "feature_rewarded": true,
        }],
        "left_out": [], "notes": [],
    }]);
    let summary = Summary {
        name: "한국 \"run\"".into(),
        seed: 1,
        dataset: "builtin:cdnow".into(),
        calibrators: serde_json::from_value(panel).unwrap(),
        ..Summary::default()
    };
    run.write_json("summary.json", &summary).unwrap();
    run.write_json("series.json", &series).unwrap();
    run.write("logs/한글-1.csv", b"user,tick,kind,amount\na,0,p,1.5\na,3,p,2.5\nb,,,\n").unwrap();
    let mut metrics = run.metrics().unwrap();
    for iteration in 1..4 {
        let values = BTreeMap::from([
            (DISCREPANCY.to_owned(), 1.0 / iteration as f64),
            (ENV_STEPS.to_owned(), 100.0 * iteration as f64),
        ]);
        metrics
            .append(&Metric {
                calibrator: "한글".into(), seed: None, iteration, total: 3, values
            })
            .unwrap();
    }
    let path = run.path().to_owned();
    run.finish(State::Done, None).unwrap();
    path
}

/// What a calibrator gave whose figures follow from one number.
fn judged(name: &str, excess: f64) -> serde_json::Value {
    let row = |feature, discrepancy, optimised| Row {
        feature,
        discrepancy,
        unit: "",
        value: 0.02 + excess,
        floor: 0.02,
        before: 1.02,
        optimised,
        rewarded: optimised,
    };
    let rows = [row("log_amount", "wasserstein-1", true), row("거래 간격", "psi(bins=20)", false)];
    parts::judged(name, 1.0 - excess, excess, 0.5 + excess / 3.0, &rows)
}

/// Names of the trials of [`sweep`].
pub const LABELS: [&str; 3] = ["witness", "공유 50%_[다른]", "pwil & <co>"];
/// Its seeds.
pub const SEEDS: [u64; 5] = [1, 2, 3, 4, 11];

/// The objective of a run of [`sweep`]: no function that a table could guess.
pub fn objective(trial: usize, seed: u64) -> f64 {
    0.1 + ((seed as f64 * 12.9898 + trial as f64 * 78.233).sin() * 43758.5453).rem_euclid(0.5)
}

/// A sweep of three trials with five seeds. Of the last trial one run failed, one was pruned, one
/// waits.
pub fn sweep(folder: &Path) -> PathBuf {
    let sweep = folder.join("보상 sweep");
    let trials = LABELS.map(|label| vec![parts::value("reward.kind", label)]);
    let plan = parts::plan("보상 \"sweep\"", "강화 ppo", SEEDS.to_vec(), trials.into());
    parts::begin(&sweep, &plan).unwrap();
    for run in plan.runs() {
        let place = plan.trials.iter().position(|trial| trial.trial == run.trial).unwrap();
        if (place, run.seed) == (2, 4) {
            continue;
        }
        one(&sweep, &run, place);
    }
    sweep
}

fn one(sweep: &Path, id: &RunId, place: usize) {
    let run = RunDirectory::create_at(&id.folder(sweep)).unwrap();
    let last = objective(place, id.seed);
    let at = |iteration: u64| (100.0 * iteration as f64, last + 1.0 / iteration as f64);
    parts::curve(&run, "강화 ppo", (20, 20), at).unwrap();
    match (place, id.seed) {
        (2, 2) => run.finish(State::Failed, Some("메모리 부족, \"out of memory\"")).unwrap(),
        (2, 3) => parts::prune(run, "others did better").unwrap(),
        _ => {
            let (version, commit) = ("0.1.0".into(), "c0ffee".into());
            let provenance = Provenance { version, commit, ..Provenance::default() };
            run.write_json("provenance.json", &provenance).unwrap();
            let judged = [judged("none", 1.0), judged("강화 ppo", last)];
            parts::done(run, id.seed, (2000, 1.5), &judged).unwrap();
        }
    }
}

/// A training of two seeds on a task.
pub fn training(folder: &Path) -> PathBuf {
    let run = RunDirectory::create(folder, "cart", 1).unwrap();
    let mut metrics = run.metrics().unwrap();
    for (seed, iteration) in [(1, 1), (1, 2), (2, 1)] {
        let values = BTreeMap::from([("return_last_100".to_owned(), 100.0 * iteration as f64)]);
        let calibrator = "ppo".to_owned();
        let seed = Some(seed);
        metrics.append(&Metric { calibrator, seed, iteration, total: 2, values }).unwrap();
    }
    let seed = |seed, evaluation_return| SeedResult {
        seed,
        steps: 5000,
        evaluation_return: Some(evaluation_return),
        ..SeedResult::default()
    };
    let summary = TrainingSummary {
        name: "cart".into(),
        task: "CartPole-v1".into(),
        seeds: vec![seed(1, 500.0), seed(2, 400.0)],
        ..TrainingSummary::default()
    };
    run.write_json("summary.json", &summary).unwrap();
    let path = run.path().to_owned();
    run.finish(State::Done, None).unwrap();
    path
}

/// Runs Python, where it is; what it printed, or what it complained of.
pub fn python(code: &str, arguments: &[&Path]) -> Option<Result<String, String>> {
    let out = Command::new("python3").arg("-c").arg(code).args(arguments).output().ok()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(if out.status.success() { Ok(text(&out.stdout)) } else { Err(text(&out.stderr)) })
}

/// Whether python3 has the modules; prints why a test is skipped.
pub fn has(modules: &str) -> bool {
    let found = python(&format!("import {modules}"), &[]);
    if !matches!(found, Some(Ok(_))) {
        println!("skipped: python3 with {modules} is not installed");
    }
    matches!(found, Some(Ok(_)))
}
