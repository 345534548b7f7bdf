//! Four tasks of classic control with the dynamics of Gymnasium 1.x: small worlds with known
//! answers, to check a trainer on before it meets the finance world.
//!
//! | task | observation | action | ends by itself when | limit |
//! |---|---|---|---|---|
//! | [`CartPole`] | position, velocity, angle, angular velocity | 0 or 1 | the pole falls | 500 |
//! | [`Acrobot`] | cosine and sine of two angles, two velocities | 0, 1 or 2 | the tip is high | 500 |
//! | [`MountainCar`] | position, velocity | 0, 1 or 2 | the car is up the hill | 200 |
//! | [`Pendulum`] | cosine, sine, angular velocity | torque in [-2, 2] | never | 200 |
//!
//! States are f64 inside and observations f32, as in Gymnasium. The only thing random is the initial
//! state, and it comes from the streams of this crate: the same seed gives another initial state
//! than Gymnasium's generator, of the same distribution.
//!
//! A task is one file that implements [`Task`], and one line in [`TASKS`]. [`ControlEnvironment`]
//! adds episodes to it, [`ControlLanes`] many copies that go on for ever.

mod acrobot;
mod cart_pole;
mod environment;
mod lanes;
mod mountain_car;
mod pendulum;

pub use acrobot::Acrobot;
pub use cart_pole::CartPole;
pub use environment::{ControlEnvironment, StateError};
pub use lanes::ControlLanes;
pub use mountain_car::MountainCar;
pub use pendulum::Pendulum;

use crate::random::Stream;
use crate::space::Space;
use crate::vector::VectorEnvironment;

/// Makes `lanes` copies of a task, the first of which is lane `first_lane` of a larger whole.
pub type Constructor = fn(lanes: usize, first_lane: u64) -> Box<dyn VectorEnvironment>;

/// Names and constructors of all tasks.
pub const TASKS: [(&str, Constructor); 4] = [
    (CartPole::NAME, build::<CartPole>),
    (Acrobot::NAME, build::<Acrobot>),
    (MountainCar::NAME, build::<MountainCar>),
    (Pendulum::NAME, build::<Pendulum>),
];

fn build<T: Task + 'static>(lanes: usize, first_lane: u64) -> Box<dyn VectorEnvironment> {
    Box::new(ControlLanes::<T>::new(lanes).first_lane(first_lane))
}

/// One component of a state, with the bounds (inclusive) that a state under way keeps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Component {
    /// What it is.
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// What one step of time does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transition<S> {
    /// The state after it.
    pub state: S,
    /// The reward of the step.
    pub reward: f64,
    /// The state after it is terminal.
    pub terminated: bool,
}

/// Equations of motion, rewards and terminal states of a task; no memory, no time limit.
pub trait Task {
    /// An action.
    type Action: Copy;
    /// A state, as an array with one number a component.
    type State: Copy + Default + Send + AsRef<[f64]> + AsMut<[f64]>;

    /// The name, after the version of Gymnasium's environment that it follows.
    const NAME: &'static str;
    /// Steps after which an episode is truncated.
    const TIME_LIMIT: u64;
    /// The components of a state, in their order.
    const COMPONENTS: &'static [Component];

    /// The set that observations lie in.
    fn observation_space() -> Space;
    /// The set that actions lie in.
    fn action_space() -> Space;
    /// An action as a number, in the sense of [`Space::contains`].
    fn number(action: Self::Action) -> f64;
    /// The action of a number that lies in the action space; undoes [`Task::number`].
    fn action(number: f32) -> Self::Action;
    /// Draws an initial state.
    fn start(stream: &mut Stream) -> Self::State;
    /// Writes what is seen of a state; `row` is as long as the size of the observation space.
    fn observe(state: &Self::State, row: &mut [f32]);
    /// Moves one step of time. The action lies in the action space and the state within the bounds
    /// of its components.
    fn advance(state: &Self::State, action: Self::Action) -> Transition<Self::State>;
}

/// A uniform number in [low, high).
fn uniform(stream: &mut Stream, low: f64, high: f64) -> f64 {
    low + (high - low) * stream.uniform()
}

/// The box from -high to high.
fn symmetric_box(high: Vec<f32>) -> Space {
    Space::Box { low: high.iter().map(|x| -x).collect(), high }
}
