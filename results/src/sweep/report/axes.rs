//! Slices: the objective along each axis, over all other axes; and over two axes at once.

use serde_json::Value;

use super::data::{Data, Trial, streams};
use super::names::{last, varying};
use crate::plots::{
    Axis, Intervals, Matrix, MatrixCell, MatrixRow, Picture, Point, Row, Scale, Scatter, look,
};
use crate::seeds::{Aggregate, Bootstrap, Estimate, Scores, iqm};
use crate::sweep::PlannedTrial;

/// Most axes with a picture of their own.
const SLICES: usize = 12;
/// Most pairs of axes with a picture.
const PAIRS: usize = 3;
/// Most values of an axis in a picture of two, and in a slice by names.
const VALUES: usize = 30;
/// Up to so many numbers, the means are joined by a line.
const JOINED: usize = 12;

/// A value of an axis, and the objective of all runs with it.
struct Slice {
    label: String,
    number: Option<f64>,
    /// By trial, so that what trials differ by is not taken for noise of the seeds.
    runs: Vec<Vec<f64>>,
}

/// One picture an axis with several values.
pub(super) fn slices(data: &Data) -> Result<Vec<Picture>, String> {
    let pictures: Vec<Picture> =
        axes(data).into_iter().take(SLICES).filter_map(|path| slice_picture(data, path)).collect();
    match pictures.is_empty() {
        true => Err("No slices: no axis has results of two values.".to_owned()),
        false => Ok(pictures),
    }
}

pub(super) fn axes(data: &Data) -> Vec<&String> {
    let planned: Vec<&PlannedTrial> = data.sampled().iter().map(|trial| &trial.planned).collect();
    varying(&planned, &data.plan.header.axes)
}

fn slice_picture(data: &Data, path: &str) -> Option<Picture> {
    let slices = slices_of(data, path);
    if slices.len() < 2 {
        return None;
    }
    let whose = judged(data);
    let picture = |description: String, drawing: Box<dyn crate::plots::Render>| Picture {
        about: path.to_owned(),
        title: format!("Slice along {path}"),
        description,
        drawing,
    };
    let means = "Interquartile mean, with 95% intervals over seeds, over all runs";
    if slices.iter().all(|slice| slice.number.is_some()) {
        let words = format!(
            "{means} with each value of {path}{whose}, whatever the other axes are; dots are trials."
        );
        return Some(picture(words, Box::new(numbers(data, path, &slices))));
    }
    let measure = &data.measure;
    let mut slices: Vec<(Slice, Estimate)> = slices
        .into_iter()
        .filter_map(|slice| estimate(path, &slice).map(|estimate| (slice, estimate)))
        .collect();
    let cost = |e: &Estimate| measure.objective.cost(e.value);
    slices.sort_by(|a, b| cost(&a.1).total_cmp(&cost(&b.1)));
    let more = match slices.len().saturating_sub(VALUES) {
        0 => String::new(),
        n => format!(" The {n} worst values are left out."),
    };
    let row = |(i, (slice, estimate)): (usize, &(Slice, Estimate))| Row {
        name: slice.label.clone(),
        look: look(i),
        value: estimate.value,
        ci: estimate.ci,
        label: measure.show(estimate.value),
    };
    let rows: Vec<Row> = slices.iter().take(VALUES).enumerate().map(row).collect();
    let ends = rows.iter().flat_map(|row| row.ci.unwrap_or([row.value, row.value]));
    let x = measure.axis(ends, &measure.axis_title);
    let runs: Vec<String> = slices
        .iter()
        .take(VALUES)
        .map(|(slice, _)| {
            let count: usize = slice.runs.iter().map(Vec::len).sum();
            format!("{} {count} of {}", slice.label, slice.runs.len())
        })
        .collect();
    let words = format!(
        "{means} with each value of {path}{whose}, whatever the other axes are. Runs, of so \
         many trials: {}.{more}",
        runs.join(", ")
    );
    let title = format!("By {}", last(path));
    Some(picture(words, Box::new(Intervals { title, width: 520, x, references: Vec::new(), rows })))
}

/// On whom the trials are judged by which axes are, where that is not plain.
pub(super) fn judged(data: &Data) -> &'static str {
    if data.searched.is_empty() { "" } else { " on validation users" }
}

/// Values of an axis in the order of the plan, numbers ascending; trials without a result and
/// trials that do not set it are left out.
fn slices_of(data: &Data, path: &str) -> Vec<Slice> {
    let mut trials: Vec<&Trial> = data.sampled().iter().collect();
    trials.sort_by_key(|trial| trial.planned.index);
    let mut slices: Vec<Slice> = Vec::new();
    for trial in trials.into_iter().filter(|trial| !trial.values.is_empty()) {
        let Some(value) = trial.planned.values.iter().find(|value| value.path == path) else {
            continue;
        };
        let place = slices.iter().position(|slice| slice.label == value.label);
        let place = place.unwrap_or_else(|| {
            let number = match &value.value {
                Value::Number(number) => number.as_f64().filter(|number| number.is_finite()),
                _ => None,
            };
            let label = value.label.clone();
            slices.push(Slice { label, number, runs: Vec::new() });
            slices.len() - 1
        });
        if let Some(slice) = slices.get_mut(place) {
            slice.runs.push(trial.values.clone());
        }
    }
    if slices.iter().all(|slice| slice.number.is_some()) {
        let number = |slice: &Slice| slice.number.unwrap_or_default();
        slices.sort_by(|a, b| number(a).total_cmp(&number(b)));
    }
    slices
}

