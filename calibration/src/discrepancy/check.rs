//! What every discrepancy asks of its samples before it looks at them.

use super::{DiscrepancyError, Weighted};
use crate::sample::{Sample, Shape};

/// No value is larger in magnitude. Together with the smallest standard deviation
/// (`user_sums::SMALLEST_SD`) it keeps every power that a formula takes finite.
const LARGEST: f64 = 1e30;
/// Categories are numbered below this, so that tables stay small.
const MOST_CATEGORIES: f64 = 1_048_576.0;
/// Rows and users are numbered below this.
const MOST_ROWS: usize = 1 << 31;

/// Checks two samples for a discrepancy that compares rows of `shape` and `width`.
pub(super) fn samples(
    discrepancy: &'static str,
    shape: Shape,
    width: usize,
    internal: &Sample,
    external: &Sample,
) -> Result<(), DiscrepancyError> {
    for (side, sample) in [("internal", internal), ("external", external)] {
        if sample.shape != shape {
            let given = sample.shape;
            return Err(DiscrepancyError::WrongShape { discrepancy, wanted: shape, given });
        }
        if sample.width != width {
            let given = sample.width;
            return Err(DiscrepancyError::Mismatch(format!(
                "{discrepancy} compares rows of {width} numbers, and {side} rows have {given}"
            )));
        }
        if sample.rows() == 0 {
            return Err(DiscrepancyError::Empty { side });
        }
        layout(side, sample)?;
        finite(&sample.values, width)?;
        if shape == Shape::Category {
            categories(&sample.values, Some(sample.categories))?;
        }
    }
    if internal.categories != external.categories {
        let (p, q) = (internal.categories, external.categories);
        return Err(DiscrepancyError::Mismatch(format!(
            "{p} internal against {q} external categories; both logs need the same kinds"
        )));
    }
    Ok(())
}

fn layout(side: &str, sample: &Sample) -> Result<(), DiscrepancyError> {
    let rows = sample.rows();
    if Some(sample.values.len()) != rows.checked_mul(sample.width) {
        let numbers = sample.values.len();
        return Err(DiscrepancyError::Mismatch(format!(
            "{rows} {side} rows of {} numbers do not make {numbers} numbers",
            sample.width
        )));
    }
    if rows >= MOST_ROWS || sample.users >= MOST_ROWS {
        return Err(DiscrepancyError::Mismatch(format!("more than 2^31 {side} rows or users")));
    }
    match sample.user.iter().find(|&&user| user as usize >= sample.users) {
        None => Ok(()),
        Some(user) => Err(DiscrepancyError::Mismatch(format!(
            "a {side} row belongs to user {user}, and there are {} users",
            sample.users
        ))),
    }
}

fn finite(values: &[f64], width: usize) -> Result<(), DiscrepancyError> {
    match values.iter().position(|value| !value.is_finite() || value.abs() > LARGEST) {
        None => Ok(()),
        Some(i) => Err(DiscrepancyError::NotFinite {
            what: "value",
            row: i / width.max(1),
            value: values[i],
            also: " of at most 1e30 in magnitude",
        }),
    }
}

pub(super) fn categories(values: &[f64], count: Option<usize>) -> Result<(), DiscrepancyError> {
    let count = count.map_or(MOST_CATEGORIES, |count| count as f64);
    let known = |value: f64| value >= 0.0 && value < count && value.fract() == 0.0;
    match values.iter().position(|&value| !known(value)) {
        None => Ok(()),
        Some(row) => Err(DiscrepancyError::Mismatch(format!(
            "row {row} has the category {}; categories are numbered from 0 to {}",
            values[row],
            count - 1.0
        ))),
    }
}

/// Checks weighted numbers.
pub(super) fn points(
    internal: Weighted<'_>,
    external: Weighted<'_>,
) -> Result<(), DiscrepancyError> {
    for (side, points) in [("internal", internal), ("external", external)] {
        if points.values.is_empty() {
            return Err(DiscrepancyError::Empty { side });
        }
        if points.values.len() >= MOST_ROWS {
            return Err(DiscrepancyError::Mismatch(format!("more than 2^31 {side} rows")));
        }
        finite(points.values, 1)?;
        weights(side, points)?;
    }
    Ok(())
}

/// Checks weighted categories.
pub(super) fn category_points(
    internal: Weighted<'_>,
    external: Weighted<'_>,
) -> Result<(), DiscrepancyError> {
    points(internal, external)?;
    categories(internal.values, None)?;
    categories(external.values, None)
}

fn weights(side: &'static str, points: Weighted<'_>) -> Result<(), DiscrepancyError> {
    let Some(weights) = points.weights else {
        return Ok(());
    };
    let (given, rows) = (weights.len(), points.values.len());
    if given != rows {
        return Err(DiscrepancyError::Mismatch(format!(
            "{given} {side} weights for {rows} values"
        )));
    }
    if let Some(row) = weights.iter().position(|weight| !weight.is_finite() || *weight < 0.0) {
        let value = weights[row];
        return Err(DiscrepancyError::NotFinite {
            what: "weight",
            row,
            value,
            also: " of at least 0",
        });
    }
    let sum: f64 = weights.iter().sum();
    if (1.0 / LARGEST..LARGEST).contains(&sum) {
        return Ok(());
    }
    Err(DiscrepancyError::Mismatch(format!(
        "the {side} weights add up to {sum}; the sum must be positive and of a usual size"
    )))
}
