//! The finance world of trueup and the types that everything else speaks in.
//!
//! A world holds many users on one [`clock`]. Each tick a user does nothing or some events of a
//! kind with an amount; what happened is an [`event_log`]. Real (external) and simulated (internal)
//! users have the same type of log. The room knows no data files, statistics or networks.

pub mod classic;
pub mod clock;
pub mod environment;
pub mod event_log;
pub mod exact;
pub mod finance;
pub mod history;
pub mod lanes;
pub mod market;
pub mod money;
pub mod payment;
pub mod random;
pub mod space;
pub mod vector;

pub use classic::{ControlEnvironment, ControlLanes};
pub use clock::{Clock, Tick};
pub use environment::{Environment, Step, StepError};
pub use event_log::{Covariates, Event, EventLog, LogError, MAX_CATEGORIES, MAX_KINDS};
pub use finance::{
    CheckedWorld, FinanceAction, FinanceEnvironment, FinanceInfo, FinanceLanes, World, WorldError,
};
pub use history::{History, log_amount};
pub use lanes::{Actions, Lanes};
pub use money::Money;
pub use payment::{Payment, replay};
pub use random::{Stream, Streams};
pub use space::Space;
pub use vector::{RestoreError, VectorEnvironment};

/// The examples of the README, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
