//! One file a command.

pub mod compare;
pub mod describe;
pub mod export;
pub mod metrics;
pub mod report;
pub mod resume;
pub mod run;
pub mod validate;
