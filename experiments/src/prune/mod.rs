//! Whether a trial is worth going on with, from what it and others have reported on the way.
//!
//! Decisions are pure functions of recorded curves, so that they can be made again and looked up.
//! All values are to be as small as possible. [`Median`] and [`Halving`] decide as reports come in:
//! which trials are ahead then depends on how many run at once. [`rungs`] and [`survivors`] decide
//! for all trials together, which is the same however many run at once.

mod halving;
mod median;
mod rungs;

pub use halving::Halving;
pub use median::Median;
pub use rungs::{rungs, survivors};

/// What a trial has reported: steps in ascending order, each with its value.
pub type Curve = [(u64, f64)];

#[cfg(test)]
mod tests;
