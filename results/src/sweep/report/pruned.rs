//! Trials that were stopped early because others did better: where, and what that saved.

use std::collections::BTreeMap;

use super::data::{Data, Trial};
use super::tables::{NONE, RUNS, short};
use crate::metrics;
use crate::plots::number;
use crate::report::{Cells, Table, count, percent};
use crate::sweep::{RunId, RunState, Stop};

/// All pruned trials, the ones that came far first.
pub(super) fn all(data: &Data) -> impl Iterator<Item = &Trial> {
    data.trials.iter().chain(&data.searched).filter(|trial| trial.pruned)
}

/// Pruned trials with their rung and their rank there.
pub(super) fn trials(data: &Data) -> Table {
    let told = all(data).all(|trial| trial.stopped.is_some());
    let place = |stop: &Stop| format!("{} of {}", stop.rank, stop.of);
    let row = |trial: &Trial| {
        let stop = trial.stopped.as_ref();
        let cell = |words: Option<String>| words.unwrap_or_else(|| NONE.to_owned());
        let mut cells = vec![
            cell(stop.map(|stop| count(stop.rung))),
            cell(stop.map(place)),
            cell(stop.and_then(|stop| stop.value).map(number)),
            format!("{} of {}", trial.count(RunState::Pruned.name()), trial.runs.len()),
        ];
        if !told {
            let words = trial.runs.iter().find_map(|run| run.reason.as_deref());
            cells.push(cell(words.map(short)));
        }
        Cells { head: trial.name.clone(), cells, strong: false }
    };
    let left = all(data).count().saturating_sub(RUNS);
    let more = if left > 0 { format!("; {left} more are left out") } else { String::new() };
    let mut columns = ["Trial", "Rung, iterations", "Rank there", "Value there", "Runs stopped"]
        .map(str::to_owned)
        .to_vec();
    if !told {
        columns.push("Reason".to_owned());
    }
    Table {
        caption: format!("Trials that were pruned, those that came far first{more}"),
        columns,
        rows: all(data).take(RUNS).map(row).collect(),
        empty: "No trial was pruned.".to_owned(),
        open: true,
    }
}

/// Runs that ended at the same place, and their iterations.
#[derive(Clone, Copy, Default)]
struct Spent {
    runs: u64,
    planned: u64,
    done: u64,
}

impl Spent {
    fn add(&mut self, done: u64, planned: u64) {
        self.runs += 1;
        self.planned += planned;
        self.done += done.min(planned);
    }

    fn cells(&self, head: String, strong: bool) -> Cells {
        let saved = self.planned - self.done;
        let share = saved as f64 / self.planned.max(1) as f64;
        let cells = vec![
            count(self.runs),
            count(self.planned),
            count(self.done),
            format!("{} ({})", count(saved), percent(share)),
        ];
        Cells { head, cells, strong }
    }
}

/// Iterations that pruning left undone; without rows where nothing was pruned.
pub(super) fn saved(data: &Data) -> Table {
    // By rung, or by where they stopped where no rung is known.
    let mut by: BTreeMap<u64, Spent> = BTreeMap::new();
    let (mut whole, mut unknown) = (Spent::default(), 0);
    let mut any = false;
    if all(data).next().is_some() {
        for trial in data.trials.iter().chain(&data.searched) {
            for run in &trial.runs {
                let pruned = run.state == RunState::Pruned.name();
                if !pruned && run.state != RunState::Done.name() {
                    continue;
                }
                let id = RunId { trial: trial.planned.trial.clone(), seed: run.seed };
                let Some((done, planned)) = iterations(data, &id) else {
                    unknown += 1;
                    continue;
                };
                any |= pruned;
                let spent = if pruned {
                    by.entry(trial.stopped.map_or(done, |stop| stop.rung)).or_default()
                } else {
                    &mut whole
                };
                spent.add(done, planned);
            }
        }
    }
    let mut rows: Vec<Cells> = Vec::new();
    if any {
        let mut sum = whole;
        for (rung, spent) in &by {
            let head = format!("pruned at {}", count(*rung));
            rows.push(spent.cells(head, false));
            sum.runs += spent.runs;
            sum.planned += spent.planned;
            sum.done += spent.done;
        }
        rows.push(whole.cells("went to the end".to_owned(), false));
        rows.push(sum.cells("together".to_owned(), true));
    }
    let more = match unknown {
        0 => String::new(),
        n => format!("; {n} runs that stored no iterations are left out"),
    };
    Table {
        caption: format!("What pruning saved, in iterations of the runs that are over{more}"),
        columns: ["Runs that were", "Runs", "Planned", "Done", "Saved"].map(str::to_owned).to_vec(),
        rows,
        empty: "Nothing was pruned.".to_owned(),
        open: true,
    }
}

/// Iterations done and planned by a run; several training seeds of a task count together.
fn iterations(data: &Data, run: &RunId) -> Option<(u64, u64)> {
    let wanted = data.measure.objective.calibrator.as_deref();
    let lines = metrics::read(&run.folder(&data.folder)).ok()?;
    let mut last: BTreeMap<Option<u64>, (u64, u64)> = BTreeMap::new();
    for line in lines.iter().filter(|line| wanted.is_none_or(|name| line.calibrator == name)) {
        last.insert(line.seed, (line.iteration, line.total));
    }
    let add = |a: (u64, u64), b: &(u64, u64)| (a.0.saturating_add(b.0), a.1.saturating_add(b.1));
    (!last.is_empty()).then(|| last.values().fold((0, 0), add))
}
