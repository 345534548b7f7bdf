//! Fitting a network to the decisions of real users.

use std::ops::Range;

use trueup_calibration::calibrator::{Brief, CalibrationError, Remarks};
use trueup_env::{CheckedWorld, EventLog, Streams};

use crate::amounts::Amounts;
use crate::architecture::Network;
use crate::batch::Batch;
use crate::checkpoint::{Best, Checkpoint, Checkpoints, Identity};
use crate::clones::Demonstrations;
use crate::cloning::{CloningConfig, FEWEST_STEPS, NAME, inner};
use crate::learner::{Learner, Objective};
use crate::parts::Parts;
use crate::reference::likelihood;
use crate::rollout::Rollout;

/// A clone, and how it came about.
pub struct Clone {
    /// The weights.
    pub network: Network,
    /// Passes made.
    pub epochs: usize,
    /// Cross-entropy per decision on the users kept aside, nats, before all users were fitted; none
    /// where there were none.
    pub validation: Option<f64>,
}

impl Clone {
    /// What a reader must know of it.
    pub fn remarks(&self, config: &CloningConfig) -> Remarks {
        let untrained = self.epochs == 0;
        let note = format!(
            "The clone was never trained: no pass fits the validation users better than the network \
             that it starts from, which knows base rates, so it is that network; try another \
             learning_rate (now {}).",
            config.learning_rate
        );
        Remarks { untrained, notes: if untrained { vec![note] } else { Vec::new() } }
    }
}

/// Told of each pass with its figures; false stops.
pub type Tell<'a> = dyn Fn(usize, &[(&str, f64)]) -> bool + 'a;

/// What a clone is made of.
pub struct Cloner<'a> {
    /// The world.
    pub world: &'a CheckedWorld,
    /// Users to fit, and users that decide when to stop.
    pub parts: &'a Parts,
    /// The amounts behind the bins.
    pub amounts: &'a Amounts,
    /// The settings.
    pub config: &'a CloningConfig,
}

impl Cloner<'_> {
    /// Clones, or takes up the clone that an interrupted run has left. `settings` are all that the
    /// checkpoint of one must share.
    ///
    /// # Errors
    /// As [`Cloner::fit`], and checkpoints of another run.
    pub fn resumed(
        &self,
        brief: &Brief<'_>,
        start: Network,
        settings: serde_json::Value,
        tell: &Tell<'_>,
    ) -> Result<Clone, CalibrationError> {
        let streams = brief.streams.child(NAME, 0);
        let store = brief.checkpoints.map(|folder| {
            let (environment, architecture) = ("finance 1".into(), start.architecture.clone());
            let identity = Identity { environment, architecture, settings, streams };
            Checkpoints::new(&folder.join(NAME), identity, 1)
        });
        if let Some(store) = &store
            && let Some(found) = store.latest(|note| brief.progress.note(note)).map_err(inner)?
        {
            let network =
                Network { architecture: start.architecture, parameters: found.parameters };
            let validation = found.best.map(|best| best.score);
            return Ok(Clone { network, epochs: found.iteration, validation });
        }
        let clone = self.fit(start, &streams, tell)?;
        if let Some(store) = &store {
            let parameters = clone.network.parameters.clone();
            let best = clone.validation.map(|score| Best {
                iteration: clone.epochs,
                score,
                parameters: parameters.clone(),
            });
            let checkpoint = Checkpoint {
                iteration: clone.epochs,
                average: parameters.clone(),
                parameters,
                best,
                ..Checkpoint::default()
            };
            store.save(&checkpoint).map_err(inner)?;
        }
        Ok(clone)
    }

    /// Clones the users, starting from `network`.
    ///
    /// # Errors
    /// No log, a log that does not fit the world, an optimisation that diverges, an interrupt.
    pub fn fit(
        &self,
        network: Network,
        streams: &Streams,
        tell: &Tell<'_>,
    ) -> Result<Clone, CalibrationError> {
        let Self { world, parts, amounts, config } = *self;
        let Some(fit) = &parts.fit else {
            return Err(CalibrationError::NeedsLog(NAME));
        };
        let mut seen = lived(world, fit, amounts, &streams.child("fit", 0))?;
        let validation = parts.validation.as_ref();
        let lived = |log| lived(world, log, amounts, &streams.child("validation", 0));
        let unseen = validation.map(lived).transpose()?;
        let school = School { config, streams: *streams, tell };
        let best = school.fit(&network, &seen, unseen.as_ref(), 0..config.epochs)?;
        let (epochs, mut parameters) = (best.iteration, best.parameters);
        let validation = unseen.as_ref().map(|_| best.score);
        if config.refit
            && let Some(unseen) = unseen
        {
            let first = seen.lanes as u32;
            seen.append(unseen, first);
            let again = config.epochs..config.epochs + epochs;
            parameters = school.fit(&network, &seen, None, again)?.parameters;
        }
        let network = Network { architecture: network.architecture, parameters };
        Ok(Clone { network, epochs, validation })
    }
}

