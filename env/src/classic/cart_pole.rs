//! A pole on a cart, held up by pushing the cart left or right.

use super::{Component, Task, Transition, symmetric_box, uniform};
use crate::random::Stream;
use crate::space::Space;

const GRAVITY: f64 = 9.8; // m/s^2
const POLE_MASS: f64 = 0.1; // kg
const TOTAL_MASS: f64 = POLE_MASS + 1.0; // kg, with the cart
const HALF_LENGTH: f64 = 0.5; // m, half of the pole
const MOMENT: f64 = POLE_MASS * HALF_LENGTH; // kg m
const FORCE: f64 = 10.0; // N
const TIME_STEP: f64 = 0.02; // s
const POSITION_LIMIT: f64 = 2.4; // m
const ANGLE_LIMIT: f64 = 12.0 * 2.0 * std::f64::consts::PI / 360.0; // rad: 12 degrees

/// CartPole-v1 of Gymnasium.
///
/// With x the position of the cart, theta the angle of the pole from the vertical, M the mass of
/// cart and pole together, m and l the mass and half the length of the pole, and F = -10 N (action
/// 0) or 10 N (action 1):
///
/// ```text
/// k        = (F + m l theta'^2 sin theta) / M
/// theta''  = (g sin theta - k cos theta) / (l (4/3 - m cos^2 theta / M))
/// x''      = k - m l theta'' cos theta / M
/// ```
///
/// Euler steps of 0.02 s, in which positions move with the velocities before the step. Every step
/// pays 1, the last one too. Terminal: abs(x) > 2.4 m or abs(theta) > 12 degrees. Initially all
/// four components are uniform in [-0.05, 0.05). The state is what is observed.
///
/// Sources: Barto, Sutton and Anderson, *Neuronlike adaptive elements that can solve difficult
/// learning control problems*, IEEE Transactions on Systems, Man, and Cybernetics 13(5), 1983, for
/// the task; Florian, *Correct equations for the dynamics of the cart-pole system*, 2007, for the
/// equations, without friction; Gymnasium 1.4, `envs/classic_control/cartpole.py`, for the numbers.
#[derive(Clone, Copy, Debug)]
pub struct CartPole;

impl Task for CartPole {
    type Action = usize;
    type State = [f64; 4];

    const NAME: &'static str = "CartPole-v1";
    const TIME_LIMIT: u64 = 500;
    const COMPONENTS: &'static [Component] = &[
        Component { name: "position", unit: "m", low: -POSITION_LIMIT, high: POSITION_LIMIT },
        Component { name: "velocity", unit: "m/s", low: f64::MIN, high: f64::MAX },
        Component { name: "angle", unit: "rad", low: -ANGLE_LIMIT, high: ANGLE_LIMIT },
        Component { name: "angular velocity", unit: "rad/s", low: f64::MIN, high: f64::MAX },
    ];

    /// Twice the limits of an episode, so that its last observation is inside.
    fn observation_space() -> Space {
        let (position, angle) = (POSITION_LIMIT * 2.0, ANGLE_LIMIT * 2.0);
        symmetric_box(vec![position as f32, f32::INFINITY, angle as f32, f32::INFINITY])
    }

    fn action_space() -> Space {
        Space::Discrete { n: 2 }
    }

    fn number(action: usize) -> f64 {
        action as f64
    }

    #[inline]
    fn action(number: f32) -> usize {
        number as usize
    }

    fn start(stream: &mut Stream) -> [f64; 4] {
        std::array::from_fn(|_| uniform(stream, -0.05, 0.05))
    }

    #[inline]
    fn observe(state: &[f64; 4], row: &mut [f32]) {
        row.copy_from_slice(&state.map(|x| x as f32));
    }

    #[inline]
    fn advance(&[x, x_dot, theta, theta_dot]: &[f64; 4], action: usize) -> Transition<[f64; 4]> {
        let force = if action == 1 { FORCE } else { -FORCE };
        let (sin, cos) = (theta.sin(), theta.cos());
        let k = (force + MOMENT * (theta_dot * theta_dot) * sin) / TOTAL_MASS;
        let angular = (GRAVITY * sin - cos * k)
            / (HALF_LENGTH * (4.0 / 3.0 - POLE_MASS * (cos * cos) / TOTAL_MASS));
        let linear = k - MOMENT * angular * cos / TOTAL_MASS;

        let x = x + TIME_STEP * x_dot;
        let x_dot = x_dot + TIME_STEP * linear;
        let theta = theta + TIME_STEP * theta_dot;
        let theta_dot = theta_dot + TIME_STEP * angular;
        let terminated = x.abs() > POSITION_LIMIT || theta.abs() > ANGLE_LIMIT;
        Transition { state: [x, x_dot, theta, theta_dot], reward: 1.0, terminated }
    }
}
