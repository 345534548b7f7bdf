//! Why external data were refused: what was wrong, where, and what would be right.

use std::fmt::{self, Display};

use trueup_env::LogError;

use super::account::Tally;

/// How many bad rows an error lists.
pub const LISTED_ROWS: usize = 20;

/// One row that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// Line of the file (of the uncompressed text), from 1.
    pub line: u64,
    /// The column, or none where the whole row is wrong.
    pub column: Option<String>,
    /// The field as written, shortened where it is long.
    pub value: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(column) = &self.column {
            write!(f, ", column {column:?}")?;
        }
        write!(f, ": {:?} {}", self.value, self.problem)
    }
}

/// A kind that the map does not name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnmappedKind {
    /// The kind as written.
    pub kind: String,
    /// Rows of this kind.
    pub rows: u64,
    /// The line of the first of them.
    pub line: u64,
}

/// Why external data were refused.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum ExternalError {
    /// No such file.
    #[error(
        "{path}: no such file; a path on the command line is relative to the folder the program was \
         started in, one in a config to the folder of the config"
    )]
    NotFound {
        /// The path.
        path: String,
    },
    /// A folder.
    #[error("{path}: a folder, not a file; name one CSV or CSV.gz file")]
    Directory {
        /// The path.
        path: String,
    },
    /// The file cannot be read.
    #[error("{path}: cannot be read: {reason}")]
    Unreadable {
        /// The path.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// No such builtin data set of that type.
    #[error("builtin:{name}: no such {what}; there is {known}")]
    UnknownBuiltin {
        /// The name asked for.
        name: String,
        /// What was asked for.
        what: &'static str,
        /// What there is.
        known: &'static str,
    },
    /// Columns are not known.
    #[error(
        "{path}: a file needs a map that names its columns (user, time, amount); only a builtin \
         and a log with the clock.json of its run beside it need none"
    )]
    NoMap {
        /// The path.
        path: String,
    },
    /// A key of the map has a value that cannot be.
    #[error("map: `{key}` is {value}; it must be: {remedy}")]
    Map {
        /// The key, with dots.
        key: String,
        /// Its value.
        value: String,
        /// What it must be.
        remedy: String,
    },
    /// Nothing in the file.
    #[error("{path}: the file is empty; it needs a header line with column names, then rows")]
    Empty {
        /// The path.
        path: String,
    },
    /// A quote that nothing closes.
    #[error(
        "{path}: line {line}: a quote opens here that nothing closes, and the rest of the file would \
         be one field; close it, write quotes that belong to the text twice (\"\"), or set quoting = \
         false where quotes are letters like others"
    )]
    OpenQuote {
        /// The path.
        path: String,
        /// The line of the quote.
        line: u64,
    },
    /// Nothing but a header.
    #[error("{path}: the file has a header ({columns}) but no rows")]
    HeaderOnly {
        /// The path.
        path: String,
        /// Its columns.
        columns: String,
    },
    /// A file of another type.
    #[error("{path}: this is {what}, not CSV in UTF-8; {remedy}")]
    NotCsv {
        /// The path.
        path: String,
        /// What it is.
        what: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// The compressed file ends early or is damaged.
    #[error(
        "{path}: the compressed data break off or are damaged after line {line} ({reason}); copy \
         the file again"
    )]
    Damaged {
        /// The path.
        path: String,
        /// The last whole line.
        line: u64,
        /// What the decompressor says.
        reason: String,
    },
    /// A column of the map is not in the file.
    #[error("{path}: no column {column:?} (`{key}` of the map); {hint}the columns are {available}")]
    MissingColumn {
        /// The path.
        path: String,
        /// The column.
        column: String,
        /// The key of the map that names it.
        key: String,
        /// A guess, ending in a space and ready to print; may be empty.
        hint: String,
        /// The columns of the file.
        available: String,
    },
    /// A column of the map is in the file twice.
    #[error("{path}: {count} columns are named {column:?}; rename all but one")]
    RepeatedColumn {
        /// The path.
        path: String,
        /// The column.
        column: String,
        /// How often.
        count: usize,
    },
    /// Rows that cannot be used: how many for each reason, then some of them.
    #[error(
        "{path}: {total} bad {}: {}\n{}{hint}",
        plural(*total, "row"), sums(reasons), list(rows, *total)
    )]
    BadRows {
        /// The path.
        path: String,
        /// How many rows have each reason.
        reasons: Vec<Tally>,
        /// The first [`LISTED_ROWS`] rows, and the first of each reason.
        rows: Vec<BadRow>,
        /// All of them.
        total: u64,
        /// What to do.
        hint: String,
    },
    /// Kinds that the map does not name.
    #[error(
        "{path}: `kinds` of the map does not name {}; add them, or set unmapped = \"drop\" or \
         \"keep\"",
        kind_list(kinds)
    )]
    UnmappedKinds {
        /// The path.
        path: String,
        /// The kinds, by name.
        kinds: Vec<UnmappedKind>,
    },
    /// The window asks for more than the data hold.
    #[error("{path}: {reason}")]
    Window {
        /// The path.
        path: String,
        /// What does not fit, and the remedy.
        reason: String,
    },
    /// A log of trueup's own that is not as long as the one that it is compared with.
    #[error(
        "{path}: a log {own}; the other is {other}. Compare logs of one length: give both a map \
         with window.horizon = {horizon}, if their users were watched for as long"
    )]
    Clocks {
        /// The path.
        path: String,
        /// How long it is, ready to print after "a log".
        own: String,
        /// How long the other is.
        other: String,
        /// Ticks of the other.
        horizon: u32,
    },
    /// Users lack covariates.
    #[error("{path}: {reason}")]
    Covariates {
        /// The path.
        path: String,
        /// Which, how many, and the remedy.
        reason: String,
    },
    /// No user is left.
    #[error("{path}: no user is left after filters, cleaning and window:\n{account}")]
    NoUsers {
        /// The path.
        path: String,
        /// Where they went.
        account: String,
    },
    /// The events do not make a log.
    #[error("{path}: {source}")]
    Log {
        /// The path.
        path: String,
        /// Why not.
        source: LogError,
    },
    /// The keyed hash of pseudonyms refuses its key.
    #[error("users cannot be given pseudonyms under this key ({reason}); use another key")]
    Key {
        /// What the hash says.
        reason: String,
    },
    /// The share of test users cannot be.
    #[error(
        "the share of test users (`split.test`) is {0}; it must be above 0 and below 1, such as 0.5"
    )]
    TestShare(f64),
    /// Too few users for a train and a test side.
    #[error(
        "{users} {} split into {train} for training and {test} for the test; each side needs at \
         least {needed}, or intervals and noise floor mean nothing: use more users or another \
         `split.test`",
        plural(*users as u64, "user")
    )]
    TooFewUsers {
        /// Users of the log.
        users: usize,
        /// On the training side.
        train: usize,
        /// On the test side.
        test: usize,
        /// Needed on each side.
        needed: usize,
    },
    /// A side has nothing to learn from.
    #[error("the {side} users {what}: there is nothing to calibrate; {remedy}")]
    NothingToCalibrate {
        /// `train` or `test`.
        side: &'static str,
        /// What they lack.
        what: String,
        /// What to do.
        remedy: &'static str,
    },
}

fn plural(n: u64, word: &str) -> String {
    if n == 1 { word.into() } else { format!("{word}s") }
}

fn sums(reasons: &[Tally]) -> String {
    let sum = |tally: &Tally| match reasons.len() {
        1 => tally.reason.clone(),
        _ => format!("{} {}", tally.count, tally.reason),
    };
    reasons.iter().map(sum).collect::<Vec<_>>().join(", ")
}

fn list(rows: &[BadRow], total: u64) -> String {
    let mut text: String = rows.iter().map(|row| format!("  {row}\n")).collect();
    if total > rows.len() as u64 {
        text += &format!("  and {} more\n", total - rows.len() as u64);
    }
    text
}

fn kind_list(kinds: &[UnmappedKind]) -> String {
    let show = |k: &UnmappedKind| {
        format!("{:?} ({} {}, first on line {})", k.kind, k.rows, plural(k.rows, "row"), k.line)
    };
    let mut text = kinds.iter().take(LISTED_ROWS).map(show).collect::<Vec<_>>().join(", ");
    if kinds.len() > LISTED_ROWS {
        text += &format!(" and {} more", kinds.len() - LISTED_ROWS);
    }
    text
}
