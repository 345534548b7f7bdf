//! What a person reads when a file cannot be used: each error names file, line, column, value and
//! remedy.

#![allow(clippy::unwrap_used)] // Helpers of tests fail as tests do.

use std::io::Write as _;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;
use trueup_calibration::external::{self, ExternalError, Loaded, Map};
use trueup_env::Streams;

/// A folder with one file.
struct Fixture {
    _folder: TempDir,
    path: PathBuf,
}

impl Fixture {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        Self { _folder: folder, path }
    }

    fn load(&self, map: &str) -> Result<Loaded, ExternalError> {
        let map: Map = toml::from_str(map).unwrap();
        external::load(self.path.to_str().unwrap(), Some(&map), "key")
    }

    /// The text of the error, without the folder.
    fn refusal(&self, map: &str) -> String {
        let folder = format!("{}/", self.path.parent().unwrap().display());
        self.load(map).unwrap_err().to_string().replace(&folder, "")
    }
}

fn refusal(bytes: &[u8], map: &str) -> String {
    Fixture::new("log.csv", bytes).refusal(map)
}

const MAP: &str = "";

#[test]
fn a_file_that_is_not_there() {
    let error = external::load("no/such.csv", Some(&Map::default()), "key").unwrap_err();
    assert!(error.to_string().starts_with("no/such.csv: no such file"), "{error}");
}

#[test]
fn a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let error = external::load(path, Some(&Map::default()), "key").unwrap_err();
    assert_eq!(error, ExternalError::Directory { path: path.into() });
}

#[test]
fn a_file_without_a_map() {
    let error = external::load("log.csv", None, "key").unwrap_err();
    assert_eq!(error, ExternalError::NoMap { path: "log.csv".into() });
}

#[test]
fn an_unknown_builtin_and_one_without_events() {
    let error = external::load("builtin:cdnw", None, "key").unwrap_err().to_string();
    assert_eq!(error, "builtin:cdnw: no such event log; there is builtin:cdnow");
    let error = external::load("builtin:sp500", None, "key").unwrap_err().to_string();
    assert!(error.contains("builtin:cdnow"), "{error}");
}

