//! Quantiles of one user's amounts.

use trueup_env::{Event, log_amount};

/// The quantile of the log amounts at share `p`, interpolated between neighbours (type 7 of Hyndman
/// and Fan, *Sample quantiles in statistical packages*, The American Statistician 50, 1996); none
/// without positive amounts.
pub(super) fn log_amount_quantile(events: &[Event], p: f64) -> Option<f64> {
    let mut logs: Vec<f64> = events.iter().filter_map(|event| log_amount(event.amount)).collect();
    logs.sort_unstable_by(f64::total_cmp);
    let place = p * logs.len().checked_sub(1)? as f64;
    let below = *logs.get(place.floor() as usize)?;
    let above = *logs.get(place.ceil() as usize)?;
    Some(below + place.fract() * (above - below))
}
