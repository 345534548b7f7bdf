//! Single fields: text, numbers, and what stands for nothing.

use csv::ByteRecord;

use super::map::Map;

/// A field without the white space around it.
pub(super) fn text(record: &ByteRecord, column: usize) -> &str {
    record.get(column).and_then(|field| std::str::from_utf8(field).ok()).unwrap_or("").trim()
}

/// What stands for nothing, as people, spreadsheets, databases and data frames write it.
const NOTHING: [&str; 11] =
    ["na", "n/a", "nan", "nat", "null", "none", "nil", "<na>", "#n/a", "\\n", "-"];

/// Whether a field was left out.
pub(super) fn is_missing(text: &str) -> bool {
    text.is_empty() || (text.len() <= 4 && NOTHING.iter().any(|n| text.eq_ignore_ascii_case(n)))
}

/// The minus sign of typesetters; a hyphen stands for it everywhere else.
const MINUS: char = '\u{2212}';

/// How numbers are written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Numbers {
    /// The decimal mark.
    pub decimal: char,
    /// The mark between thousands. One space or apostrophe stands for all of them.
    pub thousands: Option<char>,
    /// Whether brackets around a number or a minus after it make it negative.
    pub accounting: bool,
    /// Signs and codes before or after a number that say nothing.
    pub currency: Vec<String>,
}

impl Numbers {
    /// The numbers of a map.
    pub fn of(map: &Map) -> Self {
        let (decimal, thousands) = (map.decimal, map.thousands);
        let currency = map.currency.iter().map(|token| token.trim().to_owned()).collect();
        Self { decimal, thousands, accounting: map.accounting, currency }
    }

    /// A number; it may be infinite.
    pub fn parse(&self, text: &str) -> Option<f64> {
        let plain = self.decimal == '.' && self.thousands.is_none();
        if plain && let Ok(value) = text.parse() {
            return Some(value);
        }
        let mut rest = self.without_currency(text);
        let mut negative = false;
        let mut bracketed = false;
        if self.accounting
            && let Some(inside) = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'))
        {
            rest = self.without_currency(inside.trim());
            (negative, bracketed) = (true, true);
        }
        let signed = |c: char| matches!(c, '-' | '+' | MINUS);
        let mut letters = rest.chars();
        if let Some(sign) = letters.next().filter(|c| signed(*c) && !bracketed) {
            negative = sign != '+';
            rest = self.without_currency(letters.as_str().trim_start());
        } else if let Some(before) = rest.strip_suffix(['-', MINUS])
            && self.accounting
            && !bracketed
        {
            negative = true;
            rest = self.without_currency(before.trim_end());
        }
        if rest.starts_with(signed) {
            return None;
        }
        let value = self.unsigned(rest)?;
        Some(if negative { -value } else { value })
    }

    /// The text without one sign or code before or after it.
    fn without_currency<'a>(&self, text: &'a str) -> &'a str {
        for token in &self.currency {
            let is = |part: Option<&str>| part.is_some_and(|part| part.eq_ignore_ascii_case(token));
            let (length, end) = (token.len(), text.len().checked_sub(token.len()));
            if is(text.get(..length)) {
                return text[length..].trim_start();
            }
            if let Some(end) = end.filter(|end| is(text.get(*end..))) {
                return text[..end].trim_end();
            }
        }
        text
    }

    /// Marks between thousands stand before groups of three digits, so that "1,5" is never read as
    /// 15.
    fn unsigned(&self, text: &str) -> Option<f64> {
        let (whole, fraction) = match text.split_once(self.decimal) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text, None),
        };
        let mut groups = whole.split(|c| self.thousands.is_some_and(|mark| same_mark(mark, c)));
        let mut plain = groups.next()?.to_string();
        for group in groups {
            if group.len() != 3 || !group.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            plain += group;
        }
        // Points that are neither mark are refused with the rest of what is no number.
        if plain.contains('.') || fraction.is_some_and(|fraction| fraction.contains('.')) {
            return None;
        }
        if let Some(fraction) = fraction {
            plain.push('.');
            plain += fraction;
        }
        plain.parse().ok()
    }
}

/// Whether a character is the mark, or one that looks like it.
pub(super) fn same_mark(mark: char, c: char) -> bool {
    const ALIKE: [&[char]; 2] = [&[' ', '\u{a0}', '\u{202f}', '\u{2009}'], &['\'', '\u{2019}']];
    mark == c || ALIKE.iter().any(|alike| alike.contains(&mark) && alike.contains(&c))
}

