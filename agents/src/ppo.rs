//! Proximal policy optimisation (Schulman et al. 2017), for rewards that stand still and rewards
//! that move.
//!
//! [`train`] is the algorithm from top to bottom. Each iteration: act with the current policy;
//! where the reward was refitted on what was done, refit the value network first, because the old
//! values answer another question; estimate advantages; take a few epochs of clipped steps; average
//! the weights; judge them; write a checkpoint. Everything random is derived from (seed, iteration),
//! so a run that goes on from a checkpoint gives the same bits as one that was never interrupted.

use std::time::Instant;

use rayon::prelude::*;
use trueup_calibration::calibrator::Progress;
use trueup_env::Streams;

use crate::architecture::{Architecture, Network};
use crate::batch::Batch;
use crate::checkpoint::{Best, Checkpoint, CheckpointError, Checkpoints};
use crate::experience::{Experience, Failed};
use crate::figures::{Figures, explained_variance};
use crate::fused::Forward;
use crate::gae::advantages;
use crate::learner::{Learner, Objective};
use crate::reference::reference;

pub use crate::ppo_config::PpoConfig;

/// A training run.
pub struct Plan<'a> {
    /// Hyperparameters.
    pub config: &'a PpoConfig,
    /// Rollouts, each followed by an update.
    pub iterations: usize,
    /// Root of all random numbers of the run.
    pub streams: Streams,
    /// The policy that `config.anchor` holds on to.
    pub reference: Option<&'a Network>,
    /// Where checkpoints go, and come from; none: nothing is kept.
    pub checkpoints: Option<&'a Checkpoints>,
    /// Told of every iteration; may ask to stop.
    pub progress: &'a dyn Progress,
}

/// What a training run leaves.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The weights to ship: those judged best, else the average.
    pub network: Network,
    /// Steps made.
    pub env_steps: u64,
    /// The judgement that chose them.
    pub best: Option<Best>,
    /// The judgement of the weights that training ended with, where none of its weights was judged
    /// better than what it started from.
    pub in_vain: Option<f64>,
}

/// Why a training run failed.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The source of steps failed.
    #[error("iteration {iteration}: {source}")]
    Experience {
        /// The iteration, from 1.
        iteration: usize,
        /// What went wrong.
        source: Failed,
    },
    /// The optimisation diverged.
    #[error(
        "iteration {iteration}: {what} is not finite: lower learning_rate (now {rate}) or \
         gradient_norm (now {gradient_norm})"
    )]
    NotFinite {
        /// The iteration, from 1.
        iteration: usize,
        /// Loss or gradient.
        what: &'static str,
        /// The rate.
        rate: f64,
        /// The largest norm.
        gradient_norm: f32,
    },
    /// A checkpoint cannot be written or taken up.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Asked to stop. With checkpoints the run can go on later.
    #[error("interrupted")]
    Interrupted,
}

/// Trains a network.
///
/// # Errors
/// Steps that fail, an optimisation that diverges, checkpoints that do not fit, an interrupt.
pub fn train(
    experience: &mut dyn Experience,
    learner: &mut dyn Learner,
    plan: &Plan<'_>,
) -> Result<Trained, TrainError> {
    // Inside the pool, where a step hands half of its work to another thread in a microsecond;
    // from outside it would wait for the pool each time.
    rayon::scope(|_| loops(experience, learner, plan))
}

