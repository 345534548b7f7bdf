//! Everything that the report shows, read from the folder of a sweep.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use trueup_calibration::panel::CalibratorPanel;
use trueup_env::Streams;

use super::measure::Measure;
use super::measured::{Key, Measured};
use super::names::names;
use crate::error::ResultsError;
use crate::files::{read_json, read_text};
use crate::provenance::Provenance;
use crate::seeds::{Estimate, iqm};
use crate::sweep::summary::{CalibratorFigures, Place};
use crate::sweep::{
    Objective, Phase, Plan, PlannedTrial, RunId, RunSummary, SWEEP_CONFIG, Stop, SweepState,
    SweepSummary, TrialSummary, objective_over_seeds, sweep_state,
};

/// All of a sweep.
pub(super) struct Data {
    pub folder: PathBuf,
    pub plan: Plan,
    pub state: SweepState,
    pub measure: Measure,
    /// Trials that count, best first; those that were pruned after them, those without a value last.
    pub trials: Vec<Trial>,
    /// Trials of a search, best first: they were judged on other users.
    pub searched: Vec<Trial>,
    /// Metrics of the panel, in the order in which they came.
    pub metrics: Vec<Key>,
    /// What was judged against.
    pub datasets: Vec<String>,
    pub provenance: Option<Provenance>,
    pub config: Option<String>,
}

/// A trial with what its runs gave.
pub(super) struct Trial {
    pub planned: PlannedTrial,
    /// 1 for the best.
    pub rank: usize,
    pub name: String,
    /// Whether it was stopped before its end because others did better; it then has no value.
    pub pruned: bool,
    /// Where it was stopped, where that is known.
    pub stopped: Option<Stop>,
    /// The objective by seed.
    pub values: Vec<f64>,
    /// Interquartile mean over seeds.
    pub objective: Option<Estimate>,
    /// Interquartile means over seeds of what sums up the panel.
    pub floor_multiple: Option<f64>,
    pub gap_closed: Option<f64>,
    pub auc: Option<f64>,
    pub mean_excess: Option<f64>,
    /// Means over seeds.
    pub env_steps: Option<f64>,
    pub seconds: Option<f64>,
    pub runs: Vec<RunSummary>,
    pub panel: BTreeMap<Key, Measured>,
}

impl Trial {
    /// Rank and name, as in all pictures.
    pub fn label(&self) -> String {
        format!("{}. {}", self.rank, self.name)
    }

    /// What a calibrator lost or repeats, and in how many runs.
    pub fn losses(&self, calibrator: Option<&str>) -> Vec<String> {
        let figures: Vec<&CalibratorFigures> = (self.runs.iter())
            .flat_map(|run| run.calibrators.iter().filter(|c| Some(c.name.as_str()) == calibrator))
            .collect();
        let runs = figures.len();
        let in_runs = |words: String, count: usize| {
            (count > 0).then(|| format!("{words} in {count} of {runs} runs"))
        };
        let differ = ["lost", "weakened", "overdone"].map(|word| {
            let of = figures.iter().filter(|c| c.heterogeneity.as_deref() == Some(word)).count();
            in_runs(format!("how users differ {word}"), of)
        });
        let copies = figures.iter().filter(|c| c.copies).count();
        let copies = in_runs("training users repeated".to_owned(), copies);
        copies.into_iter().chain(differ.into_iter().flatten()).collect()
    }

    /// How many runs are in a state.
    pub fn count(&self, state: &str) -> usize {
        self.runs.iter().filter(|run| run.state == state).count()
    }
}

/// What the summary of a run says beyond the summary of the sweep.
#[derive(Deserialize)]
struct RunFile {
    seconds: Option<f64>,
    #[serde(default)]
    dataset: String,
    task: Option<String>,
    solved_at: Option<f64>,
    #[serde(default)]
    calibrators: Vec<CalibratorPanel>,
}

/// What is collected from the summaries of runs.
#[derive(Default)]
struct Collected {
    metrics: Vec<Key>,
    datasets: Vec<String>,
    solved: Option<f64>,
    auc_floors: Vec<f64>,
}

impl Data {
    /// Reads the folder of a sweep.
    pub fn read(folder: &Path) -> Result<Self, ResultsError> {
        let plan = Plan::read(folder)?;
        let summary = SweepSummary::read(folder)?;
        let there = |name: &str| Some(folder.join(name)).filter(|path| path.exists());
        let planned: Vec<&PlannedTrial> = plan.trials.iter().collect();
        let names = names(&planned, &plan.header.axes);
        let mut collected = Collected::default();
        let mut all = Vec::new();
        for ((planned, name), summary) in plan.trials.iter().zip(names).zip(&summary.trials) {
            all.push(trial(
                folder,
                &plan.header.objective,
                planned,
                name,
                summary,
                &mut collected,
            )?);
        }
        let (searched, trials): (Vec<Trial>, Vec<Trial>) =
            all.into_iter().partition(|trial| trial.planned.phase == Phase::Search);
        let (trials, searched) = (ranked(trials, &plan), ranked(searched, &plan));
        let measure = measure(&plan.header.objective, &trials, &searched, &collected);
        Ok(Self {
            folder: folder.to_owned(),
            state: sweep_state(folder, &plan),
            measure,
            trials,
            searched,
            metrics: collected.metrics,
            datasets: collected.datasets,
            provenance: there("provenance.json").map(|path| read_json(&path)).transpose()?,
            config: there(SWEEP_CONFIG).map(|path| read_text(&path)).transpose()?,
            plan,
        })
    }

