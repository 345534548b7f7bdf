//! Calibrators ranked by the gap that they close, with intervals.

use trueup_calibration::panel::CalibratorPanel;

use super::axis::{Axis, Scale};
use super::intervals::{Intervals, Row, WIDTH};
use super::style::look;
use super::{Outcome, Picture, PlotInput, PlotKind};

/// Registry entry.
pub const KIND: PlotKind = PlotKind { name: "forest", title: "Gap closed", make };

fn make(input: PlotInput<'_>) -> Vec<Outcome> {
    let Some(drawing) = drawing(input) else {
        let why = "No ranking by gap closed: there is no uncalibrated simulation to compare with.";
        return vec![Outcome::Empty(why.to_owned())];
    };
    vec![Outcome::Drawn(Picture {
        about: String::new(),
        title: "Gap closed by each calibrator".to_owned(),
        description: format!(
            "Median gap closed over the metrics that no reward optimised, with 95% intervals over \
             users: 0% is the uncalibrated simulation, 100% what two groups of real users differ \
             by. {}.",
            drawing.ranking()
        ),
        drawing: Box::new(drawing),
    })]
}

/// The picture; none where no calibrator has a gap closed.
pub(super) fn drawing(input: PlotInput<'_>) -> Option<Intervals> {
    let row = |(i, calibrator): (usize, &CalibratorPanel)| {
        let value = calibrator.gap_closed?;
        let label = format!("{}%", super::number((value * 1000.0).round() / 10.0));
        let name = calibrator.name.clone();
        Some(Row { name, look: look(i), value, ci: calibrator.gap_closed_ci, label })
    };
    let mut rows: Vec<Row> = input.summary.calibrators.iter().enumerate().filter_map(row).collect();
    rows.sort_by(|a, b| b.value.total_cmp(&a.value));
    // A calibrator that makes things much worse would press the rest together.
    let low = rows.iter().map(|row| row.ci.map_or(row.value, |ci| ci[0]));
    let low = low.fold(0.0, f64::min).max(-0.6);
    let mut x = Axis::new(Scale::Plain, low, 1.05, 5, "gap closed (median over metrics)");
    for (value, label) in &mut x.ticks {
        *label = format!("{}%", super::number(*value * 100.0));
    }
    (!rows.is_empty()).then(|| Intervals {
        title: "Gap closed".to_owned(),
        width: WIDTH,
        x,
        references: vec![(0.0, "uncalibrated"), (1.0, "real users")],
        rows,
    })
}
