//! Classic control against Gymnasium: whole episodes replayed, bad input, and symmetries.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

use proptest::prelude::*;
use trueup_env::classic::{
    Acrobot, CartPole, ControlEnvironment, MountainCar, Pendulum, StateError, Task,
};
use trueup_env::{Environment, Space, Step, StepError, Streams};

/// Recorded by `fixtures/classic.py`, which says what the lines mean.
const RECORD: &str = include_str!("fixtures/classic.txt");

/// Relative deviation allowed of every number.
const TOLERANCE: f64 = 1e-6;

fn deviation(got: f64, want: f64) -> f64 {
    if got == want { 0.0 } else { (got - want).abs() / want.abs().max(f64::MIN_POSITIVE) }
}

fn numbers(fields: &[&str]) -> Vec<f64> {
    fields.iter().map(|x| x.parse().unwrap()).collect()
}

/// What a replay went through.
#[derive(Debug, Default, PartialEq)]
struct Replay {
    episodes: usize,
    steps: usize,
    terminated: usize,
    truncated: usize,
    largest_deviation: f64,
    /// Between the state reached from the state recorded 25 steps before and the recorded one.
    largest_drift: f64,
}

/// Replays all recorded episodes of a task; every number must agree.
fn replay<T: Task>(action: fn(f64) -> T::Action) -> Replay
where
    T::State: for<'a> TryFrom<&'a [f64]>,
{
    let mut env = ControlEnvironment::<T>::new();
    let mut replay = Replay::default();
    let mut ours = false;
    for (i, line) in RECORD.lines().enumerate() {
        let fields: Vec<&str> = line.split(' ').collect();
        if fields[0] == "episode" {
            ours = fields[1] == T::NAME;
            if ours {
                assert!(env.state().is_none(), "line {}: the episode before has not ended", i + 1);
                env.reset(Some(1));
                replay.episodes += 1;
            }
        }
        if !ours || matches!(fields[0], "episode" | "#") {
            continue;
        }
        let want = numbers(&fields[1..]);
        let got: Vec<f64> = match fields[0] {
            "state" => {
                let reached = env.state().unwrap().as_ref();
                let drifts = reached.iter().zip(&want).map(|(&got, &want)| deviation(got, want));
                let drift = drifts.fold(0.0, f64::max);
                if env.steps() > 0 {
                    replay.largest_drift = replay.largest_drift.max(drift);
                }
                let Ok(state) = T::State::try_from(&want) else { panic!("line {}", i + 1) };
                env.set_state(state).unwrap();
                continue;
            }
            "seen" => {
                let state = *env.state().unwrap();
                env.set_state(state).unwrap().into_iter().map(f64::from).collect()
            }
            _ => {
                let step = env.step(&action(want[0])).unwrap();
                replay.steps += 1;
                replay.terminated += usize::from(step.terminated);
                replay.truncated += usize::from(step.truncated);
                let ends = [step.terminated, step.truncated].map(|x| f64::from(u8::from(x)));
                let head = [want[0], step.reward, ends[0], ends[1]];
                head.into_iter().chain(step.observation.into_iter().map(f64::from)).collect()
            }
        };
        assert_eq!(got.len(), want.len(), "line {}", i + 1);
        let head = if fields[0] == "seen" { 0 } else { 4 };
        for (j, (&got, &want)) in got.iter().zip(&want).enumerate() {
            // Observations are recorded as the shortest decimals that read back to the f32.
            let want = if j < head { want } else { f64::from(want as f32) };
            let deviation = deviation(got, want);
            assert!(deviation <= TOLERANCE, "line {}: {got}, not {want}: {line}", i + 1);
            replay.largest_deviation = replay.largest_deviation.max(deviation);
        }
    }
    println!("{}: {replay:?}", T::NAME);
    assert!(replay.largest_drift <= TOLERANCE, "{replay:?}");
    replay
}

#[test]
fn cart_pole_replays_gymnasium() {
    let replay = replay::<CartPole>(|x| x as usize);
    assert_eq!((replay.episodes, replay.steps), (9, 667));
    assert_eq!((replay.terminated, replay.truncated), (8, 1));
}

#[test]
fn acrobot_replays_gymnasium() {
    let replay = replay::<Acrobot>(|x| x as usize);
    assert_eq!((replay.episodes, replay.steps), (4, 1_187));
    assert_eq!((replay.terminated, replay.truncated), (2, 2));
}

#[test]
fn mountain_car_replays_gymnasium() {
    let replay = replay::<MountainCar>(|x| x as usize);
    assert_eq!((replay.episodes, replay.steps), (5, 846));
    assert_eq!((replay.terminated, replay.truncated), (2, 3));
}

#[test]
fn pendulum_replays_gymnasium() {
    let replay = replay::<Pendulum>(|x| x as f32);
    assert_eq!((replay.episodes, replay.steps), (5, 1_000));
    assert_eq!((replay.terminated, replay.truncated), (0, 5));
}

