//! Hyperparameters of PPO, one line each.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::as_given::{self, as_given};

/// Hyperparameters of PPO. The defaults are those of the finance world; tasks of classic control
/// want others (`experiments/configs/classic`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PpoConfig {
    /// Passes over a rollout per update.
    pub epochs: usize,
    /// Minibatches per pass.
    pub minibatches: usize,
    /// Adam's step size at the start.
    pub learning_rate: f64,
    /// The share of it that is left at the end; linear in between.
    pub final_learning_rate_share: f64,
    /// Clip range of the probability ratio at the start.
    #[serde(serialize_with = "as_given::serialize")]
    pub clip: f32,
    /// The share of it that is left at the end; linear in between.
    pub final_clip_share: f64,
    /// Clip range of the value around the old value; none: not clipped.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_given::option")]
    pub value_clip: Option<f32>,
    /// An update ends at the first minibatch whose KL from the acting policy is above this; none:
    /// never early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_kl: Option<f64>,
    /// Discount per step. Rewards of the finance world telescope over a fixed window: 1 is exact.
    #[serde(serialize_with = "as_given::serialize")]
    pub gamma: f32,
    /// Decay of advantage estimation.
    #[serde(serialize_with = "as_given::serialize")]
    pub lambda: f32,
    /// Whether advantages are normalised over each minibatch.
    pub normalise_advantages: bool,
    /// Weight of the entropy in the loss.
    #[serde(serialize_with = "as_given::serialize")]
    pub entropy: f32,
    /// Weight of the squared error of the values in the loss.
    #[serde(serialize_with = "as_given::serialize")]
    pub value_weight: f32,
    /// Largest norm of the gradient over all parameters together.
    #[serde(serialize_with = "as_given::serialize")]
    pub gradient_norm: f32,
    /// Passes that refit the value network before advantages are computed, for rewards that move.
    pub value_epochs: usize,
    /// First iterations that fit the values alone, for policies that start trained.
    pub critic_iterations: usize,
    /// Weight of the KL divergence from the policy that training started from.
    #[serde(serialize_with = "as_given::serialize")]
    pub anchor: f32,
    /// Share of steps without an event that an update looks at, with weight 1 / share.
    pub idle_share: f64,
    /// Share of the old average that is kept when an iteration's weights enter it; 0 ships the last.
    #[serde(serialize_with = "as_given::serialize")]
    pub average: f32,
}

impl Default for PpoConfig {
    fn default() -> Self {
        Self {
            epochs: 4,
            minibatches: 8,
            learning_rate: 1e-3,
            final_learning_rate_share: 0.05,
            clip: 0.2,
            final_clip_share: 1.0,
            value_clip: None,
            target_kl: None,
            gamma: 1.0,
            lambda: 0.97,
            normalise_advantages: true,
            entropy: 0.0,
            value_weight: 0.5,
            gradient_norm: 0.5,
            value_epochs: 2,
            critic_iterations: 0,
            anchor: 0.0,
            idle_share: 0.3,
            average: 0.96,
        }
    }
}

impl PpoConfig {
    /// What is done otherwise than asked where a rollout of so many rows is cut into minibatches.
    pub(crate) fn cut(&self, rows: usize) -> Option<String> {
        let size = rows.div_ceil(self.minibatches).max(1);
        let parts = rows.div_ceil(size);
        let each = if size == 1 { "one row".into() } else { format!("at most {size} rows") };
        let fewer = (parts < self.minibatches).then(|| {
            let asked = self.minibatches;
            format!(
                "update.minibatches is {asked}, but {rows} rows are cut into {parts} of {each}."
            )
        });
        let flat = (size == 1 && self.normalise_advantages).then(|| {
            "A minibatch of one row has no spread of advantages: normalised, they are 0, and the \
             policy learns nothing. Take fewer minibatches or a larger rollout, or set \
             update.normalise_advantages = false."
                .to_owned()
        });
        let all: Vec<String> = fewer.into_iter().chain(flat).collect();
        (!all.is_empty()).then(|| all.join(" "))
    }

    /// Refuses what cannot run.
    ///
    /// # Errors
    /// (field, what is wrong with it and what would be right).
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        for (field, value) in [("epochs", self.epochs), ("minibatches", self.minibatches)] {
            if value == 0 {
                return Err((field, "is 0, but must be at least 1".into()));
            }
        }
        let optional = |value: Option<f64>| value.unwrap_or(1.0);
        let positive = [
            ("learning_rate", self.learning_rate),
            ("clip", as_given(self.clip)),
            ("gradient_norm", as_given(self.gradient_norm)),
            ("value_clip", optional(self.value_clip.map(as_given))),
            ("target_kl", optional(self.target_kl)),
        ];
        for (field, value) in positive {
            if !(value.is_finite() && value > 0.0) {
                return Err((field, format!("is {value}, but must be a positive number")));
            }
        }
        let shares = [
            ("final_learning_rate_share", self.final_learning_rate_share, 0.0),
            ("final_clip_share", self.final_clip_share, 0.0),
            ("gamma", as_given(self.gamma), 0.0),
            ("lambda", as_given(self.lambda), 0.0),
            ("idle_share", self.idle_share, 1e-3),
            ("average", as_given(self.average), 0.0),
        ];
        for (field, value, low) in shares {
            if !(low..=1.0).contains(&value) {
                return Err((field, format!("is {value}, but must lie between {low} and 1")));
            }
        }
        let weights = [
            ("entropy", self.entropy),
            ("value_weight", self.value_weight),
            ("anchor", self.anchor),
        ];
        for (field, value) in weights {
            if !(value.is_finite() && value >= 0.0) {
                return Err((field, format!("is {value}, but must be at least 0")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_run_are_refused_by_name() {
        let field = |config: PpoConfig| config.check().unwrap_err().0;
        let with = PpoConfig::default;
        assert_eq!(field(PpoConfig { epochs: 0, ..with() }), "epochs");
        assert_eq!(field(PpoConfig { learning_rate: f64::NAN, ..with() }), "learning_rate");
        assert_eq!(field(PpoConfig { lambda: 1.5, ..with() }), "lambda");
        assert_eq!(field(PpoConfig { idle_share: 0.0, ..with() }), "idle_share");
        assert_eq!(field(PpoConfig { value_clip: Some(0.0), ..with() }), "value_clip");
        assert_eq!(field(PpoConfig { anchor: -1.0, ..with() }), "anchor");
        assert!(with().check().is_ok());
    }
}
