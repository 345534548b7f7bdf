//! The values that one trial sets.

use serde::{Deserialize, Serialize};
use toml::Value;

/// A value at a path of the config.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Set {
    /// Where, as in `--set path=value`.
    pub path: String,
    /// What.
    pub value: Value,
    /// A short text for names and plots.
    pub label: String,
}

/// The values that one trial sets, in the order of their paths: what lies inside a table is set
/// after the table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// In the order of their paths, each path once.
    pub values: Vec<Set>,
}

impl Assignment {
    /// The assignment of these values.
    pub fn new(mut values: Vec<Set>) -> Self {
        values.sort_by(|a, b| a.path.cmp(&b.path));
        Self { values }
    }

    /// What is set at a path.
    pub fn get(&self, path: &str) -> Option<&Value> {
        let at = self.values.binary_search_by(|set| set.path.as_str().cmp(path)).ok()?;
        self.values.get(at).map(|set| &set.value)
    }

    /// The values as overrides, `path=value` in TOML.
    pub fn overrides(&self) -> Vec<String> {
        self.values.iter().map(|set| format!("{}={}", set.path, set.value)).collect()
    }

    /// A text that two assignments share only if they set the same values; labels do not count.
    pub fn key(&self) -> String {
        self.overrides().join("\n")
    }
}
