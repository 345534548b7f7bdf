//! Writing a plan into the folder of a sweep, and taking it up again.

use std::path::{Path, PathBuf};

use trueup_results::provenance::sha256;
use trueup_results::sweep::{Plan, SWEEP_CONFIG, is_sweep};
use trueup_results::{Provenance, ProvenanceInput, write_atomically};

use super::launch::Launch;
use super::plan::Planned;
use crate::config::{Source, read_text};
use crate::failure::Failure;
use crate::resume::program_difference;

const PROVENANCE: &str = "provenance.json";

/// Makes the folder of a sweep: `ROOT/NAME`, or `ROOT/NAME-2` ... where that is taken.
///
/// # Errors
/// A failed write.
pub fn write(planned: &Planned, root: &Path) -> Result<PathBuf, Failure> {
    let folder =
        trueup_results::new_folder(root, &planned.plan.header.name).map_err(Failure::run)?;
    let text = planned.text.as_bytes();
    write_atomically(&folder.join(SWEEP_CONFIG), text).map_err(Failure::run)?;
    let seeds = planned.plan.header.seeds.iter().map(|seed| ("sweep".to_owned(), *seed));
    let provenance = Provenance::collect(ProvenanceInput {
        config: planned.text.clone(),
        seeds: seeds.collect(),
        data: Vec::new(),
        threads: planned.launch.threads,
    });
    let bytes = serde_json::to_vec_pretty(&provenance).map_err(Failure::run)?;
    write_atomically(&folder.join(PROVENANCE), &bytes).map_err(Failure::run)?;
    planned.plan.write(&folder, &planned.configs).map_err(Failure::run)?;
    Ok(folder)
}

/// Takes up the plan of a sweep, by the program that made it.
///
/// # Errors
/// A folder without a plan, a config that was changed since, or (unless `force`) another program.
pub fn read(folder: &Path, force: bool) -> Result<Plan, Failure> {
    if !is_sweep(folder) {
        let message = format!("{} is not the folder of a sweep", folder.display());
        return Err(Failure::invalid_because(message, "it holds no plan.jsonl"));
    }
    let plan = Plan::read(folder).map_err(Failure::invalid)?;
    let path = folder.join(SWEEP_CONFIG);
    let now = sha256(read_text(&path, "sweep")?.as_bytes());
    if now != plan.header.config_sha256 {
        let message = format!(
            "{} was changed since the sweep was planned: SHA-256 {} then, {now} now",
            path.display(),
            plan.header.config_sha256
        );
        let help = format!("start a sweep of the new config: trueup run {}", path.display());
        return Err(Failure::invalid_because(message, help));
    }
    if !force {
        same_program(folder)?;
    }
    Ok(plan)
}

/// How the sweep in a folder starts its runs.
///
/// # Errors
/// A config that cannot be read, or is not valid.
pub fn launch(folder: &Path) -> Result<Launch, Failure> {
    let source = Source::read(&folder.join(SWEEP_CONFIG), &[])?;
    let document = source.document(&[]);
    Ok(Launch::check(document.root()?.section("launch")?)?)
}

fn same_program(folder: &Path) -> Result<(), Failure> {
    let path = folder.join(PROVENANCE);
    let text = read_text(&path, "provenance")?;
    let then: Provenance = serde_json::from_str(&text).map_err(|error| {
        let message = format!("{}: {error}", path.display());
        Failure::invalid_because(message, "start the sweep again from its config")
    })?;
    let now = Provenance::collect(ProvenanceInput::default());
    match program_difference(&then, &now) {
        None => Ok(()),
        Some(difference) => {
            let message = format!("another program planned this sweep: {difference}");
            let help = "go on with that program, or with --force if the change cannot matter";
            Err(Failure::invalid_because(message, help))
        }
    }
}
