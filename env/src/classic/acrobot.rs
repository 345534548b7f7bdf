//! Two links that hang from a bar, with a motor in the joint between them.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use super::{Component, Task, Transition, symmetric_box, uniform};
use crate::random::Stream;
use crate::space::Space;

const MASS_1: f64 = 1.0; // kg
const MASS_2: f64 = 1.0; // kg
const LENGTH_1: f64 = 1.0; // m
const CENTRE_1: f64 = 0.5; // m, from the joint to the centre of mass
const CENTRE_2: f64 = 0.5; // m
const INERTIA: f64 = 1.0; // kg m^2, of either link
const GRAVITY: f64 = 9.8; // m/s^2
const TIME_STEP: f64 = 0.2; // s
const MAX_SPEED_1: f64 = 4.0 * PI; // rad/s
const MAX_SPEED_2: f64 = 9.0 * PI; // rad/s

/// Acrobot-v1 of Gymnasium.
///
/// theta1 is the angle of the first link from hanging, theta2 that of the second from the first.
/// With m, l, c and I the masses, lengths, distances to the centres of mass and moments of inertia,
/// and the torque tau = action - 1 (N m) at the joint between the links:
///
/// ```text
/// d1   = m1 c1^2 + m2 (l1^2 + c2^2 + 2 l1 c2 cos theta2) + I1 + I2
/// d2   = m2 (c2^2 + l1 c2 cos theta2) + I2
/// phi2 = m2 c2 g cos(theta1 + theta2 - pi/2)
/// phi1 = -m2 l1 c2 theta2'^2 sin theta2 - 2 m2 l1 c2 theta2' theta1' sin theta2
///        + (m1 c1 + m2 l1) g cos(theta1 - pi/2) + phi2
/// theta2'' = (tau + (d2/d1) phi1 - m2 l1 c2 theta1'^2 sin theta2 - phi2)
///            / (m2 c2^2 + I2 - d2^2/d1)
/// theta1'' = -(d2 theta2'' + phi1) / d1
/// ```
///
/// One Runge-Kutta step of fourth order and 0.2 s; then angles wrap to [-pi, pi] and velocities
/// are cut to 4 pi and 9 pi rad/s. A step pays -1, one that ends in a terminal state 0. Terminal:
/// the tip is more than one link above the bar, -cos theta1 - cos(theta1 + theta2) > 1. Initially
/// all four components are uniform in [-0.1, 0.1). Observed are the cosine and sine of theta1, then
/// those of theta2, then both velocities.
///
/// Sources: Sutton, *Generalization in reinforcement learning: successful examples using sparse
/// coarse coding*, NIPS 8, 1996, for the task; Sutton and Barto, *Reinforcement Learning*, 1998,
/// section 11.3, for the equations; Gymnasium 1.4, `envs/classic_control/acrobot.py`, for the
/// numbers.
#[derive(Clone, Copy, Debug)]
pub struct Acrobot;

impl Task for Acrobot {
    type Action = usize;
    type State = [f64; 4];

