//! Kullback-Leibler divergence of the simulated users from the real ones.
//!
//! `KL = sum_k p_k ln(p_k / q_k)`, in nats (Kullback and Leibler 1951): f(t) = t ln t - t + 1, whose
//! last two terms add up to 0. Infinite without smoothing where only the simulation has a category.

use super::divergence::{Divergence, SMALL};

/// `kl` and `kl-categories`.
pub(super) const KL: Divergence = Divergence {
    names: ["kl", "kl-categories"],
    title: "Kullback-Leibler divergence",
    definitions: [
        "sum p_k ln(p_k / q_k) over bins k between external quantiles",
        "sum p_k ln(p_k / q_k) over categories k",
    ],
    reference: "Kullback and Leibler, On information and sufficiency, Annals of Mathematical Statistics 22, 1951",
    symmetric: false,
    squared: true,
    root: false,
    smoothing: SMALL,
    most: f64::INFINITY,
    f,
    slope: f64::ln,
    far: f64::INFINITY,
};

pub(super) fn f(t: f64) -> f64 {
    if t > 0.0 { t * t.ln() - t + 1.0 } else { 1.0 }
}
