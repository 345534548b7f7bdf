//! Parallel coordinates of a sweep with many axes, and the same as a table. With one or two axes,
//! slices and the picture of two axes say more.

use std::collections::BTreeSet;

use serde_json::Value;

use super::axes::{axes, judged, reaches_far};
use super::data::{Data, Trial};
use super::tables::NONE;
use crate::plots::{Axis, GRADES, Parallel, Picture, Scale, Thread, Tone, Way, number};
use crate::report::{Cells, Table};
use crate::sweep::{AxisValue, RunState};

/// Least axes of a picture.
const LEAST: usize = 3;
/// Most axes of a picture.
const AXES: usize = 12;
/// Most lines with a value, and most without one.
const LINES: [usize; 2] = [300, 100];
/// Of those, the best ones; of the rest, every so many.
const BEST: usize = 50;
/// Most rows of the table.
const ROWS: usize = 200;
/// Up to so many different numbers are each labelled.
const FEW: usize = 6;
/// Room for what an axis of numbers is not set to, as a share of it.
const UNSET: f64 = 0.16;
/// How far lines of one name lie from its middle, as a share of its room.
const SPREAD: f64 = 0.3;

/// The picture; none with fewer axes, or without two trials that have a result.
pub(super) fn picture(data: &Data) -> Option<Picture> {
    let paths = shown_axes(data)?;
    let (valued, lost) = (thinned(valued(data), LINES[0]), thinned(lost(data), LINES[1]));
    let all: Vec<&Trial> = valued.iter().chain(&lost).copied().collect();
    let coordinates: Vec<Coordinate> =
        paths.iter().map(|path| Coordinate::new(path, &all)).collect();
    let result = Outcome::new(data, &valued);
    let count = valued.len();
    let thread = |(i, trial): (usize, &&Trial)| {
        let rank = match i.checked_sub(count) {
            None => rank(i, count),
            Some(place) => rank(place, lost.len()),
        };
        let mut places: Vec<f64> = coordinates.iter().map(|axis| axis.place(trial, rank)).collect();
        places.extend(trial.objective.map(|estimate| result.place(estimate.value)));
        let tone = match i < count {
            true => Tone::Grade(i * GRADES.len() / count),
            false => Tone::Lost,
        };
        Thread { places, tone }
    };
    let threads: Vec<Thread> = all.iter().enumerate().map(thread).collect();
    let best = valued.first()?;
    let names = short(&paths);
    let way = |(axis, name): (&Coordinate, &String)| axis.way(name, best);
    let mut ways: Vec<Way> = coordinates.iter().zip(&names).map(way).collect();
    ways.push(result.way);
    let show = |trial: Option<&&Trial>| {
        let value = trial.and_then(|trial| trial.objective).map(|estimate| estimate.value);
        value.map_or_else(String::new, |value| data.measure.show(value))
    };
    let title = "Trials along all axes";
    Some(Picture {
        about: String::new(),
        title: title.to_owned(),
        description: description(data, count, lost.len(), axes(data).len()),
        drawing: Box::new(Parallel {
            title: title.to_owned(),
            ways,
            threads,
            ends: (show(valued.first()), show(valued.last())),
            lost: if lost.is_empty() { String::new() } else { "failed or pruned".to_owned() },
        }),
    })
}

/// The axes of the picture; none where there is no picture.
fn shown_axes(data: &Data) -> Option<Vec<&String>> {
    let mut paths = axes(data);
    paths.truncate(AXES);
    (paths.len() >= LEAST && valued(data).len() > 1).then_some(paths)
}

fn valued(data: &Data) -> Vec<&Trial> {
    data.sampled().iter().filter(|trial| trial.objective.is_some()).collect()
}

/// Trials that are over and gave nothing.
fn lost(data: &Data) -> Vec<&Trial> {
    let failed = |trial: &Trial| trial.count(RunState::Failed.name()) > 0;
    let lost = |trial: &&Trial| trial.pruned || trial.objective.is_none() && failed(trial);
    data.sampled().iter().filter(lost).collect()
}

