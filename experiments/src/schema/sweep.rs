//! `[sweep]` and `[launch]`, as [`SweepConfig`](crate::sweep::config::SweepConfig) and
//! [`Launch`](crate::sweep::Launch) read them.

// These types are described and never made.
#![allow(dead_code)]

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};
use trueup_results::metrics::{DISCREPANCY, RETURN};
use trueup_results::sweep::objective::{CALIBRATOR_METRICS, TASK_METRIC};

/// `[sweep]`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct SweepFile {
    /// Replications of every trial: a number N for the seeds 1 to N, or a list. Never tuned.
    #[schemars(extend("default" = 5))]
    seeds: Option<Seeds>,
    /// Root of what groups and searches draw.
    #[schemars(extend("default" = 0))]
    seed: Option<u64>,
    /// What trials are compared by: a figure of the calibrator, or FEATURE:DISCREPANCY of the panel.
    /// By default `mean_excess`, or `evaluation_return` of a task.
    #[schemars(default, schema_with = "objective")]
    objective: (),
    /// Name of the calibrator that trials are compared by; by default the last.
    calibrator: Option<String>,
    /// When poor trials are stopped early; without this table none is.
    prune: Option<PruneFile>,
    /// The axes. Groups multiply; those of different spaces are laid one after the other.
    #[schemars(default, schema_with = "groups")]
    groups: (),
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum Seeds {
    Count(u64),
    List(Vec<u64>),
}

/// When trials are stopped early.
#[derive(JsonSchema)]
#[schemars(tag = "rule", rename_all = "lowercase", deny_unknown_fields)]
enum PruneFile {
    /// Successive halving, the default: at each rung the best of `eta` trials go on.
    Halving {
        /// Iterations of the first rung.
        first: u64,
        /// One in so many trials goes on at a rung, to so many times as many iterations; at least 2.
        #[schemars(extend("default" = 3))]
        eta: Option<u64>,
        /// What trials are compared by at rungs; by default `validation`, and of a task its return.
        #[schemars(schema_with = "rung_metric", default)]
        metric: (),
    },
    /// The median rule: who is worse than the median of the others stops.
    Median {
        /// Iterations of the first rung.
        first: u64,
        /// Iterations from rung to rung; by default as many as to the first.
        every: Option<u64>,
        /// Trials that go to their end before any is stopped.
        #[schemars(extend("default" = 5))]
        startup: Option<usize>,
        /// What trials are compared by at rungs; by default `validation`, and of a task its return.
        #[schemars(schema_with = "rung_metric", default)]
        metric: (),
    },
}

fn rung_metric(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": ["validation", DISCREPANCY, RETURN] })
}

/// A group of axes; what all have is added by [`groups`].
#[derive(JsonSchema)]
#[schemars(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
enum Group {
    /// Every combination of values.
    Grid {},
    /// The first values together, then the second ...
    Zip {},
    /// Rows that are drawn at random.
    Random {
        /// Rows that are drawn.
        budget: usize,
    },
    /// Rows of a Sobol sequence, which fills the space more evenly than chance.
    Sobol {
        /// Rows that are taken.
        budget: usize,
    },
    /// A search by Parzen estimators, for any axes.
    Tpe {
        /// Trials in all.
        budget: usize,
        /// Trials that are proposed together.
        #[schemars(extend("default" = 4))]
        batch: Option<usize>,
        /// Trials that are drawn at random first.
        #[schemars(extend("default" = 10))]
        startup: Option<usize>,
    },
    /// A search by an evolution strategy, for numbers alone.
    CmaEs {
        /// Trials in all; at least one generation.
        budget: usize,
        /// Trials of a generation, at least 4; by default it follows from the number of axes.
        population: Option<usize>,
        /// Spread at the start, as a share of the axes, above 0 to 1.
        #[schemars(extend("default" = 0.3))]
        sigma: Option<f64>,
    },
}

