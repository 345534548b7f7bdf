//! The two faces of an environment: one lane with Gymnasium 1.x semantics, and many lanes over
//! flat arrays, which is what a trainer uses.

use crate::space::Space;

/// What one step returned.
#[derive(Clone, Debug, PartialEq)]
pub struct Step<I> {
    /// The observation after the step.
    pub observation: Vec<f32>,
    /// The reward of the step.
    pub reward: f64,
    /// The episode reached a terminal state of the task: the value after it is 0.
    pub terminated: bool,
    /// The episode was cut by a limit outside the task: the value after it is bootstrapped.
    pub truncated: bool,
    /// Facts for people and tests; never an input of a policy.
    pub info: I,
}

/// An action outside the action space, or a step outside an episode.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum StepError {
    /// The action is not in the action space.
    #[error("lane {lane}: action {action:?} is outside the action space {space}")]
    OutsideSpace {
        /// The lane.
        lane: usize,
        /// The action as flat numbers.
        action: Vec<f64>,
        /// The space, as text.
        space: String,
    },
    /// Another number of actions than lanes that wait for one.
    #[error("{given} actions for {waiting} waiting lanes")]
    WrongCount {
        /// Actions given.
        given: usize,
        /// Lanes that wait.
        waiting: usize,
    },
    /// The episode has ended, or none was begun.
    #[error("step outside an episode: call reset first")]
    NeedsReset,
    /// A reward or observation is NaN or infinite.
    #[error(
        "{environment}, lane {lane}, step {step}: {field} is {value}, not a finite number; the reward or \
         the equations of the environment are at fault, not the action"
    )]
    NotFinite {
        /// The environment.
        environment: &'static str,
        /// The lane.
        lane: usize,
        /// Steps since the reset.
        step: u64,
        /// Name of the field.
        field: String,
        /// Its value.
        value: f64,
    },
}

/// One environment with the semantics of Gymnasium 1.x (`Env`).
pub trait Environment {
    /// An action.
    type Action;
    /// Facts returned beside observations.
    type Info;

    /// The set that observations lie in.
    fn observation_space(&self) -> &Space;
    /// The set that actions lie in.
    fn action_space(&self) -> &Space;

    /// Begins an episode. With a seed, everything random from here on is a function of it; without
    /// one, the next episode of the stream begun by the last seed (0 before any).
    fn reset(&mut self, seed: Option<u64>) -> (Vec<f32>, Self::Info);

    /// Acts once.
    ///
    /// # Errors
    /// An action outside the space, or no episode under way.
    fn step(&mut self, action: &Self::Action) -> Result<Step<Self::Info>, StepError>;
}
