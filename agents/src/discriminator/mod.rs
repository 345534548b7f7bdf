//! Rewards that are learned from the real users' sequences: discriminators that are refitted on
//! every rollout, and pay what they cannot tell from real.
//!
//! They need the training log, not only its statistics, and they may look at everything: a panel
//! counts the features that they see as rewarded ([`StepReward::terms`]).
//!
//! A discriminator is a small network whose slope is bounded layer by layer (spectral norms),
//! fitted by smoothed logistic regression with a memory of earlier rollouts. [`gail`] pays its
//! log-odds, [`airl`] splits them into a reward and its shaping.
//!
//! [`StepReward::terms`]: crate::step_reward::StepReward::terms

pub mod airl;
pub mod config;
mod fit;
pub mod gail;
mod network;
mod rows;
mod shaped;
mod spectral;
mod steps;
mod users;

#[cfg(test)]
mod tests;

pub use airl::Airl;
pub use config::{AirlConfig, DiscriminatorConfig, GailConfig, LearnedConfig, Level};
pub use gail::Gail;
