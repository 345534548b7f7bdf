//! Price series: a date and a price a row.

use super::account::Tally;
use super::calendar::iso_day;
use super::error::{BadRow, ExternalError, LISTED_ROWS};
use super::field::short;
use super::source::{Layout, Source};

/// Reads `builtin:sp500` or a CSV file whose first column is an ISO date and whose second is a
/// price: (days since 1970-01-01, price) by ascending date.
///
/// # Errors
/// A file that cannot be read, a date that is not later than the one before, a price that is not a
/// finite number above 0; at most 20 such rows are listed.
pub fn price_series(source: &str) -> Result<Vec<(i64, f64)>, ExternalError> {
    let mut file = Source::open(source, Layout::PLAIN)?;
    if file.header.len() < 2 {
        return Err(ExternalError::MissingColumn {
            path: source.into(),
            column: "price".into(),
            key: "the second column".into(),
            hint: "a price series has a date and a price in each row; ".into(),
            available: file.columns(),
        });
    }
    let names = [file.header[0].clone(), file.header[1].clone()];
    let mut series: Vec<(i64, f64)> = Vec::new();
    let (mut bad, mut total) = (Vec::new(), 0);
    while let Some(row) = file.next_row()? {
        let field = |i: usize| String::from_utf8_lossy(row.record.get(i).unwrap_or_default());
        let (date, price) = (field(0), field(1));
        let mut refuse = |i: usize, value: &str, problem: &str| {
            total += 1;
            if bad.len() < LISTED_ROWS {
                bad.push(BadRow {
                    line: row.line,
                    column: Some(names[i].clone()),
                    value: short(value),
                    problem: problem.into(),
                });
            }
        };
        let day = iso_day(date.trim());
        let amount = price.trim().parse::<f64>().ok().filter(|p| p.is_finite() && *p > 0.0);
        match (day, amount) {
            (None, _) => refuse(0, &date, "is not an ISO date such as 1990-01-31"),
            (_, None) => refuse(1, &price, "is not a finite number above 0"),
            (Some(day), Some(_)) if series.last().is_some_and(|(last, _)| *last >= day) => {
                refuse(0, &date, "is not later than the date before; sort the rows by date");
            }
            (Some(day), Some(price)) => series.push((day, price)),
        }
    }
    if total > 0 {
        let (path, hint) = (source.into(), String::new());
        let reasons = vec![Tally { reason: "no date and price in order".into(), count: total }];
        return Err(ExternalError::BadRows { path, reasons, rows: bad, total, hint });
    }
    if series.is_empty() {
        let (path, columns) = (source.into(), file.columns());
        return Err(ExternalError::HeaderOnly { path, columns });
    }
    Ok(series)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First and last rows of the file, and the log return over all of it.
    #[test]
    fn the_builtin_index_is_read_whole() {
        let series = price_series("builtin:sp500").unwrap();
        assert_eq!(series.len(), 7307);
        assert_eq!(series[0], (iso_day("1990-01-02").unwrap(), 359.69));
        assert_eq!(series[7306], (iso_day("2018-12-31").unwrap(), 2506.85));
        assert!(series.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn events_are_no_prices() {
        let error = price_series("builtin:cdnow").unwrap_err().to_string();
        assert!(error.contains("69659 bad rows") && error.contains("and 69639 more"), "{error}");
        let error = price_series("builtin:gold").unwrap_err().to_string();
        assert!(error.contains("builtin:sp500"), "{error}");
    }
}
