//! How well a classifier tells each calibrator's users from real ones.

use super::axis::{Axis, Scale};
use super::intervals::{Intervals, Row};
use super::style::colour;
use super::{Outcome, Picture, PlotInput, PlotKind};

/// Registry entry.
pub const KIND: PlotKind = PlotKind { name: "classifier", title: "Told apart", make };

fn make(input: PlotInput<'_>) -> Vec<Outcome> {
    let mut rows: Vec<Row> = input
        .summary
        .calibrators
        .iter()
        .enumerate()
        .filter_map(|(i, calibrator)| {
            let value = calibrator.c2st_auc?;
            let label = format!("{value:.3}");
            let name = calibrator.name.clone();
            Some(Row { name, colour: colour(i), value, ci: calibrator.c2st_auc_ci, label })
        })
        .collect();
    if rows.is_empty() {
        let why = "No classifier test: the panel of this run does not hold one.";
        return vec![Outcome::Empty(why.to_owned())];
    }
    rows.sort_by(|a, b| a.value.total_cmp(&b.value));
    let low = rows.iter().map(|row| row.ci.map_or(row.value, |ci| ci[0])).fold(0.48, f64::min);
    let ranking: Vec<_> = rows.iter().map(|row| format!("{} {}", row.name, row.label)).collect();
    let floor = input.summary.calibrators.iter().find_map(|c| c.c2st_auc_floor);
    let floor_words =
        floor.map_or_else(String::new, |f| format!(" Two groups of real users give {f:.3}."));
    vec![Outcome::Drawn(Picture {
        about: String::new(),
        title: "How well a classifier tells simulated from real users".to_owned(),
        description: format!(
            "Area under the ROC curve of a classifier, cross-validated, with 95% intervals: 0.5 is \
             guessing, 1 tells every user.{floor_words} {}.",
            ranking.join(", ")
        ),
        drawing: Box::new(Intervals {
            title: "Told apart from real users".to_owned(),
            x: Axis::new(Scale::Plain, low, 1.0, 5, "AUC of a classifier (lower is better)"),
            references: floor.map(|floor| (floor, "real against real")).into_iter().collect(),
            rows,
        }),
    })]
}
