//! Statistics with differential privacy: what can be handed over without trust.
//!
//! **The promise.** The file is (epsilon, delta)-differentially private for *users*: whether one
//! user, with all of his events, is in the log or not changes the probability of any file by a
//! factor of at most exp(epsilon), up to delta. (Replacing a user is adding one and removing one:
//! twice the epsilon.)
//!
//! **How.** Everything in the file is computed from noisy histograms between *public* bounds. What a
//! user adds to them is bounded (`queries`): one row in a feature of users, at most `max_events` in a
//! feature of events. Exact discrete noise (`noise`) is added to each bin, as much as the budget
//! asks for once it is divided among the histograms (`accountant`). What follows looks at nothing but
//! noisy numbers: bins are made non-negative with a common sum, quantiles and moments are taken from
//! them, amounts of all kinds give the log amounts and the kinds, and event counts give their
//! logarithms and the number of events.
//!
//! **What is taken as public:** clock, kinds, names of covariates and of their categories, and the
//! bounds. Fix the window and the kinds in the map; do not let the log decide them. A private file
//! holds no pairs, series or joint statistics, and nothing of how covariates hang together or with
//! what users did: its simulated users draw each covariate on its own. Each further
//! file of the same users adds its epsilon to the first. With a split of the users, their number and
//! order are public too, and the promise is about those who are left in.

use serde::{Deserialize, Serialize};
use trueup_env::EventLog;

use super::Statistics;
use super::file::{BadField, bad};

mod accountant;
mod amounts;
mod bins;
mod config;
mod noise;
mod queries;
mod release;

pub use accountant::{delta_of, rho_for};
pub use config::{DEFAULT_FEATURES, DERIVED, Mechanism, PrivacyConfig, PrivacyError};
pub use noise::NoiseKey;

use noise::{Bits, Ratio};
use queries::{Layout, Plan, Query};

/// How the numbers of a file were made private.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivacyRecord {
    /// What kind of noise.
    pub mechanism: Mechanism,
    /// The budget; none where no noise was added, and the file is not private.
    pub epsilon: Option<f64>,
    /// The probability that is left over.
    pub delta: f64,
    /// Who is protected.
    pub unit: Unit,
    /// Which logs must not be told apart.
    pub neighbours: Neighbours,
    /// How the parts of the budget add up.
    pub composition: Composition,
    /// The whole budget in zCDP, where that is how the parts add up.
    pub rho: Option<f64>,
    /// The most rows of a user that count in a feature of events.
    pub max_events: u32,
    /// What was taken as known to everybody.
    pub public: Vec<String>,
    /// The noisy histograms of which everything was computed.
    pub queries: Vec<QueryRecord>,
}

impl PrivacyRecord {
    /// Checks that every field can be.
    pub(super) fn check(&self) -> Result<(), BadField> {
        if self.epsilon.is_some_and(|epsilon| !(epsilon.is_finite() && epsilon > 0.0)) {
            return bad("privacy.epsilon", "is no positive number; null means no noise");
        }
        if !(0.0..1.0).contains(&self.delta)
            || self.rho.is_some_and(|rho| rho.is_nan() || rho < 0.0)
        {
            return bad("privacy", "delta is at least 0 and under 1, and rho at least 0");
        }
        let sound = |query: &QueryRecord| {
            let numbers = [query.low, query.high, query.scale, query.budget];
            numbers.iter().all(|x| x.is_finite())
                && query.scale >= 0.0
                && query.budget >= 0.0
                && query.bins > 0
                && query.sensitivity > 0
        };
        if self.max_events == 0 || !self.queries.iter().all(sound) {
            return bad("privacy.queries", "bins, sensitivities and max_events are at least 1");
        }
        Ok(())
    }
}

/// Who is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// A user with all of his events.
    User,
}

/// Which logs must not be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Neighbours {
    /// One has all events of one user more than the other.
    AddOrRemove,
}

/// How the parts of a budget add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Composition {
    /// Epsilons add up.
    Basic,
    /// Rhos of zero-concentrated differential privacy add up.
    Zcdp,
}

/// One noisy histogram.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryRecord {
    /// What it counted.
    pub name: String,
    /// Lower public bound.
    pub low: f64,
    /// Upper public bound.
    pub high: f64,
    /// Number of bins.
    pub bins: usize,
    /// How much one user can add to all bins together.
    pub sensitivity: u64,
    /// Standard deviation parameter of Gaussian noise, or scale of Laplace noise; 0 without noise.
    pub scale: f64,
    /// Its part of rho (Gaussian) or of epsilon (Laplace); 0 without noise.
    pub budget: f64,
}

/// A histogram with its noise in it.
struct Noisy {
    name: String,
    layout: Layout,
    counts: Vec<f64>,
    /// Standard deviation of the noise of a bin.
    noise: f64,
}

