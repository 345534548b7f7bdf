//! Lanes of classic control that go on for ever: equal to single environments, in pieces and after
//! a restore; bad actions and bad states.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

use proptest::prelude::*;
use trueup_env::classic::{
    Acrobot, CartPole, ControlEnvironment, ControlLanes, MountainCar, Pendulum, TASKS, Task,
};
use trueup_env::{Environment, RestoreError, Space, StepError, Streams, VectorEnvironment};

/// One number in [0, 1) for each step and lane, the same for whoever asks.
fn uniform(step: usize, lane: u64) -> f64 {
    Streams::new(3).child("step", step as u64).stream("action", lane).uniform()
}

/// An action of a space from a uniform number, as a flat number.
fn action(space: &Space, uniform: f64) -> f32 {
    match space {
        Space::Discrete { n } => (uniform * *n as f64).floor() as f32,
        Space::Box { low, high } => low[0] + (high[0] - low[0]) * uniform as f32,
        _ => panic!("no such task"),
    }
}

fn actions(lanes: &dyn VectorEnvironment, step: usize, first: u64) -> Vec<f32> {
    let space = lanes.action_space();
    (first..).take(lanes.lanes()).map(|lane| action(space, uniform(step, lane))).collect()
}

/// All that a step shows, to the bit. Final observations only where they mean something.
type Shown = (Vec<u32>, Vec<u64>, Vec<(bool, bool)>, Vec<u32>);

fn shown(lanes: &dyn VectorEnvironment) -> Shown {
    let bits = |row: &[f32]| row.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    let ends = lanes.terminated().iter().zip(lanes.truncated());
    let ends: Vec<(bool, bool)> = ends.map(|(&a, &b)| (a, b)).collect();
    let size = lanes.observation_space().size();
    let last = lanes.final_observations().chunks(size).zip(&ends);
    let last = last.filter(|(_, end)| end.0 || end.1).flat_map(|(row, _)| bits(row)).collect();
    let rewards = lanes.rewards().iter().map(|x| x.to_bits()).collect();
    (bits(lanes.observations()), rewards, ends, last)
}

fn make(name: &str, lanes: usize, first: u64) -> Box<dyn VectorEnvironment> {
    let (_, make) = TASKS.iter().find(|(task, _)| *task == name).unwrap();
    make(lanes, first)
}

/// A lane of a whole lives what a single environment with the lane's streams lives.
fn equals_singles<T: Task>(steps: usize) {
    const LANES: usize = 3;
    let streams = Streams::new(9);
    let mut lanes = ControlLanes::<T>::new(LANES).first_lane(5);
    lanes.reset(&streams);
    let size = lanes.observation_space().size();
    let mut singles: Vec<ControlEnvironment<T>> = (0..LANES)
        .map(|lane| {
            let mut single = ControlEnvironment::<T>::new();
            single.set_streams(streams.child("lane", 5 + lane as u64));
            single
        })
        .collect();
    for (lane, single) in singles.iter_mut().enumerate() {
        assert_eq!(single.reset(None).0, &lanes.observations()[lane * size..][..size]);
    }
    let (mut terminated, mut truncated) = (0, 0);
    for step in 0..steps {
        let given = actions(&lanes, step, 5);
        lanes.step(&given).unwrap();
        for (lane, single) in singles.iter_mut().enumerate() {
            let place = lane * size..(lane + 1) * size;
            let own = single.step(&T::action(given[lane])).unwrap();
            assert_eq!(own.reward.to_bits(), lanes.rewards()[lane].to_bits());
            let ends = (lanes.terminated()[lane], lanes.truncated()[lane]);
            assert_eq!((own.terminated, own.truncated), ends, "{} step {step}", T::NAME);
            terminated += usize::from(own.terminated);
            truncated += usize::from(own.truncated);
            if own.terminated || own.truncated {
                assert_eq!(own.observation, &lanes.final_observations()[place.clone()]);
                assert_eq!(single.reset(None).0, &lanes.observations()[place]);
            } else {
                assert_eq!(own.observation, &lanes.observations()[place]);
            }
        }
    }
    assert!(terminated + truncated > 2 * LANES, "too few episodes of {}", T::NAME);
    let limited = T::NAME != CartPole::NAME;
    assert_eq!(truncated > 0, limited, "{}: {truncated} truncations", T::NAME);
    assert_eq!(terminated > 0, T::NAME == CartPole::NAME, "{}", T::NAME);
}

