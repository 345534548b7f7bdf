//! Rows into typed values: filters and cleaning.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use trueup_env::finance::KindEffect;

use super::account::{self, Account, Tally};
use super::cleaning::{Duplicate, Negative, Policy};
use super::columns::Positions;
use super::effects::Chains;
use super::error::{BadRow, ExternalError, LISTED_ROWS};
use super::facts::Facts;
use super::field::{is_missing, on_one_line, short, text};
use super::hint::{EARLY_QUOTE, NEGATIVE, NOT_A_NUMBER, NOT_UTF8, SWALLOWED, Seen, hint};
use super::kinds::Kinds;
use super::map::{Filter, Map};
use super::map_check::Checked;
use super::source::{Layout, Row, Source};
use super::time::TimeFormat;
use super::warnings;

/// The largest amount, balance or covariate: beyond it products of variances overflow.
const LARGEST: f64 = 1e30;

/// One usable row.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub line: u64,
    pub user: u32,
    /// Microseconds since 1970-01-01, or the tick where the file has ticks.
    pub time: i64,
    /// Index into [`Table::kinds`].
    pub kind: u32,
    pub amount: f64,
    /// NaN where it is unknown.
    pub balance: f64,
}

/// All usable rows in the order of the file.
#[derive(Default)]
pub(super) struct Table {
    pub entries: Vec<Entry>,
    /// Identifiers as written, by first appearance.
    pub users: Vec<String>,
    /// Whether a row says that the user exists, without an event.
    pub marked: Vec<bool>,
    /// Users x covariates; NaN where none was given.
    pub covariates: Vec<f64>,
    /// Names of each covariate's categories by first appearance; none for numbers.
    pub categories: Vec<Option<Vec<String>>>,
    /// Names of kinds, by first appearance.
    pub kinds: Vec<String>,
    /// What balances show, else what names tell, one a kind.
    pub effects: Vec<KindEffect>,
    pub account: Account,
    pub sha256: String,
    pub header: Vec<String>,
    /// What a person should look at, with the remedy.
    pub warnings: Vec<String>,
}

/// Why a row is not used.
enum Refusal {
    /// Dropped by a rule of the map, for this reason.
    Dropped(String),
    /// Bad under a policy.
    Bad { policy: Policy, reason: &'static str, row: BadRow },
}

type Outcome<T> = Result<T, Box<Refusal>>;

struct Reader<'a> {
    map: &'a Map,
    checked: &'a Checked,
    header: Vec<String>,
    at: Positions,
    table: Table,
    user_numbers: HashMap<String, u32>,
    kinds: Kinds<'a>,
    chains: Chains,
    facts: Facts,
    seen: HashSet<[u64; 2]>,
    bad: Vec<BadRow>,
    bad_reasons: Vec<Tally>,
    /// The line of the last row that is used.
    last_good: u64,
    /// Offsets from UTC as written; none where a time has no offset.
    offsets: BTreeSet<Option<i32>>,
}

/// Reads a whole file.
pub(super) fn read(path: &str, map: &Map, checked: &Checked) -> Result<Table, ExternalError> {
    let mut source = Source::open(path, Layout::of(map))?;
    let at = Positions::find(&source, map)?;
    let mut reader = Reader {
        map,
        checked,
        header: source.header.clone(),
        at,
        table: Table::default(),
        user_numbers: HashMap::new(),
        kinds: Kinds::new(map),
        chains: Chains::default(),
        facts: Facts::new(map),
        seen: HashSet::new(),
        bad: Vec::new(),
        bad_reasons: Vec::new(),
        last_good: 0,
        offsets: BTreeSet::new(),
    };
    while let Some(row) = source.next_row()? {
        let entry = reader.entry(&row);
        reader.link(&row, entry.as_ref().ok().copied().flatten());
        match entry {
            Ok(Some(entry)) => {
                reader.last_good = entry.line;
                reader.table.entries.push(entry);
            }
            Ok(None) => reader.last_good = row.line,
            Err(refusal) => reader.refuse(*refusal),
        }
    }
    reader.finish(&source)
}

