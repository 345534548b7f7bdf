//! Configs, runner and command line of trueup.
//!
//! A [`config`] says what to compare; [`prepare`] reads the real users, and [`run`] takes them to
//! the report; [`calibrators`] is the list of what can be compared. The rest is the command line.

// `println!` and `eprintln!` panic when their reader has gone away; `cli::print` and `cli::tell` do not.
#![cfg_attr(not(test), warn(clippy::print_stdout, clippy::print_stderr))]

pub mod calibrators;
pub mod cli;
mod commands;
pub mod config;
mod failure;
pub mod prepare;
pub mod progress;
pub mod prune;
mod recorder;
pub mod resume;
pub mod rewards;
pub mod run;
pub mod schema;
pub mod search;
mod secret;
pub mod session;
pub mod sweep;
pub mod task_run;
mod verdict;

pub use failure::Failure;

/// The code of CONTRIBUTING.md, so that it compiles and holds.
#[cfg(doctest)]
#[doc = include_str!("../../CONTRIBUTING.md")]
pub struct Contributing;
