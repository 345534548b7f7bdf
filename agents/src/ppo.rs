//! Proximal policy optimisation (Schulman et al. 2017) of users whose reward moves.
//!
//! Each iteration: simulate users with the current policy; refit the reward on what they did and
//! freeze it; refit the value network on the new rewards, because the old values answer another
//! question; estimate advantages; take a few epochs of clipped policy steps; average the weights.
//! The averaged weights are what is shipped: last iterates swing.

use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use trueup_calibration::calibrator::{Brief, CalibrationError, Calibrator, Simulator};
use trueup_calibration::reward::Reward;
use trueup_calibration::statistics::Statistics;
use trueup_env::{CheckedWorld, Lanes, Streams};

use crate::amounts::Amounts;
use crate::batch::{Batch, Figures};
use crate::gae::advantages;
use crate::gradients::clip_global_norm;
use crate::network::{ActorCritic, Architecture};
use crate::network_policy::NetworkPolicy;
use crate::policy::PolicySimulator;
use crate::rollout::Rollout;
use crate::weights;

/// Settings of a training run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PpoConfig {
    /// Rollouts, each followed by an update.
    pub iterations: usize,
    /// Users simulated per rollout, each over the whole horizon.
    pub users: usize,
    /// Passes over a rollout per update.
    pub epochs: usize,
    /// Minibatches per pass.
    pub minibatches: usize,
    /// Passes that refit the value network on the new rewards before advantages are computed.
    pub value_epochs: usize,
    /// Adam's step size at the start.
    pub learning_rate: f64,
    /// The share of it that is left at the end; linear in between.
    pub final_learning_rate_share: f64,
    /// Clip range of the probability ratio.
    pub clip: f32,
    /// Discount per step. Rewards telescope over a fixed window, so 1 is exact.
    pub gamma: f32,
    /// Decay of advantage estimation.
    pub lambda: f32,
    /// Weight of the entropy of kinds in the loss.
    pub entropy: f32,
    /// Weight of the value loss.
    pub value_weight: f32,
    /// Largest norm of the gradient over all parameters together.
    pub gradient_norm: f32,
    /// Units of each hidden layer.
    pub hidden: Vec<usize>,
    /// Quantile bins of the amount per kind.
    pub amount_bins: usize,
    /// Share of steps without an event that an update looks at, with weight 1 / share.
    pub idle_share: f64,
    /// Share of the old average that is kept when an iteration's weights enter it.
    pub average: f32,
}

impl Default for PpoConfig {
    fn default() -> Self {
        Self {
            iterations: 90,
            users: 2048,
            epochs: 4,
            minibatches: 8,
            value_epochs: 2,
            learning_rate: 1e-3,
            final_learning_rate_share: 0.05,
            clip: 0.2,
            gamma: 1.0,
            lambda: 0.97,
            entropy: 0.0,
            value_weight: 0.5,
            gradient_norm: 0.5,
            hidden: vec![64, 64],
            amount_bins: 32,
            idle_share: 0.3,
            average: 0.96,
        }
    }
}

impl PpoConfig {
    /// Refuses what cannot run.
    ///
    /// # Errors
    /// (field, what is wrong with it and what would be right).
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let at_least_one = [
            ("iterations", self.iterations),
            ("users", self.users),
            ("epochs", self.epochs),
            ("minibatches", self.minibatches),
            ("amount_bins", self.amount_bins),
        ];
        for (field, value) in at_least_one {
            if value == 0 {
                return Err((field, "is 0, but must be at least 1".into()));
            }
        }
        if self.amount_bins > 1024 {
            return Err((
                "amount_bins",
                format!("is {}, but at most 1024 are supported", self.amount_bins),
            ));
        }
        if self.hidden.contains(&0) || self.hidden.is_empty() {
            return Err(("hidden", "must name at least one layer, each of at least 1 unit".into()));
        }
        let positive = [
            ("learning_rate", self.learning_rate),
            ("clip", f64::from(self.clip)),
            ("gradient_norm", f64::from(self.gradient_norm)),
        ];
        for (field, value) in positive {
            if !(value.is_finite() && value > 0.0) {
                return Err((field, format!("is {value}, but must be a positive number")));
            }
        }
        let shares = [
            ("final_learning_rate_share", self.final_learning_rate_share, 0.0),
            ("gamma", f64::from(self.gamma), 0.0),
            ("lambda", f64::from(self.lambda), 0.0),
            ("idle_share", self.idle_share, 1e-3),
            ("average", f64::from(self.average), 0.0),
        ];
        for (field, value, low) in shares {
            if !(low..=1.0).contains(&value) {
                return Err((field, format!("is {value}, but must lie between {low} and 1")));
            }
        }
        for (field, value) in [("entropy", self.entropy), ("value_weight", self.value_weight)] {
            if !(value.is_finite() && value >= 0.0) {
                return Err((field, format!("is {value}, but must be at least 0")));
            }
        }
        Ok(())
    }
}

