//! Tasks of classic control as a source of rollouts: many copies that go on for ever, cut into
//! pieces of equal length.

use std::time::Instant;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use trueup_env::{Space, StepError, Streams, VectorEnvironment};

use crate::architecture::{Head, Network};
use crate::evaluation::Actor;
use crate::experience::{Experience, Failed, Judgement};
use crate::normaliser::{CLIP, Moments, RewardScaler, Scaler};
use crate::rollout::{End, Ending, Rollout};

pub use crate::control_config::ControlConfig;
pub use crate::evaluation::{Episode, evaluate};

/// Makes `lanes` copies of a task, the first of which is copy number `first` of all.
pub type Make = fn(lanes: usize, first: u64) -> Box<dyn VectorEnvironment>;

/// Most choices of a component: they are stored in 16 bits.
const MOST_CHOICES: usize = 1 << 16;

/// The head that a task's action space wants.
///
/// # Errors
/// A space that no head serves.
pub fn head(space: &Space) -> Result<Head, String> {
    let choices = match space {
        Space::Discrete { n } => vec![*n],
        Space::MultiDiscrete { n } => n.clone(),
        Space::Box { low, .. } if !low.is_empty() => {
            return Ok(Head::Gaussian { size: low.len(), state_dependent: false });
        }
        _ => return Err(format!("no task of classic control has {space:?}")),
    };
    if choices.is_empty() || choices.iter().any(|n| !(1..=MOST_CHOICES).contains(n)) {
        return Err(format!("{space:?} needs 1 to {MOST_CHOICES} choices in every component"));
    }
    Ok(Head::Discrete { choices })
}

/// Copies of one task.
pub struct ControlExperience {
    make: Make,
    config: ControlConfig,
    gamma: f32,
    streams: Streams,
    pieces: Vec<Piece>,
    observed: Option<Moments>,
    rewarded: Option<RewardScaler>,
    episodes: Vec<Episode>,
    recent: Vec<f64>,
    seconds: [f64; 2],
}

/// Some of the copies, stepped by one thread.
struct Piece {
    environment: Box<dyn VectorEnvironment>,
    first: u64,
    /// Return and length so far of each copy's episode.
    running: Vec<Episode>,
}

/// Episodes that the running mean return is taken over.
pub const RECENT: usize = 100;

impl ControlExperience {
    /// Begins episodes in all copies.
    pub fn new(make: Make, config: &ControlConfig, gamma: f32, streams: Streams) -> Self {
        let lanes = config.environments;
        // Pieces by size alone, so that what they do does not depend on the number of threads; two
        // at least, so that two threads have work, and small enough for sixteen.
        let size = lanes.div_ceil(16).clamp(4, 64);
        let begin = |first: usize| {
            let mut environment = make(size.min(lanes - first), first as u64);
            environment.reset(&streams.child("episodes", 0));
            let running = vec![Episode::default(); environment.lanes()];
            Piece { environment, first: first as u64, running }
        };
        let pieces: Vec<Piece> = (0..lanes).step_by(size).map(begin).collect();
        let width = pieces.first().map_or(0, |p| p.environment.observation_space().size());
        Self {
            make,
            observed: config.normalise_observations.then(|| Moments::new(width)),
            rewarded: config.normalise_rewards.then(|| RewardScaler::new(lanes)),
            config: config.clone(),
            gamma,
            streams,
            pieces,
            episodes: Vec::new(),
            recent: Vec::new(),
            seconds: [0.0; 2],
        }
    }

    /// Returns of the last finished training episodes, at most [`RECENT`].
    pub fn recent_returns(&self) -> &[f64] {
        &self.recent
    }

    /// How observations are normalised now.
    pub fn scaler(&self) -> Scaler {
        self.observed.as_ref().map_or_else(Scaler::default, Scaler::of)
    }

    /// Plays one episode on each of `episodes` fresh copies; `sampled` draws actions, else the mode
    /// is taken. Normalisers are frozen.
    ///
    /// # Errors
    /// Rewards or observations that are not finite.
    pub fn evaluate(
        &self,
        network: &Network,
        episodes: usize,
        sampled: bool,
    ) -> Result<Vec<Episode>, Failed> {
        let streams = self.streams.child("evaluation", u64::from(sampled));
        evaluate(self.make, network, &self.scaler(), episodes, sampled, &streams)
    }

