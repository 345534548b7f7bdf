//! What the steps of a rollout of the finance world earn.
//!
//! A reward looks at a whole rollout, refits itself and pays every row. [`Witnessed`] pays by a
//! reward that is fitted from statistics alone; [`crate::discriminator`] has the learned ones,
//! which need the real users' sequences.

use trueup_calibration::calibrator::CalibrationError;
use trueup_calibration::reward::{Reward, Term};
use trueup_env::{EventLog, Streams};

/// What the steps of a rollout of the finance world earn; refitted on every rollout.
pub trait StepReward: Send {
    /// Name in configs and results.
    fn name(&self) -> &'static str;

    /// What it optimises. A learned reward has no discrepancy of the panel: it names every feature
    /// that it may see, with its own name as the discrepancy, so that a panel counts no metric as
    /// optimised but all metrics of these features as rewarded.
    fn terms(&self) -> &[Term];

    /// Refits on the rollout, and pays each row. `log` is what the users did (user i is lane i);
    /// `streams` are those of the iteration.
    ///
    /// # Errors
    /// A rollout that cannot be paid, or a pay that is not finite.
    fn pay(
        &mut self,
        steps: &Steps<'_>,
        log: &EventLog,
        streams: &Streams,
    ) -> Result<Vec<f32>, CalibrationError>;

    /// How far the users of the last rollout were from the real ones, by the reward's own measure;
    /// NaN before the first.
    fn discrepancy(&self) -> f64;

    /// Everything that outlives a rollout (memories, weights, optimisers), exactly.
    fn state(&self) -> Vec<u8>;

    /// Takes up a state of the same reward: it goes on from there to the same bits.
    ///
    /// # Errors
    /// A state of another reward, or a broken one. The reward stays as it was.
    fn restore(&mut self, state: &[u8]) -> Result<(), CalibrationError>;
}

/// The decisions of somebody: what he saw, and what he did.
#[derive(Clone, Copy, Debug)]
pub struct Choices<'a> {
    /// Observations, rows x size.
    pub observations: &'a [f32],
    /// Feasible choices, rows x choices.
    pub masks: &'a [bool],
    /// Kind (0 for "nothing") and amount bin (0 for "nothing"), rows x 2.
    pub whole: &'a [u16],
}

/// The log probability of each of somebody's decisions under the policy that acted.
pub type Likelihood<'a> = dyn Fn(&Choices<'_>) -> Vec<f32> + Sync + 'a;

/// A rollout: rows of one lane are in time order, rows of different lanes are interleaved.
#[derive(Clone, Copy)]
pub struct Steps<'a> {
    /// Number of users.
    pub lanes: usize,
    /// Numbers per observation.
    pub size: usize,
    /// Observations, rows x size.
    pub observations: &'a [f32],
    /// The user of each row.
    pub lane: &'a [u32],
    /// Kind (0 for "nothing") and amount bin (0 for "nothing"), rows x 2.
    pub whole: &'a [u16],
    /// Log probability of each action under the policy that took it.
    pub log_probability: &'a [f32],
    /// That policy, for the actions of others.
    pub likelihood: &'a Likelihood<'a>,
}

impl Steps<'_> {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.lane.len()
    }

    /// Refuses arrays that do not fit each other or the log.
    ///
    /// # Errors
    /// What does not fit, in the name of `reward`.
    pub fn check(&self, log: &EventLog, reward: &'static str) -> Result<(), CalibrationError> {
        let rows = self.rows();
        let found = [
            ("users of the log", log.user_count(), self.lanes),
            ("observed numbers", self.observations.len(), rows * self.size),
            ("numbers of actions", self.whole.len(), rows * 2),
            ("log probabilities", self.log_probability.len(), rows),
        ];
        let mut wrong = found
            .iter()
            .filter(|(_, given, wanted)| given != wanted)
            .map(|(what, given, wanted)| format!("{given} {what} where {wanted} belong"));
        let outside = self.lane.iter().find(|&&lane| lane as usize >= self.lanes);
        let why = wrong.next().or_else(|| {
            outside.map(|lane| format!("lane {lane} in a rollout of {} lanes", self.lanes))
        });
        match why {
            None => Ok(()),
            Some(why) => Err(CalibrationError::CannotFit { calibrator: reward, why }),
        }
    }

    /// Puts pays of events (in the order of the log) on the rows of the events, and what each user
    /// earns at the end on his last row.
    pub fn spread(&self, log: &EventLog, events: &[f64], ends: &[f64]) -> Vec<f32> {
        let mut paid: Vec<usize> = log.offsets().to_vec();
        let mut rewards: Vec<f64> = Vec::with_capacity(self.rows());
        for (&lane, whole) in self.lane.iter().zip(self.whole.chunks_exact(2)) {
            let lane = lane as usize;
            let mut reward = 0.0;
            if whole[0] > 0 && paid[lane] < log.offsets()[lane + 1] {
                reward = events[paid[lane]];
                paid[lane] += 1;
            }
            rewards.push(reward);
        }
        let mut ended = vec![false; self.lanes];
        for (reward, &lane) in rewards.iter_mut().zip(self.lane).rev() {
            let lane = lane as usize;
            if !std::mem::replace(&mut ended[lane], true) {
                *reward += ends[lane];
            }
        }
        rewards.into_iter().map(|reward| reward as f32).collect()
    }
}

