//! Configs: a TOML file becomes a checked [`Experiment`] or [`TaskExperiment`] once, and only
//! checked ones run.
//!
//! Each section is read by the crate that uses it (`[external]` by [`Map`], `[world]` by
//! [`WorldConfig`], `[reward]` by [`Reward`], `[task]` by
//! [`TaskConfig`](trueup_agents::task::TaskConfig), each `[[calibrators]]` by its entry of
//! [`CALIBRATORS`](crate::calibrators::CALIBRATORS)), so that a new key is one field there.

mod document;
mod evaluation;
mod section;
mod source;
mod split;
mod task;

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;
use trueup_calibration::external::{ExternalError, Map};
use trueup_calibration::world::WorldConfig;

pub use document::{ConfigError, Document, Refused, suggestion};
pub use evaluation::Evaluation;
pub(crate) use evaluation::{complaint, unknown_name};
pub use section::{Placed, Section};
pub use source::Source;
pub use split::{Judge, Split};
pub use task::TaskExperiment;

#[cfg(test)]
pub(crate) use section::asked;

use crate::calibrators::{self, Plan};
use crate::failure::Failure;
use crate::rewards::Reward;

/// What a config asks for.
#[derive(Debug)]
pub enum Config {
    /// Calibrators that are compared on real users.
    Users(Box<Experiment>),
    /// Training on a task with known returns.
    Task(Box<TaskExperiment>),
}

impl Config {
    /// Reads a config file and its bases; relative paths start at the folder of the file in which
    /// they stand.
    ///
    /// # Errors
    /// A file that cannot be read, and whatever is wrong in it, with the place.
    pub fn read(path: &Path, overrides: &[String]) -> Result<Self, Failure> {
        Ok(Self::check(&Source::read(path, overrides)?.document(&[]))?)
    }

    /// Checks the text of a config.
    ///
    /// # Errors
    /// Whatever is wrong, with the place.
    pub fn parse(name: &str, text: &str, overrides: &[String]) -> Result<Self, Refused> {
        Self::check(&Document::new(name, text, overrides))
    }

    /// Checks a document that holds no sweep.
    ///
    /// # Errors
    /// Whatever is wrong, with the place.
    pub fn check(document: &Document) -> Result<Self, Refused> {
        Self::of(document.root()?)
    }

    /// Checks a config, from which the keys of a sweep have been taken.
    pub(crate) fn of(mut root: Section<'_>) -> Result<Self, Refused> {
        take_base(&mut root)?;
        let config = match root.has("task") {
            true => Self::Task(Box::new(TaskExperiment::check(&mut root)?)),
            false => Self::Users(Box::new(Experiment::check(&mut root)?)),
        };
        root.end()?;
        Ok(config)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Users(experiment) => &experiment.name,
            Self::Task(experiment) => &experiment.name,
        }
    }

    /// The config with every default filled in and every path absolute: running it repeats the run.
    ///
    /// # Errors
    /// A value that TOML cannot hold.
    pub fn resolved(&self) -> Result<String, toml::ser::Error> {
        text(&self.table()?)
    }

    /// The same as a table.
    ///
    /// # Errors
    /// A value that TOML cannot hold.
    pub fn table(&self) -> Result<toml::Table, toml::ser::Error> {
        match self {
            Self::Users(experiment) => experiment.table(),
            Self::Task(experiment) => experiment.table(),
        }
    }
}

