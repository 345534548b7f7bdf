//! The discrepancy that the reward optimises, over environment steps.

use plotters::prelude::DrawingBackend;

use super::axis::{Axis, Scale};
use super::canvas::{Canvas, Entry, Frame, PlotError};
use super::style::{Look, look};
use super::{Outcome, Picture, Plot, PlotInput, PlotKind};
use crate::metrics::{DISCREPANCY, ENV_STEPS, Metric};

/// Registry entry.
pub const KIND: PlotKind = PlotKind { name: "learning-curve", title: "Learning", make };

/// Name, look and points.
type Curve = (String, Look, Vec<(f64, f64)>);

struct LearningCurve {
    x: Axis,
    y: Axis,
    curves: Vec<Curve>,
}

fn make(input: PlotInput<'_>) -> Vec<Outcome> {
    let told = |metric: &&Metric| metric.values.contains_key(DISCREPANCY);
    let mut names: Vec<&str> = Vec::new();
    for metric in input.metrics.iter().filter(told) {
        if !names.contains(&metric.calibrator.as_str()) {
            names.push(&metric.calibrator);
        }
    }
    let steps = input.metrics.iter().filter(told).all(|m| m.values.contains_key(ENV_STEPS));
    let curve = |(i, name): (usize, &&str)| {
        let place = input.summary.calibrators.iter().position(|c| c.name == **name);
        let own = input.metrics.iter().filter(|m| m.calibrator == **name);
        let point = |m: &Metric| {
            let x = if steps { *m.values.get(ENV_STEPS)? } else { m.iteration as f64 };
            Some((x, *m.values.get(DISCREPANCY)?))
        };
        let points: Vec<_> = own.filter_map(point).collect();
        let look = Look { width: 2.0, ..look(place.unwrap_or(i)) };
        (name.to_string(), look, points)
    };
    let mut curves: Vec<_> = names.iter().enumerate().map(curve).collect();
    curves.retain(|(_, _, points)| points.len() > 1);
    let points = || curves.iter().flat_map(|(_, _, points)| points);
    let Some(first) = points().next().copied() else {
        let why = "No learning curve: no calibrator trained over more than one iteration.";
        return vec![Outcome::Empty(why.to_owned())];
    };
    let right = points().fold(first.0, |a, p| a.max(p.0));
    let left = points().fold(first.0, |a, p| a.min(p.0));
    let top = points().fold(first.1, |a, p| a.max(p.1));
    let what = if steps { "environment steps" } else { "iterations" };
    let ends = curves.iter().map(|(name, _, points)| {
        let end = |point: Option<&(f64, f64)>| super::number(point.map_or(f64::NAN, |p| p.1));
        format!("{name} from {} to {}", end(points.first()), end(points.last()))
    });
    let ends = ends.collect::<Vec<_>>().join(", ");
    vec![Outcome::Drawn(Picture {
        about: String::new(),
        title: "Learning curve".to_owned(),
        description: format!(
            "The discrepancy to the training users that the reward optimises, over {what}; lower \
             is nearer. {ends}."
        ),
        drawing: Box::new(LearningCurve {
            x: Axis::new(Scale::Plain, left.min(0.0), right, 5, what),
            y: Axis::new(Scale::Plain, 0.0, top * 1.05, 5, "training discrepancy"),
            curves,
        }),
    })]
}

impl Plot for LearningCurve {
    fn size(&self) -> (u32, u32) {
        (460, 320)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Result<(), PlotError> {
        canvas.begin("Learning curve")?;
        let legend: Vec<_> = self
            .curves
            .iter()
            .map(|(name, look, _)| Entry { name, look: *look, area: false })
            .collect();
        let top = canvas.legend(&legend, 38.0)?;
        let frame = Frame::new(canvas, top, self.x.clone(), self.y.clone())?;
        for (_, look, points) in &self.curves {
            frame.curve(points.iter().copied(), *look)?;
        }
        Ok(())
    }
}