/// Bounds printed by Gymnasium 1.4: `gymnasium.make(TASK).observation_space.high` and `.low`.
#[test]
fn spaces_have_the_bounds_of_gymnasium() {
    const INF: f32 = f32::INFINITY;
    fn spaces<T: Task>() -> (Vec<f32>, Vec<f32>, Space) {
        let env = ControlEnvironment::<T>::new();
        let Space::Box { low, high } = env.observation_space() else { panic!("not a box") };
        (low.clone(), high.clone(), env.action_space().clone())
    }
    let (low, high, action) = spaces::<CartPole>();
    assert_eq!(high, [4.8, INF, 0.418_879_03, INF]);
    assert_eq!(low, [-4.8, -INF, -0.418_879_03, -INF]);
    assert_eq!(action, Space::Discrete { n: 2 });
    let (low, high, action) = spaces::<Acrobot>();
    assert_eq!(high, [1.0, 1.0, 1.0, 1.0, 12.566_371, 28.274_334]);
    assert_eq!(low, [-1.0, -1.0, -1.0, -1.0, -12.566_371, -28.274_334]);
    assert_eq!(action, Space::Discrete { n: 3 });
    let (low, high, action) = spaces::<MountainCar>();
    assert_eq!((low, high), (vec![-1.2, -0.07], vec![0.6, 0.07]));
    assert_eq!(action, Space::Discrete { n: 3 });
    let (low, high, action) = spaces::<Pendulum>();
    assert_eq!((low, high), (vec![-1.0, -1.0, -8.0], vec![1.0, 1.0, 8.0]));
    assert_eq!(action, Space::Box { low: vec![-2.0], high: vec![2.0] });
}

/// Plays until the end and returns all observations and steps.
fn play<T: Task>(
    env: &mut ControlEnvironment<T>,
    seed: Option<u64>,
    mut action: impl FnMut() -> T::Action,
) -> (Vec<f32>, Vec<Step<()>>) {
    let (first, ()) = env.reset(seed);
    let mut steps = Vec::new();
    while env.state().is_some() {
        steps.push(env.step(&action()).unwrap());
    }
    (first, steps)
}

/// Bad input is an error that leaves the episode as it was; the end of an episode is final.
fn refuses<T: Task>(good: T::Action, bad: &[T::Action]) {
    let mut env = ControlEnvironment::<T>::new();
    assert_eq!(env.step(&good), Err(StepError::NeedsReset));
    let state = T::start(&mut Streams::new(1).stream("any", 0));
    assert_eq!(env.set_state(state), Err(StateError::NeedsReset { task: T::NAME }));
    env.reset(None);
    let before = env.state().unwrap().as_ref().to_vec();
    for &action in bad {
        let error = env.step(&action).unwrap_err();
        assert!(matches!(error, StepError::OutsideSpace { lane: 0, .. }), "{error}");
        assert_eq!(env.state().unwrap().as_ref(), before);
        assert_eq!(env.steps(), 0);
    }
    let (_, steps) = play(&mut env, Some(3), || good);
    assert!(steps.len() as u64 <= T::TIME_LIMIT);
    assert_eq!(steps.len() as u64 == T::TIME_LIMIT, steps[steps.len() - 1].truncated);
    assert_eq!(env.step(&good), Err(StepError::NeedsReset));
    env.reset(None);
    assert!(env.step(&good).is_ok());
}

#[test]
fn bad_actions_and_steps_outside_an_episode_are_refused() {
    refuses::<CartPole>(1, &[2, usize::MAX]);
    refuses::<Acrobot>(1, &[3, usize::MAX]);
    refuses::<MountainCar>(1, &[3, usize::MAX]);
    refuses::<Pendulum>(0.5, &[2.1, -2.1, f32::NAN, f32::INFINITY, f32::NEG_INFINITY]);
}

#[test]
fn a_state_outside_its_bounds_is_refused_and_named() {
    let mut car = ControlEnvironment::<MountainCar>::new();
    car.reset(Some(1));
    let error = car.set_state([0.0, 0.08]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "MountainCar-v0: velocity is 0.08; give a number from -0.07 to 0.07 a step"
    );
    assert!(car.set_state([f64::NAN, 0.0]).is_err());
    assert_eq!(car.set_state([0.1, 0.05]), Ok(vec![0.1, 0.05]));
    let mut pendulum = ControlEnvironment::<Pendulum>::new();
    pendulum.reset(Some(1));
    assert!(pendulum.set_state([f64::INFINITY, 0.0]).is_err());
}

/// A speed that a step turns into infinity is an error with its name, and the episode stays.
#[test]
fn a_number_that_is_not_finite_does_not_travel() {
    let mut env = ControlEnvironment::<CartPole>::new();
    env.reset(Some(1));
    env.set_state([0.0, 0.0, 0.1, 1e200]).unwrap();
    let error = env.step(&0).unwrap_err();
    assert!(matches!(error, StepError::NotFinite { step: 0, .. }), "{error}");
    assert!(env.state().is_some());
}

/// An episode that reaches its goal with the last step is both terminated and truncated.
#[test]
fn the_last_step_can_be_both_ends() {
    let mut car = ControlEnvironment::<MountainCar>::new();
    car.reset(Some(1));
    for _ in 1..MountainCar::TIME_LIMIT {
        let step = car.step(&1).unwrap();
        assert!(!step.terminated && !step.truncated);
    }
    car.set_state([0.49, 0.05]).unwrap();
    let step = car.step(&2).unwrap();
    assert!(step.terminated && step.truncated);
}

