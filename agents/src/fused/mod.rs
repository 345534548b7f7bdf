//! The network on the CPU: forward pass for who acts, and training steps with gradients by hand.
//!
//! A small network's pass is a few microseconds of arithmetic; a graph of tensors spends most of
//! its time on allocation and bookkeeping. Here a pass is straight-line code over flat arrays that
//! are reused from step to step:
//!
//! | file | what it holds |
//! |---|---|
//! | `simd.rs` | which copy of a loop runs: AVX-512, AVX2, or the baseline |
//! | `matmul.rs`, `narrow.rs` | products of small matrices, and of those with few columns |
//! | `elementwise.rs` | tanh, exp, norm, Adam |
//! | `layout.rs`, `trunk.rs` | the layers, forward and backward |
//! | `terms.rs`, `categorical.rs`, `gaussian.rs` | the objectives and their gradients |
//! | `piece.rs`, `cpu.rs` | a shard of rows; the learner, which adds shards in a fixed order |
//! | `forward.rs` | the forward pass alone |

mod categorical;
mod cpu;
mod elementwise;
mod forward;
mod gaussian;
mod layout;
mod matmul;
mod narrow;
mod piece;
#[cfg(test)]
mod reference;
mod simd;
mod terms;
#[cfg(test)]
mod tests;
mod trunk;

pub use cpu::FusedLearner;
pub use forward::Forward;
