//! Files as other programs write them: what is read of them, and what is told of them.

use trueup_calibration::external::{self, ExternalError, Loaded, Map};

use super::{assert_balanced, count, events, load};

fn try_load(text: &str, map: &str) -> Result<Loaded, ExternalError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    std::fs::write(&path, text).unwrap();
    let map: Map = toml::from_str(map).unwrap();
    external::load(path.to_str().unwrap(), Some(&map), "key")
}

fn refusal(text: &str, map: &str) -> String {
    try_load(text, map).unwrap_err().to_string()
}

/// The warnings of a log that is read all the same.
fn warnings(text: &str, map: &str) -> String {
    let loaded = try_load(text, map).unwrap();
    assert_balanced(&loaded.account);
    loaded.warnings.join("\n")
}

/// `user,time,amount,note` with so many rows, one a day from 2024-01-01, written by `row` from
/// user, date, amount and line.
fn table(rows: usize, row: impl Fn(&str, &str, &str, usize) -> String) -> String {
    let mut text = String::from("user,time,amount,note\n");
    for i in 0..rows {
        let date = format!("2024-{:02}-{:02}", 1 + i / 28, 1 + i % 28);
        text += &row(&format!("u{}", i % 7), &date, &format!("{}.50", 1 + i % 9), i + 2);
        text.push('\n');
    }
    text
}

/// A row of user, day and amount.
type Field = fn(&str, &str, &str) -> String;

#[test]
fn a_quote_that_nothing_closes_is_refused_with_its_line() {
    let plain = |u: &str, d: &str, a: &str| format!("{u},{d},{a},ok");
    let at = |line: usize, field: Field| {
        table(90, |u, d, a, l| if l == line { field(u, d, a) } else { plain(u, d, a) })
    };
    let fields: [(usize, Field); 4] = [
        (52, |u, d, a| format!("{u},{d},{a},\"open")),
        (3, |u, d, a| format!("\"{u},{d},{a},open")),
        (91, |u, d, a| format!("{u},{d},\"{a},open")),
        (40, |u, d, a| format!("{u},{d},{a},\"\"\"open")),
    ];
    for (line, field) in fields {
        let text = at(line, field);
        for text in [text.clone(), text.replace('\n', "\r\n"), text.trim_end().into()] {
            let error = refusal(&text, "");
            let said = format!("line {line}: a quote opens here that nothing closes");
            assert!(error.contains(&said) && error.contains("quoting = false"), "{error}");
        }
        // No policy lets the rest of the file go.
        let drop = "cleaning = { unparsable = \"drop\", missing = \"drop\" }";
        assert!(refusal(&text, drop).contains("nothing closes"));
        // Where quotes are letters, all rows are there.
        let map = "quoting = false\ncleaning.unparsable = \"drop\"";
        assert_eq!(load(text.as_bytes(), map).account.rows_read, 90);
    }
}

/// Two stray quotes make one field of all that stands between them.
#[test]
fn rows_between_two_stray_quotes_are_not_lost() {
    let drop = "cleaning = { unparsable = \"drop\", missing = \"drop\" }";
    let two = |first: usize, second: usize, closing: fn(&str, &str, &str) -> String| {
        table(90, |u, d, a, line| match line {
            l if l == first => format!("{u},{d},{a},\"open"),
            l if l == second => closing(u, d, a),
            _ => format!("{u},{d},{a},ok"),
        })
    };
    let closings: [(Field, &str); 5] = [
        (|u, d, a| format!("{u},{d},{a},close\""), "looks like a row"),
        (|u, d, a| format!("{u},{d},{a},\"close"), "text after a closing quote"),
        (|u, d, a| format!("{u},{d},{a},a \"close\""), "text after a closing quote"),
        (|u, d, a| format!("{u}\",{d},{a},close"), "has 7 fields, the header has 4"),
        (|u, d, a| format!("{u},{d}\",{a},close"), "has 6 fields, the header has 4"),
    ];
    for (first, second) in [(20, 60), (20, 21), (2, 91)] {
        for (closing, said) in closings {
            let text = two(first, second, closing);
            for map in ["", drop] {
                let error = refusal(&text, map);
                assert!(error.contains(&format!("line {first}: ")), "{error}");
                let rows = said.starts_with("has") && second > first + 1;
                assert!(error.contains(said) || rows && error.contains("like a row"), "{error}");
            }
        }
    }
}

