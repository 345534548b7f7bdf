//! Trained on one thing, measured on another: every metric of the panel for every trial.
//!
//! Metrics have units of their own. A cell therefore shows the multiple of the noise floor. Its shade
//! is the value over the upper end of the 95% interval of the floor: up to 1 a simulation is no
//! farther from the held-out real users than other real users may be by chance. Over seeds, and over
//! the metrics that share a cell, both are geometric means.

use std::collections::BTreeMap;

use trueup_calibration::panel::PanelRow;

use super::data::{Data, Trial};
use crate::plots::{MAP_KEY, Matrix, MatrixCell, MatrixRow, Picture, map_cell};
use crate::report::{discrepancy_title, feature_title};

/// Feature and discrepancy.
pub(super) type Key = (String, String);

/// Multiples beyond these count as these: one wild metric must not make a mean.
const ENDS: [f64; 2] = [0.05, 1000.0];
/// Up to so many metrics, each has a column of its own.
const FEW: usize = 12;
/// Up to so many trials are shown, the best ones.
const MOST: usize = 40;

/// A metric over the seeds of a trial.
#[derive(Clone, Debug, Default)]
pub(super) struct Measured {
    pub unit: String,
    /// Whether the reward of the trial optimised it.
    pub optimised: bool,
    values: Vec<f64>,
    floors: Vec<f64>,
    /// Logarithms of multiples of the floor: of the value, and of the floor itself.
    logs: Vec<[f64; 2]>,
}

impl Measured {
    /// Adds the panel of a run; metrics that are new are put at the end of `order`.
    pub fn add(rows: &[PanelRow], to: &mut BTreeMap<Key, Self>, order: &mut Vec<Key>) {
        for row in rows {
            let key = (row.feature.clone(), row.discrepancy.clone());
            if !order.contains(&key) {
                order.push(key.clone());
            }
            let cell = to.entry(key).or_default();
            cell.unit.clone_from(&row.unit);
            cell.optimised |= row.optimised;
            cell.values.push(row.value);
            cell.floors.push(row.floor);
            let high = row.floor_ci[1];
            let log = |value: f64| (value / high).clamp(ENDS[0], ENDS[1]).ln();
            if high > 0.0 && row.value.is_finite() && row.floor.is_finite() {
                cell.logs.push([log(row.value), log(row.floor)]);
            }
        }
    }

    /// Mean value over seeds.
    pub fn value(&self) -> Option<f64> {
        super::data::mean(&self.values)
    }

    /// Mean floor over seeds.
    pub fn floor(&self) -> Option<f64> {
        super::data::mean(&self.floors)
    }

    /// Mean logarithms of the multiples over seeds; none where the floor has no noise.
    fn log(&self) -> Option<[f64; 2]> {
        let mean = |of: usize| {
            super::data::mean(
                &self.logs.iter().filter_map(|l| l.get(of).copied()).collect::<Vec<_>>(),
            )
        };
        Some([mean(0)?, mean(1)?])
    }
}

/// A column: its heading, and the metrics in it.
struct Column<'a> {
    name: String,
    keys: Vec<&'a Key>,
}

