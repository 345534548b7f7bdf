//! Quantiles of every calibrator against those of the real users: a simulation that matches lies on
//! the diagonal, one that is too wide is steeper.

use plotters::prelude::DrawingBackend;

use super::axis::{Axis, feature_axis, feature_range};
use super::canvas::{Canvas, PlotError};
use super::ecdf::{Curve, curves, entries, features};
use super::frame::Frame;
use super::style::REAL_LOOK;
use super::{Picture, Plot, PlotInput, PlotKind};
use crate::series::FeatureSeries;

/// Registry entry.
pub const KIND: PlotKind = PlotKind {
    name: "qq",
    title: "Quantiles against quantiles",
    make: |input| features(input, picture),
};

struct Qq {
    title: String,
    x: Axis,
    y: Axis,
    range: (f64, f64),
    /// The real users first.
    curves: Vec<Curve>,
}

fn picture(input: PlotInput<'_>, feature: &FeatureSeries) -> Picture {
    let range = feature_range(feature);
    let (scale, unit) = feature_axis(input.series, feature);
    let axis =
        |side: &str, count| Axis::new(scale, range.0, range.1, count, format!("{side}: {unit}"));
    let curves = curves(input.summary, feature);
    let off = curves.split_first().map_or_else(String::new, |((_, _, real), others)| {
        let ratio = |sd: f64| {
            if real.sd > 0.0 { sd / real.sd } else { f64::NAN }
        };
        let words =
            others.iter().map(|(name, _, d)| format!("{name} {}", super::number(ratio(d.sd))));
        words.collect::<Vec<_>>().join(", ")
    });
    Picture {
        about: feature.name.clone(),
        title: format!("{}, quantiles", feature.title),
        description: format!(
            "{} Quantiles of each simulation against the same quantiles of the real users; the \
             grey band is equality. Standard deviation as a multiple of that of the real \
             users: {off}.",
            feature.definition
        ),
        drawing: Box::new(Qq {
            title: feature.title.clone(),
            x: axis("real users", 5),
            y: axis("simulated", 6),
            range,
            curves,
        }),
    }
}

impl Plot for Qq {
    fn size(&self) -> (u32, u32) {
        (460, 400)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Result<(), PlotError> {
        canvas.begin(&self.title)?;
        let Some(((_, _, real), others)) = self.curves.split_first() else {
            return Ok(());
        };
        let top = canvas.legend(&entries(&self.curves), 38.0)?;
        let frame = Frame::new(canvas, top, self.x.clone(), self.y.clone())?;
        let (low, high) = self.range;
        frame.curve([(low, low), (high, high)], REAL_LOOK)?;
        for (_, look, distribution) in others {
            let pairs = real.quantiles.iter().zip(&distribution.quantiles);
            frame.curve(pairs.map(|(x, y)| (*x, *y)), *look)?;
        }
        Ok(())
    }
}