fn estimate(path: &str, slice: &Slice) -> Option<Estimate> {
    let scores = Scores::new(slice.runs.clone()).ok()?;
    let bootstrap = Bootstrap { replicates: 500, ..Bootstrap::default() };
    let streams = streams().child(path, 0).child(&slice.label, 0);
    Some(bootstrap.aggregate(&scores, Aggregate::Iqm, &streams))
}

/// Whether numbers are positive and so far apart that they were meant to be looked at by their logs.
pub(super) fn reaches_far(low: f64, high: f64) -> bool {
    low > 0.0 && high / low >= 20.0
}

/// The picture of an axis of numbers; a log scale where they are positive and reach far.
fn numbers(data: &Data, path: &str, slices: &[Slice]) -> Scatter {
    let all: Vec<f64> = slices.iter().filter_map(|slice| slice.number).collect();
    let (first, last_one) = (all.first().copied(), all.last().copied());
    let (low, high) = (first.unwrap_or(0.0), last_one.unwrap_or(1.0));
    let log = reaches_far(low, high);
    let at = |number: f64| if log { number.ln() } else { number };
    let rim = 0.05 * (at(high) - at(low));
    let scale = if log { Scale::Ln } else { Scale::Plain };
    let title = if log { format!("{path} (log scale)") } else { path.to_owned() };
    let mut points: Vec<Point> = Vec::new();
    let mut line = Vec::new();
    let joined = slices.len() <= JOINED;
    for slice in slices {
        let (Some(number), Some(estimate)) = (slice.number, estimate(path, slice)) else {
            continue;
        };
        line.push((at(number), estimate.value));
        let (at, look) = ((at(number), estimate.value), Some(look(3)));
        points.push(Point { at, ci: estimate.ci, label: String::new(), look });
    }
    for trial in data.sampled() {
        let value = trial.planned.values.iter().find(|value| value.path == path);
        let number = value.and_then(|value| value.value.as_f64());
        if let (Some(number), Some(estimate)) = (number, trial.objective.filter(|_| joined)) {
            let at = (at(number), estimate.value);
            points.push(Point { at, ci: None, label: String::new(), look: None });
        }
    }
    let ends = points.iter().flat_map(|point| point.ci.unwrap_or([point.at.1, point.at.1]));
    let y = data.measure.axis(ends, &data.measure.short_title);
    Scatter {
        title: format!("By {}", last(path)),
        size: (480, 340),
        x: Axis::new(scale, at(low) - rim, at(high) + rim, 5, title),
        y,
        line: if joined { line } else { Vec::new() },
        points,
    }
}

/// The objective over pairs of axes that both have several values.
pub(super) fn pairs(data: &Data) -> Result<Vec<Picture>, String> {
    let axes = axes(data);
    let mut pictures = Vec::new();
    for (i, rows) in axes.iter().enumerate() {
        for columns in axes.iter().skip(i + 1) {
            if pictures.len() < PAIRS {
                pictures.extend(pair(data, rows, columns));
            }
        }
    }
    match pictures.is_empty() {
        true => {
            Err("No picture of two axes: the sweep has no two axes with a few values each."
                .to_owned())
        }
        false => Ok(pictures),
    }
}

fn pair(data: &Data, rows: &str, columns: &str) -> Option<Picture> {
    let measure = &data.measure;
    let (down, across) = (slices_of(data, rows), slices_of(data, columns));
    if [&down, &across].iter().any(|slices| !(2..=VALUES).contains(&slices.len())) {
        return None;
    }
    let mean = |row: &Slice, column: &Slice| {
        let here = |trial: &&Trial| {
            trial.planned.label(rows) == Some(&row.label)
                && trial.planned.label(columns) == Some(&column.label)
        };
        let runs = data.sampled().iter().filter(here).flat_map(|trial| trial.values.clone());
        iqm(&runs.collect::<Vec<_>>())
    };
    let means: Vec<Vec<Option<f64>>> =
        down.iter().map(|row| across.iter().map(|column| mean(row, column)).collect()).collect();
    let scores = || means.iter().flatten().flatten().map(|&value| measure.score(value));
    let (worst, best) = (scores().fold(f64::INFINITY, f64::min), scores().fold(f64::MIN, f64::max));
    // A random sample rarely has the same values twice.
    if scores().count() * 2 < down.len() * across.len() {
        return None;
    }
    let cell = |value: f64| {
        let share = (measure.score(value) - worst) / (best - worst);
        MatrixCell { text: measure.show(value), shade: share.is_finite().then_some(share) }
    };
    let row = |(slice, means): (&Slice, &Vec<Option<f64>>)| MatrixRow {
        label: slice.label.clone(),
        cells: means.iter().map(|mean| mean.map(cell)).collect(),
        apart: false,
    };
    let matrix = Matrix {
        title: format!("By {} and {}", last(rows), last(columns)),
        sides: (last(rows).to_owned(), last(columns).to_owned()),
        columns: across.iter().map(|slice| slice.label.clone()).collect(),
        column: 88.0,
        rows: down.iter().zip(&means).map(row).collect(),
        key: vec!["deepest blue: best · white: worst of this picture".to_owned()],
    };
    let turn = across.len() > 8 && across.len() > down.len();
    Some(Picture {
        about: format!("{}-{}", last(rows), last(columns)),
        title: format!("Objective by {rows} and {columns}"),
        description: format!(
            "Interquartile mean of the {} over all runs with the two values: {rows} down, {columns} \
             across.",
            measure.title
        ),
        drawing: Box::new(if turn { matrix.turned() } else { matrix }),
    })
}
