//! Titles, definitions and sentences of the report that hold no verdict.

use std::path::Path;

use trueup_calibration::panel::USER_VECTOR;
use trueup_calibration::{discrepancy, features};

use super::ReportInput;
use crate::provenance::Provenance;
use crate::run_directory::{State, Status};
use crate::summary::{Mode, Summary};

/// Title of a feature.
pub(crate) fn feature_title(name: &str) -> String {
    match features::find(name) {
        Some(feature) => feature.title.to_owned(),
        None if name == USER_VECTOR => "All user features jointly".to_owned(),
        None => name.replace('_', " "),
    }
}

/// Title of a discrepancy.
pub(super) fn discrepancy_title(name: &str) -> String {
    discrepancy::find(name).map_or_else(|| name.replace('-', " "), |d| d.title().to_owned())
}

/// A whole number with thin spaces between thousands.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push('\u{202F}');
        }
        text.push(digit);
    }
    text
}

/// One line under the title: data, users, seed, time.
pub(super) fn subtitle(input: &ReportInput) -> String {
    let summary = &input.summary;
    let users = |n: usize| count(n as u64);
    let mut parts = vec![summary.dataset.clone()];
    match summary.mode {
        Mode::Run => parts.push(format!(
            "{} real users to train on, {} held out",
            users(summary.train_users),
            users(summary.test_users)
        )),
        Mode::Compare => parts.push(format!("{} real users", users(summary.test_users))),
    }
    if input.series.horizon > 0 {
        parts.push(format!("{} {}s", input.series.horizon, input.series.tick));
    }
    if summary.mode == Mode::Run {
        parts.push(format!("seed {}", summary.seed));
        parts.push(format!("{} environment steps", count(summary.env_steps)));
    }
    if summary.seconds > 0.0 {
        parts.push(format!("{:.0} s", summary.seconds.max(1.0)));
    }
    if let Some(provenance) = &input.provenance {
        parts.push(provenance.started.replace('T', " ").replace('Z', " UTC"));
    }
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

/// What to know before believing anything below: a run that did not end well.
pub(crate) fn banner(status: Option<&Status>) -> Option<String> {
    let status = status?;
    let why = status.message.as_ref().map_or_else(String::new, |message| format!(": {message}"));
    match status.state {
        State::Done => None,
        State::Running => Some("This run is still going on; what follows is not final.".to_owned()),
        State::Failed => Some(format!("This run failed{why}. What follows is what it had.")),
        State::Interrupted => {
            Some(format!("This run was interrupted{why}. What follows is what it had."))
        }
    }
}

/// Every discrepancy of the panel with its formula, and the terms of the table.
pub(super) fn definitions(summary: &Summary) -> Vec<(String, String)> {
    let mut list = vec![
        (
            "Floor".to_owned(),
            match summary.mode {
                Mode::Run => {
                    "The same discrepancy between the training and the held-out real \
                              users: no simulation can honestly do better."
                }
                Mode::Compare => {
                    "The same discrepancy between two random halves of the real users."
                }
            }
            .to_owned(),
        ),
        (
            "Gap closed".to_owned(),
            "1 − (value − floor) / (before − floor), before being the uncalibrated simulation: 0% \
             is no better than before, 100% is as near as real users are to each other; more than \
             100% is chance. A calibrator's gap closed is the median over the metrics that no \
             reward optimised."
                .to_owned(),
        ),
        ("Interval".to_owned(), "95%, by bootstrap over users (never over events).".to_owned()),
        (
            "AUC".to_owned(),
            "How often a classifier, asked which of a real and a simulated user is the real one, \
             is right: 0.5 is guessing. Cross-validated."
                .to_owned(),
        ),
        (
            "Mean excess".to_owned(),
            "Mean of value − floor over the metrics that share a scale, those that a reward optimised \
             among them; 0 is perfect."
                .to_owned(),
        ),
    ];
    let mut seen = Vec::new();
    for row in summary.calibrators.iter().flat_map(|c| &c.panel) {
        if !seen.contains(&row.discrepancy) {
            seen.push(row.discrepancy.clone());
            if let Some(found) = discrepancy::find(&row.discrepancy) {
                list.push((found.title().to_owned(), found.definition().to_owned()));
            }
        }
    }
    list
}

/// Commands that make this result again: the one that was given, and one that needs the run
/// directory alone where its config `repeats` it.
pub(crate) fn repeat(folder: &Path, provenance: Option<&Provenance>, repeats: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(provenance) = provenance.filter(|p| !p.command.is_empty()) {
        lines.push(provenance.shell_command());
    }
    if repeats {
        let name = folder.file_name().map(|n| n.to_string_lossy().into_owned());
        lines.push(format!("trueup run '{}/config.toml'", name.unwrap_or_default()));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped() {
        let given = [0, 7, 999, 1000, 69_659, 1_234_567];
        let wanted = ["0", "7", "999", "1\u{202F}000", "69\u{202F}659", "1\u{202F}234\u{202F}567"];
        assert_eq!(given.map(count), wanted);
    }
}
