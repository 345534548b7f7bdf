//! Run directories, provenance, plots and reports: everything a run leaves behind.
//!
//! A [`RunDirectory`] is written by one runner and read by anyone. What a report shows is read
//! again from its files ([`ReportInput::read`]), so that [`write_report`] repeats at any time.
//!
//! ```
//! use trueup_results::{ReportInput, RunDirectory, Series, State, Summary, write_report};
//! # fn main() -> Result<(), trueup_results::ResultsError> {
//! # let root = tempfile::tempdir().map_err(|source| trueup_results::ResultsError::Write {
//! #     path: "temporary folder".into(), remedy: "", source })?;
//! let run = RunDirectory::create(root.path(), "demo", 1)?;
//! run.write_json("summary.json", &Summary { name: "demo".into(), seed: 1, ..Summary::default() })?;
//! run.write_series(&Series::default())?;
//! let path = run.path().to_owned();
//! write_report(&path, &ReportInput::read(&path)?)?;
//! run.finish(State::Done, None)?;
//! assert_eq!(trueup_results::status(&path)?.state, State::Done);
//! # Ok(())
//! # }
//! ```

mod digest;
mod error;
mod files;
pub mod index;
mod interval;
pub mod metrics;
pub mod plots;
pub mod provenance;
mod report;
mod run_directory;
pub mod seeds;
mod series;
mod summary;
pub mod sweep;
pub mod tables;
pub mod tensorboard;
pub mod training;

pub use digest::Digest;
pub use error::ResultsError;
pub use files::write_atomically;
pub use interval::{Estimate, mean_over_seeds};
pub use metrics::{Metric, MetricsWriter};
pub use provenance::{DataSource, Provenance, ProvenanceInput};
pub use report::{
    MONEY, ReportInput, Verdict, figure_title, figure_value, heterogeneity_word, times, verdict,
    write_report,
};
pub use run_directory::{RunDirectory, State, Status, new_folder, status};
pub use series::{
    Facts, FeatureSeries, Histogram, Lorenz, Series, Side, TickSeries, TickSide, Transitions,
};
pub use summary::{CalibratorPrivacy, Failure, Judges, KindOfLog, Mode, Summary};
pub use sweep::write_sweep_report;
pub use training::{SeedFailure, SeedResult, TrainingSummary, is_training, write_training_report};
