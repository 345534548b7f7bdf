//! How probable it is that one method beats another on a task.
//!
//! ```text
//! P(X > Y) = mean over tasks of  U / (runs of X * runs of Y)
//! U = number of pairs (x, y) with x > y, equal ones counted half
//! ```
//!
//! Source: Mann and Whitney, *On a test of whether one of two random variables is stochastically
//! larger than the other*, Annals of Mathematical Statistics 18, 1947; over tasks in Agarwal et al.
//! (2021), section 4.3. One half is no difference; it says how often X wins, not by how much.

use trueup_env::Streams;

use super::bootstrap::{Bootstrap, Estimate, one};
use super::scores::{Scores, SeedsError, mean};

/// The probability that a run of `x` scores above a run of `y` on the same task, with an interval
/// over the seeds of both.
///
/// # Errors
/// Unequal numbers of tasks.
pub fn probability_of_improvement(
    x: &Scores,
    y: &Scores,
    bootstrap: &Bootstrap,
    streams: &Streams,
) -> Result<Estimate, SeedsError> {
    let (tasks_x, tasks_y) = (x.tasks().len(), y.tasks().len());
    if tasks_x != tasks_y {
        return Err(SeedsError::Unmatched { x: tasks_x, y: tasks_y });
    }
    Ok(one(bootstrap.estimates(&[x, y], streams, |sides| vec![probability(sides)])))
}

/// Of two sides with the same tasks.
pub(super) fn probability(sides: &[&[Vec<f64>]]) -> f64 {
    let [x, y] = sides else { return f64::NAN };
    let shares: Vec<f64> = x.iter().zip(*y).map(|(x, y)| wins(x, y)).collect();
    mean(&shares)
}

/// Share of pairs that x wins.
fn wins(x: &[f64], y: &[f64]) -> f64 {
    let against = |a: f64| {
        y.iter().map(move |&b| if a > b { 1.0 } else { f64::from(u8::from(a == b)) / 2.0 })
    };
    let won: f64 = x.iter().flat_map(|&a| against(a)).sum();
    won / (x.len() * y.len()) as f64
}
