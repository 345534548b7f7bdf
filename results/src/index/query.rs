//! Which runs are asked for.

use rusqlite::types::Value;
use rusqlite::{Connection, Error, Row, params_from_iter};

use super::config::typed;
use super::row::RunRow;

/// Which runs are asked for: those that fit all that is named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// One of these states; any where there are none.
    pub states: Vec<String>,
    /// In this sweep, named by its path from the root or by its folder.
    pub sweep: Option<String>,
    /// Started at or after this time, UTC, as `2026-01-31T12:00:00Z` or the beginning of it.
    pub since: Option<String>,
    /// With these values in the config: (path, value), the value as TOML or as a word.
    pub values: Vec<(String, String)>,
}

const COLUMNS: &str =
    "path, sweep, trial, seed, name, mode, state, message, started, ended, dataset,
    objective_name, objective, calibrator, gap_closed, auc, mean_excess, seconds, env_steps";

pub(super) fn runs(connection: &Connection, filter: &Filter) -> Result<Vec<RunRow>, Error> {
    let mut sql = format!("SELECT {COLUMNS} FROM run WHERE 1");
    let mut given: Vec<Value> = Vec::new();
    if !filter.states.is_empty() {
        let marks = vec!["?"; filter.states.len()].join(", ");
        sql += &format!(" AND state IN ({marks})");
        given.extend(filter.states.iter().cloned().map(Value::from));
    }
    if let Some(sweep) = &filter.sweep {
        // No LIKE: names may hold its wildcards.
        sql += " AND (sweep = ? OR substr(sweep, -length(?) - 1) = '/' || ?)";
        given.extend([sweep, sweep, sweep].map(|sweep| Value::from(sweep.clone())));
    }
    if let Some(since) = &filter.since {
        sql += " AND started >= ?";
        given.push(since.clone().into());
    }
    for (path, value) in &filter.values {
        sql += " AND EXISTS (SELECT 1 FROM config WHERE config.run = run.id AND config.path = ? \
                AND config.value = ?)";
        given.extend([Value::from(path.clone()), typed(value).into()]);
    }
    sql += " ORDER BY started, path";
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map(params_from_iter(given), row)?;
    rows.collect()
}

pub(super) fn config(connection: &Connection, run: &str) -> Result<Vec<(String, String)>, Error> {
    let sql = "SELECT config.path, value FROM config JOIN run ON run.id = config.run \
               WHERE run.path = ? ORDER BY config.path";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([run], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

fn row(row: &Row<'_>) -> Result<RunRow, Error> {
    // The same 64 bits: the database knows signed integers only.
    let count = |place| Ok::<_, Error>(row.get::<_, Option<i64>>(place)?.map(|n| n as u64));
    Ok(RunRow {
        path: row.get(0)?,
        sweep: row.get(1)?,
        trial: row.get(2)?,
        seed: count(3)?,
        name: row.get(4)?,
        mode: row.get(5)?,
        state: row.get(6)?,
        message: row.get(7)?,
        started: row.get(8)?,
        ended: row.get(9)?,
        dataset: row.get(10)?,
        objective_name: row.get(11)?,
        objective: row.get(12)?,
        calibrator: row.get(13)?,
        gap_closed: row.get(14)?,
        auc: row.get(15)?,
        mean_excess: row.get(16)?,
        seconds: row.get(17)?,
        env_steps: count(18)?,
    })
}
