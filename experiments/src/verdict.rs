//! The tables at the end of a run.

use trueup_calibration::money::Figure;
use trueup_calibration::panel::{CalibratorPanel, LeftOut};
use trueup_results::sweep::SweepSummary;
use trueup_results::{
    MONEY, Summary, TrainingSummary, Verdict, figure_title, figure_value, heterogeneity_word,
    times, verdict,
};

use crate::progress::thousands;

/// One line a calibrator, nearest first; money of real and simulated users; then the verdict in
/// words, with all that a reader must know.
pub fn table(summary: &Summary) -> String {
    let ranked = summary.ranked();
    let interval = |ci: Option<[f64; 2]>, show: &dyn Fn(f64) -> String| {
        ci.map_or_else(String::new, |[low, high]| format!(" [{}, {}]", show(low), show(high)))
    };
    let plain = |value: f64| format!("{value:.3}");
    let with = |value: Option<f64>, ci: Option<[f64; 2]>, show: &dyn Fn(f64) -> String| {
        value.map_or("-".into(), |value| show(value) + &interval(ci, show))
    };
    let anchor = ranked.iter().find_map(|c| Some(c.anchor.as_ref()?.name.as_str()));
    let real = ranked.iter().find_map(|c| c.c2st_auc_floor);
    let auc = format!("AUC (real {}) [95%]", real.map_or("-".into(), plain));
    let gap = format!("gap closed from {} [95%]", anchor.unwrap_or("-"));
    let mut header =
        vec!["calibrator", "x floor [95%]", "at floor", &auc, "users differ", "copies", "excess"];
    if anchor.is_some() {
        header.push(&gap);
    }
    let mut rows = vec![header.into_iter().map(str::to_owned).collect::<Vec<_>>()];
    for c in &ranked {
        let headline = c.headline();
        let known = summary.privacy.iter().any(|own| own.name == c.name);
        let copies = match (summary.copies(&c.name), known) {
            (true, _) => "COPIES",
            (false, true) => "none seen",
            (false, false) => "-",
        };
        let mut row = vec![
            c.name.clone(),
            with(headline.and_then(|of| of.multiple), headline.and_then(|of| of.interval), &|m| {
                times(m).replace('×', "")
            }),
            headline.map_or("-".into(), |of| format!("{}/{}", of.at_floor, of.metrics)),
            with(c.c2st_auc, c.c2st_auc_ci, &plain),
            heterogeneity_word(c).unwrap_or("-").to_owned(),
            copies.to_owned(),
            c.mean_excess.map_or("-".into(), plain),
        ];
        if anchor.is_some() {
            let ci = c.gap_closed_ci.filter(|[low, high]| low < high);
            row.push(with(c.gap_closed, ci, &|gap| format!("{:.1}%", 100.0 * gap)));
        }
        rows.push(row);
    }
    let mut text = format!("\n{}\n{}{}", headline(summary), aligned(&rows), money(&ranked));
    let Verdict { sentences, caveats } = verdict(summary);
    text.push('\n');
    sentences.iter().for_each(|sentence| text.push_str(&format!("{sentence}\n")));
    caveats.iter().for_each(|caveat| text.push_str(&format!("- {caveat}\n")));
    text
}

/// Money in plain numbers: real users, and each calibrator; `!` where they differ beyond chance.
fn money(ranked: &[&CalibratorPanel]) -> String {
    let sides: Vec<_> = ranked.iter().filter(|c| !c.figures.is_empty()).collect();
    let Some(first) = sides.first() else { return String::new() };
    let mut header = vec!["money and events (! beyond chance)".to_owned(), "real [95%]".to_owned()];
    header.extend(sides.iter().map(|c| c.name.clone()));
    let mut rows = vec![header];
    for quantity in MONEY {
        let of = |figures: &[Figure]| {
            figures.iter().find(|f| f.quantity == quantity && f.kind.is_none()).cloned()
        };
        let Some(figure) = of(&first.figures) else { continue };
        let show = |value: f64| figure_value(quantity, value);
        let [low, high] = figure.real.interval.map(show);
        let mut row = vec![
            figure_title(&figure).to_lowercase(),
            format!("{} [{low}, {high}]", show(figure.real.value)),
        ];
        row.extend(sides.iter().map(|c| {
            let own = of(&c.figures);
            let mark = if own.as_ref().is_some_and(|own| own.differs) { "! " } else { "" };
            let value = own.and_then(|own| own.simulated).map_or("-".into(), |s| show(s.value));
            format!("{mark}{value}")
        }));
        rows.push(row);
    }
    format!("\n{}", aligned(&rows))
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

/// A line a metric that was asked for by name and could not be measured.
pub fn left_out(calibrators: &[CalibratorPanel]) -> Vec<String> {
    let line = |own: &CalibratorPanel, out: &LeftOut| {
        let discrepancy = out.discrepancy.iter().map(|name| format!(":{name}"));
        let metric = format!("{}{}", out.feature, discrepancy.collect::<String>());
        format!("{}: {metric} is not measured: {}", own.name, out.reason)
    };
    let lines =
        calibrators.iter().flat_map(|own| own.left_out.iter().map(move |out| line(own, out)));
    lines.collect()
}

fn headline(summary: &Summary) -> String {
    let of = summary.calibrators.first();
    let unseen = of.and_then(|c| c.against_floor_unseen.as_ref()).map(|of| of.metrics);
    let all = of.and_then(|c| c.against_floor.as_ref()).map(|of| of.metrics);
    let scope = match (unseen, all) {
        (Some(unseen), Some(all)) if unseen < all => {
            format!(", on {unseen} of {all} metrics, whose features no reward saw")
        }
        _ => String::new(),
    };
    format!(
        "{} on {} ({} for training), seed {}; nearest first{scope}:",
        summary.dataset,
        summary.judges.words(&summary.test_users.to_string()),
        summary.train_users,
        summary.seed
    )
}

/// The metrics of a comparison of two logs, furthest above the floor first.
pub fn comparison(summary: &Summary, external: &str) -> String {
    let mut text = String::new();
    for calibrator in &summary.calibrators {
        let auc = calibrator.c2st_auc.map_or("-".into(), |auc| format!("{auc:.3}"));
        let name = &calibrator.name;
        text.push_str(&format!("\n{name} against {external}, C2ST AUC {auc}:\n"));
        if let Some(of) = &calibrator.against_floor {
            let multiple = of.multiple.map_or("-".into(), times);
            let (at_floor, metrics) = (of.at_floor, of.metrics);
            text.push_str(&format!("{multiple} the floor (median), {at_floor} of {metrics} at it"));
            let word = heterogeneity_word(calibrator);
            text.push_str(
                &word.map_or(String::new(), |word| format!("; how users differ: {word}")),
            );
            text.push('\n');
        }
        summary.notes.iter().chain(&calibrator.notes).for_each(|note| {
            text.push_str(&format!("- {note}\n"));
        });
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
        text.push_str(&money(&[calibrator]));
    }
    text
}
