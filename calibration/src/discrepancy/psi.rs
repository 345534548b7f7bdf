//! Population stability index, known from the monitoring of credit scores.
//!
//! `PSI = sum_k (p_k - q_k) ln(p_k / q_k)` (Siddiqi 2006), the sum of both Kullback-Leibler
//! divergences (Jeffreys 1946): f(t) = (t - 1) ln t. By a rule of thumb a population has hardly
//! moved under 0.1 and has moved a lot above 0.25. The smoothing of 0.001 gives a bin of a tenth of
//! the real users that no simulated user is in a share of 0.0001.

use super::divergence::{Divergence, SMALL};

/// `psi` and `psi-categories`.
pub(super) const PSI: Divergence = Divergence {
    names: ["psi", "psi-categories"],
    title: "Population stability index",
    definitions: [
        "sum (p_k - q_k) ln(p_k / q_k) over bins k between external quantiles",
        "sum (p_k - q_k) ln(p_k / q_k) over categories k",
    ],
    reference: "Siddiqi, Credit risk scorecards, 2006",
    symmetric: true,
    squared: true,
    root: false,
    smoothing: SMALL,
    most: f64::INFINITY,
    f: |t| if t > 0.0 { (t - 1.0) * t.ln() } else { f64::INFINITY },
    slope: |t| t.ln() + 1.0 - 1.0 / t,
    far: f64::INFINITY,
};
