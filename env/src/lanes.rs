//! The batched face of an environment: many lanes over flat arrays, which is what a trainer uses.

use crate::environment::StepError;
use crate::random::Streams;
use crate::space::Space;

/// Actions of the waiting lanes, in the order of [`Lanes::waiting`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Actions {
    /// The choice of each lane; 0 is "nothing".
    pub kind: Vec<u16>,
    /// The amount of each lane; read only where the choice is not 0.
    pub amount: Vec<f64>,
}

/// Many episodes of one environment, stepped together.
///
/// The lanes that wait for an action are a subset of all lanes: a lane that has nothing more to
/// decide before the others have decided is left out. A driver loops until nobody waits:
///
/// ```text
/// reset -> while waiting() is not empty: read observations(), masks() -> step(actions)
///                                        -> read rewards(), truncated()
/// ```
pub trait Lanes {
    /// Number of lanes.
    fn lanes(&self) -> usize;

    /// The set that each row of [`Lanes::observations`] lies in: a box with finite bounds.
    fn observation_space(&self) -> &Space;

    /// The set that actions lie in: a choice with an amount.
    fn action_space(&self) -> &Space;

    /// Begins new episodes in all lanes. What they draw is a function of `streams` and of the
    /// lane's number alone.
    fn reset(&mut self, streams: &Streams);

    /// Lanes that wait for an action, ascending; empty when all episodes have ended.
    fn waiting(&self) -> &[u32];

    /// Observations of the waiting lanes: row-major, waiting x size.
    fn observations(&self) -> &[f32];

    /// Feasible choices of the waiting lanes: row-major, waiting x choices. Choice 0 always is.
    fn masks(&self) -> &[bool];

    /// Advances all waiting lanes. An error about the actions leaves the lanes as they were.
    ///
    /// # Errors
    /// An action outside the action space, another number of actions than lanes that wait, no
    /// episode under way, or a reward that is not finite (then the episodes are over).
    fn step(&mut self, actions: &Actions) -> Result<(), StepError>;

    /// Rewards of the lanes that the last step advanced, in their order.
    fn rewards(&self) -> &[f64];

    /// Which of them reached a terminal state of the task.
    fn terminated(&self) -> &[bool];

    /// Which of them were cut by a limit outside the task, e.g. the horizon.
    fn truncated(&self) -> &[bool];
}
