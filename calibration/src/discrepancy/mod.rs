//! Discrepancies: distances D(P, Q) between the internal distribution P and the external one Q of
//! a feature, and their witnesses, of which rewards are made.
//!
//! To add one, write a file with a type that implements [`Discrepancy`] and add it to
//! [`DISCREPANCIES`]; panels, rewards, `compare` and configs find it by name.

pub mod energy_nd;

use crate::sample::{Sample, Shape};

mod axis;
mod check;
mod lanes;
mod measure;
mod standardised;
mod user_sums;

pub mod between_share_gap;
pub mod correlation_gap;
pub mod cramer_von_mises;
pub mod energy;
pub mod kolmogorov_smirnov;
pub mod mean_gap;
pub mod moments;
pub mod sd_gap;
pub mod total_variation;
pub mod wasserstein;

/// All discrepancies.
pub const DISCREPANCIES: &[&dyn Discrepancy] = &[
    &kolmogorov_smirnov::KolmogorovSmirnov,
    &wasserstein::Wasserstein1,
    &cramer_von_mises::CramerVonMises,
    &energy::Energy,
    &mean_gap::MeanGap,
    &sd_gap::SdGap,
    &moments::Moments,
    &total_variation::TotalVariation,
    &correlation_gap::CorrelationGap,
    &between_share_gap::BetweenShareGap,
    &energy_nd::EnergyNd { rows: 2000 },
];

/// Finds a discrepancy by name.
pub fn find(name: &str) -> Option<&'static dyn Discrepancy> {
    DISCREPANCIES.iter().find(|discrepancy| discrepancy.name() == name).copied()
}

/// Why a value could not be computed.
#[derive(Debug, Clone, thiserror::Error, PartialEq)]
pub enum DiscrepancyError {
    /// One side has no rows.
    #[error("the {side} sample has no rows: the feature is defined for none of its users")]
    Empty {
        /// `internal` or `external`.
        side: &'static str,
    },
    /// The discrepancy does not compare such rows.
    #[error("{discrepancy} compares {wanted:?} rows, not {given:?} rows")]
    WrongShape {
        /// Name of the discrepancy.
        discrepancy: &'static str,
        /// What it compares.
        wanted: Shape,
        /// What it was given.
        given: Shape,
    },
    /// The two sides have rows of different width or other categories.
    #[error("the two samples do not match: {0}")]
    Mismatch(String),
    /// NaN, infinite, negative or all-zero weights, or values that are not finite.
    #[error("{what} of row {row} is {value}, not a finite number{also}")]
    NotFinite {
        /// `value` or `weight`.
        what: &'static str,
        /// The row.
        row: usize,
        /// Its value.
        value: f64,
        /// A further condition.
        also: &'static str,
    },
    /// A side is too small, or has too little spread, for the number to exist.
    #[error("{discrepancy} is not defined on the {side} sample: {why}")]
    Undefined {
        /// Name of the discrepancy.
        discrepancy: &'static str,
        /// `internal` or `external`.
        side: &'static str,
        /// What is missing.
        why: &'static str,
    },
    /// The value needs a spread that the external sample does not have.
    #[error(
        "all external values are equal to {value}: {discrepancy} in units of their standard \
         deviation is not defined"
    )]
    Constant {
        /// Name of the discrepancy.
        discrepancy: &'static str,
        /// The one value.
        value: f64,
    },
}

/// Real rows with weights, as witnesses and one-dimensional distances see them. `weights` none
/// means equal weights.
#[derive(Clone, Copy, Debug)]
pub struct Weighted<'a> {
    /// Finite values in any order.
    pub values: &'a [f64],
    /// Finite weights of at least 0 with a positive sum, one a value.
    pub weights: Option<&'a [f64]>,
}

impl<'a> Weighted<'a> {
    /// Values that count equally.
    pub fn equal(values: &'a [f64]) -> Self {
        Self { values, weights: None }
    }
}

/// A pair of samples made ready (sorted, merged) so that values under many weights are cheap: a
/// bootstrap over users asks for one a replicate.
pub trait Prepared: Send + Sync {
    /// The value when each user counts as often as its weight says. Lengths: internal users,
    /// external users. None when a side has no weight left on rows, or the value is undefined.
    fn value(&self, internal: &[f64], external: &[f64]) -> Option<f64>;

