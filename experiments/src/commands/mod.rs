//! One file a command.

pub mod batch;
pub mod cancel;
pub mod compare;
pub mod conclude;
pub mod describe;
pub mod export;
mod folder;
pub mod index;
pub mod metrics;
pub mod plan;
pub mod report;
pub mod resume;
pub mod run;
pub mod runs;
pub mod schema;
pub mod status;
pub mod sweep;
pub mod validate;
pub mod worker;