impl Reader<'_> {
    /// One row: an entry, nothing (a user without events), or a refusal.
    fn entry(&mut self, row: &Row<'_>) -> Outcome<Option<Entry>> {
        self.whole(row)?;
        for (filter, &column) in self.map.filters.iter().zip(&self.at.filters) {
            self.filtered(filter, row, column)?;
        }
        self.duplicate(row)?;
        let user = self.user(row)?;
        self.covariates(row, user)?;
        if self.is_marker(row) {
            self.table.marked[user as usize] = true;
            self.table.account.drop_rows("names a user without events", 1);
            return Ok(None);
        }
        let time = self.time(row)?;
        let (amount, negative) = self.amount(row)?;
        let kind = self.kind(row, negative)?;
        let balance = self.balance(row)?;
        Ok(Some(Entry { line: row.line, user, time, kind, amount, balance }))
    }

    /// Notes the balance of a row, whether or not the row is used.
    fn link(&mut self, row: &Row<'_>, entry: Option<Entry>) {
        if self.at.balance.is_none() {
            return;
        }
        let time = || self.moment(text(row.record, self.at.time)).map(|(time, _)| time);
        let (Ok(balance), Some(time)) =
            (self.balance(row), entry.map(|entry| entry.time).or_else(time))
        else {
            return;
        };
        if !balance.is_nan() {
            let event = entry.map(|entry| (entry.kind, entry.amount));
            let user = text(row.record, self.at.user);
            self.chains.note(user, time, row.line, balance, event);
        }
    }

    /// Every field is UTF-8, and there are as many as columns.
    fn whole(&self, row: &Row<'_>) -> Outcome<()> {
        let fields = row.record.len();
        if !row.record.as_slice().is_ascii() {
            for (i, field) in row.record.iter().enumerate() {
                if let Err(e) = std::str::from_utf8(field) {
                    let byte = field.get(e.valid_up_to()).copied().unwrap_or_default();
                    let problem = format!("{NOT_UTF8} (byte 0x{byte:02x})");
                    let row = BadRow {
                        line: row.line,
                        column: self.header.get(i).cloned(),
                        value: short(&String::from_utf8_lossy(field)),
                        problem,
                    };
                    // Never dropped: the whole file is in another encoding.
                    let (policy, reason) = (Policy::Error, "not UTF-8");
                    return Err(Box::new(Refusal::Bad { policy, reason, row }));
                }
            }
        }
        // Rows within a field would be lost without a word, so no policy drops their row.
        let lines = row.record.as_slice().contains(&b'\n');
        let policy = if lines { Policy::Error } else { self.map.cleaning.unparsable };
        let bad = |line: u64, problem: String, policy: Policy, reason: &'static str| {
            let text: Vec<_> = row.record.iter().map(String::from_utf8_lossy).collect();
            let value = short(&on_one_line(&text.join(&self.map.delimiter.to_string())));
            let row = BadRow { line, column: None, value, problem };
            Err(Box::new(Refusal::Bad { policy, reason, row }))
        };
        if let Some(line) = row.early_quote {
            let problem = format!("{EARLY_QUOTE}{}", self.after(row.line, line));
            return bad(row.line, problem, policy, "text after a closing quote");
        }
        if let Some((opened, inside)) = self.swallowed(row).filter(|_| lines) {
            let problem =
                format!("{SWALLOWED}, and line {inside} within its field looks like a row");
            return bad(opened, problem, Policy::Error, "rows within quotes");
        }
        if fields == self.header.len() {
            return Ok(());
        }
        let columns = self.header.len();
        let problem = format!("has {fields} fields, the header has {columns}");
        bad(row.line, problem, policy, "wrong number of fields")
    }

    /// The line in words where it is another than that of the row.
    fn after(&self, row: u64, line: u64) -> String {
        if row == line { String::new() } else { format!(" on line {line}") }
    }

    /// The line of a quote whose field holds a line that could be a row, and that line: as where
    /// one stray quote opens a field and another closes it.
    fn swallowed(&self, row: &Row<'_>) -> Option<(u64, u64)> {
        let mut line = row.line;
        for field in row.record {
            let opened = line;
            for (i, part) in field.split(|&byte| byte == b'\n').enumerate() {
                line += u64::from(i > 0);
                if i > 0 && self.could_be_row(part) {
                    return Some((opened, line));
                }
            }
        }
        None
    }

    /// Whether a line has the fields of a row, with a time and an amount where they belong.
    fn could_be_row(&self, line: &[u8]) -> bool {
        let mark = self.map.delimiter as u8;
        let fields: Vec<&[u8]> = line.split(|&byte| byte == mark).collect();
        let field = |column: usize| {
            let text = fields.get(column).and_then(|field| std::str::from_utf8(field).ok());
            text.map(|text| text.trim().trim_matches('"'))
        };
        fields.len() == self.header.len()
            && field(self.at.time).is_some_and(|text| self.moment(text).is_some())
            && field(self.at.amount).is_some_and(|text| self.checked.numbers.parse(text).is_some())
    }

    /// A time in microseconds since 1970-01-01 or in ticks, and its offset as written.
    fn moment(&self, text: &str) -> Option<(i64, Option<i32>)> {
        let written = self.checked.time_format.parse(text)?;
        let time = match &self.checked.zone {
            Some(zone) => written.in_zone(zone)?,
            None => written.civil,
        };
        Some((time, written.offset))
    }

    fn filtered(&self, filter: &Filter, row: &Row<'_>, column: usize) -> Outcome<()> {
        let text = text(row.record, column);
        let mut pass = filter.equals.as_deref().is_none_or(|wanted| wanted == text)
            && (filter.one_of.is_empty() || filter.one_of.iter().any(|wanted| wanted == text));
        if pass && (filter.min.is_some() || filter.max.is_some()) {
            let value = self.number(row, column)?;
            pass = filter.min.is_none_or(|min| value >= min)
                && filter.max.is_none_or(|max| value <= max);
        }
        if pass {
            return Ok(());
        }
        Err(Box::new(Refusal::Dropped(format!("filter on column {:?}", filter.column))))
    }

    fn duplicate(&mut self, row: &Row<'_>) -> Outcome<()> {
        // 128 bits of hash stand for the row: two unequal rows of a billion collide with
        // probability 1e-21.
        let hash = [0u8, 1].map(|salt| {
            let mut hasher = DefaultHasher::new();
            salt.hash(&mut hasher);
            for field in row.record {
                field.hash(&mut hasher);
            }
            hasher.finish()
        });
        if self.seen.insert(hash) {
            return Ok(());
        }
        self.table.account.duplicates += 1;
        let policy = match self.map.cleaning.duplicate {
            Duplicate::Keep => return Ok(()),
            Duplicate::Drop => Policy::Drop,
            Duplicate::Error => Policy::Error,
        };
        let fields: Vec<_> = row.record.iter().map(String::from_utf8_lossy).collect();
        let row = BadRow {
            line: row.line,
            column: None,
            value: short(&on_one_line(&fields.join(&self.map.delimiter.to_string()))),
            problem: "repeats an earlier row in every column".into(),
        };
        Err(Box::new(Refusal::Bad { policy, reason: "duplicate", row }))
    }

    fn user(&mut self, row: &Row<'_>) -> Outcome<u32> {
        let name = text(row.record, self.at.user);
        if is_missing(name) {
            return Err(self.missing(row, self.at.user, "missing user"));
        }
        if let Some(&number) = self.user_numbers.get(name) {
            return Ok(number);
        }
        let number = self.table.users.len() as u32;
        self.user_numbers.insert(name.into(), number);
        self.table.users.push(name.into());
        self.table.marked.push(false);
        let width = self.at.covariates.len();
        self.table.covariates.resize(self.table.covariates.len() + width, f64::NAN);
        Ok(number)
    }

    fn covariates(&mut self, row: &Row<'_>, user: u32) -> Outcome<()> {
        let width = self.at.covariates.len();
        for i in 0..width {
            let column = self.at.covariates[i];
            let text = text(row.record, column);
            if is_missing(text) {
                continue;
            }
            let is_number = self.checked.numbers.parse(text).is_some();
            let value = match self.facts.category(i, text, row.line, is_number) {
                Some(category) => f64::from(category),
                None if is_number => self.quantity(row, column)?,
                None => {
                    let problem = format!(
                        "{NOT_A_NUMBER}, as earlier values of the covariate are; list the column \
                         in columns.categories if its values are categories"
                    );
                    return Err(self.unparsable(row, column, "unparsable number", problem));
                }
            };
            let first = &mut self.table.covariates[user as usize * width + i];
            if first.is_nan() {
                *first = value;
            } else if *first != value {
                let what = "a covariate differs from the user's first one, which counts";
                self.table.account.repair_rows(what, 1);
            }
        }
        Ok(())
    }

    /// In a log that trueup wrote, a user without events has one row with empty fields.
    fn is_marker(&self, row: &Row<'_>) -> bool {
        let empty = |column: usize| text(row.record, column).is_empty();
        matches!(self.checked.time_format, TimeFormat::Tick)
            && empty(self.at.time)
            && empty(self.at.amount)
            && self.at.kind.is_none_or(empty)
    }

    fn time(&mut self, row: &Row<'_>) -> Outcome<i64> {
        let text = text(row.record, self.at.time);
        if is_missing(text) {
            return Err(self.missing(row, self.at.time, "missing time"));
        }
        let Some((time, offset)) = self.moment(text) else {
            let problem = format!("does not fit time_format = {:?}", self.map.time_format);
            return Err(self.unparsable(row, self.at.time, "unparsable time", problem));
        };
        self.offsets.insert(offset);
        Ok(time)
    }

    /// The amount without its sign, and whether it was negative.
    fn amount(&mut self, row: &Row<'_>) -> Outcome<(f64, bool)> {
        if is_missing(text(row.record, self.at.amount)) {
            return Err(self.missing(row, self.at.amount, "missing amount"));
        }
        let amount = self.quantity(row, self.at.amount)?;
        if amount >= 0.0 {
            // Not -0.
            return Ok((amount.abs(), false));
        }
        if self.map.negative_kind.is_some() {
            return Ok((-amount, true));
        }
        let policy = match self.map.cleaning.negative {
            Negative::Absolute => {
                self.table.account.repair_rows("negative amount without its sign", 1);
                return Ok((-amount, true));
            }
            Negative::Drop => Policy::Drop,
            Negative::Error => Policy::Error,
        };
        let row = self.bad(row, self.at.amount, NEGATIVE.into());
        Err(Box::new(Refusal::Bad { policy, reason: "negative amount", row }))
    }

    fn kind(&mut self, row: &Row<'_>, negative: bool) -> Outcome<u32> {
        let map = self.map;
        if negative && let Some(name) = &map.negative_kind {
            return Ok(self.kinds.number(name));
        }
        let Some(column) = self.at.kind else {
            return Ok(self.kinds.number(&map.kind));
        };
        let name = text(row.record, column);
        let named = map.kinds.contains_key(name) || map.kind_order.iter().any(|kind| kind == name);
        if is_missing(name) && !named {
            return Err(self.missing(row, column, "missing kind"));
        }
        let number = self.kinds.mapped(name, row.line);
        number.ok_or_else(|| Box::new(Refusal::Dropped("kind not in `kinds`".into())))
    }

    fn balance(&self, row: &Row<'_>) -> Outcome<f64> {
        match self.at.balance {
            Some(column) if !is_missing(text(row.record, column)) => self.quantity(row, column),
            _ => Ok(f64::NAN),
        }
    }

    /// A number whose powers and sums are finite too.
    fn quantity(&self, row: &Row<'_>, column: usize) -> Outcome<f64> {
        let value = self.number(row, column)?;
        if value.abs() <= LARGEST {
            return Ok(value);
        }
        let problem = format!("is beyond {LARGEST:e}, too large to compute with");
        Err(self.unparsable(row, column, "number too large", problem))
    }

    /// A finite number.
    fn number(&self, row: &Row<'_>, column: usize) -> Outcome<f64> {
        let text = text(row.record, column);
        match self.checked.numbers.parse(text) {
            Some(value) if value.is_finite() => Ok(value),
            Some(_) => {
                let problem = "is not a finite number".into();
                Err(self.unparsable(row, column, "number that is not finite", problem))
            }
            None => Err(self.unparsable(row, column, "unparsable number", NOT_A_NUMBER.into())),
        }
    }

    fn bad(&self, row: &Row<'_>, column: usize, problem: String) -> BadRow {
        let value = short(&on_one_line(text(row.record, column)));
        BadRow { line: row.line, column: self.header.get(column).cloned(), value, problem }
    }

    fn missing(&self, row: &Row<'_>, column: usize, reason: &'static str) -> Box<Refusal> {
        let row = self.bad(row, column, "is missing".into());
        Box::new(Refusal::Bad { policy: self.map.cleaning.missing, reason, row })
    }

    fn unparsable(
        &self,
        row: &Row<'_>,
        column: usize,
        reason: &'static str,
        problem: String,
    ) -> Box<Refusal> {
        let row = self.bad(row, column, problem);
        Box::new(Refusal::Bad { policy: self.map.cleaning.unparsable, reason, row })
    }

    fn refuse(&mut self, refusal: Refusal) {
        match refusal {
            Refusal::Dropped(reason) => self.table.account.drop_rows(&reason, 1),
            Refusal::Bad { policy: Policy::Drop, reason, .. } => {
                self.table.account.drop_rows(reason, 1);
            }
            Refusal::Bad { policy: Policy::Error, row, reason } => {
                let new = !self.bad_reasons.iter().any(|tally| tally.reason == reason);
                account::add(&mut self.bad_reasons, reason, 1);
                if self.bad.len() < LISTED_ROWS || new {
                    self.bad.push(row);
                }
            }
        }
    }

    fn finish(mut self, source: &Source) -> Result<Table, ExternalError> {
        let path = source.path.clone();
        if source.rows() == 0 {
            return Err(ExternalError::HeaderOnly { path, columns: source.columns() });
        }
        if !self.bad.is_empty() {
            let (rows, mut reasons) = (self.bad, self.bad_reasons);
            reasons.sort_by_key(|tally| std::cmp::Reverse(tally.count));
            let total = reasons.iter().map(|tally| tally.count).sum();
            let name = |column: usize| self.header.get(column).map_or("", String::as_str);
            let columns = [self.at.time, self.at.amount].map(name);
            let seen = Seen { rows: &rows, total, last_good: self.last_good };
            let hint = hint(&seen, columns, self.map, &path);
            return Err(ExternalError::BadRows { path, reasons, rows, total, hint });
        }
        if self.map.timezone.is_none() {
            self.table.warnings.extend(warnings::of_offsets(&self.offsets));
        }
        self.table.kinds =
            self.kinds.finish().map_err(|kinds| ExternalError::UnmappedKinds { path, kinds })?;
        self.table.effects = self.chains.effects(&self.table.kinds);
        self.table.categories = self.facts.finish(&source.path, self.map)?;
        self.table.account.rows_read = source.rows();
        self.table.account.users_seen = self.table.users.len() as u64;
        self.table.sha256 = source.sha256();
        self.table.header = self.header;
        Ok(self.table)
    }
}