/// `base` was followed when the files were read; here only its type is checked.
fn take_base(root: &mut Section<'_>) -> Result<(), Refused> {
    #[derive(serde::Deserialize)]
    #[serde(untagged, expecting = "the path of a config, or a list of paths")]
    enum Base {
        One(#[allow(dead_code)] String),
        Many(#[allow(dead_code)] Vec<String>),
    }
    root.take::<Base>("base").map(|_| ())
}

fn text(table: &toml::Table) -> Result<String, toml::ser::Error> {
    let text = toml::to_string_pretty(table)?;
    Ok(format!(
        "# The config of this run with every default filled in: running it repeats the run.\n{text}"
    ))
}

/// What a run does; everything in it has been checked.
#[derive(Debug)]
pub struct Experiment {
    /// Name of the run directory; letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Root of all random numbers.
    pub seed: u64,
    /// Where the real users come from.
    pub external: External,
    /// Which users are held out, and which judge.
    pub split: Split,
    /// The world.
    pub world: WorldConfig,
    /// The reward of calibrators that are trained.
    pub reward: Reward,
    /// How simulations are judged.
    pub evaluation: Evaluation,
    /// What is compared, in this order.
    pub calibrators: Vec<Named>,
}

/// Where the real users come from: a log, a file of statistics, or statistics to train on and a log
/// to hold against.
#[derive(Debug, Clone)]
pub struct External {
    /// A `builtin:` name or an absolute path.
    pub source: Option<String>,
    /// A file written by `trueup describe --statistics`.
    pub statistics: Option<PathBuf>,
    /// What becomes of a source that the statistics have seen whole.
    pub seen: Seen,
    /// How to read the source; none for the default of a builtin.
    pub map: Option<Map>,
}

/// What becomes of a source beside statistics that have seen all of its users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Seen {
    /// It is refused: nobody would be held out.
    #[default]
    Refuse,
    /// Its users judge all the same, and everything says that they were seen.
    Accept,
}

/// A calibrator under the name it has in results.
#[derive(Debug)]
pub struct Named {
    /// Unique; the kind unless the config says otherwise.
    pub name: String,
    /// Its entry of the registry.
    pub kind: &'static str,
    /// What to build.
    pub plan: Box<dyn Plan>,
}

impl Experiment {
    fn check(root: &mut Section<'_>) -> Result<Self, Refused> {
        let (name, seed) = (run_name(root)?, seed(root)?);
        let external = External::check(root.section("external")?)?;
        // A training log is there unless statistics take its place.
        let reward = Reward::check(&root.section("reward")?, external.statistics.is_none())?;
        let experiment = Self {
            name,
            seed,
            external,
            split: Split::check(&root.section("split")?)?,
            world: root.section("world")?.rest()?,
            reward,
            evaluation: Evaluation::check(root.section("evaluation")?)?,
            calibrators: calibrators(root)?,
        };
        experiment.check_before(root)?;
        if experiment.split.judge == Judge::Validation && experiment.external.statistics.is_some() {
            let problem = "is `validation`: there are no training users to take judges from";
            let help = "name the log as external.source, without external.statistics";
            return Err(root.refuse_key_with("split.judge", problem, help));
        }
        Ok(experiment)
    }

    /// Whether some calibrator is trained on the reward.
    pub fn is_rewarded(&self) -> bool {
        self.calibrators.iter().any(|calibrator| calibrator.plan.is_rewarded())
    }

    /// Gap closed is measured from a calibrator that has to be there.
    fn check_before(&self, root: &Section<'_>) -> Result<(), Refused> {
        let before = &self.evaluation.panel.before;
        if self.calibrators.iter().any(|calibrator| calibrator.name == *before) {
            return Ok(());
        }
        let help =
            format!("add [[calibrators]] with kind = \"{before}\", or set evaluation.before");
        let message = format!("no calibrator is called `{before}`, from which gaps are measured");
        Err(root.refuse_whole(message, &help))
    }

    /// The config with every default filled in and every path absolute.
    ///
    /// # Errors
    /// A value that TOML cannot hold.
    pub fn text(&self) -> Result<String, toml::ser::Error> {
        text(&self.table()?)
    }

    fn table(&self) -> Result<toml::Table, toml::ser::Error> {
        let mut external = match &self.external.map {
            Some(map) => toml::Table::try_from(map)?,
            None => toml::Table::new(),
        };
        if let Some(source) = &self.external.source {
            external.insert("source".into(), source.clone().into());
        }
        if let Some(path) = &self.external.statistics {
            external.insert("statistics".into(), path.display().to_string().into());
        }
        if self.external.seen == Seen::Accept {
            external.insert("seen".into(), "accept".into());
        }
        let mut evaluation = toml::Table::try_from(&self.evaluation.panel)?;
        evaluation.insert("seeds".into(), integer(self.evaluation.seeds));
        if let Some(users) = self.evaluation.users {
            evaluation.insert("users".into(), integer(users));
        }
        if let Some(population) = self.evaluation.population {
            evaluation.insert("population".into(), population.name().into());
        }
        let mut list = Vec::new();
        for calibrator in &self.calibrators {
            let mut table = calibrator.plan.resolved()?;
            table.insert("kind".into(), calibrator.kind.into());
            table.insert("name".into(), calibrator.name.clone().into());
            list.push(toml::Value::Table(table));
        }
        let mut root = toml::Table::new();
        root.insert("name".into(), self.name.clone().into());
        root.insert("seed".into(), toml::Value::try_from(self.seed)?);
        root.insert("external".into(), external.into());
        root.insert("split".into(), toml::Value::try_from(self.split)?);
        root.insert("world".into(), toml::Value::try_from(&self.world)?);
        root.insert("reward".into(), toml::Value::try_from(&self.reward)?);
        root.insert("evaluation".into(), evaluation.into());
        root.insert("calibrators".into(), list.into());
        Ok(root)
    }
}

fn integer(n: usize) -> toml::Value {
    toml::Value::Integer(i64::try_from(n).unwrap_or(i64::MAX))
}

/// The text of a file that the command line names.
///
/// # Errors
/// A file that is not there, cannot be read, or is not UTF-8.
pub fn read_text(path: &Path, what: &str) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        let help = format!("give the path of a {what} file in UTF-8");
        Failure::invalid_because(format!("cannot read {}: {error}", path.display()), help)
    })
}

