//! The verdict in plain sentences, with what speaks against it.

use trueup_calibration::panel::{CalibratorPanel, PanelRow};

use super::classifier;
use super::words::{discrepancy_title, feature_title};
use crate::plots::number;
use crate::summary::{Mode, Summary, apart};

/// What a reader is told first.
pub(crate) struct Verdict {
    /// Two or three sentences.
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
    match rival(summary, best) {
        Some(rival) => {
            sentences.extend(tie_sentence(best, rival));
            sentences.extend(other_measures(best, rival));
        }
        None => sentences.extend(gap_sentence(summary, best)),
    }
    sentences.extend(classifier_sentence(best));
    if told_apart(best) {
        sentences.extend(classifier::sentence(best));
    }
    if sentences.is_empty() {
        sentences.push(format!("{} has a panel, but no overall value.", best.name));
    }
    let mut caveats = Vec::new();
    caveats.extend(unseen(best));
    caveats.extend(worst(best));
    caveats.extend(farther(best));
    caveats.extend(failures(summary));
    caveats.extend(summary.notes.iter().cloned());
    caveats.extend(notes(summary));
    Verdict { sentences, caveats }
}

/// A share as a percentage; never rounded up to a perfect 100%.
pub(crate) fn percent(share: f64) -> String {
    let tenths = (share * 1000.0).round() / 10.0;
    let tenths = if share < 1.0 && tenths >= 100.0 { 99.9 } else { tenths };
    format!("{tenths:.1}%").replace('-', "−")
}

/// An interval of shares.
pub(super) fn percents([low, high]: [f64; 2]) -> String {
    format!("{} to {}", percent(low), percent(high))
}

/// The calibrator whose gap closed comes nearest to the best one's without being told apart from
/// it.
fn rival<'a>(summary: &'a Summary, best: &CalibratorPanel) -> Option<&'a CalibratorPanel> {
    let others = summary.calibrators.iter().filter(|c| c.name != best.name);
    let tied = others.filter(|c| apart(c.gap_closed_ci, best.gap_closed_ci) == Some(false));
    let rated = tied.filter_map(|c| Some((c, c.gap_closed?)));
    rated.reduce(|most, next| if next.1 > most.1 { next } else { most }).map(|(c, _)| c)
}

fn tie_sentence(best: &CalibratorPanel, rival: &CalibratorPanel) -> Option<String> {
    let (ours, theirs) = (best.gap_closed?, rival.gap_closed?);
    let (our_ci, their_ci) = (best.gap_closed_ci?, rival.gap_closed_ci?);
    Some(format!(
        "{} and {} come nearest to the held-out real users, and the gap closed does not tell the \
         two apart: {} (95% interval {}) and {} ({}) of the gap between the uncalibrated \
         simulation and what two groups of real users differ by.",
        best.name,
        rival.name,
        percent(ours),
        percents(our_ci),
        percent(theirs),
        percents(their_ci)
    ))
}

/// What AUC and mean excess say of two calibrators that the gap closed does not tell apart.
fn other_measures(best: &CalibratorPanel, rival: &CalibratorPanel) -> Option<String> {
    let lower = |ours: f64, theirs: f64| if ours <= theirs { best } else { rival };
    let against = |winner: &CalibratorPanel, ours: String, theirs: String| {
        if winner.name == best.name {
            format!("{ours} against {theirs}")
        } else {
            format!("{theirs} against {ours}")
        }
    };
    let auc = best.c2st_auc.zip(rival.c2st_auc).map(|(ours, theirs)| {
        let winner = lower(ours, theirs);
        let told = apart(best.c2st_auc_ci, rival.c2st_auc_ci) == Some(true);
        let values = against(winner, format!("{ours:.3}"), format!("{theirs:.3}"));
        (winner, told, format!("AUC of the classifier {values}"))
    });
    let excess = best.mean_excess.zip(rival.mean_excess).map(|(ours, theirs)| {
        let winner = lower(ours, theirs);
        let values = against(winner, number(ours), number(theirs));
        (winner, format!("mean excess over the floor {values}"))
    });
    let same = |(auc, _, _): &(&CalibratorPanel, bool, String), excess: &CalibratorPanel| {
        auc.name == excess.name
    };
    Some(match (auc, excess) {
        (Some(auc), Some(excess)) if auc.1 && same(&auc, excess.0) => {
            format!("The other measures favour {}: {}, {}.", excess.0.name, auc.2, excess.1)
        }
        (Some((auc, true, a)), Some((excess, e))) => format!(
            "The other measures disagree: one favours {} ({a}), one {} ({e}).",
            auc.name, excess.name
        ),
        (Some((_, false, a)), Some((excess, e))) => format!(
            "Nor does the classifier tell which is nearer ({a}, within the intervals); the mean \
             favours {} ({e}).",
            excess.name
        ),
        (Some((auc, true, a)), None) => format!("The classifier favours {} ({a}).", auc.name),
        (Some((_, false, a)), None) => {
            format!("Nor does the classifier tell which is nearer ({a}, within the intervals).")
        }
        (None, Some((excess, e))) => format!("The mean favours {} ({e}).", excess.name),
        (None, None) => return None,
    })
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
    let verdict = if !told_apart(best) {
        "it cannot be shown to tell them apart"
    } else if auc < 0.6 {
        "they can still be told apart, if barely"
    } else {
        "they can still be told apart"
    };
    Some(format!(
        "A classifier tells the users of {} from real ones with an AUC of {auc:.3}{interval}\
         {floor}: {verdict}.",
        best.name
    ))
}

