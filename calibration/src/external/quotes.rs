//! Quotes that do not close, or that close too early.
//!
//! A CSV reader takes whatever stands between two quotes for one field, line ends included, and
//! whatever follows a quote that nothing closes for the rest of the file. Rows vanish without a
//! word. So the text is looked at on its way to the reader, by the same rules (RFC 4180).

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::rc::Rc;

/// Where the text is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    RecordStart,
    FieldStart,
    Unquoted,
    Quoted,
    /// After a quote within quotes: the end of the field, or the first half of a doubled quote.
    Closing,
    Comment,
}

/// What was found so far.
#[derive(Default)]
pub(super) struct Found {
    /// The line of the quote that is open where the text ends.
    pub open: Option<u64>,
    /// Lines where text follows a closing quote, ascending.
    pub early: VecDeque<u64>,
}

/// How the text is written.
#[derive(Clone, Copy)]
pub(super) struct Marks {
    pub delimiter: u8,
    pub comment: Option<u8>,
    /// Whether quotes enclose fields.
    pub quoting: bool,
    /// Whether lines end in a carriage return alone.
    pub carriage_returns: bool,
}

/// Passes text on and looks for quotes that are not as they should be. Carriage returns that end
/// lines are passed on as line feeds.
pub(super) struct Quotes<R> {
    inner: R,
    marks: Marks,
    state: State,
    line: u64,
    opened: u64,
    found: Rc<RefCell<Found>>,
}

impl<R> Quotes<R> {
    /// Looks at text that begins on this line of the file.
    pub fn new(inner: R, marks: Marks, line: u64) -> (Self, Rc<RefCell<Found>>) {
        let found = Rc::new(RefCell::new(Found::default()));
        let state = State::RecordStart;
        (Self { inner, marks, state, line, opened: line, found: Rc::clone(&found) }, found)
    }

    fn see(&mut self, byte: u8) {
        use State::{Closing, Comment, FieldStart, Quoted, RecordStart, Unquoted};
        let line_end = byte == b'\n';
        self.state = match (self.state, byte) {
            (Quoted, b'"') => Closing,
            (Quoted, _) => Quoted,
            (_, b'\n') => RecordStart,
            (Comment, _) => Comment,
            (RecordStart, _) if Some(byte) == self.marks.comment => Comment,
            (RecordStart | FieldStart, b'"') => {
                self.opened = self.line;
                Quoted
            }
            (Closing, b'"') => Quoted,
            (_, _) if byte == self.marks.delimiter => FieldStart,
            (Closing, b' ' | b'\t' | b'\r') => Closing,
            (Closing, _) => {
                self.found.borrow_mut().early.push_back(self.line);
                Unquoted
            }
            _ => Unquoted,
        };
        self.line += u64::from(line_end);
    }
}

impl<R: Read> Read for Quotes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        for byte in &mut buffer[..n] {
            if self.marks.carriage_returns && *byte == b'\r' {
                *byte = b'\n';
            }
            if self.marks.quoting {
                self.see(*byte);
            }
        }
        if n == 0 && self.state == State::Quoted {
            self.found.borrow_mut().open = Some(self.opened);
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> (Option<u64>, Vec<u64>) {
        let marks =
            Marks { delimiter: b',', comment: Some(b'#'), quoting: true, carriage_returns: false };
        let (mut quotes, found) = Quotes::new(text.as_bytes(), marks, 1);
        io::copy(&mut quotes, &mut io::sink()).unwrap();
        let found = found.borrow();
        (found.open, found.early.iter().copied().collect())
    }

    #[test]
    fn quotes_that_close_are_no_matter() {
        for text in [
            "a,b\n1,2\n",
            "\"a\",\"b\"\n\"1\n2\",\"\"\n",
            "\"say \"\"hi\"\"\",\"\"\"\"\n",
            // Letters like others: no reader takes them for more.
            "12\" record,5'11\"\n",
            "\"a\" ,\"b\"\r\n",
            "# don't \"\n#\"\n1,2",
        ] {
            assert_eq!(found(text), (None, vec![]), "{text}");
        }
    }

    #[test]
    fn quotes_that_do_not_are_told_with_their_line() {
        assert_eq!(found("a,b\n1,\"2\n3,4\n5,6\n"), (Some(2), vec![]));
        assert_eq!(found("a,b\n1,\"\"\"2\n3,4"), (Some(2), vec![]));
        assert_eq!(found("a,b\n1,\"2\n3,\"4\n5,6\n"), (None, vec![3]));
        assert_eq!(found("\"Joe \"the man\" Doe\",5\n"), (None, vec![1]));
        assert_eq!(found("\"a\" b\n\"c\"d,\"e\"f"), (None, vec![1, 2, 2]));
    }
}
