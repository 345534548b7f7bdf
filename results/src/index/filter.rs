//! Which runs are asked for.

use super::config::typed;
use super::row::RunRow;

/// Which runs are asked for: those that fit every condition given.
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

impl Filter {
    /// Whether a run fits every condition.
    pub(super) fn fits(&self, row: &RunRow) -> bool {
        let in_sweep = |wanted: &String| {
            let ends = |sweep: &str| sweep.strip_suffix(wanted.as_str()).map(str::to_owned);
            let above = row.sweep.as_deref().and_then(ends);
            above.is_some_and(|above| above.is_empty() || above.ends_with('/'))
        };
        let since = |when: &String| row.started.as_ref().is_some_and(|started| started >= when);
        let has = |(path, value): &(String, String)| {
            row.config.iter().any(|(p, v)| p == path && *v == typed(value))
        };
        (self.states.is_empty() || self.states.contains(&row.state))
            && self.sweep.as_ref().is_none_or(in_sweep)
            && self.since.as_ref().is_none_or(since)
            && self.values.iter().all(has)
    }
}