#[test]
fn a_lane_equals_a_single_environment() {
    equals_singles::<CartPole>(500);
    equals_singles::<Acrobot>(1_600);
    equals_singles::<MountainCar>(700);
    equals_singles::<Pendulum>(700);
}

/// Terminations of lanes that are played by a rule which reaches the goal: the step that ends by
/// itself starts anew like one that is cut.
#[test]
fn a_goal_begins_a_new_episode() {
    let mut lanes = make("MountainCar-v0", 4, 0);
    lanes.reset(&Streams::new(2));
    let mut ends = 0;
    for _ in 0..400 {
        let rolling = lanes.observations().chunks(2).map(|row| row[1] >= 0.0);
        let given: Vec<f32> = rolling.map(|right| if right { 2.0 } else { 0.0 }).collect();
        lanes.step(&given).unwrap();
        for lane in 0..4 {
            if lanes.terminated()[lane] {
                assert!(lanes.final_observations()[2 * lane] >= 0.5);
                assert!((-0.6..-0.4).contains(&lanes.observations()[2 * lane]));
                ends += 1;
            }
        }
    }
    assert!(ends > 8, "{ends}");
}

#[test]
fn pieces_equal_the_whole() {
    for (name, _) in TASKS {
        let mut whole = make(name, 7, 10);
        let mut pieces = [make(name, 3, 10), make(name, 4, 13)];
        let streams = Streams::new(4);
        whole.reset(&streams);
        pieces.iter_mut().for_each(|piece| piece.reset(&streams));
        for step in 0..300 {
            whole.step(&actions(&*whole, step, 10)).unwrap();
            let mut together = Shown::default();
            for (piece, first) in pieces.iter_mut().zip([10, 13]) {
                piece.step(&actions(&**piece, step, first)).unwrap();
                let part = shown(&**piece);
                together.0.extend(part.0);
                together.1.extend(part.1);
                together.2.extend(part.2);
                together.3.extend(part.3);
            }
            assert_eq!(shown(&*whole), together, "{name}, step {step}");
        }
        let rows = whole.observations().chunks(whole.observation_space().size());
        let mut rows: Vec<&[f32]> = rows.collect();
        rows.dedup();
        assert_eq!(rows.len(), 7, "{name}: lanes draw the same");
    }
}

#[test]
fn a_restored_copy_goes_on_to_the_same_bits() {
    for (name, _) in TASKS {
        let mut one = make(name, 5, 2);
        one.reset(&Streams::new(6));
        for step in 0..137 {
            one.step(&actions(&*one, step, 2)).unwrap();
        }
        let state = one.state();
        let mut two = make(name, 5, 2);
        // What it did before leaves no trace.
        two.reset(&Streams::new(77));
        two.step(&actions(&*two, 0, 2)).unwrap();
        two.restore(&state).unwrap();
        assert_eq!(two.state(), state);
        assert_eq!(shown(&*one).0, shown(&*two).0);
        assert!(two.rewards().iter().all(|&reward| reward == 0.0));
        assert!(!two.terminated().iter().chain(two.truncated()).any(|&end| end));
        for step in 137..700 {
            let given = actions(&*one, step, 2);
            one.step(&given).unwrap();
            two.step(&given).unwrap();
            assert_eq!(shown(&*one), shown(&*two), "{name}, step {step}");
        }
        assert_eq!(one.state(), two.state());
    }
}

