//! Gap of the leverage effect: falls are followed by larger changes than rises are.
//!
//! `D = mean over l = 1..lags of |L_P(l) - L_Q(l)|` with `L(l) = corr(r_t, r_(t + l)^2)` of changes
//! r.

use super::{CHANGES, SeriesGap, lags, returns};
use crate::stylised;

/// `leverage-gap`.
pub const LEVERAGE_GAP: SeriesGap = SeriesGap {
    name: "leverage-gap",
    title: "Gap of the leverage effect",
    definition: "mean |L_P(l) - L_Q(l)| over lags l = 1 to lags, L(l) = corr(r_t, r_(t + l)^2) of changes r",
    reference: "Cont, Empirical properties of asset returns: stylized facts and statistical issues, Quantitative Finance 1, 2001",
    parameters: &[lags(5.0), CHANGES],
    most: 2.0,
    values: [5.0, 1.0],
    fact: |series, values| stylised::leverage(&returns(series, values[1]), values[0] as usize),
};