/// Measures a log with differential privacy.
///
/// # Errors
/// Options out of bounds, features without public bounds, and an epsilon so small that nothing is
/// left.
pub fn private(
    log: &EventLog,
    config: &PrivacyConfig,
    key: &NoiseKey,
) -> Result<Statistics, PrivacyError> {
    config.check()?;
    let plans = queries::plan(log, config)?;
    let budget = Budget::of(config, &plans)?;
    let mut records = Vec::with_capacity(plans.len());
    let mut noisy: Vec<Noisy> = Vec::with_capacity(plans.len());
    for (i, plan) in plans.iter().enumerate() {
        // The first histogram is the number of users. That it is noisy lets the others follow it.
        let users = noisy.first().map_or(0.0, |users| users.counts[0]);
        let query = plan.count(log, config, resolution(config.bins, users, budget.deviation(i)))?;
        records.push(budget.record(i, &query));
        let mut bits = Bits::new(key, &query.name);
        let mut draw = || match (budget.noise[i], config.mechanism) {
            (None, _) => 0,
            (Some(scale), Mechanism::Laplace) => bits.laplace(scale),
            (Some(variance), Mechanism::Gaussian) => bits.gaussian(variance),
        };
        let counts = query.counts.iter().map(|count| count.saturating_add(draw()) as f64).collect();
        let noise = budget.deviation(i);
        noisy.push(Noisy { name: query.name, layout: query.layout, counts, noise });
    }
    let facts = log.covariates();
    let known = |(c, name): (usize, &String)| (name.clone(), facts.categories_of(c).to_vec());
    let categories: Vec<_> = facts.names.iter().enumerate().map(known).collect();
    let mut statistics = release::assemble(*log.clock(), log.kinds(), &categories, config, &noisy)?;
    let mut public =
        vec!["clock", "kinds", "names of covariates", "bounds of amounts and features"];
    if !facts.categories.is_empty() {
        public.push("names of categories of covariates");
    }
    statistics.privacy = Some(PrivacyRecord {
        mechanism: config.mechanism,
        epsilon: config.epsilon,
        delta: if config.epsilon.is_some() { config.delta } else { 0.0 },
        unit: Unit::User,
        neighbours: Neighbours::AddOrRemove,
        composition: budget.composition,
        rho: budget.rho,
        max_events: config.max_events,
        public: public.into_iter().map(String::from).collect(),
        queries: records,
    });
    Ok(statistics)
}

/// Bins of a histogram of about `users` rows with noise of a standard deviation in each: wide bins
/// blur a share 1 / (4 bins) of the range, narrow ones add up noise to about
/// deviation sqrt(bins) / (2 users) of it, and here the two are equal.
fn resolution(most: usize, users: f64, deviation: f64) -> usize {
    if deviation <= 0.0 {
        return most;
    }
    let balanced = (users.max(0.0) / (2.0 * deviation)).powf(2.0 / 3.0);
    (balanced as usize).clamp(6.min(most), most)
}

/// A budget divided among histograms.
struct Budget {
    composition: Composition,
    rho: Option<f64>,
    parts: Vec<f64>,
    mechanism: Mechanism,
    /// Variance of Gaussian noise, scale of Laplace noise.
    noise: Vec<Option<Ratio>>,
}

impl Budget {
    fn of(config: &PrivacyConfig, queries: &[Plan<'_>]) -> Result<Self, PrivacyError> {
        let mechanism = config.mechanism;
        let Some(epsilon) = config.epsilon else {
            let (parts, noise) = (vec![0.0; queries.len()], vec![None; queries.len()]);
            let composition = Composition::Basic;
            return Ok(Self { composition, rho: None, parts, mechanism, noise });
        };
        let asked: Vec<(u64, f64)> =
            queries.iter().map(|query| (query.sensitivity, query.importance)).collect();
        // A hair less than allowed, so that rounding cannot spend more.
        let spent = epsilon * (1.0 - 1e-9);
        let (parts, composition, rho) = match mechanism {
            Mechanism::Gaussian => {
                let rho = accountant::rho_for(spent, config.delta);
                (accountant::gaussian_parts(rho, &asked), Composition::Zcdp, Some(rho))
            }
            Mechanism::Laplace => {
                let (parts, zcdp) = accountant::laplace_parts(spent, config.delta, &asked);
                let rho = zcdp.then(|| parts.iter().map(|part| part * part / 2.0).sum());
                (parts, if zcdp { Composition::Zcdp } else { Composition::Basic }, rho)
            }
        };
        let noise = asked.iter().zip(&parts).map(|(&(sensitivity, _), part)| {
            let delta = sensitivity as f64;
            let ratio = Ratio::at_least(match mechanism {
                Mechanism::Gaussian => delta * delta / (2.0 * part),
                Mechanism::Laplace => delta / part,
            });
            ratio.map(Some).ok_or(PrivacyError::TooLittle { epsilon, queries: queries.len() })
        });
        let noise = noise.collect::<Result<_, _>>()?;
        Ok(Self { composition, rho, parts, mechanism, noise })
    }

    /// Standard deviation of the noise of a bin.
    fn deviation(&self, i: usize) -> f64 {
        let value = self.noise[i].map_or(0.0, Ratio::value);
        match self.mechanism {
            Mechanism::Gaussian => value.sqrt(),
            Mechanism::Laplace => std::f64::consts::SQRT_2 * value,
        }
    }

    fn record(&self, i: usize, query: &Query) -> QueryRecord {
        let value = self.noise[i].map_or(0.0, Ratio::value);
        let [low, high] = match &query.layout {
            Layout::Count => [0.0, 0.0],
            Layout::Axis(bins) | Layout::Amounts(bins) => bins.bounds(),
            Layout::Categories(count) => [0.0, count.saturating_sub(1) as f64],
        };
        QueryRecord {
            name: query.name.clone(),
            low,
            high,
            bins: query.counts.len(),
            sensitivity: query.sensitivity,
            scale: if self.mechanism == Mechanism::Gaussian { value.sqrt() } else { value },
            budget: self.parts[i],
        }
    }
}

#[cfg(test)]
mod tests;
