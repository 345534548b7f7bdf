//! How far an evaluation is: weightings of metrics that are measured, of all that will be.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Told of (weightings of metrics done, in all), from any thread.
pub type Tell<'a> = dyn Fn(usize, usize) + Sync + 'a;

/// A classifier test costs about as much as so many metrics.
const CLASSIFIER: usize = 20;

/// Counts what is done.
pub(super) struct Work<'a> {
    done: AtomicUsize,
    total: usize,
    tell: &'a Tell<'a>,
}

impl<'a> Work<'a> {
    /// What `compared` pairs of logs need, of which `tested` have permutation tests.
    pub fn new(
        metrics: usize,
        [compared, tested]: [usize; 2],
        [replicates, permutations]: [usize; 2],
        tell: &'a Tell<'a>,
    ) -> Self {
        let tests = if permutations == 0 { 0 } else { tested * metrics * (1 + permutations) };
        let total = compared * (metrics + CLASSIFIER) * (1 + replicates) + tests;
        Self { done: AtomicUsize::new(0), total, tell }
    }

    /// So many weightings of a metric are measured.
    pub fn add(&self, weightings: usize) {
        let done = self.done.fetch_add(weightings, Ordering::Relaxed) + weightings;
        (self.tell)(done.min(self.total), self.total);
    }

    /// A classifier test with so many replicates is done.
    pub fn classified(&self, replicates: usize) {
        self.add(CLASSIFIER * (1 + replicates));
    }
}
