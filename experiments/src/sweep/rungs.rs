//! Which trials go on from a rung, once all runs are over or wait there.
//!
//! A decision is a function of the plan and of the metrics of all runs up to the rung, so it is the
//! same however many processes ran and however often they were interrupted. It goes on file before
//! it is carried out, and carrying it out twice is the same as once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use trueup_results::sweep::rungs::{self, RungDecision};
use trueup_results::sweep::state::PRUNED;
use trueup_results::sweep::{Pause, Plan, Pruning, PruningRule, RunId, RunState, SweepState};
use trueup_results::{metrics, write_atomically};

use crate::failure::Failure;
use crate::prune::{Halving, Median};

/// The rung at which a run has to stop next; none where it goes to its end.
///
/// # Errors
/// Decisions that cannot be read.
pub fn next_rung(sweep: &Path, plan: &Plan, run: &RunId) -> Result<Option<u64>, Failure> {
    let Some(pruning) = &plan.header.pruning else { return Ok(None) };
    let decisions = rungs::read(sweep).map_err(Failure::run)?;
    let trial = plan.trials.iter().find(|trial| trial.trial == run.trial);
    Ok(trial.and_then(|trial| pruning.next_rung(trial, &decisions)))
}

/// Decides about the trials that wait, and carries it out: runs that go on are open again, the
/// others are over. What was decided in words; none where nothing waits.
///
/// # Errors
/// Files that cannot be read or written.
pub fn decide(sweep: &Path, plan: &Plan, state: &SweepState) -> Result<Option<String>, Failure> {
    let Some(pruning) = &plan.header.pruning else { return Ok(None) };
    let waiting: BTreeMap<&str, u64> = state
        .runs
        .iter()
        .filter(|standing| standing.state == RunState::Paused)
        .filter_map(|standing| {
            let pause = Pause::read(&standing.run.folder(sweep))?;
            Some((standing.run.trial.as_str(), pause.rung))
        })
        .collect();
    if waiting.is_empty() {
        return Ok(None);
    }
    let mut decisions = rungs::read(sweep).map_err(Failure::run)?;
    let known = |trial: &str, rung: u64| {
        decisions.iter().any(|decision| decision.trial == trial && decision.rung == rung)
    };
    let open = waiting.iter().filter(|(trial, rung)| !known(trial, **rung));
    let field = Field::read(sweep, plan, pruning, state)?;
    let new: Vec<RungDecision> = open.map(|(trial, rung)| field.decision(trial, *rung)).collect();
    if !new.is_empty() && new.iter().all(|decision| decision.value.is_none()) {
        return Err(field.nothing_to_compare(&new));
    }
    rungs::append(sweep, &new).map_err(Failure::run)?;
    decisions.extend(new);
    let made: Vec<&RungDecision> =
        decisions.iter().filter(|d| waiting.get(d.trial.as_str()) == Some(&d.rung)).collect();
    carry_out(sweep, state, &made)?;
    Ok(Some(words(&made)))
}

/// Ends the runs of trials that stop, then opens those of the others: as long as some are to be ended,
/// all that go on still wait, and are counted the same by whoever has to do it again.
fn carry_out(sweep: &Path, state: &SweepState, made: &[&RungDecision]) -> Result<(), Failure> {
    let waiting = || state.runs.iter().filter(|standing| standing.state == RunState::Paused);
    let decided = |kept: bool| {
        waiting().filter_map(move |standing| {
            let mut made = made.iter().filter(|decision| decision.kept == kept);
            let decision = made.find(|decision| decision.trial == standing.run.trial)?;
            Some((standing.run.folder(sweep), decision))
        })
    };
    for (folder, decision) in decided(false) {
        let beside = made.iter().filter(|d| d.rung == decision.rung && d.kept).count();
        let text = decision.words(beside);
        write_atomically(&folder.join(PRUNED), text.as_bytes()).map_err(Failure::run)?;
    }
    for (folder, _) in decided(true) {
        Pause::end(&folder).map_err(Failure::run)?;
    }
    Ok(())
}

fn words(made: &[&RungDecision]) -> String {
    let rungs: BTreeSet<u64> = made.iter().map(|decision| decision.rung).collect();
    let at = |rung: u64| {
        let here = || made.iter().filter(move |decision| decision.rung == rung);
        let kept = here().filter(|decision| decision.kept).count();
        format!("at iteration {rung}: {kept} of {} trials go on", here().count())
    };
    rungs.into_iter().map(at).collect::<Vec<_>>().join("; ")
}

