//! Plots: one file a kind, drawn by one function for SVG and PNG alike.
//!
//! A plot kind is a function from what a run left behind to pictures, or to the reason why there is
//! none. To add one, write a file with a type that implements [`Plot`] and a function that makes its
//! pictures, and add a line to [`PLOTS`].

use plotters::prelude::DrawingBackend;

use crate::metrics::Metric;
use crate::series::Series;
use crate::summary::Summary;

mod autocorrelation;
mod axis;
mod bands;
mod canvas;
mod classifier;
mod ecdf;
mod forest;
mod frame;
mod heatmap;
mod histogram;
mod importance;
mod intervals;
mod kinds;
mod learning_curve;
mod learning_curves;
mod lorenz;
mod map;
mod mark;
mod matrix;
mod over_time;
mod overview;
mod panel_forest;
mod parallel;
mod qq;
mod render;
mod scatter;
mod shade;
mod style;
mod transitions;
mod witness;

pub(crate) use crate::report::count;
pub(crate) use axis::{Axis, Scale, money, number};
pub(crate) use bands::{Band, Bands};
pub use canvas::{Canvas, PlotError};
pub(crate) use heatmap::{MAP_KEY, map_cell};
pub(crate) use intervals::{Intervals, Row};
pub use learning_curves::{Group, LearningCurves, groups};
pub(crate) use matrix::{Matrix, MatrixCell, MatrixRow};
pub(crate) use parallel::{Parallel, Thread, Tone, Way};
pub use render::Render;
pub(crate) use scatter::{Point, Scatter};
pub(crate) use style::{FAMILY, GRADES, THEME, look};

/// What plots are made from.
#[derive(Clone, Copy, Debug)]
pub struct PlotInput<'a> {
    /// The verdict.
    pub summary: &'a Summary,
    /// Distributions and plain numbers.
    pub series: &'a Series,
    /// Iterations.
    pub metrics: &'a [Metric],
}

/// One picture: drawn in CSS pixels on any backend of plotters.
pub trait Plot {
    /// Width and height in CSS pixels.
    fn size(&self) -> (u32, u32);

    /// Draws it.
    ///
    /// # Errors
    /// Whatever the backend says.
    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Result<(), PlotError>;
}

/// A picture with its words.
pub struct Picture {
    /// Name of the feature or calibrator that it is about; empty where it is about all.
    pub about: String,
    /// Title, for headings and screen readers.
    pub title: String,
    /// What a reader who cannot see it is told, and how to read it.
    pub description: String,
    /// The picture itself.
    pub drawing: Box<dyn Render>,
}

/// A picture, or why there is none.
pub enum Outcome {
    /// A picture.
    Drawn(Picture),
    /// None, and why, as a sentence.
    Empty(String),
}

/// A plot kind.
pub struct PlotKind {
    /// Name in file names and the report.
    pub name: &'static str,
    /// Title of the section that shows all of its pictures.
    pub title: &'static str,
    /// Makes its pictures.
    pub make: fn(PlotInput<'_>) -> Vec<Outcome>,
}

/// All plot kinds.
pub const PLOTS: &[PlotKind] = &[
    forest::KIND,
    classifier::KIND,
    map::KIND,
    heatmap::KIND,
    panel_forest::KIND,
    importance::KIND,
    lorenz::KIND,
    learning_curve::KIND,
    ecdf::KIND,
    histogram::KIND,
    qq::KIND,
    witness::KIND,
    kinds::KIND,
    transitions::KIND,
    over_time::KIND,
    autocorrelation::KIND,
    overview::KIND,
];

#[cfg(test)]
mod tests;
