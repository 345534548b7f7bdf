//! Curves with a band around each: a value and its interval along an axis.

use plotters::prelude::DrawingBackend;

use super::Plot;
use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Entry, PlotError, TEXT};
use super::frame::Frame;
use super::style::{INK, Look, MUTED};

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
    /// Thin dashed curves below all others, and what they are; ascending.
    pub lost: (String, Vec<Vec<(f64, f64)>>),
}

impl Plot for Bands {
    fn size(&self) -> (u32, u32) {
        // Entries of the legend may each need a row of their own.
        let more = u32::from(!self.references.is_empty()) + u32::from(!self.lost.1.is_empty());
        let rows = self.curves.len() as u32 + more;
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
        let mut top = canvas.legend(&legend, 38.0)?;
        let (lost, dashed) = &self.lost;
        if !dashed.is_empty() {
            canvas.dashed(&[(10.0, top + 6.0), (35.0, top + 6.0)])?;
            let lost = canvas.fit(lost, TEXT, canvas.size().0 - 45.0);
            canvas.text(&lost, 40.0, top + 6.0, TEXT, INK, Anchor::Start)?;
            top += 18.0;
        }
        let frame = Frame::new(canvas, top, self.x.clone(), self.y.clone())?;
        let (left, right) = self.x.ends();
        for (value, _) in &self.references {
            frame.curve([(left, *value), (right, *value)], plain)?;
        }
        for curve in dashed {
            frame.dashed(curve)?;
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
