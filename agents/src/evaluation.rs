//! A network that acts in tasks of classic control, and episodes that show how well it does.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use trueup_env::{Stream, Streams};

use crate::architecture::Network;
use crate::control::Make;
use crate::distribution::act;
use crate::experience::Failed;
use crate::fused::Forward;
use crate::normaliser::Scaler;

/// An episode: its return (sum of raw rewards) and length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    /// Sum of raw rewards.
    pub sum: f64,
    /// Steps.
    pub length: u64,
}

/// A network in the act.
pub(crate) struct Actor<'a> {
    network: &'a Network,
    log_sd: &'a [f32],
    forward: Forward<'a>,
    outputs: Vec<f32>,
    /// None: the mode is taken.
    streams: Option<Vec<Stream>>,
    /// Whole numbers of the actions, rows x [`Head::whole`](crate::architecture::Head::whole).
    pub whole: Vec<u16>,
    /// Their real numbers, rows x [`Head::real`](crate::architecture::Head::real).
    pub real: Vec<f32>,
    /// Of each action.
    pub log_probability: Vec<f32>,
    /// What the environment is told.
    pub actions: Vec<f32>,
    /// Spent in the network so far.
    pub seconds: f64,
}

impl<'a> Actor<'a> {
    /// For the lanes `first .. first + lanes`; without streams the mode is taken.
    pub fn new(network: &'a Network, first: u64, lanes: usize, streams: Option<&Streams>) -> Self {
        let slots = network.architecture.slots();
        let free = slots.iter().find(|slot| slot.name == "log_sd");
        let log_sd = free.and_then(|slot| network.parameters.get(slot.range.clone()));
        let of_lane = |streams: &Streams| {
            (0..lanes as u64).map(|i| streams.stream("policy", first + i)).collect()
        };
        Self {
            network,
            log_sd: log_sd.unwrap_or_default(),
            forward: Forward::new(network),
            outputs: Vec::new(),
            streams: streams.map(of_lane),
            whole: Vec::new(),
            real: Vec::new(),
            log_probability: Vec::new(),
            actions: Vec::new(),
            seconds: 0.0,
        }
    }

    /// One action a row.
    pub fn act(&mut self, observations: &[f32]) {
        let started = Instant::now();
        let head = &self.network.architecture.head;
        self.outputs.clear();
        self.outputs.extend_from_slice(self.forward.policy(observations));
        self.whole.clear();
        self.real.clear();
        self.log_probability.clear();
        for (lane, outputs) in self.outputs.chunks_exact_mut(head.outputs().max(1)).enumerate() {
            let stream = self.streams.as_mut().map(|streams| &mut streams[lane]);
            let log = act(head, outputs, self.log_sd, stream, &mut self.whole, &mut self.real);
            self.log_probability.push(log);
        }
        self.actions.clear();
        self.actions.extend(self.whole.iter().map(|&choice| f32::from(choice)));
        self.actions.extend_from_slice(&self.real);
        self.seconds += started.elapsed().as_secs_f64();
    }
}

/// Plays one episode on each of `episodes` fresh copies of a task whose episodes end.
///
/// # Errors
/// Rewards or observations that are not finite.
pub fn evaluate(
    make: Make,
    network: &Network,
    scaler: &Scaler,
    episodes: usize,
    sampled: bool,
    streams: &Streams,
) -> Result<Vec<Episode>, Failed> {
    let mut environment = make(episodes, 0);
    environment.reset(streams);
    let mut actor = Actor::new(network, 0, episodes, sampled.then_some(streams));
    let mut played = vec![Episode::default(); episodes];
    let mut running = vec![true; episodes];
    let mut observations = Vec::new();
    while running.contains(&true) {
        observations.clear();
        observations.extend_from_slice(environment.observations());
        scaler.apply(&mut observations);
        actor.act(&observations);
        environment.step(&actor.actions)?;
        for lane in 0..episodes {
            if running[lane] {
                played[lane].sum += environment.rewards()[lane];
                played[lane].length += 1;
                running[lane] = !(environment.terminated()[lane] || environment.truncated()[lane]);
            }
        }
    }
    Ok(played)
}
