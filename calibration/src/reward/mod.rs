//! Rewards: what a training run pays its simulated users. Fitted from [`Statistics`] alone.
//!
//! A reward is refitted on each rollout and then pays the rollout's events and users, most often by
//! a frozen [`Payment`]. To add one, write a file with a type that implements [`Reward`] and its options, and add
//! it to [`RewardConfig`] and [`REWARDS`].

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trueup_env::{Covariates, EventLog, Payment, replay};

use crate::discrepancy::{DiscrepancyError, LookupError, relation_gap};
use crate::features::{self, Feature};
use crate::statistics::{Form, Statistics};

mod by_distance;
mod check;
pub mod density;
pub mod difference;
mod floor;
mod gaps;
mod joint;
pub mod leave_one_out;
mod marginal;
pub mod mix;
mod part;
mod plain;
mod points;
pub mod pwil;
mod relation;
mod rows;
mod running;
mod scales;
pub mod shared;
pub mod state;
mod steps;
mod term;
mod value;
pub mod witness;

#[cfg(test)]
mod joint_tests;
#[cfg(test)]
mod of_kind_tests;
#[cfg(test)]
mod tests;

pub use by_distance::DistanceConfig;
pub use check::Mistake;
pub use density::DensityConfig;
pub use mix::MixWeights;
pub use pwil::PwilConfig;
pub use state::StateError;
pub use witness::WitnessConfig;

/// Names of all rewards.
pub const REWARDS: &[&str] = &[
    witness::NAME,
    shared::NAME,
    difference::NAME,
    leave_one_out::NAME,
    pwil::NAME,
    density::NAME,
];

/// Which reward, with its options: `kind = "witness"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum RewardConfig {
    /// The first variation of the discrepancies, paid to each user by his own behaviour.
    Witness(WitnessConfig),
    /// The discrepancy itself, paid to all users alike: the weak baseline.
    Shared(DistanceConfig),
    /// How much each event took off the discrepancy when it happened.
    Difference(DistanceConfig),
    /// How much worse the discrepancy would be without each row.
    LeaveOneOut(DistanceConfig),
    /// How near the external mass is that a greedy coupling leaves each row.
    Pwil(PwilConfig),
    /// The static log density of the real users: a negative control that collapses to the mode.
    Density(DensityConfig),
}

impl Default for RewardConfig {
    fn default() -> Self {
        Self::Witness(WitnessConfig::default())
    }
}

impl RewardConfig {
    /// Builds the reward from external statistics.
    ///
    /// # Errors
    /// Terms that the statistics or the discrepancies cannot serve, options out of range.
    pub fn build(&self, statistics: &Statistics) -> Result<Box<dyn Reward>, RewardError> {
        Ok(match self {
            Self::Witness(config) => Box::new(witness::WitnessReward::new(config, statistics)?),
            Self::Shared(config) => Box::new(shared::SharedReward::new(config, statistics)?),
            Self::Difference(config) => {
                Box::new(difference::DifferenceReward::new(config, statistics)?)
            }
            Self::LeaveOneOut(config) => {
                Box::new(leave_one_out::LeaveOneOutReward::new(config, statistics)?)
            }
            Self::Pwil(config) => Box::new(pwil::PwilReward::new(config, statistics)?),
            Self::Density(config) => Box::new(density::DensityReward::new(config, statistics)?),
        })
    }
}

/// What [`default_terms`] pays for: feature, discrepancy, weight.
///
/// How much (`log_amount`), how regularly (`gap`), when (`event_tick`), how often (`log_count`; and
/// the first two moments of `event_count`, because a log scale hardly sees that heavy users are too
/// few), how long (`recency`), and how users differ in amounts (`mean_log_amount`) and vary in
/// themselves (`sd_log_amount`). The others (first ticks, gaps per user, extremes, totals,
/// transitions) are held back, so that a report shows what nobody paid for.
const DEFAULT_TERMS: &[(&str, &str, f64)] = &[
    ("log_amount", "cramer-von-mises", 1.0),
    ("gap", "cramer-von-mises", 1.0),
    ("event_tick", "cramer-von-mises", 1.0),
    ("log_count", "cramer-von-mises", 1.0),
    ("event_count", "moments", 0.5),
    ("recency", "cramer-von-mises", 1.0),
    ("mean_log_amount", "cramer-von-mises", 1.0),
    ("sd_log_amount", "cramer-von-mises", 1.0),
];

