//! What can go wrong with a run directory, where, and what would help.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Why a result could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// A file or folder could not be written.
    #[error("cannot write {}: {source}{remedy}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What would help; begins with punctuation, empty where nothing is known.
        remedy: &'static str,
        /// The cause.
        source: io::Error,
    },
    /// A file or folder could not be read.
    #[error("cannot read {}: {source}{remedy}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What would help; begins with punctuation, empty where nothing is known.
        remedy: &'static str,
        /// The cause.
        source: io::Error,
    },
    /// A file is not what its name says.
    #[error("{}: {why}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, with line and column where known.
        why: String,
    },
    /// The folder holds something already.
    #[error("{} is not an empty folder; choose another --out, or remove it", .0.display())]
    NotEmpty(PathBuf),
    /// Another process writes the folder.
    #[error("{} is being written by another process{owner}; wait for it, or choose another --out", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
        /// Who it is, where known; begins with a space.
        owner: String,
    },
    /// A number that is NaN or infinite was to be written.
    #[error("{what} is {value}: only finite numbers are written")]
    NotFinite {
        /// Name of the number.
        what: String,
        /// Its value.
        value: f64,
    },
    /// A plot could not be drawn.
    #[error("plot {plot}: {why}")]
    Plot {
        /// Name of the plot.
        plot: String,
        /// Why.
        why: String,
    },
    /// A table could not be made.
    #[error("table: {0}")]
    Table(String),
    /// The report's template failed.
    #[error("report: {0}")]
    Template(#[from] askama::Error),
}

impl ResultsError {
    /// A failed write, with what would help.
    pub fn write(path: &Path, source: io::Error) -> Self {
        let remedy = match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                "; free some space, or choose a folder on another disk with --out"
            }
            ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
                "; make it writable, or choose a folder that you may write to with --out"
            }
            ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
                "; a file is in the way: move it, or choose another --out"
            }
            _ => "",
        };
        Self::Write { path: path.to_owned(), remedy, source }
    }

    /// A failed read, with what would help.
    pub(crate) fn read(path: &Path, source: io::Error) -> Self {
        let remedy = match source.kind() {
            ErrorKind::NotFound => "; is this the directory of a run that got that far?",
            _ => "",
        };
        Self::Read { path: path.to_owned(), remedy, source }
    }

    /// A file that does not parse.
    pub(crate) fn malformed(path: &Path, why: impl ToString) -> Self {
        Self::Malformed { path: path.to_owned(), why: why.to_string() }
    }
}

impl From<parquet::errors::ParquetError> for ResultsError {
    fn from(error: parquet::errors::ParquetError) -> Self {
        Self::Table(error.to_string())
    }
}
