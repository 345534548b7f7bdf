//! The verdict and two distributions in one picture, for slides and other pages. The report shows
//! its parts one by one instead, which a phone has room for.

use plotters::prelude::DrawingBackend;

use super::canvas::{Canvas, PlotError};
use super::ecdf::{self, Ecdf};
use super::intervals::Intervals;
use super::{Outcome, Picture, Plot, PlotInput, PlotKind, classifier, forest};

/// Registry entry.
pub const KIND: PlotKind = PlotKind { name: "overview", title: "Overview", make };

/// What an event is like and how often it comes: every log has both.
const SHOWN: [&str; 2] = ["log_amount", "event_count"];

struct Overview {
    verdict: [Intervals; 2],
    distributions: Vec<Ecdf>,
}

fn make(input: PlotInput<'_>) -> Vec<Outcome> {
    let (Some(forest), Some(classifier)) = (forest::drawing(input), classifier::drawing(input))
    else {
        let why = "No overview: it needs multiples of the floor and a classifier test.";
        return vec![Outcome::Empty(why.to_owned())];
    };
    let features = SHOWN.iter().filter_map(|name| {
        input.series.features.iter().find(|f| f.name == *name && f.histogram.is_some())
    });
    vec![Outcome::Drawn(Picture {
        about: String::new(),
        title: format!("{}: overview", input.summary.name),
        description:
            "Multiples of the noise floor and AUC of a classifier by calibrator, with 95% \
                      intervals, above the distributions of amounts and of events per user."
                .to_owned(),
        drawing: Box::new(Overview {
            verdict: [forest, classifier],
            distributions: features.map(|feature| ecdf::drawing(input, feature)).collect(),
        }),
    })]
}

impl Plot for Overview {
    fn size(&self) -> (u32, u32) {
        let height = |sizes: &mut dyn Iterator<Item = (u32, u32)>| sizes.map(|s| s.1).max();
        let upper = height(&mut self.verdict.iter().map(Plot::size)).unwrap_or(0);
        let lower = height(&mut self.distributions.iter().map(Plot::size)).unwrap_or(0);
        let width = self.verdict.iter().map(|part| part.size().0).sum();
        (width, upper + lower)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Result<(), PlotError> {
        canvas.begin("")?;
        row(&self.verdict, canvas, 0.0)?;
        let upper = self.verdict.iter().map(|part| part.size().1).max().unwrap_or(0);
        row(&self.distributions, canvas, upper.into())
    }
}

/// Draws plots side by side, `top` below the upper edge.
fn row<P: Plot, B: DrawingBackend>(
    plots: &[P],
    canvas: &Canvas<'_, B>,
    top: f64,
) -> Result<(), PlotError> {
    let mut left = 0.0;
    for plot in plots {
        let (width, height) = plot.size();
        let area = canvas.part((left, top), (width.into(), height.into()));
        plot.draw(&canvas.on(&area))?;
        left += f64::from(width);
    }
    Ok(())
}