#[test]
fn quotes_within_one_line_are_a_bad_row_and_multi_line_fields_are_read() {
    let text = "user,time,amount,note\na,2024-01-01,1,\"Joe \"the man\" Doe\"\nb,2024-01-02,2,x\n";
    let error = refusal(text, "");
    assert!(error.contains("1 bad row: text after a closing quote\n  line 2: "), "{error}");
    assert!(error.contains("write quotes that belong to the text twice"), "{error}");
    let loaded = load(text.as_bytes(), "cleaning.unparsable = \"drop\"");
    assert_eq!(count(&loaded.account, "text after a closing quote"), 1);
    // Line ends, commas and quotes within quotes; inches in a field without quotes.
    let text = "user,time,amount,note\na,2024-01-01,1,\"two\nlines, one \"\"word\"\"\n\n,,,\"\n\
                b,2024-01-02,2,12\" record\nc,2024-01-03,3,\"x\" \n";
    let loaded = load(text.as_bytes(), "");
    assert_eq!((loaded.account.rows_read, loaded.account.rows_kept), (3, 3));
    assert_eq!(loaded.first_rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 6, 7]);
}

#[test]
fn what_stands_for_nobody_is_a_missing_user() {
    let nobody = ["", "nan", "NULL", "None", "N/A", "NA", "-", "<NA>", "\\N", "NaT"];
    let mut text = String::from("user,time,amount\n");
    for (i, user) in nobody.iter().chain(&["anna", "nano", "0"]).enumerate() {
        text += &format!("{user},2024-01-{:02},5\n", i + 1);
    }
    let error = refusal(&text, "");
    assert!(error.contains("10 bad rows: missing user\n"), "{error}");
    let loaded = load(text.as_bytes(), "cleaning.missing = \"drop\"\npseudonymise = false");
    assert_eq!(loaded.log.users(), ["anna", "nano", "0"]);
    assert_eq!(count(&loaded.account, "missing user"), 10);
}

#[test]
fn empty_kinds_can_be_named() {
    let text = "user,time,amount,k\na,2024-01-01,1,\na,2024-01-02,2,UROK\na,2024-01-03,3,-\n";
    let map = |kinds: &str| format!("columns = {{ kind = \"k\" }}\nkinds = {{ {kinds} }}");
    let loaded = load(text.as_bytes(), &map("\"\" = \"interest\", \"-\" = \"fee\", UROK = \"x\""));
    assert_eq!(events(&loaded.log, 0), [(0, "interest", 1.0), (1, "x", 2.0), (2, "fee", 3.0)]);
    let error = refusal(text, &map("\"\" = \"interest\", UROK = \"x\""));
    assert!(error.contains("line 4, column \"k\": \"-\" is missing"), "{error}");
}

/// Only the 60th of the rows tells, or none, or no format fits.
#[test]
fn hints_on_dates_come_from_all_rows() {
    let rows = |last: &str| {
        let mut text = String::from("user,time,amount\n");
        (0..60).for_each(|i| text += &format!("u{i},0{}/02/2024,5\n", 1 + i % 9));
        text + "x," + last + ",5\n"
    };
    let (dmy, mdy) = ("time_format = \"%d/%m/%Y\"", "time_format = \"%m/%d/%Y\"");
    for (last, named, not) in [("13/02/2024", dmy, mdy), ("02/13/2024", mdy, dmy)] {
        let error = refusal(&rows(last), "");
        assert!(error.ends_with(&format!("all times of the file fit {named}")), "{error}");
        assert!(!error.contains(not), "{error}");
    }
    let error = refusal(&rows("01/02/2024"), "");
    assert!(error.contains(&format!("fit {dmy} and {mdy}: nothing in them tells")), "{error}");
    let error = refusal(&rows("13/13/2024"), "time_format = \"%d/%m/%Y\"");
    assert!(!error.contains("%m/%d/%Y") && error.contains("line 62"), "{error}");
    let error = refusal(&(rows("13/02/2024") + "y,02/13/2024,5\n"), "");
    assert!(!error.contains("the file fit"), "{error}");
}

#[test]
fn bad_rows_are_summed_up_by_reason_before_examples() {
    let mut text = String::from("user,time,amount\n");
    (0..30).for_each(|i| text += &format!("u,2024-01-01,bad{i}\n"));
    text += ",2024-01-01,5\nu,soon,5\nu,2024-01-01\nu,2024-01-01,5\n";
    let error = refusal(&text, "");
    let sums = "33 bad rows: 30 unparsable number, 1 missing user, 1 unparsable time, 1 wrong number \
                of fields\n  line 2";
    assert!(error.contains(sums), "{error}");
    for example in ["line 32, column \"user\"", "line 33, column \"time\"", "line 34: "] {
        assert!(error.contains(example), "{error}");
    }
    assert!(error.contains("and 10 more"), "{error}");
}

