//! Policies of simulated users: random, rule-based personas, and networks trained by PPO.
//!
//! The only room that knows burn.

pub mod amounts;
mod batch;
pub mod gae;
mod gradients;
pub mod network;
pub mod network_policy;
pub mod personas;
pub mod policy;
pub mod ppo;
pub mod random;
mod rollout;
mod tanh;
#[cfg(test)]
mod test_world;
mod weights;

#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;
