//! `[evaluation]`: how simulations are judged.

use trueup_calibration::discrepancy::{self, LookupError};
use trueup_calibration::evaluate::{ALL, Metric, PanelConfig};
use trueup_calibration::features;
use trueup_calibration::panel::USER_VECTOR;
use trueup_calibration::population::Population;

use super::{Placed, Refused, Section, suggestion};

/// How simulations are judged.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// Number of simulated logs that every value is averaged over.
    pub seeds: usize,
    /// Simulated users per log; none for as many as there are training users.
    pub users: Option<usize>,
    /// Whom both sides are about; none for whom the real users' log is about.
    pub population: Option<Population>,
    /// The panel.
    pub panel: PanelConfig,
}

impl Evaluation {
    pub(super) fn check(mut section: Section<'_>) -> Result<Self, Refused> {
        let seeds = match section.take::<usize>("seeds")? {
            None => 4,
            Some(seeds) if (1..=1000).contains(seeds.get_ref()) => seeds.into_inner(),
            Some(seeds) => {
                let message = format!("`evaluation.seeds` is {}, not 1 to 1000", seeds.get_ref());
                return Err(section.refuse(&seeds, message, "4 averages over four simulated logs"));
            }
        };
        let users = match section.take::<usize>("users")? {
            None => None,
            Some(users) if *users.get_ref() >= 20 => Some(users.into_inner()),
            Some(users) => {
                let message = format!("`evaluation.users` is {}, fewer than 20", users.get_ref());
                let help = "leave it out to simulate as many users as there are training users";
                return Err(section.refuse(&users, message, help));
            }
        };
        let population = section.take::<Population>("population")?.map(Placed::into_inner);
        let panel: PanelConfig = section.rest()?;
        panel.check().map_err(|problem| section.refuse_problem(problem))?;
        for (i, metric) in panel.metrics.iter().flatten().enumerate() {
            check_metric(&section, i, metric)?;
        }
        Ok(Self { seeds, users, population, panel })
    }
}

/// A wrong name would else be found after the training.
fn check_metric(section: &Section<'_>, at: usize, metric: &Metric) -> Result<(), Refused> {
    let Some((key, problem, help)) = unknown_name(metric) else { return Ok(()) };
    Err(section.refuse_key_with(&format!("metrics.{at}.{key}"), &problem, &help))
}

/// What is wrong with the names of a metric: which of them, the problem, and the remedy.
pub(crate) fn unknown_name(metric: &Metric) -> Option<(&'static str, String, String)> {
    let features: Vec<&str> =
        features::FEATURES.iter().map(|f| f.name).chain([USER_VECTOR, ALL]).collect();
    let of_kind = features::of_kind::kind_of(&metric.feature).is_some()
        || features::relation::parts(&metric.feature).is_some();
    if !of_kind && !features.contains(&metric.feature.as_str()) {
        let help = suggestion(&metric.feature, features.into_iter()).unwrap_or_default();
        let problem = format!("names the unknown feature `{}`", metric.feature);
        return Some(("feature", problem, help));
    }
    if metric.discrepancy == ALL {
        return None;
    }
    let error = discrepancy::named(&metric.discrepancy).err()?;
    let (problem, help) = complaint(&error);
    Some(("discrepancy", problem, help))
}

/// What is wrong with the name of a discrepancy, and the remedy.
pub(crate) fn complaint(error: &LookupError) -> (String, String) {
    let (problem, help) = match error {
        LookupError::Unknown { name, .. } => (
            format!("names the unknown discrepancy `{name}`"),
            suggestion(name, discrepancy::DISCREPANCIES.iter().map(|d| d.name())),
        ),
        LookupError::NoParameter { name, known, .. } => {
            (format!("cannot be used: {error}"), suggestion(name, known.split(", ")))
        }
        other => (format!("cannot be used: {other}"), None),
    };
    (problem, help.unwrap_or_default())
}
