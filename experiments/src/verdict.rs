//! The tables at the end of a run.

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
fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: [usize; N] = std::array::from_fn(|column| width(column).unwrap_or(0));
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(widths).enumerate();
        let line: Vec<String> = cells
            .map(|(i, (cell, width))| match i {
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
