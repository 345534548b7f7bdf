//! Pearson's chi-squared, per row.
//!
//! The test's statistic is `sum (O_k - E_k)^2 / E_k` with observed and expected counts (Pearson
//! 1900). Here it is divided by the number of rows: `sum_k (p_k - q_k)^2 / q_k`, an effect size that
//! does not grow with the sample, Cohen's w squared: f(t) = (t - 1)^2.

use super::divergence::{Divergence, SMALL};

/// `chi-squared` and `chi-squared-categories`.
pub(super) const CHI_SQUARED: Divergence = Divergence {
    names: ["chi-squared", "chi-squared-categories"],
    title: "Chi-squared per row",
    definitions: [
        "sum (p_k - q_k)^2 / q_k over bins k between external quantiles",
        "sum (p_k - q_k)^2 / q_k over categories k",
    ],
    reference: "Cohen, Statistical power analysis for the behavioral sciences, 2nd edition, 1988, chapter 7",
    symmetric: false,
    squared: true,
    root: false,
    smoothing: SMALL,
    most: f64::INFINITY,
    f: |t| (t - 1.0) * (t - 1.0),
    slope: |t| 2.0 * (t - 1.0),
    far: f64::INFINITY,
};
