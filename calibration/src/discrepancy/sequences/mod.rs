//! Discrepancies of what follows what: transitions between kinds, runs and n-grams of them, the
//! course of a number over a user's rows, and paths.

use super::{DiscrepancyError, Parameter};
use crate::sample::Sample;

mod chain;
mod counts;
pub mod dwell_gap;
pub mod msas;
pub mod ngram_divergence;
pub mod signature;
pub mod signature_mmd;
pub mod stationary_gap;
pub mod transition_distance;

/// The rows of each user that has any, in time order.
fn sequences<'a>(
    side: &'static str,
    sample: &'a Sample,
) -> Result<impl Iterator<Item = (u32, &'a [f64])>, DiscrepancyError> {
    if !sample.user.is_sorted() {
        return Err(DiscrepancyError::Mismatch(format!(
            "the {side} rows are not in the order of their users, so that what follows what is \
             not known"
        )));
    }
    let mut start = 0;
    Ok(sample.user.chunk_by(|a, b| a == b).map(move |rows| {
        let end = start + rows.len() * sample.width;
        let values = &sample.values[start..end];
        start = end;
        (rows[0], values)
    }))
}

const fn whole(
    name: &'static str,
    meaning: &'static str,
    default: f64,
    low: f64,
    high: f64,
) -> Parameter {
    Parameter { name, meaning, default, low, high, whole: true }
}
