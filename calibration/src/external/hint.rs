//! What would make bad rows good: the remedy under a list of them.

use super::error::BadRow;
use super::field::{is_missing, number};
use super::map::Map;
use super::time;

/// What is said of an amount below 0.
pub(super) const NEGATIVE: &str = "is negative";
/// What is said of a number that cannot be read.
pub(super) const NOT_A_NUMBER: &str = "is not a number";
/// What is said of a field in another encoding.
pub(super) const NOT_UTF8: &str = "is not UTF-8";

/// Decimal mark and mark between thousands, the common ones first.
const MARKS: [(char, Option<char>); 5] =
    [('.', Some(',')), (',', None), (',', Some('.')), (',', Some(' ')), (',', Some('\u{a0}'))];

/// What would make the listed rows good; `time` and `amount` are the names of their columns.
pub(super) fn hint(rows: &[BadRow], time: &str, amount: &str, map: &Map) -> String {
    let says = |row: &BadRow, problem: &str| row.problem.starts_with(problem);
    if rows.iter().any(|row| says(row, NOT_UTF8)) {
        return "save the file as UTF-8 (in a shell: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW, or \
                with another encoding that it has now, such as CP949 for Korean)"
            .into();
    }
    let values = |column: &str, problem: &str| -> Vec<&str> {
        let of = rows.iter().filter(|row| row.column.as_deref() == Some(column));
        let with = of.filter(|row| says(row, problem)).map(|row| row.value.as_str());
        with.filter(|value| !is_missing(value)).collect()
    };
    let times = values(time, "");
    if let Some(format) = time::suggest(&times) {
        return format!("the times listed fit time_format = {format:?}");
    }
    let amounts = values(amount, NOT_A_NUMBER);
    if let Some(marks) = marks(&amounts, (map.decimal, map.thousands)) {
        return marks;
    }
    let rest = "mend the rows, or choose a policy under `cleaning` that drops and counts such rows";
    let negative = rows.iter().filter(|row| says(row, NEGATIVE)).count();
    if negative == 0 {
        return rest.into();
    }
    let signs = "set cleaning.negative = \"absolute\" to use amounts without their sign, \
                 negative_kind = \"withdrawal\" to make those below 0 a kind of their own, or \
                 cleaning.negative = \"drop\"";
    if negative == rows.len() { signs.into() } else { format!("{signs}; else {rest}") }
}

/// Marks that all of these amounts fit.
fn marks(amounts: &[&str], given: (char, Option<char>)) -> Option<String> {
    let fits = |marks: &&(char, Option<char>)| {
        let fits = |text: &&str| number(text, marks.0, marks.1).is_some_and(f64::is_finite);
        **marks != given && amounts.iter().all(fits)
    };
    let (decimal, thousands) = MARKS.iter().find(fits).filter(|_| !amounts.is_empty())?;
    let used = thousands.filter(|mark| amounts.iter().any(|text| text.contains(*mark)));
    Some(match used {
        None => format!("the amounts listed fit decimal = \"{decimal}\""),
        Some(mark) => {
            format!("the amounts listed fit decimal = \"{decimal}\", thousands = \"{mark}\"")
        }
    })
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
        hint(&values.iter().map(row).collect::<Vec<_>>(), "time", "amount", map)
    }

    #[test]
    fn marks_are_suggested_only_where_they_help() {
        let point = Map::default();
        let comma = Map { decimal: ',', ..Map::default() };
        let unread = |value| (value, NOT_A_NUMBER);
        assert!(hint_of(&[unread("1,5")], &point).ends_with("decimal = \",\""));
        assert!(hint_of(&[unread("1.234,5"), unread("7,5")], &comma).contains("thousands"));
        assert!(hint_of(&[unread("12 EUR")], &point).starts_with("mend"));
        // The marks are right already: the sign is what is wrong.
        let hint = hint_of(&[("-52,47", NEGATIVE), ("-1,00", NEGATIVE)], &comma);
        assert!(hint.contains("absolute") && !hint.contains("decimal"), "{hint}");
        let hint = hint_of(&[("-52,47", NEGATIVE), unread("x")], &comma);
        assert!(hint.contains("absolute") && hint.contains("mend"), "{hint}");
    }
}
