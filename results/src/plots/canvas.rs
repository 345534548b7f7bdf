//! A drawing area in CSS pixels, and a frame with axes in it.

use std::fmt::Display;

use plotters::coord::Shift;
use plotters::element::{Circle, PathElement, Polygon, Rectangle, Text};
use plotters::prelude::{DrawingArea, DrawingBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontDesc, FontFamily, FontStyle, FontTransform, IntoTextStyle, RGBColor, ShapeStyle,
};

use super::axis::Axis;
use super::mark::{Mark, along};
use super::style::{FAMILY, GRID, INK, Look, MUTED, PAPER};

/// Why a picture could not be drawn.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PlotError(String);

impl PlotError {
    pub(crate) fn new(why: impl Display) -> Self {
        Self(why.to_string())
    }
}

impl<E: std::error::Error + Send + Sync> From<plotters::drawing::DrawingAreaErrorKind<E>>
    for PlotError
{
    fn from(error: plotters::drawing::DrawingAreaErrorKind<E>) -> Self {
        Self::new(error)
    }
}

/// Size of ordinary letters, in CSS pixels.
pub const TEXT: f64 = 12.5;
/// Size of the title.
pub const TITLE: f64 = 15.0;

/// How much wider than the embedded font the font of a reader may be.
pub const SLACK: f64 = 1.1;
/// Distance between the marks of a line.
const BETWEEN: f64 = 90.0;

/// Where a text stands relative to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Right of it.
    Start,
    /// Centred on it.
    Middle,
    /// Left of it.
    End,
}

/// A drawing area of plotters, measured in CSS pixels.
pub struct Canvas<'a, B: DrawingBackend> {
    area: &'a DrawingArea<B, Shift>,
    scale: f64,
    /// How far text is to be moved down, in em: backends disagree on where its middle is.
    sink: f64,
}

impl<'a, B: DrawingBackend> Canvas<'a, B> {
    pub(crate) fn new(area: &'a DrawingArea<B, Shift>, scale: u32, sink: f64) -> Self {
        Self { area, scale: f64::from(scale), sink }
    }

    /// Width and height in CSS pixels.
    pub fn size(&self) -> (f64, f64) {
        let (width, height) = self.area.dim_in_pixel();
        (f64::from(width) / self.scale, f64::from(height) / self.scale)
    }

    /// A part of the area.
    pub(crate) fn part(&self, from: (f64, f64), size: (f64, f64)) -> DrawingArea<B, Shift> {
        let (width, height) = self.device(size);
        self.area.clone().shrink(self.device(from), (width.max(0), height.max(0)))
    }

