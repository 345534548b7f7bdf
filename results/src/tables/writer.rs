//! A table as Parquet, row by row.
//!
//! Format: Apache Parquet, <https://parquet.apache.org/docs/file-format/>. Rows are held by column and
//! written as a row group every [`GROUP`] rows.

use std::mem;
use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{Type, TypePtr};

use super::sink::{Sink, same_length};
use crate::error::ResultsError;

/// Rows of a row group.
const GROUP: usize = 100_000;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// An f64.
    Real,
    /// An unsigned integer of 64 bits.
    Count,
    /// True or false.
    Flag,
}

/// One value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// Nothing; fits every column.
    Null,
    /// UTF-8 text.
    Text(&'a str),
    /// An f64, finite.
    Real(f64),
    /// An unsigned integer.
    Count(u64),
    /// True or false.
    Flag(bool),
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl From<f64> for Cell<'_> {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<u64> for Cell<'_> {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<bool> for Cell<'_> {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl<'a, T: Into<Cell<'a>>> From<Option<T>> for Cell<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Values of a column without its nulls, and for each row whether it has one.
struct Column {
    name: String,
    values: Values,
    there: Vec<i16>,
}

enum Values {
    Text(Vec<ByteArray>),
    Real(Vec<f64>),
    Count(Vec<i64>),
    Flag(Vec<bool>),
}

/// A table that grows row by row.
pub struct TableWriter {
    file: SerializedFileWriter<Vec<u8>>,
    columns: Vec<Column>,
    rows: usize,
}

impl TableWriter {
    /// A table with these columns, whose names differ.
    ///
    /// # Errors
    /// Columns that Parquet refuses.
    pub fn new(columns: &[(String, Kind)]) -> Result<Self, ResultsError> {
        // No version of the library in the bytes: they change when the content does.
        let properties = WriterProperties::builder().set_created_by("trueup".to_owned()).build();
        let file = SerializedFileWriter::new(Vec::new(), schema(columns)?, Arc::new(properties))?;
        let column = |(name, kind): &(String, Kind)| Column {
            name: name.clone(),
            values: match kind {
                Kind::Text => Values::Text(Vec::new()),
                Kind::Real => Values::Real(Vec::new()),
                Kind::Count => Values::Count(Vec::new()),
                Kind::Flag => Values::Flag(Vec::new()),
            },
            there: Vec::new(),
        };
        Ok(Self { file, columns: columns.iter().map(column).collect(), rows: 0 })
    }

    fn flush(&mut self) -> Result<(), ResultsError> {
        let mut group = self.file.next_row_group()?;
        for column in &mut self.columns {
            let there = mem::take(&mut column.there);
            match &mut column.values {
                Values::Text(v) => write::<ByteArrayType>(&mut group, &mem::take(v), &there)?,
                Values::Real(v) => write::<DoubleType>(&mut group, &mem::take(v), &there)?,
                Values::Count(v) => write::<Int64Type>(&mut group, &mem::take(v), &there)?,
                Values::Flag(v) => write::<BoolType>(&mut group, &mem::take(v), &there)?,
            }
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }
}

impl Sink for TableWriter {
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), ResultsError> {
        same_length(cells.len(), self.columns.len())?;
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            column.push(*cell)?;
        }
        self.rows += 1;
        if self.rows == GROUP { self.flush() } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<u8>, ResultsError> {
        if self.rows > 0 {
            self.flush()?;
        }
        Ok(self.file.into_inner()?)
    }
}

impl Column {
    fn push(&mut self, cell: Cell<'_>) -> Result<(), ResultsError> {
        match (&mut self.values, cell) {
            (_, Cell::Null) => {}
            (Values::Text(values), Cell::Text(text)) => values.push(ByteArray::from(text)),
            (Values::Real(values), Cell::Real(value)) if value.is_finite() => values.push(value),
            (_, Cell::Real(value)) if !value.is_finite() => {
                return Err(ResultsError::NotFinite { what: self.name.clone(), value });
            }
            // The same 64 bits, which the schema says to read without a sign.
            (Values::Count(values), Cell::Count(count)) => values.push(count as i64),
            (Values::Flag(values), Cell::Flag(flag)) => values.push(flag),
            (_, cell) => {
                return Err(ResultsError::Table(format!("{cell:?} in column {}", self.name)));
            }
        }
        self.there.push(i16::from(cell != Cell::Null));
        Ok(())
    }
}

fn write<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    values: &[T::T],
    there: &[i16],
) -> Result<(), ResultsError> {
    let missing = || ParquetError::General("fewer columns than in the schema".to_owned());
    let mut column = group.next_column()?.ok_or_else(missing)?;
    column.typed::<T>().write_batch(values, Some(there), None)?;
    Ok(column.close()?)
}

fn schema(columns: &[(String, Kind)]) -> Result<TypePtr, ParquetError> {
    let field = |(name, kind): &(String, Kind)| {
        let (physical, logical) = match kind {
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Real => (Physical::DOUBLE, None),
            Kind::Count => (Physical::INT64, Some(LogicalType::integer(64, false))),
            Kind::Flag => (Physical::BOOLEAN, None),
        };
        Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical)
            .build()
            .map(Arc::new)
    };
    let fields = columns.iter().map(field).collect::<Result<Vec<_>, _>>()?;
    Ok(Arc::new(Type::group_type_builder("trueup").with_fields(fields).build()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_that_do_not_fit_are_refused_by_column() {
        let columns = [("a".to_owned(), Kind::Real), ("b".to_owned(), Kind::Text)];
        let error = |cells: &[Cell<'_>]| {
            TableWriter::new(&columns).unwrap().row(cells).unwrap_err().to_string()
        };
        assert!(error(&[Cell::Real(f64::NAN), Cell::Null]).contains("a is NaN"));
        assert!(error(&[Cell::Null, Cell::Real(1.0)]).contains("column b"));
        assert!(error(&[Cell::Null]).contains("1 cells for 2 columns"));
    }
}
