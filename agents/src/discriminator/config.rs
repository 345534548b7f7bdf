//! Settings of learned rewards, and how they become one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trueup_calibration::calibrator::CalibrationError;
use trueup_calibration::statistics::Statistics;
use trueup_env::{CheckedWorld, EventLog, Streams};

use super::{Airl, Gail, airl, gail, users};
use crate::amounts::Amounts;
use crate::step_reward::StepReward;

/// What is wrong: the field, and the sentence that follows its name.
pub type Wrong = (&'static str, String);

/// Which learned reward, with its options: `kind = "gail"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum LearnedConfig {
    /// The log-odds of a discriminator of events, of users, or of both.
    Gail(GailConfig),
    /// A discriminator that knows the policy, and so can tell reward from shaping.
    Airl(AirlConfig),
}

/// What a discriminator looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Single events: what the user had done before, the kind, the amount.
    Events,
    /// Whole users: the vector of user-level features.
    #[default]
    Users,
    /// Both, each with its weight.
    Both,
}

/// Options of `gail`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GailConfig {
    /// What the discriminator looks at.
    pub level: Level,
    /// Weight of the events' pay where both levels are paid.
    pub events_weight: f64,
    /// Weight of the users' pay where both levels are paid.
    pub users_weight: f64,
    /// The user-level features that the discriminator of users sees; none means all.
    #[schemars(schema_with = "trueup_calibration::schema::user_features")]
    pub features: Option<Vec<String>>,
    /// The discriminator, one per level.
    pub discriminator: DiscriminatorConfig,
}

impl Default for GailConfig {
    fn default() -> Self {
        Self {
            level: Level::Users,
            events_weight: 1.0,
            users_weight: 1.0,
            features: None,
            discriminator: DiscriminatorConfig::default(),
        }
    }
}

/// Options of `airl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AirlConfig {
    /// Share of steps without an event that the discriminator is fitted on, with weight 1 / share.
    pub idle_share: f64,
    /// The discriminator: reward and potential have these sizes each.
    pub discriminator: DiscriminatorConfig,
}

impl Default for AirlConfig {
    fn default() -> Self {
        Self { idle_share: 0.3, discriminator: DiscriminatorConfig::default() }
    }
}

/// How a discriminator is made and fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DiscriminatorConfig {
    /// Units of each hidden layer; none makes it linear.
    pub hidden: Vec<usize>,
    /// The most that the logit moves per standard deviation of the inputs (Euclidean norm).
    pub lipschitz: f64,
    /// Adam's step size.
    pub learning_rate: f64,
    /// Steps per rollout.
    pub steps: usize,
    /// Rows of each side per step.
    pub batch: usize,
    /// Label smoothing, at least 0 and under one half.
    pub smoothing: f64,
    /// Share of simulated rows that come from earlier rollouts, in [0, 1).
    pub memory: f64,
    /// Share of the memory that a new rollout leaves in place, in [0, 1).
    pub decay: f64,
}

impl Default for DiscriminatorConfig {
    fn default() -> Self {
        Self {
            hidden: vec![32, 32],
            lipschitz: 4.0,
            learning_rate: 1e-3,
            steps: 40,
            batch: 256,
            smoothing: 0.05,
            memory: 0.5,
            decay: 0.8,
        }
    }
}

impl DiscriminatorConfig {
    fn check(&self) -> Result<(), Wrong> {
        if self.hidden.len() > 8 || self.hidden.iter().any(|units| !(1..=4096).contains(units)) {
            return Err((
                "discriminator.hidden",
                "must name at most 8 layers of 1 to 4096 units".into(),
            ));
        }
        let counts = [
            ("discriminator.steps", self.steps, 100_000),
            ("discriminator.batch", self.batch, 65_536),
        ];
        for (field, value, most) in counts {
            if !(1..=most).contains(&value) {
                return Err((field, format!("is {value}, but must lie between 1 and {most}")));
            }
        }
        let positive = [
            ("discriminator.lipschitz", self.lipschitz),
            ("discriminator.learning_rate", self.learning_rate),
        ];
        for (field, value) in positive {
            if !(value.is_finite() && value > 0.0) {
                return Err((field, format!("is {value}, but must be a positive number")));
            }
        }
        let shares = [
            ("discriminator.smoothing", self.smoothing, 0.5),
            ("discriminator.memory", self.memory, 1.0),
            ("discriminator.decay", self.decay, 1.0),
        ];
        for (field, value, below) in shares {
            if !(0.0..below).contains(&value) {
                let right = format!("must be at least 0 and under {below}");
                return Err((field, format!("is {value}, but {right}")));
            }
        }
        Ok(())
    }
}

impl GailConfig {
    fn check(&self) -> Result<(), Wrong> {
        let weights = [("events_weight", self.events_weight), ("users_weight", self.users_weight)];
        for (field, value) in weights {
            if !(value.is_finite() && value > 0.0) {
                return Err((field, format!("is {value}, but must be a positive number")));
            }
        }
        users::chosen(self.features.as_deref()).map_err(|why| ("features", why))?;
        self.discriminator.check()
    }
}

impl AirlConfig {
    fn check(&self) -> Result<(), Wrong> {
        if !(1e-3..=1.0).contains(&self.idle_share) {
            let value = self.idle_share;
            return Err(("idle_share", format!("is {value}, but must lie between 0.001 and 1")));
        }
        self.discriminator.check()
    }
}

impl LearnedConfig {
    /// Name in configs and results.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Gail(_) => gail::NAME,
            Self::Airl(_) => airl::NAME,
        }
    }

    /// Refuses what cannot run.
    ///
    /// # Errors
    /// (field, what is wrong with it and what would be right).
    pub fn check(&self) -> Result<(), Wrong> {
        match self {
            Self::Gail(config) => config.check(),
            Self::Airl(config) => config.check(),
        }
    }

    /// Makes the reward from the training log. `amounts` are those of the policy.
    ///
    /// # Errors
    /// Bad settings, a log of another world, or one without events where these are needed.
    pub fn build(
        &self,
        world: &CheckedWorld,
        train: &EventLog,
        statistics: &Statistics,
        amounts: &Amounts,
        streams: &Streams,
    ) -> Result<Box<dyn StepReward>, CalibrationError> {
        self.check().map_err(|(field, why)| CalibrationError::CannotFit {
            calibrator: self.name(),
            why: format!("{field} {why}"),
        })?;
        Ok(match self {
            Self::Gail(config) => {
                Box::new(Gail::new(config, world, train, statistics, amounts, streams)?)
            }
            Self::Airl(config) => Box::new(Airl::new(config, world, train, amounts, streams)?),
        })
    }
}
