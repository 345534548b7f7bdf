//! One file a command.

pub mod compare;
pub mod describe;
pub mod export;
pub mod report;
pub mod run;
pub mod validate;