/// The calibrator `ppo`.
pub struct Ppo {
    config: PpoConfig,
    world: CheckedWorld,
    reward: Box<dyn Reward>,
}

impl Ppo {
    /// A trainer with a checked config.
    pub fn new(config: PpoConfig, world: CheckedWorld, reward: Box<dyn Reward>) -> Self {
        Self { config, world, reward }
    }

    /// A network whose first policy has the external base rates of the kinds and the external
    /// distribution of amounts.
    fn first_policy(
        &self,
        statistics: &Statistics,
        streams: &Streams,
        device: &Device,
    ) -> NetworkPolicy {
        let lanes = trueup_env::FinanceLanes::new(self.world.clone(), 1);
        let architecture = Architecture {
            observation: lanes.observation_space().size(),
            hidden: self.config.hidden.clone(),
            choices: self.world.choices(),
            bins: self.config.amount_bins,
        };
        let network = ActorCritic::new(&architecture, &mut streams.stream("network", 0), device)
            .with_kind_bias(&base_rates(statistics), device);
        let amounts = Amounts::new(statistics, self.config.amount_bins);
        NetworkPolicy { network, architecture, amounts }
    }
}

/// Log probabilities of "nothing" and of each kind per decision in the external log. A decision
/// follows every event as well as every tick.
fn base_rates(statistics: &Statistics) -> Vec<f32> {
    let ticks = statistics.users as f64 * f64::from(statistics.clock.horizon);
    let decisions = (ticks + statistics.events as f64).max(1.0);
    // Half an event keeps a kind that never happens possible.
    let share = |events: f64| ((events.max(0.5) / decisions).ln()) as f32;
    let kinds = statistics.kind_events.iter().map(|&n| share(n as f64));
    std::iter::once(share(ticks)).chain(kinds).collect()
}