    /// The same letters and lines on another area.
    pub(crate) fn on<'b>(&self, area: &'b DrawingArea<B, Shift>) -> Canvas<'b, B> {
        Canvas { area, scale: self.scale, sink: self.sink }
    }

    /// Fills the background and writes the title.
    pub(crate) fn begin(&self, title: &str) -> Result<(), PlotError> {
        self.area.fill(&PAPER)?;
        let title = self.fit(title, TITLE, self.size().0 - 20.0);
        self.text(&title, 10.0, 16.0, TITLE, INK, Anchor::Start)
    }

    fn device(&self, (x, y): (f64, f64)) -> (i32, i32) {
        // Saturates: a point far outside stays far outside.
        ((x * self.scale).round() as i32, (y * self.scale).round() as i32)
    }

    fn stroke(&self, colour: RGBColor, width: f64) -> ShapeStyle {
        colour.stroke_width((width * self.scale).round().max(1.0) as u32)
    }

    /// Writes a line of text, centred vertically on `y`.
    pub(crate) fn text(
        &self,
        text: &str,
        x: f64,
        y: f64,
        size: f64,
        colour: RGBColor,
        anchor: Anchor,
    ) -> Result<(), PlotError> {
        self.place_text(text, (x, y), size, colour, anchor, FontTransform::None)
    }

    /// Writes a line of text upwards, centred on the point.
    pub(crate) fn text_upwards(&self, text: &str, x: f64, y: f64) -> Result<(), PlotError> {
        let transform = FontTransform::Rotate270;
        self.place_text(text, (x, y), TEXT, INK, Anchor::Middle, transform)
    }

    fn place_text(
        &self,
        text: &str,
        at: (f64, f64),
        size: f64,
        colour: RGBColor,
        anchor: Anchor,
        transform: FontTransform,
    ) -> Result<(), PlotError> {
        let sink = self.sink * size;
        let at = match transform {
            FontTransform::Rotate270 => (at.0 + sink, at.1),
            _ => (at.0, at.1 + sink),
        };
        let horizontal = match anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        let style = self
            .font(size)
            .transform(transform)
            .into_text_style(self.area)
            .color(&colour)
            .pos(Pos::new(horizontal, VPos::Center));
        Ok(self.area.draw(&Text::new(text.to_owned(), self.device(at), style))?)
    }

    fn font(&self, size: f64) -> FontDesc<'static> {
        // Plotters takes line heights: 1.24 of the em.
        FontDesc::new(FontFamily::Name(FAMILY), size * 1.24 * self.scale, FontStyle::Normal)
    }

    /// Width of a line of text in CSS pixels.
    pub(crate) fn width_of(&self, text: &str, size: f64) -> f64 {
        let box_ = self.font(size).box_size(text).map_or(0, |(width, _)| width);
        f64::from(box_) / self.scale
    }

    /// A text, cut where it would be wider than `width`. Readers may have a wider font than the
    /// embedded one, so a tenth is kept free.
    pub(crate) fn fit(&self, text: &str, size: f64, width: f64) -> String {
        let wide = |text: &str| self.width_of(text, size) * SLACK > width;
        let mut short = text.to_owned();
        while !short.is_empty() && wide(&short) {
            short.pop();
            if !wide(&format!("{short}…")) {
                return format!("{}…", short.trim_end());
            }
        }
        short
    }

    /// Draws a line through points.
    pub(crate) fn line(
        &self,
        points: &[(f64, f64)],
        colour: RGBColor,
        width: f64,
    ) -> Result<(), PlotError> {
        let points: Vec<_> = points.iter().map(|&p| self.device(p)).collect();
        Ok(self.area.draw(&PathElement::new(points, self.stroke(colour, width)))?)
    }

    /// Fills a polygon.
    pub(crate) fn polygon(&self, points: &[(f64, f64)], colour: RGBColor) -> Result<(), PlotError> {
        let points: Vec<_> = points.iter().map(|&p| self.device(p)).collect();
        Ok(self.area.draw(&Polygon::new(points, colour.filled()))?)
    }

    /// Fills a rectangle between two corners.
    pub(crate) fn rectangle(
        &self,
        from: (f64, f64),
        to: (f64, f64),
        colour: RGBColor,
    ) -> Result<(), PlotError> {
        let corners = [self.device(from), self.device(to)];
        Ok(self.area.draw(&Rectangle::new(corners, colour.filled()))?)
    }

    /// Fills a circle.
    pub(crate) fn circle(
        &self,
        at: (f64, f64),
        radius: f64,
        colour: RGBColor,
    ) -> Result<(), PlotError> {
        let radius = (radius * self.scale).round() as i32;
        Ok(self.area.draw(&Circle::new(self.device(at), radius, colour.filled()))?)
    }

    /// Draws a mark with a rim, so that it stays readable on lines.
    pub(crate) fn mark(&self, at: (f64, f64), radius: f64, look: Look) -> Result<(), PlotError> {
        let shape = |mark: Mark, radius, colour| match mark.corners(at, radius) {
            corners if corners.is_empty() => self.circle(at, radius, colour),
            corners => self.polygon(&corners, colour),
        };
        let Some(mark) = look.mark else { return Ok(()) };
        shape(mark, radius + 1.0, PAPER)?;
        shape(mark, radius, look.colour)
    }

    /// Draws a legend from `y` downwards, in as many rows as it needs, and returns where it ends.
    /// Entries of `area` get a block, the others a line.
    pub(crate) fn legend(&self, entries: &[Entry<'_>], y: f64) -> Result<f64, PlotError> {
        let (width, _) = self.size();
        let (mut x, mut y) = (10.0, y);
        for Entry { name, look, area } in entries {
            let name = self.fit(name, TEXT, width - 45.0);
            let need = 31.0 + self.width_of(&name, TEXT) * SLACK;
            if x > 10.0 && x + need > width - 8.0 {
                (x, y) = (10.0, y + 18.0);
            }
            if *area {
                self.rectangle((x, y - 5.0), (x + 25.0, y + 5.0), look.colour)?;
            } else {
                self.line(&[(x, y), (x + 25.0, y)], look.colour, look.width)?;
                self.mark((x + 12.5, y), 3.5, *look)?;
            }
            self.text(&name, x + 30.0, y, TEXT, INK, Anchor::Start)?;
            x += need + 12.0;
        }
        Ok(y + 12.0)
    }
}

/// One entry of a legend.
pub struct Entry<'a> {
    /// What it says.
    pub name: &'a str,
    /// How the side is drawn.
    pub look: Look,
    /// Whether it is a block, not a line.
    pub area: bool,
}

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
        let mut free = f64::NEG_INFINITY;
        for (value, label) in &self.x.ticks {
            let x = self.place_x(*value);
            canvas.line(&[(x, self.top), (x, self.bottom)], GRID, 1.0)?;
            let half = canvas.width_of(label, TEXT) * SLACK / 2.0;
            // A label that would touch its neighbour or leave the picture is left out.
            if x - half > free && x + half < canvas.size().0 {
                canvas.text(label, x, self.bottom + 13.0, TEXT, MUTED, Anchor::Middle)?;
                free = x + half + 6.0;
            }
        }
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
