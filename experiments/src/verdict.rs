//! The tables at the end of a run.

use trueup_results::sweep::SweepSummary;
use trueup_results::{Summary, TrainingSummary};

use crate::progress::thousands;

/// One line a calibrator: gap closed with interval, classifier AUC with floor, mean excess.
pub fn table(summary: &Summary) -> String {
    let header = ["calibrator", "gap closed [95%]", "C2ST AUC", "AUC floor", "mean excess"];
    let mut rows = vec![header.map(str::to_owned)];
    for c in &summary.calibrators {
        let number = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.3}"));
        let gap = match (c.gap_closed, c.gap_closed_ci) {
            (Some(gap), Some([low, high])) => format!("{gap:.3} [{low:.3}, {high:.3}]"),
            (gap, _) => number(gap),
        };
        let [auc, floor, excess] = [c.c2st_auc, c.c2st_auc_floor, c.mean_excess].map(number);
        rows.push([c.name.clone(), gap, auc, floor, excess]);
    }
    let mut text = format!("\n{}\n{}", headline(summary), aligned(&rows));
    for failure in &summary.failed {
        text.push_str(&format!("{} failed: {}\n", failure.name, failure.reason));
    }
    text
}

/// Rows in columns, the first aligned to the left and the others to the right.
pub fn aligned<R: AsRef<[String]>>(rows: &[R]) -> String {
    let mut widths = vec![0; rows.iter().map(|row| row.as_ref().len()).max().unwrap_or(0)];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row.as_ref()) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in rows {
        let cells = row.as_ref().iter().zip(&widths).enumerate();
        let line: Vec<String> = cells
            .map(|(i, (cell, &width))| match i {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            })
            .collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// One line a seed: returns in training and in evaluation, and speed. `sampled` holds the
/// evaluation returns with actions drawn.
pub fn training(summary: &TrainingSummary, sampled: &[Option<f64>]) -> String {
    let header =
        ["seed", "return, last 100", "evaluated", "evaluated, sampled", "steps", "steps/s"];
    let mut rows = vec![header.map(str::to_owned)];
    let number = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.1}"));
    for (result, sampled) in summary.seeds.iter().zip(sampled) {
        let [last, evaluated, sampled] =
            [result.last_100_return, result.evaluation_return, *sampled].map(number);
        let [steps, speed] = [result.steps, result.steps_per_second as u64].map(thousands);
        rows.push([result.seed.to_string(), last, evaluated, sampled, steps, speed]);
    }
    let mut text = format!("\n{} on {}:\n{}", summary.name, summary.task, aligned(&rows));
    for failure in &summary.failed {
        text.push_str(&format!("seed {} failed: {}\n", failure.seed, failure.reason));
    }
    text
}

/// Most trials in the table of a sweep.
const TRIALS: usize = 12;

/// The trials of a sweep, best first.
pub fn sweep(summary: &SweepSummary) -> String {
    let ranked = summary.ranked();
    let mut rows = vec![["trial", "seeds done", &summary.objective.metric].map(str::to_owned)];
    for trial in ranked.iter().take(TRIALS) {
        let done = trial.runs.iter().filter(|run| run.objective.is_some()).count();
        let value = trial.objective.map_or("-".into(), |value| format!("{value:.4}"));
        let words: Vec<String> =
            trial.values.iter().map(|value| format!("{}={}", value.path, value.label)).collect();
        let title = if words.is_empty() { "as written".into() } else { words.join(" ") };
        rows.push([title, format!("{done}/{}", trial.runs.len()), value]);
    }
    let mut text = format!(
        "\n{}: {} trials, best first by the interquartile mean of {}:\n{}",
        summary.name,
        summary.trials.len(),
        summary.objective.words(),
        aligned(&rows)
    );
    if ranked.len() > TRIALS {
        text.push_str(&format!("and {} more\n", ranked.len() - TRIALS));
    }
    text
}

fn headline(summary: &Summary) -> String {
    format!(
        "{} on {} held-out users ({} for training), seed {}:",
        summary.dataset, summary.test_users, summary.train_users, summary.seed
    )
}

/// The metrics of a comparison of two logs, furthest above the floor first.
pub fn comparison(summary: &Summary, external: &str) -> String {
    let mut text = String::new();
    for calibrator in &summary.calibrators {
        let auc = calibrator.c2st_auc.map_or("-".into(), |auc| format!("{auc:.3}"));
        let name = &calibrator.name;
        text.push_str(&format!("\n{name} against {external}, C2ST AUC {auc}:\n"));
        let telling = calibrator.examination.iter().flat_map(|e| &e.telling);
        for one in telling.filter(|one| one.importance > 0.0).take(3) {
            text.push_str(&format!("given away by {}: {}\n", one.feature, one.words()));
        }
        let mut rows: Vec<_> = calibrator.panel.iter().collect();
        rows.sort_by(|a, b| (b.value - b.floor).total_cmp(&(a.value - a.floor)));
        let left = |row: &&trueup_calibration::panel::PanelRow| {
            format!("{} of {}", row.discrepancy, row.feature)
        };
        let width = rows.iter().map(|row| left(row).len()).max().unwrap_or(0);
        for row in rows {
            let [low, high] = row.ci;
            text.push_str(&format!(
                "{:<width$}  {:.4} [{low:.4}, {high:.4}], floor {:.4} {}\n",
                left(&row),
                row.value,
                row.floor,
                row.unit
            ));
        }
    }
    text
}