fn loops(
    experience: &mut dyn Experience,
    learner: &mut dyn Learner,
    plan: &Plan<'_>,
) -> Result<Trained, TrainError> {
    let config = plan.config;
    let architecture = learner.architecture().clone();
    let head = &architecture.head;
    let mut at = resume(experience, learner, plan)?;
    if at.iteration == 0 {
        // What training starts from may be the best there is: a clone often is.
        let parameters = learner.parameters().to_vec();
        let start = Network { architecture: architecture.clone(), parameters };
        let judged = experience.judge(&start, 0, plan.iterations);
        let judged = judged.map_err(|source| TrainError::Experience { iteration: 0, source })?;
        let score = judged.and_then(|judged| judged.score).filter(|score| score.is_finite());
        at.best = score.map(|score| Best { iteration: 0, score, parameters: start.parameters });
    }

    for iteration in at.iteration..plan.iterations {
        let streams = plan.streams.child("iteration", iteration as u64);
        let failed = |source| TrainError::Experience { iteration: iteration + 1, source };
        let started = Instant::now();

        // Act with the current policy.
        let acting = Network {
            architecture: architecture.clone(),
            parameters: learner.parameters().to_vec(),
        };
        let rollout = experience.collect(&acting, &streams).map_err(failed)?;
        let collected = started.elapsed().as_secs_f64();
        at.env_steps += rollout.rows() as u64;

        // Schedules fall linearly from 1 to the final share.
        let left = 1.0 - iteration as f64 / plan.iterations as f64;
        let rate = config.learning_rate * fall(config.final_learning_rate_share, left);
        let clip = config.clip * fall(config.final_clip_share, left) as f32;
        let step = Stepper { rate: rate as f32, config };
        let mut batch = Batch::new(&rollout, head, config.idle_share, &streams);

        // Refit the value network on the new rewards: on their sums to the end.
        if config.value_epochs > 0 {
            let nothing = vec![0.0; rollout.rows()];
            let after = values(learner, &rollout.last_observations);
            let rows = rollout.valued(&nothing, &after);
            batch.returns = advantages(&rows, rollout.lanes, config.gamma, 1.0).1;
            step.epochs(
                learner,
                &mut batch,
                config.value_epochs,
                "shuffle values",
                &streams,
                &Objective::Value,
            );
        }

        // Advantages under the values as they are now.
        let before = values(learner, &rollout.observations);
        let after = values(learner, &rollout.last_observations);
        let explained = match config.value_epochs {
            0 => None,
            _ => Some(explained_variance(&before, &batch.returns)),
        };
        let rows = rollout.valued(&before, &after);
        (batch.advantages, batch.returns) =
            advantages(&rows, rollout.lanes, config.gamma, config.lambda);
        let explained = explained.unwrap_or_else(|| explained_variance(&before, &batch.returns));
        batch.values = before;

        // Clipped policy steps, value, entropy and anchor beside them.
        let critic_only = iteration < config.critic_iterations;
        batch.reference = plan
            .reference
            .filter(|_| config.anchor > 0.0 && !critic_only)
            .map(|network| reference(network, &rollout.choices()));
        let objective = match critic_only {
            true => Objective::Value,
            false => Objective::Clipped {
                clip,
                value_clip: config.value_clip,
                entropy: config.entropy,
                value: config.value_weight,
                anchor: config.anchor,
            },
        };
        let figures =
            step.epochs(learner, &mut batch, config.epochs, "shuffle", &streams, &objective);
        if let Some(what) = figures.not_finite(learner.parameters()) {
            let (iteration, gradient_norm) = (iteration + 1, config.gradient_norm);
            return Err(TrainError::NotFinite { iteration, what, rate, gradient_norm });
        }

        // Average the weights (Polyak and Juditsky 1992): last iterates swing.
        let share = if iteration == 0 { 0.0 } else { config.average };
        for (average, &new) in at.average.iter_mut().zip(learner.parameters()) {
            *average = share * *average + (1.0 - share) * new;
        }
        at.iteration = iteration + 1;

        // Judge the average, and keep the best.
        let average =
            Network { architecture: architecture.clone(), parameters: at.average.clone() };
        let judged = experience.judge(&average, at.iteration, plan.iterations).map_err(failed)?;
        // A judgement that is not a number chooses nothing.
        let score = judged.as_ref().and_then(|judged| judged.score).filter(|s| s.is_finite());
        if let Some(score) = score
            && at.best.as_ref().is_none_or(|best| score < best.score)
        {
            at.best = Some(Best { iteration: at.iteration, score, parameters: average.parameters });
        }

        // Tell, and keep what is needed to go on.
        let seconds = started.elapsed().as_secs_f64();
        let [environment, inference] = experience.seconds();
        let acting_seconds = (environment + inference).max(f64::MIN_POSITIVE);
        let mut metrics = experience.metrics();
        metrics.extend(figures.metrics());
        metrics.extend([
            ("explained_variance", explained),
            ("learning_rate", rate),
            ("env_steps", at.env_steps as f64),
            ("steps_per_second", rollout.rows() as f64 / seconds),
            ("share_environment", collected * environment / acting_seconds / seconds),
            ("share_inference", collected * inference / acting_seconds / seconds),
            ("share_update", 1.0 - collected / seconds),
        ]);
        metrics.extend(judged.into_iter().flat_map(|judged| judged.metrics));
        let go_on = plan.progress.iteration(at.iteration, plan.iterations, &metrics);
        if let Some(checkpoints) = plan.checkpoints
            && (!go_on || checkpoints.due(at.iteration, plan.iterations))
        {
            at.parameters = learner.parameters().to_vec();
            at.optimiser = learner.optimiser();
            at.experience = experience.state();
            checkpoints.save(&at)?;
        }
        if !go_on {
            return Err(TrainError::Interrupted);
        }
    }

    let ended = Network { architecture: architecture.clone(), parameters: at.average };
    let in_vain = match at.best.as_ref().is_some_and(|best| best.iteration == 0) {
        false => None,
        true => {
            let total = plan.iterations;
            let failed = |source| TrainError::Experience { iteration: total, source };
            experience.judge(&ended, total, total).map_err(failed)?.and_then(|judged| judged.score)
        }
    };
    let network = match &at.best {
        Some(best) => Network { architecture, parameters: best.parameters.clone() },
        None => ended,
    };
    Ok(Trained { network, env_steps: at.env_steps, best: at.best, in_vain })
}

