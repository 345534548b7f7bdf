//! What a private release asks for: budget, mechanism, features and public bounds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use trueup_env::EventLog;

use super::bins::Bins;
use crate::features::{self, Definition, Feature};

/// What kind of noise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mechanism {
    /// Discrete Gaussian noise: needs a delta, and less noise for many queries.
    #[default]
    #[serde(rename = "discrete-gaussian")]
    Gaussian,
    /// Discrete Laplace noise: works without a delta.
    #[serde(rename = "discrete-laplace")]
    Laplace,
}

/// Features that are released beside those that follow from the amounts and counts
/// ([`DERIVED`]): what the default reward looks at.
pub const DEFAULT_FEATURES: [&str; 5] =
    ["event_tick", "gap", "recency", "mean_log_amount", "sd_log_amount"];

/// Features that follow from the histograms of amounts and of event counts, and so cost nothing.
pub const DERIVED: [&str; 4] = ["log_amount", "kind", "event_count", "log_count"];

/// A private release.
#[derive(Clone, Debug, PartialEq)]
pub struct PrivacyConfig {
    /// The budget; none means no noise, to see what the histograms alone cost. Such a file is not
    /// private.
    pub epsilon: Option<f64>,
    /// The probability that is left over; 0 is possible with Laplace noise.
    pub delta: f64,
    /// What kind of noise.
    pub mechanism: Mechanism,
    /// The most rows of a user that count in a feature of events, evenly spaced among his rows.
    /// Noise grows with it, and heavy users are cut by it.
    pub max_events: u32,
    /// Public bounds of amounts; positive. What lies beyond counts as the bound.
    pub amounts: [f64; 2],
    /// Public bounds of features and of covariates (`covariate.NAME`), where there is no default or
    /// another is wanted.
    pub bounds: BTreeMap<String, [f64; 2]>,
    /// Features to release beside [`DERIVED`]; each takes a part of the budget.
    pub features: Vec<String>,
    /// The most bins of a histogram; there are fewer where there is much noise.
    pub bins: usize,
}

impl PrivacyConfig {
    /// Defaults for amounts between public bounds.
    pub fn new(amounts: [f64; 2]) -> Self {
        Self {
            epsilon: Some(1.0),
            delta: 1e-6,
            mechanism: Mechanism::default(),
            max_events: 10,
            amounts,
            bounds: BTreeMap::new(),
            features: DEFAULT_FEATURES.map(String::from).to_vec(),
            bins: 64,
        }
    }

    pub(super) fn check(&self) -> Result<(), PrivacyError> {
        let bad = |option: &'static str, why: String| Err(PrivacyError::Option { option, why });
        if let Some(epsilon) = self.epsilon
            && !(epsilon > 0.0 && epsilon <= 1e3)
        {
            return bad(
                "epsilon",
                format!("is {epsilon}; give a positive number up to 1000, or inf"),
            );
        }
        if !(0.0..1.0).contains(&self.delta) {
            return bad("delta", format!("is {}; give a number from 0 to under 1", self.delta));
        }
        if self.mechanism == Mechanism::Gaussian && self.delta < 1e-30 {
            let why = "is 0, and Gaussian noise needs one: give a number well below 1 / users, or \
                       use Laplace noise";
            return bad("delta", why.into());
        }
        if !(1..=1_000_000).contains(&self.max_events) {
            return bad("max-events", format!("is {}; give 1 to 1,000,000", self.max_events));
        }
        if !(2..=4096).contains(&self.bins) {
            return bad("bins", format!("is {}; give 2 to 4096", self.bins));
        }
        let [low, high] = self.amounts;
        if !(low > 0.0 && high > low && high.is_finite()) {
            let why = format!("are {low} to {high}; give a positive number and a larger one");
            return bad("amounts", why);
        }
        for (feature, [low, high]) in &self.bounds {
            if !(low.is_finite() && high.is_finite() && low < high) {
                let feature = feature.clone();
                return Err(PrivacyError::Bounds { feature, low: *low, high: *high });
            }
        }
        Ok(())
    }

    /// Bounds on a log scale.
    pub(super) fn log_amounts(&self) -> [f64; 2] {
        self.amounts.map(f64::ln)
    }

    /// The bins of event counts.
    pub(super) fn counts(&self, bins: usize) -> Bins {
        let [low, high] = self.count_bounds();
        Bins::whole(low.max(0.0), high.max(1.0), bins)
    }

    /// Users differ in counts by more than the events that count of each: four times as many.
    fn count_bounds(&self) -> [f64; 2] {
        let default = [0.0, 4.0 * f64::from(self.max_events)];
        self.bounds.get("event_count").copied().unwrap_or(default)
    }