/// What every trial has reported.
struct Field<'a> {
    pruning: &'a Pruning,
    trials: BTreeMap<&'a str, Reported>,
}

/// The values of one trial at the rungs.
struct Reported {
    /// Rung and value, ascending; the value is NaN where a run failed.
    curve: Vec<(u64, f64)>,
    finished: bool,
}

impl<'a> Field<'a> {
    fn read(
        sweep: &Path,
        plan: &'a Plan,
        pruning: &'a Pruning,
        state: &SweepState,
    ) -> Result<Self, Failure> {
        let calibrator = plan.header.objective.calibrator.as_deref();
        let mut trials = BTreeMap::new();
        for trial in &plan.trials {
            let runs = state.runs.iter().filter(|standing| standing.run.trial == trial.trial);
            let (mut lines, mut finished, mut failed) = (Vec::new(), true, false);
            for standing in runs {
                let folder = standing.run.folder(sweep);
                finished &= standing.state == RunState::Done;
                failed |= standing.state == RunState::Failed;
                lines.push(match folder.exists() {
                    true => metrics::read(&folder).map_err(Failure::run)?,
                    false => Vec::new(),
                });
            }
            let last = lines.iter().flatten().map(|line| line.iteration).max().unwrap_or(0);
            let point = |rung: u64| {
                let values = lines.iter().map(|lines| pruning.value(lines, calibrator, rung));
                let values: Option<Vec<f64>> = values.collect();
                let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
                (rung, values.filter(|_| !failed).map_or(f64::NAN, mean))
            };
            let curve = pruning.rungs().take_while(|rung| *rung <= last).map(point).collect();
            trials.insert(trial.trial.as_str(), Reported { curve, finished });
        }
        Ok(Self { pruning, trials })
    }

    /// All would stop, and nobody would know why.
    fn nothing_to_compare(&self, decisions: &[RungDecision]) -> Failure {
        let rung = decisions.iter().map(|decision| decision.rung).max().unwrap_or(0);
        let metric = &self.pruning.metric;
        Failure::Run(miette::miette!(
            help = "the logs of the runs tell why; let enough validation users judge before the first \
                    rung, or plan the sweep with another sweep.prune.metric",
            "no trial has reported `{metric}` up to iteration {rung}: there is nothing to compare"
        ))
    }

    /// Whether a trial goes on from a rung.
    fn decision(&self, trial: &str, rung: u64) -> RungDecision {
        let upto = |curve: &[(u64, f64)]| -> Vec<(u64, f64)> {
            curve.iter().copied().filter(|(at, _)| *at <= rung).collect()
        };
        let own = self.trials.get(trial).map(|own| upto(&own.curve)).unwrap_or_default();
        let others = || self.trials.iter().filter(|(name, _)| **name != trial);
        let others = |finished: bool| -> Vec<Vec<(u64, f64)>> {
            let counted = others().filter(|(_, other)| other.finished || !finished);
            counted.map(|(_, other)| upto(&other.curve)).collect()
        };
        let (compared, prunes) = match self.pruning.rule {
            PruningRule::Halving { first, eta } => {
                let compared = others(false);
                let curves: Vec<_> = compared.iter().map(Vec::as_slice).collect();
                let rule = Halving { first, eta, startup: 0 };
                let prunes = rule.prunes(&own, &curves);
                (compared, prunes)
            }
            PruningRule::Median { first, every, startup } => {
                let compared = others(true);
                let curves: Vec<_> = compared.iter().map(Vec::as_slice).collect();
                let rule = Median { startup, warmup: first, interval: every, least: 1 };
                let prunes = rule.prunes(&own, &curves);
                (compared, prunes)
            }
        };
        let at = |curve: &Vec<(u64, f64)>| curve.iter().find(|(at, _)| *at == rung).map(|p| p.1);
        let value = at(&own).filter(|value| !value.is_nan());
        let there: Vec<f64> = compared.iter().filter_map(at).collect();
        let better = |other: &&f64| value.is_none_or(|value| **other < value);
        let rank = 1 + there.iter().filter(|other| !other.is_nan()).filter(better).count();
        let of = 1 + there.len();
        RungDecision { rung, trial: trial.to_owned(), value, rank, of, kept: !prunes }
    }
}
