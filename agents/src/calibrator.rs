//! The calibrator `ppo`: users trained by a reward, from the external base rates or from a clone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trueup_calibration::calibrator::{Brief, CalibrationError, Calibrator, Remarks, Simulator};
use trueup_calibration::evaluate::Validation;
use trueup_calibration::statistics::Statistics;
use trueup_env::{CheckedWorld, EventLog, FinanceLanes, Lanes, Streams};

use crate::amounts::Amounts;
use crate::architecture::{Head, Network};
use crate::checkpoint::{Checkpoints, Identity};
use crate::cloner::Cloner;
use crate::cloning::CloningConfig;
use crate::compute::Compute;
use crate::finance::{FinanceExperience, Judge};
use crate::network_policy::NetworkPolicy;
use crate::parts::Parts;
use crate::policy::PolicySimulator;
use crate::ppo::{NetworkConfig, Plan, PpoConfig, TrainError, Trained, train};
use crate::step_reward::StepReward;
use crate::weights;

/// Name in configs and results.
pub const NAME: &str = "ppo";

/// Fewest simulated users of a judgement: chance should not choose the weights.
const JUDGED_USERS: usize = 4096;

/// Where training starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// A network that knows how often each kind happens, and the distribution of amounts.
    #[default]
    BaseRates,
    /// A clone of the training users; needs their log.
    Cloning,
}

/// Settings of the calibrator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PpoCalibratorConfig {
    /// Rollouts, each followed by an update.
    pub iterations: usize,
    /// Users simulated per rollout, each over the whole horizon.
    pub users: usize,
    /// Quantile bins of the amount per kind.
    pub amount_bins: usize,
    /// Where training starts.
    pub start: Start,
    /// Share of the training users on whom the weights to ship are chosen, the start among them; 0
    /// ships the last average. They guard against the swings of training, not against a fit too
    /// close to the training users, whom rewards see all. Without a training log there are none.
    pub validation: f64,
    /// Iterations between judgements on them; the last is always judged.
    pub judge_every: usize,
    /// Iterations between checkpoints.
    pub checkpoint_every: usize,
    /// What takes the training steps.
    pub compute: Compute,
    /// The network.
    pub network: NetworkConfig,
    /// The algorithm.
    pub update: PpoConfig,
    /// How a clone is made; its network, bins and validation share are those above.
    pub cloning: CloningConfig,
}

impl Default for PpoCalibratorConfig {
    fn default() -> Self {
        Self {
            iterations: 90,
            users: 2048,
            amount_bins: 32,
            start: Start::default(),
            validation: 0.2,
            judge_every: 5,
            checkpoint_every: 10,
            compute: Compute::default(),
            network: NetworkConfig::default(),
            update: PpoConfig::default(),
            cloning: CloningConfig::default(),
        }
    }
}

impl PpoCalibratorConfig {
    /// Refuses what cannot run.
    ///
    /// # Errors
    /// (field, what is wrong with it and what would be right).
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let counts = [
            ("iterations", self.iterations, usize::MAX),
            ("users", self.users, usize::MAX),
            ("amount_bins", self.amount_bins, 1024),
            ("judge_every", self.judge_every, usize::MAX),
            ("checkpoint_every", self.checkpoint_every, usize::MAX),
        ];
        for (field, value, most) in counts {
            if value == 0 {
                return Err((field, "is 0, but must be at least 1".into()));
            }
            if value > most {
                return Err((field, format!("is {value}, but at most {most} are supported")));
            }
        }
        if !(0.0..=0.9).contains(&self.validation) {
            let problem = format!("is {}, but must lie between 0 and 0.9", self.validation);
            return Err(("validation", problem));
        }
        if self.start == Start::Cloning && self.validation == 0.0 {
            return Err((
                "validation",
                "is 0, but a clone needs users to decide when to stop".into(),
            ));
        }
        self.compute.check()?;
        self.network.check()?;
        self.update.check()?;
        self.cloning.check()
    }

    /// What is done otherwise than these settings say, in a window of so many ticks.
    fn notes(&self, horizon: u32) -> Vec<String> {
        // Every user decides at least once a tick.
        let rows = self.users.saturating_mul(horizon as usize);
        self.update.cut(rows).into_iter().collect()
    }

    /// How the clone that training starts from is made.
    fn clone_config(&self) -> CloningConfig {
        CloningConfig {
            validation: self.validation.max(0.01),
            amount_bins: self.amount_bins,
            compute: self.compute,
            network: self.network.clone(),
            ..self.cloning.clone()
        }
    }
}

