//! Tables: trials best first, every metric, runs that gave nothing, and the plan.

use std::collections::BTreeSet;

use super::compare::{Rivals, in_pairs};
use super::data::{Data, Trial};
use crate::plots::number;
use crate::report::{Cells, Table, count, discrepancy_title, feature_title, percent, times};
use crate::seeds::Estimate;
use crate::sweep::{RunState, failures};

pub(super) const NONE: &str = "–";
/// Most trials beside each other in a table.
const ACROSS: usize = 12;
/// Most rows of runs that gave nothing.
pub(super) const RUNS: usize = 200;

/// Trials from best to worst.
pub(super) fn trials(data: &Data, rivals: Option<&Rivals<'_>>) -> Table {
    let any = |of: fn(&Trial) -> Option<f64>| data.trials.iter().any(|trial| of(trial).is_some());
    let metric = data.measure.objective.metric.as_str();
    let calibrator = data.measure.objective.calibrator.as_deref();
    let lost = data.trials.iter().any(|trial| !trial.losses(calibrator).is_empty());
    let (floor, gap, auc, excess) = (
        metric != "floor_multiple" && any(|t| t.floor_multiple),
        metric != "gap_closed" && any(|t| t.gap_closed),
        metric != "c2st_auc" && any(|t| t.auc),
        metric != "mean_excess" && any(|t| t.mean_excess),
    );
    let title = sentence_case(&data.measure.title);
    let mut columns = vec!["Trial".to_owned(), format!("{title} (95% interval)")];
    let optional = [
        (floor, "Times the floor"),
        (auc, "AUC"),
        (excess, "Mean excess"),
        (lost, "Lost or repeated"),
        (gap, "Gap closed"),
    ];
    columns.extend(optional.iter().filter(|(there, _)| *there).map(|(_, name)| (*name).to_owned()));
    columns.extend(["The best beats it in".to_owned(), "Runs done".to_owned()]);
    let row = |(i, trial): (usize, &Trial)| {
        let objective = trial.objective.as_ref();
        let mut cells = vec![
            objective
                .map_or_else(|| NONE.to_owned(), |e| data.measure.show_estimate(e, &trial.values)),
        ];
        let mut add = |there: bool, cell: Option<String>| {
            if there {
                cells.push(cell.unwrap_or_else(|| NONE.to_owned()));
            }
        };
        add(floor, trial.floor_multiple.map(times));
        add(auc, trial.auc.map(|auc| format!("{auc:.3}")));
        add(excess, trial.mean_excess.map(number));
        add(lost, Some(trial.losses(calibrator).join("; ")).filter(|words| !words.is_empty()));
        add(gap, trial.gap_closed.map(percent));
        let beaten = rivals.and_then(|rivals| rivals.beats.get(i)?.as_ref());
        let always = |p: &Estimate| p.ci == Some([1.0, 1.0]);
        let pairs = |p: &Estimate| in_pairs(p).replace("95% interval ", "");
        add(true, beaten.map(|p| if always(p) { "all pairs".to_owned() } else { pairs(p) }));
        cells.push(format!("{} of {}", trial.count("done"), trial.runs.len()));
        let strong = rivals.is_some_and(|rivals| rivals.best.rank == trial.rank);
        Cells { head: trial.label(), cells, strong }
    };
    Table {
        caption: "Trials, best first; interquartile means over seeds".to_owned(),
        columns,
        rows: data.trials.iter().enumerate().filter(|(_, trial)| !trial.pruned).map(row).collect(),
        empty: "No trial is judged on test users.".to_owned(),
        open: true,
    }
}

