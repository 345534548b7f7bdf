//! What a reward remembers between rollouts, as bytes: exact, so that a resumed run goes on to the
//! same bits.
//!
//! Numbers are little-endian; texts and lists carry their length in front (u64).

/// Why a state could not be taken up.
#[derive(Debug, Clone, thiserror::Error, PartialEq)]
#[error("the saved state does not fit: {0}; resume with the config that wrote it, or start anew")]
pub struct StateError(pub String);

/// Writes a state.
#[derive(Clone, Debug, Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// A whole number.
    pub fn whole(&mut self, value: u64) {
        self.0.extend(value.to_le_bytes());
    }

    /// A text: names what follows, so that a state of something else is told by name.
    pub fn text(&mut self, text: &str) {
        self.whole(text.len() as u64);
        self.0.extend(text.as_bytes());
    }

    /// A list of numbers, to the bit.
    pub fn doubles(&mut self, values: &[f64]) {
        self.whole(values.len() as u64);
        self.0.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }

    /// A list of numbers, to the bit.
    pub fn singles(&mut self, values: &[f32]) {
        self.whole(values.len() as u64);
        self.0.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }

    /// The bytes.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Reads a state in the order in which it was written.
#[derive(Clone, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Starts at the front.
    pub fn new(state: &'a [u8]) -> Self {
        Self(state)
    }

    fn take(&mut self, bytes: usize, what: &str) -> Result<&'a [u8], StateError> {
        if bytes > self.0.len() {
            return Err(StateError(format!("it ends within {what}")));
        }
        let (taken, rest) = self.0.split_at(bytes);
        self.0 = rest;
        Ok(taken)
    }

    fn length(&mut self, size: usize, what: &str) -> Result<usize, StateError> {
        let length = self.whole(what)?;
        let bytes = usize::try_from(length).ok().and_then(|length| length.checked_mul(size));
        bytes.ok_or_else(|| StateError(format!("{what} would have {length} entries")))
    }

    /// A whole number.
    ///
    /// # Errors
    /// The state ends before it.
    pub fn whole(&mut self, what: &str) -> Result<u64, StateError> {
        let bytes = self.take(8, what)?;
        Ok(bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte)))
    }

    /// Reads a text and compares it.
    ///
    /// # Errors
    /// Another text stands there, or none.
    pub fn expect(&mut self, text: &str) -> Result<(), StateError> {
        let length = self.length(1, text)?;
        let found = self.take(length, text)?;
        if found == text.as_bytes() {
            return Ok(());
        }
        let found = String::from_utf8_lossy(&found[..found.len().min(80)]);
        Err(StateError(format!("it holds `{found}` where `{text}` belongs")))
    }

    /// A list of numbers.
    ///
    /// # Errors
    /// The state ends before the end of the list.
    pub fn doubles(&mut self, what: &str) -> Result<Vec<f64>, StateError> {
        let bytes = self.length(8, what)?;
        let words = self.take(bytes, what)?.chunks_exact(8);
        Ok(words.map(|w| f64::from_le_bytes(std::array::from_fn(|i| w[i]))).collect())
    }

    /// A list of `length` finite numbers.
    ///
    /// # Errors
    /// A list of another length, a number that is not finite, or the end of the state.
    pub fn singles(&mut self, what: &str, length: usize) -> Result<Vec<f32>, StateError> {
        let bytes = self.length(4, what)?;
        if bytes != length * 4 {
            return Err(StateError(format!("{what} has {} entries, not {length}", bytes / 4)));
        }
        let words = self.take(bytes, what)?.chunks_exact(4);
        let values: Vec<f32> =
            words.map(|w| f32::from_le_bytes(std::array::from_fn(|i| w[i]))).collect();
        match values.iter().find(|value| !value.is_finite()) {
            Some(value) => Err(StateError(format!("{what} holds {value}"))),
            None => Ok(values),
        }
    }

    /// Nothing may be left.
    ///
    /// # Errors
    /// Bytes are left.
    pub fn end(self) -> Result<(), StateError> {
        match self.0.len() {
            0 => Ok(()),
            left => Err(StateError(format!("{left} bytes are left over"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_to_the_bit() -> Result<(), StateError> {
        let doubles = [0.1, -0.0, f64::NAN, f64::MIN_POSITIVE / 2.0];
        let singles = [0.1_f32, -0.0, f32::MAX];
        let mut writer = Writer::default();
        writer.text("memory");
        writer.whole(u64::MAX - 5);
        writer.doubles(&doubles);
        writer.singles(&singles);
        let state = writer.finish();
        let mut reader = Reader::new(&state);
        reader.expect("memory")?;
        assert_eq!(reader.whole("count")?, u64::MAX - 5);
        let read = reader.doubles("doubles")?;
        assert_eq!(read.len(), doubles.len());
        assert!(read.iter().zip(doubles).all(|(a, b)| a.to_bits() == b.to_bits()));
        let read = reader.singles("singles", 3)?;
        assert!(read.iter().zip(singles).all(|(a, b)| a.to_bits() == b.to_bits()));
        reader.end()
    }

    /// No cut and no wrong length gets through or panics.
    #[test]
    fn a_broken_state_is_refused_by_name() {
        let mut writer = Writer::default();
        writer.text("memory");
        writer.singles(&[1.0, 2.0]);
        let state = writer.finish();
        let read = |state: &[u8]| {
            let mut reader = Reader::new(state);
            reader.expect("memory")?;
            reader.singles("weights", 2)?;
            reader.end()
        };
        assert_eq!(read(&state), Ok(()));
        for cut in 0..state.len() {
            assert!(read(&state[..cut]).is_err(), "{cut}");
        }
        assert!(read(&[&state[..], &[0]].concat()).is_err());
        let mut long = state.clone();
        long[14..22].fill(0xFF);
        assert!(read(&long).unwrap_err().0.contains("weights"));
        let mut other = state;
        other[8] = b'n';
        assert!(read(&other).unwrap_err().0.contains("nemory"));
    }
}
