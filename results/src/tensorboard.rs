//! Event files of TensorBoard: the scalars of one curve, appended while a run goes on, or scalars and
//! text made at once ([`Events`]).
//!
//! A file is a sequence of records in the framing of TFRecord, each
//!
//! ```text
//! length of data   u64, little endian
//! check of length  u32, little endian: masked CRC-32C of the eight bytes before
//! data             one Event
//! check of data    u32, little endian: masked CRC-32C of the data
//! ```
//!
//! and an Event is a protocol buffer, written here by hand because only a few of its fields are
//! needed: `wall_time` (1, double), `step` (2, int64), `file_version` (3, string), `summary` (5)
//! holding `value` (1) of `tag` (1, string) and `simple_value` (2, float), and `session_log` (7)
//! holding `status` (1). Text is a value with a `tensor` (8) of type string instead, and `metadata`
//! (9) that names the plugin `text`. Sources: `tensorflow/core/lib/io/record_writer.h`,
//! `tensorflow/core/util/event.proto`, and `summary.proto` and `tensor.proto` in
//! `tensorflow/core/framework`.
//!
//! A run that is resumed begins a new file beside the old one. TensorBoard reads the files of a
//! folder by name, which is by time, as one curve. The new file opens with the start of a session
//! at its first step: what the earlier file holds of this step and later ones, a checkpoint being
//! older than the last line, is dropped by the reader. A record that a crash tore ends its file;
//! the next file goes on.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::ResultsError;
use crate::provenance::host;

/// What the first record of a file says.
const VERSION: &str = "brain.Event:2";
/// `SessionLog.status` of a session that starts.
const START: u64 = 1;

/// `DataType.DT_STRING`.
const STRING: u64 = 7;
/// `DataClass.DATA_CLASS_TENSOR`.
const TENSOR: u64 = 2;

/// Wire types of protocol buffers.
const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const BYTES: u64 = 2;
const FIXED_32: u64 = 5;

/// An event file open for appending. Each call writes whole records with one system call, so that
/// a reader in another process sees them at once.
#[derive(Debug)]
pub struct EventFile {
    file: File,
    path: PathBuf,
    started: bool,
}