/// Reads a map file (`map.toml`) that says how to read a log.
///
/// # Errors
/// A file that cannot be read, and whatever is wrong in it, with the place.
pub fn read_map(path: &Path) -> Result<Map, Failure> {
    let text = read_text(path, "map")?;
    let document = Document::new(&path.display().to_string(), &text, &[]);
    Ok(checked_map(&document.root()?)?)
}

fn run_name(root: &mut Section<'_>) -> Result<String, Refused> {
    let name = root.need::<String>("name", "name = \"first\"")?;
    let allowed = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    let text = name.get_ref();
    if text.is_empty() || text.starts_with('.') || text.len() > 100 || !text.chars().all(allowed) {
        let message = format!("`name` is {text:?}, which cannot name a folder");
        return Err(root.refuse(&name, message, "use letters, digits, `-`, `_` and `.`"));
    }
    Ok(name.into_inner())
}

fn seed(root: &mut Section<'_>) -> Result<u64, Refused> {
    let seed = root.need::<u64>("seed", "seed = 1")?;
    checked_seed(root, seed)
}

fn checked_seed(root: &Section<'_>, seed: Placed<u64>) -> Result<u64, Refused> {
    if i64::try_from(*seed.get_ref()).is_err() {
        let message = format!("`seed` is {}, more than TOML can hold", seed.get_ref());
        return Err(root.refuse(&seed, message, "choose a seed below 9223372036854775808"));
    }
    Ok(seed.into_inner())
}

/// Reads a map and checks what can be checked without the file.
fn checked_map(section: &Section<'_>) -> Result<Map, Refused> {
    let map: Map = section.rest()?;
    map.check().map_err(|error| match error {
        ExternalError::Map { key, value, remedy } => {
            let first = key.split('.').next().unwrap_or(&key);
            let problem = format!("is not right: {key} is {value}");
            section.refuse_key_with(first, &problem, &format!("it must be: {remedy}"))
        }
        other => section.refuse_whole(other.to_string(), "see `trueup validate`"),
    })?;
    Ok(map)
}

impl External {
    fn check(mut section: Section<'_>) -> Result<Self, Refused> {
        let source = section.take::<String>("source")?;
        let statistics = section.take::<PathBuf>("statistics")?;
        let seen = section.take::<Seen>("seen")?.map(Placed::into_inner).unwrap_or_default();
        if source.is_none() && statistics.is_none() {
            let message = "`external` names neither a source nor statistics".to_owned();
            let help = "add source = \"builtin:cdnow\" or the path of a CSV file";
            return Err(section.refuse_whole(message, help));
        }
        let map = if section.is_empty() { None } else { Some(checked_map(&section)?) };
        let absolute = |place: std::ops::Range<usize>, path: PathBuf| {
            let path = section.folder(place.start).join(path);
            std::path::absolute(&path).unwrap_or(path)
        };
        let source = source.map(|source| match source.get_ref().starts_with("builtin:") {
            true => source.into_inner(),
            false => absolute(source.span(), source.into_inner().into()).display().to_string(),
        });
        let statistics = statistics.map(|path| absolute(path.span(), path.into_inner()));
        Ok(Self { source, statistics, seen, map })
    }
}

fn calibrators(root: &mut Section<'_>) -> Result<Vec<Named>, Refused> {
    let Some(sections) = root.sections("calibrators")? else {
        return Err(root.refuse_whole(
            "no `calibrators`: nothing would be compared".into(),
            "add [[calibrators]] with kind = \"personas\"",
        ));
    };
    let mut list: Vec<Named> = Vec::new();
    for mut section in sections {
        let kind = section.need::<String>("kind", "kind = \"personas\"")?;
        let Some(entry) = calibrators::find(kind.get_ref()) else {
            let message = format!("unknown calibrator `{}`", kind.get_ref());
            let help = suggestion(kind.get_ref(), calibrators::names()).unwrap_or_default();
            return Err(section.refuse(&kind, message, &help));
        };
        let given = section.take::<String>("name")?;
        let name = given.as_ref().map_or(entry.kind.to_owned(), |name| name.get_ref().clone());
        let place = given.unwrap_or(kind);
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if name.is_empty() || !name.chars().all(plain) {
            let message = format!("the calibrator name {name:?} cannot name a file");
            return Err(section.refuse(&place, message, "use letters, digits, `-` and `_`"));
        }
        if list.iter().any(|other| other.name == name) {
            let message = format!("two calibrators are called `{name}`");
            return Err(section.refuse(&place, message, "give one of them another name = \"...\""));
        }
        list.push(Named { name, kind: entry.kind, plan: (entry.read)(section)? });
    }
    Ok(list)
}

/// A complaint of a `check` about a field of the table `inside` (empty, or with a dot at its end).
///
/// # Errors
/// The complaint, with the place of the field.
pub fn refuse(
    section: &Section<'_>,
    inside: &str,
    checked: Result<(), (&'static str, String)>,
) -> Result<(), Refused> {
    checked.map_err(|(field, problem)| section.refuse_key(&format!("{inside}{field}"), &problem))
}