    /// Rewards enter the moments in the order of the rows, then all are divided at once.
    fn normalise_rewards(&mut self, rollout: &mut Rollout) {
        let Some(scaler) = &mut self.rewarded else { return };
        let mut ended = vec![false; rollout.rows()];
        for end in rollout.ends.iter().filter(|end| end.ending != Ending::GoesOn) {
            ended[end.row as usize] = true;
        }
        for (row, ended) in ended.into_iter().enumerate() {
            scaler.see(rollout.lane[row] as usize, rollout.rewards[row], ended, self.gamma);
        }
        let factor = scaler.factor();
        rollout.rewards.iter_mut().for_each(|r| *r = (*r * factor).clamp(-CLIP, CLIP));
    }
}

impl Experience for ControlExperience {
    fn name(&self) -> String {
        self.pieces.first().map_or_else(String::new, |piece| piece.environment.name().into())
    }

    fn collect(&mut self, network: &Network, streams: &Streams) -> Result<Rollout, Failed> {
        let (steps, scaler) = (self.config.steps, self.scaler());
        let parts: Result<Vec<Part>, StepError> = self
            .pieces
            .par_iter_mut()
            .map(|piece| piece.collect(network, steps, &scaler, streams))
            .collect();
        let mut rollout = Rollout::default();
        self.seconds = [0.0; 2];
        self.episodes.clear();
        for (part, piece) in parts?.into_iter().zip(&self.pieces) {
            if let Some(observed) = &mut self.observed {
                observed.merge(&part.observed);
            }
            self.episodes.extend(part.episodes);
            self.seconds = [self.seconds[0] + part.seconds[0], self.seconds[1] + part.seconds[1]];
            rollout.append(part.rollout, piece.first as u32);
        }
        self.normalise_rewards(&mut rollout);
        self.recent.extend(self.episodes.iter().map(|episode| episode.sum));
        let old = self.recent.len().saturating_sub(RECENT);
        self.recent.drain(..old);
        Ok(rollout)
    }

    fn metrics(&self) -> Vec<(&'static str, f64)> {
        let mut metrics = vec![("episodes", self.episodes.len() as f64)];
        if !self.episodes.is_empty() {
            let n = self.episodes.len() as f64;
            let mean = |of: fn(&Episode) -> f64| self.episodes.iter().map(of).sum::<f64>() / n;
            metrics.push(("episode_return", mean(|episode| episode.sum)));
            metrics.push(("episode_length", mean(|episode| episode.length as f64)));
        }
        if !self.recent.is_empty() {
            let mean = self.recent.iter().sum::<f64>() / self.recent.len() as f64;
            metrics.push(("return_last_100", mean));
        }
        metrics
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
        let every = self.config.evaluate_every;
        if done == 0 || done != total && (every == 0 || !done.is_multiple_of(every)) {
            return Ok(None);
        }
        let episodes = self.config.evaluation_episodes;
        let mut metrics = Vec::new();
        for (name, sampled) in [("evaluation_return", false), ("evaluation_return_sampled", true)] {
            let played = self.evaluate(network, episodes, sampled)?;
            let sum: f64 = played.iter().map(|episode| episode.sum).sum();
            metrics.push((name, sum / episodes as f64));
        }
        Ok(Some(Judgement { score: None, metrics }))
    }

