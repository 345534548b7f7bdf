//! One number measured on each side of a comparison, e.g. a correlation.

use super::DiscrepancyError;
use super::lanes::InLanes;
use super::user_sums::UserSums;

/// What a measurement found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Measure {
    /// The number.
    Value(f64),
    /// All values are equal: there is no variance to explain.
    NoSpread,
    /// Too few users or rows, or no weight left.
    TooFew,
}

impl Measure {
    /// The number, or an error that says what is missing.
    pub(super) fn required(
        self,
        discrepancy: &'static str,
        side: &'static str,
        few: &'static str,
    ) -> Result<f64, DiscrepancyError> {
        let why = match self {
            Self::Value(value) => return Ok(value),
            Self::NoSpread => "its values do not vary",
            Self::TooFew => few,
        };
        Err(DiscrepancyError::Undefined { discrepancy, side, why })
    }

    /// The number where there is one.
    pub(super) fn value(self) -> Option<f64> {
        match self {
            Self::Value(value) => Some(value),
            Self::NoSpread | Self::TooFew => None,
        }
    }

    /// Of simulated users: without variance there is nothing that one value tells about another,
    /// which counts as 0, so that a collapsed simulation has a discrepancy and not an error.
    pub(super) fn or_nothing(self) -> Self {
        if self == Self::NoSpread { Self::Value(0.0) } else { self }
    }
}

/// `|measure(internal) - measure(external)|` from per-user sums.
pub(super) struct Gap<const K: usize> {
    /// Sums of the internal users.
    pub(super) internal: UserSums<K>,
    /// Sums of the external users.
    pub(super) external: UserSums<K>,
    /// The number, from total sums.
    pub(super) measure: fn([f64; K]) -> Measure,
}

impl<const K: usize> InLanes for Gap<K> {
    fn lanes<const L: usize>(
        &self,
        internal: [&[f64]; L],
        external: [&[f64]; L],
    ) -> Option<[Option<f64>; L]> {
        let (p, q) = (self.internal.under_each(internal)?, self.external.under_each(external)?);
        Some(std::array::from_fn(|lane| {
            match ((self.measure)(p[lane]).or_nothing(), (self.measure)(q[lane])) {
                (Measure::Value(p), Measure::Value(q)) => Some((p - q).abs()),
                _ => None,
            }
        }))
    }
}
