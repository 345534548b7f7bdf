//! The schema says what the reader says. Each key of the schema is given to the reader, right and
//! misspelt; what readers ask for is looked up in the schema; and a validator that knows nothing of
//! this program judges configs, blocks of the READMEs, and each of their keys misspelt.

mod cases;
mod judge;
mod read;

use std::collections::BTreeSet;

use serde_json::Value;
use toml::Table;

use super::*;
use crate::config::asked;
use cases::{Case, cases};
use judge::{Judged, judge};
use read::{blocks, read, shipped, sweepless};

/// A key with a letter too many.
fn misspelt(key: &str) -> String {
    format!("{key}x")
}

/// Whether a complaint is about a key that nobody knows.
fn is_unknown(said: &str) -> bool {
    said.contains("unknown key") || said.contains("unknown field")
}

#[test]
fn the_reader_knows_every_key_of_the_schema_and_no_misspelt_one() {
    let cases = cases(&config());
    assert!(cases.len() > 250, "only {} keys", cases.len());
    for case in &cases {
        let Case { table, key, value, .. } = case;
        if let Err(said) = read(&case.with(key, value.clone())) {
            assert!(!is_unknown(&said), "`{key}` of `{table}`: {said}");
        }
        let said = read(&case.with(&misspelt(key), value.clone())).unwrap_err();
        // Where the key is needed, its absence may be told first.
        let told = is_unknown(&said) || (case.needed && said.contains(key.as_str()));
        assert!(told, "`{}` of `{table}`: {said}", misspelt(key));
    }
}

#[test]
fn every_default_of_the_schema_is_that_of_the_reader() {
    let mut compared = 0;
    for case in cases(&config()) {
        let Some(default) = &case.default else { continue };
        // Those of the finance world, which a task has to overrule.
        let place = (case.table.as_str(), case.key.as_str());
        let given =
            [("task", "update"), ("task.update", "gamma"), ("task.update", "learning_rate")];
        if given.contains(&place) {
            continue;
        }
        let Ok(without) = read(&case.without()) else { continue };
        let with = read(&case.with(&case.key, default.clone()));
        assert_eq!(with.as_ref(), Ok(&without), "`{}` of `{}`", case.key, case.table);
        compared += 1;
    }
    assert!(compared > 120, "only {compared} defaults");
}

#[test]
fn the_schema_has_every_key_that_a_reader_asks_for() {
    let cases = cases(&config());
    asked::all();
    for case in &cases {
        let _ = read(&case.with(&case.key, case.value.clone()));
    }
    let known: BTreeSet<(String, String)> =
        cases.iter().map(|case| (case.table.clone(), case.key.clone())).collect();
    let asked = asked::all();
    assert!(asked.len() > 40, "only {} keys were asked for", asked.len());
    for (table, key) in asked {
        assert!(known.contains(&(table.clone(), key.clone())), "no `{key}` of `{table}`");
    }
}

/// Every description is a line for a person, and every key has one.
#[test]
fn every_key_says_what_it_is() {
    for case in cases(&config()) {
        let words = case.schema.get("description").and_then(Value::as_str).unwrap_or_default();
        let place = format!("`{}` of `{}`: {words:?}", case.key, case.table);
        let kind = case.schema.get("const").is_some();
        assert!(kind || words.len() > 8, "{place}");
        assert!(!words.contains("[`") && !words.contains('\n'), "{place}");
    }
}

/// Editors of TOML stumble over null, and overlook what stands beside a reference.
#[test]
fn the_schema_is_plain() {
    for schema in [config(), map()] {
        let text = serde_json::to_string(&schema).unwrap();
        assert!(!text.contains(":null") && !text.contains("\"null\""));
        assert!(!text.contains("allOf") && !text.contains("unevaluated"));
        assert!(text.contains("http://json-schema.org/draft-07/schema#"));
    }
}

