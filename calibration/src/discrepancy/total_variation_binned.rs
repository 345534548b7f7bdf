//! Total variation distance between the shares of bins.
//!
//! `D = 1/2 sum_k |p_k - q_k|`, from 0 to 1: f(t) = |t - 1| / 2. Over categories it is
//! `total-variation`. At the kink p_k = q_k the slope is 0.

use super::divergence::Divergence;

/// `total-variation-binned`.
pub(super) const TOTAL_VARIATION: Divergence = Divergence {
    names: ["total-variation-binned", "total-variation"],
    title: "Total variation of bins",
    definitions: [
        "1/2 sum |p_k - q_k| over bins k between external quantiles",
        "1/2 sum |p_k - q_k| over categories k",
    ],
    reference: "Levin and Peres, Markov chains and mixing times, 2nd edition, 2017, chapter 4",
    symmetric: true,
    squared: false,
    root: false,
    smoothing: 0.0,
    most: 1.0,
    f: |t| (t - 1.0).abs() / 2.0,
    slope: |t| if (t - 1.0).abs() > 1e-12 { (t - 1.0).signum() / 2.0 } else { 0.0 },
    far: 0.5,
};
