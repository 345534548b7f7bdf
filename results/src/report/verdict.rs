//! The verdict in plain sentences, with what speaks against it.

use trueup_calibration::panel::CalibratorPanel;

use super::words::feature_title;
use crate::plots::number;
use crate::summary::{Mode, Summary};

/// What a reader is told first.
pub(super) struct Verdict {
    /// One or two sentences.
    pub sentences: Vec<String>,
    /// What speaks against them.
    pub caveats: Vec<String>,
}

/// Judges a summary.
pub(super) fn of(summary: &Summary) -> Verdict {
    let Some(best) = summary.best() else {
        let sentence = "There is no verdict: no calibrator gave a result.".to_owned();
        return Verdict { sentences: vec![sentence], caveats: failures(summary) };
    };
    let mut sentences = Vec::new();
    sentences.extend(gap_sentence(summary, best));
    sentences.extend(classifier_sentence(best));
    if sentences.is_empty() {
        sentences.push(format!("{} has a panel, but no overall value.", best.name));
    }
    let mut caveats = Vec::new();
    caveats.extend(rival(summary, best));
    caveats.extend(unseen(best));
    caveats.extend(worst(best));
    caveats.extend(failures(summary));
    caveats.extend(summary.notes.iter().cloned());
    let notes = summary
        .calibrators
        .iter()
        .flat_map(|c| c.notes.iter().map(move |note| (c.name.as_str(), note.as_str())));
    let mut told: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, note) in notes {
        match told.iter_mut().find(|(known, _)| *known == note) {
            Some((_, names)) => names.push(name),
            None => told.push((note, vec![name])),
        }
    }
    caveats.extend(told.iter().map(|(note, names)| {
        // A note that all share needs no names.
        if names.len() == summary.calibrators.len() {
            (*note).to_owned()
        } else {
            format!("{}: {note}", names.join(", "))
        }
    }));
    Verdict { sentences, caveats }
}

/// A share as a percentage; never rounded up to a perfect 100%.
pub(super) fn percent(share: f64) -> String {
    let tenths = (share * 1000.0).round() / 10.0;
    let tenths = if share < 1.0 && tenths >= 100.0 { 99.9 } else { tenths };
    format!("{tenths:.1}%").replace('-', "−")
}

/// An interval of shares.
pub(super) fn percents([low, high]: [f64; 2]) -> String {
    format!("{} to {}", percent(low), percent(high))
}

fn gap_sentence(summary: &Summary, best: &CalibratorPanel) -> Option<String> {
    if let Some(gap) = best.gap_closed {
        let interval = best
            .gap_closed_ci
            .map_or_else(String::new, |ci| format!(" (95% interval {})", percents(ci)));
        let nearest = if summary.calibrators.iter().filter(|c| c.gap_closed.is_some()).count() > 1 {
            "comes nearest to the held-out real users: it"
        } else {
            ""
        };
        let lead = format!("{} {nearest}", best.name);
        let closes = if gap >= 0.0 {
            format!("closes {}{interval} of the gap", percent(gap))
        } else {
            format!("widens the gap by {}{interval}", percent(-gap))
        };
        return Some(format!(
            "{} {closes} between the uncalibrated simulation and what two groups of real users \
             differ by.",
            lead.trim_end()
        ));
    }
    let excess = best.mean_excess?;
    let who = match summary.mode {
        Mode::Compare => "The simulated users".to_owned(),
        Mode::Run => best.name.clone(),
    };
    Some(format!(
        "{who} differ from the real ones by {} more, on the mean over comparable metrics, than two \
         groups of real users differ from each other.",
        number(excess)
    ))
}

fn classifier_sentence(best: &CalibratorPanel) -> Option<String> {
    let auc = best.c2st_auc?;
    let interval = best
        .c2st_auc_ci
        .map_or_else(String::new, |[low, high]| format!(" (95% interval {low:.3} to {high:.3})"));
    let floor = best.c2st_auc_floor.map_or_else(String::new, |floor| {
        format!("; on two groups of real users it reaches {floor:.3}")
    });
    // What real users score against each other, or guessing, whichever is higher.
    let reference = best.c2st_auc_floor.unwrap_or(0.5).max(0.5);
    let told_apart = best.c2st_auc_ci.map_or(auc, |ci| ci[0]) > reference;
    let verdict = if !told_apart {
        "it cannot be shown to tell them apart"
    } else if auc < 0.6 {
        "they can still be told apart, if barely"
    } else {
        "they can still be told apart"
    };
    Some(format!(
        "A classifier tells its users from real ones with an AUC of {auc:.3}{interval}{floor}: \
         {verdict}."
    ))
}

/// The runner-up, where its interval reaches the winner's value.
fn rival(summary: &Summary, best: &CalibratorPanel) -> Option<String> {
    let gap = best.gap_closed?;
    let others = summary.calibrators.iter().filter(|c| c.name != best.name);
    let (rival, theirs) =
        others.filter_map(|c| Some((c, c.gap_closed?))).max_by(|a, b| a.1.total_cmp(&b.1))?;
    let overlaps = match (best.gap_closed_ci, rival.gap_closed_ci) {
        (Some(ours), Some(theirs)) => ours[0] <= theirs[1],
        _ => return None,
    };
    overlaps.then(|| {
        format!(
            "The lead over {} ({} against {}) lies within the intervals.",
            rival.name,
            percent(gap),
            percent(theirs)
        )
    })
}

fn unseen(best: &CalibratorPanel) -> Option<String> {
    let gap = best.gap_closed_unseen?;
    Some(format!(
        "On features that no reward saw, {} closes {} of the gap.",
        best.name,
        percent(gap)
    ))
}

/// The metric that is worst off, where it is far from closed.
fn worst(best: &CalibratorPanel) -> Option<String> {
    // Where hardly a gap was, its share says nothing.
    let wide = best.panel.iter().filter(|row| row.before.is_some_and(|b| b > 2.0 * row.floor));
    let rows = wide.filter_map(|row| Some((row, row.gap_closed?)));
    let (row, gap) = rows.min_by(|a, b| a.1.total_cmp(&b.1))?;
    (gap < 0.8).then(|| {
        format!(
            "Its worst metric is “{}” of “{}”: {} of the gap closed.",
            super::words::discrepancy_title(&row.discrepancy),
            feature_title(&row.feature),
            percent(gap)
        )
    })
}

fn failures(summary: &Summary) -> Vec<String> {
    summary.failed.iter().map(|f| format!("{} failed: {}", f.name, f.reason)).collect()
}
