//! The verdict in plain sentences, with what speaks against it: the same on the terminal and in the
//! report.
//!
//! What leads needs no "before": multiples of the noise floor, metrics at the floor, a classifier. What
//! a simulation loses (how users differ, money, privacy) comes next, the gap closed last.

use trueup_calibration::money::{Figure, Heterogeneity, Quantity};
use trueup_calibration::panel::{AgainstFloor, CalibratorPanel, PanelRow};

use super::classifier;
use super::words::{discrepancy_title, feature_title};
use crate::plots::{money, number};
use crate::summary::{Mode, Summary, apart};

/// What a reader is told first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// A few sentences.
    pub sentences: Vec<String>,
    /// What speaks against them, and what a reader must know.
    pub caveats: Vec<String>,
}

/// Judges a summary.
pub fn verdict(summary: &Summary) -> Verdict {
    let Some(best) = summary.best() else {
        let sentence = "There is no verdict: no calibrator gave a result.".to_owned();
        return Verdict { sentences: vec![sentence], caveats: failures(summary) };
    };
    let mut sentences = Vec::new();
    match rival(summary, best) {
        Some(rival) => {
            sentences.extend(tie_sentence(summary, best, rival));
            sentences.extend(other_measures(best, rival));
        }
        None => sentences.extend(lead(summary, best)),
    }
    sentences.extend(copies(summary));
    sentences.extend(heterogeneity(best));
    sentences.extend(classifier_sentence(best));
    if sentences.is_empty() {
        sentences.push(format!("{} has a panel, but no overall value.", best.name));
    }
    let mut caveats = failures(summary);
    caveats.extend(money_words(best));
    if told_apart(best) {
        caveats.extend(classifier::sentence(best));
    }
    caveats.extend(worst(best));
    caveats.extend(summary.notes.iter().cloned());
    caveats.extend(notes(summary));
    caveats.extend(gap(best));
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

/// A multiple of the floor with two digits; its word is `×`.
pub fn times(multiple: f64) -> String {
    let power = 10f64.powi(1 - multiple.abs().max(1e-9).log10().floor() as i32);
    let rounded = (multiple * power).round() / power;
    match rounded {
        rounded if multiple.is_infinite() || rounded >= 1000.0 => "> 1000×".to_owned(),
        rounded if rounded >= 100.0 => format!("{rounded:.0}×"),
        rounded => format!("{}×", number(rounded)),
    }
}

/// A multiple with its interval, and how many metrics are at the floor.
fn nearness(of: &AgainstFloor, explained: &str) -> String {
    let AgainstFloor { metrics, at_floor, .. } = of;
    let plain = |multiple: f64| times(multiple).replace('×', "");
    let multiple = of.multiple.map_or("no finite number of".to_owned(), plain);
    let interval = of.interval.map_or_else(String::new, |[low, high]| {
        format!(", 95% interval {} to {}", plain(low), plain(high))
    });
    let are = if *at_floor == 1 { "is" } else { "are" };
    format!(
        "{multiple} times the noise floor{explained} (median of {metrics} metrics{interval}), and \
         {at_floor} of them {are} at it"
    )
}

/// What the floor is, where it is named first.
const FLOOR: &str = ", which is what two groups of real users differ by";

/// Which metrics lead.
fn scope(of: &CalibratorPanel) -> &'static str {
    let metrics = |of: &Option<AgainstFloor>| of.as_ref().map(|of| of.metrics);
    match (metrics(&of.against_floor_unseen), metrics(&of.against_floor)) {
        (Some(unseen), Some(all)) if unseen < all => "On features that no reward saw, ",
        (None, Some(_)) => "On metrics of which a reward saw the features, ",
        _ => "",
    }
}

/// The calibrator that comes nearest to the best one without being told apart from it by the
/// multiple of the floor. Whether users are repeated comes before.
fn rival<'a>(summary: &'a Summary, best: &CalibratorPanel) -> Option<&'a CalibratorPanel> {
    let interval = |c: &CalibratorPanel| c.headline().and_then(|headline| headline.interval);
    let others = summary.ranked().into_iter().filter(|c| c.name != best.name);
    others
        .filter(|c| summary.copies(&c.name) == summary.copies(&best.name))
        .find(|c| apart(interval(c), interval(best)) == Some(false))
}