/// Goes on from the newest checkpoint that can be read, or begins.
fn resume(
    experience: &mut dyn Experience,
    learner: &mut dyn Learner,
    plan: &Plan<'_>,
) -> Result<Checkpoint, TrainError> {
    let found = match plan.checkpoints {
        Some(checkpoints) => checkpoints.latest(|note| plan.progress.note(note))?,
        None => None,
    };
    let Some(found) = found else {
        return Ok(Checkpoint { average: learner.parameters().to_vec(), ..Checkpoint::default() });
    };
    let unfit = |why: String| CheckpointError::Unfit { why };
    learner.restore(&found.parameters, &found.optimiser).map_err(|e| unfit(e.to_string()))?;
    experience.restore(&found.experience).map_err(|e| unfit(e.to_string()))?;
    plan.progress.note(&format!("going on after iteration {}", found.iteration));
    Ok(found)
}

/// 1 at the start, `share` at the end, linear in what is left.
fn fall(share: f64, left: f64) -> f64 {
    share + (1.0 - share) * left
}

/// Epochs of minibatch steps at one rate.
struct Stepper<'a> {
    rate: f32,
    config: &'a PpoConfig,
}

impl Stepper<'_> {
    /// Passes over the batch; ends early where a minibatch is farther than `target_kl` from the
    /// policy that acted.
    fn epochs(
        &self,
        learner: &mut dyn Learner,
        batch: &mut Batch<'_>,
        epochs: usize,
        purpose: &str,
        streams: &Streams,
        objective: &Objective,
    ) -> Figures {
        let config = self.config;
        let count = config.minibatches;
        let mut figures = Figures::default();
        for epoch in 0..epochs {
            for i in 0..batch.shuffle(count, purpose, epoch, streams) {
                let part = batch.minibatch(i, count, config.normalise_advantages);
                let seen = learner.step(part, objective, self.rate, config.gradient_norm);
                figures.add(&seen);
                if config.target_kl.is_some_and(|most| seen.kl > most) {
                    return figures;
                }
            }
        }
        figures
    }
}

/// Rows per parallel piece of a forward pass. Fixed, like every chunk.
const CHUNK: usize = 4096;

/// Values of observations, rows x size.
fn values(learner: &mut dyn Learner, observations: &[f32]) -> Vec<f32> {
    let architecture = learner.architecture().clone();
    let network = Network { architecture, parameters: learner.parameters().to_vec() };
    let size = network.architecture.observation;
    let chunk = |rows: &[f32]| Forward::new(&network).values(rows).to_vec();
    observations.par_chunks(CHUNK * size.max(1)).map(chunk).collect::<Vec<_>>().concat()
}

/// Sizes of the hidden layers, as configs give them.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkConfig {
    /// Units of each hidden layer, for policy and value alike.
    pub hidden: Vec<usize>,
    /// The function after each hidden layer.
    pub activation: crate::architecture::Activation,
    /// Whether policy and value share the hidden layers.
    pub shared: bool,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self { hidden: vec![64, 64], activation: Default::default(), shared: false }
    }
}

impl NetworkConfig {
    /// Refuses what cannot be built.
    ///
    /// # Errors
    /// (field, what is wrong with it and what would be right).
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let largest = self.hidden.iter().copied().max().unwrap_or(0);
        if self.hidden.contains(&0) || self.hidden.is_empty() || largest > 1 << 14 {
            let problem = "must name at least one layer, each of 1 to 16384 units".into();
            return Err(("hidden", problem));
        }
        Ok(())
    }

    /// The architecture for observations and decisions.
    pub fn architecture(
        &self,
        observation: usize,
        head: crate::architecture::Head,
    ) -> Architecture {
        let (activation, shared) = (self.activation, self.shared);
        Architecture { observation, hidden: self.hidden.clone(), activation, shared, head }
    }
}

#[cfg(test)]
#[path = "ppo_tests.rs"]
mod tests;
