//! Tests of spaces as configs write them.

mod benchmark;
mod expand;
mod properties;
mod read;
mod searchers;

use toml::Value;
use trueup_env::random::Streams;

use super::{Assignment, Search, Space, Told};
use crate::config::{Document, Refused};

/// The config beside the sweep.
fn base(path: &str) -> Option<Value> {
    match path {
        "reward.kind" => Some("witness".into()),
        "reward.weights" => Some("fixed".into()),
        "evaluation.seeds" => Some(4.into()),
        _ => None,
    }
}

/// Reads `[[sweep.groups]]`.
fn space(text: &str) -> Result<Space, Refused> {
    let document = Document::new("t.toml", text, &[]);
    let mut root = document.root()?;
    let mut sweep = root.section("sweep")?;
    let space = Space::read(&mut sweep, &base)?;
    sweep.end()?;
    root.end()?;
    Ok(space)
}

fn expand(text: &str) -> Vec<Assignment> {
    space(text).unwrap().expand(&Streams::new(1))
}

/// One line an assignment, by its labels.
fn labels(assignments: &[Assignment]) -> Vec<String> {
    let line = |assignment: &Assignment| {
        let one = |set: &super::Set| format!("{}={}", set.path, set.label);
        assignment.values.iter().map(one).collect::<Vec<_>>().join(" ")
    };
    assignments.iter().map(line).collect()
}
