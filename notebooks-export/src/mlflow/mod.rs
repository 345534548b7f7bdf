//! A run or a sweep on an MLflow tracking server, over its REST interface.
//!
//! A run becomes a run: what its trial sets are parameters (of a run by itself, its config), curves are metrics with steps, final
//! figures are metrics at step 0, and trial, seed, state, version and commit are tags. The tag
//! `trueup.run` says which run it is, `trueup.digest` what the server was told: an export that is
//! repeated goes on with the runs that are there, and leaves those alone that have not changed.

mod client;
mod content;

use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use trueup_results::provenance::sha256;
use trueup_results::status;
use trueup_results::sweep::{Plan, is_sweep};
use trueup_results::tables::RunRecord;

use crate::error::ExportError;
use client::Client;
pub use client::MlflowError;
use content::{Content, Pair};

/// Limits of one call: all items, and of them parameters and tags.
const ITEMS: usize = 1000;
const PAIRS: usize = 100;

/// Which run it is.
const RUN: &str = "trueup.run";
/// What the server was told.
const DIGEST: &str = "trueup.digest";

/// What an export did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Name of the experiment.
    pub experiment: String,
    /// Runs that the server did not have.
    pub created: usize,
    /// Runs that it had, and that went on since.
    pub updated: usize,
    /// Runs that it had.
    pub unchanged: usize,
}

/// Exports a run or a sweep to the server at an address, into an experiment: by default that of the
/// name of the run or sweep.
///
/// # Errors
/// A folder that is neither, a sweep of which no run has begun, a server that does not answer, or one
/// that refuses what it is told.
pub fn export(folder: &Path, uri: &str, experiment: Option<&str>) -> Result<Exported, ExportError> {
    let client = Client::new(uri)?;
    let records = crate::records(folder)?;
    let plan = is_sweep(folder).then(|| Plan::read(folder)).transpose()?;
    let sweep = plan.as_ref().map(|plan| plan.header.name.as_str());
    let own = || records.first().map(|record| record.digest.name.as_str());
    let named = experiment.or(sweep).or_else(own).filter(|name| !name.is_empty());
    let experiment = named.unwrap_or("trueup").to_owned();
    let id = client.experiment(&experiment)?;
    let mut exported = Exported { experiment, ..Exported::default() };
    for record in records.iter().filter(|record| record.state != "waiting") {
        let key = key(folder, plan.as_ref(), record);
        match send(&client, &id, &key, &content(record, sweep))? {
            Sent::Created => exported.created += 1,
            Sent::Updated => exported.updated += 1,
            Sent::Unchanged => exported.unchanged += 1,
        }
    }
    Ok(exported)
}

enum Sent {
    Created,
    Updated,
    Unchanged,
}

fn content(record: &RunRecord, sweep: Option<&str>) -> Content {
    let provenance = read(&record.folder.join("provenance.json"));
    Content::of(record, status(&record.folder).ok().as_ref(), provenance.as_ref(), sweep)
}

/// What tells a run from all others: the plan and when it was made, trial and seed; or its config
/// and when it started.
fn key(folder: &Path, plan: Option<&Plan>, record: &RunRecord) -> String {
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let provenance: Value = read(&folder.join("provenance.json")).unwrap_or_default();
    let seed = record.seed.map_or(String::new(), |seed| seed.to_string());
    let parts = match plan {
        Some(plan) => {
            let trial = record.trial.clone().unwrap_or_default();
            let made = text(&provenance, "started");
            [plan.header.name.clone(), plan.header.config_sha256.clone(), made, trial, seed]
        }
        None => {
            let started = status(folder).map(|status| status.started).unwrap_or_default();
            let config = text(&provenance, "config_sha256");
            [record.digest.name.clone(), config, started, String::new(), seed]
        }
    };
    sha256(parts.join("\n").as_bytes())
}

/// A JSON file, where there is one that reads so.
fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Tells the server of a run what it does not know. The digest goes last: without it, an export that
/// broke off is taken up.
fn send(
    client: &Client,
    experiment: &str,
    key: &str,
    content: &Content,
) -> Result<Sent, ExportError> {
    let digest = sha256(&serde_json::to_vec(content)?);
    let found = client.run_with(experiment, RUN, key)?;
    let told = |tags: &[(String, String)]| {
        tags.iter().any(|(name, value)| name == DIGEST && *value == digest)
    };
    let (id, sent) = match found {
        Some(found) if told(&found.tags) => return Ok(Sent::Unchanged),
        Some(found) => (found.id, Sent::Updated),
        None => {
            let body = json!({
                "experiment_id": experiment, "run_name": content.name, "start_time": content.start,
                "tags": [Pair::new(RUN, key)],
            });
            (client.create_run(&body)?, Sent::Created)
        }
    };
    for batch in batches(&id, content)? {
        client.post("runs/log-batch", &batch)?;
    }
    let mut update = json!({ "run_id": id, "status": content.status });
    if let Some(end) = content.end {
        update["end_time"] = end.into();
    }
    client.post("runs/update", &update)?;
    let done = json!({ "run_id": id, "tags": [Pair::new(DIGEST, &digest)] });
    client.post("runs/log-batch", &done)?;
    Ok(sent)
}

/// The calls that log everything, each within the limits.
fn batches(id: &str, content: &Content) -> Result<Vec<Value>, ExportError> {
    let mut batches = Vec::new();
    for (kind, pairs) in [("params", &content.params), ("tags", &content.tags)] {
        for chunk in pairs.chunks(PAIRS) {
            batches.push(json!({ "run_id": id, kind: serde_json::to_value(chunk)? }));
        }
    }
    for chunk in content.metrics.chunks(ITEMS) {
        batches.push(json!({ "run_id": id, "metrics": serde_json::to_value(chunk)? }));
    }
    Ok(batches)
}