/// The best ones, and of the others every so many; both ends stay.
fn thinned(trials: Vec<&Trial>, most: usize) -> Vec<&Trial> {
    if trials.len() <= most {
        return trials;
    }
    let (best, rest) = trials.split_at(BEST.min(most));
    let room = most - best.len();
    let place = |i: usize| rest.get((i + 1) * rest.len() / room - 1).copied();
    best.iter().copied().chain((0..room).filter_map(place)).collect()
}

/// The place among so many, from -1 for the best to 1.
fn rank(place: usize, count: usize) -> f64 {
    2.0 * place as f64 / count.saturating_sub(1).max(1) as f64 - 1.0
}

fn description(data: &Data, valued: usize, lost: usize, axes: usize) -> String {
    let whose = judged(data);
    let title = &data.measure.title;
    let mut text = format!(
        "One line a trial, from axis to axis, down to its {title}{whose} (interquartile mean over \
         seeds). Colours: sevenths of the trials by that, the best one thick and on top. Lines with \
         one name lie beside each other, the better ones on the left."
    );
    let left = self::valued(data).len() - valued;
    if left > 0 {
        text.push_str(&format!(
            " The {BEST} best trials and, evenly by rank, {} of the other {} are drawn.",
            valued.saturating_sub(BEST),
            valued + left - BEST
        ));
    }
    if lost > 0 {
        let all = self::lost(data).len();
        let drawn =
            if all > lost { format!("{lost} of {all} are drawn") } else { lost.to_string() };
        text.push_str(&format!(" Dashed: trials that failed or were pruned ({drawn})."));
    }
    if axes > AXES {
        text.push_str(&format!(" The last {} axes are left out.", axes - AXES));
    }
    text
}

/// The ends of paths that tell them apart.
fn short(paths: &[&String]) -> Vec<String> {
    let end = |path: &str, parts: usize| {
        let all: Vec<&str> = path.split('.').collect();
        all.get(all.len().saturating_sub(parts)..).unwrap_or_default().join(".")
    };
    let name = |path: &&String| {
        let most = path.split('.').count();
        let alone = |parts: &usize| {
            let same = |other: &&&String| end(other, *parts) == end(path, *parts);
            paths.iter().filter(same).count() == 1
        };
        end(path, (1..=most).find(alone).unwrap_or(most))
    };
    paths.iter().map(name).collect()
}

/// An axis of the picture, and where values lie on it.
struct Coordinate<'a> {
    path: &'a str,
    kind: Kind,
    /// Whether some trial does not set it.
    gaps: bool,
}

enum Kind {
    /// Numbers: their axis, and the labels of few.
    Numbers { axis: Axis, log: bool, few: Vec<(f64, String)> },
    /// Names, each with as much room.
    Names(Vec<String>),
}

fn set<'a>(trial: &'a Trial, path: &str) -> Option<&'a AxisValue> {
    trial.planned.values.iter().find(|value| value.path == path)
}

fn as_number(value: &AxisValue) -> Option<f64> {
    let number = if let Value::Number(number) = &value.value { number.as_f64() } else { None };
    number.filter(|number| number.is_finite())
}

/// What a value is called: a drawn number by its first digits.
fn label(value: &AxisValue) -> String {
    match as_number(value).filter(|_| value.value.is_f64()) {
        Some(drawn) => number(drawn),
        None => value.label.clone(),
    }
}

impl<'a> Coordinate<'a> {
    fn new(path: &'a str, trials: &[&Trial]) -> Self {
        let mut order: Vec<&&Trial> = trials.iter().collect();
        order.sort_by_key(|trial| trial.planned.index);
        let values: Vec<&AxisValue> = order.iter().filter_map(|trial| set(trial, path)).collect();
        let gaps = values.len() < trials.len();
        let numbers: Option<Vec<f64>> = values.iter().map(|value| as_number(value)).collect();
        let kind = match numbers.filter(|numbers| !numbers.is_empty()) {
            Some(mut numbers) => {
                numbers.sort_by(f64::total_cmp);
                numbers.dedup();
                Kind::numbers(&numbers)
            }
            None => {
                let mut seen = BTreeSet::new();
                let labels = values.iter().filter(|value| seen.insert(value.label.as_str()));
                Kind::Names(labels.map(|value| value.label.clone()).collect())
            }
        };
        Self { path, kind, gaps }
    }

