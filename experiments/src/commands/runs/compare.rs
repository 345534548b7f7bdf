//! `trueup runs compare`: runs beside each other.

use std::collections::{BTreeMap, BTreeSet};

use trueup_results::index::{Filter, RunRow};

use super::{Root, find, number, word};
use crate::cli::{Common, print_json};
use crate::failure::Failure;
use crate::verdict::aligned;

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Compare {
    #[command(flatten)]
    root: Root,
    /// The runs: folders, or names as `trueup runs ls` prints them.
    #[arg(required = true, num_args = 2.., value_name = "RUN")]
    runs: Vec<String>,
}

/// The values of one path of the config, one a run.
type Values = Vec<Option<String>>;

impl Compare {
    pub(super) fn execute(&self, common: &Common) -> Result<(), Failure> {
        let rows = self.root.runs(&Filter::default())?;
        let found = self.runs.iter().map(|run| find(&rows, &self.root.folder, run));
        let found = found.collect::<Result<Vec<_>, _>>()?;
        let configs = found.iter().map(|row| row.config.iter().cloned().collect());
        let differences = differences(&configs.collect::<Vec<_>>());
        if common.json {
            return print_json(&serde_json::json!({ "runs": found, "differences": differences }));
        }
        common.say(table(&found, &differences).trim_end());
        Ok(())
    }
}

/// Paths whose values are not all the same.
fn differences(configs: &[BTreeMap<String, String>]) -> BTreeMap<String, Values> {
    let paths: BTreeSet<&String> = configs.iter().flat_map(BTreeMap::keys).collect();
    let values = |path: &String| configs.iter().map(|c| c.get(path).cloned()).collect::<Values>();
    let differing = |values: &Values| values.iter().any(|value| Some(value) != values.first());
    let all = paths.into_iter().map(|path| (path.clone(), values(path)));
    all.filter(|(_, values)| differing(values)).collect()
}

fn table(rows: &[&RunRow], differences: &BTreeMap<String, Values>) -> String {
    let line = |name: &str, of: &dyn Fn(&RunRow) -> String| {
        let mut cells = vec![name.to_owned()];
        cells.extend(rows.iter().map(|row| of(row)));
        cells
    };
    let mut lines = vec![
        line("run", &|row| row.path.clone()),
        line("state", &|row| row.state.clone()),
        line("dataset", &|row| word(row.dataset.as_deref())),
        line("best", &|row| word(row.calibrator.as_deref())),
        line("x floor", &|row| number(row.floor_multiple)),
        line("gap closed", &|row| number(row.gap_closed)),
        line("AUC", &|row| number(row.auc)),
        line("mean excess", &|row| number(row.mean_excess)),
        line("objective", &|row| number(row.objective)),
        line("seconds", &|row| number(row.seconds)),
    ];
    for (path, values) in differences {
        let mut cells = vec![path.clone()];
        cells.extend(values.iter().map(|value| word(value.as_deref())));
        lines.push(cells);
    }
    aligned(&lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_named_and_what_is_missing_is_a_dash() {
        let config = |values: &[(&str, &str)]| {
            values.iter().map(|&(p, v)| (p.to_owned(), v.to_owned())).collect::<BTreeMap<_, _>>()
        };
        let configs =
            [config(&[("a", "1"), ("b", "2"), ("c", "3")]), config(&[("a", "1"), ("b", "4")])];
        let found = differences(&configs);
        let wanted = [
            ("b".to_owned(), vec![Some("2".to_owned()), Some("4".to_owned())]),
            ("c".to_owned(), vec![Some("3".to_owned()), None]),
        ];
        assert_eq!(found, wanted.into());
        let row = RunRow { path: "x".into(), state: "done".into(), ..RunRow::default() };
        let text = table(&[&row, &row], &found);
        assert!(text.ends_with("b               2     4\nc               3     -\n"), "{text}");
    }
}
