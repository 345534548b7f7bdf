//! `[sweep]` and `[launch]` of a config.

use trueup_calibration::evaluate::{ALL, Metric};
use trueup_results::sweep::objective::{CALIBRATOR_METRICS, TASK_METRIC};
use trueup_results::sweep::{Direction, Objective};

use super::launch::Launch;
use super::prune_config::PruneConfig;
use crate::config::{Config, Refused, Section, suggestion, unknown_name};
use crate::search::Space;

/// What a config asks for beyond one run.
#[derive(Debug)]
pub struct SweepConfig {
    /// The replications.
    pub seeds: Vec<u64>,
    /// Root of what groups and searchers draw.
    pub seed: u64,
    /// What trials are compared by; its calibrator is found once the trials are known.
    pub objective: Goal,
    /// The axes.
    pub space: Space,
    /// When trials are stopped early.
    pub prune: Option<PruneConfig>,
    /// How runs are started.
    pub launch: Launch,
}

/// The objective as the config names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Goal {
    /// `sweep.objective`.
    pub metric: Option<String>,
    /// `sweep.calibrator`.
    pub calibrator: Option<String>,
}

impl SweepConfig {
    /// Takes `[sweep]` and `[launch]` from a config. `base` gives the values of the config without
    /// the sweep.
    pub(crate) fn take(
        root: &mut Section<'_>,
        base: &dyn Fn(&str) -> Option<toml::Value>,
    ) -> Result<Self, Refused> {
        let launch = Launch::check(root.section("launch")?)?;
        let mut section = root.section("sweep")?;
        let seeds = seeds(&mut section)?;
        let seed = section.take::<u64>("seed")?.map_or(0, |seed| seed.into_inner());
        let calibrator = section.take::<String>("calibrator")?;
        let metric = section.take::<String>("objective")?;
        if let Some(metric) = &metric {
            check_metric(&section, metric)?;
        }
        let objective = Goal {
            metric: metric.map(|metric| metric.into_inner()),
            calibrator: calibrator.map(|name| name.into_inner()),
        };
        let prune = PruneConfig::take(&mut section)?;
        let space = Space::read(&mut section, base)?;
        section.end()?;
        Ok(Self { seeds, seed, objective, space, prune, launch })
    }
}

impl SweepConfig {
    /// Whether some trials are proposed in the light of others.
    pub fn searches(&self) -> bool {
        self.space.parts.iter().any(|part| part.searcher().is_some())
    }
}

/// Refuses a metric that no run has.
fn check_metric(
    section: &Section<'_>,
    metric: &crate::config::Placed<String>,
) -> Result<(), Refused> {
    let name = metric.get_ref().as_str();
    let known = || CALIBRATOR_METRICS.iter().map(|(name, _)| *name).chain([TASK_METRIC]);
    if known().any(|known| known == name) {
        return Ok(());
    }
    if let Some((feature, discrepancy)) = name.split_once(':') {
        if [feature, discrepancy].contains(&ALL) || feature.ends_with("(kind=*)") {
            let message = format!("`{name}` is more than one metric");
            return Err(section.refuse(metric, message, "name one feature and one discrepancy"));
        }
        let (feature, discrepancy) = (feature.to_owned(), discrepancy.to_owned());
        return match unknown_name(&Metric { feature, discrepancy }) {
            None => Ok(()),
            Some((_, problem, help)) => {
                Err(section.refuse(metric, format!("`{name}` {problem}"), &help))
            }
        };
    }
    let message = format!("unknown objective `{name}`");
    let help = suggestion(name, known()).unwrap_or_default();
    let help = format!("{help}; a metric of the panel is written FEATURE:DISCREPANCY");
    Err(section.refuse(metric, message, &help))
}

