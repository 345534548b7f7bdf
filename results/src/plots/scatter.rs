//! Points with intervals on two axes, and a line through some of them.

use plotters::prelude::DrawingBackend;

use super::Plot;
use super::axis::Axis;
use super::canvas::{Anchor, Canvas, PlotError, TEXT};
use super::frame::Frame;
use super::style::{GRID, INK, Look, MUTED};

/// One point.
pub struct Point {
    /// Where it lies.
    pub at: (f64, f64),
    /// Interval of its height.
    pub ci: Option<[f64; 2]>,
    /// What is written beside it; empty for nothing.
    pub label: String,
    /// How it is drawn; none for a small pale dot.
    pub look: Option<Look>,
}

/// The picture.
pub struct Scatter {
    /// Title.
    pub title: String,
    /// Width and height in CSS pixels.
    pub size: (u32, u32),
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// A thin line, from left to right.
    pub line: Vec<(f64, f64)>,
    /// Points; those with a look are drawn on top, and the first above the others.
    pub points: Vec<Point>,
}

impl Plot for Scatter {
    fn size(&self) -> (u32, u32) {
        self.size
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Result<(), PlotError> {
        canvas.begin(&self.title)?;
        let frame = Frame::new(canvas, 26.0, self.x.clone(), self.y.clone())?;
        let place = |(x, y): (f64, f64)| (frame.place_x(x), frame.place_y(y));
        for point in self.points.iter().filter(|point| point.look.is_none()) {
            canvas.circle(place(point.at), 2.4, MUTED)?;
        }
        if self.line.len() > 1 {
            let line: Vec<_> = self.line.iter().map(|&at| place(at)).collect();
            canvas.line(&line, MUTED, 1.5)?;
        }
        let known = || self.points.iter().filter_map(|point| Some((point, point.look?)));
        for (point, look) in known().rev() {
            if let Some([low, high]) = point.ci.filter(|[low, high]| low < high) {
                let (x, from) = place((point.at.0, low));
                canvas.line(&[(x, from), (x, frame.place_y(high))], look.colour, 1.5)?;
            }
        }
        for (point, look) in known().rev() {
            canvas.mark(place(point.at), 4.0, look)?;
        }
        let around = |(x, y): (f64, f64)| [x - 5.0, y - 5.0, x + 5.0, y + 5.0];
        let mut taken: Vec<Area> = known().map(|(point, _)| around(place(point.at))).collect();
        for (point, _) in known().filter(|(point, _)| !point.label.is_empty()) {
            label(canvas, &point.label, place(point.at), &mut taken)?;
        }
        Ok(())
    }
}

/// A box on the canvas: left, top, right, bottom.
type Area = [f64; 4];

/// Writes a label beside its point, where no other label is; a label without a free place is left
/// out.
fn label<B: DrawingBackend>(
    canvas: &Canvas<'_, B>,
    text: &str,
    (x, y): (f64, f64),
    taken: &mut Vec<Area>,
) -> Result<(), PlotError> {
    let size = TEXT - 0.5;
    let wide = canvas.width_of(text, size) * 1.1;
    let right = canvas.size().0 - 6.0;
    let places = [
        (x + 8.0, y, Anchor::Start),
        (x - 8.0, y, Anchor::End),
        (x + 5.0, y - 13.0, Anchor::Start),
        (x + 5.0, y + 13.0, Anchor::Start),
        (x - 5.0, y - 13.0, Anchor::End),
        (x - 5.0, y + 13.0, Anchor::End),
    ];
    for (at, y, anchor) in places {
        let from = if anchor == Anchor::End { at - wide } else { at };
        let area = [from, y - 7.0, from + wide, y + 7.0];
        let meets = |other: &Area| {
            area[0] < other[2] && other[0] < area[2] && area[1] < other[3] && other[1] < area[3]
        };
        if area[0] > 40.0 && area[2] < right && !taken.iter().any(meets) {
            taken.push(area);
            canvas.text(text, at, y, size, INK, anchor)?;
            return Ok(());
        }
    }
    // A thin tick tells that something is there.
    canvas.line(&[(x, y - 6.0), (x, y - 9.0)], GRID, 1.0)
}
