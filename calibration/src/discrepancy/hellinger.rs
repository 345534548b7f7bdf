//! Hellinger distance.
//!
//! `H = sqrt(1/2 sum_k (sqrt p_k - sqrt q_k)^2)`, from 0 to 1 (Le Cam and Yang 2000):
//! `f(t) = (sqrt t - 1)^2 / 2`. Next to equality the root has an infinite slope, so the witness is
//! that of H^2.

use super::divergence::Divergence;

/// `hellinger` and `hellinger-categories`.
pub(super) const HELLINGER: Divergence = Divergence {
    names: ["hellinger", "hellinger-categories"],
    title: "Hellinger distance",
    definitions: [
        "sqrt(1/2 sum (sqrt p_k - sqrt q_k)^2) over bins k between external quantiles",
        "sqrt(1/2 sum (sqrt p_k - sqrt q_k)^2) over categories k",
    ],
    reference: "Le Cam and Yang, Asymptotics in statistics, 2nd edition, 2000, chapter 3",
    symmetric: true,
    squared: true,
    root: true,
    smoothing: 0.0,
    most: 1.0,
    f: |t| (t.sqrt() - 1.0) * (t.sqrt() - 1.0) / 2.0,
    slope: |t| (1.0 - 1.0 / t.sqrt()) / 2.0,
    far: 0.5,
};