    fn state(&self) -> Vec<u8> {
        let state = State {
            environments: self.pieces.iter().map(|piece| piece.environment.state()).collect(),
            running: self.pieces.iter().map(|piece| piece.running.clone()).collect(),
            observed: self.observed.clone(),
            rewarded: self.rewarded.clone(),
            recent: self.recent.clone(),
        };
        // Numbers are finite: anything else has stopped the run before.
        serde_json::to_vec(&state).unwrap_or_default()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), Failed> {
        let state: State = serde_json::from_slice(state)?;
        let lanes: Vec<usize> = self.pieces.iter().map(|piece| piece.running.len()).collect();
        let found: Vec<usize> = state.running.iter().map(Vec::len).collect();
        if lanes != found || state.environments.len() != lanes.len() {
            return Err(format!("it has lanes {found:?}, this run {lanes:?}").into());
        }
        let parts = state.environments.iter().zip(state.running);
        for (piece, (environment, running)) in self.pieces.iter_mut().zip(parts) {
            piece.environment.restore(environment)?;
            piece.running = running;
        }
        (self.observed, self.rewarded) = (state.observed, state.rewarded);
        self.recent = state.recent;
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
struct State {
    environments: Vec<Vec<u8>>,
    running: Vec<Vec<Episode>>,
    observed: Option<Moments>,
    rewarded: Option<RewardScaler>,
    recent: Vec<f64>,
}

/// What a piece brings home.
struct Part {
    rollout: Rollout,
    episodes: Vec<Episode>,
    observed: Moments,
    seconds: [f64; 2],
}

impl Piece {
    /// `steps` steps of every copy.
    fn collect(
        &mut self,
        network: &Network,
        steps: usize,
        scaler: &Scaler,
        streams: &Streams,
    ) -> Result<Part, StepError> {
        let started = Instant::now();
        let (lanes, size) = (self.environment.lanes(), self.environment.observation_space().size());
        let mut actor = Actor::new(network, self.first, lanes, Some(streams));
        let mut rollout = Rollout { size, lanes, ..Rollout::default() };
        let mut seen = Vec::with_capacity(steps * lanes * size);
        let mut episodes = Vec::new();
        for step in 0..steps {
            let start = rollout.observations.len();
            rollout.observations.extend_from_slice(self.environment.observations());
            if !scaler.scales().is_empty() {
                seen.extend_from_slice(self.environment.observations());
                scaler.apply(&mut rollout.observations[start..]);
            }
            actor.act(&rollout.observations[start..]);
            self.environment.step(&actor.actions)?;
            let first = (step * lanes) as u32;
            self.note_ends(&mut rollout, &mut episodes, first, scaler, step + 1 == steps);
            rollout.lane.extend(0..lanes as u32);
            rollout.whole.extend_from_slice(&actor.whole);
            rollout.real.extend_from_slice(&actor.real);
            rollout.log_probability.extend_from_slice(&actor.log_probability);
            rollout.rewards.extend(self.environment.rewards().iter().map(|&r| r as f32));
        }
        let observed = Moments::of(&seen, size);
        let environment = started.elapsed().as_secs_f64() - actor.seconds;
        Ok(Part { rollout, episodes, observed, seconds: [environment, actor.seconds] })
    }

    /// Sums of episodes, and where they end.
    fn note_ends(
        &mut self,
        rollout: &mut Rollout,
        episodes: &mut Vec<Episode>,
        first: u32,
        scaler: &Scaler,
        last_step: bool,
    ) {
        let environment = &self.environment;
        for lane in 0..self.running.len() {
            let running = &mut self.running[lane];
            running.sum += environment.rewards()[lane];
            running.length += 1;
            let ending = match (environment.terminated()[lane], environment.truncated()[lane]) {
                (true, _) => Ending::Terminated,
                (false, true) => Ending::Truncated,
                (false, false) if last_step => Ending::GoesOn,
                (false, false) => continue,
            };
            rollout.ends.push(End { row: first + lane as u32, ending });
            let after = match ending {
                Ending::Terminated => None,
                Ending::Truncated => Some(environment.final_observations()),
                Ending::GoesOn => Some(environment.observations()),
            };
            if let Some(after) = after {
                let start = rollout.last_observations.len();
                let size = rollout.size;
                rollout.last_observations.extend_from_slice(&after[lane * size..][..size]);
                scaler.apply(&mut rollout.last_observations[start..]);
            }
            if ending != Ending::GoesOn {
                episodes.push(std::mem::take(running));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_that_no_head_serves_are_refused() {
        let discrete = |choices: &[usize]| Ok(Head::Discrete { choices: choices.to_vec() });
        assert_eq!(head(&Space::Discrete { n: 65_536 }), discrete(&[65_536]));
        assert_eq!(head(&Space::MultiDiscrete { n: vec![2, 3] }), discrete(&[2, 3]));
        for n in [vec![], vec![2, 0], vec![65_537]] {
            assert!(head(&Space::MultiDiscrete { n }).is_err());
        }
        assert!(head(&Space::Discrete { n: 0 }).is_err());
        assert!(head(&Space::Box { low: vec![], high: vec![] }).is_err());
    }
}
