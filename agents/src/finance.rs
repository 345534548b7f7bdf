//! The finance world as a source of rollouts: whole episodes of many users, paid by a reward that
//! is refitted on each of them.

use std::time::Instant;

use rayon::prelude::*;
use trueup_calibration::calibrator::CalibrationError;
use trueup_calibration::evaluate::Validation;
use trueup_calibration::population::Population;
use trueup_env::{Actions, CheckedWorld, EventLog, FinanceLanes, Lanes, Streams};

use crate::amounts::Amounts;
use crate::architecture::Network;
use crate::experience::{Experience, Failed, Judgement};
use crate::network_policy::{NetworkActor, NetworkPolicy};
use crate::policy::{Actor, Decision, inner, play, simulate};
use crate::reference::likelihood;
use crate::rollout::{End, Ending, Rollout};
use crate::step_reward::{StepReward, Steps};

/// Users per parallel piece. Fixed, so that a rollout does not depend on the number of threads.
const CHUNK: usize = 256;

/// Users of the finance world.
pub struct FinanceExperience {
    world: CheckedWorld,
    amounts: Amounts,
    reward: Box<dyn StepReward>,
    users: usize,
    judge: Option<Judge>,
    metrics: Vec<(&'static str, f64)>,
    seconds: [f64; 2],
}

/// A panel over some of the training users.
pub struct Judge {
    /// The panel.
    pub validation: Validation,
    /// Whom it is about.
    pub population: Population,
    /// Simulated users a judgement.
    pub users: usize,
    /// Iterations between judgements; the last is always judged.
    pub every: usize,
    /// Random numbers, the same for every judgement.
    pub streams: Streams,
}

impl FinanceExperience {
    /// `users` users a rollout. Without a judge the last weights are shipped.
    pub fn new(
        world: CheckedWorld,
        amounts: Amounts,
        reward: Box<dyn StepReward>,
        users: usize,
        judge: Option<Judge>,
    ) -> Self {
        Self { world, amounts, reward, users, judge, metrics: Vec::new(), seconds: [0.0; 2] }
    }

    fn policy(&self, network: &Network) -> NetworkPolicy {
        NetworkPolicy { network: network.clone(), amounts: self.amounts.clone() }
    }
}

impl Experience for FinanceExperience {
    fn name(&self) -> String {
        "finance 1".into()
    }

    fn collect(&mut self, network: &Network, streams: &Streams) -> Result<Rollout, Failed> {
        let policy = self.policy(network);
        let episodes = episodes(&self.world, &policy, self.users, streams)?;
        let (mut rollout, log) = (episodes.rollout, episodes.log);
        let steps = Steps {
            lanes: rollout.lanes,
            size: rollout.size,
            observations: &rollout.observations,
            lane: &rollout.lane,
            whole: &rollout.whole,
            log_probability: &rollout.log_probability,
            likelihood: &|choices| likelihood(network, choices),
        };
        rollout.rewards = self.reward.pay(&steps, &log, &streams.child("reward", 0))?;
        check_rewards(&rollout)?;
        self.seconds = episodes.seconds;
        self.metrics = vec![
            ("discrepancy", self.reward.discrepancy()),
            ("events_per_user", log.events().len() as f64 / self.users as f64),
        ];
        Ok(rollout)
    }

    fn metrics(&self) -> Vec<(&'static str, f64)> {
        self.metrics.clone()
    }

    fn seconds(&self) -> [f64; 2] {
        self.seconds
    }

    fn judge(
        &mut self,
        network: &Network,
        done: usize,
        total: usize,
    ) -> Result<Option<Judgement>, Failed> {
        let Some(judge) = &self.judge else { return Ok(None) };
        if !done.is_multiple_of(judge.every.max(1)) && done != total {
            return Ok(None);
        }
        let log = simulate(&self.world, &self.policy(network), judge.users, &judge.streams)?;
        let score = judge.validation.score(&judge.population.select(&log));
        Ok(Some(Judgement { score: Some(score), metrics: vec![("validation", score)] }))
    }