    /// Where a trial meets the axis, from 0 to 1.
    fn place(&self, trial: &Trial, rank: f64) -> f64 {
        let value = set(trial, self.path);
        match &self.kind {
            Kind::Numbers { axis, log, .. } => match value.and_then(as_number) {
                Some(number) => self.beside(axis.share(if *log { number.ln() } else { number })),
                None => UNSET / 2.0 * (1.0 + SPREAD * rank),
            },
            Kind::Names(names) => {
                let place = |value: &AxisValue| names.iter().position(|name| *name == value.label);
                let place = value.and_then(place).unwrap_or(names.len());
                (place as f64 + 0.5 + SPREAD * rank) / self.rooms(names)
            }
        }
    }

    fn rooms(&self, names: &[String]) -> f64 {
        (names.len() + usize::from(self.gaps)).max(1) as f64
    }

    /// A place among numbers, beside the room for what is not set.
    fn beside(&self, share: f64) -> f64 {
        if self.gaps { UNSET + (1.0 - UNSET) * share } else { share }
    }

    fn way(&self, name: &str, best: &Trial) -> Way {
        let unset = || "not set".to_owned();
        let best = set(best, self.path).map_or_else(unset, label);
        let (ticks, names, scale) = match &self.kind {
            Kind::Numbers { axis, log, few } => {
                let labels = if few.is_empty() { &axis.ticks } else { few };
                let tick =
                    |(at, label): &(f64, String)| (self.beside(axis.share(*at)), label.clone());
                let gap = self.gaps.then(|| (UNSET / 2.0, unset()));
                let ticks = gap.into_iter().chain(labels.iter().map(tick)).collect();
                (ticks, false, if *log { ", log scale" } else { "" })
            }
            Kind::Names(names) => {
                let rooms = self.rooms(names);
                let gap = self.gaps.then(unset);
                let place = |(i, label)| ((i as f64 + 0.5) / rooms, label);
                let ticks = names.iter().cloned().chain(gap).enumerate().map(place).collect();
                (ticks, true, "")
            }
        };
        Way { name: format!("{name}{scale}"), best: format!("best: {best}"), ticks, names }
    }
}

impl Kind {
    /// Of numbers that ascend.
    fn numbers(numbers: &[f64]) -> Self {
        let low = numbers.first().copied().unwrap_or_default();
        let high = numbers.last().copied().unwrap_or_default();
        let log = reaches_far(low, high);
        let at = |number: f64| if log { number.ln() } else { number };
        let scale = if log { Scale::Ln } else { Scale::Plain };
        // Lines that meet the ends stay off the rim.
        let rim = 0.03 * (at(high) - at(low));
        let axis = Axis::new(scale, at(low) - rim, at(high) + rim, 5, "");
        let label = |number: f64| (at(number), scale.label(at(number)));
        let few = if numbers.len() <= FEW { numbers } else { &[] };
        Self::Numbers { axis, log, few: few.iter().map(|&number| label(number)).collect() }
    }
}

/// The last axis: what came out.
struct Outcome {
    axis: Axis,
    log: bool,
    way: Way,
}

impl Outcome {
    fn new(data: &Data, trials: &[&Trial]) -> Self {
        let measure = &data.measure;
        let values = || trials.iter().filter_map(|trial| Some(trial.objective?.value));
        let low = values().fold(f64::INFINITY, f64::min);
        let high = values().fold(f64::NEG_INFINITY, f64::max);
        let log = reaches_far(low, high);
        let axis = match log {
            true => Axis::new(Scale::Ln, low.ln(), high.ln(), 5, ""),
            false => measure.axis(values(), ""),
        };
        let scale = if log { ", log scale" } else { "" };
        let way = Way {
            name: format!("{}{scale}", measure.axis_title),
            best: String::new(),
            ticks: axis.ticks.iter().map(|(at, label)| (axis.share(*at), label.clone())).collect(),
            names: false,
        };
        Self { axis, log, way }
    }

