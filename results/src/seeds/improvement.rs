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

use super::bootstrap::{Bootstrap, Estimate, NoInterval, one};
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
    let estimate = one(bootstrap.estimates(&[x, y], streams, |sides| vec![probability(sides)]));
    let runs: Vec<[usize; 2]> =
        x.tasks().iter().zip(y.tasks()).map(|(x, y)| [x.len(), y.len()]).collect();
    let least = too_few(&runs, 1.0 - bootstrap.level);
    Ok(match (estimate.no_interval, least) {
        (None, Some(least)) => {
            Estimate { ci: None, no_interval: Some(NoInterval::TooFewRuns { least }), ..estimate }
        }
        _ => estimate,
    })
}

/// The least number of runs a side, where these are so few that even runs of which every one beats
/// every other come of equal methods by chance with more than `level`: the two-sided exact test of
/// Mann and Whitney, with p = 2 / product over tasks of (n + m choose n).
fn too_few(runs: &[[usize; 2]], level: f64) -> Option<usize> {
    let arrangements =
        |[n, m]: [usize; 2]| (1..=n).map(|i| (m + i) as f64 / i as f64).product::<f64>();
    let p = |of: &mut dyn Iterator<Item = [usize; 2]>| 2.0 / of.map(arrangements).product::<f64>();
    let least = (2..100).find(|&n| p(&mut runs.iter().map(|_| [n, n])) <= level)?;
    (p(&mut runs.iter().copied()) > level).then_some(least)
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
