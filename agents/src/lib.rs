//! Policies of simulated users: random, rule-based personas, and networks that are cloned from real
//! users or trained by PPO.
//!
//! The only room that knows burn.

pub mod amounts;
pub mod architecture;
mod as_given;
pub mod batch;
pub mod calibrator;
pub mod checkpoint;
pub mod cloner;
pub mod clones;
pub mod cloning;
pub mod compute;
pub mod control;
mod control_config;
pub mod discriminator;
pub mod distribution;
mod evaluation;
pub mod experience;
pub mod figures;
pub mod finance;
mod fit;
pub mod fused;
pub mod gae;
pub mod graph;
pub mod learner;
pub mod network_policy;
pub mod normaliser;
pub mod parts;
pub mod personas;
pub mod policy;
pub mod ppo;
mod ppo_config;
pub mod random;
mod reference;
pub mod rollout;
pub mod step_reward;
mod tanh;
pub mod task;
#[cfg(test)]
mod test_world;
mod weights;

#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;