    fn place(&self, value: f64) -> f64 {
        self.axis.share(if self.log { value.ln() } else { value })
    }
}

/// What the picture shows, for those who do not see it; without rows where there is no picture.
pub(super) fn table(data: &Data) -> Table {
    let paths = shown_axes(data).unwrap_or_default();
    let trials: Vec<&Trial> = if paths.is_empty() {
        Vec::new()
    } else {
        valued(data).into_iter().chain(lost(data)).collect()
    };
    let mut columns = vec!["Trial".to_owned()];
    columns.extend(short(&paths));
    columns.extend([data.measure.short_title.clone(), "State".to_owned()]);
    let row = |(i, trial): (usize, &&Trial)| {
        let cell = |path: &&String| set(trial, path).map_or_else(|| NONE.to_owned(), label);
        let mut cells: Vec<String> = paths.iter().map(cell).collect();
        let value = trial.objective.as_ref();
        cells.push(
            value.map_or_else(|| NONE.to_owned(), |e| data.measure.show_estimate(e, &trial.values)),
        );
        cells.push(state(trial));
        let head =
            if value.is_some() { trial.rank.to_string() } else { trial.planned.trial.clone() };
        Cells { head, cells, strong: i == 0 }
    };
    let left = trials.len().saturating_sub(ROWS);
    let more = if left > 0 { format!("; {left} more are left out") } else { String::new() };
    Table {
        caption: format!("Trials by rank, with what they set{more}"),
        columns,
        rows: trials.iter().take(ROWS).enumerate().map(row).collect(),
        empty: String::new(),
        open: false,
    }
}

fn state(trial: &Trial) -> String {
    match (trial.pruned, trial.stopped, trial.objective) {
        (true, Some(stop), _) => format!("pruned at {}", stop.rung),
        (true, None, _) => "pruned".to_owned(),
        (false, _, None) => "failed".to_owned(),
        _ => format!("{} of {} done", trial.count(RunState::Done.name()), trial.runs.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_called_by_the_end_that_tells_them_apart() {
        let paths = ["ppo.update.rate", "clone.update.rate", "reward.kind"].map(str::to_owned);
        let paths: Vec<&String> = paths.iter().collect();
        assert_eq!(short(&paths), ["ppo.update.rate", "clone.update.rate", "kind"]);
        let twice = [paths[0], paths[0]];
        assert_eq!(short(&twice), ["ppo.update.rate", "ppo.update.rate"]);
        assert!(short(&[]).is_empty());
    }

    #[test]
    fn ranks_reach_from_end_to_end() {
        assert_eq!([rank(0, 3), rank(1, 3), rank(2, 3)], [-1.0, 0.0, 1.0]);
        assert_eq!([rank(0, 1), rank(0, 0)], [-1.0, -1.0]);
    }

    #[test]
    fn few_numbers_are_labelled_and_far_ones_lie_on_a_log_scale() {
        let Kind::Numbers { axis, log, few } = Kind::numbers(&[0.0001, 0.001, 0.01]) else {
            panic!()
        };
        let labels: Vec<&str> = few.iter().map(|(_, label)| label.as_str()).collect();
        assert!(log && labels == ["0.0001", "0.001", "0.01"]);
        // In the middle, for it is the geometric mean of the ends.
        assert!((axis.share(few[1].0) - 0.5).abs() < 1e-12);
        let many: Vec<f64> = (0..20).map(f64::from).collect();
        let Kind::Numbers { axis, log, few } = Kind::numbers(&many) else { panic!() };
        assert!(!log && few.is_empty() && axis.share(9.5) == 0.5);
    }
}
