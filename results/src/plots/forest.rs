//! Calibrators ranked by how far they are from the noise floor, with intervals.

use trueup_calibration::panel::CalibratorPanel;

use super::axis::{Axis, Scale};
use super::intervals::{Intervals, Row, WIDTH};
use super::style::look;
use super::{Outcome, Picture, PlotInput, PlotKind};
use crate::report::times;

/// Registry entry.
pub const KIND: PlotKind = PlotKind { name: "forest", title: "Times the floor", make };

/// Multiples beyond these lie at the ends.
const ENDS: [f64; 2] = [0.1, 1000.0];

fn make(input: PlotInput<'_>) -> Vec<Outcome> {
    let Some(drawing) = drawing(input) else {
        let why = "No ranking by multiples of the noise floor: the panel of this run holds none.";
        return vec![Outcome::Empty(why.to_owned())];
    };
    vec![Outcome::Drawn(Picture {
        about: String::new(),
        title: "How far each calibrator is from the noise floor".to_owned(),
        description: format!(
            "Median over metrics of the value as a multiple of the noise floor (what two groups of \
             real users differ by), on features that no reward saw where there are some, with 95% \
             intervals over users; log scale. {}.",
            drawing.ranking()
        ),
        drawing: Box::new(drawing),
    })]
}

/// The picture; none where no calibrator has a multiple of the floor.
pub(super) fn drawing(input: PlotInput<'_>) -> Option<Intervals> {
    let log = |multiple: f64| multiple.clamp(ENDS[0], ENDS[1]).ln();
    let row = |calibrator: &CalibratorPanel| {
        let place = input.summary.calibrators.iter().position(|c| c.name == calibrator.name)?;
        let headline = calibrator.headline()?;
        let multiple = headline.multiple?;
        Some(Row {
            name: calibrator.name.clone(),
            look: look(place),
            value: log(multiple),
            ci: headline.interval.map(|interval| interval.map(log)),
            label: times(multiple),
        })
    };
    let mut rows: Vec<Row> = input.summary.calibrators.iter().filter_map(row).collect();
    rows.sort_by(|a, b| a.value.total_cmp(&b.value));
    let ends = |row: &Row| row.ci.unwrap_or([row.value, row.value]);
    let low = rows.iter().map(|row| ends(row)[0]).fold(0.8f64.ln(), f64::min);
    let high = rows.iter().map(|row| ends(row)[1]).fold(2f64.ln(), f64::max);
    let title = "multiple of the noise floor (log scale; lower is better)";
    (!rows.is_empty()).then(|| Intervals {
        title: "Times the noise floor".to_owned(),
        width: WIDTH,
        x: Axis::new(Scale::Ln, low - 0.1, high + 0.1, 5, title),
        references: vec![(0.0, "real users")],
        rows,
    })
}