/// The terms of a reward that names none: eight on amounts and times, and total variation on kinds
/// where there are several. Features that the statistics do not hold, or that do not vary among
/// real users, are left out. One discrepancy a feature, so that most of a panel is optimised by
/// nobody.
pub fn default_terms(statistics: &Statistics) -> Vec<Term> {
    let term = |&(feature, discrepancy, weight): &(&str, &str, f64)| Term {
        feature: feature.into(),
        discrepancy: discrepancy.into(),
        weight,
    };
    let usable = |(feature, ..): &&(&str, &str, f64)| varies(statistics, feature) == Some(true);
    let mut terms: Vec<Term> = DEFAULT_TERMS.iter().filter(usable).map(term).collect();
    if statistics.kind_events.iter().filter(|&&events| events > 0).count() > 1 {
        terms.push(term(&("kind", "total-variation", 1.0)));
    }
    terms
}

/// The terms of a witness reward that names none: [`default_terms`], and how each covariate goes with
/// counts, amounts and kinds, where the statistics hold that.
///
/// Relations weigh as much as two of the other terms together, however many there are; those of a
/// covariate that is none among the real users (a strength below its own noise) count too, because
/// nothing else keeps a policy that sees covariates from inventing one.
pub fn default_witness_terms(statistics: &Statistics) -> Vec<Term> {
    let mut terms = default_terms(statistics);
    let names = statistics.covariates.iter().map(|(name, _)| name);
    let names = names.chain(statistics.categories.iter().map(|own| &own.name)).cloned().collect();
    let covariates = Covariates { names, ..Covariates::default() };
    let relations = features::relation::all(&covariates, &statistics.kinds);
    let measured = |feature: &&&Feature| statistics.feature(feature.name).is_some();
    let relations: Vec<&Feature> = relations.iter().filter(measured).copied().collect();
    let weight = (2.0 / relations.len().max(1) as f64).min(1.0);
    terms.extend(relations.into_iter().map(|feature| Term {
        feature: feature.name.into(),
        discrepancy: relation_gap::NAME.into(),
        weight,
    }));
    terms
}

/// The features of [`default_terms`] that are left out because all real users have one value of them.
pub fn constant_features(statistics: &Statistics) -> Vec<&'static str> {
    let features = DEFAULT_TERMS.iter().map(|(feature, ..)| *feature);
    features.filter(|feature| varies(statistics, feature) == Some(false)).collect()
}

/// Whether a feature has more than one value, none where it is not measured. Rows of a grid that
/// have no weight do not count: discrepancies do not see them either.
fn varies(statistics: &Statistics, feature: &str) -> Option<bool> {
    let Form::Grid(distribution) = &statistics.feature(feature)?.form else { return None };
    let points = points::Points::of_distribution(distribution);
    let (first, last) = (points.values.first(), points.values.last());
    Some(first != last && distribution.sd > 0.0)
}

/// `; did you mean ...?` where a known name is close, else nothing.
fn suggestion(name: &str, known: &[&str]) -> String {
    let near = known.iter().map(|k| (strsim::jaro_winkler(name, k), *k));
    near.filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or(String::new(), |(_, known)| format!("; did you mean `{known}`?"))
}

/// One thing a reward optimises: a discrepancy on a feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// Name of the feature.
    #[schemars(schema_with = "crate::schema::rewarded_feature")]
    pub feature: String,
    /// Name of the discrepancy.
    #[schemars(schema_with = "crate::schema::rewarded_discrepancy")]
    pub discrepancy: String,
    /// Weight in the mix; positive.
    #[serde(default = "one")]
    pub weight: f64,
}

fn one() -> f64 {
    1.0
}

