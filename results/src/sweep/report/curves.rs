//! Learning curves: the interquartile mean over seeds of the best trials.

use std::collections::BTreeMap;

use super::compare::CURVES;
use super::data::{Data, Trial, mean, streams};
use super::pruned;
use crate::metrics::{self, DISCREPANCY, ENV_STEPS, Metric, RETURN};
use crate::plots::{Axis, Band, Bands, Picture, Scale, look};
use crate::seeds::{Bootstrap, Curve};
use crate::sweep::{RunId, RunState, RunSummary};

/// Most places of a curve.
const PLACES: usize = 80;
/// Most curves of pruned trials.
const STOPPED: usize = 40;

/// The seeds of a trial, and where iterations lie along environment steps.
#[derive(Default)]
struct Seeds {
    curves: Vec<Curve>,
    /// Environment steps by iteration, one entry a seed that knows them.
    steps: BTreeMap<u64, Vec<f64>>,
    /// Runs whose file could not be read.
    unreadable: usize,
}

impl Seeds {
    /// Whether environment steps are known at all places of the curves.
    fn know_steps(&self) -> bool {
        let known = |(iteration, _): &(u64, f64)| self.steps.contains_key(iteration);
        self.curves.iter().flatten().all(known)
    }

    /// Where an iteration lies along environment steps, or along iterations.
    fn at(&self, iteration: u64, along_steps: bool) -> f64 {
        let steps = self.steps.get(&iteration).filter(|_| along_steps);
        steps.and_then(|steps| mean(steps)).unwrap_or(iteration as f64)
    }
}

/// The picture of the best trials.
pub(super) fn picture(data: &Data) -> Result<Picture, String> {
    let value = match data.measure.objective.calibrator {
        Some(_) => DISCREPANCY,
        None => RETURN,
    };
    let mut unreadable = 0;
    let mut read: Vec<(&Trial, Seeds)> = Vec::new();
    for trial in data.valued().take(CURVES) {
        let seeds = read_seeds(data, trial, value);
        unreadable += seeds.unreadable;
        read.push((trial, seeds));
    }
    let mut stopped: Vec<Seeds> = Vec::new();
    for trial in pruned::all(data).take(STOPPED) {
        let seeds = read_seeds(data, trial, value);
        unreadable += seeds.unreadable;
        stopped.push(seeds);
    }
    let along_steps = read.iter().map(|(_, seeds)| seeds).chain(&stopped).all(Seeds::know_steps);
    let curves: Vec<Band> = read
        .iter()
        .enumerate()
        .filter_map(|(i, (trial, seeds))| band(i, trial, seeds, along_steps))
        .collect();
    let lost = match unreadable {
        0 => String::new(),
        n => format!(" The curves of {n} runs cannot be read."),
    };
    let stopped: Vec<Vec<(f64, f64)>> =
        stopped.iter().map(|seeds| means(seeds, along_steps)).filter(|c| c.len() > 1).collect();
    if curves.is_empty() {
        return Err(format!(
            "No learning curves: no trial with a result stored {value} over more than one \
             iteration.{lost}"
        ));
    }
    let along = if along_steps { "environment steps" } else { "iterations" };
    let (what, reading) = match value {
        DISCREPANCY => ("training discrepancy", "lower is nearer to the training users"),
        _ => ("return, last 100 episodes", "higher is better"),
    };
    let ends = match stopped.len() {
        0 => String::new(),
        n => format!(
            " Dashed: means of {n} of the {} pruned trials, each to its rung.",
            pruned::all(data).count()
        ),
    };
    Ok(Picture {
        about: String::new(),
        title: "Learning curves".to_owned(),
        description: format!(
            "Interquartile mean over the seeds that got so far, with pointwise 95% bands, over \
             {along}; {reading}. At most the {CURVES} best trials. Trials that optimise different \
             things have different discrepancies: compare shapes, not heights.{ends}{lost}"
        ),
        drawing: Box::new(drawing(curves, stopped, along, what)),
    })
}