    /// Trials that have a value, best first.
    pub fn valued(&self) -> impl Iterator<Item = &Trial> {
        self.trials.iter().filter(|trial| trial.objective.is_some())
    }

    /// Trials by which axes are judged: those of a search where there is one.
    pub fn sampled(&self) -> &[Trial] {
        if self.searched.is_empty() { &self.trials } else { &self.searched }
    }
}

/// The one source of random numbers of the report: it is the same whenever it is written.
pub(super) fn streams() -> Streams {
    Streams::new(0).child("sweep-report", 0)
}

/// Best first; then the pruned ones, and last those without a value in the order of the plan.
fn ranked(mut trials: Vec<Trial>, plan: &Plan) -> Vec<Trial> {
    let objective = &plan.header.objective;
    trials.sort_by_key(|t| {
        Place::of(t.objective.map(|e| objective.cost(e.value)), t.pruned, t.stopped)
    });
    trials.iter_mut().enumerate().for_each(|(i, trial)| trial.rank = i + 1);
    trials
}

fn trial(
    folder: &Path,
    objective: &Objective,
    planned: &PlannedTrial,
    name: String,
    summary: &TrialSummary,
    collected: &mut Collected,
) -> Result<Trial, ResultsError> {
    let mut panel = BTreeMap::new();
    let mut seconds = Vec::new();
    // Of a trial that was stopped, a seed that came to its end says nothing: it is one of the better.
    let pruned = summary.is_pruned();
    let counts = |run: &&RunSummary| !pruned && run.objective.is_some();
    for run in summary.runs.iter().filter(counts) {
        let id = RunId { trial: planned.trial.clone(), seed: run.seed };
        let file: RunFile = read_json(&id.folder(folder).join("summary.json"))?;
        seconds.extend(file.seconds);
        let dataset = file.task.unwrap_or(file.dataset);
        if !dataset.is_empty() && !collected.datasets.contains(&dataset) {
            collected.datasets.push(dataset);
        }
        collected.solved = collected.solved.or(file.solved_at);
        let of = |c: &&CalibratorPanel| Some(&c.name) == objective.calibrator.as_ref();
        if let Some(judged) = file.calibrators.iter().find(of) {
            collected.auc_floors.extend(judged.c2st_auc_floor);
            Measured::add(&judged.panel, &mut panel, &mut collected.metrics);
        }
    }
    let counted = || summary.runs.iter().filter(counts);
    let values: Vec<f64> = counted().filter_map(|run| run.objective).collect();
    let objective_estimate = objective_over_seeds(&values, planned.index);
    let of = |value: fn(&CalibratorFigures) -> Option<f64>| {
        let figures = |run: &RunSummary| {
            let mut all = run.calibrators.iter();
            all.find(|c| Some(&c.name) == objective.calibrator.as_ref()).and_then(value)
        };
        iqm(&counted().filter_map(figures).collect::<Vec<_>>())
    };
    let steps: Vec<f64> = counted().map(|run| run.env_steps as f64).collect();
    Ok(Trial {
        planned: planned.clone(),
        rank: 0,
        name,
        pruned,
        stopped: summary.stopped,
        values,
        objective: objective_estimate,
        floor_multiple: of(|c| c.floor_multiple),
        gap_closed: of(|c| c.gap_closed),
        auc: of(|c| c.c2st_auc),
        mean_excess: of(|c| c.mean_excess),
        env_steps: mean(&steps),
        seconds: mean(&seconds),
        runs: summary.runs.clone(),
        panel,
    })
}

/// The objective, with what is known of its floor.
fn measure(
    objective: &Objective,
    trials: &[Trial],
    searched: &[Trial],
    collected: &Collected,
) -> Measure {
    let all = || trials.iter().chain(searched);
    let metric = objective.metric.split_once(':');
    let of = |trial: &Trial| {
        let (feature, discrepancy) = metric?;
        trial.panel.get(&(feature.to_owned(), discrepancy.to_owned())).cloned()
    };
    let measured: Vec<Measured> = all().filter_map(of).collect();
    let unit = measured.first().map_or("", |measured| measured.unit.as_str());
    let floors: Vec<f64> = measured.iter().filter_map(Measured::floor).collect();
    let floor = if metric.is_some() { mean(&floors) } else { mean(&collected.auc_floors) };
    Measure::new(objective, unit, floor, collected.solved)
}

/// The arithmetic mean; none of nothing.
pub(super) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
