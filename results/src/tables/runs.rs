//! `runs.parquet`: one row a run, with one column for each path that trials set.

use std::collections::BTreeSet;

use super::record::RunRecord;
use super::sink::Format;
use super::writer::{Cell, Kind};
use crate::error::ResultsError;
use crate::sweep::AxisValue;

const COLUMNS: [(&str, Kind); 16] = [
    ("trial", Kind::Text),
    ("index", Kind::Count),
    ("seed", Kind::Count),
    ("state", Kind::Text),
    ("message", Kind::Text),
    ("name", Kind::Text),
    ("mode", Kind::Text),
    ("dataset", Kind::Text),
    ("objective_name", Kind::Text),
    ("objective", Kind::Real),
    ("calibrator", Kind::Text),
    ("gap_closed", Kind::Real),
    ("auc", Kind::Real),
    ("mean_excess", Kind::Real),
    ("seconds", Kind::Real),
    ("env_steps", Kind::Count),
];

/// The table. A path that is also the name of a column above gets `config.` before it.
pub(super) fn table(records: &[RunRecord], format: Format) -> Result<Vec<u8>, ResultsError> {
    let paths: BTreeSet<&str> =
        records.iter().flat_map(|r| &r.settings).map(|setting| setting.path.as_str()).collect();
    let column = |path: &&str| match COLUMNS.iter().any(|(name, _)| name == path) {
        true => (format!("config.{path}"), Kind::Text),
        false => ((*path).to_owned(), Kind::Text),
    };
    let mut columns: Vec<_> = COLUMNS.map(|(name, kind)| (name.to_owned(), kind)).into();
    columns.extend(paths.iter().map(column));
    let mut table = format.begin(&columns)?;
    for record in records {
        let digest = &record.digest;
        // What a run that did not get that far does not know is null, not empty.
        let [name, mode, dataset] = [&digest.name, &digest.mode, &digest.dataset]
            .map(|text| (!text.is_empty()).then_some(text.as_str()));
        let setting = |path: &&str| record.settings.iter().find(|setting| setting.path == *path);
        let set: Vec<Option<String>> =
            paths.iter().map(|path| setting(path).map(AxisValue::export)).collect();
        let mut row: Vec<Cell<'_>> = vec![
            record.trial.as_deref().into(),
            record.index.into(),
            record.seed.into(),
            record.state.as_str().into(),
            record.message.as_deref().into(),
            name.into(),
            mode.into(),
            dataset.into(),
            record.objective_name.as_deref().into(),
            record.objective.into(),
            digest.calibrator.as_deref().into(),
            digest.gap_closed.into(),
            digest.auc.into(),
            digest.mean_excess.into(),
            digest.seconds.into(),
            digest.env_steps.into(),
        ];
        row.extend(set.iter().map(|text| Cell::from(text.as_deref())));
        table.row(&row)?;
    }
    table.finish()
}
