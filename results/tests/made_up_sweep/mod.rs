//! A made-up sweep: rewards by discrepancies, with names in Korean, seeds that differ, runs that
//! failed and one that was pruned.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;
use trueup_env::{Stream, Streams};
use trueup_results::metrics::{DISCREPANCY, ENV_STEPS};
use trueup_results::sweep::plan::FORMAT;
use trueup_results::sweep::{
    AxisValue, Direction, Objective, Phase, Plan, PlanHeader, PlannedTrial, RunId, failures, state,
};
use trueup_results::{Metric, Provenance, ProvenanceInput, RunDirectory, State};

type Failure = Box<dyn std::error::Error>;

/// Rewards, and how near they come: smaller is nearer.
const REWARDS: [(&str, f64); 3] = [("witness", 0.7), ("차이 보상", 0.95), ("shared scalar", 2.4)];
/// Discrepancies that a reward is made of, and how near they come.
const OPTIMISED: [(&str, f64); 4] = [
    ("wasserstein-1", 1.0),
    ("cramer-von-mises", 1.04),
    ("에너지 거리", 1.15),
    ("kolmogorov-smirnov", 1.5),
];
/// What is judged: feature, discrepancy, unit, floor.
const PANEL: [(&str, &str, &str, f64); 14] = [
    ("log_amount", "wasserstein-1", "ln amount", 0.031),
    ("log_amount", "kolmogorov-smirnov", "", 0.024),
    ("log_amount", "cramer-von-mises", "", 0.0011),
    ("gap", "wasserstein-1", "ticks", 0.42),
    ("gap", "kolmogorov-smirnov", "", 0.03),
    ("gap", "cramer-von-mises", "", 0.002),
    ("event_count", "wasserstein-1", "events", 0.55),
    ("event_count", "kolmogorov-smirnov", "", 0.041),
    ("event_count", "cramer-von-mises", "", 0.003),
    ("kind", "total-variation", "", 0.017),
    ("kind_pair", "total-variation", "", 0.028),
    ("amount_pair", "correlation-gap", "", 0.02),
    ("user_vector", "energy", "", 0.05),
    ("user_vector", "maximum-mean-discrepancy", "", 0.004),
];
const ITERATIONS: u64 = 60;

/// Writes the folder of a sweep with so many seeds a trial.
///
/// # Errors
/// A folder that cannot be written.
pub fn write(folder: &Path, seeds: u64) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)?;
    let config = "name = \"보상과 거리\"\n\n[external]\nsource = \"builtin:cdnow\"\n\n[sweep]\n";
    std::fs::write(folder.join("sweep.toml"), config)?;
    let plan = plan(seeds);
    let configs: Vec<String> = plan.trials.iter().map(|t| format!("# {}\n", t.title())).collect();
    plan.write(folder, &configs)?;
    let given = ProvenanceInput { config: config.into(), threads: 2, ..ProvenanceInput::default() };
    let provenance = Provenance::collect(given);
    std::fs::write(folder.join("provenance.json"), serde_json::to_vec_pretty(&provenance)?)?;
    for run in plan.runs() {
        let place = plan.trials.iter().position(|trial| trial.trial == run.trial).unwrap_or(0);
        let streams = Streams::new(run.seed).child("made up", place as u64);
        one(folder, &run, place, &mut streams.stream("run", 0))?;
    }
    Ok(())
}

fn plan(seeds: u64) -> Plan {
    let value = |path: &str, label: &str| AxisValue {
        path: path.into(),
        value: label.into(),
        label: label.into(),
    };
    let pairs = REWARDS.iter().flat_map(|reward| OPTIMISED.iter().map(move |of| (reward.0, of.0)));
    let trial = |(index, (reward, of)): (usize, (&str, &str))| PlannedTrial {
        trial: format!("{:012x}", (index as u64 + 1) * 0x0123_4567_89AB % 0xFFFF_FFFF_FFFF),
        index,
        phase: Phase::Planned,
        search: None,
        values: vec![value("reward.kind", reward), value("reward.discrepancy", of)],
    };
    Plan {
        header: PlanHeader {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").into(),
            name: "보상과 거리 · rewards by discrepancies".into(),
            config_sha256: trueup_results::provenance::sha256(b"made up"),
            seeds: (1..=seeds).collect(),
            objective: Objective {
                calibrator: Some("ppo".into()),
                metric: "mean_excess".into(),
                direction: Direction::Minimize,
            },
            pruning: None,
            axes: vec!["reward.kind".into(), "reward.discrepancy".into()],
        },
        trials: pairs.enumerate().map(trial).collect(),
    }
}

