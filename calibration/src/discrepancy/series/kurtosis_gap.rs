//! Gap of heavy tails: the excess kurtosis of changes from tick to tick.
//!
//! `D = |K_P - K_Q|` with `K = m4 / m2^2 - 3`, 0 for a normal law.

use super::{CHANGES, SeriesGap, returns};
use crate::stylised;

/// `kurtosis-gap`.
pub const KURTOSIS_GAP: SeriesGap = SeriesGap {
    name: "kurtosis-gap",
    title: "Gap of excess kurtosis",
    definition: "|K_P - K_Q|, K the excess kurtosis of changes; K_P = 0 without spread",
    reference: "Cont, Empirical properties of asset returns: stylized facts and statistical issues, Quantitative Finance 1, 2001",
    parameters: &[CHANGES],
    most: f64::INFINITY,
    values: [1.0, 0.0],
    fact: |series, values| Some(vec![stylised::excess_kurtosis(&returns(series, values[0]))?]),
};
