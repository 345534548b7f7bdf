//! Trials against each other: how often a run of one beats a run of another, and what share of runs
//! is better than any given value.

use super::data::{Data, Trial, streams};
use super::measure::Measure;
use crate::plots::{Axis, Band, Bands, Matrix, MatrixCell, MatrixRow, Picture, look};
use crate::report::percent;
use crate::seeds::{Bootstrap, Estimate, LEAST_SEEDS, Profile, Scores, probability_of_improvement};

/// Most trials in the matrix.
const MATRIX: usize = 12;
/// Most curves in a picture.
pub(super) const CURVES: usize = 8;
/// Places of a profile.
const PLACES: usize = 80;

/// The probability that a run of `a` is better than a run of `b`.
pub(super) fn beats(a: &Trial, b: &Trial, measure: &Measure) -> Option<Estimate> {
    let scores = |trial: &Trial| {
        let scores = trial.values.iter().map(|&value| measure.score(value)).collect();
        Scores::new(vec![scores]).ok()
    };
    let bootstrap = Bootstrap { replicates: 1000, ..Bootstrap::default() };
    let streams = streams()
        .child("improvement", a.planned.index as u64)
        .child("over", b.planned.index as u64);
    probability_of_improvement(&scores(a)?, &scores(b)?, &bootstrap, &streams).ok()
}

/// Whether an estimated probability is told apart from a coin toss; none where nobody knows.
pub(super) fn told(probability: &Estimate) -> Option<bool> {
    probability.ci.map(|[low, high]| low > 0.5 || high < 0.5)
}

/// The matrix of probabilities of improvement among the best trials.
pub(super) fn matrix(data: &Data) -> Result<Picture, String> {
    let trials: Vec<&Trial> = data.valued().take(MATRIX).collect();
    if trials.len() < 2 {
        return Err("No comparison of trials: fewer than two have a result.".to_owned());
    }
    if trials.iter().all(|trial| trial.values.len() < 2) {
        return Err("No comparison of trials: each has one seed.".to_owned());
    }
    let few = trials.iter().map(|trial| trial.values.len()).min().unwrap_or(0);
    let few = match few < LEAST_SEEDS {
        true => format!(" With {few} seeds a trial nobody can tell: it takes {LEAST_SEEDS}."),
        false => String::new(),
    };
    let cell = |a: &Trial, b: &Trial| {
        // One half of the matrix is drawn, and the other is its mirror.
        let (first, second) = if a.rank < b.rank { (a, b) } else { (b, a) };
        let estimate = beats(first, second, &data.measure)?;
        let value = if a.rank < b.rank { estimate.value } else { 1.0 - estimate.value };
        let shade = (told(&estimate) == Some(true)).then_some((value - 0.5) * 2.0);
        Some(MatrixCell { text: format!("{:.0}%", value * 100.0), shade })
    };
    let row = |a: &&Trial| MatrixRow {
        label: a.label(),
        cells: trials.iter().map(|b| (a.rank != b.rank).then(|| cell(a, b)).flatten()).collect(),
        apart: false,
    };
    let rows: Vec<MatrixRow> = trials.iter().map(row).collect();
    let more = match data.valued().count() - trials.len() {
        0 => String::new(),
        n => format!(" {n} more trials are left out."),
    };
    Ok(Picture {
        about: String::new(),
        title: "Probability of improvement".to_owned(),
        description: format!(
            "How often a run of the trial in the row is better than a run of the trial in the \
             column (Mann and Whitney’s U over the number of pairs). Grey: the 95% interval over \
             seeds holds 50%, the two cannot be told apart.{few}{more}"
        ),
        drawing: Box::new(Matrix {
            title: "How often the row beats the column".to_owned(),
            sides: ("trial".to_owned(), "against, by rank".to_owned()),
            columns: trials.iter().map(|trial| trial.rank.to_string()).collect(),
            column: 46.0,
            rows,
            key: vec!["blue: the row wins · orange: it loses · grey: not told apart".to_owned()],
        }),
    })
}

