//! A network as a policy of the finance world: samples a kind, and the amount that belongs to it.

use std::time::Instant;

use trueup_env::{Actions, Stream, Streams};

use crate::amounts::Amounts;
use crate::architecture::{Head, Network};
use crate::distribution::{draw, log_softmax};
use crate::fused::Forward;
use crate::policy::{Actor, Decision, Policy};

/// Weights with what is needed to act by them.
#[derive(Clone, Debug)]
pub struct NetworkPolicy {
    /// The weights; the head is hybrid.
    pub network: Network,
    /// The amounts behind the bins.
    pub amounts: Amounts,
}

/// What was drawn, row by row: for training.
#[derive(Clone, Debug, Default)]
pub struct Draws {
    /// Choice and amount bin (0 for "nothing"), rows x 2.
    pub whole: Vec<u16>,
    /// Log probability of the choice, with its bin where it has one.
    pub log_probability: Vec<f32>,
}

/// A network in the act.
pub struct NetworkActor<'a> {
    amounts: &'a Amounts,
    bins: usize,
    forward: Forward<'a>,
    streams: Vec<Stream>,
    logits: Vec<f32>,
    acting: Vec<u32>,
    kinds: Vec<u16>,
    /// What was drawn for the last decision.
    pub draws: Draws,
    /// Seconds spent in the network so far.
    pub seconds: f64,
}

impl NetworkPolicy {
    /// An actor whose draws can be read back.
    pub fn network_actor(&self, first: u64, count: usize, streams: &Streams) -> NetworkActor<'_> {
        let bins = match self.network.architecture.head {
            Head::Hybrid { bins, .. } => bins,
            _ => 0,
        };
        NetworkActor {
            amounts: &self.amounts,
            bins,
            forward: Forward::new(&self.network),
            streams: (0..count as u64).map(|i| streams.stream("policy", first + i)).collect(),
            logits: Vec::new(),
            acting: Vec::new(),
            kinds: Vec::new(),
            draws: Draws::default(),
            seconds: 0.0,
        }
    }
}

impl Policy for NetworkPolicy {
    fn actor(&self, first: u64, count: usize, streams: &Streams) -> Box<dyn Actor + '_> {
        Box::new(self.network_actor(first, count, streams))
    }
}

impl Actor for NetworkActor<'_> {
    fn act(&mut self, decision: &Decision<'_>, actions: &mut Actions) {
        let started = Instant::now();
        let choices = decision.choices;
        self.logits.clear();
        self.logits.extend_from_slice(self.forward.policy(decision.observations));
        actions.kind.clear();
        actions.amount.clear();
        self.draws.whole.clear();
        self.draws.log_probability.clear();
        self.acting.clear();
        self.kinds.clear();
        let masks = decision.masks.chunks_exact(choices);
        let rows = self.logits.chunks_exact_mut(choices).zip(masks).zip(decision.lanes);
        for (row, ((logits, mask), &lane)) in rows.enumerate() {
            log_softmax(logits, mask);
            let choice = draw(logits, &mut self.streams[lane as usize]);
            actions.kind.push(choice as u16);
            actions.amount.push(0.0);
            self.draws.whole.extend([choice as u16, 0]);
            self.draws.log_probability.push(logits[choice]);
            if choice > 0 {
                self.acting.push(row as u32);
                self.kinds.push(choice as u16 - 1);
            }
        }
        if !self.acting.is_empty() {
            self.draw_amounts(decision, actions);
        }
        self.seconds += started.elapsed().as_secs_f64();
    }
}

impl NetworkActor<'_> {
    /// Amounts for the rows that chose a kind: a few, so that the second layer is cheap.
    fn draw_amounts(&mut self, decision: &Decision<'_>, actions: &mut Actions) {
        self.logits.clear();
        self.logits.extend_from_slice(self.forward.amounts(&self.acting, &self.kinds));
        let rows = self.logits.chunks_exact_mut(self.bins.max(1));
        for ((logits, &row), &kind) in rows.zip(&self.acting).zip(&self.kinds) {
            let row = row as usize;
            log_softmax(logits, &[]);
            let stream = &mut self.streams[decision.lanes[row] as usize];
            let bin = draw(logits, stream);
            actions.amount[row] = self.amounts.draw(usize::from(kind), bin, stream);
            self.draws.whole[row * 2 + 1] = bin as u16;
            self.draws.log_probability[row] += logits[bin];
        }
    }
}
