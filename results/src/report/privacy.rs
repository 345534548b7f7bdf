//! How close simulated users are to those that a simulation was fitted on, as a table.

use trueup_calibration::privacy::{Estimate, Verdict};

use super::tables::{Cells, Table};
use super::verdict::percent;
use crate::plots::number;
use crate::summary::{CalibratorPrivacy, Summary};

const COLUMNS: [&str; 7] = [
    "Calibrator",
    "Verdict",
    "Closer to a training user (95% interval), expected",
    "p",
    "Distance to the closest training user, median (held-out users)",
    "Closest over second closest, median (held-out users)",
    "Equal to a training user (held-out users)",
];

/// A row a calibrator; none where nothing was compared.
pub(super) fn table(summary: &Summary) -> Option<Table> {
    let row = |of: &CalibratorPrivacy| {
        let p = &of.privacy;
        let beside = |of: fn(f64) -> String, own: Estimate, real: Estimate| {
            format!("{} ({})", of(own.value), of(real.value))
        };
        let [low, high] = p.all.share.interval.map(percent);
        let (own, real) = (&p.simulated, &p.holdout);
        let verdict = match p.verdict {
            Verdict::NoSignOfCopying => "no sign of copying",
            Verdict::Copies => "copies",
        };
        // Three tests share the verdict: the most telling one, times three.
        let least = p.all.p_value.min(p.nearest.p_value).min(p.equal.p_value);
        Cells {
            head: of.name.clone(),
            cells: vec![
                verdict.to_owned(),
                format!(
                    "{} ({low} to {high}), {}",
                    percent(p.all.share.value),
                    percent(p.all.expected)
                ),
                number((3.0 * least).min(1.0)),
                beside(number, own.distance, real.distance),
                beside(number, own.ratio, real.ratio),
                beside(percent, own.equal, real.equal),
            ],
            strong: p.verdict == Verdict::Copies,
        }
    };
    (!summary.privacy.is_empty()).then(|| Table {
        caption: "Simulated users against training users; distances in standard deviations of the \
                  real users; p of the most telling of three tests, times three"
            .to_owned(),
        columns: COLUMNS.map(str::to_owned).to_vec(),
        rows: summary.privacy.iter().map(row).collect(),
        empty: String::new(),
        open: true,
    })
}

/// The verdicts on those that repeat users, in words; the table says all of the others.
pub(super) fn words(summary: &Summary) -> Vec<String> {
    let copies = summary.privacy.iter().filter(|of| of.privacy.verdict == Verdict::Copies);
    copies.map(|of| format!("{}: {}", of.name, of.privacy.words)).collect()
}