fn judged(valid: bool, table: &Table, why: &str) -> Judged {
    let map = table.contains_key("columns");
    Judged { valid, map, document: serde_json::to_value(table).unwrap(), why: why.to_owned() }
}

/// The keys of a config misspelt, one at a time: whether the reader refuses the key as unknown.
fn misspellings(table: &Table) -> Vec<(String, Table)> {
    let mut all = Vec::new();
    let mut put = |path: String, changed: Table| all.push((path, changed));
    for (key, value) in table {
        let mut changed = table.clone();
        changed.remove(key);
        changed.insert(misspelt(key), value.clone());
        put(key.clone(), changed);
        let inside: Vec<(String, toml::Value)> = match value {
            toml::Value::Table(inner) => misspellings(inner)
                .into_iter()
                .map(|(path, inner)| (path, toml::Value::Table(inner)))
                .collect(),
            toml::Value::Array(list) => {
                let element = |(i, element): (usize, &toml::Value)| {
                    let inner = element.as_table().map(misspellings).unwrap_or_default();
                    let put = move |(path, inner): (String, Table)| {
                        let mut list = list.clone();
                        list[i] = toml::Value::Table(inner);
                        (format!("{i}.{path}"), toml::Value::Array(list))
                    };
                    inner.into_iter().map(put).collect::<Vec<_>>()
                };
                list.iter().enumerate().flat_map(element).collect()
            }
            _ => Vec::new(),
        };
        for (path, value) in inside {
            let mut changed = table.clone();
            changed.insert(key.clone(), value);
            put(format!("{key}.{path}"), changed);
        }
    }
    all
}

#[test]
fn a_validator_agrees_with_the_reader() {
    let mut all = Vec::new();
    let mut refused = 0;
    for (name, table) in shipped() {
        all.push(judged(true, &table, &name));
        if let Ok(text) = sweepless(&table) {
            all.push(judged(true, &text.parse().unwrap(), &format!("{name}, resolved")));
        }
        for (path, table) in misspellings(&table) {
            let said = read(&table);
            // Names of kinds and of users' columns are free; only a key that is refused counts.
            if said.is_err_and(|said| is_unknown(&said)) {
                all.push(judged(false, &table, &format!("{name}, {path} misspelt")));
                refused += 1;
            }
        }
    }
    assert!(refused > 60, "only {refused} misspelt keys");
    let blocks = blocks();
    assert!(blocks.len() >= 12, "only {} blocks", blocks.len());
    all.extend(blocks.iter().map(|(name, table)| judged(true, table, name)));
    for case in cases(&config()) {
        let place = format!("`{}` of `{}`", case.key, case.table);
        all.push(judged(true, &case.with(&case.key, case.value.clone()), &place));
        let wrong = case.with(&misspelt(&case.key), case.value.clone());
        all.push(judged(false, &wrong, &format!("{place}, misspelt")));
    }
    for (valid, key) in [(true, "iterations"), (false, "iteratons")] {
        let over = format!("base = \"a.toml\"\n[calibrators.ppo]\n{key} = 4\n");
        all.push(judged(valid, &over.parse().unwrap(), "a config that lies over another"));
    }
    judge(&all);
}

#[test]
fn names_are_those_of_the_registries() {
    let text = serde_json::to_string(&config()).unwrap();
    let names = trueup_calibration::discrepancy::DISCREPANCIES.iter().map(|d| d.name());
    let features = trueup_calibration::features::FEATURES.iter().map(|f| f.name);
    let rewards = trueup_calibration::reward::REWARDS.iter().copied();
    let kinds = crate::calibrators::names().chain(["gail", "airl"]);
    for name in names.chain(features).chain(rewards).chain(kinds) {
        assert!(text.contains(&format!("\"const\":\"{name}\"")), "{name}");
    }
    for (name, _) in trueup_env::classic::TASKS {
        assert!(text.contains(&format!("\"{name}\"")), "{name}");
    }
}
