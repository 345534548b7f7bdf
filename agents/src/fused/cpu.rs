//! The learner of the CPU.

use rayon::prelude::*;

use super::elementwise::{Adam, add, squares};
use super::layout::{Layout, Linear};
use super::matmul::SLACK;
use super::piece::{Piece, Plan, Weights};
use super::terms::{Sums, Terms};
use crate::architecture::{Architecture, Head, Network};
use crate::fit::{fits, unfit};
use crate::learner::{ADAM, Learner, Minibatch, Objective, Seen, StateError};

/// Rows of a shard. The number of shards follows from the rows alone, never from the threads: each
/// has a gradient of its own, and they are added in order.
const SHARD: usize = 256;

/// Takes training steps on the CPU: forward and backward pass by hand, in reused memory.
///
/// Rows are cut into shards of fixed size and separate trunks are passes of their own; they run on
/// rayon's threads, and the same bits come out for any number of them.
///
/// A minibatch that does not fit the network (a length, an action that does not exist) moves
/// nothing and is seen as NaN in every figure.
#[derive(Clone, Debug)]
pub struct FusedLearner {
    architecture: Architecture,
    layout: Layout,
    /// With slack behind the last.
    parameters: Vec<f32>,
    steps: [u64; 2],
    mean: Vec<f32>,
    square: Vec<f32>,
    /// The policy, or everything where trunks are shared.
    policy: Part,
    /// The value; empty where trunks are shared.
    value: Part,
}

/// A trunk with its heads.
#[derive(Clone, Debug, Default)]
struct Part {
    start: usize,
    end: usize,
    weights: Weights,
    pieces: Vec<Piece>,
    /// Pieces that the last pass used.
    used: usize,
}

impl FusedLearner {
    /// A learner with a fresh optimiser.
    ///
    /// # Errors
    /// A network whose parameters are not as many as its shape has.
    pub fn new(network: &Network) -> Result<Self, StateError> {
        let layout = Layout::new(&network.architecture);
        let split = if network.architecture.shared { layout.length } else { layout.split };
        let mut learner = Self {
            architecture: network.architecture.clone(),
            parameters: vec![0.0; layout.length + SLACK],
            steps: [0; 2],
            mean: vec![0.0; layout.length],
            square: vec![0.0; layout.length],
            policy: Part { end: split, ..Part::default() },
            value: Part { start: split, end: layout.length, ..Part::default() },
            layout,
        };
        learner.restore(&network.parameters, &[])?;
        Ok(learner)
    }

    /// Computes the gradient, which then lies in the first pieces; none if the rows do not fit.
    fn pass(&mut self, batch: &Minibatch, objective: &Objective) -> Option<Sums> {
        if !fits(&self.architecture, batch, objective) {
            return None;
        }
        let terms = Terms::from(objective);
        let shared = self.architecture.shared;
        let plan = |policy: bool, value: bool| Plan {
            architecture: &self.architecture,
            layout: &self.layout,
            parameters: &self.parameters,
            batch,
            terms: Terms { policy: policy && terms.policy, value: value && terms.value, ..terms },
        };
        let (policy, value) = (plan(true, shared), plan(false, !shared));
        let hidden = if shared { &self.layout.hidden } else { &self.layout.value_hidden };
        let (first, second) = (&mut self.policy, &mut self.value);
        let mut seen = Sums::default();
        let (a, b) = both(
            policy.terms.policy && value.terms.value,
            || first.run(&policy, &self.layout.hidden),
            || second.run(&value, hidden),
        );
        seen.add(&a);
        seen.add(&b);
        Some(seen)
    }

    fn norm(&self) -> f64 {
        let parts = [&self.policy, &self.value];
        parts.into_iter().map(|part| squares(part.gradient())).sum::<f64>().sqrt()
    }

    fn seen(&self, sums: &Sums, objective: &Objective, norm: f64) -> Seen {
        let (entropy, value, anchor) = match *objective {
            Objective::Clipped { entropy, value, anchor, .. } => (entropy, value, anchor),
            Objective::Value => (0.0, 1.0, 0.0),
            Objective::Likelihood => (0.0, 0.0, 0.0),
        };
        let weighted =
            |weight: f32, x: f64| if weight == 0.0 { 0.0 } else { f64::from(weight) * x };
        Seen {
            loss: sums.policy - weighted(entropy, sums.entropy)
                + weighted(value, sums.value)
                + weighted(anchor, sums.anchor),
            policy_loss: sums.policy,
            value_loss: sums.value,
            entropy: sums.entropy,
            kl: sums.kl,
            clip_fraction: sums.clipped,
            ratio_deviation: sums.deviation,
            anchor: sums.anchor,
            gradient_norm: norm,
        }
    }
}

/// Runs both, side by side if that is worth it.
fn both<A: Send, B: Send>(
    parallel: bool,
    a: impl FnOnce() -> A + Send,
    b: impl FnOnce() -> B + Send,
) -> (A, B) {
    if parallel { rayon::join(a, b) } else { (a(), b()) }
}

