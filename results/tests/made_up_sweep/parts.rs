//! Parts of made-up sweeps: what tests of reports and tests of exports build theirs from.

#![allow(dead_code)] // Nobody uses everything.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;
use trueup_results::metrics::{DISCREPANCY, ENV_STEPS};
use trueup_results::sweep::plan::FORMAT;
use trueup_results::sweep::{
    AxisValue, Direction, Objective, Phase, Plan, PlanHeader, PlannedTrial, RunId, failures, state,
};
use trueup_results::{Metric, Provenance, ProvenanceInput, RunDirectory, State};

/// Why something could not be made up.
pub type Failure = Box<dyn std::error::Error>;

/// A value at a path, called by itself.
pub fn value(path: &str, value: impl Into<serde_json::Value>) -> AxisValue {
    let value = value.into();
    let label = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    AxisValue { path: path.to_owned(), value, label }
}

/// The id of a trial.
pub fn id(index: usize) -> String {
    format!("{:012x}", (index as u64 + 1) * 0x0123_4567_89AB % 0xFFFF_FFFF_FFFF)
}

/// A plan whose trials are compared by the mean excess of a calibrator.
pub fn plan(name: &str, calibrator: &str, seeds: Vec<u64>, trials: Vec<Vec<AxisValue>>) -> Plan {
    let mut axes: Vec<String> = Vec::new();
    for value in trials.iter().flatten() {
        if !axes.contains(&value.path) {
            axes.push(value.path.clone());
        }
    }
    let trial = |(index, values)| PlannedTrial {
        trial: id(index),
        index,
        phase: Phase::Planned,
        search: None,
        values,
    };
    Plan {
        header: PlanHeader {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").into(),
            name: name.into(),
            config_sha256: trueup_results::provenance::sha256(b"made up"),
            seeds,
            objective: Objective {
                calibrator: Some(calibrator.into()),
                metric: "mean_excess".into(),
                direction: Direction::Minimize,
            },
            axes,
            pruning: None,
        },
        trials: trials.into_iter().enumerate().map(trial).collect(),
    }
}

/// Writes the folder of a sweep as it is before anything has run.
pub fn begin(folder: &Path, plan: &Plan) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)?;
    let config = "name = \"보상과 거리\"\n\n[external]\nsource = \"builtin:cdnow\"\n\n[sweep]\n";
    std::fs::write(folder.join("sweep.toml"), config)?;
    let configs: Vec<String> = plan.trials.iter().map(|t| format!("# {}\n", t.title())).collect();
    plan.write(folder, &configs)?;
    let given = ProvenanceInput { config: config.into(), threads: 2, ..ProvenanceInput::default() };
    let provenance = Provenance::collect(given);
    std::fs::write(folder.join("provenance.json"), serde_json::to_vec_pretty(&provenance)?)?;
    Ok(())
}

/// Stores iterations of a run up to `until`; `at` gives environment steps and discrepancy.
pub fn curve(
    run: &RunDirectory,
    calibrator: &str,
    (until, total): (u64, u64),
    mut at: impl FnMut(u64) -> (f64, f64),
) -> Result<(), Failure> {
    let mut metrics = run.metrics()?;
    for iteration in 1..=until {
        let (steps, discrepancy) = at(iteration);
        let values =
            BTreeMap::from([(ENV_STEPS.to_owned(), steps), (DISCREPANCY.to_owned(), discrepancy)]);
        let calibrator = calibrator.to_owned();
        metrics.append(&Metric { calibrator, seed: None, iteration, total, values })?;
    }
    Ok(())
}

/// Ends a run that failed after all its attempts.
pub fn fail(sweep: &Path, id: &RunId, run: RunDirectory, reason: &str) -> Result<(), Failure> {
    failures::record(sweep, id, reason)?;
    run.finish(State::Failed, Some(reason))?;
    Ok(())
}

/// Ends a run that others did better than.
pub fn prune(run: RunDirectory, reason: &str) -> Result<(), Failure> {
    run.write(state::PRUNED, reason.as_bytes())?;
    run.finish(State::Interrupted, None)?;
    Ok(())
}

/// A row of a panel.
pub struct Row<'a> {
    pub feature: &'a str,
    pub discrepancy: &'a str,
    pub unit: &'a str,
    pub value: f64,
    pub floor: f64,
    pub before: f64,
    pub optimised: bool,
    pub rewarded: bool,
}

impl Row<'_> {
    fn json(&self) -> serde_json::Value {
        let Self { value, floor, before, .. } = *self;
        json!({
            "feature": self.feature, "level": "event", "discrepancy": self.discrepancy,
            "unit": self.unit, "value": value, "ci": [value * 0.8, value * 1.2], "floor": floor,
            "floor_ci": [floor * 0.7, floor * 1.4], "before": before,
            "gap_closed": 1.0 - (value - floor) / (before - floor), "optimised": self.optimised,
            "feature_rewarded": self.rewarded,
        })
    }
}

/// What a calibrator gave: gap closed, mean excess, AUC, and its panel.
pub fn judged(name: &str, gap: f64, excess: f64, auc: f64, rows: &[Row<'_>]) -> serde_json::Value {
    let rows: Vec<serde_json::Value> = rows.iter().map(Row::json).collect();
    json!({
        "name": name, "gap_closed": gap, "gap_closed_ci": [gap - 0.02, gap + 0.02],
        "gap_closed_unseen": gap - 0.03, "mean_excess": excess, "c2st_auc": auc,
        "c2st_auc_ci": null, "c2st_auc_floor": 0.503, "c2st_importance": [], "panel": rows,
        "left_out": [], "notes": [],
    })
}

/// Ends a run that is done.
pub fn done(
    run: RunDirectory,
    seed: u64,
    (steps, seconds): (u64, f64),
    calibrators: &[serde_json::Value],
) -> Result<(), Failure> {
    let summary = json!({
        "name": "made up", "mode": "run", "seed": seed, "dataset": "builtin:cdnow",
        "train_users": 11785, "test_users": 11785, "env_steps": steps, "seconds": seconds,
        "calibrators": calibrators, "failed": [], "notes": [], "privacy": [],
    });
    run.write_json("summary.json", &summary)?;
    run.finish(State::Done, None)?;
    Ok(())
}