    fn state(&self) -> Vec<u8> {
        self.reward.state()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), Failed> {
        Ok(self.reward.restore(state)?)
    }
}

/// A reward that is not a number stops the run where it arises.
fn check_rewards(rollout: &Rollout) -> Result<(), Failed> {
    match rollout.rewards.iter().position(|reward| !reward.is_finite()) {
        None => Ok(()),
        Some(row) => {
            let lane = rollout.lane[row];
            let step = rollout.lane[..row].iter().filter(|&&other| other == lane).count();
            let value = rollout.rewards[row];
            Err(format!(
                "finance: user {lane}, step {step}: reward is {value}, not a finite number"
            )
            .into())
        }
    }
}

/// Whole episodes, not yet paid.
pub struct Episodes {
    /// The steps; rewards are 0.
    pub rollout: Rollout,
    /// What the users did.
    pub log: EventLog,
    /// Seconds in the environment and in the network, over all threads.
    pub seconds: [f64; 2],
}

/// Notes every decision of an actor.
struct Recorder<'a> {
    actor: NetworkActor<'a>,
    rollout: Rollout,
}

impl Actor for Recorder<'_> {
    fn act(&mut self, decision: &Decision<'_>, actions: &mut Actions) {
        self.actor.act(decision, actions);
        self.rollout.observations.extend_from_slice(decision.observations);
        self.rollout.masks.extend_from_slice(decision.masks);
        self.rollout.lane.extend_from_slice(decision.lanes);
        self.rollout.whole.extend_from_slice(&self.actor.draws.whole);
        self.rollout.log_probability.extend_from_slice(&self.actor.draws.log_probability);
    }
}

/// Plays whole episodes of `users` users.
///
/// # Errors
/// An action outside the action space.
pub fn episodes(
    world: &CheckedWorld,
    policy: &NetworkPolicy,
    users: usize,
    streams: &Streams,
) -> Result<Episodes, CalibrationError> {
    let starts: Vec<usize> = (0..users).step_by(CHUNK).collect();
    let parts: Result<Vec<Episodes>, CalibrationError> = starts
        .par_iter()
        .map(|&first| piece(world, policy, first as u64, CHUNK.min(users - first), streams))
        .collect();
    let (mut rollout, mut logs, mut seconds) = (Rollout::default(), Vec::new(), [0.0; 2]);
    for (part, &first) in parts?.into_iter().zip(&starts) {
        rollout.append(part.rollout, first as u32);
        logs.push(part.log);
        seconds = [seconds[0] + part.seconds[0], seconds[1] + part.seconds[1]];
    }
    let log = EventLog::concatenate(logs).map_err(inner)?;
    Ok(Episodes { rollout, log, seconds })
}

fn piece(
    world: &CheckedWorld,
    policy: &NetworkPolicy,
    first: u64,
    count: usize,
    streams: &Streams,
) -> Result<Episodes, CalibrationError> {
    let started = Instant::now();
    let mut lanes = FinanceLanes::new(world.clone(), count).first_user(first);
    lanes.reset(streams);
    let size = lanes.observation_space().size();
    let actor = policy.network_actor(first, count, streams);
    let rollout = Rollout { size, lanes: count, ..Rollout::default() };
    let mut recorder = Recorder { actor, rollout };
    play(&mut lanes, &mut recorder)?;
    let mut rollout = recorder.rollout;
    rollout.rewards = vec![0.0; rollout.rows()];
    rollout.ends = last_rows(&rollout);
    let inference = recorder.actor.seconds;
    let log = lanes.log("").map_err(inner)?;
    Ok(Episodes { rollout, log, seconds: [started.elapsed().as_secs_f64() - inference, inference] })
}

/// The last row of each lane. The end of the horizon is a truncation of the world but the end of
/// the task: a reward speaks of what users do within the window, and how much of it is left is in
/// the observation. So nothing after it is worth anything.
fn last_rows(rollout: &Rollout) -> Vec<End> {
    let mut last = vec![None; rollout.lanes];
    for (row, &lane) in rollout.lane.iter().enumerate() {
        last[lane as usize] = Some(row as u32);
    }
    let mut ends: Vec<End> =
        last.into_iter().flatten().map(|row| End { row, ending: Ending::Terminated }).collect();
    ends.sort_unstable_by_key(|end| end.row);
    ends
}
