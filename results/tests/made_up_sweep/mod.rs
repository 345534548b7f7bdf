//! Made-up sweeps: [`rewards`] by discrepancies, and a [`search`] over many axes.

pub mod parts;
pub mod rewards;
pub mod search;

use trueup_env::Stream;

/// A standard normal number, by Box and Muller.
fn normal(stream: &mut Stream) -> f64 {
    let radius = (-2.0 * (1.0 - stream.uniform()).ln()).sqrt();
    radius * (std::f64::consts::TAU * stream.uniform()).cos()
}
