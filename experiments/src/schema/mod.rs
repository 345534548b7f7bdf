//! What an editor is told of configs: a JSON Schema, with which it completes keys and names, shows
//! what they mean, and marks what is unknown.
//!
//! It says what may stand in a file, and not what has to: a file may lie over another (`base`), and
//! what is missing may come from an axis of a sweep. `trueup validate` knows whether a config is
//! whole.
//!
//! It is made of the types that read configs, and names come from the registries. What is read key
//! by key is described in `file.rs` and `sweep.rs`; tests hold each of these keys against the
//! reader. Draft 7, because the language servers of TOML read nothing newer as a whole.

mod file;
mod sweep;
mod tidy;

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;
use trueup_calibration::external::Map;

/// The schema of configs.
pub fn config() -> Value {
    of::<file::ConfigFile>("A config of trueup: a run, a training on a task, or a sweep.")
}

/// The schema of maps, which say how to read a log.
pub fn map() -> Value {
    of::<Map>("A map of trueup: what the columns of a log mean.")
}

fn of<T: JsonSchema>(description: &str) -> Value {
    // References hide what is said beside them from some editors, so there are few.
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("title".into(), "trueup".into());
    schema.insert("description".into(), description.into());
    let mut schema = schema.to_value();
    tidy::tidy(&mut schema);
    schema
}
