//! Many copies of a task that go on for ever, over flat arrays.

use super::environment::check_finite;
use super::{Task, Transition};
use crate::environment::StepError;
use crate::random::Streams;
use crate::space::Space;
use crate::vector::{RestoreError, VectorEnvironment};

/// Many copies of one task; a lane whose episode ends begins the next at once.
///
/// A lane lives what a [`ControlEnvironment`](super::ControlEnvironment) with the streams
/// `streams.child("lane", first lane + lane)` lives, to the bit. Nothing is allocated in a step.
#[derive(Clone, Debug)]
pub struct ControlLanes<T: Task> {
    observation_space: Space,
    action_space: Space,
    size: usize,
    first_lane: u64,
    /// None before the first reset.
    streams: Option<Streams>,
    lanes: Vec<Lane<T::State>>,
    observations: Vec<f32>,
    rewards: Vec<f64>,
    terminated: Vec<bool>,
    truncated: Vec<bool>,
    final_observations: Vec<f32>,
    // What a step would do, until it is known that all of it is finite.
    next: Vec<Transition<T::State>>,
    next_observations: Vec<f32>,
}

/// One copy: where it stands, and what it draws its next episodes from.
#[derive(Clone, Copy, Debug)]
struct Lane<S> {
    state: S,
    /// Steps since the episode began.
    steps: u64,
    /// Number of the next episode.
    episode: u64,
    streams: Streams,
}

impl<S: Default> Default for Lane<S> {
    fn default() -> Self {
        Self { state: S::default(), steps: 0, episode: 0, streams: Streams::new(0) }
    }
}

impl<S> Lane<S> {
    fn begin<T: Task<State = S>>(&mut self, row: &mut [f32]) {
        self.state = T::start(&mut self.streams.stream("initial state", self.episode));
        self.episode = self.episode.wrapping_add(1);
        self.steps = 0;
        T::observe(&self.state, row);
    }
}

impl<T: Task> ControlLanes<T> {
    /// `lanes` copies of the task. They wait for a [`VectorEnvironment::reset`].
    pub fn new(lanes: usize) -> Self {
        let (observation_space, action_space) = (T::observation_space(), T::action_space());
        let size = observation_space.size();
        let state = T::State::default();
        Self {
            observation_space,
            action_space,
            size,
            first_lane: 0,
            streams: None,
            lanes: vec![Lane::default(); lanes],
            observations: vec![0.0; lanes * size],
            rewards: vec![0.0; lanes],
            terminated: vec![false; lanes],
            truncated: vec![false; lanes],
            final_observations: vec![0.0; lanes * size],
            next: vec![Transition { state, reward: 0.0, terminated: false }; lanes],
            next_observations: vec![0.0; lanes * size],
        }
    }

    /// Makes lane 0 lane number `first` of a larger whole, so that lanes stepped in pieces are the
    /// same as in one.
    pub fn first_lane(mut self, first: u64) -> Self {
        self.first_lane = first;
        self
    }

    fn own_streams(&self, streams: Streams, lane: usize) -> Streams {
        streams.child("lane", self.first_lane.wrapping_add(lane as u64))
    }

    /// A lane of an episode under way as [`VectorEnvironment::state`] wrote it.
    fn read_lane(
        &self,
        lane: usize,
        streams: Streams,
        words: &[u64],
    ) -> Result<Lane<T::State>, RestoreError> {
        let bad =
            |field, value| RestoreError::BadValue { environment: T::NAME, lane, field, value };
        let (steps, episode) = (words[0], words[1]);
        if steps >= T::TIME_LIMIT {
            return Err(bad("steps", steps as f64));
        }
        if episode == 0 {
            return Err(bad("episode", 0.0));
        }
        let mut state = T::State::default();
        // A component may be beyond f32 though within its bounds.
        let seen = |value: f64| (value as f32).is_finite();
        let values = state.as_mut().iter_mut().zip(&words[2..]);
        for ((value, &bits), component) in values.zip(T::COMPONENTS) {
            *value = f64::from_bits(bits);
            if !((component.low..=component.high).contains(value) && seen(*value)) {
                return Err(bad(component.name, *value));
            }
        }
        Ok(Lane { state, steps, episode, streams })
    }

    fn forget_last_step(&mut self) {
        self.rewards.fill(0.0);
        self.terminated.fill(false);
        self.truncated.fill(false);
    }

    /// What the step would do to each lane; changes nothing else.
    fn look_ahead(&mut self, actions: &[f32]) -> Result<(), StepError> {
        let rows = self.next_observations.chunks_exact_mut(self.size);
        for (i, (lane, row)) in self.lanes.iter().zip(rows).enumerate() {
            let next = T::advance(&lane.state, T::action(clip(&self.action_space, actions[i])));
            T::observe(&next.state, row);
            check_finite::<T>(i, lane.steps, row, next.reward)?;
            self.next[i] = next;
        }
        Ok(())
    }

    fn check(&self, actions: &[f32]) -> Result<(), StepError> {
        if self.streams.is_none() {
            return Err(StepError::NeedsReset);
        }
        let (given, waiting) = (actions.len(), self.lanes.len());
        if given != waiting {
            return Err(StepError::WrongCount { given, waiting });
        }
        let outside =
            |&number: &f32| !self.action_space.contains(&[clip(&self.action_space, number).into()]);
        match actions.iter().position(outside) {
            None => Ok(()),
            Some(lane) => {
                let space = format!("{:?} of {}", self.action_space, T::NAME);
                let action = vec![actions[lane].into()];
                Err(StepError::OutsideSpace { lane, action, space })
            }
        }
    }
}

