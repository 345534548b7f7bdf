//! What joint discrepancies share: rows of several numbers, standardised and thinned.
//!
//! Coordinates are standardised by the mean and standard deviation (n) of the external rows. Of two
//! samples these are *all* external rows, whatever the weights of their users, so that the rows stay
//! where they are under a bootstrap; of weighted rows the weights count. A coordinate in which
//! the external rows do not differ is only centred, so that a simulation that spreads there is still
//! seen. At most `rows` rows a side are compared: every (n / rows)-th row, evenly spaced over
//! the users, which draws no random number and so is the same for every calibrator and replicate.

use super::scaling::Scaling;
use super::{DiscrepancyError, Parameter, Weighted, check};
use crate::neighbours::evenly;
use crate::sample::{Sample, Shape};

/// No value is larger in magnitude, so that every power that a formula takes is finite.
const LARGEST: f64 = 1e30;

/// The parameter `rows` of a joint discrepancy.
pub(super) const fn rows_parameter(default: usize, high: usize) -> Parameter {
    Parameter {
        name: "rows",
        meaning: "the most rows a side that are compared",
        default: default as f64,
        low: 10.0,
        high: high as f64,
        whole: true,
    }
}

/// Refuses samples that are no vectors of one width.
pub(super) fn check_samples(
    discrepancy: &'static str,
    internal: &Sample,
    external: &Sample,
) -> Result<(), DiscrepancyError> {
    check::samples(discrepancy, Shape::Vector, internal.width, internal, external)?;
    if internal.width == 0 { Err(DiscrepancyError::Empty { side: "internal" }) } else { Ok(()) }
}

/// Refuses weighted rows that are empty, not finite, or of another width.
pub(super) fn check_points(
    internal: Weighted<'_>,
    external: Weighted<'_>,
) -> Result<(), DiscrepancyError> {
    let width = internal.width;
    for (side, points) in [("internal", internal), ("external", external)] {
        if points.values.is_empty() || points.width == 0 {
            return Err(DiscrepancyError::Empty { side });
        }
        if points.width != width || !points.values.len().is_multiple_of(width) {
            return Err(DiscrepancyError::Mismatch(format!(
                "{} {side} numbers in rows of {} do not make rows of {width}",
                points.values.len(),
                points.width
            )));
        }
    }
    for points in [internal, external] {
        let usual = |value: &f64| value.is_finite() && value.abs() <= LARGEST;
        if let Some(at) = points.values.iter().position(|value| !usual(value)) {
            return Err(DiscrepancyError::NotFinite {
                what: "value",
                row: at / width,
                value: points.values[at],
                also: " of at most 1e30 in magnitude",
            });
        }
    }
    // Weights belong to rows and not to numbers, so they are checked beside as many numbers.
    let [p, q] = [internal, external].map(|points| vec![1.0; points.values.len() / width]);
    check::points(
        Weighted { values: &p, width: 1, weights: internal.weights },
        Weighted { values: &q, width: 1, weights: external.weights },
    )
}

/// The compared rows of one side, standardised.
#[derive(Clone, Debug)]
pub(super) struct Side {
    /// Numbers a row.
    pub(super) width: usize,
    /// Row after row.
    pub(super) rows: Vec<f64>,
    /// The user of each row.
    pub(super) users: Vec<u32>,
    /// How many users there are.
    pub(super) all_users: usize,
}

impl Side {
    /// At most `most` rows of a sample.
    pub(super) fn of_sample(sample: &Sample, most: usize, scaling: &Scaling) -> Self {
        let mut side = Self::empty(sample.width, sample.users);
        for row in evenly(sample.rows(), most.max(1)) {
            side.rows.extend(scaling.standardised(sample.row(row)));
            side.users.push(sample.user[row]);
        }
        side
    }

    /// At most `most` of weighted rows, each a user of its own, with their shares of 1.
    pub(super) fn of_points(
        points: Weighted<'_>,
        most: usize,
        scaling: &Scaling,
    ) -> Result<(Self, Vec<f64>), DiscrepancyError> {
        let rows = points.values.chunks_exact(points.width);
        let mut side = Self::empty(points.width, 0);
        let mut weights = Vec::new();
        let mut wanted = evenly(rows.len(), most.max(1)).peekable();
        for (i, row) in rows.enumerate() {
            if wanted.next_if_eq(&i).is_some() {
                side.rows.extend(scaling.standardised(row));
                side.users.push(weights.len() as u32);
                weights.push(points.weights.map_or(1.0, |weights| weights[i]));
            }
        }
        side.all_users = weights.len();
        let shares = side.shares(&weights);
        let none = "the rows that are compared have no weight";
        Ok((side, shares.ok_or_else(|| DiscrepancyError::Mismatch(none.into()))?))
    }

    fn empty(width: usize, all_users: usize) -> Self {
        Self { width, rows: Vec::new(), users: Vec::new(), all_users }
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.users.len()
    }

    /// One row.
    #[inline(always)]
    pub(super) fn row(&self, i: usize) -> &[f64] {
        &self.rows[i * self.width..(i + 1) * self.width]
    }

    /// What each row counts when each user counts as often as its weight says: shares of 1. None
    /// where the weights are not one finite number of at least 0 a user, or leave no row.
    pub(super) fn shares(&self, weights: &[f64]) -> Option<Vec<f64>> {
        let valid = |weight: &f64| weight.is_finite() && *weight >= 0.0;
        if weights.len() != self.all_users || !weights.iter().all(valid) {
            return None;
        }
        let weight = |&user: &u32| weights[user as usize];
        let total: f64 = self.users.iter().map(weight).sum();
        let counts = total.is_finite() && total > 1e-300;
        counts.then(|| self.users.iter().map(|user| weight(user) / total).collect())
    }
}

/// Two samples, checked, standardised and thinned.
pub(super) fn sides_of_samples(
    discrepancy: &'static str,
    internal: &Sample,
    external: &Sample,
    most: usize,
) -> Result<[Side; 2], DiscrepancyError> {
    check_samples(discrepancy, internal, external)?;
    let scaling = Scaling::of_samples(&[external]);
    Ok([internal, external].map(|sample| Side::of_sample(sample, most, &scaling)))
}

/// Weighted rows of both sides, checked, standardised and thinned.
pub(super) struct Points {
    /// By the external rows.
    pub(super) scaling: Scaling,
    /// The internal rows with their shares of 1.
    pub(super) internal: (Side, Vec<f64>),
    /// The external rows with their shares of 1.
    pub(super) external: (Side, Vec<f64>),
}

impl Points {
    /// Of at most `most` rows a side.
    pub(super) fn new(
        internal: Weighted<'_>,
        external: Weighted<'_>,
        most: usize,
    ) -> Result<Self, DiscrepancyError> {
        check_points(internal, external)?;
        let scaling = Scaling::of_points(external);
        let internal = Side::of_points(internal, most, &scaling)?;
        let external = Side::of_points(external, most, &scaling)?;
        Ok(Self { scaling, internal, external })
    }
}
