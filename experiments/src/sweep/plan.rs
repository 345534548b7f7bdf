//! From a config with `[sweep]` to a plan: every trial is a config that has been checked.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;
use toml::Value;
use trueup_env::Streams;
use trueup_results::metrics::DISCREPANCY;
use trueup_results::provenance::sha256;
use trueup_results::sweep::plan::FORMAT;
use trueup_results::sweep::{AxisValue, Objective, Phase, Plan, PlanHeader, PlannedTrial, Pruning};

use super::config::{SweepConfig, value_at};
use super::launch::Launch;
use crate::config::{Config, Refused, Section, Source};
use crate::failure::Failure;
use crate::prepare::prepare;
use crate::progress::{Reporter, Style};
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
    /// Positions of the first trials with each kind of data and split.
    data: BTreeMap<String, usize>,
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
    let trials = check(source, &sweep, wanted)?;
    let Some(first) = trials.first() else {
        let help = "give the axes of [[sweep.groups]] values";
        return Err(Failure::invalid_because("the sweep has no trials", help));
    };
    let header = PlanHeader {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").into(),
        name: name(&text),
        config_sha256: sha256(text.as_bytes()),
        seeds: sweep.seeds.clone(),
        objective: first.objective.clone(),
        axes: Vec::new(),
        pruning: first.pruning.clone(),
    };
    let mut planned = Planned {
        plan: Plan { header, trials: Vec::new() },
        configs: Vec::new(),
        launch: sweep.launch.clone(),
        notes: Vec::new(),
        budget: searches.iter().map(|search| search.budget()).sum(),
        text,
        data: BTreeMap::new(),
    };
    planned.extend(trials)?;
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
        let (notes, text, data) = (Vec::new(), String::new(), BTreeMap::new());
        Self { plan, configs, launch, notes, budget: 0, text, data }
    }

    /// Looks at the data once for each way in which trials read and split them, so that what is
    /// wrong with them is found before anything is written.
    ///
    /// # Errors
    /// Data that cannot be read, or a world or reward that does not fit them.
    pub fn check_data(&self) -> Result<(), Failure> {
        let reporter = Reporter::new(Style::Quiet);
        let seed = self.plan.header.seeds.first().copied().unwrap_or_default();
        for &at in self.data.values() {
            let (trial, config) = (&self.plan.trials[at], &self.configs[at]);
            let config = Config::parse("the trial", config, &[format!("seed={seed}")])?;
            if let Config::Users(experiment) = &config {
                prepare(experiment, &reporter)
                    .map_err(|e| e.inside(&format!("in the trial {}", trial.title())))?;
            }
        }
        Ok(())
    }

    /// Checks trials and puts them at the end of the plan.
    pub(super) fn add(
        &mut self,
        source: &Source,
        sweep: &SweepConfig,
        wanted: Vec<Wanted>,
    ) -> Result<(), Failure> {
        self.extend(check(source, sweep, wanted)?)
    }

    fn extend(&mut self, trials: Vec<Trial>) -> Result<(), Failure> {
        let before = self.plan.trials.iter().map(|t| (t.trial.clone(), t.title()));
        let mut first: HashMap<String, String> = before.collect();
        let key = |set: &AxisValue| (set.path.clone(), set.value.to_string());
        let labels: HashMap<(String, String), String> = (self.plan.trials.iter())
            .flat_map(|trial| &trial.values)
            .map(|set| (key(set), set.label.clone()))
            .collect();
        for trial in trials {
            let title = title(&trial.wanted.assignment);
            // A search may come back to a trial; its history has to show it.
            let again = first.get(&trial.id).filter(|_| trial.wanted.phase != Phase::Search);
            if let Some(earlier) = again {
                self.notes.push(format!("{title} is the same config as {earlier}: it is run once"));
                continue;
            }
            first.insert(trial.id.clone(), title);
            let mut values = axis_values(&trial.wanted.assignment);
            for set in &mut values {
                // The plan on file writes numbers otherwise than the config did.
                if let Some(label) = labels.get(&key(set)) {
                    set.label.clone_from(label);
                }
            }
            self.plan.trials.push(PlannedTrial {
                trial: trial.id,
                index: self.plan.trials.len(),
                phase: trial.wanted.phase,
                search: trial.wanted.search,
                values,
            });
            self.data.entry(trial.data).or_insert(self.configs.len());
            self.configs.push(trial.config);
        }
        self.plan.header.axes = axes(&self.plan.trials);
        comparable(&self.plan)
    }
}

