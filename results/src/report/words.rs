//! Titles, definitions and sentences of the report that hold no verdict.

use std::path::Path;

use trueup_calibration::features::{of_kind, relation};
use trueup_calibration::panel::USER_VECTOR;
use trueup_calibration::{discrepancy, features};

use super::ReportInput;
use crate::provenance::Provenance;
use crate::run_directory::{State, Status};
use crate::summary::{Mode, Summary};

/// Title of a feature.
pub(crate) fn feature_title(name: &str) -> String {
    if let Some(kind) = of_kind::kind_of(name) {
        return format!("{}, {kind}", feature_title(of_kind::BASE));
    }
    if let Some((covariate, fact)) = relation::parts(name) {
        return format!("{covariate} against {}", relation::words(fact));
    }
    match features::find(name) {
        Some(feature) => feature.title.to_owned(),
        None if name == USER_VECTOR => "All user features jointly".to_owned(),
        None => name.replace('_', " "),
    }
}

/// Title of a discrepancy.
pub(crate) fn discrepancy_title(name: &str) -> String {
    let Ok(found) = discrepancy::named(name) else { return name.replace('-', " ") };
    match found.label().split_once('(') {
        None => found.title().to_owned(),
        Some((_, parameters)) => format!("{} ({parameters}", found.title()),
    }
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
            "{} real users to train on, judged by {}",
            users(summary.train_users),
            summary.judges.words(&users(summary.test_users))
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
            "Times the floor".to_owned(),
            "Value over floor: 1 is as far as real users are from each other. A floor that is low by \
             luck, below a twentieth of the upper end of its 95% interval, counts as that twentieth. \
             Of a calibrator it is the median over metrics; one that is not defined for its users \
             counts as infinitely far."
                .to_owned(),
        ),
        (
            "How users differ".to_owned(),
            "Share of the variance of log amounts that lies between users, and correlations of an \
             amount and of a gap with the next: kept, unless they are off by 0.1 or more and by more \
             than chance; lost where less than half is left."
                .to_owned(),
        ),
        (
            "Gap closed".to_owned(),
            "1 − (value − floor) / (before − floor), before being the uncalibrated simulation that \
             is named: 0% is no better, 100% is as near as real users are to each other; more than \
             100% is chance. It hangs on that simulation: metrics where this is at the floor have \
             none. A calibrator's gap closed is the median over the metrics that no reward optimised."
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
    list.extend(of_tests(summary));
    let mut seen = Vec::new();
    for row in summary.calibrators.iter().flat_map(|c| &c.panel) {
        if !seen.contains(&row.discrepancy) {
            seen.push(row.discrepancy.clone());
            if let Ok(found) = discrepancy::named(&row.discrepancy) {
                list.push((found.title().to_owned(), found.definition().to_owned()));
            }
        }
    }
    list
}

/// What verdicts, p-values and numbers of users are, where the panel has them.
fn of_tests(summary: &Summary) -> Vec<(String, String)> {
    let mut list = Vec::new();
    let rows = || summary.calibrators.iter().flat_map(|c| &c.panel);
    let mut add = |told: bool, name: &str, words: &str| {
        if told {
            list.push((name.to_owned(), words.to_owned()));
        }
    };
    add(
        rows().any(|row| row.verdict.is_some()),
        "Verdict",
        "By size: at floor is within two standard deviations of the floor; near is above it by less \
         than a tenth of what users differ by, far by at least half, apart between.",
    );
    add(
        rows().any(|row| row.p.is_some() || row.q.is_some()),
        "p and q",
        "p: how often dealing out the labels real and simulated at random gives a value as large. \
         q: the false discovery rate, over the metrics of a calibrator, at which this one is still \
         called a difference.",
    );
    let examined = || summary.calibrators.iter().flat_map(|c| &c.examination);
    add(
        examined().next().is_some(),
        "Accuracy",
        "The mean of the shares of simulated and of real users that a classifier calls what they \
         are; 0.5 is guessing.",
    );
    add(
        examined().any(|e| e.trees.p_value.is_some()),
        "p of a classifier",
        "How often an AUC as large comes of labels dealt out at random. Unless classifiers were \
         trained again on them, it errs on the side of no difference.",
    );
    add(
        rows().any(|row| row.users_needed.is_some()),
        "Users needed",
        "Users a side with which that test would find the difference that was seen four times out \
         of five, at level 0.05.",
    );
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
