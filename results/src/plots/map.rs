//! Where each calibrator is far: feature by calibrator, each cell the geometric mean over the metrics
//! of the feature of multiples of the noise floor.

use trueup_calibration::panel::{CalibratorPanel, PanelRow};

use super::heatmap::{MAP_KEY, map_cell};
use super::matrix::{Matrix, MatrixCell, MatrixRow};
use super::{Outcome, Picture, PlotInput, PlotKind};
use crate::report::feature_title;

/// Registry entry.
pub const KIND: PlotKind = PlotKind { name: "map", title: "Times the floor by feature", make };

/// Multiples beyond these count as these: one wild metric must not make a mean.
pub(crate) const ENDS: [f64; 2] = [0.05, 1000.0];

fn make(input: PlotInput<'_>) -> Vec<Outcome> {
    let calibrators = input.summary.ranked();
    let mut features: Vec<&str> = Vec::new();
    for row in calibrators.iter().flat_map(|c| &c.panel) {
        if !features.contains(&row.feature.as_str()) {
            features.push(&row.feature);
        }
    }
    if features.is_empty() {
        return vec![Outcome::Empty("No map of features: no panel has a metric.".to_owned())];
    }
    let row = |feature: &&str| MatrixRow {
        label: feature_title(feature),
        cells: calibrators.iter().map(|c| cell(c, feature)).collect(),
        apart: false,
    };
    vec![Outcome::Drawn(Picture {
        about: String::new(),
        title: "Calibrators against the noise floor, feature by feature".to_owned(),
        description: format!(
            "How many times the noise floor each calibrator is from {}, geometric mean over the \
             metrics of a feature; nearest calibrator first. Blue is within what real users differ \
             by through chance.",
            input.summary.judges.real()
        ),
        drawing: Box::new(Matrix {
            title: "Times the noise floor, by feature".to_owned(),
            sides: ("feature".to_owned(), "calibrator, nearest first".to_owned()),
            columns: calibrators.iter().map(|c| c.name.clone()).collect(),
            column: 92.0,
            rows: features.iter().map(row).collect(),
            key: MAP_KEY.map(str::to_owned).to_vec(),
        }),
    })]
}

/// None where no metric of the feature has a floor.
fn cell(calibrator: &CalibratorPanel, feature: &str) -> Option<MatrixCell> {
    let rows = || calibrator.panel.iter().filter(|row| row.feature == feature && row.floor_known);
    let mean = |of: &dyn Fn(&PanelRow) -> f64| {
        let logs: Vec<f64> = rows()
            .map(of)
            .filter(|multiple| !multiple.is_nan())
            .map(|multiple| multiple.clamp(ENDS[0], ENDS[1]).ln())
            .collect();
        (!logs.is_empty()).then(|| logs.iter().sum::<f64>() / logs.len() as f64)
    };
    let multiple = mean(&|row| row.floor_multiple().unwrap_or(f64::NAN))?;
    let beyond = mean(&|row| row.value / row.floor_ci[1]).unwrap_or(multiple);
    Some(map_cell(multiple.exp(), beyond, rows().any(|row| row.optimised)))
}
