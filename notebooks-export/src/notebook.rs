//! A Jupyter notebook (nbformat 4.5) of a run directory.
//!
//! The second cell carries the tag `parameters`, so that papermill can point the notebook at
//! another run or feature. Cells have fixed ids: exporting a run twice gives the same bytes.

use std::path::Path;

use serde_json::{Value, json};
use trueup_results::{ReportInput, ResultsError};

/// Why a run could not be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The run directory cannot be read.
    #[error(transparent)]
    Run(#[from] ResultsError),
    /// The notebook cannot be written as JSON.
    #[error("notebook: {0}")]
    Json(#[from] serde_json::Error),
}

/// Makes a notebook of a run directory.
///
/// # Errors
/// A directory without a readable `summary.json` and `series.json`.
pub fn ipynb(run_dir: &Path) -> Result<String, ExportError> {
    let input = ReportInput::read(run_dir)?;
    let folder = std::path::absolute(run_dir).unwrap_or_else(|_| run_dir.to_owned());
    let features = || input.series.features.iter().filter(|f| !f.sides.is_empty());
    let feature = features()
        .find(|f| f.name == "log_amount")
        .or_else(|| features().find(|f| f.histogram.is_some()))
        .map_or("log_amount", |f| &f.name);
    let name = &input.summary.name;
    let about = format!(
        "# {name}\n\nThe run `{name}` with seed {} on `{}`: the verdict, every metric, the internal \
         logs, and the main plots. Needs pandas and matplotlib.",
        input.summary.seed, input.summary.dataset
    );
    let parameters = format!(
        "run_dir = {}  # the run; a folder that is gone means the folder of this notebook\n\
         feature = {}  # what the distribution plot shows",
        python_string(&folder.to_string_lossy())?,
        python_string(feature)?,
    );
    let mut parameters = code("parameters", &parameters);
    parameters["metadata"] = json!({ "tags": ["parameters"] });
    let notebook = json!({
        "cells": [
            markdown("about", &about),
            parameters,
            code("load", include_str!("cells/load.py")),
            markdown("verdict-text", "## Verdict\n\nGap closed: 0 is no better than the uncalibrated simulation, 1 as near as two groups of real users are to each other."),
            code("verdict", include_str!("cells/verdict.py")),
            code("gap-closed", include_str!("cells/gap_closed.py")),
            markdown("panel-text", "## Every metric"),
            code("panel", include_str!("cells/panel.py")),
            markdown("distribution-text", "## Distribution of a feature"),
            code("distribution", include_str!("cells/distribution.py")),
            markdown("logs-text", "## Internal logs\n\nA row without a tick stands for a user without events."),
            code("logs", include_str!("cells/logs.py")),
            markdown("learning-text", "## Learning"),
            code("learning", include_str!("cells/learning.py")),
        ],
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

/// A JSON string is a Python string as well: the escapes are the same, and surrogate pairs do not
/// occur because other characters stay as they are.
fn python_string(text: &str) -> Result<String, ExportError> {
    Ok(serde_json::to_string(text)?)
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
