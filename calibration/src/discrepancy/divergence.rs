//! Divergences of two probability vectors: what the forms over bins (`binned.rs`) and over
//! categories (`categories.rs`) share.
//!
//! `D(p, q) = sum_k q_k f(p_k / q_k)` with a convex f and f(1) = 0 (Csiszár 1967). A cell that the
//! external side does not have counts `p_k lim f(t) / t`. As f is chosen with a minimum at 1, every
//! cell adds at least 0.
//!
//! Small counts. Where a cell is empty on one side, some divergences are infinite. So each side is
//! first mixed with a share s, the `smoothing`, of the other: `p' = (1 - s) p + s q`, `q' = (1 - s)
//! q + s p`. Then `s / (1 - s) <= p' / q' <= (1 - s) / s`, equal vectors stay equal, cells that
//! neither side has stay without meaning, and weights need no number of rows. With s = 0 the value
//! is the textbook one.
//!
//! Slope: `dD/dp_k = (1 - s) f'(t) + s (f(t) - t f'(t))` with `t = p'_k / q'_k`; in a cell that
//! neither side has, that of new mass. Where it is infinite (an empty cell, s = 0) it is taken at s
//! = 0.001, so that a reward stays finite and points the same way.

use super::{Discrepancy, DiscrepancyError, Parameter};
use crate::sample::Sample;

/// Smoothing of divergences that an empty cell would make infinite.
pub(super) const SMALL: f64 = 0.001;