    /// The values under many weightings, as many as both lists have: the same numbers, at less cost
    /// where a pass over the rows serves several.
    fn values(&self, internal: &[Vec<f64>], external: &[Vec<f64>]) -> Vec<Option<f64>> {
        internal.iter().zip(external).map(|(p, q)| self.value(p, q)).collect()
    }
}

/// One discrepancy. Smaller is better, 0 is equality.
pub trait Discrepancy: Send + Sync {
    /// Name in configs and results, in kebab-case.
    fn name(&self) -> &'static str;

    /// Title for plots and tables.
    fn title(&self) -> &'static str;

    /// One line: the formula.
    fn definition(&self) -> &'static str;

    /// Unit of the value, e.g. `external sd`; empty for pure numbers.
    fn unit(&self) -> &'static str {
        ""
    }

    /// What rows it compares.
    fn shape(&self) -> Shape;

    /// Whether [`Discrepancy::weighted_value`] is the square of a distance: rewards then pay the
    /// first variation of its root, so that small and large distances pull alike.
    fn squared(&self) -> bool {
        false
    }

    /// Sorts and merges the samples once.
    ///
    /// # Errors
    /// Empty sides, another shape or width, or an external sample without spread where the value
    /// is in its units.
    fn prepare<'a>(
        &self,
        internal: &'a Sample,
        external: &'a Sample,
    ) -> Result<Box<dyn Prepared + 'a>, DiscrepancyError>;

    /// The witness -dD/dP at P = `internal`, up to a constant; none where the discrepancy has
    /// none. `internal` and `external` hold real numbers, or category numbers.
    fn witness(
        &self,
        _internal: Weighted<'_>,
        _external: Weighted<'_>,
    ) -> Option<Result<Witness, DiscrepancyError>> {
        None
    }

    /// The value on weighted rows where there is a closed form over single numbers; used by
    /// rewards to normalise, and by tests against finite differences. It is what the witness is
    /// the first variation of: for `energy`, the square of the value.
    fn weighted_value(
        &self,
        _internal: Weighted<'_>,
        _external: Weighted<'_>,
    ) -> Option<Result<f64, DiscrepancyError>> {
        None
    }

    /// The value with every user counted once.
    ///
    /// # Errors
    /// As for [`Discrepancy::prepare`].
    fn value(&self, internal: &Sample, external: &Sample) -> Result<f64, DiscrepancyError> {
        let prepared = self.prepare(internal, external)?;
        prepared.value(&vec![1.0; internal.users], &vec![1.0; external.users]).ok_or(
            DiscrepancyError::Undefined {
                discrepancy: self.name(),
                side: "internal",
                why: "its values are too far away to be summed up",
            },
        )
    }
}

/// How much a discrepancy falls when P gains mass at x: the first variation with its sign turned,
/// up to a constant.
#[derive(Clone, Debug, PartialEq)]
pub enum Witness {
    /// Piecewise linear through (knot, value), constant outside; knots strictly ascending.
    Curve {
        /// Places.
        knots: Vec<f64>,
        /// Values there.
        values: Vec<f64>,
    },
    /// `linear z + square z^2` with `z = (x - centre) / scale`.
    Parabola {
        /// Centre.
        centre: f64,
        /// Scale, positive.
        scale: f64,
        /// Coefficient of z.
        linear: f64,
        /// Coefficient of z^2.
        square: f64,
    },
    /// One value a category.
    Table(Vec<f64>),
}

impl Witness {
    /// The witness at `x` (for a table: at category number `x`; 0 outside it).
    pub fn at(&self, x: f64) -> f64 {
        match self {
            Self::Curve { knots, values } => {
                let above = knots.partition_point(|&knot| knot <= x);
                match (above.checked_sub(1), above) {
                    (None, _) => values.first().copied().unwrap_or(0.0),
                    (Some(below), above) if above == knots.len() => values[below],
                    (Some(below), above) => {
                        let share = (x - knots[below]) / (knots[above] - knots[below]);
                        values[below] + share * (values[above] - values[below])
                    }
                }
            }
            Self::Parabola { centre, scale, linear, square } => {
                let z = (x - centre) / scale;
                linear * z + square * z * z
            }
            Self::Table(values) => values.get(x as usize).copied().unwrap_or(0.0),
        }
    }
}
