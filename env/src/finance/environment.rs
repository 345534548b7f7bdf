//! The finance world with one user, behind the Gymnasium face.

use std::sync::Arc;

use super::lanes::FinanceLanes;
use super::world::CheckedWorld;
use crate::environment::{Environment, Step, StepError};
use crate::event_log::Event;
use crate::lanes::{Actions, Lanes};
use crate::payment::Payment;
use crate::random::Streams;
use crate::space::Space;

/// "Nothing" (kind 0), or an event of kind `kind - 1` with an amount.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FinanceAction {
    /// The choice; 0 is "nothing".
    pub kind: u16,
    /// The amount; not read for "nothing".
    pub amount: f64,
}

/// Facts about the last step.
#[derive(Clone, Debug, PartialEq)]
pub struct FinanceInfo {
    /// The tick that the next action belongs to; the horizon after the end.
    pub tick: u32,
    /// The event that the step made.
    pub event: Option<Event>,
    /// Events of the episode whose amount was cut to what the source held.
    pub cuts: u64,
    /// Which choices are feasible now; empty after the end.
    pub mask: Vec<bool>,
}

/// One user of a finance world: a thin wrapper around [`FinanceLanes`] with one lane.
pub struct FinanceEnvironment {
    lanes: FinanceLanes,
    streams: Streams,
    episode: u64,
    actions: Actions,
}

impl FinanceEnvironment {
    /// One user of a world.
    pub fn new(world: CheckedWorld) -> Self {
        let actions = Actions { kind: vec![0], amount: vec![0.0] };
        Self { lanes: FinanceLanes::new(world, 1), streams: Streams::new(0), episode: 0, actions }
    }

    /// What events pay from now on; nothing without a payment.
    pub fn set_payment(&mut self, payment: Option<Arc<dyn Payment>>) {
        self.lanes.set_payment(payment);
    }

    /// The lane behind it, e.g. for its log.
    pub fn lanes(&self) -> &FinanceLanes {
        &self.lanes
    }

    fn info(&self, event: Option<Event>) -> FinanceInfo {
        let (tick, cuts) = (self.lanes.tick(), self.lanes.cuts());
        FinanceInfo { tick, event, cuts, mask: self.lanes.masks().to_vec() }
    }
}

impl Environment for FinanceEnvironment {
    type Action = FinanceAction;
    type Info = FinanceInfo;

    fn observation_space(&self) -> &Space {
        self.lanes.observation_space()
    }

    fn action_space(&self) -> &Space {
        self.lanes.action_space()
    }

    fn reset(&mut self, seed: Option<u64>) -> (Vec<f32>, FinanceInfo) {
        if let Some(seed) = seed {
            self.streams = Streams::new(seed);
            self.episode = 0;
        }
        self.lanes.reset(&self.streams.child("episode", self.episode));
        self.episode += 1;
        (self.lanes.all_observations().to_vec(), self.info(None))
    }

    fn step(&mut self, action: &FinanceAction) -> Result<Step<FinanceInfo>, StepError> {
        self.actions.kind[0] = action.kind;
        self.actions.amount[0] = action.amount;
        let events = self.lanes.events().len();
        self.lanes.step(&self.actions)?;
        let event = self.lanes.events().get(events).map(|(_, event)| *event);
        Ok(Step {
            observation: self.lanes.all_observations().to_vec(),
            reward: self.lanes.rewards()[0],
            terminated: self.lanes.terminated()[0],
            truncated: self.lanes.truncated()[0],
            info: self.info(event),
        })
    }
}
