//! The figures of a run that are one number each, by name.

use trueup_results::tables::RunRecord;

/// `objective`, and of each calibrator `CALIBRATOR/floor_multiple` and its like and
/// `CALIBRATOR/panel/FEATURE/DISCREPANCY`; what is not known is left out.
pub(crate) fn final_figures(record: &RunRecord) -> Vec<(String, f64)> {
    let mut figures = Vec::new();
    let mut figure = |name: String, value: Option<f64>| {
        figures.extend(value.filter(|value| value.is_finite()).map(|value| (name, value)));
    };
    figure("objective".to_owned(), record.objective);
    for calibrator in &record.calibrators {
        let name = &calibrator.name;
        let headline = calibrator.headline();
        figure(format!("{name}/floor_multiple"), headline.and_then(|of| of.multiple));
        figure(format!("{name}/gap_closed"), calibrator.gap_closed);
        figure(format!("{name}/gap_closed_unseen"), calibrator.gap_closed_unseen);
        figure(format!("{name}/mean_excess"), calibrator.mean_excess);
        figure(format!("{name}/c2st_auc"), calibrator.c2st_auc);
        for row in &calibrator.panel {
            let panel = format!("{name}/panel/{}/{}", row.feature, row.discrepancy);
            figure(panel, Some(row.value));
        }
    }
    figures
}

/// A time as `2026-01-31T12:00:00Z` in seconds since 1970.
pub(crate) fn seconds_since_1970(time: &str) -> Option<f64> {
    let time: jiff::Timestamp = time.parse().ok()?;
    Some(time.as_second() as f64)
}
