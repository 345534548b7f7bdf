//! `trueup runs`: the runs that there are.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use trueup_results::index::{self, Filter, RunRow, moment, remove_run};

use crate::cli::{Common, print_json};
use crate::failure::Failure;
use crate::verdict::aligned;

mod compare;
mod show;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Runs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List runs, the oldest first.
    #[command(visible_alias = "list")]
    Ls(List),
    /// Tell what a run came to.
    Show(show::Show),
    /// Put runs beside each other: what they came to, and where their configs differ.
    Compare(compare::Compare),
    /// Remove the directories of runs.
    Rm(Remove),
}

/// Where runs are.
#[derive(Debug, clap::Args)]
pub struct Root {
    /// The folder that holds the runs.
    #[arg(long = "root", value_name = "FOLDER", default_value = "runs")]
    pub folder: PathBuf,
}

impl Root {
    /// The runs in it that fit a filter.
    fn runs(&self, filter: &Filter) -> Result<Vec<RunRow>, Failure> {
        index::runs(&self.folder, filter).map_err(Failure::invalid)
    }
}

#[derive(Debug, clap::Args)]
struct List {
    #[command(flatten)]
    root: Root,
    /// Only runs in this state; may be repeated.
    #[arg(long, value_enum)]
    state: Vec<Word>,
    /// Only runs of this sweep, by its folder.
    #[arg(long)]
    sweep: Option<String>,
    /// Only runs that started since then: `2026-01-31`, `2026-01-31T12:30` (UTC), or `30m`, `12h`,
    /// `7d`, `2w` ago.
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Only runs with this value in their config, e.g. `reward.kind=witness`; may be repeated.
    #[arg(long = "where", value_name = "PATH=VALUE")]
    values: Vec<String>,
}

#[derive(Debug, clap::Args)]
struct Remove {
    #[command(flatten)]
    root: Root,
    /// The runs: folders, or names as `trueup runs ls` prints them.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<String>,
    /// Really remove them.
    #[arg(long)]
    yes: bool,
}

/// A state of a run.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Word {
    Running,
    Done,
    Failed,
    Interrupted,
    Unreadable,
}

impl Runs {
    /// Runs the command.
    ///
    /// # Errors
    /// A folder that cannot be read, a run that is not there, or a removal that was refused.
    pub fn execute(&self, common: &Common) -> Result<(), Failure> {
        match &self.what {
            What::Ls(list) => list.execute(common),
            What::Show(show) => show.execute(common),
            What::Compare(compare) => compare.execute(common),
            What::Rm(remove) => remove.execute(common),
        }
    }
}

impl List {
    fn execute(&self, common: &Common) -> Result<(), Failure> {
        let filter = self.filter()?;
        let rows = self.root.runs(&filter)?;
        if common.json {
            print_json(&rows)?;
        }
        common.say(table(&rows).trim_end());
        Ok(())
    }

    fn filter(&self) -> Result<Filter, Failure> {
        let value = |given: &String| match given.split_once('=') {
            Some((path, value)) => Ok((path.trim().to_owned(), value.trim().to_owned())),
            None => Err(Failure::invalid_because(
                format!("`{given}` is not PATH=VALUE"),
                "name a value of the config, e.g. `reward.kind=witness`",
            )),
        };
        let when = |given: &String| {
            moment(given).ok_or_else(|| {
                let help = "give a date, `2026-01-31`, a time, `2026-01-31T12:30`, or how long ago: \
                            `30m`, `12h`, `7d`, `2w`";
                Failure::invalid_because(format!("`{given}` is no time"), help)
            })
        };
        let name = |state: &Word| {
            state.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
        };
        Ok(Filter {
            states: self.state.iter().map(name).collect(),
            sweep: self.sweep.as_deref().map(|sweep| sweep.trim_end_matches('/').to_owned()),
            since: self.since.as_ref().map(when).transpose()?,
            values: self.values.iter().map(value).collect::<Result<_, _>>()?,
        })
    }
}

impl Remove {
    /// All are looked up before the first is removed.
    fn execute(&self, common: &Common) -> Result<(), Failure> {
        let rows = self.root.runs(&Filter::default())?;
        let found = self.runs.iter().map(|run| find(&rows, &self.root.folder, run));
        let mut found = found.collect::<Result<Vec<_>, _>>()?;
        found.sort_by(|a, b| a.path.cmp(&b.path));
        found.dedup();
        let paths: Vec<&str> = found.iter().map(|row| row.path.as_str()).collect();
        if !self.yes {
            let message = format!("this would remove {}", paths.join(", "));
            return Err(Failure::invalid_because(message, "add --yes to do it"));
        }
        for path in &paths {
            remove_run(&self.root.folder, &self.root.folder.join(path)).map_err(Failure::run)?;
            common.say(&format!("Removed: {path}"));
        }
        if common.json {
            print_json(&serde_json::json!({ "removed": paths }))?;
        }
        Ok(())
    }
}

/// The run that a word means: its path from the root, its folder wherever one stands, or its last
/// name if no other run has it.
fn find<'r>(rows: &'r [RunRow], root: &Path, word: &str) -> Result<&'r RunRow, Failure> {
    let plain = word.trim_end_matches('/');
    if let Some(row) = rows.iter().find(|row| row.path == plain) {
        return Ok(row);
    }
    let here = std::fs::canonicalize(word).ok();
    let there = |row: &RunRow| std::fs::canonicalize(root.join(&row.path)).ok();
    if let Some(row) = rows.iter().find(|row| here.is_some() && there(row) == here) {
        return Ok(row);
    }
    let named = |row: &&RunRow| row.path.rsplit('/').next() == Some(plain);
    let mut named = rows.iter().filter(named);
    match (named.next(), named.next()) {
        (Some(row), None) => Ok(row),
        (Some(one), Some(other)) => Err(Failure::invalid_because(
            format!("`{word}` is both {} and {}", one.path, other.path),
            "name the run by its path",
        )),
        _ => Err(Failure::invalid_because(
            format!("there is no run `{word}` in {}", root.display()),
            "`trueup runs ls` lists the runs; --root names another folder",
        )),
    }
}

/// A number, or a dash where there is none.
fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"))
}

fn word(value: Option<&str>) -> String {
    value.unwrap_or("-").to_owned()
}

fn table(rows: &[RunRow]) -> String {
    if rows.is_empty() {
        return "no runs".to_owned();
    }
    let header = [
        "run",
        "state",
        "started",
        "dataset",
        "best",
        "x floor",
        "gap closed",
        "AUC",
        "excess",
        "return",
    ];
    let line = |row: &RunRow| {
        let returned = row.objective.filter(|_| row.objective_name.as_deref() == Some("return"));
        [
            row.path.clone(),
            row.state.clone(),
            word(row.started.as_deref()),
            word(row.dataset.as_deref()),
            word(row.calibrator.as_deref()),
            number(row.floor_multiple),
            number(row.gap_closed),
            number(row.auc),
            number(row.mean_excess),
            number(returned),
        ]
    };
    let mut lines = vec![header.map(str::to_owned)];
    lines.extend(rows.iter().map(line));
    aligned(&lines)
}