/// Whether the AUC lies above what real users score against each other, or guessing, whichever is
/// higher.
fn told_apart(best: &CalibratorPanel) -> bool {
    let reference = best.c2st_auc_floor.unwrap_or(0.5).max(0.5);
    best.c2st_auc_ci.map(|ci| ci[0]).or(best.c2st_auc).is_some_and(|low| low > reference)
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
    // Where the uncalibrated simulation was as near as real users may be to each other by chance,
    // there was no gap to close; [`farther`] counts what was made worse there.
    let real = best.panel.iter().filter(|row| row.before.is_some_and(|b| b > row.floor_ci[1]));
    let rows = real.filter_map(|row| Some((row, row.before?, row.gap_closed?)));
    let (row, before, gap) = rows.min_by(|a, b| a.2.total_cmp(&b.2))?;
    (gap < 0.8).then(|| {
        format!(
            "The worst metric of {} is “{}” of “{}”: {}.",
            best.name,
            discrepancy_title(&row.discrepancy),
            feature_title(&row.feature),
            distances(row, before, gap)
        )
    })
}

/// How far a metric was and is. A share of a gap that was small, or that has grown, is a number
/// that nobody can read: then the distances alone are named.
fn distances(row: &PanelRow, before: f64, gap: f64) -> String {
    let unit = if row.unit.is_empty() { String::new() } else { format!(" {}", row.unit) };
    let value = number(row.value);
    let (before, floor) = (number(before), number(row.floor));
    if gap < 0.0 {
        format!(
            "{value}{unit}, farther than the {before} of the uncalibrated simulation (two groups \
             of real users: {floor})"
        )
    } else if row.before.is_some_and(|b| b < 2.0 * row.floor) {
        format!(
            "{value}{unit}, where there was little to gain: {before} before, {floor} between two \
             groups of real users"
        )
    } else {
        format!(
            "{} of the gap closed, {value}{unit} where it was {before} before and is {floor} \
             between two groups of real users",
            percent(gap)
        )
    }
}

/// How many metrics a calibration made worse.
fn farther(best: &CalibratorPanel) -> Option<String> {
    let rated: Vec<_> = best.panel.iter().filter_map(|r| Some((r.value, r.before?))).collect();
    let worse = rated.iter().filter(|(value, before)| value > before).count();
    let of = rated.len();
    let lies = if worse == 1 { "lies" } else { "lie" };
    (worse > 0).then(|| {
        format!(
            "{worse} of {of} metrics {lies} farther from the real users with {} than with the \
             uncalibrated simulation.",
            best.name
        )
    })
}

fn failures(summary: &Summary) -> Vec<String> {
    summary.failed.iter().map(|f| format!("{} failed: {}", f.name, f.reason)).collect()
}

/// Notes of the calibrators, each once.
fn notes(summary: &Summary) -> Vec<String> {
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
    let line = |(note, names): &(&str, Vec<&str>)| {
        // A note that all share needs no names.
        if names.len() == summary.calibrators.len() {
            (*note).to_owned()
        } else {
            format!("{}: {note}", names.join(", "))
        }
    };
    told.iter().map(line).collect()
}
