//! Many copies of one environment that go on for ever: what a trainer steps when there is no
//! common end, as there is in the finance world ([`Lanes`](crate::lanes::Lanes)).

use crate::environment::StepError;
use crate::random::Streams;
use crate::space::Space;

/// Many copies of one environment; an episode that ends begins anew at once.
///
/// After a step in which a lane ended, [`VectorEnvironment::observations`] shows the first
/// observation of its new episode, and [`VectorEnvironment::final_observations`] the last of the
/// old one: the first is what to act on, the second is what the value after a truncation is
/// estimated from. (Gymnasium calls this autoreset in the same step.)
///
/// ```
/// use trueup_env::classic::TASKS;
/// use trueup_env::Streams;
///
/// let (name, make) = TASKS[0];
/// let mut lanes = make(8, 0);
/// lanes.reset(&Streams::new(1));
/// let mut ends = 0;
/// for _ in 0..100 {
///     lanes.step(&[1.0; 8])?;
///     ends += lanes.terminated().iter().filter(|&&end| end).count();
/// }
/// assert!(name == "CartPole-v1" && ends > 8 * 5);
/// # Ok::<(), trueup_env::StepError>(())
/// ```
pub trait VectorEnvironment: Send {
    /// The environment's name.
    fn name(&self) -> &'static str;

    /// Number of lanes.
    fn lanes(&self) -> usize;

    /// The set that each row of [`VectorEnvironment::observations`] lies in.
    fn observation_space(&self) -> &Space;

    /// The set that the actions of each lane lie in.
    fn action_space(&self) -> &Space;

    /// Begins new episodes in all lanes. What they draw, episode after episode, is a function of
    /// `streams` and of the lane's number in the whole alone, so that pieces equal the whole.
    fn reset(&mut self, streams: &Streams);

    /// Observations to act on, row-major, lanes x size: of a new episode where one has just ended.
    /// Zeros before the first reset.
    fn observations(&self) -> &[f32];

    /// Advances all lanes. Actions are flat numbers as in [`Space::contains`], row-major, lanes x
    /// size. A number outside the bounds of a box is clipped to them.
    ///
    /// # Errors
    /// Another number of actions, any other action outside the space (also NaN), no reset before,
    /// or a reward or observation that is not finite. An error leaves the lanes as they were.
    fn step(&mut self, actions: &[f32]) -> Result<(), StepError>;

    /// Rewards of the last step, one a lane.
    fn rewards(&self) -> &[f64];

    /// Which lanes reached a terminal state of the task in the last step.
    fn terminated(&self) -> &[bool];

    /// Which lanes were cut by a limit outside the task in the last step; a lane may be both.
    fn truncated(&self) -> &[bool];

    /// Row-major, lanes x size: the last observation of the episode of the lanes that ended in the
    /// last step. The rows of other lanes mean nothing.
    fn final_observations(&self) -> &[f32];

    /// Where all lanes stand, streams included, as bytes. They are the same on every machine.
    fn state(&self) -> Vec<u8>;

    /// Goes on where a [`VectorEnvironment::state`] was taken, to the same bits. What the last step
    /// returned is not part of a state: rewards are 0 and nobody has just ended.
    ///
    /// # Errors
    /// Bytes that are no state of this environment with these lanes, with what they are instead.
    /// An error leaves the lanes as they were.
    fn restore(&mut self, state: &[u8]) -> Result<(), RestoreError>;
}

/// Why a state was refused.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum RestoreError {
    /// The bytes do not begin like a state.
    #[error("{environment}: the {length} bytes are not a state of lanes; give bytes of state()")]
    NotAState {
        /// The environment.
        environment: &'static str,
        /// Number of bytes.
        length: usize,
    },
    /// A state of another environment or of other lanes.
    #[error("this is a state of {given}, not of {expected}; restore it into lanes like those")]
    OtherLanes {
        /// What the state is of.
        given: String,
        /// What it should be of.
        expected: String,
    },
    /// Cut or continued.
    #[error(
        "{environment}: a state of {given} bytes where {expected} are due: it is cut or damaged"
    )]
    WrongLength {
        /// The environment.
        environment: &'static str,
        /// Bytes given.
        given: usize,
        /// Bytes of a state of these lanes.
        expected: usize,
    },
    /// A number that no episode under way can have.
    #[error("{environment}, lane {lane}: {field} is {value:?}: the state is damaged")]
    BadValue {
        /// The environment.
        environment: &'static str,
        /// The lane.
        lane: usize,
        /// Name of the field.
        field: &'static str,
        /// Its value.
        value: f64,
    },
}
