//! Histograms of a feature: the real users as an area, every calibrator as an outline. Bins come
//! from the real users; the outermost ones also hold what lies beyond.

use plotters::prelude::DrawingBackend;

use super::axis::{Axis, feature_axis};
use super::canvas::{Canvas, PlotError};
use super::ecdf::{curves, entries, features};
use super::frame::Frame;
use super::style::AREA;
use super::{Outcome, Picture, Plot, PlotInput, PlotKind};
use crate::series::FeatureSeries;

/// Registry entry.
pub const KIND: PlotKind =
    PlotKind { name: "histogram", title: "Histograms", make: |input| features(input, picture) };

struct Bars {
    x: Axis,
    y: Axis,
    input: (crate::summary::Summary, FeatureSeries),
}

fn picture(input: PlotInput<'_>, feature: &FeatureSeries) -> Outcome {
    let edges = feature.histogram.as_ref().map_or(&[][..], |h| &h.edges);
    let low = edges.first().copied().unwrap_or(0.0);
    let high = edges.last().copied().unwrap_or(1.0);
    let (scale, title) = feature_axis(input.series, feature);
    let top = feature.sides.iter().flat_map(|s| &s.shares).fold(0.0, |a: f64, b| a.max(*b));
    let beyond = format!("{title}; ends open");
    Outcome::Drawn(Picture {
        about: feature.name.clone(),
        title: format!("{}, histogram", feature.title),
        description: format!(
            "{} Share of rows in each of {} bins: the real users as a grey area, each simulation \
             as an outline. The outermost bins also count what lies beyond them.",
            feature.definition,
            edges.len().saturating_sub(1)
        ),
        drawing: Box::new(Bars {
            x: Axis::new(scale, low, high, 6, beyond),
            y: Axis::percent_to((top * 1.05).max(1e-6), "share of rows"),
            input: (input.summary.clone(), feature.clone()),
        }),
    })
}

impl Plot for Bars {
    fn size(&self) -> (u32, u32) {
        (460, 330)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Result<(), PlotError> {
        let (summary, feature) = &self.input;
        canvas.begin(&feature.title)?;
        let curves = curves(summary, feature);
        let mut legend = entries(&curves);
        if let Some(real) = legend.first_mut() {
            (real.look.colour, real.area) = (AREA, true);
        }
        let top = canvas.legend(&legend, 38.0)?;
        let frame = Frame::new(canvas, top, self.x.clone(), self.y.clone())?;
        let Some(histogram) = &feature.histogram else {
            return Ok(());
        };
        let outline = |shares: &[f64]| -> Vec<(f64, f64)> {
            let bins = histogram.edges.windows(2).zip(shares);
            bins.flat_map(|(edge, &share)| [(edge[0], share), (edge[1], share)]).collect()
        };
        if let Some(real) = feature.sides.first() {
            frame.area(&outline(&real.shares), AREA)?;
        }
        for side in feature.sides.iter().skip(1) {
            let curve = curves.iter().find(|curve| curve.0 == side.name);
            if let Some((_, look, _)) = curve {
                frame.curve(outline(&side.shares), *look)?;
            }
        }
        Ok(())
    }
}
