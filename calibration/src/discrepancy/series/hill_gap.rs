//! Gap of tail indices: how fast the probability of large changes falls.
//!
//! `D = |xi_P - xi_Q|`, xi = 1 / alpha by Hill's estimator over the largest changes. 1 / alpha is
//! compared, not alpha, so that a simulation without a tail (0) is at a finite distance.

use super::{CHANGES, Parameter, SeriesGap, returns};
use crate::stylised;

/// `hill-gap`.
pub const HILL_GAP: SeriesGap = SeriesGap {
    name: "hill-gap",
    title: "Gap of tail indices",
    definition: "|xi_P - xi_Q|, xi Hill's 1 / alpha over the largest share of |change|",
    reference: "Hill, A simple general approach to inference about the tail of a distribution, Annals of Statistics 3, 1975",
    parameters: &[
        Parameter {
            name: "share",
            meaning: "the share of changes that count as tail",
            default: 0.05,
            low: 0.001,
            high: 0.5,
            whole: false,
        },
        CHANGES,
    ],
    most: f64::INFINITY,
    values: [0.05, 1.0],
    fact: |series, values| Some(vec![stylised::hill(&returns(series, values[1]), values[0])?]),
};