    /// The bins of a real feature: between the bounds that were given, or that follow from the
    /// window and the bounds of amounts.
    pub(super) fn feature(
        &self,
        feature: &Feature,
        log: &EventLog,
        bins: usize,
    ) -> Result<Bins, PrivacyError> {
        let horizon = f64::from(log.clock().horizon);
        let [low, high] = self.log_amounts();
        let whole = ["event_tick", "gap", "active_ticks", "first_tick", "recency"];
        let whole = whole.contains(&feature.name);
        let default = match feature.name {
            "log_amount" | "mean_log_amount" | "max_log_amount" => Some([low, high]),
            // Two values at the ends have the largest standard deviation (n - 1).
            "sd_log_amount" => Some([0.0, (high - low) / 2.0_f64.sqrt()]),
            "log_total" => Some([0.0, (self.count_bounds()[1].max(1.0) * self.amounts[1]).ln_1p()]),
            "amount" | "mean_amount" => Some([0.0, self.amounts[1]]),
            "total_amount" => Some([0.0, self.count_bounds()[1].max(1.0) * self.amounts[1]]),
            "top_event_share" => Some([0.0, 1.0]),
            "kind_entropy" => Some([0.0, (log.kinds().len().max(2) as f64).ln()]),
            "event_tick" => Some([0.0, (horizon - 1.0).max(1.0)]),
            _ if feature.unit == "ticks" => Some([0.0, horizon]),
            _ => None,
        };
        let [low, high] = self
            .bounds
            .get(feature.name)
            .copied()
            .or(default)
            .ok_or_else(|| PrivacyError::NoBounds { what: feature.name.into() })?;
        Ok(if whole { Bins::whole(low, high, bins) } else { Bins::real(low, high, bins) })
    }

    /// The bins of a covariate.
    pub(super) fn covariate(&self, name: &str, bins: usize) -> Result<Bins, PrivacyError> {
        let what = format!("covariate.{name}");
        match self.bounds.get(&what) {
            Some([low, high]) => Ok(Bins::real(*low, *high, bins)),
            None => Err(PrivacyError::NoBounds { what }),
        }
    }

    /// The features to release, each once, without the derived ones.
    pub(super) fn chosen(&self) -> Result<Vec<&'static Feature>, PrivacyError> {
        let mut chosen: Vec<&Feature> = Vec::new();
        for name in &self.features {
            let feature = features::find(name).ok_or_else(|| {
                let known: Vec<&str> = features::FEATURES.iter().map(|f| f.name).collect();
                PrivacyError::UnknownFeature { name: name.clone(), known: known.join(", ") }
            })?;
            if matches!(
                feature.definition,
                Definition::Pair(_)
                    | Definition::Relation(_)
                    | Definition::Series(_)
                    | Definition::Path { .. }
            ) {
                return Err(PrivacyError::NoHistogram { feature: name.clone() });
            }
            let new = !chosen.iter().any(|other| other.name == feature.name);
            if new && !DERIVED.contains(&feature.name) {
                chosen.push(feature);
            }
        }
        Ok(chosen)
    }
}

/// Why statistics could not be made private.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PrivacyError {
    /// An option out of bounds.
    #[error("{option} {why}")]
    Option {
        /// Its name.
        option: &'static str,
        /// What is wrong, and what would be right.
        why: String,
    },
    /// Bounds that are none.
    #[error(
        "the bounds of {feature} are {low} to {high}; give two finite numbers, the smaller first"
    )]
    Bounds {
        /// The feature.
        feature: String,
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
    },
    /// No public bounds are known.
    #[error(
        "{what} has no public bounds, and bounds taken from the data would not be private: give \
         them with `--bound {what}=LOW:HIGH`"
    )]
    NoBounds {
        /// The feature or covariate.
        what: String,
    },
    /// No such feature.
    #[error("unknown feature `{name}`; there are: {known}")]
    UnknownFeature {
        /// The name given.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// A feature of pairs, series or paths.
    #[error("`{feature}` is no feature that a histogram holds; leave it out of a private release")]
    NoHistogram {
        /// The feature.
        feature: String,
    },
    /// The noise would be beyond all numbers.
    #[error(
        "an epsilon of {epsilon} over {queries} histograms asks for noise beyond all bounds: \
             release fewer features, fewer events of a user, or take a larger epsilon"
    )]
    TooLittle {
        /// The budget.
        epsilon: f64,
        /// Number of histograms.
        queries: usize,
    },
    /// After the noise, nothing is left that users could be fitted to.
    #[error(
        "the noise left no {what}: there are too few users for an epsilon this small; take a larger \
         one, or release fewer features"
    )]
    NothingLeft {
        /// What is gone.
        what: &'static str,
    },
}
