//! Opening a source: a builtin data set or a file, compressed or not, hashed while it is read.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::rc::Rc;

use csv::{ByteRecord, ReaderBuilder, Terminator};
use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::builtin;
use super::error::ExternalError;
use super::pseudonym::hex;

/// Passes bytes on and hashes them.
struct Hashing<R> {
    inner: R,
    hash: Rc<RefCell<Sha256>>,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.hash.borrow_mut().update(&buffer[..n]);
        Ok(n)
    }
}

/// A table of text: a header and rows, read one by one.
pub(super) struct Source {
    pub path: String,
    /// Column names.
    pub header: Vec<String>,
    csv: csv::Reader<Box<dyn Read>>,
    record: ByteRecord,
    hash: Rc<RefCell<Sha256>>,
    rows: u64,
    gzip: bool,
}

/// One row: its line in the file and its fields.
pub(super) struct Row<'a> {
    pub line: u64,
    pub record: &'a ByteRecord,
}

impl Source {
    /// Opens `builtin:NAME` or a file and reads its header.
    pub fn open(source: &str, delimiter: u8) -> Result<Self, ExternalError> {
        let raw: Box<dyn Read> = match builtin::name(source) {
            Some(name) => Box::new(Cursor::new(builtin::bytes(name)?)),
            None => Box::new(open_file(source)?),
        };
        Self::from_reader(source, raw, delimiter)
    }

    fn from_reader(path: &str, raw: Box<dyn Read>, delimiter: u8) -> Result<Self, ExternalError> {
        let unreadable =
            |e: io::Error| ExternalError::Unreadable { path: path.into(), reason: e.to_string() };
        let hash = Rc::new(RefCell::new(Sha256::new()));
        let mut raw = BufReader::new(Hashing { inner: raw, hash: Rc::clone(&hash) });
        // By content, not by name: files lose their endings.
        let gzip = raw.fill_buf().map_err(unreadable)?.starts_with(&[0x1f, 0x8b]);
        let mut text: Box<dyn BufRead> =
            if gzip { Box::new(BufReader::new(MultiGzDecoder::new(raw))) } else { Box::new(raw) };
        let start = text.fill_buf().map_err(|e| broken(path, gzip, 0, e.to_string()))?;
        if let Some((what, remedy)) = other_format(start) {
            return Err(ExternalError::NotCsv { path: path.into(), what, remedy });
        }
        if start.starts_with(&[0xef, 0xbb, 0xbf]) {
            text.consume(3);
        }
        // Only \n ends a record (a \r before it is trimmed with other white space) and the last
        // line always has one: so the number of ends read so far is the line in the file.
        let text: Box<dyn Read> = Box::new(text.chain(&b"\n"[..]));
        let csv = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .terminator(Terminator::Any(b'\n'))
            .from_reader(text);
        let (header, record) = (Vec::new(), ByteRecord::new());
        let mut source = Self { path: path.into(), header, csv, record, hash, rows: 0, gzip };
        let Some(row) = source.next_row()? else {
            return Err(ExternalError::Empty { path: path.into() });
        };
        let name = |field| String::from_utf8_lossy(field).trim().to_string();
        source.header = row.record.iter().map(name).collect();
        source.rows = 0;
        Ok(source)
    }

    /// The next row that is not blank.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, ExternalError> {
        loop {
            let more = self.csv.read_byte_record(&mut self.record);
            let next = self.csv.position().line();
            match more {
                Ok(false) => return Ok(None),
                Ok(true) => {}
                Err(e) => {
                    let line = next.saturating_sub(1);
                    return Err(broken(&self.path, self.gzip, line, e.to_string()));
                }
            }
            let inside = self.record.as_slice().iter().filter(|&&b| b == b'\n').count() as u64;
            if self.record.as_slice().iter().all(u8::is_ascii_whitespace) && self.record.len() < 2 {
                continue;
            }
            self.rows += 1;
            let line = next.saturating_sub(1 + inside);
            return Ok(Some(Row { line, record: &self.record }));
        }
    }

    /// Rows read so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The SHA-256 of the file as stored; call it after the last row.
    pub fn sha256(&self) -> String {
        hex(&self.hash.borrow().clone().finalize())
    }

    /// The column names in words, for errors.
    pub fn columns(&self) -> String {
        let names: Vec<String> = self.header.iter().map(|name| format!("{name:?}")).collect();
        names.join(", ")
    }
}

fn broken(path: &str, gzip: bool, line: u64, reason: String) -> ExternalError {
    let path = path.into();
    if gzip {
        ExternalError::Damaged { path, line, reason }
    } else {
        ExternalError::Unreadable { path, reason }
    }
}

fn open_file(path: &str) -> Result<File, ExternalError> {
    let unreadable = |e: io::Error| match e.kind() {
        io::ErrorKind::NotFound => ExternalError::NotFound { path: path.into() },
        _ => ExternalError::Unreadable { path: path.into(), reason: e.to_string() },
    };
    let file = File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.is_dir() {
        return Err(ExternalError::Directory { path: path.into() });
    }
    Ok(file)
}

/// Formats that people hand over in place of CSV, by their first bytes.
fn other_format(start: &[u8]) -> Option<(&'static str, &'static str)> {
    const AS_CSV: &str = "save it as CSV in UTF-8";
    let known: [(&[u8], &str, &str); 6] = [
        (&[0xff, 0xfe], "UTF-16 text", AS_CSV),
        (&[0xfe, 0xff], "UTF-16 text", AS_CSV),
        (b"PK\x03\x04", "a zip archive or an Excel workbook", "unpack it, or save it as CSV"),
        (&[0xd0, 0xcf, 0x11, 0xe0], "an old Excel workbook", AS_CSV),
        (b"PAR1", "Parquet", "convert it to CSV"),
        (&[0x28, 0xb5, 0x2f, 0xfd], "zstd-compressed", "unpack it, or compress it with gzip"),
    ];
    known
        .iter()
        .find(|(magic, ..)| start.starts_with(magic))
        .map(|(_, what, to_do)| (*what, *to_do))
}
