//! A pendulum to be swung up and held with a torque too weak to lift it at once.

use std::f64::consts::{PI, TAU};

use super::{Component, Task, Transition, symmetric_box, uniform};
use crate::random::Stream;
use crate::space::Space;

const GRAVITY: f64 = 10.0; // m/s^2
const MASS: f64 = 1.0; // kg
const LENGTH: f64 = 1.0; // m
const TIME_STEP: f64 = 0.05; // s
const MAX_SPEED: f64 = 8.0; // rad/s
const MAX_TORQUE: f32 = 2.0; // N m

/// Pendulum-v1 of Gymnasium.
///
/// A rod of mass m and length l, theta its angle from the upright, u the torque in [-2, 2] N m:
///
/// ```text
/// reward  = -(wrap(theta)^2 + 0.1 theta'^2 + 0.001 u^2)      of the state before the step
/// theta' <- clip(theta' + (3 g sin(theta) / (2 l) + 3 u / (m l^2)) dt, -8, 8)
/// theta  <- theta + theta' dt
/// ```
///
/// with dt = 0.05 s and wrap to [-pi, pi). No state is terminal. Initially theta is uniform in
/// [-pi, pi) and theta' in [-1, 1). Observed are cos(theta), sin(theta) and theta'.
///
/// Torques outside the space are errors in [`ControlEnvironment`](super::ControlEnvironment);
/// Gymnasium and [`ControlLanes`](super::ControlLanes) clip them. The products with the torque alone,
/// 3 u / (m l^2) and 0.001 u^2, are rounded to f32, as they are in Gymnasium, whose actions are
/// f32: an unstable system would carry the difference away.
///
/// Source: Gymnasium 1.4, `envs/classic_control/pendulum.py`, which has it from OpenAI Gym.
#[derive(Clone, Copy, Debug)]
pub struct Pendulum;

impl Task for Pendulum {
    type Action = f32;
    type State = [f64; 2];

    const NAME: &'static str = "Pendulum-v1";
    const TIME_LIMIT: u64 = 200;
    const COMPONENTS: &'static [Component] = &[
        Component { name: "angle", unit: "rad", low: f64::MIN, high: f64::MAX },
        Component { name: "angular velocity", unit: "rad/s", low: -MAX_SPEED, high: MAX_SPEED },
    ];

    fn observation_space() -> Space {
        symmetric_box(vec![1.0, 1.0, MAX_SPEED as f32])
    }

    fn action_space() -> Space {
        symmetric_box(vec![MAX_TORQUE])
    }

    fn number(action: f32) -> f64 {
        f64::from(action)
    }

    #[inline]
    fn action(number: f32) -> f32 {
        number
    }

    fn start(stream: &mut Stream) -> [f64; 2] {
        [uniform(stream, -PI, PI), uniform(stream, -1.0, 1.0)]
    }

    #[inline]
    fn observe(&[angle, velocity]: &[f64; 2], row: &mut [f32]) {
        row.copy_from_slice(&[angle.cos(), angle.sin(), velocity].map(|x| x as f32));
    }

    #[inline]
    fn advance(&[angle, velocity]: &[f64; 2], torque: f32) -> Transition<[f64; 2]> {
        let effort = f64::from(0.001_f32 * (torque * torque));
        let wrapped = (angle + PI).rem_euclid(TAU) - PI;
        let cost = wrapped * wrapped + 0.1 * (velocity * velocity) + effort;

        let push = f64::from((3.0 / (MASS * LENGTH * LENGTH)) as f32 * torque);
        let fall = 3.0 * GRAVITY / (2.0 * LENGTH) * angle.sin();
        let velocity = (velocity + (fall + push) * TIME_STEP).clamp(-MAX_SPEED, MAX_SPEED);
        let angle = angle + velocity * TIME_STEP;
        Transition { state: [angle, velocity], reward: -cost, terminated: false }
    }
}
