//! Rewards by discrepancies, with names in Korean, seeds that differ, runs that failed, and two
//! trials that were pruned.

use std::path::Path;

use trueup_env::{Stream, Streams};
use trueup_results::RunDirectory;
use trueup_results::sweep::{Plan, RunId, RungDecision, rungs};

use super::normal;
use super::parts::{Failure, Row, begin, curve, done, fail, judged, plan, prune, value};

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
/// Trials that were pruned, and where.
const PRUNED: [(usize, u64); 2] = [(9, 32), (10, 16)];
/// The trial of which some runs failed.
const FAILS: usize = 11;

/// Writes the folder of a sweep with so many seeds a trial.
///
/// # Errors
/// A folder that cannot be written.
pub fn write(folder: &Path, seeds: u64) -> Result<(), Failure> {
    let pairs = REWARDS.iter().flat_map(|reward| OPTIMISED.iter().map(move |of| (reward.0, of.0)));
    let trials = pairs
        .map(|(reward, of)| vec![value("reward.kind", reward), value("reward.discrepancy", of)])
        .collect();
    let name = "보상과 거리 · rewards by discrepancies";
    let plan = plan(name, "ppo", (1..=seeds).collect(), trials);
    begin(folder, &plan)?;
    let decisions = decisions(&plan);
    rungs::append(folder, &decisions)?;
    for run in plan.runs() {
        let place = plan.trials.iter().position(|trial| trial.trial == run.trial).unwrap_or(0);
        let streams = Streams::new(run.seed).child("made up", place as u64);
        let stopped = decisions.iter().find(|d| d.trial == run.trial && !d.kept);
        one(folder, &run, place, stopped, &mut streams.stream("run", 0))?;
    }
    Ok(())
}

/// Of twelve trials the worst one stops at each rung.
fn decisions(plan: &Plan) -> Vec<RungDecision> {
    let mut left: Vec<usize> = (0..plan.trials.len()).collect();
    let mut all = Vec::new();
    for (stops, rung) in PRUNED.into_iter().rev() {
        let of = left.len();
        let others = left.iter().copied().filter(|place| *place != stops);
        for (rank, place) in others.chain([stops]).enumerate() {
            let (trial, value) = (plan.trials[place].trial.clone(), 0.02 + 0.01 * rank as f64);
            let kept = place != stops;
            all.push(RungDecision { rung, trial, value: Some(value), rank: rank + 1, of, kept });
        }
        left.retain(|place| *place != stops);
    }
    all
}

fn one(
    folder: &Path,
    run: &RunId,
    place: usize,
    stopped: Option<&RungDecision>,
    stream: &mut Stream,
) -> Result<(), Failure> {
    let directory = RunDirectory::create_at(&run.folder(folder))?;
    std::fs::write(run.log(folder), "calibrating ppo\n")?;
    if place == FAILS && run.seed % 5 == 2 {
        let reason = "ppo failed: the loss is not finite in iteration 41 | lower <learning_rate>";
        return fail(folder, run, directory, reason);
    }
    let (reward, of) = (REWARDS[place / OPTIMISED.len()], OPTIMISED[place % OPTIMISED.len()]);
    let level = reward.1 * of.1 * (0.16 * normal(stream)).exp();
    // A shared scalar is cheap, and a difference takes every user twice.
    let steps = [200_000, 320_000, 120_000][place / OPTIMISED.len()];
    let until = stopped.map_or(ITERATIONS, |decision| decision.rung);
    curve(&directory, "ppo", (until, ITERATIONS), |iteration| {
        let t = iteration as f64 / ITERATIONS as f64;
        let noise = 0.03 * normal(stream) * (1.0 - 0.5 * t);
        let discrepancy = 0.05 * level + 0.6 * (-t * 6.0 / level).exp() + noise * 0.3;
        ((iteration * steps / ITERATIONS) as f64, discrepancy.max(0.001))
    })?;
    if let Some(decision) = stopped {
        return prune(directory, &decision.words(decision.of - 1));
    }
    let seconds = steps as f64 / 9000.0 * (0.05 * normal(stream)).exp();
    let row = |(i, (feature, discrepancy, unit, floor)): (usize, (&'static str, _, _, f64))| {
        let optimised = discrepancy == of.0 && i < 9;
        let multiple = level * if optimised { 0.8 } else { 1.9 } * (0.1 * normal(stream)).exp();
        let (value, before, rewarded) = (floor * multiple, floor * 14.0, i < 9);
        Row { feature, discrepancy, unit, value, floor, before, optimised, rewarded }
    };
    let rows: Vec<Row<'_>> = PANEL.into_iter().enumerate().map(row).collect();
    let gap = 1.0 - (level * 1.9 - 1.0) / 13.0;
    let judged = judged("ppo", gap, 0.03 * level, 0.5 + 0.06 * level, &rows);
    done(directory, run.seed, (steps, seconds), &[judged])
}
