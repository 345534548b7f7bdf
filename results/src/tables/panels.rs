//! `calibrators.parquet` and `metrics.parquet`: what the panels say, one row a calibrator and one a
//! metric.

use trueup_calibration::panel::{CalibratorPanel, PanelRow};

use super::record::RunRecord;
use super::sink::Format;
use super::writer::{Cell, Kind};
use crate::error::ResultsError;
use crate::report::heterogeneity_word;

const CALIBRATORS: [(&str, Kind); 20] = [
    ("trial", Kind::Text),
    ("seed", Kind::Count),
    ("calibrator", Kind::Text),
    ("gap_closed", Kind::Real),
    ("gap_closed_low", Kind::Real),
    ("gap_closed_high", Kind::Real),
    ("gap_closed_unseen", Kind::Real),
    ("mean_excess", Kind::Real),
    ("auc", Kind::Real),
    ("auc_low", Kind::Real),
    ("auc_high", Kind::Real),
    ("auc_floor", Kind::Real),
    ("metrics", Kind::Count),
    ("floor_multiple", Kind::Real),
    ("floor_multiple_low", Kind::Real),
    ("floor_multiple_high", Kind::Real),
    ("metrics_judged", Kind::Count),
    ("metrics_at_floor", Kind::Count),
    ("heterogeneity", Kind::Text),
    ("copies", Kind::Flag),
];

const METRICS: [(&str, Kind); 23] = [
    ("trial", Kind::Text),
    ("seed", Kind::Count),
    ("calibrator", Kind::Text),
    ("feature", Kind::Text),
    ("discrepancy", Kind::Text),
    ("level", Kind::Text),
    ("unit", Kind::Text),
    ("value", Kind::Real),
    ("ci_low", Kind::Real),
    ("ci_high", Kind::Real),
    ("floor", Kind::Real),
    ("floor_low", Kind::Real),
    ("floor_high", Kind::Real),
    ("excess", Kind::Real),
    ("before", Kind::Real),
    ("gap_closed", Kind::Real),
    ("optimised", Kind::Flag),
    ("feature_rewarded", Kind::Flag),
    ("verdict", Kind::Text),
    ("effect", Kind::Real),
    ("p", Kind::Real),
    ("q", Kind::Real),
    ("users_needed", Kind::Count),
];

/// One row a calibrator of a run.
pub(super) fn calibrators(records: &[RunRecord], format: Format) -> Result<Vec<u8>, ResultsError> {
    let mut table = format.begin(&CALIBRATORS.map(|(name, kind)| (name.to_owned(), kind)))?;
    for record in records {
        for c in sorted(record) {
            table.row(&[
                record.trial.as_deref().into(),
                record.seed.into(),
                c.name.as_str().into(),
                c.gap_closed.into(),
                end(c.gap_closed_ci, 0),
                end(c.gap_closed_ci, 1),
                c.gap_closed_unseen.into(),
                c.mean_excess.into(),
                c.c2st_auc.into(),
                end(c.c2st_auc_ci, 0),
                end(c.c2st_auc_ci, 1),
                c.c2st_auc_floor.into(),
                (c.panel.len() as u64).into(),
                c.headline().and_then(|headline| headline.multiple).into(),
                end(c.headline().and_then(|headline| headline.interval), 0),
                end(c.headline().and_then(|headline| headline.interval), 1),
                c.headline().map(|headline| headline.metrics as u64).into(),
                c.headline().map(|headline| headline.at_floor as u64).into(),
                heterogeneity_word(c).into(),
                record.copies.contains(&c.name).into(),
            ])?;
        }
    }
    table.finish()
}

/// One row a metric of a calibrator.
pub(super) fn metrics(records: &[RunRecord], format: Format) -> Result<Vec<u8>, ResultsError> {
    let mut table = format.begin(&METRICS.map(|(name, kind)| (name.to_owned(), kind)))?;
    for record in records {
        for calibrator in sorted(record) {
            let mut rows: Vec<&PanelRow> = calibrator.panel.iter().collect();
            rows.sort_by_key(|row| (&row.feature, &row.discrepancy));
            for row in rows {
                table.row(&metric(record, &calibrator.name, row))?;
            }
        }
    }
    table.finish()
}

fn metric<'a>(record: &'a RunRecord, calibrator: &'a str, row: &'a PanelRow) -> [Cell<'a>; 23] {
    [
        record.trial.as_deref().into(),
        record.seed.into(),
        calibrator.into(),
        row.feature.as_str().into(),
        row.discrepancy.as_str().into(),
        row.level.as_str().into(),
        row.unit.as_str().into(),
        row.value.into(),
        end(Some(row.ci), 0),
        end(Some(row.ci), 1),
        row.floor.into(),
        end(Some(row.floor_ci), 0),
        end(Some(row.floor_ci), 1),
        (row.value - row.floor).into(),
        row.before.into(),
        row.gap_closed.into(),
        row.optimised.into(),
        row.feature_rewarded.into(),
        row.verdict.map(|verdict| verdict.name()).into(),
        row.effect.into(),
        row.p.into(),
        row.q.into(),
        row.users_needed.into(),
    ]
}

fn sorted(record: &RunRecord) -> Vec<&CalibratorPanel> {
    let mut calibrators: Vec<&CalibratorPanel> = record.calibrators.iter().collect();
    calibrators.sort_by_key(|calibrator| &calibrator.name);
    calibrators
}

/// The lower or upper end of an interval.
fn end(ci: Option<[f64; 2]>, which: usize) -> Cell<'static> {
    ci.and_then(|ends| ends.get(which).copied()).into()
}
