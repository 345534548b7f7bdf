//! The notebook of a run on real users.

use std::path::Path;

use trueup_results::{ReportInput, is_training};

use super::{Parameter, code, markdown, parameters, whole};
use crate::error::ExportError;

/// The notebook; `there` is the folder as it finds it.
pub(super) fn notebook(folder: &Path, there: &Path) -> Result<String, ExportError> {
    crate::has_result(folder)?;
    if is_training(folder)? {
        let what = "the notebook shows";
        return Err(ExportError::Training { folder: folder.to_owned(), what });
    }
    let input = ReportInput::read(folder)?;
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
    let gone = "the run; a folder that is gone means the folder of this notebook";
    whole(vec![
        markdown("about", &about),
        parameters(&[
            Parameter("folder", &there.to_string_lossy(), gone),
            Parameter("feature", feature, "what the distribution plot shows"),
        ])?,
        code("load", include_str!("../cells/run/load.py")),
        markdown(
            "verdict-text",
            "## Verdict\n\nGap closed: 0 is no better than the uncalibrated simulation, 1 as near as two groups of real users are to each other.",
        ),
        code("verdict", include_str!("../cells/run/verdict.py")),
        code("gap-closed", include_str!("../cells/run/gap_closed.py")),
        markdown("panel-text", "## Every metric"),
        code("panel", include_str!("../cells/run/panel.py")),
        markdown("distribution-text", "## Distribution of a feature"),
        code("distribution", include_str!("../cells/run/distribution.py")),
        markdown(
            "logs-text",
            "## Internal logs\n\nA row without a tick stands for a user without events.",
        ),
        code("logs", include_str!("../cells/run/logs.py")),
        markdown("learning-text", "## Learning"),
        code("learning", include_str!("../cells/run/learning.py")),
    ])
}
