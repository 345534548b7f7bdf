//! The notebook of a sweep: the headline table computed again from the Parquet tables, and the main
//! figures.

use std::path::Path;

use trueup_results::sweep::{Plan, SweepSummary};
use trueup_results::write_atomically;

use super::{Parameter, code, markdown, parameters, whole};
use crate::error::ExportError;

/// The notebook; `there` is the folder as it finds it. The summary of the sweep is written anew, so
/// that it speaks of the same runs as the tables.
pub(super) fn notebook(folder: &Path, there: &Path) -> Result<String, ExportError> {
    crate::records(folder)?;
    let plan = Plan::read(folder)?;
    let summary = SweepSummary::read(folder)?;
    let mut bytes = serde_json::to_vec_pretty(&summary)?;
    bytes.push(b'\n');
    write_atomically(&folder.join("summary.json"), &bytes)?;
    // What a simulation was trained on is what its reward is made of.
    let axes = &plan.header.axes;
    let trained_on = axes.iter().find(|path| path.split('.').next() == Some("reward"));
    let name = &summary.name;
    let about = format!(
        "# {name}\n\nThe sweep `{name}`: {} trials with {} seeds each, compared by {}. Needs pandas \
         with pyarrow, and matplotlib.",
        summary.trials.len(),
        summary.seeds.len(),
        summary.objective.words()
    );
    let rows = "rows of the heat map: a path that trials set; none means one row a trial";
    whole(vec![
        markdown("about", &about),
        parameters(&[
            Parameter("folder", &there.to_string_lossy(), "the folder of the sweep"),
            Parameter("trained_on", trained_on.map_or("", |path| path), rows),
        ])?,
        code("load", include_str!("../cells/sweep/load.py")),
        markdown(
            "headline-text",
            "## Trials, best first\n\nInterquartile means over the seeds that are done, which cut off a quarter of the seeds at either end, with 95% bootstrap intervals over seeds. Gap closed: 0 is no better than the uncalibrated simulation, 1 as near as two groups of real users are to each other.",
        ),
        code("headline", include_str!("../cells/sweep/headline.py")),
        code("check", include_str!("../cells/sweep/check.py")),
        code("forest", include_str!("../cells/sweep/forest.py")),
        markdown(
            "heatmap-text",
            "## Trained on, measured on\n\nA dot marks what the reward optimised.",
        ),
        code("heatmap", include_str!("../cells/sweep/heatmap.py")),
        markdown(
            "learning-text",
            "## Learning\n\nInterquartile mean over seeds, with the 95% interval as a band; at most the best eight trials.",
        ),
        code("learning", include_str!("../cells/sweep/learning.py")),
        markdown("runs-text", "## Runs without a result"),
        code("runs", include_str!("../cells/sweep/runs.py")),
    ])
}