/// Rewards that must be finite, in the name of `reward`.
pub(crate) fn finite(
    rewards: Vec<f32>,
    steps: &Steps<'_>,
    reward: &'static str,
) -> Result<Vec<f32>, CalibrationError> {
    match rewards.iter().position(|pay| !pay.is_finite()) {
        None => Ok(rewards),
        Some(row) => Err(CalibrationError::CannotFit {
            calibrator: reward,
            why: format!("it pays {} at row {row}, lane {}", rewards[row], steps.lane[row]),
        }),
    }
}

/// Pays by a reward that is fitted from statistics.
pub struct Witnessed(pub Box<dyn Reward>);

impl StepReward for Witnessed {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn terms(&self) -> &[Term] {
        self.0.terms()
    }

    fn pay(
        &mut self,
        steps: &Steps<'_>,
        log: &EventLog,
        _streams: &Streams,
    ) -> Result<Vec<f32>, CalibrationError> {
        let name = self.name();
        steps.check(log, name)?;
        let pay = self.0.pay(log).map_err(|error| inner(name, error))?;
        finite(steps.spread(log, &pay.events, &pay.ends), steps, name)
    }

    fn discrepancy(&self) -> f64 {
        self.0.discrepancy()
    }

    fn state(&self) -> Vec<u8> {
        self.0.state()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), CalibrationError> {
        let name = self.name();
        self.0.restore(state).map_err(|error| inner(name, error))
    }
}

/// Wraps an error below a reward.
pub(crate) fn inner(
    reward: &'static str,
    error: impl std::error::Error + Send + Sync + 'static,
) -> CalibrationError {
    CalibrationError::Inner { calibrator: reward, source: Box::new(error) }
}

#[cfg(test)]
mod tests {
    use trueup_calibration::reward::RewardConfig;
    use trueup_env::{Clock, Covariates, Event, Tick};

    use super::*;
    use crate::test_world::{HORIZON, statistics};

    /// Two users: the first acts at ticks 1 (twice) and 3, the second never.
    fn log() -> EventLog {
        let event = |tick, amount| (0, Event { tick, kind: 0, amount, balance: f64::NAN });
        let clock = Clock { tick: Tick::Week, horizon: HORIZON, start_day: None };
        let events = [event(1, 5.0), event(1, 70.0), event(3, 20.0)];
        let users = vec!["a".into(), "b".into()];
        EventLog::new(clock, vec!["purchase".into()], users, events, Covariates::default()).unwrap()
    }

    /// (lane, kind) as a world asks: both lanes, then whoever has just acted.
    const ROWS: [(u32, u16); 10] =
        [(0, 0), (1, 0), (0, 1), (1, 0), (0, 1), (0, 0), (0, 0), (1, 0), (0, 1), (1, 0)];

    fn nobody(_: &Choices<'_>) -> Vec<f32> {
        Vec::new()
    }

    #[test]
    fn pays_land_on_the_rows_of_their_events_and_ends_on_the_last_row() {
        let (lane, kind): (Vec<u32>, Vec<u16>) = ROWS.into_iter().unzip();
        let whole: Vec<u16> = kind.iter().flat_map(|&kind| [kind, 0]).collect();
        let steps = Steps {
            lanes: 2,
            size: 0,
            observations: &[],
            lane: &lane,
            whole: &whole,
            log_probability: &[0.0; 10],
            likelihood: &nobody,
        };
        steps.check(&log(), "test").unwrap();
        let rewards = steps.spread(&log(), &[1.0, 2.0, 3.0], &[10.0, 20.0]);
        assert_eq!(rewards, [0.0, 0.0, 1.0, 0.0, 2.0, 0.0, 0.0, 0.0, 13.0, 20.0]);
        let short = Steps { log_probability: &[0.0; 9], ..steps };
        assert!(short.check(&log(), "test").unwrap_err().to_string().contains("9 log prob"));
        let few = Steps { lanes: 1, ..steps };
        assert!(few.check(&log(), "test").is_err());

        // What a reward pays lies on the rows of the events.
        let mut reward = RewardConfig::default().build(&statistics()).unwrap();
        let pay = reward.pay(&log()).unwrap();
        let (pays, end) = (&pay.events, pay.ends[0]);
        let fresh = RewardConfig::default().build(&statistics()).unwrap();
        let mut witnessed = Witnessed(fresh);
        let rewards = witnessed.pay(&steps, &log(), &Streams::new(1)).unwrap();
        assert_eq!(rewards[2], pays[0] as f32);
        assert_eq!(rewards[4], pays[1] as f32);
        assert_eq!(rewards[8], (pays[2] + end) as f32);
        assert!(pays.iter().all(|pay| *pay != 0.0));
        assert_eq!(witnessed.state(), reward.state());
    }
}
