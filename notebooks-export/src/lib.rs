//! Exports of a run that other tools open.
//!
//! [`ipynb`] makes a notebook that loads a run with pandas and redraws its main plots with
//! matplotlib.

mod notebook;

pub use notebook::{ExportError, ipynb};
