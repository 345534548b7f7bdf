//! What a few seeds can say: aggregates over runs and tasks with honest intervals.
//!
//! Seeds are replications, never tuned. A task is whatever the same method is repeated on: a
//! dataset, an environment, a metric. Definitions are those of Agarwal, Schwarzer, Castro, Courville
//! and Bellemare, *Deep reinforcement learning at the edge of the statistical precipice*, NeurIPS
//! 2021; the tests compare with their package `rliable`.
//!
//! Tasks may have unequal numbers of runs, as when a seed failed: every task then has the same
//! weight, and the runs of a task share it. Larger scores are better.
//!
//! ```
//! use trueup_env::Streams;
//! use trueup_results::seeds::{Aggregate, Bootstrap, Scores};
//! // Gap closed of four seeds on two datasets.
//! let scores = Scores::new(vec![vec![0.9, 0.8, 0.95, 0.85], vec![0.5, 0.7, 0.6, 0.4]])?;
//! let estimate = Bootstrap::default().aggregate(&scores, Aggregate::Iqm, &Streams::new(1));
//! let [low, high] = estimate.ci.unwrap_or_default();
//! assert!((estimate.value - 0.7375).abs() < 1e-12);
//! assert!(low < 0.7375 && 0.7375 < high);
//! # Ok::<(), trueup_results::seeds::SeedsError>(())
//! ```

mod aggregate;
mod bootstrap;
mod improvement;
mod learning;
mod profile;
mod scores;
#[cfg(test)]
mod tests;

pub use aggregate::{Aggregate, iqm};
pub use bootstrap::{Bootstrap, Estimate, LEAST_SEEDS, NoInterval};
pub use improvement::probability_of_improvement;
pub use learning::{Curve, CurvePoint};
pub use profile::Profile;
pub use scores::{Scores, SeedsError};