/// Performance profiles of the best trials.
pub(super) fn profiles(data: &Data) -> Result<Picture, String> {
    let trials: Vec<&Trial> = data.valued().take(CURVES).collect();
    if trials.iter().all(|trial| trial.values.len() < 2) {
        return Err("No performance profiles: no trial has results of two seeds.".to_owned());
    }
    let measure = &data.measure;
    let all = || trials.iter().flat_map(|trial| trial.values.iter().copied());
    let x = measure.axis(all(), &measure.axis_title);
    let (low, high) = x.ends();
    let place = |i: usize| low + (high - low) * i as f64 / (PLACES - 1) as f64;
    let thresholds: Vec<f64> = (0..PLACES).map(place).collect();
    let scores_at: Vec<f64> = thresholds.iter().map(|&x| measure.score(x)).collect();
    let curve = |(i, trial): (usize, &&Trial)| {
        let scores = trial.values.iter().map(|&value| measure.score(value)).collect();
        let scores = Scores::new(vec![scores]).ok()?;
        let bootstrap = Bootstrap { replicates: 400, ..Bootstrap::default() };
        let streams = streams().child("profile", trial.planned.index as u64);
        let shares = Profile::RunScores.at(&scores_at, &scores, &bootstrap, &streams);
        let points = thresholds.iter().zip(shares).map(|(&x, share)| (x, share.value, share.ci));
        Some(Band { name: trial.label(), look: look(i), points: points.collect() })
    };
    let curves: Vec<Band> = trials.iter().enumerate().filter_map(curve).collect();
    let first = trials.first().map_or_else(String::new, |trial| {
        let worst = trial
            .values
            .iter()
            .copied()
            .min_by(|a, b| measure.score(*a).total_cmp(&measure.score(*b)));
        let worst = worst.map_or_else(String::new, |worst| measure.show(worst));
        format!(" All runs of {} are at {worst} or better.", trial.name)
    });
    Ok(Picture {
        about: String::new(),
        title: "Performance profiles".to_owned(),
        description: format!(
            "Share of runs whose {} is better than the value on the axis, with pointwise 95% bands \
             over seeds; at most the {CURVES} best trials. Where one curve lies above another all \
             along, its trial is better in every quantile.{first}",
            measure.title
        ),
        drawing: Box::new(Bands {
            title: "Share of runs that do better".to_owned(),
            size: (520, 330),
            x,
            y: Axis::percent("share of runs"),
            references: Vec::new(),
            curves,
            lost: (String::new(), Vec::new()),
        }),
    })
}

/// What the best trial is to its rivals.
pub(super) struct Rivals<'a> {
    pub best: &'a Trial,
    pub runner_up: Option<(&'a Trial, Option<Estimate>)>,
    /// Other trials, the runner-up among them, that cannot be told from the best.
    pub tied: Vec<&'a Trial>,
    /// How often the best beats each trial, in the order of the ranking; none for itself.
    pub beats: Vec<Option<Estimate>>,
}

impl<'a> Rivals<'a> {
    /// None where no trial has a value.
    pub fn of(data: &'a Data) -> Option<Self> {
        let best = data.valued().next()?;
        let against = |trial: &Trial| {
            (trial.rank != best.rank).then(|| beats(best, trial, &data.measure)).flatten()
        };
        let all: Vec<Option<Estimate>> = data.trials.iter().map(against).collect();
        let tied = data.trials.iter().zip(&all);
        let tied = tied.filter(|(_, p)| p.as_ref().and_then(told) == Some(false));
        let tied = tied.map(|(trial, _)| trial).collect();
        let runner_up = data.valued().nth(1).map(|t| (t, all.get(t.rank - 1).copied().flatten()));
        Some(Self { best, runner_up, tied, beats: all })
    }
}

/// A probability with its interval, as a share of pairs of seeds.
pub(super) fn in_pairs(p: &Estimate) -> String {
    match p.ci {
        Some([low, high]) if low < high => {
            format!("{} (95% interval {} to {})", percent(p.value), percent(low), percent(high))
        }
        _ => percent(p.value),
    }
}
