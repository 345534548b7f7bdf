//! G, the likelihood ratio of the goodness-of-fit test, per row.
//!
//! The test's statistic is `2 sum O_k ln(O_k / E_k)` with observed and expected counts (Wilks
//! 1938). Here it is divided by the number of rows: `G = 2 sum_k p_k ln(p_k / q_k)`, an effect size
//! that does not grow with the sample. It is twice the Kullback-Leibler divergence.

use super::divergence::{Divergence, SMALL};
use super::kl;

/// `g` and `g-categories`.
pub(super) const G: Divergence = Divergence {
    names: ["g", "g-categories"],
    title: "G per row",
    definitions: [
        "2 sum p_k ln(p_k / q_k) over bins k between external quantiles",
        "2 sum p_k ln(p_k / q_k) over categories k",
    ],
    reference: "Wilks, The large-sample distribution of the likelihood ratio for testing composite hypotheses, Annals of Mathematical Statistics 9, 1938",
    symmetric: false,
    squared: true,
    root: false,
    smoothing: SMALL,
    most: f64::INFINITY,
    f: |t| 2.0 * kl::f(t),
    slope: |t| 2.0 * t.ln(),
    far: f64::INFINITY,
};
