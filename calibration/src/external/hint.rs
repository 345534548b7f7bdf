//! What would make bad rows good: the remedy under a list of them.

use std::collections::BTreeSet;

use super::error::BadRow;
use super::field::{Numbers, is_missing, same_mark};
use super::map::Map;
use super::source::each_field;
use super::time_hint::Formats;

/// What is said of an amount below 0.
pub(super) const NEGATIVE: &str = "is negative";
/// What is said of a number that cannot be read.
pub(super) const NOT_A_NUMBER: &str = "is not a number";
/// What is said of a field in another encoding.
pub(super) const NOT_UTF8: &str = "is not UTF-8";
/// What is said of a quote within a field.
pub(super) const EARLY_QUOTE: &str = "has text after a closing quote";
/// What is said of a quote whose field holds other rows.
pub(super) const SWALLOWED: &str = "has a quote that closes too late";

/// Decimal mark and mark between thousands, the common ones first.
const MARKS: [(char, Option<char>); 7] = [
    ('.', Some(',')),
    (',', None),
    (',', Some('.')),
    (',', Some(' ')),
    ('.', Some(' ')),
    ('.', Some('\'')),
    (',', Some('\'')),
];

/// The most rows at the end of a file that are taken for a footer.
const FOOTER: u64 = 5;
/// The most signs of currencies, and the most letters of one.
const CURRENCIES: usize = 6;

/// The bad rows of a file.
pub(super) struct Seen<'a> {
    /// Some of them.
    pub rows: &'a [BadRow],
    /// How many there are.
    pub total: u64,
    /// The line of the last row that is none; 0 where all are.
    pub last_good: u64,
}

/// What would make the rows good; `columns` are those of times and of amounts.
pub(super) fn hint(seen: &Seen<'_>, columns: [&str; 2], map: &Map, path: &str) -> String {
    let Seen { rows, total, last_good } = *seen;
    let says = |row: &BadRow, problem: &str| row.problem.starts_with(problem);
    let any = |problem: &str| rows.iter().any(|row| says(row, problem));
    if any(NOT_UTF8) {
        return "save the file as UTF-8 (in a shell: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW, or \
                with another encoding that it has now, such as CP949 for Korean)"
            .into();
    }
    if any(EARLY_QUOTE) || any(SWALLOWED) {
        return "close the quote where its field ends, write quotes that belong to the text twice \
                (\"\"), or set quoting = false where quotes are letters like others"
            .into();
    }
    let values = |column: &str, problem: &str| -> Vec<&str> {
        let of = rows.iter().filter(|row| row.column.as_deref() == Some(column));
        let with = of.filter(|row| says(row, problem)).map(|row| row.value.as_str());
        with.filter(|value| !is_missing(value)).collect()
    };
    let [time, amount] = columns;
    let times = values(time, "");
    if !times.is_empty() {
        let formats = Formats::of_file(path, map)
            .unwrap_or_else(|| Formats::of(times.into_iter(), &map.time_format));
        if let Some(said) = formats.say(&map.time_format) {
            return said;
        }
    }
    let mut keys = numbers(&values(amount, NOT_A_NUMBER), &Numbers::of(map));
    keys.retain(|(numbers, _)| helps(numbers, map, path));
    let list: Vec<&str> = keys.iter().map(|(_, keys)| keys.as_str()).collect();
    match list.len() {
        0 => {}
        1 => return format!("the amounts listed fit {}", list[0]),
        _ => {
            let list = list.join("; and as well ");
            return format!("the amounts listed fit {list}, which are other numbers");
        }
    }
    let rest = "mend the rows, or choose a policy under `cleaning` that drops and counts such rows";
    let negative = rows.iter().filter(|row| says(row, NEGATIVE)).count();
    let footer = last_good > 0 && total <= FOOTER && rows.iter().all(|row| row.line > last_good);
    match negative {
        0 if footer => {
            return format!(
                "these are the last rows: if they are no part of the table, set skip_footer = \
                 {total}; else {rest}"
            );
        }
        0 => return rest.into(),
        _ => {}
    }
    let signs = "set cleaning.negative = \"absolute\" to use amounts without their sign, \
                 negative_kind = \"withdrawal\" to make those below 0 a kind of their own, or \
                 cleaning.negative = \"drop\"";
    if negative == rows.len() { signs.into() } else { format!("{signs}; else {rest}") }
}

/// Whether more amounts of the file can be read so than as the map says; true where the file cannot
/// be read again.
fn helps(numbers: &Numbers, map: &Map, path: &str) -> bool {
    let (given, mut with, mut without) = (Numbers::of(map), 0, 0);
    let seen = each_field(path, map, &map.columns.amount, |text| {
        with += usize::from(numbers.parse(text).is_some());
        without += usize::from(given.parse(text).is_some());
    });
    !seen || with > without
}