fn tie_sentence(
    summary: &Summary,
    best: &CalibratorPanel,
    rival: &CalibratorPanel,
) -> Option<String> {
    Some(format!(
        "{} and {} come nearest to {}, and the noise floor does not tell the \
         two apart. {}{} lies at {}; {} at {}.",
        best.name,
        rival.name,
        summary.judges.real(),
        scope(best),
        best.name,
        nearness(best.headline()?, FLOOR),
        rival.name,
        nearness(rival.headline()?, "")
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

fn lead(summary: &Summary, best: &CalibratorPanel) -> Option<String> {
    let who = match summary.mode {
        Mode::Compare => "the simulated users".to_owned(),
        Mode::Run => best.name.clone(),
    };
    let capital = |text: String| {
        let mut letters = text.chars();
        let first = letters.next().map(|letter| letter.to_uppercase().to_string());
        first.unwrap_or_default() + letters.as_str()
    };
    let Some(headline) = best.headline() else {
        // Files of older versions.
        let excess = number(best.mean_excess?);
        return Some(format!(
            "{} differ from the real users by {excess} more, on the mean over comparable metrics, \
             than two groups of real users differ from each other.",
            if summary.mode == Mode::Run { format!("The users of {who}") } else { capital(who) }
        ));
    };
    let others = summary.calibrators.len() > 1;
    let rank = match others {
        true => format!("{who} comes nearest to {}. ", summary.judges.real()),
        false => String::new(),
    };
    let (subject, lies) = match (others, summary.mode) {
        (true, _) => ("it".to_owned(), "lies"),
        (false, Mode::Compare) => (who, "lie"),
        (false, Mode::Run) => (who, "lies"),
    };
    let says = match scope(best) {
        // A name keeps its letters.
        "" if subject == best.name => subject,
        "" => capital(subject),
        scope => format!("{scope}{subject}"),
    };
    Some(format!("{rank}{says} {lies} at {}.", nearness(headline, FLOOR)))
}

/// Who repeats training users.
fn copies(summary: &Summary) -> Option<String> {
    let names: Vec<&str> = summary.calibrators.iter().map(|c| c.name.as_str()).collect();
    let copies: Vec<&str> = names.iter().copied().filter(|name| summary.copies(name)).collect();
    let (verb, pronoun) = if copies.len() == 1 { ("repeats", "it") } else { ("repeat", "they") };
    let (of, last) = match copies.len() {
        1 => ("it", "comes last"),
        _ => ("them", "come last"),
    };
    let rank =
        if copies.len() < names.len() { format!(", and {pronoun} {last}") } else { String::new() };
    (!copies.is_empty()).then(|| {
        format!(
            "{} {verb} training users (see privacy): being near says nothing of {of}{rank}.",
            copies.join(", ")
        )
    })
}

/// A figure's value as a person reads it.
pub fn figure_value(quantity: Quantity, value: f64) -> String {
    match quantity {
        quantity if quantity.is_share() => percent(value),
        Quantity::Gini | Quantity::AmountCorrelation | Quantity::GapCorrelation => {
            format!("{value:.2}").replace('-', "−")
        }
        Quantity::EventsPerUser => number(value),
        _ => money(value),
    }
}

/// Its name, with the kind that it is about.
pub fn figure_title(figure: &Figure) -> String {
    let title = figure.quantity.title();
    figure.kind.as_ref().map_or_else(|| title.to_owned(), |kind| format!("{title}, {kind}"))
}

/// `mean amount 41.5 (real 39.1, 38 to 40.2)`.
fn figure_words(figure: &Figure) -> String {
    let show = |value: f64| figure_value(figure.quantity, value);
    let title = figure_title(figure);
    let mut letters = title.chars();
    let first = letters.next().map(|letter| letter.to_lowercase().to_string());
    let simulated = figure.simulated.map_or("none".to_owned(), |own| show(own.value));
    let [low, high] = figure.real.interval.map(show);
    format!(
        "{}{} {simulated} (real {}, {low} to {high})",
        first.unwrap_or_default(),
        letters.as_str(),
        show(figure.real.value)
    )
}

/// What became of how users differ, worst first; none where it is not known.
fn heterogeneity(best: &CalibratorPanel) -> Option<String> {
    let of = |wanted: Heterogeneity| {
        let found = best.figures.iter().filter(|f| f.heterogeneity() == Some(wanted));
        found.map(figure_words).collect::<Vec<_>>().join(", ")
    };
    let parts = [
        ("lost", of(Heterogeneity::Lost)),
        ("weakened", of(Heterogeneity::Weakened)),
        ("overdone", of(Heterogeneity::Overdone)),
        ("unclear (chance may explain it)", of(Heterogeneity::Unclear)),
        ("kept", of(Heterogeneity::Kept)),
    ];
    let mut told: Vec<String> = parts
        .iter()
        .filter(|(_, figures)| !figures.is_empty())
        .map(|(word, figures)| format!("{word}: {figures}"))
        .collect();
    // What is kept is said where nothing else is.
    let lost = told.len().max(2) - 1;
    told.truncate(if parts.last().is_some_and(|(_, kept)| !kept.is_empty()) {
        lost
    } else {
        parts.len()
    });
    (!told.is_empty()).then(|| {
        let told = told.join("; ");
        format!("How the users of {} differ from each other is {told}.", best.name)
    })
}

/// What became of how the users of a calibrator differ, in one word: the worst.
pub fn heterogeneity_word(of: &CalibratorPanel) -> Option<&'static str> {
    let found = |wanted| of.figures.iter().any(|f| f.heterogeneity() == Some(wanted));
    let words = [
        (Heterogeneity::Lost, "lost"),
        (Heterogeneity::Weakened, "weakened"),
        (Heterogeneity::Overdone, "overdone"),
        (Heterogeneity::Unclear, "unclear"),
        (Heterogeneity::Kept, "kept"),
    ];
    words.into_iter().find(|(wanted, _)| found(*wanted)).map(|(_, word)| word)
}

/// The figures of money that sum it up.
pub const MONEY: [Quantity; 6] = [
    Quantity::MeanAmount,
    Quantity::MoneyPerUser,
    Quantity::TopEvents,
    Quantity::TopUsers,
    Quantity::AmountQ999,
    Quantity::EventsPerUser,
];

/// What is off in money, or that nothing is.
fn money_words(best: &CalibratorPanel) -> Option<String> {
    let known = || best.figures.iter().filter(|f| f.kind.is_none() && MONEY.contains(&f.quantity));
    let off: Vec<String> = known().filter(|f| f.differs).map(figure_words).collect();
    let (count, all) = (off.len(), known().count());
    let name = &best.name;
    match (count, all) {
        (_, 0) => None,
        (0, all) => Some(format!(
            "Money and events of {name}: none of {all} plain numbers differs beyond chance."
        )),
        _ => Some(format!("Money and events of {name} differ beyond chance: {}.", off.join("; "))),
    }
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

/// The metric that is worst off, where it is above the floor.
fn worst(best: &CalibratorPanel) -> Option<String> {
    let far = |row: &&PanelRow| row.floor_known && row.value > row.floor_ci[1];
    let reach = |row: &PanelRow| row.value / row.floor_ci[1];
    let row = best.panel.iter().filter(far).max_by(|a, b| reach(a).total_cmp(&reach(b)))?;
    let unit = if row.unit.is_empty() { String::new() } else { format!(" {}", row.unit) };
    Some(format!(
        "The worst metric of {} is “{}” of “{}”: {}{unit}, where two groups of real users differ by \
         {} ({}).",
        best.name,
        discrepancy_title(&row.discrepancy),
        feature_title(&row.feature),
        number(row.value),
        number(row.floor),
        times(row.floor_multiple()?)
    ))
}

/// Most names in a sentence.
const NAMES: usize = 4;

/// The gap closed, from where, and what is not in it.
fn gap(best: &CalibratorPanel) -> Option<String> {
    let anchor = best.anchor.as_ref()?;
    if anchor.name == best.name {
        return None;
    }
    let from = format!("From the uncalibrated “{}”", anchor.name);
    let left = &anchor.left_out;
    let named = || left.iter().take(NAMES).cloned().collect::<Vec<_>>().join(", ");
    let more = match left.len() {
        n if n > NAMES => format!(" and {} more", n - NAMES),
        _ => String::new(),
    };
    let left = match left.len() {
        0 => String::new(),
        n => format!("; {n} have no gap, because the start is at the floor: {}{more}", named()),
    };
    let rated: Vec<_> = best.panel.iter().filter_map(|r| Some((r.value, r.before?))).collect();
    let worse = rated.iter().filter(|(value, before)| value > before).count();
    let worse = match worse {
        0 => String::new(),
        n => format!(
            " {n} of {} metrics lie farther from the real users than at the start.",
            rated.len()
        ),
    };
    let Some(gap) = best.gap_closed else {
        return Some(format!("{from} there is no gap to close{left}.{worse}"));
    };
    let interval = best.gap_closed_ci.map_or_else(String::new, |ci| format!(", {}", percents(ci)));
    let closes = match gap >= 0.0 {
        true => format!("closes {} of the gap", percent(gap)),
        false => format!("widens the gap by {}", percent(-gap)),
    };
    Some(format!(
        "{from}, {} {closes} (median of {} metrics that no reward optimised{interval}{left}).{worse}",
        best.name, anchor.metrics
    ))
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