/// What a reward is built from.
pub struct RewardSetting<'a> {
    /// The world.
    pub world: &'a CheckedWorld,
    /// Statistics of all training users.
    pub statistics: &'a Statistics,
    /// Their log, for rewards that need it; none where only statistics were handed over.
    pub log: Option<&'a EventLog>,
    /// Random numbers of the reward.
    pub streams: Streams,
}

/// Builds the reward from what a calibrator was given.
pub type RewardBuilder =
    Box<dyn Fn(&RewardSetting<'_>) -> Result<Box<dyn StepReward>, CalibrationError> + Send>;

/// The calibrator.
pub struct Ppo {
    config: PpoCalibratorConfig,
    world: CheckedWorld,
    reward: RewardBuilder,
    /// What the reward is, for the identity of checkpoints.
    reward_settings: serde_json::Value,
}

impl Ppo {
    /// With a checked config. `reward_settings` tells rewards apart in checkpoints.
    pub fn new(
        config: PpoCalibratorConfig,
        world: CheckedWorld,
        reward: RewardBuilder,
        reward_settings: serde_json::Value,
    ) -> Self {
        Self { config, world, reward, reward_settings }
    }

    /// Settings that a checkpoint must share.
    fn settings(&self) -> Result<serde_json::Value, CalibrationError> {
        let mut ppo = serde_json::to_value(&self.config).map_err(inner)?;
        if let Some(table) = ppo.as_object_mut() {
            // How often something is written changes nothing of what is computed.
            table.remove("checkpoint_every");
        }
        Ok(serde_json::json!({ "ppo": ppo, "reward": self.reward_settings }))
    }
}

impl Calibrator for Ppo {
    fn name(&self) -> &'static str {
        NAME
    }

    fn calibrate(&mut self, brief: &Brief<'_>) -> Result<Box<dyn Simulator>, CalibrationError> {
        let config = &self.config;
        let (world, streams) = (&self.world, brief.streams);
        let parts = Parts::of(brief, config.validation, NAME)?;
        let amounts = Amounts::new(brief.statistics, config.amount_bins);
        let (start, doubts) = self.start(brief, &parts, &amounts)?;
        let setting = RewardSetting {
            world,
            statistics: brief.statistics,
            log: brief.train,
            streams: streams.child("reward", 0),
        };
        let reward = (self.reward)(&setting)?;
        let judge = self.judge(brief, &parts)?;
        let mut experience =
            FinanceExperience::new(world.clone(), amounts.clone(), reward, config.users, judge);
        let mut learner = config.compute.learner(&start).map_err(inner)?;
        let settings = self.settings()?;
        let checkpoints = brief.checkpoints.map(|folder| {
            let (environment, architecture) = ("finance 1".into(), start.architecture.clone());
            let identity = Identity { environment, architecture, settings, streams };
            Checkpoints::new(folder, identity, config.checkpoint_every)
        });
        let plan = Plan {
            config: &config.update,
            iterations: config.iterations,
            streams,
            reference: Some(&start),
            checkpoints: checkpoints.as_ref(),
            progress: brief.progress,
        };
        let trained = train(&mut experience, learner.as_mut(), &plan).map_err(failed)?;

        let remarks = self.remarks(&trained, doubts);
        let files = vec![weights::file(&trained.network).map_err(inner)?];
        let policy = NetworkPolicy { network: trained.network, amounts };
        let mut parameters = vec![("env_steps".into(), trained.env_steps as f64)];
        if let Some(best) = trained.best {
            parameters.push(("chosen_iteration".into(), best.iteration as f64));
            parameters.push(("validation".into(), best.score));
        }
        let world = world.clone();
        Ok(Box::new(PolicySimulator { world, policy, parameters, files, remarks }))
    }
}

