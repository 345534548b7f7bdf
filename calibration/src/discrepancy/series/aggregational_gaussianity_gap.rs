//! Gap of aggregational Gaussianity: sums over longer times are more normal than single changes.
//!
//! `D = |A_P - A_Q|` with `A = K(1) - K(scale)`, K(s) being the excess kurtosis of changes over s
//! ticks.

use super::{CHANGES, Parameter, SeriesGap, returns};
use crate::stylised;

/// `aggregational-gaussianity-gap`.
pub const AGGREGATIONAL_GAUSSIANITY_GAP: SeriesGap = SeriesGap {
    name: "aggregational-gaussianity-gap",
    title: "Gap of aggregational Gaussianity",
    definition: "|A_P - A_Q|, A = K(1) - K(scale), K(s) the excess kurtosis of changes over s ticks",
    reference: "Cont, Empirical properties of asset returns: stylized facts and statistical issues, Quantitative Finance 1, 2001",
    parameters: &[
        Parameter {
            name: "scale",
            meaning: "ticks of the longer time",
            default: 5.0,
            low: 2.0,
            high: 366.0,
            whole: true,
        },
        CHANGES,
    ],
    most: f64::INFINITY,
    values: [5.0, 1.0],
    fact: |series, values| {
        let returns = returns(series, values[1]);
        let long = stylised::aggregated_kurtosis(&returns, values[0] as usize)?;
        Some(vec![stylised::excess_kurtosis(&returns)? - long])
    },
};
