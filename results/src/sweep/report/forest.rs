//! Trials with their intervals, best on top.

use super::data::{Data, Trial};
use crate::plots::{Intervals, Picture, Row, look};
use crate::seeds::LEAST_SEEDS;

/// Most rows.
const MOST: usize = 40;

/// The picture of the best trials.
pub(super) fn picture(data: &Data) -> Result<Picture, String> {
    let measure = &data.measure;
    let row = |(i, trial): (usize, &Trial)| {
        let estimate = trial.objective?;
        let label = measure.show(estimate.value);
        let (name, value, ci) = (trial.label(), estimate.value, estimate.ci);
        Some(Row { name, look: look(i), value, ci, label })
    };
    let rows: Vec<Row> = data.valued().take(MOST).enumerate().filter_map(row).collect();
    if rows.is_empty() {
        return Err("No picture of trials: none has a result.".to_owned());
    }
    let ends = rows.iter().flat_map(|row| row.ci.unwrap_or([row.value, row.value]));
    let ends = ends.chain(measure.references.iter().map(|(value, _)| *value));
    let x = measure.axis(ends, &measure.axis_title);
    let single = rows.iter().filter(|row| row.ci.is_none()).count();
    let single = match single {
        0 => String::new(),
        n => format!(" {n} have fewer than {LEAST_SEEDS} seeds, and so no interval."),
    };
    let more = match data.valued().count() - rows.len() {
        0 => String::new(),
        n => format!(" The {n} worst are left out."),
    };
    let drawing = Intervals {
        title: "Trials, best first".to_owned(),
        width: 720,
        x,
        references: measure.references.clone(),
        rows,
    };
    Ok(Picture {
        about: String::new(),
        title: "Trials, best first".to_owned(),
        description: format!(
            "Interquartile mean of the {} over seeds, with 95% bootstrap intervals over \
             seeds.{single}{more}",
            measure.title
        ),
        drawing: Box::new(drawing),
    })
}
