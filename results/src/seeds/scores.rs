//! Scores by task and run, checked once.

/// Scores of one method: at least one task, at least one run a task, all finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    tasks: Vec<Vec<f64>>,
}

/// Why numbers are no scores.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum SeedsError {
    /// No task at all.
    #[error("there is no task to take statistics over; give at least one run")]
    Empty,
    /// A task without a run.
    #[error("task {task} has no run; leave it out, or run it")]
    NoRun {
        /// Place of the task.
        task: usize,
    },
    /// Runs with unequal numbers of tasks.
    #[error("run {run} has {given} tasks and the first run {wanted}; group the scores by task")]
    Ragged {
        /// Place of the run.
        run: usize,
        /// Its number of tasks.
        given: usize,
        /// That of the first run.
        wanted: usize,
    },
    /// A score that is NaN or infinite.
    #[error(
        "the score of run {run} on task {task} is {value}; count the run as failed and leave it out"
    )]
    NotFinite {
        /// Place of the task.
        task: usize,
        /// Place of the run in the task.
        run: usize,
        /// The score.
        value: f64,
    },
    /// Two methods that were not run on the same tasks.
    #[error("one method has {x} tasks and the other {y}; compare them on the tasks that both have")]
    Unmatched {
        /// Number of tasks of the first.
        x: usize,
        /// Number of tasks of the second.
        y: usize,
    },
}

impl Scores {
    /// Scores by task, then run; tasks may have unequal numbers of runs.
    ///
    /// # Errors
    /// No task, a task without a run, or a score that is not finite.
    pub fn new(tasks: Vec<Vec<f64>>) -> Result<Self, SeedsError> {
        if tasks.is_empty() {
            return Err(SeedsError::Empty);
        }
        for (task, runs) in tasks.iter().enumerate() {
            if runs.is_empty() {
                return Err(SeedsError::NoRun { task });
            }
            if let Some((run, &value)) = runs.iter().enumerate().find(|(_, x)| !x.is_finite()) {
                return Err(SeedsError::NotFinite { task, run, value });
            }
        }
        Ok(Self { tasks })
    }

    /// Scores by run, then task, every run on all tasks.
    ///
    /// # Errors
    /// As for [`Scores::new`], or runs with unequal numbers of tasks.
    pub fn by_run(runs: &[Vec<f64>]) -> Result<Self, SeedsError> {
        let wanted = runs.first().map_or(0, Vec::len);
        if let Some((run, scores)) = runs.iter().enumerate().find(|(_, s)| s.len() != wanted) {
            return Err(SeedsError::Ragged { run, given: scores.len(), wanted });
        }
        let of_task = |task| runs.iter().filter_map(|run| run.get(task).copied()).collect();
        Self::new((0..wanted).map(of_task).collect())
    }

    /// Scores by task, then run.
    pub fn tasks(&self) -> &[Vec<f64>] {
        &self.tasks
    }

    /// The first task with a single run: its spread over seeds is unknown.
    pub(super) fn single_run(&self) -> Option<usize> {
        self.tasks.iter().position(|runs| runs.len() < 2)
    }
}

/// The arithmetic mean; NaN of nothing.
pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