impl Ppo {
    /// What a reader must know about a training, behind what is known of its start.
    fn remarks(&self, trained: &Trained, mut notes: Vec<String>) -> Remarks {
        let config = &self.config;
        let best = trained.best.as_ref().filter(|best| best.iteration == 0);
        notes.extend(config.notes(self.world.clock.horizon));
        notes.extend(best.map(|best| {
            let start = match config.start {
                Start::BaseRates => {
                    "the network that training started from, which knows base rates"
                }
                Start::Cloning => "the clone that training started from",
            };
            let ended = match trained.in_vain {
                Some(score) if score > best.score => format!(
                    ": training made it worse than its start on validation users (mean distance \
                     {score:.4} at the end, {:.4} at the start)",
                    best.score
                ),
                _ => format!(
                    ": training made it no better than its start on validation users (mean \
                     distance {:.4})",
                    best.score
                ),
            };
            format!(
                "The weights were never trained. What is shipped is {start}{ended}; try more \
                 iterations (now {}) or another update.learning_rate (now {}).",
                config.iterations, config.update.learning_rate
            )
        }));
        Remarks { untrained: best.is_some(), notes }
    }

    /// The network that training starts from, and what a reader must know of it.
    fn start(
        &self,
        brief: &Brief<'_>,
        parts: &Parts,
        amounts: &Amounts,
    ) -> Result<(Network, Vec<String>), CalibrationError> {
        let Self { config, world, .. } = self;
        let (network, bins) = (&config.network, config.amount_bins);
        let first = first_network(world, brief.statistics, network, bins, &brief.streams);
        if config.start == Start::BaseRates {
            return Ok((first, Vec::new()));
        }
        let tell = |epoch: usize, figures: &[(&str, f64)]| {
            if epoch.is_multiple_of(5) {
                let text: Vec<_> = figures.iter().map(|(k, v)| format!("{k} {v:.4}")).collect();
                brief.progress.note(&format!("cloning, pass {epoch}: {}", text.join(", ")));
            }
            !brief.progress.stopped()
        };
        let settings = config.clone_config();
        let cloner = Cloner { world, parts, amounts, config: &settings };
        let clone = cloner.resumed(brief, first, self.settings()?, &tell)?;
        let notes = clone.remarks(&settings).notes;
        Ok((clone.network, notes))
    }

    /// Judges weights on the users kept aside; nobody does where there are none.
    fn judge(&self, brief: &Brief<'_>, parts: &Parts) -> Result<Option<Judge>, CalibrationError> {
        let Some(log) = &parts.validation else { return Ok(None) };
        Ok(Some(Judge {
            validation: Validation::new(log).map_err(inner)?,
            population: brief.statistics.population(),
            users: log.user_count().max(JUDGED_USERS),
            every: self.config.judge_every,
            streams: brief.streams.child("judge", 0),
        }))
    }
}

fn failed(error: TrainError) -> CalibrationError {
    match error {
        TrainError::Interrupted => CalibrationError::Interrupted,
        TrainError::NotFinite { .. } => {
            CalibrationError::CannotFit { calibrator: NAME, why: error.to_string() }
        }
        other => inner(other),
    }
}

/// A network whose first policy has the external base rates of the kinds, and uniform bins: the
/// external distribution of amounts.
pub fn first_network(
    world: &CheckedWorld,
    statistics: &Statistics,
    config: &NetworkConfig,
    bins: usize,
    streams: &Streams,
) -> Network {
    let lanes = FinanceLanes::new(world.clone(), 1);
    let head = Head::Hybrid { choices: world.choices(), bins };
    let architecture = config.architecture(lanes.observation_space().size(), head);
    let mut parameters = architecture.initial(&mut streams.stream("network", 0));
    for slot in architecture.slots().iter().filter(|slot| slot.name == "policy_head.bias") {
        parameters[slot.range.clone()].copy_from_slice(&base_rates(statistics));
    }
    Network { architecture, parameters }
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

fn inner(error: impl std::error::Error + Send + Sync + 'static) -> CalibrationError {
    CalibrationError::Inner { calibrator: NAME, source: Box::new(error) }
}

#[cfg(test)]
#[path = "calibrator_tests.rs"]
mod tests;