#[test]
fn nothing_and_nothing_but_a_header() {
    assert!(refusal(b"", MAP).starts_with("log.csv: the file is empty"));
    assert!(refusal(b"\n\r\n \n", MAP).starts_with("log.csv: the file is empty"));
    let error = refusal(b"user,time,amount\n", MAP);
    assert_eq!(error, r#"log.csv: the file has a header ("user", "time", "amount") but no rows"#);
}

#[test]
fn a_missing_column_comes_with_a_guess() {
    let map = "columns = { user = \"customer_id\", time = \"date\", amount = \"amout\" }";
    let error = refusal(b"customer_id,date,amount\n1,2024-01-01,5\n", map);
    assert_eq!(
        error,
        "log.csv: no column \"amout\" (`columns.amount` of the map); did you mean \"amount\"? the \
         columns are \"customer_id\", \"date\", \"amount\""
    );
    let error = refusal(b"user;time;amount\n1;2024-01-01;5\n", MAP);
    assert!(error.contains("did you mean delimiter = \";\"?"), "{error}");
    let error = refusal(b"user,time,amount,amount\n1,2024-01-01,5,5\n", MAP);
    assert!(error.contains("2 columns are named \"amount\""), "{error}");
}

#[test]
fn a_wrong_date_format_comes_with_one_that_fits() {
    let error = refusal(b"user,time,amount\n1,03/01/1997,5\n1,31/01/1997,5\n", MAP);
    assert_eq!(
        error,
        "log.csv: 2 bad rows: unparsable time\n  line 2, column \"time\": \"03/01/1997\" does not fit time_format \
         = \"iso\"\n  line 3, column \"time\": \"31/01/1997\" does not fit time_format = \
         \"iso\"\nall times of the file fit time_format = \"%d/%m/%Y\""
    );
}

#[test]
fn a_word_in_place_of_an_amount_on_line_40017() {
    let mut text = String::from("user,time,amount\n");
    for line in 2..50_000 {
        let amount = if line == 40_017 { "twelve".to_string() } else { line.to_string() };
        text += &format!("{},2024-01-01,{amount}\n", line % 700);
    }
    let error = refusal(text.as_bytes(), MAP);
    assert_eq!(
        error,
        "log.csv: 1 bad row: unparsable number\n  line 40017, column \"amount\": \"twelve\" is not a number\nmend \
         the rows, or choose a policy under `cleaning` that drops and counts such rows"
    );
}

/// Blank lines, CRLF, quoted line ends and a byte order mark do not shift the numbers of lines.
#[test]
fn lines_are_those_of_an_editor() {
    let text = "\u{feff}user,time,amount,note\r\n\r\na,2024-01-01,1,\"two\r\nlines\"\r\n\n\
                b,2024-01-02,\"x\",\"three\n\nlines\"\nc,2024-01-03,y,";
    let error = refusal(text.as_bytes(), MAP);
    assert!(error.contains("line 6, column \"amount\": \"x\""), "{error}");
    assert!(error.contains("line 9, column \"amount\": \"y\""), "{error}");
}

#[test]
fn twenty_rows_are_listed_and_the_rest_counted() {
    let rows: String = (0..33).map(|i| format!("1,2024-01-01,bad{i}\n")).collect();
    let error = refusal(format!("user,time,amount\n{rows}").as_bytes(), MAP);
    assert!(error.starts_with("log.csv: 33 bad rows: unparsable number\n"), "{error}");
    assert!(error.contains("\"bad19\"") && !error.contains("\"bad20\""), "{error}");
    assert!(error.contains("\n  and 13 more\n"), "{error}");
}

#[test]
fn amounts_that_are_missing_infinite_or_negative() {
    let error = refusal(
        b"user,time,amount\n1,2024-01-01,NaN\n1,2024-01-02,inf\n1,2024-01-03,-5\n1,2024-01-04,1e999\n",
        MAP,
    );
    assert!(error.contains("line 2, column \"amount\": \"NaN\" is missing"), "{error}");
    assert!(error.contains("line 3, column \"amount\": \"inf\" is not a finite number"), "{error}");
    assert!(error.contains("line 4, column \"amount\": \"-5\" is negative\n"), "{error}");
    assert!(error.contains("line 5, column \"amount\": \"1e999\" is not a finite"), "{error}");
    assert!(error.contains("\nset cleaning.negative = \"absolute\""), "{error}");
    let error = refusal(b"user,time,amount\n1,2024-01-01,1e31\n2,2024-01-01,-1e30\n", MAP);
    assert!(error.contains("\"1e31\" is beyond 1e30"), "{error}");
    assert!(error.contains("\"-1e30\" is negative\n"), "{error}");
}

#[test]
fn amounts_with_other_marks_come_with_the_marks() {
    let error = refusal(b"user;time;amount\n1;2024-01-01;1,5\n", "delimiter = \";\"");
    assert!(error.ends_with("fit decimal = \",\""), "{error}");
    let error = refusal(b"user,time,amount\n1,2024-01-01,\"1,234.50\"\n", MAP);
    assert!(error.ends_with("fit decimal = \".\", thousands = \",\""), "{error}");
}

#[test]
fn fields_that_are_missing() {
    let error = refusal(b"user,time,amount\n,2024-01-01,5\n1,,5\n1,2024-01-01,\n", MAP);
    for (line, column) in [(2, "user"), (3, "time"), (4, "amount")] {
        let part = format!("line {line}, column \"{column}\": \"\" is missing");
        assert!(error.contains(&part), "{error}");
    }
}

#[test]
fn ragged_rows() {
    let error = refusal(b"user,time,amount\n1,2024-01-01\n1,2024-01-01,5,6\n", MAP);
    assert!(error.contains("line 2: \"1,2024-01-01\" has 2 fields, the header has 3"), "{error}");
    assert!(error.contains("line 3: \"1,2024-01-01,5,6\" has 4 fields"), "{error}");
}

#[test]
fn text_in_another_encoding() {
    // "김" in CP949, then in UTF-16.
    let error = refusal(b"user,time,amount\n1,2024-01-01,5\n\xb1\xe8,2024-01-01,5\n", MAP);
    assert!(error.contains("line 3, column \"user\""), "{error}");
    assert!(error.contains("is not UTF-8 (byte 0xb1)") && error.contains("iconv"), "{error}");
    let error = refusal(b"\xff\xfeu\0s\0e\0r\0", MAP);
    assert!(error.contains("UTF-16") && error.contains("save it as CSV in UTF-8"), "{error}");
    let error = refusal(b"PK\x03\x04rest", MAP);
    assert!(error.contains("Excel"), "{error}");
}

#[test]
fn a_kind_that_is_never_mapped() {
    let map = "columns = { kind = \"type\" }\nkinds = { A = \"purchase\" }";
    let text = b"user,time,amount,type\n1,2024-01-01,5,A\n1,2024-01-02,5,B\n1,2024-01-03,5,B\n";
    let error = refusal(text, map);
    assert_eq!(
        error,
        "log.csv: `kinds` of the map does not name \"B\" (2 rows, first on line 3); add them, or \
         set unmapped = \"drop\" or \"keep\""
    );
}

#[test]
fn too_many_kinds() {
    let rows: String = (0..20).map(|i| format!("1,2024-01-01,5,kind{i}\n")).collect();
    let text = format!("user,time,amount,type\n{rows}");
    let error = refusal(text.as_bytes(), "columns = { kind = \"type\" }");
    assert!(error.contains("20 kinds, at most 16"), "{error}");
}

#[test]
fn a_compressed_file_that_is_cut_short() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let rows: String = (0..5000).map(|i| format!("{i},2024-01-01,{}\n", i * 7919 % 1013)).collect();
    write!(encoder, "user,time,amount\n{rows}").unwrap();
    let whole = encoder.finish().unwrap();
    assert!(Fixture::new("log.csv", &whole).load(MAP).is_ok());
    let error = refusal(&whole[..whole.len() / 2], MAP);
    assert!(error.contains("break off or are damaged after line "), "{error}");
    assert!(refusal(&whole[..whole.len() - 6], MAP).contains("damaged"));
    assert!(refusal(&whole[..5], MAP).contains("damaged"));
    let mut flipped = whole.clone();
    let last = flipped.len() - 6;
    flipped[last] ^= 1;
    assert!(refusal(&flipped, MAP).contains("damaged"));
}

