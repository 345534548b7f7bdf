//! A car too weak for the hill, which must swing to get up.

use super::{Component, Task, Transition, uniform};
use crate::random::Stream;
use crate::space::Space;

const LEFT: f64 = -1.2;
const RIGHT: f64 = 0.6;
const GOAL: f64 = 0.5;
const MAX_SPEED: f64 = 0.07;
const FORCE: f64 = 0.001;
const GRAVITY: f64 = 0.0025;

/// MountainCar-v0 of Gymnasium.
///
/// The height of the road is sin(3 x) up to scale. Positions have no unit and time counts steps;
/// actions 0, 1 and 2 push left, not at all, and right:
///
/// ```text
/// v <- clip(v + 0.001 (action - 1) - 0.0025 cos(3 x), -0.07, 0.07)
/// x <- clip(x + v, -1.2, 0.6)
/// ```
///
/// At the left wall the car stops. Every step pays -1, the last one too. Terminal: x of at least
/// 0.5, not rolling back. Initially x is uniform in [-0.6, -0.4) and the car stands still. The
/// state is what is observed.
///
/// Sources: Moore, *Efficient memory-based learning for robot control*, PhD thesis, Cambridge,
/// 1990, for the task; Sutton and Barto, *Reinforcement Learning*, 2nd edition, 2018, example 10.1,
/// for the equations; Gymnasium 1.4, `envs/classic_control/mountain_car.py`, for the numbers.
#[derive(Clone, Copy, Debug)]
pub struct MountainCar;

impl Task for MountainCar {
    type Action = usize;
    type State = [f64; 2];

    const NAME: &'static str = "MountainCar-v0";
    const TIME_LIMIT: u64 = 200;
    const COMPONENTS: &'static [Component] = &[
        Component { name: "position", unit: "(no unit)", low: LEFT, high: RIGHT },
        Component { name: "velocity", unit: "a step", low: -MAX_SPEED, high: MAX_SPEED },
    ];

    fn observation_space() -> Space {
        let (low, high) = ([LEFT, -MAX_SPEED], [RIGHT, MAX_SPEED]);
        Space::Box { low: low.map(|x| x as f32).into(), high: high.map(|x| x as f32).into() }
    }

    fn action_space() -> Space {
        Space::Discrete { n: 3 }
    }

    fn number(action: usize) -> f64 {
        action as f64
    }

    #[inline]
    fn action(number: f32) -> usize {
        number as usize
    }

    fn start(stream: &mut Stream) -> [f64; 2] {
        [uniform(stream, -0.6, -0.4), 0.0]
    }

    #[inline]
    fn observe(state: &[f64; 2], row: &mut [f32]) {
        row.copy_from_slice(&state.map(|x| x as f32));
    }

    #[inline]
    fn advance(&[position, velocity]: &[f64; 2], action: usize) -> Transition<[f64; 2]> {
        let push = (action as f64 - 1.0) * FORCE;
        let slope = (3.0 * position).cos();
        let velocity = (velocity + (push - slope * GRAVITY)).clamp(-MAX_SPEED, MAX_SPEED);
        let position = (position + velocity).clamp(LEFT, RIGHT);
        let at_wall = position <= LEFT && velocity < 0.0;
        let velocity = if at_wall { 0.0 } else { velocity };
        let terminated = position >= GOAL && velocity >= 0.0;
        Transition { state: [position, velocity], reward: -1.0, terminated }
    }
}
