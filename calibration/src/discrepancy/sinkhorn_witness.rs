//! The witness of the Sinkhorn divergence.
//!
//! `dS/dP(x) = f(x) - f_P(x)` with f the potential of P against Q and f_P that of P against itself
//! (Feydy and others, AISTATS 2019, proposition 2), both carried from rows to any x by a soft
//! minimum.

use super::soft_minimum::SoftMinimum;

/// Both soft minima.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SoftMinima {
    /// Over the external rows, with g of P against Q.
    pub(super) external: SoftMinimum,
    /// Over the internal rows, with f_P.
    pub(super) internal: SoftMinimum,
    /// Turns units of epsilon into costs.
    pub(super) epsilon: f64,
}

impl SoftMinima {
    /// `f_P(x) - f(x)` at a standardised row.
    pub(super) fn at(&self, row: &[f64]) -> f64 {
        self.epsilon * (self.internal.at(row) - self.external.at(row))
    }
}
