//! A config as paths and values, to be searched.
//!
//! Paths are those that `--set` takes: keys with dots between, and the name of an entry, or its place,
//! where a list holds tables: `calibrators.ppo.iterations`.

use std::fs;
use std::path::Path;

use toml::{Table, Value};

/// The values of `config.toml`, ascending by path; empty where there is none that parses.
pub fn read(folder: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(folder.join("config.toml")).unwrap_or_default();
    let mut values = Vec::new();
    for (key, value) in text.parse::<Table>().unwrap_or_default() {
        flatten(key, &value, &mut values);
    }
    values.sort();
    // Entries of one name: the first one stands for them.
    values.dedup_by(|later, first| later.0 == first.0);
    values
}

fn flatten(path: String, value: &Value, out: &mut Vec<(String, String)>) {
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                flatten(format!("{path}.{key}"), value, out);
            }
        }
        Value::Array(values) if values.iter().any(Value::is_table) => {
            for (place, value) in values.iter().enumerate() {
                let name = value.get("name").and_then(Value::as_str);
                let name = name.map_or_else(|| place.to_string(), str::to_owned);
                flatten(format!("{path}.{name}"), value, out);
            }
        }
        value => out.push((path, text(value))),
    }
}

/// A value as it is compared: `1.0`, `1e0` and `1` are the same.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Float(number) => number.to_string(),
        Value::Array(values) => {
            format!("[{}]", values.iter().map(text).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// A value that someone typed, as it is compared: TOML where it is some, else a word.
pub(super) fn typed(given: &str) -> String {
    let parsed = format!("value = {given}").parse::<Table>();
    let value = parsed.ok().filter(|table| table.len() == 1);
    value.and_then(|table| table.get("value").map(text)).unwrap_or_else(|| given.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configs_become_paths_and_values() {
        let folder = tempfile::tempdir().unwrap();
        let text = "seed = 2\n[reward]\nkind = \"witness\"\nrate = 1e-3\nwhole = 2.0\n\
                    [[calibrators]]\nname = \"ppo\"\nhidden = [64, 64]\n\
                    [calibrators.cloning]\nepochs = 4\n[[calibrators]]\nkind = \"none\"\n";
        fs::write(folder.path().join("config.toml"), text).unwrap();
        let wanted = [
            ("calibrators.1.kind", "none"),
            ("calibrators.ppo.cloning.epochs", "4"),
            ("calibrators.ppo.hidden", "[64, 64]"),
            ("calibrators.ppo.name", "ppo"),
            ("reward.kind", "witness"),
            ("reward.rate", "0.001"),
            ("reward.whole", "2"),
            ("seed", "2"),
        ];
        let values = read(folder.path());
        let values: Vec<_> = values.iter().map(|(p, v)| (p.as_str(), v.as_str())).collect();
        assert_eq!(values, wanted);
        fs::write(folder.path().join("config.toml"), "seed = ").unwrap();
        assert!(read(folder.path()).is_empty());
    }

    #[test]
    fn typed_values_are_compared_as_what_they_mean() {
        let pairs = [("0.0010", "0.001"), ("2", "2"), ("2.0", "2"), ("witness", "witness")];
        let more = [("\"witness\"", "witness"), ("[64,64]", "[64, 64]"), ("a\nb = 1", "a\nb = 1")];
        for (given, wanted) in pairs.into_iter().chain(more) {
            assert_eq!(typed(given), wanted);
        }
    }
}
