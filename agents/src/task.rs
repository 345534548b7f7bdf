//! Training on a task of classic control from start to end: what a config asks for, and what comes
//! out.

use std::path::Path;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use trueup_calibration::calibrator::Progress;
use trueup_env::Streams;
use trueup_env::classic::TASKS;

use crate::architecture::Network;
use crate::checkpoint::{Checkpoints, Identity};
use crate::compute::{Compute, ComputeError};
use crate::control::{ControlConfig, ControlExperience, Episode, Make, head};
use crate::experience::{Experience, Failed};
use crate::normaliser::Scaler;
use crate::ppo::{NetworkConfig, Plan, PpoConfig, TrainError, train};
use crate::weights;

/// A task and how to train on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskConfig {
    /// Name of the task.
    #[schemars(schema_with = "environments")]
    pub environment: String,
    /// Steps of all copies together; rounded up to whole rollouts.
    pub total_steps: u64,
    /// Iterations between checkpoints.
    #[serde(default = "fifty")]
    pub checkpoint_every: usize,
    /// What takes the training steps.
    #[serde(default)]
    pub compute: Compute,
    /// How the task is sampled, normalised and evaluated.
    #[serde(default)]
    pub sampling: ControlConfig,
    /// The network.
    #[serde(default)]
    pub network: NetworkConfig,
    /// The algorithm. Its defaults are those of the finance world, so what matters for a task
    /// (gamma, lambda, learning rate) wants to be given.
    #[serde(default)]
    pub update: PpoConfig,
}

fn fifty() -> usize {
    50
}

/// The names of the tasks, for an editor.
fn environments(_: &mut SchemaGenerator) -> Schema {
    let names: Vec<&str> = TASKS.iter().map(|(name, _)| *name).collect();
    json_schema!({ "type": "string", "enum": names })
}

/// What a training run on a task gave.
#[derive(Clone, Debug)]
pub struct TaskResult {
    /// The weights.
    pub network: Network,
    /// How observations are normalised before the network sees them.
    pub scaler: Scaler,
    /// Steps made.
    pub env_steps: u64,
    /// Returns of the last training episodes, at most [`RECENT`](crate::control::RECENT); empty
    /// where none has ended.
    pub last_returns: Vec<f64>,
    /// Episodes of the shipped weights on environments of their own, the likeliest action taken.
    pub evaluation: Vec<Episode>,
    /// The same with actions drawn.
    pub evaluation_sampled: Vec<Episode>,
}

impl TaskConfig {
    /// Refuses what cannot run.
    ///
    /// # Errors
    /// (field, what is wrong with it and what would be right).
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        if self.make().is_none() {
            let known: Vec<&str> = TASKS.iter().map(|(name, _)| *name).collect();
            let problem = format!("is \"{}\"; there are: {}", self.environment, known.join(", "));
            return Err(("environment", problem));
        }
        if self.total_steps == 0 {
            return Err(("total_steps", "is 0, but must be at least 1".into()));
        }
        if self.checkpoint_every == 0 {
            return Err(("checkpoint_every", "is 0, but must be at least 1".into()));
        }
        self.compute.check()?;
        self.sampling.check()?;
        self.network.check()?;
        self.update.check()
    }

    /// Rollouts of a run.
    pub fn iterations(&self) -> usize {
        let rollout = (self.sampling.environments * self.sampling.steps).max(1) as u64;
        self.total_steps.div_ceil(rollout) as usize
    }

    /// What is done otherwise than the settings say.
    pub fn notes(&self) -> Vec<String> {
        let ControlConfig { environments, steps, .. } = &self.sampling;
        let made = (self.iterations() * environments * steps) as u64;
        let rounded = (made != self.total_steps).then(|| {
            format!(
                "total_steps = {} is run as {made}: rollouts are whole ({environments} environments \
                 of {steps} steps each).",
                self.total_steps
            )
        });
        rounded.into_iter().chain(self.update.cut(environments * steps)).collect()
    }

    fn make(&self) -> Option<Make> {
        TASKS.iter().find(|(name, _)| *name == self.environment).map(|(_, make)| *make)
    }

    /// Trains. With a folder for checkpoints it goes on from the newest one there.
    ///
    /// # Errors
    /// A task that does not exist, steps that fail, an optimisation that diverges, an interrupt.
    pub fn train(
        &self,
        streams: Streams,
        checkpoints: Option<&Path>,
        progress: &dyn Progress,
    ) -> Result<TaskResult, TaskError> {
        let make = self.make().ok_or_else(|| TaskError::UnknownTask(self.environment.clone()))?;
        let (sampling, update) = (&self.sampling, &self.update);
        let (size, head) = {
            let one = make(1, 0);
            (one.observation_space().size(), head(one.action_space()).map_err(TaskError::NoHead)?)
        };
        let architecture = self.network.architecture(size, head);
        let parameters = architecture.initial(&mut streams.stream("network", 0));
        let start = Network { architecture: architecture.clone(), parameters };
        let mut learner = self.compute.learner(&start)?;
        let mut experience = ControlExperience::new(make, sampling, update.gamma, streams);
        let store = match checkpoints {
            None => None,
            Some(folder) => {
                let identity = Identity {
                    environment: experience.name(),
                    architecture,
                    settings: self.settings()?,
                    streams,
                };
                Some(Checkpoints::new(folder, identity, self.checkpoint_every))
            }
        };
        let plan = Plan {
            config: update,
            iterations: self.iterations(),
            streams,
            reference: None,
            checkpoints: store.as_ref(),
            progress,
        };
        let trained = train(&mut experience, learner.as_mut(), &plan)?;
        let episodes = sampling.evaluation_episodes;
        Ok(TaskResult {
            scaler: experience.scaler(),
            env_steps: trained.env_steps,
            last_returns: experience.recent_returns().to_vec(),
            evaluation: experience.evaluate(&trained.network, episodes, false)?,
            evaluation_sampled: experience.evaluate(&trained.network, episodes, true)?,
            network: trained.network,
        })
    }

    /// Settings that a checkpoint must share.
    fn settings(&self) -> Result<serde_json::Value, TaskError> {
        let mut settings = serde_json::to_value(self).map_err(|e| TaskError::Failed(e.into()))?;
        if let Some(table) = settings.as_object_mut() {
            // How often something is written changes nothing of what is computed.
            table.remove("checkpoint_every");
        }
        Ok(settings)
    }
}

impl TaskResult {
    /// The weights file: named tensors, and what normalises observations.
    ///
    /// # Errors
    /// Weights that do not fit their shapes.
    pub fn weights(&self) -> Result<Vec<u8>, safetensors::SafeTensorError> {
        weights::bytes(&self.network, &self.scaler)
    }
}

/// Why a run on a task failed.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// No such task.
    #[error("unknown task `{0}`")]
    UnknownTask(String),
    /// The action space fits no head.
    #[error("{0}")]
    NoHead(String),
    /// The device is not there.
    #[error(transparent)]
    Compute(#[from] ComputeError),
    /// Training failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// Evaluation failed.
    #[error(transparent)]
    Failed(#[from] Failed),
}

#[cfg(test)]
#[path = "task_tests.rs"]
mod tests;
