//! Curves with a band around each: a value and its interval along an axis.

use plotters::prelude::DrawingBackend;

use super::Plot;
use super::axis::Axis;
use super::canvas::{Canvas, Entry, PlotError};
use super::frame::Frame;
use super::style::{Look, MUTED};

/// One curve.
pub struct Band {
    /// What the legend says.
    pub name: String,
    /// How it is drawn.
    pub look: Look,
    /// Place along the axis, value, and its interval where there is one; ascending.
    pub points: Vec<(f64, f64, Option<[f64; 2]>)>,
}

/// The picture.
pub struct Bands {
    /// Title.
    pub title: String,
    /// Width and height in CSS pixels.
    pub size: (u32, u32),
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// Values of the vertical axis that mean something, with their names.
    pub references: Vec<(f64, &'static str)>,
    /// Curves in the order of the legend; the first is drawn last, on top.
    pub curves: Vec<Band>,
}

impl Plot for Bands {
    fn size(&self) -> (u32, u32) {
        // Entries of the legend may each need a row of their own.
        let rows = self.curves.len() as u32 + u32::from(!self.references.is_empty());
        (self.size.0, self.size.1 + 18 * rows)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Result<(), PlotError> {
        canvas.begin(&self.title)?;
        let plain = Look { colour: MUTED, width: 1.5, mark: None, start: 0.0 };
        let curve = |c: &'_ Band| (c.name.clone(), c.look);
        let names: Vec<(String, Look)> = (self.curves.iter().map(curve))
            .chain(self.references.iter().map(|(_, name)| ((*name).to_owned(), plain)))
            .collect();
        let legend: Vec<_> =
            names.iter().map(|(name, look)| Entry { name, look: *look, area: false }).collect();
        let top = canvas.legend(&legend, 38.0)?;
        let frame = Frame::new(canvas, top, self.x.clone(), self.y.clone())?;
        let (left, right) = self.x.ends();
        for (value, _) in &self.references {
            frame.curve([(left, *value), (right, *value)], plain)?;
        }
        for Band { look, points, .. } in self.curves.iter().rev() {
            let sure = points.iter().filter_map(|(x, _, ci)| ci.map(|[low, high]| (*x, low, high)));
            frame.band(&sure.collect::<Vec<_>>(), look.colour)?;
        }
        for Band { look, points, .. } in self.curves.iter().rev() {
            frame.curve(points.iter().map(|(x, value, _)| (*x, *value)), *look)?;
        }
        Ok(())
    }
}
