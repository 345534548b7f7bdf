//! Behaviour cloning: the likeliest policy given what the real users did.
//!
//! The training users' logs are lived through the finance world once more, so that each of their
//! decisions stands beside the observation that a simulated user would have had
//! ([`crate::clones`]). The network then minimises the cross-entropy of the decisions. How many
//! passes that takes is found on users kept aside; then all training users are fitted for as many.
//! It needs the raw log, and is the method to beat where there is one: a reward sees statistics
//! alone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trueup_calibration::calibrator::{Brief, CalibrationError, Calibrator, Simulator};
use trueup_env::CheckedWorld;

use crate::amounts::Amounts;
use crate::cloner::Cloner;
use crate::compute::Compute;
use crate::network_policy::NetworkPolicy;
use crate::parts::Parts;
use crate::policy::PolicySimulator;
use crate::ppo::NetworkConfig;
use crate::weights;

/// Name in configs and results.
pub const NAME: &str = "cloning";

/// Fewest steps of a pass.
pub const FEWEST_STEPS: usize = 64;

/// Settings of cloning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CloningConfig {
    /// Most passes over the decisions of the training users.
    pub epochs: usize,
    /// Passes without a better fit to the validation users before it stops; a start that no pass
    /// improves on is shipped as it is, and said to be.
    pub patience: usize,
    /// Decisions per step; fewer where a pass would have less than 64 of them (`FEWEST_STEPS`).
    pub minibatch: usize,
    /// Adam's step size at the start; it falls linearly to a twentieth.
    pub learning_rate: f64,
    /// Share of decisions for "nothing" that a pass looks at, with weight 1 / share.
    pub idle_share: f64,
    /// Share of the training users that are kept aside to decide when to stop.
    pub validation: f64,
    /// Whether all training users are fitted in the end, for as many passes as were best for those
    /// kept aside.
    pub refit: bool,
    /// Quantile bins of the amount per kind.
    pub amount_bins: usize,
    /// What takes the steps.
    pub compute: Compute,
    /// The network.
    pub network: NetworkConfig,
}

impl Default for CloningConfig {
    fn default() -> Self {
        Self {
            epochs: 40,
            patience: 8,
            minibatch: 2048,
            learning_rate: 1e-3,
            idle_share: 0.5,
            validation: 0.2,
            refit: true,
            amount_bins: 32,
            compute: Compute::default(),
            network: NetworkConfig::default(),
        }
    }
}

impl CloningConfig {
    /// Refuses what cannot run.
    ///
    /// # Errors
    /// (field, what is wrong with it and what would be right).
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let counts = [
            ("epochs", self.epochs, usize::MAX),
            ("patience", self.patience, usize::MAX),
            ("minibatch", self.minibatch, usize::MAX),
            ("amount_bins", self.amount_bins, 1024),
        ];
        for (field, value, most) in counts {
            if value == 0 || value > most {
                return Err((field, format!("is {value}, but must lie between 1 and {most}")));
            }
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            let problem = format!("is {}, but must be a positive number", self.learning_rate);
            return Err(("learning_rate", problem));
        }
        for (field, value, low, high) in
            [("idle_share", self.idle_share, 1e-3, 1.0), ("validation", self.validation, 0.01, 0.9)]
        {
            if !(low..=high).contains(&value) {
                return Err((field, format!("is {value}, but must lie between {low} and {high}")));
            }
        }
        self.compute.check()?;
        self.network.check()
    }
}

/// The calibrator `cloning`.
pub struct Cloning {
    config: CloningConfig,
    world: CheckedWorld,
}

impl Cloning {
    /// With a checked config.
    pub fn new(config: CloningConfig, world: CheckedWorld) -> Self {
        Self { config, world }
    }
}

impl Calibrator for Cloning {
    fn name(&self) -> &'static str {
        NAME
    }

    fn calibrate(&mut self, brief: &Brief<'_>) -> Result<Box<dyn Simulator>, CalibrationError> {
        let config = &self.config;
        let parts = Parts::of(brief, config.validation, NAME)?;
        let amounts = Amounts::new(brief.statistics, config.amount_bins);
        let start = crate::calibrator::first_network(
            &self.world,
            brief.statistics,
            &config.network,
            config.amount_bins,
            &brief.streams,
        );
        let settings = serde_json::to_value(config).map_err(inner)?;
        let total = config.epochs * if config.refit { 2 } else { 1 };
        let cloner = Cloner { world: &self.world, parts: &parts, amounts: &amounts, config };
        let tell =
            |epoch: usize, figures: &[(&str, f64)]| brief.progress.iteration(epoch, total, figures);
        let clone = cloner.resumed(brief, start, settings, &tell)?;
        let files = vec![weights::file(&clone.network).map_err(inner)?];
        let remarks = clone.remarks(config);
        let policy = NetworkPolicy { network: clone.network, amounts };
        let mut parameters = vec![("epochs".into(), clone.epochs as f64)];
        parameters.extend(clone.validation.map(|v| ("validation_cross_entropy".into(), v)));
        let world = self.world.clone();
        Ok(Box::new(PolicySimulator { world, policy, parameters, files, remarks }))
    }
}

/// Wraps an error of cloning.
pub(crate) fn inner(error: impl std::error::Error + Send + Sync + 'static) -> CalibrationError {
    CalibrationError::Inner { calibrator: NAME, source: Box::new(error) }
}
