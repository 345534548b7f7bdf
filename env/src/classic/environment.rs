//! Episodes of a task behind the Gymnasium face.

use super::Task;
use crate::environment::{Environment, Step, StepError};
use crate::random::Streams;
use crate::space::Space;

/// Why a state cannot be taken.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum StateError {
    /// A component lies outside its bounds, or is not a number.
    #[error("{task}: {component} is {value:?}; give a number from {low:?} to {high:?} {unit}")]
    OutsideBounds {
        /// The task.
        task: &'static str,
        /// The component.
        component: &'static str,
        /// Its value.
        value: f64,
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
        /// Unit of the bounds.
        unit: &'static str,
    },
    /// The episode has ended, or none was begun.
    #[error("{task}: no episode is under way: call reset first")]
    NeedsReset {
        /// The task.
        task: &'static str,
    },
}

/// One copy of a task with episodes: initial states from a seed, and a time limit.
///
/// Initial states are drawn from the stream (seed, "initial state", number of the episode). The
/// last step that the time limit allows is truncated; if it also reaches a terminal state, it is
/// both, as in Gymnasium. An error leaves the episode as it was.
///
/// ```
/// use trueup_env::Environment;
/// use trueup_env::classic::{ControlEnvironment, MountainCar};
///
/// let mut car = ControlEnvironment::<MountainCar>::new();
/// let (mut observation, ()) = car.reset(Some(1));
/// let step = loop {
///     // Push the way the car rolls: the swings grow until it is up the hill.
///     let step = car.step(&if observation[1] < 0.0 { 0 } else { 2 })?;
///     if step.terminated || step.truncated {
///         break step;
///     }
///     observation = step.observation;
/// };
/// assert!(step.terminated && !step.truncated);
/// # Ok::<(), trueup_env::StepError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ControlEnvironment<T: Task> {
    observation_space: Space,
    action_space: Space,
    streams: Streams,
    episode: u64,
    steps: u64,
    /// The state of the episode under way; none outside an episode.
    state: Option<T::State>,
}

impl<T: Task> ControlEnvironment<T> {
    /// A copy of the task, before its first episode.
    pub fn new() -> Self {
        Self {
            observation_space: T::observation_space(),
            action_space: T::action_space(),
            streams: Streams::new(0),
            episode: 0,
            steps: 0,
            state: None,
        }
    }

    /// The state of the episode under way; none before the first reset and after an end.
    pub fn state(&self) -> Option<&T::State> {
        self.state.as_ref()
    }

    /// Steps since the reset.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Puts the episode under way into a state and returns its observation; the steps made so far
    /// still count.
    ///
    /// # Errors
    /// A component outside its bounds, or no episode under way.
    pub fn set_state(&mut self, state: T::State) -> Result<Vec<f32>, StateError> {
        if self.state.is_none() {
            return Err(StateError::NeedsReset { task: T::NAME });
        }
        for (&value, component) in state.as_ref().iter().zip(T::COMPONENTS) {
            let (low, high) = (component.low, component.high);
            if !(low..=high).contains(&value) {
                let (component, unit) = (component.name, component.unit);
                let task = T::NAME;
                return Err(StateError::OutsideBounds { task, component, value, low, high, unit });
            }
        }
        self.state = Some(state);
        Ok(self.see(&state))
    }

    /// Initial states come from these streams from the next reset on, as if its seed had given
    /// them; for a copy that belongs to a larger whole.
    pub fn set_streams(&mut self, streams: Streams) {
        self.streams = streams;
        self.episode = 0;
    }

    fn see(&self, state: &T::State) -> Vec<f32> {
        let mut row = vec![0.0; self.observation_space.size()];
        T::observe(state, &mut row);
        row
    }
}

/// Names the first number of a step that is not finite.
#[inline]
pub(super) fn check_finite<T: Task>(
    lane: usize,
    step: u64,
    observation: &[f32],
    reward: f64,
) -> Result<(), StepError> {
    if reward.is_finite() && observation.iter().all(|x| x.is_finite()) {
        return Ok(());
    }
    let bad = observation.iter().position(|x| !x.is_finite());
    let (field, value) = match bad {
        Some(i) => (format!("observation {i}"), f64::from(observation[i])),
        None => ("reward".into(), reward),
    };
    Err(StepError::NotFinite { environment: T::NAME, lane, step, field, value })
}

impl<T: Task> Default for ControlEnvironment<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Task> Environment for ControlEnvironment<T> {
    type Action = T::Action;
    type Info = ();

    fn observation_space(&self) -> &Space {
        &self.observation_space
    }

    fn action_space(&self) -> &Space {
        &self.action_space
    }

    fn reset(&mut self, seed: Option<u64>) -> (Vec<f32>, ()) {
        if let Some(seed) = seed {
            self.set_streams(Streams::new(seed));
        }
        let state = T::start(&mut self.streams.stream("initial state", self.episode));
        self.episode += 1;
        self.steps = 0;
        self.state = Some(state);
        (self.see(&state), ())
    }

    fn step(&mut self, action: &T::Action) -> Result<Step<()>, StepError> {
        let Some(state) = &self.state else {
            return Err(StepError::NeedsReset);
        };
        let number = T::number(*action);
        if !self.action_space.contains(&[number]) {
            let space = format!("{:?}", self.action_space);
            return Err(StepError::OutsideSpace { lane: 0, action: vec![number], space });
        }
        let next = T::advance(state, *action);
        let observation = self.see(&next.state);
        check_finite::<T>(0, self.steps, &observation, next.reward)?;
        self.steps += 1;
        let (reward, terminated) = (next.reward, next.terminated);
        let truncated = self.steps >= T::TIME_LIMIT;
        self.state = (!terminated && !truncated).then_some(next.state);
        Ok(Step { observation, reward, terminated, truncated, info: () })
    }
}