impl Calibrator for Ppo {
    fn name(&self) -> &'static str {
        "ppo"
    }

    fn calibrate(&mut self, brief: &Brief<'_>) -> Result<Box<dyn Simulator>, CalibrationError> {
        let device = Device::flex().autodiff();
        let config = self.config.clone();
        let streams = brief.streams;
        let mut policy = self.first_policy(brief.statistics, &streams, &device);
        let mut optimizer = AdamConfig::new().with_epsilon(1e-5).init();
        let mut average = policy.network.valid();
        let mut steps = 0;

        for iteration in 0..config.iterations {
            let streams = streams.child("iteration", iteration as u64);
            let started = std::time::Instant::now();

            // Simulate users with the current policy.
            let acting = policy.for_inference();
            let (rollout, log) = Rollout::collect(&self.world, &acting, config.users, &streams)?;
            steps += rollout.rows();

            // Refit the reward on them, freeze it, and pay every step.
            let payment = self.reward.refit(&log).map_err(inner)?;
            let mut rows = rollout.pay(&log, payment.as_ref());

            // Fit the value network on the new rewards: on their plain sums to the end.
            let (_, returns) = advantages(&rows, config.users, config.gamma, 1.0);
            let mut batch = Batch::new(&rollout, &policy.architecture, config.idle_share, &streams);
            batch.returns = returns;
            let left = 1.0 - iteration as f64 / config.iterations as f64;
            let floor = config.final_learning_rate_share;
            let rate = config.learning_rate * (floor + (1.0 - floor) * left);
            for epoch in 0..config.value_epochs {
                for part in batch.shuffled(config.minibatches, "value", epoch, &streams) {
                    let loss = batch.value_loss(&policy.network, &part, &device);
                    let norm = config.gradient_norm;
                    policy.network = step(&mut optimizer, policy.network, loss, rate, norm).0;
                }
            }

            // Advantages under the new values.
            let values = batch.values(&policy.network.valid());
            let explained = explained_variance(&values, &batch.returns);
            rows.iter_mut().zip(&values).for_each(|(row, &value)| row.value = value);
            (batch.advantages, batch.returns) =
                advantages(&rows, config.users, config.gamma, config.lambda);

            // Clipped policy steps, value and entropy beside them.
            let mut figures = Figures::default();
            for epoch in 0..config.epochs {
                for part in batch.shuffled(config.minibatches, "policy", epoch, &streams) {
                    let (policy_loss, seen) = batch.policy_loss(
                        &policy.network,
                        &part,
                        config.clip,
                        config.entropy,
                        &device,
                    );
                    let value_loss = batch.value_loss(&policy.network, &part, &device);
                    let loss = policy_loss + value_loss * config.value_weight;
                    let (network, norm) =
                        step(&mut optimizer, policy.network, loss, rate, config.gradient_norm);
                    policy.network = network;
                    figures.add(&seen, norm);
                }
            }
            if !figures.finite() {
                return Err(CalibrationError::CannotFit {
                    calibrator: "ppo",
                    why: format!(
                        "the loss or its gradient is not finite in iteration {iteration}: lower \
                         learning_rate (now {}) or gradient_norm (now {})",
                        config.learning_rate, config.gradient_norm
                    ),
                });
            }

            average = if iteration == 0 {
                policy.network.valid()
            } else {
                average.averaged(&policy.network.valid(), config.average)
            };

            let seconds = started.elapsed().as_secs_f64();
            let [kl, clip_fraction, entropy, gradient_norm] = figures.means();
            let metrics = [
                ("discrepancy", self.reward.discrepancy()),
                ("events_per_user", log.events().len() as f64 / config.users as f64),
                ("env_steps", steps as f64),
                ("steps_per_second", rollout.rows() as f64 / seconds),
                ("approximate_kl", kl),
                ("clip_fraction", clip_fraction),
                ("entropy", entropy),
                ("gradient_norm", gradient_norm),
                ("explained_variance", explained),
                ("learning_rate", rate),
            ];
            if !brief.progress.iteration(iteration + 1, config.iterations, &metrics) {
                return Err(CalibrationError::Interrupted);
            }
        }

        let files = vec![weights::file(&average).map_err(inner)?];
        let policy = NetworkPolicy { network: average, ..policy };
        let parameters = vec![("env_steps".into(), steps as f64)];
        Ok(Box::new(PolicySimulator { world: self.world.clone(), policy, parameters, files }))
    }
}

/// One Adam step against `loss`, the gradient clipped by its norm over all parameters; returns the
/// norm before clipping.
fn step(
    optimizer: &mut ModuleOptimizer,
    network: ActorCritic,
    loss: burn::tensor::Tensor<1>,
    rate: f64,
    largest_norm: f32,
) -> (ActorCritic, f64) {
    let gradients = GradientsParams::from_grads(loss.backward(), &network);
    let (gradients, norm) = clip_global_norm(&network, gradients, largest_norm);
    (optimizer.step(rate, network, gradients), norm)
}

/// 1 - Var(returns - values) / Var(returns); 0 for returns without variance.
fn explained_variance(values: &[f32], returns: &[f32]) -> f64 {
    let variance = |x: &mut dyn Iterator<Item = f64>| {
        let (mut n, mut sum, mut square) = (0.0, 0.0, 0.0);
        x.for_each(|v| {
            n += 1.0;
            sum += v;
            square += v * v;
        });
        if n > 0.0 { square / n - (sum / n) * (sum / n) } else { 0.0 }
    };
    let total = variance(&mut returns.iter().map(|&r| f64::from(r)));
    let residual =
        variance(&mut returns.iter().zip(values).map(|(&r, &v)| f64::from(r) - f64::from(v)));
    if total > 0.0 { 1.0 - residual / total } else { 0.0 }
}

fn inner(error: impl std::error::Error + Send + Sync + 'static) -> CalibrationError {
    CalibrationError::Inner { calibrator: "ppo", source: Box::new(error) }
}

#[cfg(test)]
#[path = "ppo_tests.rs"]
mod tests;
