//! `[launch] kind = "local"`: workers on this machine.

use serde::Serialize;

use super::positive;
use crate::config::{Refused, Section};

/// Keys of this kind alone.
pub(super) const KEYS: [&str; 2] = ["jobs", "fail_fast"];

/// Workers on this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Local {
    /// Runs at a time; none for as many as there are cores for.
    pub jobs: Option<usize>,
    /// Whether the first failure stops the sweep.
    pub fail_fast: bool,
}

impl Local {
    pub(super) fn check(section: &mut Section<'_>) -> Result<Self, Refused> {
        let jobs = positive(section, "jobs")?;
        let fail_fast = section.take::<bool>("fail_fast")?;
        Ok(Self { jobs, fail_fast: fail_fast.is_some_and(|given| given.into_inner()) })
    }

    /// Runs at a time, with so many threads each.
    pub fn jobs(&self, threads: usize) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        self.jobs.unwrap_or(cores / threads.max(1)).max(1)
    }
}