    const NAME: &'static str = "Acrobot-v1";
    const TIME_LIMIT: u64 = 500;
    const COMPONENTS: &'static [Component] = &[
        Component { name: "angle 1", unit: "rad", low: -PI, high: PI },
        Component { name: "angle 2", unit: "rad", low: -PI, high: PI },
        Component { name: "velocity 1", unit: "rad/s", low: -MAX_SPEED_1, high: MAX_SPEED_1 },
        Component { name: "velocity 2", unit: "rad/s", low: -MAX_SPEED_2, high: MAX_SPEED_2 },
    ];

    fn observation_space() -> Space {
        symmetric_box(vec![1.0, 1.0, 1.0, 1.0, MAX_SPEED_1 as f32, MAX_SPEED_2 as f32])
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

    fn start(stream: &mut Stream) -> [f64; 4] {
        std::array::from_fn(|_| uniform(stream, -0.1, 0.1))
    }

    #[inline]
    fn observe(&[angle_1, angle_2, velocity_1, velocity_2]: &[f64; 4], row: &mut [f32]) {
        let (sin_1, cos_1) = (angle_1.sin(), angle_1.cos());
        let (sin_2, cos_2) = (angle_2.sin(), angle_2.cos());
        let seen = [cos_1, sin_1, cos_2, sin_2, velocity_1, velocity_2];
        row.copy_from_slice(&seen.map(|x| x as f32));
    }

    #[inline]
    fn advance(state: &[f64; 4], action: usize) -> Transition<[f64; 4]> {
        let [angle_1, angle_2, velocity_1, velocity_2] = runge_kutta(state, action as f64 - 1.0);
        let (angle_1, angle_2) = (wrap(angle_1), wrap(angle_2));
        let velocity_1 = velocity_1.clamp(-MAX_SPEED_1, MAX_SPEED_1);
        let velocity_2 = velocity_2.clamp(-MAX_SPEED_2, MAX_SPEED_2);
        let terminated = -angle_1.cos() - (angle_2 + angle_1).cos() > 1.0;
        let reward = if terminated { 0.0 } else { -1.0 };
        Transition { state: [angle_1, angle_2, velocity_1, velocity_2], reward, terminated }
    }
}

/// The time derivative of a state under a torque.
fn derivative(&[angle_1, angle_2, velocity_1, velocity_2]: &[f64; 4], torque: f64) -> [f64; 4] {
    let (sin, cos) = (angle_2.sin(), angle_2.cos());
    let d1 = MASS_1 * (CENTRE_1 * CENTRE_1)
        + MASS_2 * (LENGTH_1 * LENGTH_1 + CENTRE_2 * CENTRE_2 + 2.0 * LENGTH_1 * CENTRE_2 * cos)
        + INERTIA
        + INERTIA;
    let d2 = MASS_2 * (CENTRE_2 * CENTRE_2 + LENGTH_1 * CENTRE_2 * cos) + INERTIA;
    let phi2 = MASS_2 * CENTRE_2 * GRAVITY * (angle_1 + angle_2 - FRAC_PI_2).cos();
    let phi1 = -MASS_2 * LENGTH_1 * CENTRE_2 * (velocity_2 * velocity_2) * sin
        - 2.0 * MASS_2 * LENGTH_1 * CENTRE_2 * velocity_2 * velocity_1 * sin
        + (MASS_1 * CENTRE_1 + MASS_2 * LENGTH_1) * GRAVITY * (angle_1 - FRAC_PI_2).cos()
        + phi2;
    let centrifugal = MASS_2 * LENGTH_1 * CENTRE_2 * (velocity_1 * velocity_1) * sin;
    let acceleration_2 = (torque + d2 / d1 * phi1 - centrifugal - phi2)
        / (MASS_2 * (CENTRE_2 * CENTRE_2) + INERTIA - d2 * d2 / d1);
    let acceleration_1 = -(d2 * acceleration_2 + phi1) / d1;
    [velocity_1, velocity_2, acceleration_1, acceleration_2]
}

/// One step of the classical Runge-Kutta method under a constant torque.
fn runge_kutta(state: &[f64; 4], torque: f64) -> [f64; 4] {
    let half = TIME_STEP / 2.0;
    let ahead = |slope: &[f64; 4], step: f64| -> [f64; 4] {
        std::array::from_fn(|i| state[i] + step * slope[i])
    };
    let k1 = derivative(state, torque);
    let k2 = derivative(&ahead(&k1, half), torque);
    let k3 = derivative(&ahead(&k2, half), torque);
    let k4 = derivative(&ahead(&k3, TIME_STEP), torque);
    let slope = std::array::from_fn(|i| k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]);
    ahead(&slope, TIME_STEP / 6.0)
}

/// An angle brought into [-pi, pi] by whole turns. Velocities are bounded, and so are the turns.
fn wrap(mut angle: f64) -> f64 {
    while angle > PI {
        angle -= TAU;
    }
    while angle < -PI {
        angle += TAU;
    }
    angle
}
