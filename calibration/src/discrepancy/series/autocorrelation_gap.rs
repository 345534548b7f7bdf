//! Gap of the memory of a series: do good days follow good days as they do for real users?
//!
//! `D = mean over l = 1..lags of |rho_P(l) - rho_Q(l)|`, rho being the sample autocorrelation (Box
//! and Jenkins, *Time series analysis*, 1970): the weekly rhythm of daily events stands out at lag
//! 7.

use super::{SeriesGap, lags};
use crate::stylised;

/// `autocorrelation-gap`.
pub const AUTOCORRELATION_GAP: SeriesGap = SeriesGap {
    name: "autocorrelation-gap",
    title: "Gap of autocorrelations",
    definition: "mean |rho_P(l) - rho_Q(l)| over lags l = 1 to lags; rho_P = 0 without spread",
    reference: "Box and Jenkins, Time series analysis: forecasting and control, 1970",
    parameters: &[lags(7.0)],
    most: 2.0,
    values: [7.0, 0.0],
    fact: |series, values| stylised::autocorrelation(series, values[0] as usize),
};
