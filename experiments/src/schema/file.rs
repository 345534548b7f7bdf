//! The top of a config, as [`Config`](crate::config::Config) reads it.

// These types are described and never made.
#![allow(dead_code)]

use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};
use trueup_agents::discriminator::LearnedConfig;
use trueup_agents::task::TaskConfig;
use trueup_calibration::evaluate::PanelConfig;
use trueup_calibration::external::Map;
use trueup_calibration::population::Population;
use trueup_calibration::reward::RewardConfig;
use trueup_calibration::schema::name;
use trueup_calibration::world::WorldConfig;

use super::sweep::{LaunchFile, SweepFile};
use crate::calibrators::{CALIBRATORS, Entry};
use crate::config::{Seen, Split};

/// A config.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct ConfigFile {
    /// The config that this one is laid over, or several: tables go into tables, everything else
    /// replaces. The path starts at the folder of this file.
    base: Option<OneOrMore>,
    /// Names the run directory, with the seed: letters, digits, `-`, `_` and `.`.
    name: String,
    /// Root of all random numbers.
    seed: u64,
    /// Of a task, instead of `seed`: one training each, one after another.
    seeds: Option<Vec<u64>>,
    /// Real users: where their log is, and how to read it.
    external: Option<ExternalFile>,
    /// Which users are held out, and which of them judge.
    split: Option<Split>,
    /// The world that simulated users live in; defaults follow from the data.
    world: Option<WorldConfig>,
    /// What trained calibrators are paid for.
    #[schemars(default, schema_with = "reward")]
    reward: (),
    /// How simulations are judged.
    evaluation: Option<EvaluationFile>,
    /// What is compared, in this order.
    #[schemars(default, schema_with = "calibrators")]
    calibrators: (),
    /// Training on a task with known returns, instead of `external` and `calibrators`.
    task: Option<TaskConfig>,
    /// Not one run but many: trials, each with every seed.
    sweep: Option<SweepFile>,
    /// Where the runs of a sweep are started, and with what; it has no part in what comes out.
    launch: Option<LaunchFile>,
}

/// One text, or several.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ExternalFile {
    /// `builtin:cdnow`, or the path of a CSV or Parquet file; it starts at the folder of this file.
    source: Option<String>,
    /// Statistics to train on instead, as `trueup describe --statistics` writes them. Of a `source`
    /// beside them those users judge that the statistics have not seen.
    statistics: Option<PathBuf>,
    /// Whether a source that the statistics have seen whole is refused, or its users judge all the
    /// same.
    #[schemars(extend("default" = "refuse"))]
    seen: Option<Seen>,
    #[schemars(flatten)]
    map: Map,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct EvaluationFile {
    /// Simulated logs that every value is averaged over, 1 to 1000.
    #[schemars(extend("default" = 4))]
    seeds: Option<usize>,
    /// Simulated users per log, at least 20; by default as many as there are training users.
    users: Option<usize>,
    /// Whom both sides are about: all users, or those with at least one event. By default whom the
    /// log is about: windows of the calendar know only users with events.
    population: Option<Population>,
    #[schemars(flatten)]
    panel: PanelConfig,
}

/// Rewards that are fitted from statistics, and those that learn from the log.
fn reward(generator: &mut SchemaGenerator) -> Schema {
    let all =
        [generator.subschema_for::<RewardConfig>(), generator.subschema_for::<LearnedConfig>()];
    let kinds = |schema: &Schema| schema.get("oneOf").and_then(Value::as_array).cloned();
    let kinds: Vec<Value> = all.iter().filter_map(kinds).flatten().collect();
    json_schema!({ "anyOf": kinds })
}

fn calibrators(generator: &mut SchemaGenerator) -> Schema {
    let one = |entry: &Entry| {
        let mut schema = (entry.schema)(generator);
        schema.insert("description".into(), entry.what.into());
        let properties = schema.ensure_object().entry("properties").or_insert(json!({}));
        if let Some(properties) = properties.as_object_mut() {
            properties.insert("kind".into(), name(entry.kind, entry.what));
            let what = "Its name in results, where it is not the kind: letters, digits, `-`, `_`.";
            properties.insert("name".into(), json!({ "type": "string", "description": what }));
        }
        schema.insert("required".into(), json!(["kind"]));
        schema.to_value()
    };
    let kinds: Vec<Value> = CALIBRATORS.iter().map(one).collect();
    json_schema!({ "type": "array", "items": { "anyOf": kinds } })
}