/// Ways to read all of these amounts, and the keys that say so.
fn numbers(amounts: &[&str], given: &Numbers) -> Vec<(Numbers, String)> {
    if amounts.is_empty() {
        return Vec::new();
    }
    let mut currency = given.currency.clone();
    currency
        .extend(currencies(amounts).into_iter().filter(|token| !given.currency.contains(token)));
    let bookish = |text: &&str| {
        let rest = text.trim_end_matches(|c: char| is_token(c) || c.is_whitespace());
        rest.contains('(') || rest.ends_with(['-', '\u{2212}'])
    };
    let accounting = given.accounting || amounts.iter().any(bookish);
    let own = (given.decimal, given.thousands);
    let mut fitting = Vec::new();
    for marks in [own].into_iter().chain(MARKS.into_iter().filter(|marks| *marks != own)) {
        let (decimal, thousands) = marks;
        let new = Numbers { decimal, thousands, accounting, currency: currency.clone() };
        let used = |mark| amounts.iter().any(|text| text.contains(|c| same_mark(mark, c)));
        let fits = |text: &&str| new.parse(text).is_some_and(f64::is_finite);
        let needed = marks == own || thousands.is_none_or(used);
        if new == *given || !needed || !amounts.iter().all(fits) {
            continue;
        }
        let mut keys = Vec::new();
        if marks != own {
            keys.push(format!("decimal = \"{decimal}\""));
            keys.extend(thousands.map(|mark| format!("thousands = \"{mark}\"")));
        }
        if accounting != given.accounting {
            keys.push("accounting = true".into());
        }
        if currency != given.currency {
            keys.push(format!("currency = {currency:?}"));
        }
        fitting.push((new, keys.join(", ")));
        if marks == own {
            break;
        }
    }
    fitting
}

/// Whether a character may belong to the sign or the code of a currency.
fn is_token(c: char) -> bool {
    c.is_alphabetic() || matches!(c, '$' | '¢' | '£' | '¤' | '¥' | '\u{20a0}'..='\u{20cf}')
}

/// Signs and codes of currencies in amounts.
fn currencies(amounts: &[&str]) -> BTreeSet<String> {
    let tokens = |text: &&str| -> Vec<String> {
        let parts = text.split(|c| !is_token(c)).filter(|token| !token.is_empty());
        parts.map(str::to_owned).collect()
    };
    let found: BTreeSet<String> = amounts.iter().flat_map(tokens).collect();
    let likely = |token: &String| token.chars().count() <= CURRENCIES;
    if found.len() <= CURRENCIES && found.iter().all(likely) { found } else { BTreeSet::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint_of(values: &[(&str, &str)], map: &Map) -> String {
        let row = |(value, problem): &(&str, &str)| BadRow {
            line: 2,
            column: Some("amount".into()),
            value: (*value).into(),
            problem: (*problem).into(),
        };
        let rows: Vec<BadRow> = values.iter().map(row).collect();
        let seen = Seen { rows: &rows, total: rows.len() as u64, last_good: 0 };
        hint(&seen, ["time", "amount"], map, "no file")
    }

    #[test]
    fn marks_are_suggested_only_where_they_help() {
        let point = Map::default();
        let comma = Map { decimal: ',', ..Map::default() };
        let unread = |value| (value, NOT_A_NUMBER);
        assert!(hint_of(&[unread("1,5")], &point).ends_with("decimal = \",\""));
        assert!(hint_of(&[unread("1.234,5"), unread("7,5")], &comma).contains("thousands"));
        assert!(hint_of(&[unread("twelve")], &point).starts_with("mend"));
        // The marks are right already: the sign is what is wrong.
        let hint = hint_of(&[("-52,47", NEGATIVE), ("-1,00", NEGATIVE)], &comma);
        assert!(hint.contains("absolute") && !hint.contains("decimal"), "{hint}");
        let hint = hint_of(&[("-52,47", NEGATIVE), unread("twelve")], &comma);
        assert!(hint.contains("absolute") && hint.contains("mend"), "{hint}");
        // Both readings are possible, and they differ by a factor of 1,000.
        let hint = hint_of(&[unread("1,234")], &point);
        let both = "fit decimal = \".\", thousands = \",\"; and as well decimal = \",\", which are";
        assert!(hint.contains(both), "{hint}");
    }

    #[test]
    fn signs_spaces_and_currencies_name_their_keys() {
        let point = Map::default();
        let hint = |value| hint_of(&[(value, NOT_A_NUMBER)], &point);
        for (value, keys) in [
            ("(12.50)", "accounting = true"),
            ("12.50-", "accounting = true"),
            ("$12.50", "currency = [\"$\"]"),
            ("12.50 \u{20ac}", "currency = [\"\u{20ac}\"]"),
            ("EUR 12.50", "currency = [\"EUR\"]"),
            ("($12.50)", "accounting = true, currency = [\"$\"]"),
            ("12.50- EUR", "accounting = true, currency = [\"EUR\"]"),
            ("1'234.50", "decimal = \".\", thousands = \"'\""),
            (
                "1\u{202f}234,50 \u{20ac}",
                "decimal = \",\", thousands = \" \", currency = [\"\u{20ac}\"]",
            ),
            ("-1.234,50\u{a0}EUR", "decimal = \",\", thousands = \".\", currency = [\"EUR\"]"),
        ] {
            assert_eq!(hint(value), format!("the amounts listed fit {keys}"));
        }
        for value in ["0x10", "12.5 0", "5%", "--5"] {
            assert!(hint(value).starts_with("mend"), "{value}: {}", hint(value));
        }
    }
}