impl<T: Task> VectorEnvironment for ControlLanes<T> {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn lanes(&self) -> usize {
        self.lanes.len()
    }

    fn observation_space(&self) -> &Space {
        &self.observation_space
    }

    fn action_space(&self) -> &Space {
        &self.action_space
    }

    fn reset(&mut self, streams: &Streams) {
        self.streams = Some(*streams);
        for i in 0..self.lanes.len() {
            let streams = self.own_streams(*streams, i);
            self.lanes[i] = Lane { streams, ..Lane::default() };
            self.lanes[i].begin::<T>(&mut self.observations[i * self.size..][..self.size]);
        }
        self.forget_last_step();
    }

    fn observations(&self) -> &[f32] {
        &self.observations
    }

    fn step(&mut self, actions: &[f32]) -> Result<(), StepError> {
        self.check(actions)?;
        self.look_ahead(actions)?;
        std::mem::swap(&mut self.observations, &mut self.next_observations);
        for (i, (lane, next)) in self.lanes.iter_mut().zip(&self.next).enumerate() {
            lane.state = next.state;
            lane.steps += 1;
            self.rewards[i] = next.reward;
            self.terminated[i] = next.terminated;
            self.truncated[i] = lane.steps >= T::TIME_LIMIT;
            if next.terminated || self.truncated[i] {
                let place = i * self.size..(i + 1) * self.size;
                let row = &mut self.observations[place.clone()];
                self.final_observations[place].copy_from_slice(row);
                lane.begin::<T>(row);
            }
        }
        Ok(())
    }

    fn rewards(&self) -> &[f64] {
        &self.rewards
    }

    fn terminated(&self) -> &[bool] {
        &self.terminated
    }

    fn truncated(&self) -> &[bool] {
        &self.truncated
    }

    fn final_observations(&self) -> &[f32] {
        &self.final_observations
    }

    fn state(&self) -> Vec<u8> {
        let mut bytes = header::<T>(self.lanes.len(), self.first_lane).into_bytes();
        let mut put = |number: u64| bytes.extend(number.to_le_bytes());
        put(u64::from(self.streams.is_some()));
        put(self.streams.map_or(0, Streams::key));
        for lane in &self.lanes {
            put(lane.steps);
            put(lane.episode);
            lane.state.as_ref().iter().for_each(|number| put(number.to_bits()));
        }
        bytes
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), RestoreError> {
        let environment = T::NAME;
        let header = header::<T>(self.lanes.len(), self.first_lane);
        let Some(body) = state.strip_prefix(header.as_bytes()) else {
            return Err(not_these_lanes(environment, state, &header));
        };
        let components = T::State::default().as_ref().len();
        let words = 2 + self.lanes.len() * (2 + components);
        if body.len() != 8 * words {
            let (given, expected) = (state.len(), header.len() + 8 * words);
            return Err(RestoreError::WrongLength { environment, given, expected });
        }
        let words: Vec<u64> =
            body.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
        let streams = (words[0] != 0).then(|| Streams::from_key(words[1]));
        let mut lanes = Vec::with_capacity(self.lanes.len());
        for (lane, words) in words[2..].chunks_exact(2 + components).enumerate() {
            lanes.push(match streams {
                Some(streams) => self.read_lane(lane, self.own_streams(streams, lane), words)?,
                None => Lane::default(),
            });
        }
        (self.streams, self.lanes) = (streams, lanes);
        for (lane, row) in self.lanes.iter().zip(self.observations.chunks_exact_mut(self.size)) {
            match self.streams {
                Some(_) => T::observe(&lane.state, row),
                None => row.fill(0.0),
            }
        }
        self.forget_last_step();
        Ok(())
    }
}

/// The number a lane acts with: clipped to the bounds of a box; NaN stays NaN.
#[inline]
fn clip(space: &Space, number: f32) -> f32 {
    match space {
        Space::Box { low, .. } if number < low[0] => low[0],
        Space::Box { high, .. } if number > high[0] => high[0],
        _ => number,
    }
}

/// A state begins with this line; then come numbers of 8 bytes, little-endian: whether there was a
/// reset, the key of the streams, and for each lane its steps, the number of its next episode and
/// the components of its state.
fn header<T: Task>(lanes: usize, first_lane: u64) -> String {
    format!("{MAGIC}{lanes} lanes of {}, the first is lane {first_lane}\n", T::NAME)
}

const MAGIC: &str = "trueup lanes, format 1: ";

/// What bytes are that do not begin with the header of the lanes.
fn not_these_lanes(environment: &'static str, state: &[u8], header: &str) -> RestoreError {
    let line = state.split(|&byte| byte == b'\n').next().and_then(|line| str::from_utf8(line).ok());
    match line.and_then(|line| line.strip_prefix(MAGIC)) {
        Some(given) if given.len() < 200 => {
            let expected = header.trim_start_matches(MAGIC).trim_end().into();
            RestoreError::OtherLanes { given: given.into(), expected }
        }
        _ => RestoreError::NotAState { environment, length: state.len() },
    }
}
