//! From a config with `[sweep]` to a plan: every trial is a config that has been checked.

use std::collections::HashMap;

use rayon::prelude::*;
use toml::Value;
use trueup_env::Streams;
use trueup_results::provenance::sha256;
use trueup_results::sweep::plan::FORMAT;
use trueup_results::sweep::{AxisValue, Objective, Phase, Plan, PlanHeader, PlannedTrial};

use super::config::{SweepConfig, value_at};
use super::launch::Launch;
use crate::config::{Config, Refused, Section, Source};
use crate::failure::Failure;
use crate::search::Assignment;

/// Length of a trial's id in hex digits: 48 bits.
const ID_LENGTH: usize = 12;

/// A sweep that has been planned and not yet written.
#[derive(Debug)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// Resolved configs, one a trial, without seeds.
    pub configs: Vec<String>,
    /// How runs are started.
    pub launch: Launch,
    /// What a person should know.
    pub notes: Vec<String>,
    /// Trials that searches will have proposed in the end.
    pub budget: usize,
    /// The config with its bases and overrides as one file.
    pub text: String,
}

/// Whether a config asks for a sweep.
///
/// # Errors
/// Bad TOML.
pub fn is_sweep(source: &Source) -> Result<bool, Refused> {
    Ok(source.document(&[]).root()?.has("sweep"))
}

/// Plans a sweep: reads `[sweep]`, lays out the trials, and checks the config of each. Of searches
/// the first batch is planned.
///
/// # Errors
/// Whatever is wrong, with its place; of a trial also what it sets.
pub fn plan(source: &Source) -> Result<Planned, Failure> {
    let document = source.document(&[]);
    let mut root = document.root()?;
    let text = frozen(&root).map_err(Failure::run)?;
    let sweep = read_sweep(source, &mut root)?;
    let streams = streams(&sweep);
    let mut wanted: Vec<Wanted> =
        sweep.space.expand(&streams).into_iter().map(Wanted::planned).collect();
    let searches = sweep.space.searches(&streams);
    for (number, search) in searches.iter().enumerate() {
        let first = search.propose(&[], &streams.child("search", number as u64));
        wanted.extend(first.into_iter().map(|assignment| Wanted::searched(assignment, number)));
    }
    let mut planned = Planned {
        plan: Plan {
            header: PlanHeader {
                format: FORMAT,
                version: env!("CARGO_PKG_VERSION").into(),
                name: name(&text),
                config_sha256: sha256(text.as_bytes()),
                seeds: sweep.seeds.clone(),
                objective: Objective::none(),
                axes: Vec::new(),
            },
            trials: Vec::new(),
        },
        configs: Vec::new(),
        launch: sweep.launch.clone(),
        notes: Vec::new(),
        budget: searches.iter().map(|search| search.budget()).sum(),
        text,
    };
    planned.add(source, &sweep, wanted)?;
    if planned.plan.trials.is_empty() {
        let help = "give the axes of [[sweep.groups]] values";
        return Err(Failure::invalid_because("the sweep has no trials", help));
    }
    Ok(planned)
}

/// `[sweep]` and `[launch]`, which are then gone from the config.
pub(super) fn read_sweep(source: &Source, root: &mut Section<'_>) -> Result<SweepConfig, Refused> {
    let base = base_values(source, root);
    SweepConfig::take(root, &|path| value_at(&base, path))
}

/// What groups and searches draw from.
pub(super) fn streams(sweep: &SweepConfig) -> Streams {
    Streams::new(sweep.seed).child("sweep", 0)
}

/// A trial that is to be added to a plan.
pub(super) struct Wanted {
    pub assignment: Assignment,
    pub phase: Phase,
    pub search: Option<usize>,
}

impl Wanted {
    fn planned(assignment: Assignment) -> Self {
        Self { assignment, phase: Phase::Planned, search: None }
    }

    pub fn searched(assignment: Assignment, search: usize) -> Self {
        Self { assignment, phase: Phase::Search, search: Some(search) }
    }
}

impl Planned {
    /// A plan that was written before.
    pub(super) fn of(plan: Plan, configs: Vec<String>, launch: Launch) -> Self {
        Self { plan, configs, launch, notes: Vec::new(), budget: 0, text: String::new() }
    }

