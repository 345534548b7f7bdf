//! Opening a source: a builtin data set or a file, compressed or not, hashed while it is read.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::rc::Rc;

use csv::{ByteRecord, ReaderBuilder, Terminator};
use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::builtin;
use super::error::ExternalError;
use super::field::text;
use super::map::Map;
use super::pseudonym::hex;
use super::quotes::{Found, Marks, Quotes};

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

/// How a table is written.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    delimiter: u8,
    comment: Option<u8>,
    quoting: bool,
    skip_lines: u64,
    skip_footer: usize,
}

impl Layout {
    /// As trueup writes tables.
    pub const PLAIN: Self =
        Self { delimiter: b',', comment: None, quoting: true, skip_lines: 0, skip_footer: 0 };

    /// As a map says; `Map::checked` allows ASCII only.
    pub fn of(map: &Map) -> Self {
        Self {
            delimiter: map.delimiter as u8,
            comment: map.comment.map(|mark| mark as u8),
            quoting: map.quoting,
            skip_lines: map.skip_lines.into(),
            skip_footer: map.skip_footer as usize,
        }
    }
}

/// A table of text: a header and rows, read one by one.
pub(super) struct Source {
    pub path: String,
    /// Column names.
    pub header: Vec<String>,
    csv: csv::Reader<Box<dyn Read>>,
    record: ByteRecord,
    /// Rows read ahead with their lines: the last ones are a footer.
    ahead: VecDeque<(u64, ByteRecord)>,
    footer: usize,
    /// Lines before the header.
    skipped: u64,
    quotes: Rc<RefCell<Found>>,
    hash: Rc<RefCell<Sha256>>,
    rows: u64,
    gzip: bool,
}

/// One row: its line in the file and its fields.
pub(super) struct Row<'a> {
    pub line: u64,
    pub record: &'a ByteRecord,
    /// The line of text after a closing quote, if there is any in the row.
    pub early_quote: Option<u64>,
}

impl Source {
    /// Opens `builtin:NAME` or a file and reads its header.
    pub fn open(source: &str, layout: Layout) -> Result<Self, ExternalError> {
        let raw: Box<dyn Read> = match builtin::name(source) {
            Some(name) => Box::new(Cursor::new(builtin::bytes(name)?)),
            None => Box::new(open_file(source)?),
        };
        Self::from_reader(source, raw, layout)
    }

    fn from_reader(path: &str, raw: Box<dyn Read>, layout: Layout) -> Result<Self, ExternalError> {
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
        // Files of old machines: a carriage return alone ends a line.
        let start = text.fill_buf().map_err(|e| broken(path, gzip, 0, e.to_string()))?;
        let returns = start.iter().position(|&byte| byte == b'\r');
        let carriage_returns =
            returns.is_some_and(|at| at + 1 < start.len()) && !start.contains(&b'\n');
        let end = if carriage_returns { b'\r' } else { b'\n' };
        for line in 0..layout.skip_lines {
            let skipped = text.skip_until(end);
            skipped.map_err(|e| broken(path, gzip, line, e.to_string()))?;
        }
        let Layout { delimiter, comment, quoting, skip_lines, skip_footer } = layout;
        let marks = Marks { delimiter, comment, quoting, carriage_returns };
        let (text, quotes) = Quotes::new(text, marks, skip_lines + 1);
        // Only \n ends a record (a \r before it is trimmed with other white space) and the last
        // line always has one: so the number of ends read so far is the line in the file.
        let text: Box<dyn Read> = Box::new(text.chain(&b"\n"[..]));
        let csv = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .comment(comment)
            .quoting(quoting)
            .terminator(Terminator::Any(b'\n'))
            .from_reader(text);
        let mut source = Self {
            path: path.into(),
            header: Vec::new(),
            csv,
            record: ByteRecord::new(),
            ahead: VecDeque::new(),
            footer: 0,
            skipped: skip_lines,
            quotes,
            hash,
            rows: 0,
            gzip,
        };
        let Some(row) = source.next_row()? else {
            return Err(ExternalError::Empty { path: path.into() });
        };
        let name = |field| String::from_utf8_lossy(field).trim().to_string();
        source.header = row.record.iter().map(name).collect();
        source.footer = skip_footer;
        source.rows = 0;
        Ok(source)
    }

    /// The next row that is neither blank nor part of the footer.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, ExternalError> {
        let mut line = self.advance()?;
        while let Some(read) = line.filter(|_| self.footer > 0) {
            self.ahead.push_back((read, std::mem::take(&mut self.record)));
            if self.ahead.len() > self.footer
                && let Some((first, record)) = self.ahead.pop_front()
            {
                self.record = record;
                line = Some(first);
                break;
            }
            line = self.advance()?;
        }
        let Some(line) = line else { return Ok(None) };
        self.rows += 1;
        let last = line + self.inside();
        let mut quotes = self.quotes.borrow_mut();
        while quotes.early.front().is_some_and(|&early| early < line) {
            quotes.early.pop_front();
        }
        let early_quote = quotes.early.front().copied().filter(|&early| early <= last);
        Ok(Some(Row { line, record: &self.record, early_quote }))
    }

    /// Line ends within the fields of the record.
    fn inside(&self) -> u64 {
        self.record.as_slice().iter().filter(|&&byte| byte == b'\n').count() as u64
    }

    /// Reads the next record that is not blank, and says on which line it starts.
    fn advance(&mut self) -> Result<Option<u64>, ExternalError> {
        loop {
            let more = self.csv.read_byte_record(&mut self.record);
            let next = self.skipped + self.csv.position().line();
            match more {
                Ok(false) => {
                    return match self.quotes.borrow().open {
                        Some(line) => {
                            Err(ExternalError::OpenQuote { path: self.path.clone(), line })
                        }
                        None => Ok(None),
                    };
                }
                Ok(true) => {}
                Err(e) => {
                    let line = next.saturating_sub(1);
                    return Err(broken(&self.path, self.gzip, line, e.to_string()));
                }
            }
            if self.record.as_slice().iter().all(u8::is_ascii_whitespace) && self.record.len() < 2 {
                continue;
            }
            return Ok(Some(next.saturating_sub(1 + self.inside())));
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

/// Whether a source can be read a second time: pipes cannot.
pub(super) fn lasting(path: &str) -> bool {
    builtin::name(path).is_some() || std::fs::metadata(path).is_ok_and(|file| file.is_file())
}

/// Shows all fields of a column, where the source can be read once more; whether it could.
pub(super) fn each_field(path: &str, map: &Map, column: &str, mut see: impl FnMut(&str)) -> bool {
    let source = lasting(path).then(|| Source::open(path, Layout::of(map)).ok()).flatten();
    let Some(mut source) = source else { return false };
    let Some(at) = source.header.iter().position(|name| name == column) else { return false };
    while let Ok(Some(row)) = source.next_row() {
        see(text(row.record, at));
    }
    true
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
