//! A table for a paper, in LaTeX with booktabs: the trials of a sweep, best first, or the calibrators
//! of a run.

mod escape;

use std::path::Path;

use trueup_results::seeds::iqm;
use trueup_results::sweep::summary::CalibratorFigures;
use trueup_results::sweep::{
    Plan, RunSummary, SweepSummary, TrialSummary, is_sweep, objective_over_seeds,
};
use trueup_results::{SeedResult, Summary, TrainingSummary, is_training};

use crate::error::ExportError;
use escape::{interval, label, number, text};

/// Most axes that have a column each; of more, a trial is one column in words.
const AXES: usize = 4;

/// Columns and rows, all of them LaTeX.
struct Table {
    caption: String,
    label: String,
    /// One letter a column: `l` or `r`.
    columns: String,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// The table of a run or of a sweep.
///
/// # Errors
/// A folder that is neither, a sweep of which no run has begun, or a run without a result.
pub fn table(folder: &Path) -> Result<String, ExportError> {
    let table = if is_sweep(folder) {
        crate::records(folder)?;
        of_sweep(&Plan::read(folder)?, &SweepSummary::read(folder)?)
    } else {
        crate::has_result(folder)?;
        if is_training(folder)? {
            of_training(&crate::summary(folder)?)
        } else {
            of_run(&crate::summary(folder)?)
        }
    };
    Ok(table.write())
}

/// One row a trial, by rank.
fn of_sweep(plan: &Plan, summary: &SweepSummary) -> Table {
    let axes = &plan.header.axes;
    let (shown, header): (&[String], Vec<String>) = match axes.len() {
        1..=AXES => (axes, axes.iter().map(|path| text(path)).collect()),
        _ => (&[], vec!["trial".to_owned()]),
    };
    let mut columns = "l".repeat(header.len());
    columns.push_str("rrrrr");
    let figures =
        [&*text(&summary.objective.metric), "95\\% interval", "gap closed", "AUC", "seeds"];
    let header = header.into_iter().chain(figures.map(str::to_owned)).collect();
    let place = |trial: &TrialSummary| plan.trials.iter().position(|t| t.trial == trial.trial);
    let rows = summary.ranked().into_iter().map(|trial| {
        let place = place(trial).unwrap_or_default();
        let planned = plan.trials.get(place);
        let cell = |path: &String| planned.and_then(|p| p.label(path)).map_or(String::new(), text);
        let mut row: Vec<String> = shown.iter().map(cell).collect();
        if row.is_empty() {
            row.push(planned.map_or(String::new(), |planned| text(&planned.title())));
        }
        row.extend(figures_of(summary, trial, place));
        row
    });
    Table {
        caption: format!(
            "Trials of {}, best first: interquartile mean over seeds of {}, with 95\\% bootstrap \
             interval over seeds.",
            text(&summary.name),
            text(&summary.objective.words())
        ),
        label: label(&summary.name),
        columns,
        header,
        rows: rows.collect(),
    }
}

/// Objective, interval, gap closed, AUC, and how many seeds they are of.
fn figures_of(summary: &SweepSummary, trial: &TrialSummary, place: usize) -> [String; 5] {
    let values: Vec<f64> = trial.runs.iter().filter_map(|run| run.objective).collect();
    let estimate = objective_over_seeds(&values, place);
    let calibrator = summary.objective.calibrator.as_deref();
    let of = |figure: fn(&CalibratorFigures) -> Option<f64>| {
        let own = |run: &RunSummary| {
            run.calibrators.iter().find(|c| Some(&*c.name) == calibrator).and_then(figure)
        };
        let values: Vec<f64> = trial.runs.iter().filter_map(own).collect();
        number(iqm(&values))
    };
    [
        number(estimate.map(|estimate| estimate.value)),
        interval(estimate.and_then(|estimate| estimate.ci)),
        of(|c| c.gap_closed),
        of(|c| c.c2st_auc),
        values.len().to_string(),
    ]
}

/// One row a calibrator, in the order of the config.
fn of_run(summary: &Summary) -> Table {
    let rows = summary.calibrators.iter().map(|c| {
        vec![
            text(&c.name),
            number(c.headline().and_then(|headline| headline.multiple)),
            interval(c.headline().and_then(|headline| headline.interval)),
            number(c.gap_closed),
            interval(c.gap_closed_ci),
            number(c.c2st_auc),
            interval(c.c2st_auc_ci),
            number(c.mean_excess),
        ]
    });
    let ci = "95\\% interval";
    let header = ["calibrator", "times the floor", ci, "gap closed", ci, "AUC", ci, "mean excess"];
    Table {
        caption: format!(
            "Calibrators of {} with seed {} on {}: median multiple of the noise floor, on features \
             that no reward saw where there are some, median gap closed over the metrics that no \
             reward optimised, AUC of a classifier, mean excess over the noise floor.",
            text(&summary.name),
            summary.seed,
            text(&summary.dataset)
        ),
        label: label(&summary.name),
        columns: "lrrrrrrr".to_owned(),
        header: header.map(str::to_owned).to_vec(),
        rows: rows.collect(),
    }
}

/// One row a training seed.
fn of_training(summary: &TrainingSummary) -> Table {
    let row = |seed: &SeedResult| {
        vec![
            seed.seed.to_string(),
            number(seed.evaluation_return),
            number(seed.evaluation_sd),
            number(seed.last_100_return),
            seed.steps.to_string(),
        ]
    };
    let header = ["seed", "evaluation return", "sd", "last 100 episodes", "steps"];
    Table {
        caption: format!("Returns of {} on {}.", text(&summary.name), text(&summary.task)),
        label: label(&summary.name),
        columns: "rrrrr".to_owned(),
        header: header.map(str::to_owned).to_vec(),
        rows: summary.seeds.iter().map(row).collect(),
    }
}

impl Table {
    fn write(&self) -> String {
        let row = |cells: &Vec<String>| format!("    {} \\\\\n", cells.join(" & "));
        let rows: String = self.rows.iter().map(row).collect();
        // A table that is wider than the text is made as wide as the text; others stay as they are.
        format!(
            "% Needs \\usepackage{{booktabs}} and \\usepackage{{graphicx}}; Korean names need XeLaTeX or \
             LuaLaTeX with \\usepackage{{kotex}}.\n\
             \\begin{{table}}\n  \\centering\n  \\caption{{{}}}\n  \\label{{tab:{}}}\n  \\medskip\n  \
             \\resizebox{{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}}{{!}}{{%\n  \
             \\begin{{tabular}}{{{}}}\n    \\toprule\n{}    \\midrule\n{rows}    \\bottomrule\n  \
             \\end{{tabular}}}}\n\\end{{table}}\n",
            self.caption,
            self.label,
            self.columns,
            row(&self.header),
        )
    }
}