#[test]
fn a_state_from_before_the_first_reset_waits_for_one() {
    let fresh = make("CartPole-v1", 2, 0).state();
    let mut lanes = make("CartPole-v1", 2, 0);
    assert_eq!(lanes.observations(), [0.0; 8]);
    assert_eq!(lanes.step(&[0.0; 2]), Err(StepError::NeedsReset));
    lanes.reset(&Streams::new(1));
    assert_ne!(lanes.observations(), [0.0; 8]);
    lanes.restore(&fresh).unwrap();
    assert_eq!(lanes.observations(), [0.0; 8]);
    assert_eq!(lanes.step(&[0.0; 2]), Err(StepError::NeedsReset));
}

#[test]
fn bad_actions_change_nothing() {
    for (name, _) in TASKS {
        let mut lanes = make(name, 3, 0);
        lanes.reset(&Streams::new(1));
        lanes.step(&actions(&*lanes, 0, 0)).unwrap();
        let (state, before) = (lanes.state(), shown(&*lanes));
        for given in [0, 2, 4] {
            let error = lanes.step(&vec![0.0; given]).unwrap_err();
            assert_eq!(error, StepError::WrongCount { given, waiting: 3 });
        }
        let mut bad = vec![f32::NAN];
        if name != "Pendulum-v1" {
            bad.extend([-1.0, 0.5, 3.0, f32::INFINITY, f32::NEG_INFINITY, f32::MAX]);
        }
        for bad in bad {
            let error = lanes.step(&[0.0, 1.0, bad]).unwrap_err();
            assert!(matches!(error, StepError::OutsideSpace { lane: 2, .. }), "{error}");
            assert!(error.to_string().contains(name), "{error}");
        }
        assert_eq!((lanes.state(), shown(&*lanes)), (state, before), "{name}");
    }
}

#[test]
fn a_torque_beyond_the_bounds_is_clipped() {
    let (mut wild, mut tame) = (make("Pendulum-v1", 4, 0), make("Pendulum-v1", 4, 0));
    wild.reset(&Streams::new(1));
    tame.reset(&Streams::new(1));
    for _ in 0..20 {
        wild.step(&[7.0, -1e30, f32::INFINITY, 1.5]).unwrap();
        tame.step(&[2.0, -2.0, 2.0, 1.5]).unwrap();
        assert_eq!(shown(&*wild), shown(&*tame));
    }
    wild.step(&[1.9; 4]).unwrap();
    tame.step(&[2.0; 4]).unwrap();
    assert_ne!(shown(&*wild), shown(&*tame));
}

/// Where a component of a lane's state stands in the bytes.
fn place(state: &[u8], lane: usize, word: usize, components: usize) -> std::ops::Range<usize> {
    let header = state.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    let at = header + 8 * (2 + lane * (2 + components) + word);
    at..at + 8
}