fn drawing(curves: Vec<Band>, stopped: Vec<Vec<(f64, f64)>>, along: &str, what: &str) -> Bands {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let right = points().map(|point| point.0).fold(0.0, f64::max);
    let ends = points().flat_map(|(_, value, ci)| ci.unwrap_or([*value, *value]));
    let ends = ends.chain(stopped.iter().flatten().map(|(_, value)| *value));
    let (low, high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    // A discrepancy begins at 0, its best.
    let low = if low >= 0.0 && low < high * 0.6 { 0.0 } else { low - 0.05 * (high - low) };
    Bands {
        title: "Learning curves".to_owned(),
        size: (640, 330),
        x: Axis::new(Scale::Plain, 0.0, right, 5, along),
        y: Axis::new(Scale::Plain, low, high + 0.05 * (high - low), 5, what),
        references: Vec::new(),
        curves,
        lost: ("pruned, to their rung".to_owned(), stopped),
    }
}

/// The curves of the runs of a trial that have a value; of a pruned trial, those of the runs that
/// were stopped, to its rung.
fn read_seeds(data: &Data, trial: &Trial, value: &str) -> Seeds {
    let mut seeds = Seeds::default();
    let last = trial.stopped.map_or(u64::MAX, |stop| stop.rung);
    let shown = |run: &&RunSummary| match trial.pruned {
        true => run.state == RunState::Pruned.name(),
        false => run.objective.is_some(),
    };
    for run in trial.runs.iter().filter(shown) {
        let id = RunId { trial: trial.planned.trial.clone(), seed: run.seed };
        let Ok(lines) = metrics::read(&id.folder(&data.folder)) else {
            seeds.unreadable += 1;
            continue;
        };
        let wanted = data.measure.objective.calibrator.as_deref();
        // A run that trains on a task may hold several training seeds.
        let mut curves: BTreeMap<Option<u64>, Curve> = BTreeMap::new();
        for line in lines.iter().filter(|line| wanted.is_none_or(|name| line.calibrator == name)) {
            let Metric { seed, iteration, values, .. } = line;
            let Some(&value) = values.get(value).filter(|value| value.is_finite()) else {
                continue;
            };
            if *iteration > last {
                continue;
            }
            curves.entry(*seed).or_default().push((*iteration, value));
            if let Some(&steps) = values.get(ENV_STEPS) {
                seeds.steps.entry(*iteration).or_default().push(steps);
            }
        }
        seeds.curves.extend(curves.into_values().filter(|curve| curve.len() > 1));
    }
    seeds
}

fn band(place: usize, trial: &Trial, seeds: &Seeds, along_steps: bool) -> Option<Band> {
    let bootstrap = Bootstrap { replicates: 200, ..Bootstrap::default() };
    let streams = streams().child("learning", trial.planned.index as u64);
    let curves = thinned(&seeds.curves);
    let points = bootstrap.learning_curve(&[curves], &streams).ok()?;
    let at = |iteration: u64| seeds.at(iteration, along_steps);
    let points: Vec<_> =
        points.iter().map(|point| (at(point.iteration), point.iqm.value, point.iqm.ci)).collect();
    let name = match seeds.curves.len() {
        1 => trial.label(),
        n => format!("{} ({n} seeds)", trial.label()),
    };
    (points.len() > 1).then(|| Band { name, look: look(place), points })
}

/// The mean over seeds, at no more than [`PLACES`] iterations.
fn means(seeds: &Seeds, along_steps: bool) -> Vec<(f64, f64)> {
    let mut by: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for (iteration, value) in thinned(&seeds.curves).into_iter().flatten() {
        by.entry(iteration).or_default().push(value);
    }
    let place = |(&iteration, values): (&u64, &Vec<f64>)| {
        Some((seeds.at(iteration, along_steps), mean(values)?))
    };
    by.iter().filter_map(place).collect()
}

/// The curves at no more than [`PLACES`] of their iterations, evenly thinned, with both ends.
fn thinned(curves: &[Curve]) -> Vec<Curve> {
    let mut iterations: Vec<u64> = curves.iter().flatten().map(|point| point.0).collect();
    iterations.sort_unstable();
    iterations.dedup();
    let count = iterations.len().min(PLACES);
    let place = |i: usize| iterations.get(i * (iterations.len() - 1) / (count - 1).max(1)).copied();
    let kept: Vec<u64> = (0..count).filter_map(place).collect();
    let few = |curve: &Curve| {
        curve.iter().filter(|point| kept.binary_search(&point.0).is_ok()).copied().collect()
    };
    curves.iter().map(few).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_curves_keep_their_ends() {
        let curve = |n: u64| (1..=n).map(|i| (i, i as f64)).collect::<Curve>();
        let thin = thinned(&[curve(1000), curve(300)]);
        assert_eq!((thin[0].len(), thin[0][0].0, thin[0][PLACES - 1].0), (PLACES, 1, 1000));
        assert!(thin[1].iter().all(|point| point.0 <= 300) && thin[1].len() > PLACES / 4);
        assert_eq!(thinned(&[curve(3)]), [curve(3)]);
        assert!(thinned(&[]).is_empty() && thinned(&[vec![]]) == [vec![]]);
    }
}