/// Why a reward could not be fitted.
#[derive(Debug, thiserror::Error)]
pub enum RewardError {
    /// No such discrepancy, or parameters that it does not have.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// No such feature.
    #[error("unknown feature `{name}`{suggestion}; there are: {known}")]
    UnknownFeature {
        /// The name given.
        name: String,
        /// `; did you mean ...?`, or empty.
        suggestion: String,
        /// The names that exist.
        known: String,
    },
    /// The discrepancy cannot pay this feature.
    #[error("the discrepancy `{discrepancy}` cannot pay for the feature `{feature}`: {why}")]
    NoWitness {
        /// Name of the discrepancy.
        discrepancy: String,
        /// Name of the feature.
        feature: String,
        /// Why.
        why: String,
    },
    /// The statistics do not hold the feature.
    #[error("the external statistics hold no rows of the feature `{0}`, so it cannot be rewarded")]
    NotMeasured(String),
    /// A weight that is not positive and finite, or no terms at all.
    #[error("{0}")]
    BadTerms(String),
    /// A discrepancy could not be computed.
    #[error("feature `{feature}`: {source}")]
    Discrepancy {
        /// Name of the feature.
        feature: String,
        /// What went wrong.
        source: DiscrepancyError,
    },
    /// A saved state of another reward, or a broken one.
    #[error(transparent)]
    State(#[from] StateError),
}

/// What the users of a rollout earn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pay {
    /// What each event earns, in the order of the log.
    pub events: Vec<f64>,
    /// What each user earns at the end of the window.
    pub ends: Vec<f64>,
}

impl Pay {
    /// What a payment pays for a log.
    pub fn replayed(payment: &dyn Payment, log: &EventLog) -> Self {
        let one = |user: usize| {
            let mut pays = Vec::with_capacity(log.events_of(user).len());
            let end = replay(payment, log.events_of(user), |pay| pays.push(pay));
            (pays, end)
        };
        let users: Vec<(Vec<f64>, f64)> = (0..log.user_count()).into_par_iter().map(one).collect();
        let (events, ends): (Vec<Vec<f64>>, Vec<f64>) = users.into_iter().unzip();
        Self { events: events.concat(), ends }
    }
}

/// Arithmetic of rewards that pay term by term.
impl Pay {
    /// So many times as much.
    fn times(mut self, factor: f64) -> Self {
        self.events.iter_mut().chain(&mut self.ends).for_each(|pay| *pay *= factor);
        self
    }

    /// What several pay for a log, added up in their order.
    fn sum(log: &EventLog, pays: Vec<Self>) -> Self {
        let mut sum =
            Self { events: vec![0.0; log.events().len()], ends: vec![0.0; log.user_count()] };
        for pay in pays {
            sum.events.iter_mut().zip(pay.events).for_each(|(sum, pay)| *sum += pay);
            sum.ends.iter_mut().zip(pay.ends).for_each(|(sum, pay)| *sum += pay);
        }
        sum
    }
}

/// A reward that moves: refitted on every rollout.
pub trait Reward: Send {
    /// Name in configs and results.
    fn name(&self) -> &'static str;

    /// What it optimises; the panel marks these metrics.
    fn terms(&self) -> &[Term];

    /// Looks at the users that the current policy simulated, and pays them.
    ///
    /// # Errors
    /// A feature that is defined for no simulated user, or a discrepancy that fails.
    fn pay(&mut self, internal: &EventLog) -> Result<Pay, RewardError>;

    /// The weighted mean distance over the terms at the last refit (the root where a discrepancy
    /// is a square), of the rollout alone, without memory: what a progress line shows. Terms whose
    /// feature no simulated user has are left out of it. NaN before the first refit.
    fn discrepancy(&self) -> f64;

    /// All that outlives a refit, exactly.
    fn state(&self) -> Vec<u8>;

    /// Takes up a state of the same reward: refits go on from there to the same bits.
    ///
    /// # Errors
    /// A state of another reward or of other terms, or a broken one. The reward stays as it was.
    fn restore(&mut self, state: &[u8]) -> Result<(), RewardError>;
}
