//! A table as CSV.
//!
//! Format: RFC 4180, in UTF-8 and with a line feed at the end of a line. The first line has the names
//! of the columns. Null is an empty field and empty text is `""`. Numbers have as many digits as it
//! takes to read the same f64 back; very large and very small ones have an exponent.

use super::sink::{Sink, same_length};
use super::writer::{Cell, Kind};
use crate::error::ResultsError;

/// A table that grows row by row.
pub struct CsvWriter {
    names: Vec<String>,
    text: String,
}

impl CsvWriter {
    /// A table with these columns.
    pub fn new(columns: &[(String, Kind)]) -> Self {
        let names: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
        let header: Vec<String> = names.iter().map(|name| quoted(name)).collect();
        Self { names, text: header.join(",") + "\n" }
    }
}

impl Sink for CsvWriter {
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), ResultsError> {
        same_length(cells.len(), self.names.len())?;
        let mut fields = Vec::with_capacity(cells.len());
        for (name, cell) in self.names.iter().zip(cells) {
            fields.push(match *cell {
                Cell::Null => String::new(),
                Cell::Text(text) => quoted(text),
                Cell::Real(value) if value.is_finite() => format!("{value:?}"),
                Cell::Real(value) => {
                    return Err(ResultsError::NotFinite { what: name.clone(), value });
                }
                Cell::Count(count) => count.to_string(),
                Cell::Flag(flag) => flag.to_string(),
            });
        }
        self.text.push_str(&fields.join(","));
        self.text.push('\n');
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, ResultsError> {
        Ok(self.text.into_bytes())
    }
}

/// A field of text: in quotes where it could be taken for something else.
fn quoted(text: &str) -> String {
    let plain = !text.is_empty() && text.trim() == text && !text.contains([',', '"', '\n', '\r']);
    if plain { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_those_of_the_standard() {
        let columns = [("a,b".to_owned(), Kind::Text), ("c".to_owned(), Kind::Real)];
        let mut table = Box::new(CsvWriter::new(&columns));
        table.row(&["한 \"글\"\n".into(), 1e-300.into()]).unwrap();
        table.row(&[Cell::Null, (0.1 + 0.2).into()]).unwrap();
        table.row(&["".into(), Cell::Count(u64::MAX)]).unwrap();
        table.row(&[" x".into(), Cell::Flag(true)]).unwrap();
        let error = table.row(&[Cell::Null, f64::INFINITY.into()]).unwrap_err().to_string();
        assert!(error.contains("c is inf"), "{error}");
        assert!(table.row(&[Cell::Null]).unwrap_err().to_string().contains("1 cells for 2"));
        let text = String::from_utf8(table.finish().unwrap()).unwrap();
        let wanted = "\"a,b\",c\n\"한 \"\"글\"\"\n\",1e-300\n,0.30000000000000004\n\
                      \"\",18446744073709551615\n\" x\",true\n";
        assert_eq!(text, wanted);
    }
}
