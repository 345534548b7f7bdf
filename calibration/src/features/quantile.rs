//! Quantiles of one user's amounts.

use trueup_env::exact::rounded;
use trueup_env::{Event, log_amount};

/// The quantile of the log amounts at so many tenths, interpolated between neighbours (type 7 of
/// Hyndman and Fan, *Sample quantiles in statistical packages*, The American Statistician 50, 1996);
/// none without positive amounts.
pub(super) fn log_amount_quantile(events: &[Event], tenths: usize) -> Option<f64> {
    let mut logs: Vec<f64> = events.iter().filter_map(|event| log_amount(event.amount)).collect();
    logs.sort_unstable_by(f64::total_cmp);
    // Ten times the place.
    let place = tenths * logs.len().checked_sub(1)?;
    let below = *logs.get(place / 10)?;
    let above = *logs.get(place.div_ceil(10))?;
    Some(rounded(below + (place % 10) as f64 / 10.0 * (above - below)))
}