/// A field as an error shows it.
pub(super) fn short(text: &str) -> String {
    const LENGTH: usize = 60;
    if text.chars().count() <= LENGTH {
        return text.into();
    }
    text.chars().take(LENGTH).chain("...".chars()).collect()
}

/// A text on one line: line ends and other control characters as escapes.
pub(super) fn on_one_line(text: &str) -> String {
    let show = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.into() };
    text.chars().map(show).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str, decimal: char, thousands: Option<char>) -> Option<f64> {
        Numbers { decimal, thousands, accounting: false, currency: Vec::new() }.parse(text)
    }

    #[test]
    fn numbers_follow_the_marks() {
        assert_eq!(number("1234.5", '.', None), Some(1234.5));
        assert_eq!(number("1,234.5", '.', None), None);
        assert_eq!(number("1,234.5", '.', Some(',')), Some(1234.5));
        assert_eq!(number("1.234,5", ',', Some('.')), Some(1234.5));
        assert_eq!(number("1234,5", ',', None), Some(1234.5));
        assert_eq!(number("1.5", ',', None), None);
        assert_eq!(number("-1 234,5", ',', Some(' ')), Some(-1234.5));
        assert_eq!(number("1,234,567", '.', Some(',')), Some(1_234_567.0));
        for text in ["1,5", "1,2345", "1234,56", "1.234,5", "1,23a", "1,234.5.6", ","] {
            assert_eq!(number(text, '.', Some(',')), None, "{text}");
        }
        // Spaces and apostrophes look alike.
        for text in ["1 234,5", "1\u{a0}234,5", "1\u{202f}234,5", "1\u{2009}234,5"] {
            assert_eq!(number(text, ',', Some(' ')), Some(1234.5), "{text}");
        }
        for text in ["1'234.5", "1\u{2019}234.5"] {
            assert_eq!(number(text, '.', Some('\'')), Some(1234.5), "{text}");
        }
        // The minus of typesetters is one, and nothing else is read without being asked for.
        assert_eq!(number("\u{2212}12.50", '.', None), Some(-12.5));
        assert_eq!(number("+12.50", '.', None), Some(12.5));
        for text in ["(12.50)", "12.50-", "$12.50", "--5", "-+5", "+\u{2212}5", "", "-", "12.5 0"] {
            assert_eq!(number(text, '.', None), None, "{text}");
            assert_eq!(number(text, ',', None), None, "{text}");
        }
    }

    #[test]
    fn signs_of_accountants_and_of_currencies_are_read_on_request() {
        let currency = ["$", "EUR", "\u{20ac}"].map(String::from).to_vec();
        let numbers = Numbers { decimal: '.', thousands: Some(','), accounting: true, currency };
        for text in [
            "(1,212.50)",
            "1,212.50-",
            "1,212.50\u{2212}",
            "-1,212.50",
            "-$1,212.50",
            "$-1,212.50",
            "($1,212.50)",
            "$(1,212.50)",
            "1,212.50 EUR-",
            "1,212.50- eur",
            "\u{2212}\u{20ac} 1,212.50",
        ] {
            assert_eq!(numbers.parse(text), Some(-1212.5), "{text}");
        }
        for text in ["$1,212.50", "EUR 1,212.50", "1,212.50\u{20ac}", "1,212.50 eur", "1.2125e3"] {
            assert_eq!(numbers.parse(text), Some(1212.5), "{text}");
        }
        for text in ["(-5)", "-(5)", "(5", "5)", "-5-", "GBP 5", "$$5", "$", "()", "( )", "0x10"] {
            assert_eq!(numbers.parse(text), None, "{text}");
        }
        let short = Numbers { accounting: true, ..Numbers::of(&Map::default()) };
        assert_eq!(short.parse("1e-5"), Some(1e-5));
        assert_eq!(short.parse("-1e-5"), Some(-1e-5));
        assert_eq!(short.parse("1e-5-"), Some(-1e-5));
    }

    #[test]
    fn missing_has_many_names() {
        for text in ["", "NA", "n/a", "NaN", "null", "None", "<NA>", "NaT", "#N/A", "\\N", "-"] {
            assert!(is_missing(text), "{text}");
        }
        for text in ["0", "nano", "nobody", "--", "n", "-1"] {
            assert!(!is_missing(text), "{text}");
        }
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(on_one_line("a\r\nb\tc 가"), "a\\r\\nb\\tc 가");
    }

    #[test]
    fn a_long_field_is_shortened_between_characters() {
        assert_eq!(short("가나"), "가나");
        assert_eq!(short(&"가".repeat(61)), format!("{}...", "가".repeat(60)));
    }
}