fn groups(generator: &mut SchemaGenerator) -> Schema {
    let axes = axes(generator);
    let space = json!({
        "type": "string",
        "description": "Groups of one space multiply; spaces are laid one after the other. By \
                        default the group multiplies with every space.",
    });
    let mut schema = generator.subschema_for::<Group>();
    let kinds = schema.get_mut("oneOf").and_then(Value::as_array_mut).map(std::mem::take);
    let mut kinds = kinds.unwrap_or_default();
    for kind in &mut kinds {
        if let Some(properties) = kind.get_mut("properties").and_then(Value::as_object_mut) {
            properties.insert("space".into(), space.clone());
            properties.insert("axes".into(), axes.clone().to_value());
        }
        if let Some(required) = kind.get_mut("required").and_then(Value::as_array_mut) {
            required.push("axes".into());
        }
    }
    json_schema!({ "type": "array", "items": { "anyOf": kinds } })
}

/// An axis that is no plain list.
#[derive(JsonSchema)]
#[schemars(untagged, deny_unknown_fields)]
enum Axis {
    /// Values, with labels or a condition.
    Values {
        /// The values, one a trial; tables and arrays too.
        values: Vec<Value>,
        /// What results call them, one each.
        labels: Option<Vec<String>>,
        /// Paths and the value (or a list of which any will do) that each must have.
        when: Option<serde_json::Map<String, Value>>,
    },
    /// A range of numbers.
    Range {
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
        /// `linear`, or `log` for steps of equal ratio.
        #[schemars(extend("default" = "linear"))]
        scale: Option<Scale>,
        /// Whether only whole numbers count.
        #[schemars(extend("default" = false))]
        integer: Option<bool>,
        /// How many points a grid or a zip takes, both bounds among them; needed there.
        points: Option<usize>,
        /// Paths and the value (or a list of which any will do) that each must have.
        when: Option<serde_json::Map<String, Value>>,
    },
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Scale {
    Linear,
    Log,
}

/// Paths, as for `--set`, with their values.
fn axes(generator: &mut SchemaGenerator) -> Schema {
    let list = json!({ "type": "array", "minItems": 1, "description": "The values, one a trial." });
    let table = generator.subschema_for::<Axis>();
    json_schema!({
        "type": "object",
        "description": "Settings by their paths, as for --set, in quotes: \"reward.kind\".",
        "propertyNames": { "pattern": r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$" },
        "additionalProperties": { "anyOf": [list, table] },
    })
}

fn objective(_: &mut SchemaGenerator) -> Schema {
    let names = CALIBRATOR_METRICS.iter().map(|(name, _)| *name).chain([TASK_METRIC]);
    let metric = json!({
        "type": "string",
        "pattern": ":",
        "description": "A metric of the panel, FEATURE:DISCREPANCY.",
    });
    json_schema!({ "anyOf": [{ "enum": names.collect::<Vec<_>>() }, metric] })
}

/// `[launch]`.
#[derive(JsonSchema)]
#[schemars(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum LaunchFile {
    /// On this machine; the default.
    Local {
        /// Threads of each run.
        #[schemars(extend("default" = 1))]
        threads: Option<usize>,
        /// How often a run that failed is tried again.
        #[schemars(extend("default" = 0))]
        retries: Option<usize>,
        /// Runs at a time; by default one a core.
        jobs: Option<usize>,
        /// Whether the first failure stops the sweep.
        #[schemars(extend("default" = false))]
        fail_fast: Option<bool>,
    },
    /// As tasks of job arrays of a cluster.
    Slurm {
        /// Processors of a task, and threads of its runs.
        #[schemars(extend("default" = 1))]
        threads: Option<usize>,
        /// How often a run that failed is tried again.
        #[schemars(extend("default" = 0))]
        retries: Option<usize>,
        /// Partition; without it the cluster decides.
        partition: Option<String>,
        /// Account that pays; without it the cluster decides.
        account: Option<String>,
        /// Time of a task as Slurm writes it, `04:00:00`; at least 5 minutes.
        time: Option<String>,
        /// Memory of a task as Slurm writes it, `4G`.
        memory: Option<String>,
        /// Runs that a task does, one after another.
        #[schemars(extend("default" = 1))]
        runs_per_task: Option<usize>,
        /// Most tasks that run at the same time; by default as many as the cluster gives.
        tasks_at_once: Option<usize>,
        /// More options of sbatch, one each.
        extra: Option<Vec<String>>,
    },
}