impl Part {
    /// Gradient and sums of all shards, added in their order.
    fn run(&mut self, plan: &Plan<'_>, hidden: &[Linear]) -> Sums {
        self.used = 0;
        let active = plan.terms.policy || plan.terms.value;
        if !active || self.start == self.end || plan.batch.rows == 0 {
            if let Some(piece) = self.pieces.first_mut() {
                piece.gradient.fill(0.0);
            } else {
                self.pieces.push(Piece::new(plan.architecture, self.start, self.end));
            }
            return Sums::default();
        }
        self.weights.update(plan, hidden);
        self.used = plan.batch.rows.div_ceil(SHARD);
        while self.pieces.len() < self.used {
            self.pieces.push(Piece::new(plan.architecture, self.start, self.end));
        }
        let (weights, rows) = (&self.weights, plan.batch.rows);
        let shard = |(i, piece): (usize, &mut Piece)| {
            let first = i * SHARD;
            let count = SHARD.min(rows - first);
            piece.run(plan, weights, hidden, first, count, amounts_before(plan, first));
        };
        let pieces = &mut self.pieces[..self.used];
        match pieces {
            [piece] => shard((0, piece)),
            _ => pieces.par_iter_mut().enumerate().for_each(shard),
        }
        self.total()
    }

    fn total(&mut self) -> Sums {
        let mut seen = Sums::default();
        let Some((total, others)) = self.pieces[..self.used].split_first_mut() else {
            return seen;
        };
        seen.add(&total.sums);
        for piece in others.iter() {
            add(&piece.gradient, &mut total.gradient);
            seen.add(&piece.sums);
        }
        seen
    }

    /// The gradient of the last pass.
    fn gradient(&self) -> &[f32] {
        self.pieces.first().map_or(&[], |piece| &piece.gradient)
    }
}

/// How many rows before `first` have an amount; asked only where a reference is read by it.
fn amounts_before(plan: &Plan<'_>, first: usize) -> usize {
    match plan.architecture.head {
        Head::Hybrid { .. } if !plan.batch.reference_amounts.is_empty() => {
            plan.batch.whole[..first * 2].chunks_exact(2).filter(|row| row[0] > 0).count()
        }
        _ => 0,
    }
}

impl Learner for FusedLearner {
    fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    fn parameters(&mut self) -> &[f32] {
        &self.parameters[..self.layout.length]
    }

    fn step(
        &mut self,
        batch: &Minibatch,
        objective: &Objective,
        rate: f32,
        largest_norm: f32,
    ) -> Seen {
        let Some(sums) = self.pass(batch, objective) else { return unfit() };
        let norm = self.norm();
        let (first, second, _) = ADAM;
        let factor = (f64::from(largest_norm) / (norm + 1e-6)).min(1.0);
        let moves = if self.architecture.shared { [true, false] } else { objective.moves() };
        for (i, part) in [&self.policy, &self.value].into_iter().enumerate() {
            if !moves[i] {
                continue;
            }
            self.steps[i] += 1;
            let steps = self.steps[i].min(i32::MAX as u64) as i32;
            let correction = |beta: f32| 1.0 - f64::from(beta).powi(steps);
            let range = part.start..part.end;
            Adam {
                parameters: &mut self.parameters[range.clone()],
                mean: &mut self.mean[range.clone()],
                square: &mut self.square[range],
                gradient: part.gradient(),
                factor: factor as f32,
                rate: (f64::from(rate) / correction(first)) as f32,
                root: (1.0 / correction(second).sqrt()) as f32,
            }
            .step();
        }
        self.seen(&sums, objective, norm)
    }

    fn gradient(&mut self, batch: &Minibatch, objective: &Objective) -> (Vec<f32>, Seen) {
        let Some(sums) = self.pass(batch, objective) else {
            return (vec![f32::NAN; self.layout.length], unfit());
        };
        let seen = self.seen(&sums, objective, self.norm());
        ([self.policy.gradient(), self.value.gradient()].concat(), seen)
    }

    fn optimiser(&mut self) -> Vec<u8> {
        let moments = self.mean.iter().chain(&self.square).flat_map(|x| x.to_le_bytes());
        self.steps.iter().flat_map(|n| n.to_le_bytes()).chain(moments).collect()
    }

    fn restore(&mut self, parameters: &[f32], optimiser: &[u8]) -> Result<(), StateError> {
        let length = self.layout.length;
        if parameters.len() != length {
            return Err(StateError(format!(
                "{} parameters where the network has {length}; take the checkpoint of this network",
                parameters.len()
            )));
        }
        let expected = 16 + 8 * length;
        if !optimiser.is_empty() && optimiser.len() != expected {
            return Err(StateError(format!(
                "{} bytes where this learner's state has {expected}; take the checkpoint of this \
                 network and this kind of learner, or an empty state to start afresh",
                optimiser.len()
            )));
        }
        self.parameters[..length].copy_from_slice(parameters);
        let (steps, moments) = optimiser.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
        let both = steps.as_chunks::<8>().0;
        for (own, bytes) in self.steps.iter_mut().zip(both) {
            *own = u64::from_le_bytes(*bytes);
        }
        let (numbers, _) = moments.as_chunks::<4>();
        let mut numbers = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes));
        for moment in self.mean.iter_mut().chain(&mut self.square) {
            *moment = numbers.next().unwrap_or(0.0);
        }
        Ok(())
    }
}
