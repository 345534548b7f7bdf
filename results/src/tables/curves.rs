//! `curves.parquet`: one row a named number of an iteration, from `metrics.jsonl`.

use super::record::RunRecord;
use super::sink::Format;
use super::writer::Kind;
use crate::error::ResultsError;
use crate::metrics::Metric;

const COLUMNS: [(&str, Kind); 6] = [
    ("trial", Kind::Text),
    ("seed", Kind::Count),
    ("calibrator", Kind::Text),
    ("iteration", Kind::Count),
    ("name", Kind::Text),
    ("value", Kind::Real),
];

/// The table. Where several training seeds share a run, a row has its own seed.
pub(super) fn table(records: &[RunRecord], format: Format) -> Result<Vec<u8>, ResultsError> {
    let mut table = format.begin(&COLUMNS.map(|(name, kind)| (name.to_owned(), kind)))?;
    for record in records {
        let mut metrics: Vec<&Metric> = record.metrics.iter().collect();
        metrics.sort_by_key(|metric| (metric.seed, &metric.calibrator, metric.iteration));
        for metric in metrics {
            for (name, &value) in &metric.values {
                table.row(&[
                    record.trial.as_deref().into(),
                    metric.seed.or(record.seed).into(),
                    metric.calibrator.as_str().into(),
                    metric.iteration.into(),
                    name.as_str().into(),
                    value.into(),
                ])?;
            }
        }
    }
    table.finish()
}