/// One divergence, in its two forms.
pub(super) struct Divergence {
    /// Names of the forms over bins and over categories.
    pub(super) names: [&'static str; 2],
    /// Title for plots and tables.
    pub(super) title: &'static str,
    /// Formula of the two forms.
    pub(super) definitions: [&'static str; 2],
    /// Where it is defined.
    pub(super) reference: &'static str,
    /// Whether D(p, q) = D(q, p).
    pub(super) symmetric: bool,
    /// Whether it grows with the square of the gap next to equality.
    pub(super) squared: bool,
    /// Whether the value is the root of D.
    pub(super) root: bool,
    /// Smoothing where none is given.
    pub(super) smoothing: f64,
    /// The largest value.
    pub(super) most: f64,
    /// f(t) for t >= 0; at least 0.
    pub(super) f: fn(f64) -> f64,
    /// f'(t).
    pub(super) slope: fn(f64) -> f64,
    /// The limit of f(t) / t and of f'(t).
    pub(super) far: f64,
}

impl Divergence {
    /// `D(p, q)`; infinite where a cell makes it so.
    pub(super) fn sum(&self, cells: impl Iterator<Item = (f64, f64)>, smoothing: f64) -> f64 {
        cells.map(|cell| self.term(cell, smoothing)).sum()
    }

    /// `D(p, q)`, or its root where that is the metric.
    pub(super) fn value(&self, cells: impl Iterator<Item = (f64, f64)>, smoothing: f64) -> f64 {
        let sum = self.sum(cells, smoothing);
        if self.root { sum.sqrt() } else { sum }
    }

    /// What one cell adds.
    fn term(&self, (p, q): (f64, f64), smoothing: f64) -> f64 {
        let (p, q) = mixed(p, q, smoothing);
        match p / q {
            t if t.is_finite() => q * (self.f)(t).max(0.0),
            _ if p > 0.0 => p * self.far,
            _ => 0.0,
        }
    }

    /// `dD/dp` of one cell.
    pub(super) fn variation(&self, (p, q): (f64, f64), smoothing: f64) -> f64 {
        let exact = self.slope_at(p, q, smoothing);
        if exact.is_finite() { exact } else { self.slope_at(p, q, smoothing.max(SMALL)) }
    }

    fn slope_at(&self, p: f64, q: f64, smoothing: f64) -> f64 {
        if q == 0.0 {
            // Where the external side has nothing the term is a multiple of p.
            return self.term((1.0, 0.0), smoothing);
        }
        let (p, q) = mixed(p, q, smoothing);
        let t = p / q;
        let slope = (self.slope)(t);
        let other = if smoothing > 0.0 { (self.f)(t) - t * slope } else { 0.0 };
        (1.0 - smoothing) * slope + smoothing * other
    }

    /// The value with every user counted once.
    pub(super) fn alone(
        &self,
        form: &dyn Discrepancy,
        internal: &Sample,
        external: &Sample,
    ) -> Result<f64, DiscrepancyError> {
        let prepared = form.prepare(internal, external)?;
        let value = prepared.value(&vec![1.0; internal.users], &vec![1.0; external.users]);
        self.finite(form.name(), value.unwrap_or(f64::INFINITY))
    }

    /// The value, or an error that says how to make it finite.
    pub(super) fn finite(&self, name: &'static str, value: f64) -> Result<f64, DiscrepancyError> {
        if value.is_finite() {
            return Ok(value);
        }
        Err(DiscrepancyError::Undefined {
            discrepancy: name,
            side: "internal",
            why: "a cell that only one side has makes it infinite; give smoothing above 0",
        })
    }
}

fn mixed(p: f64, q: f64, share: f64) -> (f64, f64) {
    ((1.0 - share) * p + share * q, (1.0 - share) * q + share * p)
}

/// The parameter `smoothing`.
pub(super) const fn smoothing(default: f64) -> Parameter {
    Parameter {
        name: "smoothing",
        meaning: "share of each side that is mixed into the other",
        default,
        low: 0.0,
        high: 0.5,
        whole: false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        chi_squared, g, hellinger, jensen_shannon, kl, psi, total_variation_binned,
    };
    use super::*;

    const ALL: [&Divergence; 7] = [
        &kl::KL,
        &g::G,
        &psi::PSI,
        &chi_squared::CHI_SQUARED,
        &jensen_shannon::JENSEN_SHANNON,
        &hellinger::HELLINGER,
        &total_variation_binned::TOTAL_VARIATION,
    ];

    #[test]
    fn functions_are_convex_with_their_minimum_at_one() {
        for divergence in ALL {
            let name = divergence.names[0];
            assert_eq!((divergence.f)(1.0), 0.0, "{name}");
            for t in [1e-3, 0.2, 0.7, 1.5, 9.0, 600.0] {
                let (f, slope) = ((divergence.f)(t), (divergence.slope)(t));
                assert!(f > 0.0 && slope * (t - 1.0) > 0.0, "{name} at {t}");
                let step = 1e-5 * t;
                let rise = ((divergence.f)(t + step) - (divergence.f)(t - step)) / (2.0 * step);
                assert!((rise - slope).abs() < 1e-6 * (1.0 + slope.abs()), "{name} at {t}");
            }
            let far = 1e14;
            match divergence.far.is_finite() {
                true => assert!(((divergence.f)(far) / far - divergence.far).abs() < 1e-6),
                false => assert!((divergence.f)(far) / far > 20.0),
            }
        }
    }

    /// Also next to empty cells, where mass can only be gained.
    #[test]
    fn slopes_are_differences() {
        let (p, q) = ([0.5, 0.2, 0.0, 0.3, 0.0], [0.1, 0.4, 0.5, 0.0, 0.0]);
        for divergence in ALL {
            for smoothing in [0.2, 0.05, 0.0] {
                let sum = |p: [f64; 5]| divergence.sum(p.into_iter().zip(q), smoothing);
                for k in 0..5 {
                    let exact = divergence.slope_at(p[k], q[k], smoothing);
                    if !exact.is_finite() || !sum(p).is_finite() {
                        continue;
                    }
                    let mut more = p;
                    more[k] += 1e-7;
                    let slope = (sum(more) - sum(p)) / 1e-7;
                    let name = divergence.names[0];
                    assert!(
                        (slope - exact).abs() < 1e-4 * (1.0 + exact.abs()),
                        "{name}({smoothing}) in cell {k}: {slope}, {exact}"
                    );
                }
            }
        }
    }

    #[test]
    fn empty_cells() {
        let value = |divergence: &Divergence, smoothing| {
            divergence.value([(1.0, 0.0), (0.0, 1.0)].into_iter(), smoothing)
        };
        assert_eq!(value(&jensen_shannon::JENSEN_SHANNON, 0.0), 1.0);
        assert_eq!(value(&hellinger::HELLINGER, 0.0), 1.0);
        assert_eq!(value(&kl::KL, 0.0), f64::INFINITY);
        // 0.9 ln(0.9 / 0.1) + 0.1 ln(0.1 / 0.9).
        assert!((value(&kl::KL, 0.1) - 0.8 * 9.0_f64.ln()).abs() < 1e-14);
        for divergence in ALL {
            for cell in [(0.0, 0.5), (0.5, 0.0), (0.0, 0.0)] {
                assert!(divergence.variation(cell, 0.0).is_finite());
            }
        }
    }
}
