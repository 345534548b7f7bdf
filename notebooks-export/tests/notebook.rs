//! Notebooks are valid for nbformat, and run from top to bottom where Python can.

#![allow(clippy::unwrap_used)] // Helpers of tests are not seen as tests.

mod common;

use std::path::{Path, PathBuf};

use common::{LABELS, has, python, run, sweep, training};
use trueup_notebooks_export::ipynb;

/// Everything that a notebook needs to run.
const MODULES: &str = "nbformat, nbconvert, ipykernel, pandas, pyarrow, matplotlib";

/// Reads a notebook strictly, runs it in its folder, and prints how many pictures it drew and all
/// that it said.
const EXECUTE: &str = "import sys, warnings, pathlib, nbformat
warnings.filterwarnings('error', category=nbformat.warnings.MissingIDFieldWarning)
warnings.filterwarnings('error', category=nbformat.warnings.DuplicateCellId)
warnings.filterwarnings('error', module='nbformat')
from nbconvert.preprocessors import ExecutePreprocessor
path = pathlib.Path(sys.argv[1])
n = nbformat.read(path, nbformat.NO_CONVERT)
nbformat.validate(n)
assert (n.nbformat, n.nbformat_minor) == (4, 5)
ExecutePreprocessor(timeout=300, kernel_name='python3').preprocess(n, {'metadata': {'path': path.parent}})
nbformat.validate(n)
out = [o for c in n.cells if c.cell_type == 'code' for o in c.outputs]
print(sum('image/png' in o.get('data', {}) for o in out))
print(''.join(o.get('data', {}).get('text/plain', '') + o.get('text', '') for o in out))
";

/// A notebook of a folder, written beside it.
fn written(folder: &Path) -> PathBuf {
    let out = folder.join("notebook.ipynb");
    ipynb(folder, &out).unwrap();
    out
}

fn is_what_the_format_asks_for(folder: &Path) {
    let out = written(folder);
    let text = std::fs::read_to_string(&out).unwrap();
    written(folder);
    assert_eq!(text, std::fs::read_to_string(&out).unwrap());
    let notebook: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&notebook["nbformat"], &notebook["nbformat_minor"]), (&4.into(), &5.into()));
    let cells = notebook["cells"].as_array().unwrap();
    let mut ids: Vec<&str> = cells.iter().map(|c| c["id"].as_str().unwrap()).collect();
    assert_eq!(cells[1]["metadata"]["tags"][0], "parameters");
    assert!(cells[1]["source"][0].as_str().unwrap().starts_with("folder = \".\"  # "));
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), cells.len(), "ids are unique");
    // Elsewhere it says where it looks.
    let elsewhere = folder.parent().unwrap().join("elsewhere/n.ipynb");
    ipynb(folder, &elsewhere).unwrap();
    let notebook: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(elsewhere).unwrap()).unwrap();
    let wanted = format!("folder = {}  #", serde_json::json!(folder.to_str().unwrap()));
    let source = notebook["cells"][1]["source"][0].as_str().unwrap();
    assert!(source.starts_with(&wanted), "{source}");
}

#[test]
fn notebooks_are_what_the_format_asks_for() {
    let folder = tempfile::tempdir().unwrap();
    is_what_the_format_asks_for(&run(folder.path()));
    is_what_the_format_asks_for(&sweep(folder.path()));
}

#[test]
fn the_notebook_of_a_run_runs_from_top_to_bottom() {
    if !has(MODULES) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let out = python(EXECUTE, &[&written(&run(folder.path()))]).unwrap().unwrap();
    // Gap closed, distribution and learning; and the log of two users with two events.
    assert_eq!(out.lines().next(), Some("3"), "{out}");
    assert!(out.contains("한글-1"), "{out}");
}

#[test]
fn the_notebook_of_a_sweep_says_what_its_summary_says() {
    if !has(MODULES) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let sweep = sweep(folder.path());
    let notebook = written(&sweep);
    let out = python(EXECUTE, &[&notebook]).unwrap().unwrap();
    // Forest, heat map, learning.
    assert_eq!(out.lines().next(), Some("3"), "{out}");
    assert!(out.contains("agrees with summary.json"), "{out}");
    assert!(LABELS.iter().all(|label| out.contains(&format!("kind={label}"))), "{out}");
    assert!(out.contains("failed") && out.contains("pruned"), "{out}");
    // A summary of other runs is told apart.
    let path = sweep.join("summary.json");
    let mut summary: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let value = summary["trials"][1]["objective"].as_f64().unwrap();
    summary["trials"][1]["objective"] = (value + 1e-6).into();
    std::fs::write(&path, summary.to_string()).unwrap();
    let error = python(EXECUTE, &[&notebook]).unwrap().unwrap_err();
    assert!(
        error.contains("AssertionError") && error.contains("Export the sweep again"),
        "{error}"
    );
}

/// papermill puts its own cell after the one with the tag.
#[test]
fn papermill_points_a_notebook_at_another_folder() {
    if !has("papermill, ipykernel, pandas, pyarrow, matplotlib") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let sweep = sweep(folder.path());
    let code = "import sys, papermill
n = papermill.execute_notebook(sys.argv[1], sys.argv[2], {'folder': sys.argv[3]}, progress_bar=False)
print(''.join(o.get('text', '') for c in n.cells if c.cell_type == 'code' for o in c.outputs))";
    let done = folder.path().join("done.ipynb");
    let out = python(code, &[&written(&sweep), &done, &sweep]).unwrap().unwrap();
    assert!(out.contains("agrees with summary.json"), "{out}");
}

#[test]
fn what_has_no_notebook_is_named_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let fails = |path: &Path| ipynb(path, &path.join("n.ipynb")).unwrap_err().to_string();
    let error = fails(folder.path());
    assert!(error.contains("status.json"), "{error}");
    let error = fails(&training(folder.path()));
    assert!(error.contains("training on a task") && error.contains("mlflow"), "{error}");
    let sweep = sweep(folder.path());
    std::fs::remove_dir_all(sweep.join("runs")).unwrap();
    let error = fails(&sweep);
    assert!(error.contains("no run that has begun") && error.contains("trueup resume"), "{error}");
}