/// Initial states: bounds of Gymnasium, and the mean and variance of a uniform law within 4
/// standard errors (8 checked components at most: a false alarm in 1,000 runs with other seeds).
fn initial_states<T: Task>(bounds: &[(f64, f64)]) {
    const N: usize = 10_000;
    let mut env = ControlEnvironment::<T>::new();
    env.reset(Some(5));
    let states: Vec<Vec<f64>> = (0..N)
        .map(|_| {
            env.reset(None);
            env.state().unwrap().as_ref().to_vec()
        })
        .collect();
    for (i, &(low, high)) in bounds.iter().enumerate() {
        assert!(states.iter().all(|s| s[i] >= low && s[i] <= high), "{} {i}", T::NAME);
        if low == high {
            continue;
        }
        // Scaled to [-1, 1]: mean 0 and variance 1/3; the square has mean 1/3 and variance 4/45.
        let scaled = states.iter().map(|s| (2.0 * s[i] - low - high) / (high - low));
        let mean = scaled.clone().sum::<f64>() / N as f64;
        let square = scaled.map(|x| x * x).sum::<f64>() / N as f64;
        assert!(mean.abs() < 4.0 * (1.0 / 3.0 / N as f64).sqrt(), "{} {i}: {mean}", T::NAME);
        let error = (square - 1.0 / 3.0).abs();
        assert!(error < 4.0 * (4.0 / 45.0 / N as f64).sqrt(), "{} {i}: {square}", T::NAME);
    }
}

#[test]
fn initial_states_are_uniform() {
    use std::f64::consts::PI;
    initial_states::<CartPole>(&[(-0.05, 0.05); 4]);
    initial_states::<Acrobot>(&[(-0.1, 0.1); 4]);
    initial_states::<MountainCar>(&[(-0.6, -0.4), (0.0, 0.0)]);
    initial_states::<Pendulum>(&[(-PI, PI), (-1.0, 1.0)]);
}

/// A random episode: observations lie in the space, and the seed gives it again.
fn episode_properties<T: Task>(seed: u64, action: fn(f64) -> T::Action) {
    let mut env = ControlEnvironment::<T>::new();
    let draw = |env: &mut _, seed| {
        let mut stream = Streams::new(7).stream("actions", 0);
        play(env, seed, || action(stream.uniform()))
    };
    let one = draw(&mut env, Some(seed));
    let next = draw(&mut env, None);
    assert_eq!(one, draw(&mut env, Some(seed)), "the seed does not give the episode again");
    assert_eq!(next, draw(&mut env, None), "the seed does not give the second episode again");
    assert_ne!(one.0, next.0, "two episodes begin alike");
    let seen = one.1.iter().map(|step| &step.observation).chain([&one.0]);
    for observation in seen {
        let flat: Vec<f64> = observation.iter().map(|&x| f64::from(x)).collect();
        assert!(env.observation_space().contains(&flat), "{}: {flat:?}", T::NAME);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 32,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn observations_lie_in_the_space_and_seeds_reproduce(seed: u64) {
        episode_properties::<CartPole>(seed, |x| usize::from(x < 0.5));
        episode_properties::<Acrobot>(seed, |x| (3.0 * x) as usize);
        episode_properties::<MountainCar>(seed, |x| (3.0 * x) as usize);
        episode_properties::<Pendulum>(seed, |x| (4.0 * x - 2.0) as f32);
    }

    /// Left and right are alike: the mirrored action takes the mirrored state to the mirrored
    /// state, with the same reward.
    #[test]
    fn mirror_images_move_alike(
        x in proptest::array::uniform4(-1.0..1.0_f64),
        choice in 0..3_usize,
        torque in -2.0..2.0_f32,
    ) {
        let state = [2.4 * x[0], 3.0 * x[1], 0.2 * x[2], 3.0 * x[3]];
        mirrored::<CartPole, 4>(state, choice % 2, 1 - choice % 2);
        let state = [3.0 * x[0], 3.0 * x[1], 12.0 * x[2], 28.0 * x[3]];
        // The cosines of angles less pi/2 are sines only up to rounding.
        prop_assume!(state[2].abs() + state[3].abs() < 12.0);
        mirrored::<Acrobot, 4>(state, choice, 2 - choice);
        mirrored::<Pendulum, 2>([3.0 * x[0], 8.0 * x[1]], torque, -torque);
    }
}

fn mirrored<T: Task<State = [f64; N]>, const N: usize>(
    state: [f64; N],
    action: T::Action,
    opposite: T::Action,
) {
    let one = T::advance(&state, action);
    let other = T::advance(&state.map(|x| -x), opposite);
    assert!((one.reward - other.reward).abs() < 1e-9);
    for (a, b) in one.state.iter().zip(&other.state) {
        assert!((a + b).abs() < 1e-9, "{}: {:?} and {:?}", T::NAME, one.state, other.state);
    }
}
