//! A search over eight axes: numbers near and far, names in Korean, a switch, and one that only some
//! trials set; some trials were pruned at either rung, and some failed.

use std::path::Path;

use serde_json::json;
use trueup_env::{Stream, Streams};
use trueup_results::RunDirectory;
use trueup_results::sweep::{AxisValue, Phase, PlannedTrial, RunId, RungDecision, rungs};

use super::normal;
use super::parts::{Failure, Row, begin, curve, done, fail, id, judged, plan, prune, value};

const REWARDS: [(&str, f64); 4] =
    [("증인 보상", 0.7), ("차이 보상", 0.9), ("leave-one-out", 0.75), ("공유 스칼라", 1.9)];
const DISCREPANCIES: [(&str, f64); 5] = [
    ("wasserstein-1", 0.9),
    ("cramer-von-mises", 1.0),
    ("에너지 거리", 1.1),
    ("콜모고로프-스미르노프", 1.4),
    ("sinkhorn", 0.95),
];
const ITERATIONS: u64 = 64;
/// Iterations after which four fifths of the trials go on.
const RUNGS: [u64; 2] = [4, 16];
/// Trials of the search that are run again, judged on test users.
const CONFIRMED: usize = 3;

/// A proposed trial, and how near it would come.
struct Proposed {
    values: Vec<AxisValue>,
    level: f64,
    fails: bool,
}

/// Writes the folder of a search with so many trials.
///
/// # Errors
/// A folder that cannot be written.
pub fn write(folder: &Path, trials: usize) -> Result<(), Failure> {
    let propose =
        |i: usize| proposed(&mut Streams::new(5).child("search", 0).stream("trial", i as u64));
    let proposed: Vec<Proposed> = (0..trials).map(propose).collect();
    let all = proposed.iter().map(|trial| trial.values.clone()).collect();
    let mut plan = plan("여덟 축 탐색 · a search over eight axes", "ppo", vec![1], all);
    for trial in &mut plan.trials {
        (trial.phase, trial.search) = (Phase::Search, Some(0));
    }
    // The best go on from each rung.
    let mut order: Vec<usize> = (0..trials).filter(|i| !proposed[*i].fails).collect();
    order.sort_by(|a, b| proposed[*a].level.total_cmp(&proposed[*b].level));
    let mut decisions: Vec<RungDecision> = Vec::new();
    let mut stops: Vec<Option<RungDecision>> = vec![None; trials];
    for rung in RUNGS {
        let of = order.len();
        let go_on = (of * 4 / 5).max(CONFIRMED.min(of));
        for (rank, place) in order.iter().enumerate() {
            let (trial, value) = (id(*place), Some(proposed[*place].level * 0.1));
            let kept = rank < go_on;
            let decision = RungDecision { rung, trial, value, rank: rank + 1, of, kept };
            stops[*place] = (!kept).then(|| decision.clone());
            decisions.push(decision);
        }
        order.truncate(go_on);
    }
    for (i, place) in order.iter().take(CONFIRMED).enumerate() {
        let (index, values) = (trials + i, proposed[*place].values.clone());
        let (phase, search) = (Phase::Confirm, Some(0));
        plan.trials.push(PlannedTrial { trial: id(index), index, phase, search, values });
    }
    begin(folder, &plan)?;
    rungs::write(folder, &decisions)?;
    for (place, trial) in plan.trials.iter().enumerate() {
        let of = if place < trials { place } else { order[place - trials] };
        let run = RunId { trial: trial.trial.clone(), seed: 1 };
        let stop = stops.get(place).and_then(Option::as_ref);
        one(folder, &run, &proposed[of], stop)?;
    }
    Ok(())
}

fn proposed(stream: &mut Stream) -> Proposed {
    let mut between = |low: f64, high: f64| low + (high - low) * stream.uniform();
    let rate = 10f64.powf(between(-5.0, -1.0));
    let gamma = (between(0.9, 0.999) * 1e4).round() / 1e4;
    let minibatches = [2, 4, 8, 16][between(0.0, 4.0) as usize];
    let latent = between(2.0, 64.0).round();
    let reward = REWARDS[between(0.0, 4.0) as usize];
    let discrepancy = DISCREPANCIES[between(0.0, 5.0) as usize];
    let blur = 10f64.powf(between(-3.0, 0.0));
    let shared = between(0.0, 1.0) < 0.5;
    // Near 0.003 is best; far above it training breaks down.
    let off = rate.log10() + 2.5;
    let noise = (0.2 * normal(stream)).exp();
    let level = reward.1 * discrepancy.1 * (1.0 + off * off) * (2.0 - latent / 64.0) * noise;
    let mut values = vec![
        value("calibrators.ppo.update.learning_rate", rate),
        value("calibrators.ppo.update.gamma", gamma),
        value("calibrators.ppo.update.minibatches", minibatches),
        value("reward.kind", reward.0),
        value("reward.discrepancy", discrepancy.0),
        value("world.latent", json!(latent as u64)),
        value("world.shared", shared),
    ];
    if discrepancy.0 == "sinkhorn" {
        values.push(value("reward.blur", blur));
    }
    Proposed { values, level, fails: rate > 0.06 && shared }
}

fn one(
    folder: &Path,
    run: &RunId,
    trial: &Proposed,
    stopped: Option<&RungDecision>,
) -> Result<(), Failure> {
    let directory = RunDirectory::create_at(&run.folder(folder))?;
    let level = trial.level;
    let until = stopped.map_or(ITERATIONS, |decision| decision.rung);
    let until = if trial.fails { 2 } else { until };
    curve(&directory, "ppo", (until, ITERATIONS), |iteration| {
        let t = iteration as f64 / ITERATIONS as f64;
        (2000.0 * iteration as f64, 0.05 * level + 0.6 * (-t * 6.0 / level).exp())
    })?;
    if trial.fails {
        return fail(folder, run, directory, "ppo failed: the loss is not finite in iteration 3");
    }
    if let Some(decision) = stopped {
        return prune(directory, &decision.words(decision.of * 4 / 5));
    }
    let row = |feature, optimised| {
        let (floor, value) = (0.03, 0.03 * (1.0 + level));
        let (discrepancy, unit, before) = ("kolmogorov-smirnov", "", 0.5);
        Row { feature, discrepancy, unit, value, floor, before, optimised, rewarded: optimised }
    };
    let rows = [row("log_amount", true), row("gap", false)];
    let judged = judged("ppo", 1.0 - level / 10.0, 0.03 * level, 0.5 + level / 40.0, &rows);
    done(directory, run.seed, (128_000, 20.0 + level), &[judged])
}