#[test]
fn times_in_another_unit_come_with_their_format() {
    let rows = |time: &dyn Fn(i64) -> String| {
        let mut text = String::from("user,time,amount\n");
        (0..20).for_each(|i| text += &format!("u{},{},5\n", i % 3, time(i)));
        text
    };
    let seconds = |i: i64| 1_704_412_800 + i * 86_400;
    for (given, fits, text) in [
        ("unix-ms", "unix", rows(&|i| seconds(i).to_string())),
        ("unix-us", "unix", rows(&|i| seconds(i).to_string())),
        ("unix-us", "unix-ms", rows(&|i| format!("{}000", seconds(i)))),
        ("unix-ns", "unix-us", rows(&|i| format!("{}000000", seconds(i)))),
        ("unix", "excel", rows(&|i| (45_296 + i).to_string())),
        ("unix-ms", "excel", rows(&|i| (45_296 + i).to_string())),
        ("unix", "%Y%m%d", rows(&|i| (20_240_101 + i).to_string())),
    ] {
        let said = warnings(&text, &format!("time_format = \"{given}\""));
        let fitting = format!("all times of the file fit time_format = \"{fits}\"");
        assert!(said.contains("all times lie in 1970") && said.contains(&fitting), "{said}");
        // And with that format nothing is to be said.
        assert_eq!(warnings(&text, &format!("time_format = \"{fits}\"")), "");
    }
    for (given, fits, zeros) in [
        ("unix", "unix-ms", 3),
        ("unix-ms", "unix-us", 6),
        ("unix", "unix-ns", 9),
        ("iso", "unix", 0),
    ] {
        let text = rows(&|i| format!("{}{}", seconds(i), "0".repeat(zeros)));
        let error = refusal(&text, &format!("time_format = \"{given}\""));
        assert!(error.contains(&format!("fit time_format = \"{fits}\"")), "{error}");
    }
}

#[test]
fn offsets_that_differ_are_told_and_a_zone_tells_one_time() {
    let text = "user,time,amount\na,2024-03-30T23:30:00-05:00,1\na,2024-03-31T04:45:00Z,2\n";
    let said = warnings(text, "window.horizon = 1");
    assert!(
        said.contains("2 offsets from UTC (-05:00, +00:00)") && said.contains("timezone"),
        "{said}"
    );
    let ticks = |map: &str| -> Vec<u32> {
        load(text.as_bytes(), map).log.events().iter().map(|event| event.tick).collect()
    };
    let window = "window = { start = \"2024-03-30\", end = \"2024-04-01\", horizon = 2 }\n";
    assert_eq!(ticks(window), [0, 1]);
    for (zone, expected) in
        [("UTC", [1, 1]), ("America/New_York", [1, 1]), ("America/Chicago", [0, 0])]
    {
        let map = format!("timezone = \"{zone}\"\n{window}");
        assert_eq!(ticks(&map), expected, "{zone}");
        assert_eq!(warnings(text, &map), "");
    }
    let error = refusal(text, "timezone = \"Europe/Berln\"");
    assert!(error.contains("`timezone` is Europe/Berln") && error.contains("IANA"), "{error}");
}

#[test]
fn a_window_that_events_do_not_fill_is_told() {
    let mut text = String::from("user,time,amount\n");
    (0..40).for_each(|i| text += &format!("u{},2024-01-{:02},5\n", i % 3, 1 + i % 28));
    assert_eq!(warnings(&text, ""), "");
    let said = warnings(&(text.clone() + "u1,2204-01-05,5\n"), "clock = \"month\"");
    assert!(said.contains("nobody has an event in 215") && said.contains("2024-02-01"), "{said}");
    let said = warnings(&text, "window = { horizon = 365, require_full_window = false }");
    assert!(
        said.contains("nobody has an event in 337 days") && said.contains("of the 365"),
        "{said}"
    );
}

#[test]
fn lines_of_one_purchase_are_told() {
    let mut text = String::from("user,time,amount\n");
    for i in 0..30 {
        text += &format!("u,2024-01-{:02},5\n", 1 + i / 3);
    }
    let said = warnings(&text, "");
    assert!(said.contains("follow another of the same user, kind and day"), "{said}");
    assert!(said.contains("merge = \"day\""), "{said}");
    assert_eq!(warnings(&text, "merge = \"day\""), "");
}

