//! The verdict of a sweep in plain sentences, with what speaks against it.

use super::compare::{Rivals, in_pairs, told};
use super::data::Data;
use crate::report::{Verdict, count, times};
use crate::seeds::LEAST_SEEDS;
use crate::sweep::{Direction, RunState};

/// Most names in a sentence.
const NAMES: usize = 5;

/// Judges a sweep.
pub(super) fn of(data: &Data, rivals: Option<&Rivals<'_>>) -> Verdict {
    let Some(rivals) = rivals else {
        let sentence = match data.searched.iter().any(|trial| trial.objective.is_some()) {
            true => {
                "There is no verdict yet: the search has results on validation users, and no \
                     trial was confirmed on test users."
            }
            false => "There is no verdict: no run has a result.",
        };
        return Verdict { sentences: vec![sentence.to_owned()], caveats: standing(data) };
    };
    let mut sentences = vec![best(data, rivals)];
    sentences.extend(floor(data, rivals));
    sentences.push(sure(data, rivals));
    let mut caveats = standing(data);
    caveats.extend(tied(rivals));
    if data.valued().count() > 2 {
        caveats.push(
            "The best trial was picked by the same runs that give its value, which is therefore a \
             little too good: run it again with fresh seeds before relying on the number."
                .to_owned(),
        );
    }
    if data.datasets.len() > 1 {
        caveats.push(format!(
            "Trials were judged on different data ({}): their values compare only where the data \
             are the same.",
            data.datasets.join(", ")
        ));
    }
    Verdict { sentences, caveats }
}

fn best(data: &Data, rivals: &Rivals<'_>) -> String {
    let (best, measure) = (rivals.best, &data.measure);
    let word = match measure.objective.direction {
        Direction::Minimize => "smallest",
        Direction::Maximize => "largest",
    };
    let of = measure.objective.calibrator.as_ref().map_or(String::new(), |c| format!(" of {c}"));
    let value = best.objective.as_ref().map_or_else(String::new, |estimate| {
        let seeds = match (best.values.len(), estimate.ci) {
            (1, _) => "one seed".to_owned(),
            (n, Some([low, high])) => format!(
                "interquartile mean over {n} seeds; 95% interval {} to {}",
                measure.show(low),
                measure.show(high)
            ),
            (_, None) => format!(
                "interquartile mean over {}; an interval takes at least {LEAST_SEEDS}",
                measure.range(&best.values)
            ),
        };
        format!("{} ({seeds})", measure.show(estimate.value))
    });
    let on = match &data.datasets[..] {
        [one] => format!(" on {one}"),
        _ => String::new(),
    };
    let (name, title) = (&best.name, &measure.title);
    match data.valued().count() {
        1 => format!("{name} is the only trial{of}{on} with a result: {title} {value}."),
        n => {
            let n = count(n as u64);
            format!("Of {n} trials{of}{on}, {name} has the {word} {title}: {value}.")
        }
    }
}

/// What no "before" is needed for, and what the best trial lost.
fn floor(data: &Data, rivals: &Rivals<'_>) -> Option<String> {
    let best = rivals.best;
    let multiple =
        best.floor_multiple.filter(|_| data.measure.objective.metric != "floor_multiple");
    let multiple = multiple.map(|multiple| {
        format!(
            "It lies at {} times the noise floor, which is what two groups of real users differ by \
             (median over metrics, on features that no reward saw where there are some).",
            times(multiple).replace('×', "")
        )
    });
    let losses = best.losses(data.measure.objective.calibrator.as_deref());
    let losses = (!losses.is_empty()).then(|| format!("But: {}.", losses.join("; ")));
    let all: Vec<String> = multiple.into_iter().chain(losses).collect();
    (!all.is_empty()).then(|| all.join(" "))
}

/// Whether it can be told from the runner-up.
fn sure(data: &Data, rivals: &Rivals<'_>) -> String {
    let Some((runner_up, p)) = &rivals.runner_up else {
        return "There is nothing to compare it with.".to_owned();
    };
    let value = runner_up.objective.map_or(f64::NAN, |estimate| estimate.value);
    let value = data.measure.show(value);
    let name = &runner_up.name;
    match p.as_ref().map(|p| (p, told(p))) {
        Some((p, Some(true))) => format!(
            "A run of it beats one of the runner-up, {name} ({value}), in {} of pairs of seeds.",
            in_pairs(p)
        ),
        Some((p, Some(false))) => format!(
            "It cannot be told from the runner-up, {name} ({value}), which it beats in {} of pairs \
             of seeds: an interval that holds 50%, a coin toss.",
            in_pairs(p)
        ),
        _ => format!(
            "Nobody can say whether it is better than the runner-up, {name} ({value}): {} of the \
             spread over seeds.",
            match rivals.best.values.len().min(runner_up.values.len()) {
                1 => "one seed says nothing".to_owned(),
                n => format!("{n} seeds say too little"),
            }
        ),
    }
}

fn tied(rivals: &Rivals<'_>) -> Option<String> {
    let others: Vec<&str> = rivals.tied.iter().map(|trial| trial.name.as_str()).collect();
    let named = others.iter().take(NAMES).copied().collect::<Vec<_>>().join(", ");
    match others.len() {
        0 | 1 => None,
        n if n > NAMES => Some(format!(
            "{n} trials cannot be told from the best: {named} and {} more.",
            n - NAMES
        )),
        n => Some(format!("{n} trials cannot be told from the best: {named}.")),
    }
}

/// How far the sweep got.
fn standing(data: &Data) -> Vec<String> {
    let seeds = &data.plan.header.seeds;
    let seeds = match (seeds.first(), seeds.last()) {
        (Some(first), Some(last)) if seeds.len() > 1 => {
            format!("{} seeds ({first} to {last})", seeds.len())
        }
        (Some(only), _) => format!("one seed ({only})"),
        _ => "no seeds".to_owned(),
    };
    let trials = count(data.plan.trials.len() as u64);
    let mut lines = vec![format!("Of {trials} trials with {seeds}, runs: {}.", data.state.words())];
    let pruned = data.trials.iter().chain(&data.searched).filter(|trial| trial.pruned).count();
    if pruned > 0 {
        let words =
            if pruned == 1 { "trial was pruned: it was" } else { "trials were pruned: they were" };
        let has = if pruned == 1 { "it has" } else { "they have" };
        lines.push(format!(
            "{pruned} {words} stopped early because others had done better by then; {has} no value \
             and no part in what is said above."
        ));
    }
    let failed = data.state.count(RunState::Failed);
    if failed > 0 {
        lines.push(
            "Runs that failed have no value: a trial whose failures are not by chance looks better \
             than it is."
                .to_owned(),
        );
    }
    lines
}
