//! A drawing area in CSS pixels.

use std::fmt::Display;

use plotters::coord::Shift;
use plotters::element::{Circle, PathElement, Polygon, Rectangle, Text};
use plotters::prelude::{DrawingArea, DrawingBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontDesc, FontFamily, FontStyle, FontTransform, IntoTextStyle, RGBColor, ShapeStyle,
};

use super::mark::{Mark, along};
use super::style::{FAMILY, INK, LOST, Look, MUTED, PAPER};

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

/// Opacity of a pale line.
const PALE: f64 = 0.5;
/// Length of a dash with the gap after it.
pub const DASH: f64 = 10.0;
/// Opacity of a wash.
const WASH: f64 = 0.25;

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

    /// Writes the numbers of a horizontal axis, each centred on its place, ascending. One that would
    /// touch its neighbour or leave the picture is left out.
    pub(crate) fn numbers<'t>(
        &self,
        numbers: impl IntoIterator<Item = (f64, &'t str)>,
        y: f64,
    ) -> Result<(), PlotError> {
        let mut free = f64::NEG_INFINITY;
        for (x, number) in numbers {
            let half = self.width_of(number, TEXT) * SLACK / 2.0;
            if x - half > free && x + half < self.size().0 {
                self.text(number, x, y, TEXT, MUTED, Anchor::Middle)?;
                free = x + half + 6.0;
            }
        }
        Ok(())
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
        if !wide(text) {
            return text.to_owned();
        }
        let mut short = text.to_owned();
        while short.pop().is_some() {
            let cut = format!("{}…", short.trim_end());
            if !wide(&cut) {
                return cut;
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

    /// Draws a thin dashed line through points. Plotters has no dashes for SVG: there the line is
    /// whole, and what stands for its colour makes the dashes ([`super::render`]).
    pub(crate) fn dashed(&self, points: &[(f64, f64)]) -> Result<(), PlotError> {
        if self.sink == 0.0 {
            return self.line(points, LOST, 1.0);
        }
        let dashes = along(points, 0.0, DASH / 2.0);
        for pair in dashes.chunks_exact(2) {
            self.line(pair, LOST, 1.0)?;
        }
        Ok(())
    }

    /// Draws a thin line through points that lets others show.
    pub(crate) fn pale_line(
        &self,
        points: &[(f64, f64)],
        colour: RGBColor,
    ) -> Result<(), PlotError> {
        let points: Vec<_> = points.iter().map(|&p| self.device(p)).collect();
        let width = (0.8 * self.scale).round().max(1.0) as u32;
        Ok(self.area.draw(&PathElement::new(points, colour.mix(PALE).stroke_width(width)))?)
    }

    /// Fills a polygon.
    pub(crate) fn polygon(&self, points: &[(f64, f64)], colour: RGBColor) -> Result<(), PlotError> {
        let points: Vec<_> = points.iter().map(|&p| self.device(p)).collect();
        Ok(self.area.draw(&Polygon::new(points, colour.filled()))?)
    }

    /// Fills a polygon so thinly that what lies below shows through.
    pub(crate) fn wash(&self, points: &[(f64, f64)], colour: RGBColor) -> Result<(), PlotError> {
        let points: Vec<_> = points.iter().map(|&p| self.device(p)).collect();
        Ok(self.area.draw(&Polygon::new(points, colour.mix(WASH).filled()))?)
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