/// A standard normal number, by Box and Muller.
fn normal(stream: &mut Stream) -> f64 {
    let radius = (-2.0 * (1.0 - stream.uniform()).ln()).sqrt();
    radius * (std::f64::consts::TAU * stream.uniform()).cos()
}

fn one(folder: &Path, run: &RunId, place: usize, stream: &mut Stream) -> Result<(), Failure> {
    let directory = RunDirectory::create_at(&run.folder(folder))?;
    std::fs::write(run.log(folder), "calibrating ppo\n")?;
    if place == 11 && run.seed % 5 == 2 {
        let reason = "ppo failed: the loss is not finite in iteration 41 | lower <learning_rate>";
        failures::record(folder, run, reason)?;
        directory.finish(State::Failed, Some(reason))?;
        return Ok(());
    }
    if place == 10 && run.seed == 1 {
        let path = directory.path().join(state::PRUNED);
        directory.finish(State::Interrupted, None)?;
        std::fs::write(path, "the worst third of its rung after 200000 steps")?;
        return Ok(());
    }
    let (reward, of) = (REWARDS[place / OPTIMISED.len()], OPTIMISED[place % OPTIMISED.len()]);
    let level = reward.1 * of.1 * (0.16 * normal(stream)).exp();
    // A shared scalar is cheap, and a difference takes every user twice.
    let steps = [200_000, 320_000, 120_000][place / OPTIMISED.len()];
    let mut metrics = directory.metrics()?;
    for iteration in 1..=ITERATIONS {
        let t = iteration as f64 / ITERATIONS as f64;
        let noise = 0.03 * normal(stream) * (1.0 - 0.5 * t);
        let discrepancy = (0.05 * level + 0.6 * (-t * 6.0 / level).exp() + noise * 0.3).max(0.001);
        let along = (iteration * steps / ITERATIONS) as f64;
        let values: BTreeMap<String, f64> =
            [(ENV_STEPS.to_owned(), along), (DISCREPANCY.to_owned(), discrepancy)].into();
        let calibrator = "ppo".to_owned();
        metrics.append(&Metric { calibrator, seed: None, iteration, total: ITERATIONS, values })?;
    }
    let seconds = steps as f64 / 9000.0 * (0.05 * normal(stream)).exp();
    let summary = summary(run.seed, steps, seconds, level, of.0, stream);
    directory.write_json("summary.json", &summary)?;
    directory.finish(State::Done, None)?;
    Ok(())
}

fn summary(
    seed: u64,
    steps: u64,
    seconds: f64,
    level: f64,
    of: &str,
    stream: &mut Stream,
) -> serde_json::Value {
    let mut rows = Vec::new();
    for (i, (feature, discrepancy, unit, floor)) in PANEL.into_iter().enumerate() {
        let optimised = discrepancy == of && i < 9;
        let multiple = level * if optimised { 0.8 } else { 1.9 } * (0.1 * normal(stream)).exp();
        let value = floor * multiple;
        let before = floor * 14.0;
        rows.push(json!({
            "feature": feature, "level": "event", "discrepancy": discrepancy, "unit": unit,
            "value": value, "ci": [value * 0.8, value * 1.2], "floor": floor,
            "floor_ci": [floor * 0.7, floor * 1.4], "before": before,
            "gap_closed": 1.0 - (value - floor) / (before - floor), "optimised": optimised,
            "feature_rewarded": i < 9,
        }));
    }
    let excess = 0.03 * level;
    let gap = 1.0 - (level * 1.9 - 1.0) / 13.0;
    json!({
        "name": "made up", "mode": "run", "seed": seed, "dataset": "builtin:cdnow",
        "train_users": 11785, "test_users": 11785, "env_steps": steps, "seconds": seconds,
        "calibrators": [{
            "name": "ppo", "gap_closed": gap, "gap_closed_ci": [gap - 0.02, gap + 0.02],
            "gap_closed_unseen": gap - 0.03, "mean_excess": excess,
            "c2st_auc": 0.5 + 0.06 * level, "c2st_auc_ci": null, "c2st_auc_floor": 0.503,
            "c2st_importance": [], "panel": rows, "left_out": [], "notes": [],
        }],
        "failed": [], "notes": [], "privacy": [],
    })
}
