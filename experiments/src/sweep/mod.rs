//! Sweeps: a config with `[sweep]` becomes a frozen plan, workers run it, and a summary is read from
//! the run directories.
//!
//! ```text
//! config --plan--> folder of the sweep --workers claim runs--> run directories --> summary, report
//! ```
//! Workers need nobody who tells them what to do: they go through the plan and claim what is not
//! done. A runner only starts them and shows what they tell; a cluster starts them itself.

pub mod advance;
pub mod conduct;
pub mod config;
pub mod event;
pub mod freeze;
pub mod launch;
pub mod local;
pub mod pilot;
pub mod plan;
pub mod progress;
mod prune_config;
pub mod rungs;
pub mod slurm;
pub mod worker;

pub use config::SweepConfig;
pub use launch::Launch;
pub use plan::{Planned, plan};
