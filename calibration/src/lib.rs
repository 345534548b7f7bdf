//! How far simulated users behave from real ones, and what closes the gap.
//!
//! External data come in through [`external`], become [`features`], are summed up as
//! [`statistics`], compared by a [`discrepancy`], judged by a [`panel`] with uncertainty, paid by a
//! [`reward`], and matched by a [`calibrator`]. The room knows no networks and no plots.

pub mod calibrator;
pub mod classifier;
pub mod discrepancy;
pub mod evaluate;
pub mod external;
pub mod features;
pub mod money;
mod neighbours;
pub mod panel;
pub mod population;
pub mod privacy;
pub mod relation;
pub mod reward;
pub mod sample;
pub mod schema;
pub mod statistics;
pub mod stylised;
pub mod world;