/// The pictures: by metric where there are few, else by discrepancy and by feature.
pub(super) fn pictures(data: &Data) -> Result<Vec<Picture>, String> {
    if data.plan.header.objective.calibrator.is_none() {
        return Err("Training on a task has no panel of metrics.".to_owned());
    }
    if data.metrics.is_empty() {
        return Err("No run has a panel of metrics yet.".to_owned());
    }
    let single = |key| {
        let (feature, discrepancy): &Key = key;
        let name = format!("{}: {}", feature_title(feature), discrepancy_title(discrepancy));
        Column { name, keys: vec![key] }
    };
    if data.metrics.len() <= FEW {
        let columns = data.metrics.iter().map(single).collect();
        return Ok(vec![picture(data, "metric", columns)]);
    }
    let by = |part: fn(&Key) -> &String, title: fn(&str) -> String| {
        let mut columns: Vec<(&String, Column<'_>)> = Vec::new();
        for key in &data.metrics {
            match columns.iter_mut().find(|(name, _)| *name == part(key)) {
                Some((_, column)) => column.keys.push(key),
                None => {
                    columns.push((part(key), Column { name: title(part(key)), keys: vec![key] }))
                }
            }
        }
        columns.into_iter().map(|(_, column)| column).collect::<Vec<_>>()
    };
    Ok(vec![
        picture(data, "discrepancy", by(|key| &key.1, discrepancy_title)),
        picture(data, "feature", by(|key| &key.0, feature_title)),
    ])
}

fn picture(data: &Data, by: &str, columns: Vec<Column<'_>>) -> Picture {
    let mut trials: Vec<&Trial> = data.valued().take(MOST).collect();
    let left_out = data.valued().count() - trials.len();
    // Neighbours of the plan share values of the first axes.
    trials.sort_by_key(|trial| trial.planned.index);
    let mut rows: Vec<MatrixRow> = Vec::new();
    let mut group = None;
    for trial in &trials {
        let first = trial.planned.values.first().map(|value| value.label.as_str());
        let begins = trial.planned.values.len() > 1 && group != Some(first);
        group = Some(first);
        let cells = columns.iter().map(|column| cell(trial, column)).collect();
        rows.push(MatrixRow { label: trial.label(), cells, apart: begins });
    }
    let count = columns.len();
    let matrix = Matrix {
        title: format!("How far from real users, by {by}"),
        sides: ("trained as".to_owned(), format!("measured by {by}, multiple of the floor")),
        columns: columns.into_iter().map(|column| column.name).collect(),
        column: 88.0,
        rows,
        key: MAP_KEY.map(str::to_owned).to_vec(),
    };
    let more = match left_out {
        0 => String::new(),
        n => format!(" The {n} trials with the worst objective are left out."),
    };
    Picture {
        about: format!("by-{by}"),
        title: format!("Trained on one thing, measured on another, by {by}"),
        description: format!(
            "Each trial on held-out real users, by {by}: the value as a multiple of the noise floor, \
             geometric mean over seeds and over the metrics of a cell; blue where it is within what \
             real users may differ by through chance (the upper end of the floor’s 95% interval). The \
             number before a name is the rank.{more}"
        ),
        drawing: Box::new(if count > FEW { matrix.turned() } else { matrix }),
    }
}

/// Geometric mean over metrics; none where no metric has a floor with noise.
fn cell(trial: &Trial, column: &Column<'_>) -> Option<MatrixCell> {
    let measured: Vec<&Measured> =
        column.keys.iter().filter_map(|key| trial.panel.get(*key)).collect();
    if measured.is_empty() {
        return None;
    }
    let optimised = measured.iter().any(|m| m.optimised);
    let logs = |of: usize| {
        let logs: Vec<f64> = measured.iter().filter_map(|m| Some(m.log()?[of])).collect();
        super::data::mean(&logs)
    };
    Some(match logs(0).zip(logs(1)) {
        Some((value, floor)) => map_cell((value - floor).exp(), value, optimised),
        None => {
            MatrixCell { text: if optimised { "● –" } else { "–" }.to_owned(), shade: None }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_geometric_means_of_multiples_of_the_floor() {
        let row = |value: f64, high: f64, optimised: bool| -> PanelRow {
            serde_json::from_value(serde_json::json!({
                "feature": "gap", "level": "event", "discrepancy": "wasserstein-1", "unit": "ticks",
                "value": value, "ci": [0.0, 1.0], "floor": high / 2.0, "floor_ci": [0.0, high],
                "before": null, "gap_closed": null, "optimised": optimised,
                "feature_rewarded": false,
            }))
            .unwrap()
        };
        let (mut panel, mut order) = (BTreeMap::new(), Vec::new());
        for rows in [[row(0.2, 0.1, false)], [row(0.8, 0.1, true)], [row(5.0, 0.0, false)]] {
            Measured::add(&rows, &mut panel, &mut order);
        }
        assert_eq!(order.len(), 1);
        let measured = &panel[&order[0]];
        // 2 and 8 times the floor: 4; a floor without noise gives a value and no multiple.
        let [value, floor] = measured.log().unwrap();
        assert!((value.exp() - 4.0).abs() < 1e-12 && (floor.exp() - 0.5).abs() < 1e-12);
        assert!((measured.value().unwrap() - 2.0).abs() < 1e-12);
        assert!(measured.optimised && measured.unit == "ticks");
        assert_eq!(
            [0.0524, 1.26, 99.4, 250.3, 1e9].map(crate::report::times),
            ["0.052×", "1.3×", "99×", "250×", "> 1000×"]
        );
    }
}
