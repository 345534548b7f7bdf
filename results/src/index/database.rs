//! The file of the index: opened if it is sound, made anew if it is not.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, Error, ErrorCode, Transaction, TransactionBehavior, params};

use super::Refreshed;
use super::row::{self, Read};
use super::scan::Found;

/// Goes up whenever the tables change; a file of another version is made anew.
const VERSION: i64 = 1;

/// How long to wait for another process.
const PATIENCE: Duration = Duration::from_secs(30);

const TABLES: &str = "
    CREATE TABLE run (
        id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, sweep TEXT, trial TEXT, seed INTEGER,
        name TEXT, mode TEXT, state TEXT NOT NULL, message TEXT, started TEXT, ended TEXT,
        dataset TEXT, objective_name TEXT, objective REAL, calibrator TEXT, gap_closed REAL,
        auc REAL, mean_excess REAL, seconds REAL, env_steps INTEGER,
        modified INTEGER, size INTEGER, at_rest INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE config (
        run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,
        path TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (run, path)
    ) STRICT, WITHOUT ROWID;
";

const INSERT: &str =
    "INSERT INTO run (path, sweep, trial, seed, name, mode, state, message, started,
    ended, dataset, objective_name, objective, calibrator, gap_closed, auc, mean_excess, seconds,
    env_steps, modified, size, at_rest) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,
    ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)";

/// Opens a sound file of this version, or begins an empty one.
pub(super) fn open(path: &Path) -> Result<Connection, Error> {
    match sound(path) {
        Ok(Some(connection)) => Ok(connection),
        Err(error) if busy(&error) => Err(error),
        Ok(None) | Err(_) => begin_anew(path),
    }
}

/// The file, if it is there, whole, and of this version.
fn sound(path: &Path) -> Result<Option<Connection>, Error> {
    if !path.exists() {
        return Ok(None);
    }
    let connection = prepared(Connection::open(path)?)?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version != VERSION {
        return Ok(None);
    }
    let check: String = connection.pragma_query_value(None, "quick_check", |row| row.get(0))?;
    Ok((check == "ok").then_some(connection))
}

/// Removes the file and begins an empty one; in memory where the folder may not be written.
pub(super) fn begin_anew(path: &Path) -> Result<Connection, Error> {
    let beside = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    for file in [path.to_owned(), beside("-journal"), beside("-wal"), beside("-shm")] {
        // What cannot be removed shows when the file is opened.
        let _ = fs::remove_file(file);
    }
    let begin = |connection| {
        let connection = prepared(connection)?;
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;"
        ))?;
        Ok(connection)
    };
    match Connection::open(path).and_then(begin) {
        Ok(connection) => Ok(connection),
        // Another process may have begun it meanwhile.
        Err(_) => match sound(path) {
            Ok(Some(connection)) => Ok(connection),
            _ => begin(Connection::open_in_memory()?),
        },
    }
}

fn prepared(connection: Connection) -> Result<Connection, Error> {
    connection.busy_timeout(PATIENCE)?;
    // A file that a power cut tore is made anew: there is nothing to wait for the disk for.
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(connection)
}

/// Whether another process is in the way: no reason to throw the file away.
pub(super) fn busy(error: &Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Brings the rows up to the run directories, all at once or not at all.
pub(super) fn update(connection: &mut Connection, found: &[Found]) -> Result<Refreshed, Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut known = known(&transaction)?;
    let mut refreshed = Refreshed { runs: found.len(), ..Refreshed::default() };
    {
        let mut forget = transaction.prepare("DELETE FROM run WHERE path = ?1")?;
        let mut insert = transaction.prepare(INSERT)?;
        let mut set = transaction.prepare("INSERT INTO config VALUES (?1, ?2, ?3)")?;
        for run in found {
            let place = (run.sweep.clone(), run.trial.clone());
            let same = |old: &Known| old.at_rest && old.stamp == run.stamp && old.place == place;
            let old = known.remove(&run.path);
            if old.as_ref().is_some_and(same) {
                continue;
            }
            if old.is_some() {
                forget.execute([&run.path])?;
            }
            let Read { row, config, at_rest } = row::read(run);
            insert.execute(params![
                row.path,
                row.sweep,
                row.trial,
                row.seed.map(|seed| seed as i64),
                row.name,
                row.mode,
                row.state,
                row.message,
                row.started,
                row.ended,
                row.dataset,
                row.objective_name,
                row.objective,
                row.calibrator,
                row.gap_closed,
                row.auc,
                row.mean_excess,
                row.seconds,
                row.env_steps.map(|steps| steps as i64),
                run.stamp.map(|stamp| stamp.0),
                run.stamp.map(|stamp| stamp.1),
                at_rest
            ])?;
            let id = transaction.last_insert_rowid();
            for (path, value) in config {
                set.execute(params![id, path, value])?;
            }
            refreshed.read += 1;
        }
        for gone in known.keys() {
            forget.execute([gone])?;
        }
        refreshed.removed = known.len();
    }
    transaction.commit()?;
    Ok(refreshed)
}

/// What decides whether a row is read again.
struct Known {
    stamp: Option<(i64, i64)>,
    place: (Option<String>, Option<String>),
    at_rest: bool,
}

fn known(transaction: &Transaction<'_>) -> Result<HashMap<String, Known>, Error> {
    let sql = "SELECT path, modified, size, sweep, trial, at_rest FROM run";
    let mut statement = transaction.prepare(sql)?;
    let rows = statement.query_map([], |row| {
        let stamp = row.get::<_, Option<i64>>(1)?.zip(row.get::<_, Option<i64>>(2)?);
        let place = (row.get(3)?, row.get(4)?);
        Ok((row.get(0)?, Known { stamp, place, at_rest: row.get(5)? }))
    })?;
    rows.collect()
}
