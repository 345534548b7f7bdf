//! All runs under a folder, in one small database: derived from the run directories, never the truth.
//!
//! `ROOT/index.sqlite` holds one row a run directory, be it plain or inside a sweep, and the values of
//! its config. [`Index::refresh`] looks at every folder and reads again what has changed since: the
//! time and size of `status.json`, which is written last, tell. A file that is damaged, or of another
//! version, is thrown away and made anew; where the folder may not be written, the index lives in
//! memory. A run that is half-written or unreadable is a row like any other, which says so.
//!
//! ```
//! use trueup_results::index::{Filter, Index};
//! use trueup_results::{RunDirectory, State};
//! # fn main() -> Result<(), trueup_results::ResultsError> {
//! # let folder = tempfile::tempdir().map_err(|source| trueup_results::ResultsError::Write {
//! #     path: "temporary folder".into(), remedy: "", source })?;
//! # let root = folder.path();
//! RunDirectory::create(root, "demo", 1)?.finish(State::Failed, Some("no data"))?;
//! let mut index = Index::open(root)?;
//! index.refresh()?;
//! let failed = Filter { states: vec!["failed".into()], ..Filter::default() };
//! assert_eq!(index.runs(&failed)?[0].path, "demo-1");
//! # Ok(())
//! # }
//! ```

mod config;
mod database;
mod query;
mod remove;
mod row;
mod scan;
mod since;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::error::ResultsError;

pub use query::Filter;
pub use remove::remove_run;
pub use row::{RunRow, UNREADABLE};
pub use since::moment;

/// Name of the file in the root.
pub const FILE: &str = "index.sqlite";

/// The runs under a folder.
#[derive(Debug)]
pub struct Index {
    root: PathBuf,
    connection: Connection,
}

/// What a refresh did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refreshed {
    /// Run directories that there are.
    pub runs: usize,
    /// Those that were read, being new, changed or not at rest.
    pub read: usize,
    /// Rows of run directories that are gone.
    pub removed: usize,
}

impl Index {
    /// Opens the index of a folder, or begins an empty one.
    ///
    /// # Errors
    /// A root that is no folder.
    pub fn open(root: &Path) -> Result<Self, ResultsError> {
        std::fs::read_dir(root).map_err(|source| ResultsError::read(root, source))?;
        let connection = database::open(&root.join(FILE)).map_err(|e| failed(root, e))?;
        Ok(Self { root: root.to_owned(), connection })
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Brings the rows up to the run directories.
    ///
    /// # Errors
    /// A root that cannot be read, or another process that does not let go of the index.
    pub fn refresh(&mut self) -> Result<Refreshed, ResultsError> {
        let found = scan::runs(&self.root)?;
        match database::update(&mut self.connection, &found) {
            Err(error) if !database::busy(&error) => {
                // Whatever is wrong with it, the run directories know better.
                let file = self.root.join(FILE);
                let again = database::begin_anew(&file).and_then(|connection| {
                    self.connection = connection;
                    database::update(&mut self.connection, &found)
                });
                again.map_err(|e| failed(&self.root, e))
            }
            other => other.map_err(|e| failed(&self.root, e)),
        }
    }

    /// Forgets everything and reads all run directories.
    ///
    /// # Errors
    /// As for [`Index::refresh`].
    pub fn rebuild(&mut self) -> Result<Refreshed, ResultsError> {
        let file = self.root.join(FILE);
        self.connection = database::begin_anew(&file).map_err(|e| failed(&self.root, e))?;
        self.refresh()
    }

    /// Runs as of the last refresh, the oldest first.
    ///
    /// # Errors
    /// An index that cannot be read.
    pub fn runs(&self, filter: &Filter) -> Result<Vec<RunRow>, ResultsError> {
        query::runs(&self.connection, filter).map_err(|e| failed(&self.root, e))
    }

    /// The values of a run's config by path, e.g. `calibrators.ppo.iterations`, ascending.
    ///
    /// # Errors
    /// An index that cannot be read.
    pub fn config(&self, run: &RunRow) -> Result<Vec<(String, String)>, ResultsError> {
        query::config(&self.connection, &run.path).map_err(|e| failed(&self.root, e))
    }
}

fn failed(root: &Path, error: rusqlite::Error) -> ResultsError {
    ResultsError::Index { path: root.join(FILE), source: Box::new(error) }
}
