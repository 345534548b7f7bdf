//! Whether a trial is worth going on with, from what it and others have reported on the way.
//!
//! Decisions are pure functions of recorded curves, so that they can be made again and looked up.
//! All values are to be as small as possible. Asked as reports come in, as Optuna asks them, rules
//! depend on which trials are ahead and so on how many run at once. A sweep asks once all trials have
//! come to a rung (`sweep/rungs.rs`), so that the answer is the same however many run at once.

mod halving;
mod median;

pub use halving::Halving;
pub use median::Median;

/// What a trial has reported: steps in ascending order, each with its value.
pub type Curve = [(u64, f64)];

#[cfg(test)]
mod tests;
