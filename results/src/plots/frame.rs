//! A rectangle with two axes, and curves in it.

use plotters::prelude::DrawingBackend;
use plotters::style::RGBColor;

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, PlotError, SLACK, TEXT};
use super::mark::along;
use super::style::{GRID, INK, Look, MUTED};

/// Distance between the marks of a line.
const BETWEEN: f64 = 90.0;

/// A rectangle of a canvas with two axes.
pub struct Frame<'a, 'c, B: DrawingBackend> {
    canvas: &'a Canvas<'c, B>,
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
    x: Axis,
    y: Axis,
}

impl<'a, 'c, B: DrawingBackend> Frame<'a, 'c, B> {
    /// Draws grid, axis numbers and axis titles below `top`.
    pub fn new(canvas: &'a Canvas<'c, B>, top: f64, x: Axis, y: Axis) -> Result<Self, PlotError> {
        let (width, height) = canvas.size();
        let widest =
            y.ticks.iter().map(|(_, label)| canvas.width_of(label, TEXT)).fold(0.0, f64::max);
        let left = 34.0 + widest * SLACK;
        let frame = Self {
            canvas,
            left,
            top: top + 10.0,
            right: width - 16.0,
            bottom: height - 46.0,
            x,
            y,
        };
        frame.draw_axes()?;
        Ok(frame)
    }

    fn draw_axes(&self) -> Result<(), PlotError> {
        let canvas = self.canvas;
        for (value, label) in &self.y.ticks {
            let y = self.place_y(*value);
            canvas.line(&[(self.left, y), (self.right, y)], GRID, 1.0)?;
            canvas.text(label, self.left - 7.0, y, TEXT, MUTED, Anchor::End)?;
        }
        for (value, _) in &self.x.ticks {
            let x = self.place_x(*value);
            canvas.line(&[(x, self.top), (x, self.bottom)], GRID, 1.0)?;
        }
        let ticks = self.x.ticks.iter().map(|(value, label)| (self.place_x(*value), &**label));
        canvas.numbers(ticks, self.bottom + 13.0)?;
        canvas.line(&[(self.left, self.bottom), (self.right, self.bottom)], MUTED, 1.0)?;
        let middle = (self.left + self.right) / 2.0;
        let half = middle.min(canvas.size().0 - middle);
        let title = canvas.fit(&self.x.title, TEXT, half * 2.0);
        canvas.text(&title, middle, self.bottom + 33.0, TEXT, INK, Anchor::Middle)?;
        let title = canvas.fit(&self.y.title, TEXT, self.bottom - self.top + 20.0);
        canvas.text_upwards(&title, 14.0, (self.top + self.bottom) / 2.0)
    }

    /// Where a value of the horizontal axis lies; values beyond the axis lie at its ends.
    pub fn place_x(&self, value: f64) -> f64 {
        self.left + self.x.share(value) * (self.right - self.left)
    }

    /// Where a value of the vertical axis lies; values beyond the axis lie at its ends.
    pub fn place_y(&self, value: f64) -> f64 {
        self.bottom - self.y.share(value) * (self.bottom - self.top)
    }

    /// Draws a curve, with no more points than the eye can tell, and its marks.
    pub fn curve(
        &self,
        points: impl IntoIterator<Item = (f64, f64)>,
        look: Look,
    ) -> Result<(), PlotError> {
        let placed: Vec<_> =
            points.into_iter().map(|(x, y)| (self.place_x(x), self.place_y(y))).collect();
        let placed = simplify(&placed, 0.3);
        self.canvas.line(&placed, look.colour, look.width)?;
        for at in along(&placed, look.start * BETWEEN, BETWEEN) {
            self.canvas.mark(at, 3.2, look)?;
        }
        Ok(())
    }

    /// Draws a thin, pale curve.
    pub fn thread(&self, points: &[(f64, f64)], colour: RGBColor) -> Result<(), PlotError> {
        let placed: Vec<_> =
            points.iter().map(|&(x, y)| (self.place_x(x), self.place_y(y))).collect();
        self.canvas.pale_line(&simplify(&placed, 0.3), colour)
    }