    /// Checks trials and puts them at the end of the plan.
    pub(super) fn add(
        &mut self,
        source: &Source,
        sweep: &SweepConfig,
        wanted: Vec<Wanted>,
    ) -> Result<(), Failure> {
        let check = |wanted: Wanted| Trial::check(source, sweep, wanted);
        let trials: Vec<Trial> = wanted.into_par_iter().map(check).collect::<Result<_, _>>()?;
        let before = self.plan.trials.iter().map(|t| (t.trial.clone(), t.title()));
        let mut first: HashMap<String, String> = before.collect();
        for trial in trials {
            let title = title(&trial.wanted.assignment);
            // A search may come back to a trial; its history has to show it.
            let again = first.get(&trial.id).filter(|_| trial.wanted.phase != Phase::Search);
            if let Some(earlier) = again {
                self.notes.push(format!("{title} is the same config as {earlier}: it is run once"));
                continue;
            }
            first.insert(trial.id.clone(), title);
            if self.plan.trials.is_empty() {
                self.plan.header.objective = trial.objective;
            }
            self.plan.trials.push(PlannedTrial {
                trial: trial.id,
                index: self.plan.trials.len(),
                phase: trial.wanted.phase,
                search: trial.wanted.search,
                values: axis_values(&trial.wanted.assignment),
            });
            self.configs.push(trial.config);
        }
        self.plan.header.axes = axes(&self.plan.trials);
        Ok(())
    }
}

/// A trial whose config has been checked.
struct Trial {
    id: String,
    wanted: Wanted,
    config: String,
    objective: Objective,
}

impl Trial {
    fn check(source: &Source, sweep: &SweepConfig, wanted: Wanted) -> Result<Self, Failure> {
        let title = title(&wanted.assignment);
        let refused = |failure: Failure| failure.inside(&format!("in the trial {title}"));
        let config = resolve(source, &wanted).map_err(|error| refused(error.into()))?;
        let objective = sweep.objective.objective(&config).map_err(|problem| {
            Failure::invalid_because(format!("{problem} (in the trial {title})"), "see [sweep]")
        })?;
        let text = without_seed(&config).map_err(Failure::run)?;
        let mut id = sha256(text.as_bytes());
        id.truncate(ID_LENGTH);
        Ok(Self { id, wanted, config: text, objective })
    }
}

/// What an assignment sets, in words.
fn title(assignment: &Assignment) -> String {
    if assignment.values.is_empty() {
        return "as written".to_owned();
    }
    let words = assignment.values.iter().map(|set| format!("{}={}", set.path, set.label));
    words.collect::<Vec<_>>().join(" ")
}

/// The checked config of a trial, with some seed. What is searched is judged by validation users:
/// the test users are for the winner.
fn resolve(source: &Source, wanted: &Wanted) -> Result<Config, Refused> {
    let mut overrides = wanted.assignment.overrides();
    let document = source.document(&overrides);
    let root = document.root()?;
    if !root.has("task") && wanted.phase == Phase::Search {
        overrides.push("split.judge=\"validation\"".to_owned());
    }
    // Seeds are an axis of their own.
    if !root.has("seeds") && !root.has("seed") {
        overrides.push("seed=0".to_owned());
    }
    let document = source.document(&overrides);
    let mut root = document.root()?;
    drop_sweep(&mut root)?;
    Config::of(root)
}

fn drop_sweep(root: &mut Section<'_>) -> Result<(), Refused> {
    root.take::<toml::Table>("sweep")?;
    root.take::<toml::Table>("launch")?;
    Ok(())
}

fn without_seed(config: &Config) -> Result<String, toml::ser::Error> {
    let mut table = config.table()?;
    table.remove("seed");
    table.remove("seeds");
    toml::to_string_pretty(&table)
}

/// The values of the config without the sweep: with every default where it is a config by itself,
/// else as written.
fn base_values(source: &Source, root: &Section<'_>) -> toml::Table {
    let resolved = resolve(source, &Wanted::planned(Assignment::default())).ok();
    let resolved = resolved.and_then(|config| config.table().ok());
    resolved.or_else(|| root.rest().ok()).unwrap_or_default()
}

/// The config as one file: bases and overrides laid in, paths of data absolute.
fn frozen(root: &Section<'_>) -> Result<String, toml::ser::Error> {
    let mut table: toml::Table = root.rest().unwrap_or_default();
    table.remove("base");
    if let Some(Value::Table(external)) = table.get_mut("external") {
        for key in ["source", "statistics"] {
            if let Some(Value::String(path)) = external.get_mut(key) {
                *path = root.absolute(&format!("external.{key}"), path);
            }
        }
    }
    let text = toml::to_string_pretty(&table)?;
    Ok(format!("# The sweep as it was planned: bases and overrides are laid in.\n{text}"))
}

fn name(text: &str) -> String {
    let table: toml::Table = text.parse().unwrap_or_default();
    table.get("name").and_then(Value::as_str).unwrap_or("sweep").to_owned()
}

fn axis_values(assignment: &Assignment) -> Vec<AxisValue> {
    let value = |set: &crate::search::Set| AxisValue {
        path: set.path.clone(),
        value: serde_json::to_value(&set.value).unwrap_or(serde_json::Value::Null),
        label: set.label.clone(),
    };
    assignment.values.iter().map(value).collect()
}

/// Paths that some trial sets, each once.
fn axes(trials: &[PlannedTrial]) -> Vec<String> {
    let mut axes: Vec<String> = Vec::new();
    for value in trials.iter().flat_map(|trial| &trial.values) {
        if !axes.contains(&value.path) {
            axes.push(value.path.clone());
        }
    }
    axes
}
