//! A Jupyter notebook (nbformat 4.5) of a run directory or of a sweep.
//!
//! The second cell carries the tag `parameters`, so that papermill can point the notebook at
//! another folder. Cells have fixed ids: exporting twice gives the same bytes.

mod run;
mod sweep;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use trueup_results::sweep::is_sweep;
use trueup_results::tables::{self, Format};
use trueup_results::write_atomically;

use crate::error::ExportError;

/// Writes a notebook, and the Parquet tables into the folder that it is of.
///
/// # Errors
/// A folder that is neither a finished run nor a sweep with runs, or a failed write.
pub fn ipynb(folder: &Path, out: &Path) -> Result<(), ExportError> {
    let there = there(folder, out);
    let text = if is_sweep(folder) {
        sweep::notebook(folder, &there)?
    } else {
        run::notebook(folder, &there)?
    };
    tables::write(&crate::records(folder)?, &folder.join(tables::FOLDER), Format::Parquet)?;
    Ok(write_atomically(out, text.as_bytes())?)
}

/// The folder as the notebook finds it: `.` where it lies in it, else an absolute path.
fn there(folder: &Path, out: &Path) -> PathBuf {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let beside = out.parent().map(|parent| absolute(&absolute(Path::new(".")).join(parent)));
    let folder = absolute(folder);
    if beside.is_some_and(|beside| beside == folder) { PathBuf::from(".") } else { folder }
}

/// A parameter, and what it is.
struct Parameter<'a>(&'static str, &'a str, &'static str);

fn parameters(parameters: &[Parameter<'_>]) -> Result<Value, ExportError> {
    let mut rows = Vec::new();
    for Parameter(name, value, about) in parameters {
        // A JSON string is a Python string as well: the escapes are the same, and surrogate pairs
        // do not occur because other characters stay as they are.
        rows.push(format!("{name} = {}  # {about}", serde_json::to_string(value)?));
    }
    let mut cell = code("parameters", &rows.join("\n"));
    cell["metadata"] = json!({ "tags": ["parameters"] });
    Ok(cell)
}

fn markdown(id: &str, text: &str) -> Value {
    json!({ "cell_type": "markdown", "id": id, "metadata": {}, "source": lines(text) })
}

fn code(id: &str, text: &str) -> Value {
    json!({
        "cell_type": "code",
        "execution_count": null,
        "id": id,
        "metadata": {},
        "outputs": [],
        "source": lines(text.trim_end()),
    })
}

/// The format's multi-line strings: every line but the last keeps its newline.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn whole(cells: Vec<Value>) -> Result<String, ExportError> {
    let notebook = json!({
        "cells": cells,
        "metadata": {
            "kernelspec": { "display_name": "Python 3", "language": "python", "name": "python3" },
            "language_info": { "name": "python" },
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    });
    let mut text = serde_json::to_string_pretty(&notebook)?;
    text.push('\n');
    Ok(text)
}
