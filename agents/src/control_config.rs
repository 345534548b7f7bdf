//! How tasks of classic control are sampled, one line each.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a task is sampled, normalised and evaluated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ControlConfig {
    /// Copies that are stepped together.
    pub environments: usize,
    /// Steps of each copy per rollout.
    pub steps: usize,
    /// Whether observations are centred and scaled by running moments.
    pub normalise_observations: bool,
    /// Whether rewards are divided by the running standard deviation of returns.
    pub normalise_rewards: bool,
    /// Iterations between evaluations; 0: only at the end.
    pub evaluate_every: usize,
    /// Episodes per evaluation, on environments and seeds of its own.
    pub evaluation_episodes: usize,
}

impl Default for ControlConfig {
    fn default() -> Self {
        Self {
            environments: 8,
            steps: 128,
            normalise_observations: false,
            normalise_rewards: false,
            evaluate_every: 0,
            evaluation_episodes: 20,
        }
    }
}

impl ControlConfig {
    /// Refuses what cannot run.
    ///
    /// # Errors
    /// (field, what is wrong with it and what would be right).
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let counts = [
            ("environments", self.environments, 1 << 20),
            ("steps", self.steps, 1 << 20),
            ("evaluation_episodes", self.evaluation_episodes, 100_000),
        ];
        for (field, value, most) in counts {
            if value == 0 || value > most {
                return Err((field, format!("is {value}, but must lie between 1 and {most}")));
            }
        }
        // Rows of a rollout are numbered in 32 bits.
        let (rows, most) = (self.environments * self.steps, 1 << 30);
        if rows > most {
            let problem =
                format!("makes rollouts of {rows} rows, but at most {most} are supported");
            return Err(("steps", problem));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samplings_that_cannot_run_are_refused_by_name() {
        let field = |config: ControlConfig| config.check().unwrap_err().0;
        let with = ControlConfig::default;
        assert_eq!(field(ControlConfig { environments: 0, ..with() }), "environments");
        assert_eq!(field(ControlConfig { steps: (1 << 20) + 1, ..with() }), "steps");
        let many = ControlConfig { environments: 1 << 16, steps: 1 << 15, ..with() };
        assert_eq!(field(many), "steps");
        assert!(with().check().is_ok());
    }
}
