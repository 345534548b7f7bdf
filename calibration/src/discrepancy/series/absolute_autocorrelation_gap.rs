//! Gap of volatility clustering: large changes follow large changes, of either sign.
//!
//! `D = mean over l = 1..lags of |C_P(l) - C_Q(l)|`, C being the autocorrelation of the sizes of
//! changes. Its slow decay is a stylised fact of markets; the gap sees both its height and its
//! decay.

use super::{CHANGES, SeriesGap, lags, returns};
use crate::stylised;

/// `absolute-autocorrelation-gap`.
pub const ABSOLUTE_AUTOCORRELATION_GAP: SeriesGap = SeriesGap {
    name: "absolute-autocorrelation-gap",
    title: "Gap of volatility clustering",
    definition: "mean |C_P(l) - C_Q(l)| over lags l = 1 to lags, C the autocorrelation of |change|",
    reference: "Cont, Empirical properties of asset returns: stylized facts and statistical issues, Quantitative Finance 1, 2001",
    parameters: &[lags(10.0), CHANGES],
    most: 2.0,
    values: [10.0, 1.0],
    fact: |series, values| {
        stylised::absolute_autocorrelation(&returns(series, values[1]), values[0] as usize)
    },
};