    /// Draws a thin dashed curve.
    pub fn dashed(&self, points: &[(f64, f64)]) -> Result<(), PlotError> {
        let placed: Vec<_> =
            points.iter().map(|&(x, y)| (self.place_x(x), self.place_y(y))).collect();
        self.canvas.dashed(&simplify(&placed, 0.3))
    }

    /// Washes the area between lower and upper values along the horizontal axis: (x, low, high).
    pub fn band(&self, points: &[(f64, f64, f64)], colour: RGBColor) -> Result<(), PlotError> {
        let at = |x: f64, y: f64| (self.place_x(x), self.place_y(y));
        let upper: Vec<_> = points.iter().map(|&(x, _, high)| at(x, high)).collect();
        let lower: Vec<_> = points.iter().map(|&(x, low, _)| at(x, low)).collect();
        let mut corners = simplify(&upper, 0.3);
        corners.extend(simplify(&lower, 0.3).into_iter().rev());
        if points.len() > 1 { self.canvas.wash(&corners, colour) } else { Ok(()) }
    }

    /// Fills the area between a curve and the horizontal axis.
    pub fn area(&self, points: &[(f64, f64)], colour: RGBColor) -> Result<(), PlotError> {
        let mut placed: Vec<_> =
            points.iter().map(|&(x, y)| (self.place_x(x), self.place_y(y))).collect();
        let ends = (placed.first().copied(), placed.last().copied());
        let (Some((first, _)), Some((last, _))) = ends else {
            return Ok(());
        };
        placed.extend([(last, self.bottom), (first, self.bottom)]);
        self.canvas.polygon(&placed, colour)
    }
}

/// Leaves out points that lie within `tolerance` of the line through the points that stay
/// (Ramer 1972; Douglas and Peucker 1973).
fn simplify(points: &[(f64, f64)], tolerance: f64) -> Vec<(f64, f64)> {
    if points.len() < 3 {
        return points.to_vec();
    }
    let mut keep = vec![false; points.len()];
    let mut spans = vec![(0, points.len() - 1)];
    while let Some((first, last)) = spans.pop() {
        keep[first] = true;
        keep[last] = true;
        let mut worst = (tolerance, None);
        for i in first + 1..last {
            let distance = distance(points[i], points[first], points[last]);
            if distance > worst.0 {
                worst = (distance, Some(i));
            }
        }
        if let (_, Some(i)) = worst {
            spans.extend([(first, i), (i, last)]);
        }
    }
    points.iter().zip(keep).filter(|(_, keep)| *keep).map(|(point, _)| *point).collect()
}

/// Distance of `p` from the segment `a` to `b`.
fn distance(p: (f64, f64), a: (f64, f64), b: (f64, f64)) -> f64 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = dx * dx + dy * dy;
    let along = ((p.0 - a.0) * dx + (p.1 - a.1) * dy) / length;
    let along = if length > 0.0 { along.clamp(0.0, 1.0) } else { 0.0 };
    (p.0 - a.0 - along * dx).hypot(p.1 - a.1 - along * dy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simplified_curves_stay_within_the_tolerance() {
        let curve = (0..500).map(|i| (f64::from(i), (f64::from(i) / 40.0).sin() * 50.0));
        let curve: Vec<_> = curve.collect();
        let few = simplify(&curve, 0.3);
        assert!(few.len() < 150, "{}", few.len());
        for &point in &curve {
            let near = few.windows(2).map(|s| distance(point, s[0], s[1])).fold(f64::MAX, f64::min);
            assert!(near <= 0.3);
        }
        assert_eq!(simplify(&[], 0.3), []);
        assert_eq!(simplify(&[(1.0, 1.0)], 0.3), [(1.0, 1.0)]);
        assert_eq!(simplify(&[(0.0, 0.0), (0.0, 9.0), (5.0, 9.0)], 0.3).len(), 3);
    }
}