#[test]
fn windows_that_the_data_cannot_fill() {
    let text = b"user,time,amount\n1,2024-01-01,5\n1,2024-01-20,5\n";
    let error = refusal(text, "clock = \"week\"\nwindow = { horizon = 5 }");
    assert!(error.contains("2024-01-01 to 2024-01-20, which is 2 whole ticks"), "{error}");
    let error = refusal(text, "clock = \"month\"");
    assert!(error.contains("less than one month; choose a shorter clock"), "{error}");
    let map = "clock = \"week\"\nwindow = { align = \"first-event\", horizon = 5 }";
    let error = refusal(text, map);
    assert!(error.contains("1 dropped: window reaches beyond the end of the data"), "{error}");
    let error = refusal(b"user,time,amount\n1,99999999,5\n", "time_format = \"tick\"");
    assert!(error.contains("is the column a date?"), "{error}");
}

#[test]
fn filters_that_leave_nobody() {
    let map = "filters = [{ column = \"amount\", min = 100.0 }]";
    let error = refusal(b"user,time,amount\n1,2024-01-01,5\n", map);
    assert!(error.contains("no user is left"), "{error}");
    assert!(error.contains("1 dropped: filter on column \"amount\""), "{error}");
    let map = "filters = [{ column = \"amuont\", min = 100.0 }]";
    let error = refusal(b"user,time,amount\n1,2024-01-01,5\n", map);
    assert!(error.contains("`filters.column` of the map); did you mean \"amount\"?"), "{error}");
}

#[test]
fn users_without_a_covariate() {
    let map = "columns = { covariates = [\"age\"] }";
    let text = b"user,time,amount,age\n1,2024-01-01,5,\n2,2024-01-01,5,30\n";
    let error = refusal(text, map);
    assert!(error.contains("covariate \"age\" (1 users)"), "{error}");
}

/// A text among numbers is a mistake wherever it stands, unless the map says that they are names.
#[test]
fn a_covariate_of_numbers_and_texts() {
    let map = "columns = { covariates = [\"age\"] }";
    let later = b"user,time,amount,age\n1,2024-01-01,5,30\n2,2024-01-01,5,4o\n";
    let first = b"user,time,amount,age\n1,2024-01-01,5,4o\n2,2024-01-01,5,30\n";
    for text in [&later[..], first] {
        let error = refusal(text, map);
        assert!(error.contains("4o") && error.contains("columns.categories"), "{error}");
    }
    assert!(refusal(first, map).contains("line 2"), "{}", refusal(first, map));
    let map = "columns = { covariates = [\"age\"], categories = [\"age\"] }";
    let loaded = Fixture::new("log.csv", first).load(map).unwrap();
    assert_eq!(loaded.log.covariates().categories_of(0), ["30", "4o"]);
    let twice = refusal(first, "columns = { covariates = [\"age\", \"age\"] }");
    assert!(twice.contains("each column once"), "{twice}");
}

#[test]
fn one_user_can_be_described_but_not_split() {
    let file = Fixture::new("log.csv", b"user,time,amount\n1,2024-01-01,5\n1,2024-01-04,5\n");
    let loaded = file.load(MAP).unwrap();
    let text = external::describe(&loaded).text();
    assert!(text.contains("1 users, 0.0% of them without events; 2 events"), "{text}");
    let error = external::split(&loaded.log, 0.5, &Streams::new(1)).unwrap_err();
    assert!(error.to_string().starts_with("1 user split into 0 for training and 1"), "{error}");
}

#[test]
fn what_cannot_be_calibrated_is_not_split() {
    let rows: String = (0..60).map(|i| format!("{i},2024-01-01,0\n")).collect();
    let file = Fixture::new("log.csv", format!("user,time,amount\n{rows}").as_bytes());
    let log = file.load(MAP).unwrap().log;
    let split = |share| external::split(&log, share, &Streams::new(1)).unwrap_err().to_string();
    assert!(split(0.5).contains("train users have no event with an amount above 0"));
    assert!(split(0.2).contains("48 for training and 12 for the test"));
    for share in [0.0, 1.0, -1.0, f64::NAN] {
        assert!(split(share).contains("split.test"));
    }
}

#[test]
fn a_misspelt_key_of_the_map() {
    let error = toml::from_str::<Map>("colums = { user = \"u\" }").unwrap_err().to_string();
    assert!(error.contains("unknown field `colums`"), "{error}");
}