/// Refuses trials that would be compared at rungs by what their own reward says of them.
fn comparable(plan: &Plan) -> Result<(), Failure> {
    let by_reward = plan.header.pruning.as_ref().is_some_and(|p| p.metric == DISCREPANCY);
    let paid = |path: &&String| path.as_str() == "reward" || path.starts_with("reward.");
    match plan.header.axes.iter().find(paid) {
        Some(axis) if by_reward => {
            let message = format!(
                "trials differ in `{axis}`, and each would be pruned by the discrepancy that its \
                 own reward optimises"
            );
            let help = "leave sweep.prune.metric out: validation users judge all alike";
            Err(Failure::invalid_because(message, help))
        }
        _ => Ok(()),
    }
}

fn check(source: &Source, sweep: &SweepConfig, wanted: Vec<Wanted>) -> Result<Vec<Trial>, Failure> {
    let root = Root::of(source, sweep)?;
    wanted.into_par_iter().map(|wanted| Trial::check(source, sweep, &root, wanted)).collect()
}

/// A trial whose config has been checked.
struct Trial {
    id: String,
    wanted: Wanted,
    config: String,
    /// What it reads, and whom it holds out.
    data: String,
    objective: Objective,
    pruning: Option<Pruning>,
}

impl Trial {
    fn check(
        source: &Source,
        sweep: &SweepConfig,
        root: &Root,
        wanted: Wanted,
    ) -> Result<Self, Failure> {
        let title = title(&wanted.assignment);
        let refused = |failure: Failure| failure.inside(&format!("in the trial {title}"));
        let config = resolve(source, root, &wanted).map_err(|error| refused(error.into()))?;
        let unfit = |section: &str, problem: String| {
            let help = format!("see [{section}]");
            Failure::invalid_because(format!("{problem} (in the trial {title})"), help)
        };
        let objective = sweep.objective.objective(&config).map_err(|why| unfit("sweep", why))?;
        let calibrator = objective.calibrator.as_deref();
        let prune = sweep.prune.as_ref().map(|prune| prune.pruning(&config, calibrator));
        let pruning = prune.transpose().map_err(|why| unfit("sweep.prune", why))?;
        let (text, data) = texts(&config).map_err(Failure::run)?;
        let mut id = sha256(text.as_bytes());
        id.truncate(ID_LENGTH);
        Ok(Self { id, wanted, config: text, data, objective, pruning })
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

/// What all trials of a sweep have in common.
#[derive(Clone, Copy, Default)]
struct Root {
    task: bool,
    seed: bool,
    /// The split under all seeds, where the config does not give one itself.
    split: Option<u64>,
}

impl Root {
    /// Where something is searched, one split serves all seeds: a winner is chosen over all of them,
    /// and nobody who judged the search under one seed may be a test user under another.
    fn of(source: &Source, sweep: &SweepConfig) -> Result<Self, Refused> {
        let document = source.document(&[]);
        let root = document.root()?;
        let split = (sweep.searches() && !root.has("split.seed")).then_some(sweep.seed);
        Ok(Self { task: root.has("task"), seed: root.has("seeds") || root.has("seed"), split })
    }
}

/// The checked config of a trial, with some seed. What is searched is judged by validation users:
/// the test users are for the winner.
fn resolve(source: &Source, root: &Root, wanted: &Wanted) -> Result<Config, Refused> {
    let mut overrides = Vec::new();
    if let Some(seed) = root.split.filter(|_| !root.task) {
        overrides.push(format!("split.seed={seed}"));
    }
    overrides.extend(wanted.assignment.overrides());
    if !root.task && wanted.phase == Phase::Search {
        overrides.push("split.judge=\"validation\"".to_owned());
    }
    // Seeds are an axis of their own.
    if !root.seed {
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

/// The config without its seed, and of that what it reads and whom it holds out.
fn texts(config: &Config) -> Result<(String, String), toml::ser::Error> {
    let mut table = config.table()?;
    table.remove("seed");
    table.remove("seeds");
    let text = toml::to_string_pretty(&table)?;
    table.retain(|key, _| key == "external" || key == "split");
    Ok((text, toml::to_string(&table)?))
}

/// The values of the config without the sweep: with every default where it is a config by itself,
/// else as written.
fn base_values(source: &Source, root: &Section<'_>) -> toml::Table {
    let common = Root {
        task: root.has("task"),
        seed: root.has("seeds") || root.has("seed"),
        ..Root::default()
    };
    let resolved = resolve(source, &common, &Wanted::planned(Assignment::default())).ok();
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
