//! The account: what became of every row and every user of a file.

use serde::{Deserialize, Serialize};

/// A reason and how often it applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// The reason.
    pub reason: String,
    /// How often.
    pub count: u64,
}

/// What became of every row and user.
///
/// `rows_read` is `rows_kept` and all of `rows_dropped`; `rows_kept` is `events` and the rows that
/// were merged into another; `users_seen` is `users_kept` and all of `users_dropped`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Rows of the file after the header; blank lines are no rows.
    pub rows_read: u64,
    /// Rows that are in the log.
    pub rows_kept: u64,
    /// Rows that are not, by reason.
    pub rows_dropped: Vec<Tally>,
    /// Rows that were changed, by what was done.
    pub rows_repaired: Vec<Tally>,
    /// Rows that repeat an earlier row in every column, whatever became of them.
    pub duplicates: u64,
    /// Events of the log.
    pub events: u64,
    /// Users of the rows that passed the filters.
    pub users_seen: u64,
    /// Users of the log, those without events included.
    pub users_kept: u64,
    /// Users that are not, by reason.
    pub users_dropped: Vec<Tally>,
    /// Users of the log of whom something has to be told, by what.
    #[serde(default)]
    pub users_told: Vec<Tally>,
}

impl Account {
    pub(super) fn drop_rows(&mut self, reason: &str, count: u64) {
        add(&mut self.rows_dropped, reason, count);
    }

    pub(super) fn repair_rows(&mut self, what: &str, count: u64) {
        add(&mut self.rows_repaired, what, count);
    }

    pub(super) fn drop_users(&mut self, reason: &str, count: u64) {
        add(&mut self.users_dropped, reason, count);
    }

    pub(super) fn tell_users(&mut self, what: &str, count: u64) {
        add(&mut self.users_told, what, count);
    }

    /// The account in words, one fact a line.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("{} rows read, {} kept", self.rows_read, self.rows_kept)];
        let mut tell = |verb: &str, tallies: &[Tally]| {
            lines.extend(tallies.iter().map(|t| format!("  {} {verb}: {}", t.count, t.reason)));
        };
        tell("dropped", &self.rows_dropped);
        tell("changed", &self.rows_repaired);
        if self.duplicates > 0 {
            lines.push(format!("  {} repeat an earlier row in every column", self.duplicates));
        }
        lines.push(format!("{} events", self.events));
        lines.push(format!("{} users seen, {} kept", self.users_seen, self.users_kept));
        for tally in &self.users_dropped {
            lines.push(format!("  {} dropped: {}", tally.count, tally.reason));
        }
        for tally in &self.users_told {
            lines.push(format!("  {} with {}", tally.count, tally.reason));
        }
        lines
    }
}

pub(super) fn add(tallies: &mut Vec<Tally>, reason: &str, count: u64) {
    if count == 0 {
        return;
    }
    match tallies.iter_mut().find(|tally| tally.reason == reason) {
        Some(tally) => tally.count += count,
        None => tallies.push(Tally { reason: reason.into(), count }),
    }
}
