//! How well a classifier tells each calibrator's users from real ones.

use trueup_calibration::panel::CalibratorPanel;

use super::axis::{Axis, Scale};
use super::intervals::{Intervals, Row, WIDTH};
use super::style::look;
use super::{Outcome, Picture, PlotInput, PlotKind};

/// Registry entry.
pub const KIND: PlotKind = PlotKind { name: "classifier", title: "Told apart", make };

fn make(input: PlotInput<'_>) -> Vec<Outcome> {
    let Some(drawing) = drawing(input) else {
        let why = "No classifier test: the panel of this run does not hold one.";
        return vec![Outcome::Empty(why.to_owned())];
    };
    let floor_words = drawing
        .references
        .first()
        .map_or_else(String::new, |(f, _)| format!(" Two groups of real users give {f:.3}."));
    vec![Outcome::Drawn(Picture {
        about: String::new(),
        title: "How well a classifier tells simulated from real users".to_owned(),
        description: format!(
            "Area under the ROC curve of a classifier, cross-validated, with 95% intervals: 0.5 is \
             guessing, 1 tells every user.{floor_words} {}.",
            drawing.ranking()
        ),
        drawing: Box::new(drawing),
    })]
}

/// The picture; none where no panel holds a classifier test.
pub(super) fn drawing(input: PlotInput<'_>) -> Option<Intervals> {
    let row = |(i, calibrator): (usize, &CalibratorPanel)| {
        let value = calibrator.c2st_auc?;
        let label = format!("{value:.3}");
        let name = calibrator.name.clone();
        Some(Row { name, look: look(i), value, ci: calibrator.c2st_auc_ci, label })
    };
    let mut rows: Vec<Row> = input.summary.calibrators.iter().enumerate().filter_map(row).collect();
    rows.sort_by(|a, b| a.value.total_cmp(&b.value));
    let low = rows.iter().map(|row| row.ci.map_or(row.value, |ci| ci[0])).fold(0.48, f64::min);
    let floor = input.summary.calibrators.iter().find_map(|c| c.c2st_auc_floor);
    (!rows.is_empty()).then(|| Intervals {
        title: "Told apart from real users".to_owned(),
        width: WIDTH,
        x: Axis::new(Scale::Plain, low, 1.0, 5, "AUC of a classifier (lower is better)"),
        references: floor.map(|floor| (floor, "real against real")).into_iter().collect(),
        rows,
    })
}