/// A speed that a step turns into infinity is an error with its place, and changes nothing.
#[test]
fn a_number_that_is_not_finite_does_not_travel() {
    let mut lanes = make("CartPole-v1", 3, 0);
    lanes.reset(&Streams::new(1));
    lanes.step(&[0.0, 1.0, 0.0]).unwrap();
    let mut state = lanes.state();
    // Word 2 is the position, 5 the angular velocity. Its square is beyond f32.
    let at = place(&state, 1, 5, 4);
    state[at].copy_from_slice(&1e30_f64.to_bits().to_le_bytes());
    lanes.restore(&state).unwrap();
    let error = lanes.step(&[0.0; 3]).unwrap_err();
    let StepError::NotFinite { environment, lane, step, field, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!((*environment, *lane, *step), ("CartPole-v1", 1, 1));
    assert!(field.starts_with("observation"), "{field}");
    assert_eq!(lanes.state(), state);
}

#[test]
fn bytes_that_are_no_state_of_these_lanes_are_refused() {
    let mut lanes = make("CartPole-v1", 2, 3);
    lanes.reset(&Streams::new(1));
    let (good, before) = (lanes.state(), shown(&*lanes));
    for bad in [&b""[..], b"\n", b"\xff\xfe", &good[1..], &good[..9]] {
        let error = lanes.restore(bad).unwrap_err();
        let (environment, length) = ("CartPole-v1", bad.len());
        assert_eq!(error, RestoreError::NotAState { environment, length });
    }
    for (mut other, kind) in [
        (make("CartPole-v1", 3, 3), "3 lanes of CartPole-v1, the first is lane 3"),
        (make("CartPole-v1", 2, 0), "2 lanes of CartPole-v1, the first is lane 0"),
        (make("Acrobot-v1", 2, 3), "2 lanes of Acrobot-v1, the first is lane 3"),
    ] {
        other.reset(&Streams::new(1));
        let error = lanes.restore(&other.state()).unwrap_err();
        let expected = "2 lanes of CartPole-v1, the first is lane 3".into();
        assert_eq!(error, RestoreError::OtherLanes { given: kind.into(), expected });
    }
    let longer = [&good[..], &[0]].concat();
    for bad in [&good[..good.len() - 1], &longer] {
        let error = lanes.restore(bad).unwrap_err();
        assert!(matches!(error, RestoreError::WrongLength { .. }), "{error}");
    }
    let beyond = 2.5_f64.to_bits();
    for (word, bits, name) in [
        (0, 500, "steps"),
        (1, 0, "episode"),
        (2, beyond, "position"),
        (3, f64::NAN.to_bits(), "velocity"),
        (3, f64::INFINITY.to_bits(), "velocity"),
        (3, 1e39_f64.to_bits(), "velocity"),
    ] {
        let mut bad = good.clone();
        bad[place(&good, 1, word, 4)].copy_from_slice(&bits.to_le_bytes());
        let error = lanes.restore(&bad).unwrap_err();
        let RestoreError::BadValue { lane: 1, field, .. } = error else { panic!("{error}") };
        assert_eq!(field, name);
    }
    assert_eq!((lanes.state(), shown(&*lanes)), (good, before));
}

#[test]
fn no_lanes_at_all_and_numbers_at_the_edge() {
    for (name, _) in TASKS {
        let mut lanes = make(name, 0, 0);
        lanes.reset(&Streams::new(1));
        lanes.step(&[]).unwrap();
        assert!(lanes.observations().is_empty());
        let state = lanes.state();
        lanes.restore(&state).unwrap();
        let mut lanes = make(name, 2, u64::MAX);
        lanes.reset(&Streams::new(1));
        lanes.step(&[0.0; 2]).unwrap();
        assert_eq!(lanes.name(), name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// A damaged state is refused and changes nothing, or it is a state that goes on: finite
    /// observations, or an error that says which is not.
    #[test]
    fn a_damaged_state_is_refused_or_goes_on(
        task in 0..TASKS.len(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
        before in 0usize..30,
    ) {
        let (_, make) = TASKS[task];
        let mut lanes = make(3, 1);
        lanes.reset(&Streams::new(8));
        for step in 0..before {
            lanes.step(&actions(&*lanes, step, 1)).unwrap();
        }
        let good = lanes.state();
        let mut bad = good.clone();
        for (place, byte) in &damage {
            let place = place.index(bad.len());
            bad[place] = *byte;
        }
        if let Some(cut) = cut {
            bad.truncate(cut.index(bad.len()));
        }
        if lanes.restore(&bad).is_err() {
            prop_assert_eq!(lanes.state(), good);
        }
        for step in 0..30 {
            let before = lanes.state();
            prop_assert!(lanes.observations().iter().all(|x| x.is_finite()));
            if lanes.step(&actions(&*lanes, step, 1)).is_err() {
                prop_assert_eq!(lanes.state(), before);
            }
        }
    }
}