#[test]
fn lines_before_and_after_the_table_are_skipped() {
    let table = "user,time,amount\na,2024-01-01,1\nb,2024-01-03,2\n";
    let text = format!("Export of \"March\nbank 7;\"x\n\n{table}\nSum,,3\nend,of,file\n");
    let error = refusal(&text, "");
    assert!(error.contains("did you mean skip_lines = 2?"), "{error}");
    let error = refusal(&text, "skip_lines = 3");
    assert!(
        error.contains("these are the last rows") && error.contains("skip_footer = 2"),
        "{error}"
    );
    let map = "skip_lines = 3\nskip_footer = 2";
    let loaded = load(text.as_bytes(), map);
    assert_eq!((loaded.account.rows_read, loaded.account.rows_kept), (2, 2));
    // Lines are those of the file.
    assert_eq!(loaded.first_rows.iter().map(|row| row.line).collect::<Vec<_>>(), [5, 6]);
    let error = refusal(&text.replace("b,2024-01-03,2", "b,2024-01-03,x"), map);
    assert!(error.contains("line 6, column \"amount\": \"x\""), "{error}");
    let text = format!("# don't \"\n{}", table.replace("b,", "# a \"note\n\nb,"));
    let loaded = load(text.as_bytes(), "comment = \"#\"");
    assert_eq!(loaded.first_rows.iter().map(|row| row.line).collect::<Vec<_>>(), [3, 6]);
    let error = refusal(table, "skip_footer = 9");
    assert!(error.contains("no rows"), "{error}");
}

#[test]
fn carriage_returns_alone_end_lines() {
    let text = "user,time,amount\ra,2024-01-01,1\rb,2024-01-03,\"2\"\rc,2024-01-04,x\r";
    let error = refusal(text, "");
    assert!(error.contains("line 4, column \"amount\": \"x\""), "{error}");
    assert_eq!(load(text.replace('x', "3").as_bytes(), "").account.rows_kept, 3);
}

#[test]
fn a_window_beside_the_data_is_refused_in_words() {
    let text = "user,time,amount\na,2018-01-05,1\na,2018-03-01,2\n";
    let error = refusal(text, "window.start = \"2025-01-01\"");
    assert!(error.ends_with("window.start is 2025-01-01, but the last row is of 2018-03-01: no event lies in the window"), "{error}");
    let error = refusal(text, "window.end = \"2017-01-01\"");
    assert!(
        error.contains("window.end is 2017-01-01, but the first row is of 2018-01-05"),
        "{error}"
    );
}

#[test]
fn line_ends_in_names_are_shown_as_escapes() {
    let text = "user,time,amount,k\n\"a\nb\",2024-01-01,1,\"x\r\ny\"\n\"a\nb\",2024-01-02,z,x\n";
    let map = "pseudonymise = false\ncolumns = { kind = \"k\" }";
    let error = refusal(text, map);
    assert_eq!(error.lines().count(), 3, "{error}");
    let loaded = load(text.replace("z,", "3,").as_bytes(), map);
    let text = external::describe(&loaded).text();
    assert!(text.contains("user a\\nb, 2024-01-01, tick 0, x\\r\\ny, 1"), "{text}");
    assert!(text.contains("  x\\r\\ny: 1 events"), "{text}");
}

/// Subscribers who pay on one day of each month, or on its last day where there is none: one payment
/// a month, whether the first is in the log or not, and from a date that all share.
#[test]
fn monthly_payments_are_a_month_apart() {
    const LAST: [i64; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut text = String::from("user,time,amount\n");
    for day in 1..=31 {
        for month in 1..=12 {
            text += &format!("{day},2024-{month:02}-{:02},9.99\n", day.min(LAST[month - 1]));
        }
    }
    let text = text + "x,2025-01-31,1\n";
    let ticks = |map: &str, expected: &[u32]| {
        let log = load(text.as_bytes(), &format!("clock = \"month\"\n{map}")).log;
        for user in 0..31 {
            let ticks: Vec<u32> = log.events_of(user).iter().map(|event| event.tick).collect();
            assert_eq!(ticks, expected, "{map} {user}");
        }
    };
    let twelve: Vec<u32> = (0..12).collect();
    ticks("window = { align = \"first-event\", horizon = 12, include_first = true }", &twelve);
    ticks("window = { align = \"first-event\", horizon = 11 }", &twelve[..11]);
    ticks("window = { start = \"2024-01-01\", horizon = 12 }", &twelve);
    // From the 31st, whoever pays on the 31st does so in each month.
    let map = "clock = \"month\"\nfilters = [{ column = \"user\", equals = \"31\" }]\n\
               window = { start = \"2024-01-31\", horizon = 12, require_full_window = false }";
    let log = load(text.as_bytes(), map).log;
    assert_eq!(log.events().iter().map(|event| event.tick).collect::<Vec<_>>(), twelve);
}
