//! The discrepancy that the reward optimises, over environment steps.

use super::learning_curves::{LearningCurves, groups};
use super::{Outcome, Picture, PlotInput, PlotKind};
use crate::metrics::DISCREPANCY;

/// Registry entry.
pub const KIND: PlotKind = PlotKind { name: "learning-curve", title: "Learning", make };

fn make(input: PlotInput<'_>) -> Vec<Outcome> {
    let (mut groups, steps) = groups(input.metrics, DISCREPANCY);
    for group in &mut groups {
        // The colour that this calibrator has everywhere.
        let place = input.summary.calibrators.iter().position(|c| c.name == group.name);
        group.place = place.unwrap_or(group.place);
    }
    let what = if steps { "environment steps" } else { "iterations" };
    let title = "Learning curve";
    let Some(drawing) = LearningCurves::new(title, (what, "training discrepancy"), &groups) else {
        let why = "No learning curve: no calibrator trained over more than one iteration.";
        return vec![Outcome::Empty(why.to_owned())];
    };
    let drawing = drawing.from_zero();
    vec![Outcome::Drawn(Picture {
        about: String::new(),
        title: title.to_owned(),
        description: format!(
            "The discrepancy to the training users that the reward optimises, over {what}; lower \
             is nearer. {}.{}",
            drawing.ends(),
            drawing.key()
        ),
        drawing: Box::new(drawing),
    })]
}
