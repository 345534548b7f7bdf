//! What a table is written to, row by row.

use super::csv::CsvWriter;
use super::writer::{Cell, Kind, TableWriter};
use crate::error::ResultsError;

/// A file format of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Apache Parquet: columns know their types.
    Parquet,
    /// Comma-separated values (RFC 4180).
    Csv,
}

/// A table that grows row by row.
pub trait Sink {
    /// Appends a row.
    ///
    /// # Errors
    /// Too few or too many cells, a cell of another kind, or a number that is not finite; the table
    /// is then of no use any more.
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), ResultsError>;

    /// The bytes of the file.
    ///
    /// # Errors
    /// A value that the format refuses.
    fn finish(self: Box<Self>) -> Result<Vec<u8>, ResultsError>;
}

impl Format {
    /// How names of its files end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
        }
    }

    /// An empty table with these columns, whose names differ.
    pub(super) fn begin(self, columns: &[(String, Kind)]) -> Result<Box<dyn Sink>, ResultsError> {
        Ok(match self {
            Self::Parquet => Box::new(TableWriter::new(columns)?),
            Self::Csv => Box::new(CsvWriter::new(columns)),
        })
    }
}

/// A row has one cell a column.
pub(super) fn same_length(cells: usize, columns: usize) -> Result<(), ResultsError> {
    if cells == columns {
        return Ok(());
    }
    Err(ResultsError::Table(format!("a row of {cells} cells for {columns} columns")))
}
