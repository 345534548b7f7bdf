//! Networks in burn's graph: the reference for [`crate::learner`], and the way to GPUs.

mod activation;
mod adam;
mod distribution;
mod inputs;
mod learner;
mod loss;
mod module;
mod report;

pub use learner::GraphLearner;
pub use module::{ActorCritic, Features};
