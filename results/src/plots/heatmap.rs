//! The map of one calibrator: feature by discrepancy, each cell the multiple of the noise floor.

use trueup_calibration::panel::{CalibratorPanel, PanelRow};

use super::matrix::{Matrix, MatrixCell, MatrixRow};
use super::{Outcome, Picture, PlotInput, PlotKind};
use crate::report::{discrepancy_title, feature_title, times};

/// Registry entry.
pub const KIND: PlotKind = PlotKind { name: "heatmap", title: "Times the floor by metric", make };

/// What the cells of a map mean.
pub(crate) const MAP_KEY: [&str; 2] = [
    "how many times the floor · blue: within what real users differ by through chance",
    "orange: farther, deepest at 10 times that · ● optimised by the reward · – no floor",
];

/// A cell: `multiple` of the floor is what it says, and `log` its shade, the logarithm of the multiple
/// of what real users may differ by through chance (the upper end of the floor's 95% interval).
pub(crate) fn map_cell(multiple: f64, log: f64, optimised: bool) -> MatrixCell {
    let mark = if optimised { "● " } else { "" };
    let shade = (-log / 10f64.ln()).clamp(-1.0, 1.0);
    MatrixCell { text: format!("{mark}{}", times(multiple)), shade: Some(shade) }
}

fn make(input: PlotInput<'_>) -> Vec<Outcome> {
    let of = |calibrator: &CalibratorPanel| match calibrator.panel.is_empty() {
        true => Outcome::Empty(format!("{}: no map, because it has no metric.", calibrator.name)),
        false => Outcome::Drawn(picture(calibrator)),
    };
    let outcomes: Vec<_> = input.summary.calibrators.iter().map(of).collect();
    match outcomes.is_empty() {
        true => vec![Outcome::Empty("No map of metrics: no calibrator gave a result.".to_owned())],
        false => outcomes,
    }
}

fn cell(row: &PanelRow) -> MatrixCell {
    let log = (row.value / row.floor_ci[1]).ln();
    let log = if log.is_nan() { 0.0 } else { log };
    match row.floor_multiple() {
        Some(multiple) => map_cell(multiple, log, row.optimised),
        None => MatrixCell { text: "–".to_owned(), shade: None },
    }
}

fn picture(calibrator: &CalibratorPanel) -> Picture {
    let mut features: Vec<&str> = Vec::new();
    let mut discrepancies: Vec<&str> = Vec::new();
    for row in &calibrator.panel {
        if !features.contains(&row.feature.as_str()) {
            features.push(&row.feature);
        }
        if !discrepancies.contains(&row.discrepancy.as_str()) {
            discrepancies.push(&row.discrepancy);
        }
    }
    let rows_of = |discrepancy: &str| -> Vec<&PanelRow> {
        calibrator.panel.iter().filter(|row| row.discrepancy == discrepancy).collect()
    };
    // A column for one cell would be a waste of width: such metrics share the last one, in rows of
    // their own.
    let (shared, single): (Vec<&str>, Vec<&str>) =
        discrepancies.iter().partition(|d| rows_of(d).len() > 1);
    let mut rows = Vec::new();
    for feature in features {
        let of = |d: &&str| rows_of(d).into_iter().find(|row| row.feature == feature).map(cell);
        let cells: Vec<_> = shared.iter().map(of).collect();
        if cells.iter().any(Option::is_some) {
            rows.push(MatrixRow { label: feature_title(feature), cells, apart: false });
        }
    }
    let mut columns: Vec<String> = shared.iter().map(|d| discrepancy_title(d)).collect();
    for (i, row) in single.iter().flat_map(|d| rows_of(d)).enumerate() {
        let label =
            format!("{}: {}", feature_title(&row.feature), discrepancy_title(&row.discrepancy));
        let mut cells = vec![None; shared.len()];
        cells.push(Some(cell(row)));
        rows.push(MatrixRow { label, cells, apart: i == 0 });
    }
    if !single.is_empty() {
        columns.push("metric of one feature".to_owned());
    }
    let within = calibrator.panel.iter().filter(|row| row.value <= row.floor_ci[1]).count();
    Picture {
        about: calibrator.name.clone(),
        title: format!("{} against the noise floor, feature by discrepancy", calibrator.name),
        description: format!(
            "Each metric as a multiple of the noise floor, which is what two groups of real users \
             differ by. {within} of {} metrics lie within what real users may differ by through \
             chance (blue).",
            calibrator.panel.len(),
        ),
        drawing: Box::new(Matrix {
            title: format!("{}, times the noise floor", calibrator.name),
            sides: ("feature".to_owned(), "discrepancy".to_owned()),
            columns,
            column: 92.0,
            rows,
            key: MAP_KEY.map(str::to_owned).to_vec(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_say_times_the_floor_and_are_shaded_by_what_chance_may_reach() {
        let row = |value: f64, floor: f64, high: f64| -> PanelRow {
            serde_json::from_value(serde_json::json!({
                "feature": "gap", "level": "event", "discrepancy": "wasserstein-1", "unit": "",
                "value": value, "ci": [0.0, 1.0], "floor": floor, "floor_ci": [0.0, high],
                "before": null, "gap_closed": null, "optimised": true, "feature_rewarded": true,
            }))
            .unwrap()
        };
        let of = |value, floor, high| {
            let cell = cell(&row(value, floor, high));
            (cell.text, cell.shade.unwrap())
        };
        assert_eq!(of(2.0, 0.1, 0.2), ("● 20×".to_owned(), -1.0));
        let (text, shade) = of(0.15, 0.1, 0.2);
        assert!(text == "● 1.5×" && shade > 0.0);
        assert_eq!(of(0.0, 0.0, 0.0), ("● 1×".to_owned(), 0.0));
        assert_eq!(of(0.3, 0.0, 0.0), ("● > 1000×".to_owned(), -1.0));
    }
}
