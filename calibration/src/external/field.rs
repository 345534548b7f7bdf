//! Single fields: text, numbers, and what stands for nothing.

use csv::ByteRecord;

/// A field without the white space around it.
pub(super) fn text(record: &ByteRecord, column: usize) -> &str {
    record.get(column).and_then(|field| std::str::from_utf8(field).ok()).unwrap_or("").trim()
}

/// Whether a number or time was left out.
pub(super) fn is_missing(text: &str) -> bool {
    text.is_empty()
        || (text.len() <= 4
            && ["na", "n/a", "nan", "null", "none"].iter().any(|n| text.eq_ignore_ascii_case(n)))
}

/// A number with these marks; it may be infinite. Marks between thousands stand before groups of
/// three digits, so that "1,5" is never read as 15.
pub(super) fn number(text: &str, decimal: char, thousands: Option<char>) -> Option<f64> {
    if decimal == '.' && thousands.is_none() {
        return text.parse().ok();
    }
    let (whole, fraction) = match text.split_once(decimal) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let mut groups = whole.split(|c| Some(c) == thousands);
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

/// A field as an error shows it.
pub(super) fn short(text: &str) -> String {
    const LENGTH: usize = 60;
    if text.chars().count() <= LENGTH {
        return text.into();
    }
    text.chars().take(LENGTH).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }

    #[test]
    fn missing_has_many_names() {
        for text in ["", "NA", "n/a", "NaN", "null", "None"] {
            assert!(is_missing(text), "{text}");
        }
        for text in ["0", "nano", "nobody"] {
            assert!(!is_missing(text), "{text}");
        }
    }

    #[test]
    fn a_long_field_is_shortened_between_characters() {
        assert_eq!(short("가나"), "가나");
        assert_eq!(short(&"가".repeat(61)), format!("{}...", "가".repeat(60)));
    }
}