impl EventFile {
    /// Begins `FOLDER/events.out.tfevents.SECONDS.HOST.PID.COUNT`; the folder is made where it is
    /// missing, and no earlier file is touched.
    ///
    /// # Errors
    /// A folder or file that cannot be written.
    pub fn create(folder: &Path) -> Result<Self, ResultsError> {
        fs::create_dir_all(folder).map_err(|source| ResultsError::write(folder, source))?;
        let keep = |c: char| {
            if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' }
        };
        let host: String = host().chars().map(keep).collect();
        // Readers sort by name: seconds have ten digits until the year 2286.
        let stem = format!("events.out.tfevents.{:010.0}.{host}", wall_time().floor());
        let process = std::process::id();
        let mut count = 0u64;
        loop {
            let path = folder.join(format!("{stem}.{process}.{count}"));
            match File::options().append(true).create_new(true).open(&path) {
                Ok(mut file) => {
                    let written = file.write_all(&framed(&version_event(wall_time())));
                    written.map_err(|source| ResultsError::write(&path, source))?;
                    return Ok(Self { file, path, started: false });
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => count += 1,
                Err(error) => return Err(ResultsError::write(&path, error)),
            }
        }
    }

    /// Appends named scalars at a step. TensorBoard stores f32: values beyond its range are written
    /// as its largest.
    ///
    /// # Errors
    /// A value that is not finite, or a failed write.
    pub fn append<'a>(
        &mut self,
        step: i64,
        scalars: impl IntoIterator<Item = (&'a str, f64)>,
    ) -> Result<(), ResultsError> {
        let now = wall_time();
        let values = summary(step, scalars)?;
        let mut records = Vec::new();
        if !self.started {
            let session = field_varint(1, START);
            records.extend(framed(&event(now, step, 7, &session)));
        }
        records.extend(framed(&event(now, step, 5, &values)));
        let written = self.file.write_all(&records);
        written.map_err(|source| ResultsError::write(&self.path, source))?;
        self.started = true;
        Ok(())
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The content of an event file, made in memory: the same calls give the same bytes.
#[derive(Clone, Debug)]
pub struct Events {
    bytes: Vec<u8>,
    wall_time: f64,
}

impl Events {
    /// No events yet; all of them will say that they happened at this time, in seconds since 1970.
    pub fn new(wall_time: f64) -> Self {
        let mut bytes = framed(&version_event(wall_time));
        // Whoever has an older file open drops what it read of it.
        bytes.extend(framed(&event(wall_time, 0, 7, &field_varint(1, START))));
        Self { bytes, wall_time }
    }

    /// Appends named scalars at a step, as [`EventFile::append`] does.
    ///
    /// # Errors
    /// A value that is not finite.
    pub fn scalars<'a>(
        &mut self,
        step: i64,
        scalars: impl IntoIterator<Item = (&'a str, f64)>,
    ) -> Result<(), ResultsError> {
        let values = summary(step, scalars)?;
        self.bytes.extend(framed(&event(self.wall_time, step, 5, &values)));
        Ok(())
    }

    /// Appends text in Markdown.
    pub fn text(&mut self, step: i64, tag: &str, text: &str) {
        let values = field_bytes(1, &text_value(tag, text));
        self.bytes.extend(framed(&event(self.wall_time, step, 5, &values)));
    }

    /// The bytes of the file.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Seconds since 1970; 0 where the clock is set before that.
fn wall_time() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

fn version_event(wall_time: f64) -> Vec<u8> {
    let mut event = field_double(1, wall_time);
    event.extend(field_bytes(3, VERSION.as_bytes()));
    event
}

/// An Event whose content is the message `field`.
fn event(wall_time: f64, step: i64, field: u64, message: &[u8]) -> Vec<u8> {
    let mut event = field_double(1, wall_time);
    // An int64 goes as the varint of its two's complement.
    event.extend(field_varint(2, step as u64));
    event.extend(field_bytes(field, message));
    event
}

/// A Summary of scalars.
fn summary<'a>(
    step: i64,
    scalars: impl IntoIterator<Item = (&'a str, f64)>,
) -> Result<Vec<u8>, ResultsError> {
    let mut values = Vec::new();
    for (tag, value) in scalars {
        if !value.is_finite() {
            let what = format!("{tag} at step {step}");
            return Err(ResultsError::NotFinite { what, value });
        }
        values.extend(field_bytes(1, &scalar(tag, value)));
    }
    Ok(values)
}

/// A Summary.Value of text: a tensor of one string.
fn text_value(tag: &str, text: &str) -> Vec<u8> {
    let one = field_varint(1, 1);
    let tensor = [
        field_varint(1, STRING),
        field_bytes(2, &field_bytes(2, &one)),
        field_bytes(8, text.as_bytes()),
    ];
    let plugin = field_bytes(1, &field_bytes(1, b"text"));
    let metadata = [plugin, field_varint(4, TENSOR)].concat();
    [field_bytes(1, tag.as_bytes()), field_bytes(8, &tensor.concat()), field_bytes(9, &metadata)]
        .concat()
}

/// A Summary.Value.
fn scalar(tag: &str, value: f64) -> Vec<u8> {
    let value = (value as f32).clamp(f32::MIN, f32::MAX);
    let mut bytes = field_bytes(1, tag.as_bytes());
    bytes.extend(varint(2 << 3 | FIXED_32));
    bytes.extend(value.to_le_bytes());
    bytes
}

fn field_varint(field: u64, value: u64) -> Vec<u8> {
    let mut bytes = varint(field << 3 | VARINT);
    bytes.extend(varint(value));
    bytes
}

fn field_double(field: u64, value: f64) -> Vec<u8> {
    let mut bytes = varint(field << 3 | FIXED_64);
    bytes.extend(value.to_le_bytes());
    bytes
}

fn field_bytes(field: u64, content: &[u8]) -> Vec<u8> {
    let mut bytes = varint(field << 3 | BYTES);
    bytes.extend(varint(content.len() as u64));
    bytes.extend(content);
    bytes
}

/// Seven bits a byte, the lowest first; the high bit says that more follow.
fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A record of TFRecord.
fn framed(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    [&length[..], &masked(&length).to_le_bytes(), data, &masked(data).to_le_bytes()].concat()
}

/// CRC-32C, rotated and shifted by a constant: the check of a string that holds checks would else
/// be weak.
fn masked(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xA282_EAD8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_the_published_ones() {
        // RFC 3720, appendix B.4: 32 bytes of zeros, of ones, and counting up and down.
        let up: Vec<u8> = (0..32).collect();
        let down: Vec<u8> = (0..32).rev().collect();
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8A91_36AA);
        assert_eq!(crc32c::crc32c(&[0xFF; 32]), 0x62A8_AB43);
        assert_eq!(crc32c::crc32c(&up), 0x46DD_794E);
        assert_eq!(crc32c::crc32c(&down), 0x113F_DB5C);
        assert_eq!(crc32c::crc32c(b"123456789"), 0xE306_9283);
        // The same by the formula of the record writer: (crc >> 15 | crc << 17) + 0xa282ead8.
        let crc = 0xE306_9283u64;
        let wanted = (((crc >> 15) | (crc << 17) & 0xFFFF_FFFF) + 0xA282_EAD8) & 0xFFFF_FFFF;
        assert_eq!(u64::from(masked(b"123456789")), wanted);
    }

    #[test]
    fn messages_have_the_bytes_of_protocol_buffers() {
        // The example of the encoding's documentation: 150 is 96 01.
        assert_eq!(field_varint(1, 150), [0x08, 0x96, 0x01]);
        assert_eq!(field_bytes(2, b"testing"), b"\x12\x07testing");
        assert_eq!(varint(-2i64 as u64), [0xFE, 255, 255, 255, 255, 255, 255, 255, 255, 1]);
        let version = version_event(1.0);
        assert_eq!(version, b"\x09\0\0\0\0\0\0\xF0\x3F\x1A\x0Dbrain.Event:2");
        assert_eq!(scalar("kl", 0.5), b"\x0A\x02kl\x15\0\0\0\x3F");
        let values = field_bytes(1, &scalar("kl", 0.5));
        let wanted = b"\x09\0\0\0\0\0\0\xF0\x3F\x10\x07\x2A\x0B\x0A\x09\x0A\x02kl\x15\0\0\0\x3F";
        assert_eq!(event(1.0, 7, 5, &values), wanted);
        assert_eq!(scalar("x", 1e300)[4..], f32::MAX.to_le_bytes());
        assert_eq!(scalar("x", -1e300)[4..], f32::MIN.to_le_bytes());
    }

    #[test]
    fn a_new_file_begins_beside_the_old_one_and_nan_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = EventFile::create(&folder.path().join("ppo")).unwrap();
        let second = EventFile::create(&folder.path().join("ppo")).unwrap();
        assert_ne!(first.path(), second.path());
        let name = first.path().file_name().unwrap().to_string_lossy().into_owned();
        assert!(name.starts_with("events.out.tfevents.") && name.is_ascii(), "{name}");
        let before = fs::read(first.path()).unwrap();
        let error = first.append(4, [("kl", 0.1), ("loss", f64::NAN)]).unwrap_err().to_string();
        assert!(error.contains("loss at step 4 is NaN"), "{error}");
        assert_eq!(fs::read(first.path()).unwrap(), before);
    }
}
