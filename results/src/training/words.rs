//! Sentences of the report.

use super::{Input, SeedResult, TrainingSummary};
use crate::interval::{Estimate, mean_over_seeds};
use crate::report::{Verdict, count};

/// What stands where a return would.
pub(super) const NO_EPISODE: &str = "no episode finished";

/// A return, with as many decimals as its size can bear.
pub(super) fn points(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    let zero = text.trim_start_matches('-').chars().all(|c| c == '0' || c == '.');
    if zero { "0".to_owned() } else { text.replace('-', "−") }
}

/// A return that the task names: all of its decimals, and no more.
pub(super) fn threshold(value: f64) -> String {
    value.to_string().replace('-', "−")
}

/// A mean with its interval.
pub(super) fn estimate(estimate: Estimate) -> String {
    let ci = estimate.ci.map(|[low, high]| format!(" ({} to {})", points(low), points(high)));
    format!("{}{}", points(estimate.mean), ci.unwrap_or_default())
}

/// One line under the title: task, seeds, steps, time.
pub(super) fn subtitle(input: &Input) -> String {
    let summary = &input.summary;
    let seeds = summary.seeds.len() + summary.failed.len();
    let steps: u64 = summary.seeds.iter().map(|seed| seed.steps).sum();
    let mut parts = vec![
        summary.task.clone(),
        format!("{seeds} {}", if seeds == 1 { "seed" } else { "seeds" }),
        format!("{} environment steps in all", count(steps)),
    ];
    if summary.seconds > 0.0 {
        parts.push(format!("{:.0} s", summary.seconds.max(1.0)));
    }
    if let Some(provenance) = &input.provenance {
        parts.push(provenance.started.replace('T', " ").replace('Z', " UTC"));
    }
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

/// The verdict: what the trained policies return, and what training episodes returned at its end.
pub(super) fn verdict(summary: &TrainingSummary) -> Verdict {
    let mut sentences = Vec::new();
    let evaluated = |seed: &SeedResult| seed.evaluation_return;
    let last = |seed: &SeedResult| seed.last_100_return;
    let task = &summary.task;
    if summary.seeds.is_empty() {
        sentences.push("There is no verdict: no seed gave a result.".to_owned());
        return Verdict { sentences, caveats: caveats(summary) };
    }
    let evaluation = over(summary, evaluated);
    if let Some(mean) = &evaluation {
        sentences.push(format!("In evaluation on {task}, trained policies return {mean}."));
    }
    match over(summary, last) {
        Some(mean) => {
            sentences.push(format!("The last 100 training episodes of {task} returned {mean}."))
        }
        None => sentences.push(format!("In training on {task}, {NO_EPISODE}.")),
    }
    let value = if evaluation.is_some() { evaluated } else { last };
    if summary.seeds.len() > 1 && summary.seeds.iter().any(|seed| value(seed).is_some()) {
        sentences.push(each(summary, value));
    }
    sentences.extend(solved(summary, value));
    Verdict { sentences, caveats: caveats(summary) }
}

/// `487.3 on average over 5 seeds (95% interval 471.2 to 503.4)`; none without a value.
fn over(summary: &TrainingSummary, value: fn(&SeedResult) -> Option<f64>) -> Option<String> {
    let values: Vec<f64> = summary.seeds.iter().filter_map(value).collect();
    let Estimate { mean, ci, seeds } = mean_over_seeds(&values)?;
    Some(match ci {
        Some([low, high]) => format!(
            "{} on average over {seeds} seeds (95% interval {} to {})",
            points(mean),
            points(low),
            points(high)
        ),
        None if seeds == 1 => format!("{} on average (one seed)", points(mean)),
        None => format!("{} in each of {seeds} seeds, too few for an interval", points(mean)),
    })
}

/// Every seed's value.
fn each(summary: &TrainingSummary, value: fn(&SeedResult) -> Option<f64>) -> String {
    let seed = |result: &SeedResult| {
        let words = value(result).map_or_else(|| NO_EPISODE.to_owned(), points);
        format!("{}: {words}", result.seed)
    };
    let words: Vec<_> = summary.seeds.iter().map(seed).collect();
    format!("Seed by seed, {}.", words.join("; "))
}

fn solved(summary: &TrainingSummary, value: fn(&SeedResult) -> Option<f64>) -> Option<String> {
    let at = summary.solved_at?;
    let reached = summary.seeds.iter().filter(|s| value(s).is_some_and(|v| v >= at)).count();
    let all = summary.seeds.len() + summary.failed.len();
    Some(format!(
        "{reached} of {all} {} {} {}, where the task counts as solved.",
        if all == 1 { "seed" } else { "seeds" },
        if reached == 1 { "reaches" } else { "reach" },
        threshold(at)
    ))
}

fn caveats(summary: &TrainingSummary) -> Vec<String> {
    let mut caveats = Vec::new();
    if summary.seeds.len() == 1 {
        caveats.push("One seed says nothing of how far seeds differ.".to_owned());
    }
    let failed = summary.failed.iter();
    caveats.extend(
        failed.map(|f| format!("Seed {} failed: {}.", f.seed, f.reason.trim_end_matches('.'))),
    );
    if !summary.failed.is_empty() && !summary.seeds.is_empty() {
        caveats.push("Means are over the seeds that gave a result.".to_owned());
    }
    let silent = summary.seeds.iter().filter(|seed| seed.last_100_return.is_none()).count();
    if silent > 0 && silent < summary.seeds.len() {
        caveats.push(format!(
            "{silent} of {} seeds finished no training episode and do not count in its mean.",
            summary.seeds.len()
        ));
    }
    caveats.extend(summary.notes.iter().cloned());
    caveats
}

/// Terms of table and pictures.
pub(super) fn definitions(summary: &TrainingSummary) -> Vec<(&'static str, &'static str)> {
    let mut list = vec![
        ("Return", "Sum of the rewards of one episode, not discounted."),
        (
            "Last 100 training episodes",
            "Mean return of the last 100 episodes that finished while training (of all where there \
             were fewer); actions are sampled, and the policy still changes.",
        ),
        ("Evaluation", "Mean return of fresh episodes after training, with the policy held still."),
    ];
    if summary.seeds.len() > 1 {
        list.push((
            "Interval",
            "95%, Student's, of the mean over seeds: what differs between seeds is all that it \
             knows. It can reach beyond the returns that are possible.",
        ));
    }
    list.extend([
        (
            "KL divergence",
            "How far an update moves the policy, estimated on the rollout: mean of r − 1 − ln r, \
             r being new over old probability of the action.",
        ),
        ("Clip fraction", "Share of actions whose probability ratio left the clipping range."),
        ("Entropy", "How undecided the policy is, in nats: 0 is one certain action."),
        (
            "Explained variance",
            "1 − Var(returns − values) / Var(returns): 1 is a perfect value network, 0 one that \
             knows nothing but the mean.",
        ),
        ("Value loss", "Mean squared error of the value network on its targets."),
    ]);
    list
}
