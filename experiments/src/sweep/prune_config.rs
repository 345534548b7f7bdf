//! `[sweep.prune]`: trials that stop early.

use serde::Deserialize;
use trueup_results::metrics::RETURN;
use trueup_results::sweep::{Direction, Pruning, PruningRule};

use crate::config::{Config, Placed, Refused, Section, suggestion};

/// What `[sweep.prune]` asks for; the metric depends on what is trained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PruneConfig {
    rule: PruningRule,
    metric: Option<String>,
}

/// The score of a trained calibrator on validation users, whatever its reward.
const VALIDATION: &str = "validation";

/// How often they judge.
const JUDGE_EVERY: &str = "judge_every";

/// Metrics of trained calibrators by which trials can be compared, and which way is better.
const METRICS: [(&str, Direction); 2] =
    [(VALIDATION, Direction::Minimize), ("discrepancy", Direction::Minimize)];

/// Kinds of calibrators that can be stopped and gone on with.
const KIND: &str = "ppo";

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Name {
    Halving,
    Median,
}

impl PruneConfig {
    /// Takes the section `prune` of a sweep; none where there is none.
    pub(super) fn take(sweep: &mut Section<'_>) -> Result<Option<Self>, Refused> {
        if !sweep.has("prune") {
            return Ok(None);
        }
        let mut section = sweep.section("prune")?;
        let name = section.take::<Name>("rule")?.map_or(Name::Halving, Placed::into_inner);
        let first = section.need::<u64>("first", "first = 10, the iterations of the first rung")?;
        let first = at_least(&section, "first", first, 1)?;
        let rule = match name {
            Name::Halving => {
                let eta = section.take::<u64>("eta")?;
                let eta = eta.map_or(Ok(3), |eta| at_least(&section, "eta", eta, 2))?;
                PruningRule::Halving { first, eta }
            }
            Name::Median => {
                let every = section.take::<u64>("every")?;
                let every = every.map_or(Ok(first), |n| at_least(&section, "every", n, 1))?;
                let startup = section.take::<usize>("startup")?.map_or(5, Placed::into_inner);
                PruningRule::Median { first, every, startup }
            }
        };
        let metric = section.take::<String>("metric")?;
        if let Some(given) = &metric {
            let names = || METRICS.iter().map(|(name, _)| *name).chain([RETURN]);
            if !names().any(|name| name == given.get_ref()) {
                let message = format!("unknown metric `{}`", given.get_ref());
                let help = suggestion(given.get_ref(), names()).unwrap_or_default();
                return Err(section.refuse(given, message, &help));
            }
        }
        section.end()?;
        Ok(Some(Self { rule, metric: metric.map(Placed::into_inner) }))
    }

    /// The rule for trials like this one, whose objective is of `calibrator`.
    ///
    /// # Errors
    /// In words, why such a trial cannot be stopped early.
    pub fn pruning(&self, config: &Config, calibrator: Option<&str>) -> Result<Pruning, String> {
        let Config::Users(experiment) = config else {
            let metric = self.metric.clone().unwrap_or_else(|| RETURN.to_owned());
            if metric != RETURN {
                return Err(format!("a task is pruned by `{RETURN}`, not by `{metric}`"));
            }
            return Ok(Pruning { rule: self.rule, metric, direction: Direction::Maximize });
        };
        let metric = self.metric.as_deref().unwrap_or(VALIDATION);
        let Some((_, direction)) = METRICS.iter().find(|(name, _)| *name == metric) else {
            return Err(format!("`{metric}` is a metric of tasks"));
        };
        let mut named = experiment.calibrators.iter();
        let Some(calibrator) = named.find(|other| Some(other.name.as_str()) == calibrator) else {
            return Err("no calibrator is compared".to_owned());
        };
        if calibrator.kind != KIND {
            return Err(format!(
                "`{}` of kind {} is fitted in one go: only {KIND} can be stopped early",
                calibrator.name, calibrator.kind
            ));
        }
        let settings = calibrator.plan.resolved().map_err(|error| error.to_string())?;
        let validates = settings.get(VALIDATION).and_then(toml::Value::as_float) != Some(0.0);
        if metric == VALIDATION && !(validates && experiment.external.statistics.is_none()) {
            return Err(format!(
                "`{}` has no validation users: set its `validation` (it needs a log, not \
                 statistics), or compare by metric = \"discrepancy\"",
                calibrator.name
            ));
        }
        let every = settings.get(JUDGE_EVERY).and_then(toml::Value::as_integer).unwrap_or(1);
        let (PruningRule::Halving { first, .. } | PruningRule::Median { first, .. }) = self.rule;
        if metric == VALIDATION && i64::try_from(first).is_ok_and(|first| first < every) {
            return Err(format!(
                "the first rung is at iteration {first}, and validation users judge every {every} \
                 iterations (`{JUDGE_EVERY}` of `{}`)",
                calibrator.name
            ));
        }
        Ok(Pruning { rule: self.rule, metric: metric.to_owned(), direction: *direction })
    }
}

fn at_least(
    section: &Section<'_>,
    key: &str,
    given: Placed<u64>,
    least: u64,
) -> Result<u64, Refused> {
    if *given.get_ref() >= least {
        return Ok(given.into_inner());
    }
    let message = format!("`sweep.prune.{key}` is {}", given.get_ref());
    Err(section.refuse(&given, message, &format!("give {least} or more")))
}
