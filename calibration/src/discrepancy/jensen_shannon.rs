//! Jensen-Shannon divergence, in bits.
//!
//! `JS = (KL(p, m) + KL(q, m)) / 2` with `m = (p + q) / 2` and logarithms of base 2 (Lin 1991), from
//! 0 to 1: f(t) = (t ln(2 t / (1 + t)) + ln(2 / (1 + t))) / (2 ln 2). It is the square of a distance
//! (Endres and Schindelin 2003), and finite without smoothing.

use std::f64::consts::LN_2;

use super::divergence::Divergence;

/// `jensen-shannon` and `jensen-shannon-categories`.
pub(super) const JENSEN_SHANNON: Divergence = Divergence {
    names: ["jensen-shannon", "jensen-shannon-categories"],
    title: "Jensen-Shannon divergence",
    definitions: [
        "(KL(p, m) + KL(q, m)) / 2 in bits, m = (p + q) / 2, over bins between external quantiles",
        "(KL(p, m) + KL(q, m)) / 2 in bits, m = (p + q) / 2, over categories",
    ],
    reference: "Lin, Divergence measures based on the Shannon entropy, IEEE Transactions on Information Theory 37, 1991",
    symmetric: true,
    squared: true,
    root: false,
    smoothing: 0.0,
    most: 1.0,
    f,
    slope: |t| above(t) / (2.0 * LN_2),
    far: 0.5,
};

/// `ln(2 t / (1 + t))`.
fn above(t: f64) -> f64 {
    (2.0 * t / (1.0 + t)).ln()
}

fn f(t: f64) -> f64 {
    let own = if t > 0.0 { t * above(t) } else { 0.0 };
    (own + (2.0 / (1.0 + t)).ln()) / (2.0 * LN_2)
}
