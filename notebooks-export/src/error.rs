//! Why an export did not come about.

use std::path::PathBuf;

use trueup_results::ResultsError;

use crate::mlflow::MlflowError;

/// Why an export did not come about.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Results cannot be read, or files cannot be written.
    #[error(transparent)]
    Results(#[from] ResultsError),
    /// A summary cannot be read.
    #[error("{}: {why}", path.display())]
    Summary {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Something cannot be written as JSON.
    #[error("notebook: {0}")]
    Json(#[from] serde_json::Error),
    /// A sweep of which no run has begun.
    #[error(
        "{} holds no run that has begun: there is nothing to export; run it first with trueup resume {}",
        .0.display(), .0.display()
    )]
    Nothing(PathBuf),
    /// A run without a result.
    #[error("{} is {state} and has no result yet; finish it with trueup resume {}, or export it to parquet or csv", folder.display(), folder.display())]
    NoResult {
        /// The run directory.
        folder: PathBuf,
        /// How far it got.
        state: String,
    },
    /// A training on a task has no real users to show.
    #[error("{} is a training on a task, and {what} runs on real users; export it to parquet, csv, tensorboard or mlflow", folder.display())]
    Training {
        /// The run directory.
        folder: PathBuf,
        /// What was asked for, as the start of a sentence: `the notebook shows`.
        what: &'static str,
    },
    /// A tracking server, or what it said.
    #[error(transparent)]
    Mlflow(#[from] MlflowError),
}