/// `seeds = 5` for 1 to 5, or a list.
fn seeds(section: &mut Section<'_>) -> Result<Vec<u64>, Refused> {
    #[derive(serde::Deserialize)]
    #[serde(untagged, expecting = "a number of seeds, or a list of seeds")]
    enum Seeds {
        Count(u64),
        List(Vec<u64>),
    }
    let Some(given) = section.take::<Seeds>("seeds")? else { return Ok((1..=5).collect()) };
    let list = match given.get_ref() {
        Seeds::Count(n @ 1..=100_000) => (1..=*n).collect(),
        Seeds::Count(n) => {
            let message = format!("`sweep.seeds` is {n}");
            return Err(section.refuse(&given, message, "give 1 or more seeds, up to 100000"));
        }
        Seeds::List(list) => list.clone(),
    };
    let mut sorted = list.clone();
    sorted.sort_unstable();
    if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        let message = format!("`sweep.seeds` holds {} twice", pair[0]);
        return Err(section.refuse(&given, message, "each seed is one replication"));
    }
    match sorted.last() {
        None => {
            let message = "`sweep.seeds` is empty: nothing would run".to_owned();
            Err(section.refuse(&given, message, "write seeds = 5, or seeds = [1, 2, 3]"))
        }
        Some(&largest) if i64::try_from(largest).is_err() => {
            let message = format!("`sweep.seeds` holds {largest}, more than TOML can hold");
            Err(section.refuse(&given, message, "choose seeds below 9223372036854775808"))
        }
        Some(_) => Ok(list),
    }
}

impl Goal {
    /// The objective for trials like this one: the last calibrator and its mean excess, unless the
    /// config says otherwise.
    ///
    /// # Errors
    /// In words, what does not fit the trial.
    pub fn objective(&self, config: &Config) -> Result<Objective, String> {
        let metric = self.metric.as_deref();
        let Config::Users(experiment) = config else {
            if self.calibrator.is_some() || metric.is_some_and(|metric| metric != TASK_METRIC) {
                return Err(format!(
                    "training on a task is compared by `{TASK_METRIC}`: remove `sweep.calibrator` \
                     and other values of `sweep.objective`"
                ));
            }
            let (metric, direction) = (TASK_METRIC.to_owned(), Direction::Maximize);
            return Ok(Objective { calibrator: None, metric, direction });
        };
        let names: Vec<&str> = experiment.calibrators.iter().map(|c| c.name.as_str()).collect();
        let last = names.last().copied().unwrap_or_default();
        let calibrator = self.calibrator.as_deref().unwrap_or(last);
        if !names.contains(&calibrator) {
            return Err(format!(
                "`sweep.calibrator` is `{calibrator}`, which a trial does not have: there are {}",
                names.join(", ")
            ));
        }
        let metric = metric.unwrap_or("mean_excess");
        if metric == TASK_METRIC {
            return Err(format!("`{metric}` is for training on a task"));
        }
        if let Some((feature, discrepancy)) = metric.split_once(':')
            && !experiment.evaluation.panel.may_hold(feature, discrepancy)
        {
            return Err(format!(
                "the objective `{metric}` is not in the panel: add feature = \"{feature}\", \
                 discrepancy = \"{discrepancy}\" to evaluation.metrics, or set \
                 evaluation.panel = \"full\""
            ));
        }
        let direction = CALIBRATOR_METRICS.iter().find(|(name, _)| *name == metric);
        Ok(Objective {
            calibrator: Some(calibrator.to_owned()),
            metric: metric.to_owned(),
            direction: direction.map_or(Direction::Minimize, |(_, direction)| *direction),
        })
    }
}

/// The value at a path of a table; elements of an array of tables go by position, name or kind.
pub fn value_at(table: &toml::Table, path: &str) -> Option<toml::Value> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    within(table.get(first)?, rest)
}

fn within(value: &toml::Value, path: &str) -> Option<toml::Value> {
    if path.is_empty() {
        return Some(value.clone());
    }
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    match value {
        toml::Value::Table(table) => within(table.get(first)?, rest),
        toml::Value::Array(list) => {
            let called = |value: &&toml::Value| {
                let text = |key: &str| value.get(key).and_then(toml::Value::as_str);
                text("name").or(text("kind")) == Some(first)
            };
            let position = || list.get(first.parse::<usize>().ok()?);
            within(list.iter().find(called).or_else(position)?, rest)
        }
        _ => None,
    }
}
