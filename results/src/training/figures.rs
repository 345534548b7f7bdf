//! Pictures of the report: returns over environment steps, and what goes on inside the updates.

use std::path::Path;

use super::Input;
use super::words::threshold;
use crate::error::ResultsError;
use crate::files::empty_pictures;
use crate::metrics::{self, Metric};
use crate::plots::{LearningCurves, Picture, groups};
use crate::report::{Figure, draw_picture};

/// All pictures.
pub(super) struct Figures {
    /// The learning curve, or why there is none.
    pub learning: Result<Figure, String>,
    /// Small ones, in the order of [`INSIDE`]; what the run did not store is left out.
    pub inside: Vec<Figure>,
}

/// What else is drawn: name in `metrics.jsonl`, title, what the vertical axis counts, and how to
/// read it.
const INSIDE: [(&str, &str, &str, &str); 5] = [
    (
        metrics::APPROXIMATE_KL,
        "KL divergence",
        "nats",
        "How far each update moved the policy; a steady small value is healthy, spikes are steps \
         that were too large.",
    ),
    (
        metrics::CLIP_FRACTION,
        "Clip fraction",
        "share of actions",
        "Share of actions that the clipping of the objective held back.",
    ),
    (metrics::ENTROPY, "Entropy", "nats", "It falls as the policy makes up its mind."),
    (
        metrics::EXPLAINED_VARIANCE,
        "Explained variance",
        "share of variance",
        "How well the value network foretells returns: 1 is perfectly, 0 or less not at all.",
    ),
    (
        metrics::VALUE_LOSS,
        "Value loss",
        "mean squared error",
        "It rises with the size of returns as well as with errors.",
    ),
];

/// Draws all pictures into `FOLDER/plots`.
pub(super) fn draw(folder: &Path, input: &Input) -> Result<Figures, ResultsError> {
    let plots = folder.join("plots");
    empty_pictures(&plots)?;
    let learning = match learning(input) {
        Some(picture) => Ok(draw_picture(&plots, "learning-curve", picture)?),
        None => Err(no_curve(&input.metrics)),
    };
    let mut inside = Vec::new();
    for (value, title, unit, reading) in INSIDE {
        let (groups, steps) = groups(&input.metrics, value);
        let along = along(steps);
        if let Some(curves) = LearningCurves::new(title, (along, unit), &groups) {
            let curves = curves.small();
            let description = format!("{title} over {along}. {reading} {}.", curves.ends());
            let drawing = Box::new(curves);
            let (about, title) = (String::new(), title.to_owned());
            let picture = Picture { about, title, description, drawing };
            inside.push(draw_picture(&plots, &value.replace('_', "-"), picture)?);
        }
    }
    Ok(Figures { learning, inside })
}

fn learning(input: &Input) -> Option<Picture> {
    let (groups, steps) = groups(&input.metrics, metrics::RETURN);
    let along = along(steps);
    let title = format!("Learning curve, {}", input.summary.task);
    let mut curves = LearningCurves::new(&*title, (along, "return"), &groups)?;
    curves = curves.with_size((520, 340));
    if let Some(at) = input.summary.solved_at {
        curves = curves.with_reference(at, format!("solved at {}", threshold(at)));
    }
    let description = format!(
        "Mean return of the last 100 training episodes over {along}. {}.{}",
        curves.ends(),
        curves.key()
    );
    Some(Picture { about: String::new(), title, description, drawing: Box::new(curves) })
}

fn along(steps: bool) -> &'static str {
    if steps { "environment steps" } else { "iterations" }
}

/// Why there is no learning curve.
fn no_curve(metrics: &[Metric]) -> String {
    let told = metrics.iter().filter(|m| m.values.contains_key(metrics::RETURN)).count();
    match (metrics.len(), told) {
        (0, _) => "No learning curve: the run stored no iterations.",
        (_, 0) => "No learning curve: no episode finished.",
        _ => "No learning curve: returns are known of one iteration only.",
    }
    .to_owned()
}
