//! Which folders are run directories.
//!
//! A folder with `status.json` is one, and so is a folder with just its `lock`, whose writer has not
//! got further. Nothing below a run directory is looked at. A folder with `plan.jsonl` or `sweep.toml`
//! is a sweep; in it, `runs/TRIAL/SEED` knows its trial. Hidden folders and links are passed over.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::ResultsError;

/// Folders further below the root are not looked at.
const DEPTH: usize = 8;

/// A run directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Where it is.
    pub folder: PathBuf,
    /// The same from the root, with `/` between names.
    pub path: String,
    /// The sweep that it is in, as `path`.
    pub sweep: Option<String>,
    /// Its trial in that sweep.
    pub trial: Option<String>,
}

/// A folder to look at: where it is, its path from the root, and the sweep that it is in, with the
/// names since that one.
struct Place {
    folder: PathBuf,
    path: String,
    sweep: Option<(String, Vec<String>)>,
    depth: usize,
}

/// All run directories under a root, ascending by path. Folders below the root that cannot be read
/// are passed over.
pub(super) fn runs(root: &Path) -> Result<Vec<Found>, ResultsError> {
    fs::read_dir(root).map_err(|source| ResultsError::read(root, source))?;
    let mut found = Vec::new();
    let root = Place { folder: root.to_owned(), path: String::new(), sweep: None, depth: 0 };
    let mut places = vec![root];
    while let Some(place) = places.pop() {
        let Ok(entries) = fs::read_dir(&place.folder) else { continue };
        let (mut names, mut folders) = (Vec::new(), Vec::new());
        for entry in entries.flatten() {
            // A name that is no UTF-8 was not made by this program.
            let Ok(name) = entry.file_name().into_string() else { continue };
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && !name.starts_with('.') => folders.push(name),
                Ok(kind) if kind.is_file() => names.push(name),
                _ => {}
            }
        }
        let has = |name: &str| names.iter().any(|n| n == name);
        let sweep = has("plan.jsonl") || has("sweep.toml");
        if !sweep && (has("status.json") || has("lock")) {
            found.push(run(place));
        } else if place.depth < DEPTH {
            places.extend(folders.into_iter().map(|name| below(&place, sweep, name)));
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn below(place: &Place, is_sweep: bool, name: String) -> Place {
    let own = || {
        let folder = place.folder.file_name().and_then(|name| name.to_str()).unwrap_or(".");
        let path = if place.path.is_empty() { folder } else { &place.path };
        (path.to_owned(), Vec::new())
    };
    let mut sweep = if is_sweep { Some(own()) } else { place.sweep.clone() };
    if let Some((_, names)) = &mut sweep {
        names.push(name.clone());
    }
    let path = match place.path.as_str() {
        "" => name.clone(),
        path => format!("{path}/{name}"),
    };
    Place { folder: place.folder.join(name), path, sweep, depth: place.depth + 1 }
}

fn run(place: Place) -> Found {
    let trial = match place.sweep.as_ref().map(|(_, names)| names.as_slice()) {
        Some([runs, trial, _]) if runs == "runs" => Some(trial.clone()),
        _ => None,
    };
    let path = if place.path.is_empty() { ".".to_owned() } else { place.path };
    let sweep = place.sweep.map(|(sweep, _)| sweep);
    Found { folder: place.folder, path, sweep, trial }
}
