//! Episodes of many users under a network, with all that an update needs to know of each step.

use rayon::prelude::*;
use trueup_calibration::calibrator::CalibrationError;
use trueup_env::{Actions, CheckedWorld, EventLog, FinanceLanes, Lanes, Payment, Streams, replay};

use crate::gae::Row;
use crate::network_policy::{NetworkActor, NetworkPolicy};
use crate::policy::{Actor, Decision, inner, play};

/// Users per parallel piece. Fixed, so that a rollout does not depend on the number of threads.
const CHUNK: usize = 256;

/// Steps in flat arrays, one entry a row; rows of one lane are in time order.
#[derive(Clone, Debug, Default)]
pub struct Rollout {
    /// Observations, rows x size.
    pub observations: Vec<f32>,
    /// Feasible choices, rows x choices.
    pub masks: Vec<bool>,
    /// The user.
    pub lane: Vec<u32>,
    /// Choice: 0 for "nothing".
    pub kind: Vec<u16>,
    /// Amount bin; 0 for "nothing".
    pub bin: Vec<u16>,
    /// Log probability of the choice under the policy that made it.
    pub log_probability: Vec<f32>,
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
        self.rollout.kind.extend_from_slice(&actions.kind);
        self.rollout.bin.extend_from_slice(&self.actor.draws.bin);
        self.rollout.log_probability.extend_from_slice(&self.actor.draws.log_probability);
    }
}

impl Rollout {
    /// Plays whole episodes of `users` users; the log holds what they did.
    ///
    /// # Errors
    /// An action outside the action space.
    pub fn collect(
        world: &CheckedWorld,
        policy: &NetworkPolicy,
        users: usize,
        streams: &Streams,
    ) -> Result<(Self, EventLog), CalibrationError> {
        let starts: Vec<usize> = (0..users).step_by(CHUNK).collect();
        let parts: Result<Vec<(Self, EventLog)>, CalibrationError> = starts
            .par_iter()
            .map(|&first| {
                let count = CHUNK.min(users - first);
                let mut lanes = FinanceLanes::new(world.clone(), count).first_user(first as u64);
                lanes.reset(streams);
                let actor = policy.network_actor(first as u64, count, streams);
                let mut recorder = Recorder { actor, rollout: Self::default() };
                play(&mut lanes, &mut recorder)?;
                recorder.rollout.lane.iter_mut().for_each(|lane| *lane += first as u32);
                Ok((recorder.rollout, lanes.log("").map_err(inner)?))
            })
            .collect();
        let (parts, logs): (Vec<Self>, Vec<EventLog>) = parts?.into_iter().unzip();
        let log = EventLog::concatenate(logs).map_err(inner)?;
        Ok((Self::concatenate(parts), log))
    }

    fn concatenate(parts: Vec<Self>) -> Self {
        let mut all = Self::default();
        for part in parts {
            all.observations.extend(part.observations);
            all.masks.extend(part.masks);
            all.lane.extend(part.lane);
            all.kind.extend(part.kind);
            all.bin.extend(part.bin);
            all.log_probability.extend(part.log_probability);
        }
        all
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.lane.len()
    }

    /// What each row earns under a frozen payment, with the ends of the episodes marked: rows for
    /// advantage estimation, values still 0.
    ///
    /// The end of the horizon is a truncation of the world but the end of the task: a payment
    /// speaks of what users do within the window, and how much of it is left is in the
    /// observation. So the value after the last step is 0.
    pub fn pay(&self, log: &EventLog, payment: &dyn Payment) -> Vec<Row> {
        let users: Vec<(Vec<f64>, f64)> = (0..log.user_count())
            .into_par_iter()
            .map(|user| {
                let mut pays = Vec::with_capacity(log.events_of(user).len());
                let end = replay(payment, log.events_of(user), |pay| pays.push(pay));
                (pays, end)
            })
            .collect();
        let mut paid = vec![0_usize; users.len()];
        let mut rows: Vec<Row> = Vec::with_capacity(self.rows());
        for (&lane, &kind) in self.lane.iter().zip(&self.kind) {
            let mut reward = 0.0;
            if kind > 0 {
                let user = lane as usize;
                reward = users[user].0.get(paid[user]).copied().unwrap_or(0.0) as f32;
                paid[user] += 1;
            }
            rows.push(Row { lane, reward, value: 0.0, last: None });
        }
        let mut seen = vec![false; users.len()];
        for row in rows.iter_mut().rev() {
            let user = row.lane as usize;
            if !seen[user] {
                seen[user] = true;
                row.reward += users[user].1 as f32;
                row.last = Some(0.0);
            }
        }
        rows
    }
}
