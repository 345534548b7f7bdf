//! What all users do together in each tick, over time: real users and the best calibrator. More
//! lines than these hide each other.

use plotters::prelude::DrawingBackend;

use super::axis::{Axis, Scale};
use super::canvas::{Canvas, Entry, PlotError};
use super::frame::Frame;
use super::style::{Look, REAL_LOOK, look};
use super::{Outcome, Picture, Plot, PlotInput, PlotKind};
use crate::series::TickSeries;

/// Registry entry.
pub const KIND: PlotKind =
    PlotKind { name: "over-time", title: "Over time", make: |input| ticks(input, picture) };

/// One side: name, look, values.
pub(super) type Line = (String, Look, Vec<f64>);

/// Makes a picture of every series of ticks.
pub(super) fn ticks(
    input: PlotInput<'_>,
    make: fn(PlotInput<'_>, &TickSeries) -> Outcome,
) -> Vec<Outcome> {
    if input.series.ticks.is_empty() {
        let why = "No series over time: the run stored none.";
        return vec![Outcome::Empty(why.to_owned())];
    }
    input.series.ticks.iter().map(|series| make(input, series)).collect()
}

/// The sides of a series, the real users first.
pub(super) fn lines(input: PlotInput<'_>, series: &TickSeries) -> Vec<Line> {
    let best = input.summary.best().map(|c| c.name.as_str());
    let line = |(i, side): (usize, &crate::series::TickSide)| {
        let place = input.summary.calibrators.iter().position(|c| c.name == side.name);
        let mut look = i.checked_sub(1).map_or(REAL_LOOK, |i| look(place.unwrap_or(i)));
        if i > 0 && Some(side.name.as_str()) == best {
            look.width = 2.2;
        }
        (side.name.clone(), look, side.values.clone())
    };
    series.sides.iter().enumerate().map(line).collect()
}

struct OverTime {
    title: String,
    x: Axis,
    y: Axis,
    lines: Vec<Line>,
}

fn picture(input: PlotInput<'_>, series: &TickSeries) -> Outcome {
    let best = input.summary.best().map(|c| c.name.as_str());
    let mut lines = lines(input, series);
    let shown = lines.iter().skip(1).position(|(name, ..)| Some(name.as_str()) == best);
    let shown = shown.map_or(1, |place| place + 1);
    let mut place = 0..;
    lines.retain(|_| place.next().is_some_and(|place| place == 0 || place == shown));
    let values = || lines.iter().flat_map(|(_, _, values)| values);
    let top = values().fold(0.0, |a: f64, b| a.max(*b));
    let bottom = values().fold(0.0, |a: f64, b| a.min(*b));
    let means = lines.iter().map(|(name, _, values)| {
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        format!("{name} {}", super::number(mean))
    });
    let unit = if series.unit.is_empty() { "value" } else { &series.unit };
    let last = input.series.horizon.max(1) - 1;
    let tick = &input.series.tick;
    Outcome::Drawn(Picture {
        about: series.name.clone(),
        title: format!("{}, over time", series.title),
        description: format!(
            "{} Of the simulation, the first evaluation seed. Means: {}.",
            series.definition,
            means.collect::<Vec<_>>().join(", ")
        ),
        drawing: Box::new(OverTime {
            title: series.title.clone(),
            x: Axis::new(Scale::Plain, 0.0, f64::from(last), 6, format!("{tick}s from the start")),
            y: Axis::new(
                Scale::Plain,
                bottom * 1.05,
                top * 1.05,
                5,
                format!("{unit} per user and {tick}"),
            ),
            lines,
        }),
    })
}

/// A broad band would hide the ups and downs, and so would marks along them.
fn drawn(look: Look) -> Look {
    Look { width: if look.mark.is_none() { 3.5 } else { 1.2 }, mark: None, ..look }
}

/// Legend entries.
pub(super) fn entries(lines: &[Line]) -> Vec<Entry<'_>> {
    lines.iter().map(|(name, look, _)| Entry { name, look: *look, area: false }).collect()
}

impl Plot for OverTime {
    fn size(&self) -> (u32, u32) {
        (460, 330)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Result<(), PlotError> {
        canvas.begin(&self.title)?;
        let mut legend = entries(&self.lines);
        legend.iter_mut().for_each(|entry| entry.look = drawn(entry.look));
        let top = canvas.legend(&legend, 38.0)?;
        let frame = Frame::new(canvas, top, self.x.clone(), self.y.clone())?;
        for (_, look, values) in &self.lines {
            let look = drawn(*look);
            frame.curve(values.iter().enumerate().map(|(i, v)| (i as f64, *v)), look)?;
        }
        Ok(())
    }
}