/// Passes that the average of the weights remembers.
const PASSES: f32 = 3.0;

/// How a network learns decisions.
struct School<'a> {
    config: &'a CloningConfig,
    streams: Streams,
    tell: &'a Tell<'a>,
}

impl School<'_> {
    /// Passes over the decisions. With `unseen` the pass that fits it best wins, or the start where
    /// it fits best; without it the last. `told` are the numbers under which passes are told.
    fn fit(
        &self,
        start: &Network,
        seen: &Rollout,
        unseen: Option<&Rollout>,
        told: Range<usize>,
    ) -> Result<Best, CalibrationError> {
        let mut learner = self.config.compute.learner(start).map_err(inner)?;
        let mut average = start.parameters.clone();
        let mut best = unseen.and_then(|unseen| {
            let (score, parameters) = (cross_entropy(start, unseen), start.parameters.clone());
            score.is_finite().then_some(Best { iteration: 0, score, parameters })
        });
        for epoch in 1..=told.len() {
            let (loss, rate) = self.pass(learner.as_mut(), &mut average, seen, epoch);
            let now =
                Network { architecture: start.architecture.clone(), parameters: average.clone() };
            let score = unseen.map_or(loss, |unseen| cross_entropy(&now, unseen));
            if !score.is_finite() {
                let why = format!(
                    "the cross-entropy is not finite after pass {epoch}: lower learning_rate (now \
                     {})",
                    self.config.learning_rate
                );
                return Err(CalibrationError::CannotFit { calibrator: NAME, why });
            }
            let mut figures = vec![("cross_entropy", loss), ("learning_rate", rate)];
            figures.extend(unseen.map(|_| ("validation", score)));
            if !(self.tell)(told.start + epoch, &figures) {
                return Err(CalibrationError::Interrupted);
            }
            let better = best.as_ref().is_none_or(|best| score < best.score);
            if better || unseen.is_none() {
                best = Some(Best { iteration: epoch, score, parameters: now.parameters });
            } else if best.as_ref().is_some_and(|b| epoch - b.iteration >= self.config.patience) {
                break;
            }
        }
        let parameters = start.parameters.clone();
        Ok(best.unwrap_or(Best { iteration: 0, score: f64::NAN, parameters }))
    }

    /// One pass, over other idle decisions every time; returns its mean loss and its rate.
    ///
    /// `average` follows the weights with a memory of about [`PASSES`]. How often a clone acts is a
    /// sum over many ticks, each of which makes the next event likelier: it multiplies what is left
    /// of the noise of single steps.
    fn pass(
        &self,
        learner: &mut dyn Learner,
        average: &mut [f32],
        seen: &Rollout,
        epoch: usize,
    ) -> (f64, f64) {
        let config = self.config;
        let head = learner.architecture().head.clone();
        let streams = self.streams.child("epoch", epoch as u64);
        let left = 1.0 - (epoch - 1) as f64 / config.epochs as f64;
        let rate = config.learning_rate * (0.05 + 0.95 * left);
        let mut batch = Batch::new(seen, &head, config.idle_share, &streams);
        let count = batch.rows().div_ceil(config.minibatch).max(FEWEST_STEPS);
        let parts = batch.shuffle(count, "cloning", epoch, &streams);
        let mut loss = 0.0;
        for i in 0..parts {
            let part = batch.minibatch(i, count, false);
            loss += learner.step(part, &Objective::Likelihood, rate as f32, f32::INFINITY).loss;
            // Young averages forget their start: the share of the newest is never below 1 / steps.
            let steps = ((epoch - 1) * parts + i + 1) as f32;
            let share = (1.0 / (PASSES * parts as f32)).max(1.0 / steps);
            for (average, &new) in average.iter_mut().zip(learner.parameters()) {
                *average += share * (new - *average);
            }
        }
        (loss / parts.max(1) as f64, rate)
    }
}

/// The decisions of real users as the rows of a rollout.
///
/// Balances are left out: a simulated user's cash follows the world's wallet, and a clone that knew
/// real balances would not find its way there.
fn lived(
    world: &CheckedWorld,
    log: &EventLog,
    amounts: &Amounts,
    streams: &Streams,
) -> Result<Rollout, CalibrationError> {
    let log = log.clone().without_balances();
    let rows = Demonstrations::record(world, &log, amounts, streams).map_err(inner)?;
    let nothing = vec![0.0; rows.rows()];
    Ok(Rollout {
        size: rows.size,
        lanes: log.user_count(),
        observations: rows.observations,
        masks: rows.masks,
        lane: rows.lane,
        whole: rows.whole,
        log_probability: nothing.clone(),
        rewards: nothing,
        ..Rollout::default()
    })
}

/// Mean of - log pi(decision) over all decisions, nats.
pub fn cross_entropy(network: &Network, decisions: &Rollout) -> f64 {
    let logs = likelihood(network, &decisions.choices());
    -logs.iter().map(|&log| f64::from(log)).sum::<f64>() / logs.len().max(1) as f64
}