fn sentence_case(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// Mean value over seeds of every metric of the best trials, with the floor.
pub(super) fn metrics(data: &Data) -> Table {
    let trials: Vec<&Trial> = data.valued().take(ACROSS).collect();
    let mut columns = vec!["Metric".to_owned(), "Floor".to_owned()];
    columns.extend(trials.iter().map(|trial| trial.label()));
    let row = |key: &(String, String)| {
        let measured: Vec<_> = trials.iter().map(|trial| trial.panel.get(key)).collect();
        let floors = measured.iter().filter_map(|m| m.and_then(|m| m.floor()));
        let floor = super::data::mean(&floors.collect::<Vec<_>>());
        let unit = measured.iter().find_map(|m| m.map(|m| m.unit.as_str())).unwrap_or_default();
        let unit = if unit.is_empty() { String::new() } else { format!(", {unit}") };
        let mut cells = vec![floor.map_or_else(|| NONE.to_owned(), number)];
        cells.extend(measured.iter().map(|m| {
            let mark = if m.is_some_and(|m| m.optimised) { "● " } else { "" };
            let value = m.and_then(|m| m.value());
            value.map_or_else(|| NONE.to_owned(), |value| format!("{mark}{}", number(value)))
        }));
        let (feature, discrepancy) = (feature_title(&key.0), discrepancy_title(&key.1));
        Cells { head: format!("{feature}: {discrepancy}{unit}"), cells, strong: false }
    };
    Table {
        caption: "Every metric, mean over seeds; ● optimised by the reward of the trial".to_owned(),
        columns,
        rows: if trials.is_empty() { Vec::new() } else { data.metrics.iter().map(row).collect() },
        empty: "No run has a panel of metrics.".to_owned(),
        open: false,
    }
}

/// Runs that failed, each with its reason and its log.
pub(super) fn lost(data: &Data) -> Table {
    let runs = data.state.runs.iter().filter(|run| run.state == RunState::Failed);
    let name = |id: &str| {
        let mut all = data.trials.iter().chain(&data.searched);
        all.find(|trial| trial.planned.trial == id)
            .map_or_else(|| id.to_owned(), |trial| trial.name.clone())
    };
    let total = runs.clone().count();
    let rows = runs.take(RUNS).map(|standing| {
        let run = &standing.run;
        let log = run.log(&data.folder);
        let shown = log.strip_prefix(&data.folder).unwrap_or(&log).display().to_string();
        let attempts = failures::read(&data.folder, run).len();
        let reason = standing.message.as_deref().map_or(NONE.to_owned(), short);
        Cells {
            head: format!("{}, seed {}", name(&run.trial), run.seed),
            cells: vec![
                if attempts == 0 { NONE.to_owned() } else { attempts.to_string() },
                reason,
                if log.exists() { shown } else { format!("{shown} (gone)") },
            ],
            strong: false,
        }
    });
    let left = total.saturating_sub(RUNS);
    let more = if left > 0 { format!("; {left} more are left out") } else { String::new() };
    Table {
        caption: format!("Runs that failed{more}"),
        columns: ["Run", "Attempts", "Reason", "Log"].map(str::to_owned).to_vec(),
        rows: rows.collect(),
        empty: "No run failed.".to_owned(),
        open: true,
    }
}

/// The beginning of a reason, on one line.
pub(super) fn short(reason: &str) -> String {
    let line = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

/// The axes with their values.
pub(super) fn axes(data: &Data) -> Table {
    let row = |path: &String| {
        let labels = data.plan.trials.iter().filter_map(|trial| trial.label(path));
        let mut seen = BTreeSet::new();
        let labels: Vec<&str> = labels.filter(|label| seen.insert(*label)).collect();
        let some = labels.iter().take(24).copied().collect::<Vec<_>>().join(", ");
        let more = if labels.len() > 24 { ", …" } else { "" };
        Cells {
            head: path.clone(),
            cells: vec![count(labels.len() as u64), format!("{some}{more}")],
            strong: false,
        }
    };
    Table {
        caption: "Axes of the sweep".to_owned(),
        columns: ["Path in the config", "Values", "Which"].map(str::to_owned).to_vec(),
        rows: data.plan.header.axes.iter().map(row).collect(),
        empty: "The sweep has no axes: it repeats one config over seeds.".to_owned(),
        open: true,
    }
}
