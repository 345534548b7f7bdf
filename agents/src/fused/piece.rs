//! Objective and gradient of a shard of rows, on one thread, in blocks that fit the caches.

use super::categorical::{Amounts, Categorical};
use super::gaussian::Gaussian;
use super::layout::{Layout, Linear};
use super::matmul::{Left, Out, Right, SLACK, Start, multiply};
use super::terms::{Sums, Terms, value_terms};
use super::trunk::{Backward, Transposed, forward, forward_head, layer_gradient};
use crate::architecture::{Architecture, Head};
use crate::learner::Minibatch;

/// Rows of a block.
pub const BLOCK: usize = 64;

/// What pieces share: the network, and which of its outputs a pass looks at.
pub struct Plan<'a> {
    /// The shape.
    pub architecture: &'a Architecture,
    /// Where its tensors lie.
    pub layout: &'a Layout,
    /// The parameters, with slack.
    pub parameters: &'a [f32],
    /// The rows.
    pub batch: &'a Minibatch,
    /// The objective; the outputs that a piece does not have are switched off.
    pub terms: Terms,
}

/// Transposed weights of a trunk and its heads.
#[derive(Clone, Debug, Default)]
pub struct Weights {
    hidden: Vec<Transposed>,
    policy_head: Transposed,
    amount_head: Transposed,
    value_head: Transposed,
}

impl Weights {
    /// Transposes what a pass needs.
    pub fn update(&mut self, plan: &Plan<'_>, hidden: &[Linear]) {
        let (layout, parameters) = (plan.layout, plan.parameters);
        self.hidden.resize(hidden.len(), Transposed::default());
        for (transposed, layer) in self.hidden.iter_mut().zip(hidden).skip(1) {
            transposed.update(layer, parameters);
        }
        if plan.terms.policy {
            self.policy_head.update(&layout.policy_head, parameters);
            self.amount_head.update(&layout.amount_head, parameters);
        }
        if plan.terms.value {
            self.value_head.update(&layout.value_head, parameters);
        }
    }
}

/// A shard's gradient, sums, and reused room.
#[derive(Clone, Debug, Default)]
pub struct Piece {
    /// Gradient of the parameters from `start` on.
    pub gradient: Vec<f32>,
    /// What was seen.
    pub sums: Sums,
    start: usize,
    hidden: Vec<Vec<f32>>,
    delta: Vec<f32>,
    other: Vec<f32>,
    outputs: Vec<f32>,
    amounts: Vec<f32>,
    values: Vec<f32>,
    probabilities: (Vec<f32>, Vec<f32>),
}

/// Rows `first..first + rows` of a minibatch.
#[derive(Clone, Copy)]
struct Block {
    first: usize,
    rows: usize,
    /// How many rows of the minibatch before this block have an amount.
    amounts: usize,
}

impl Piece {
    /// A piece for the parameters `start..end`.
    pub fn new(architecture: &Architecture, start: usize, end: usize) -> Self {
        let room = |width: usize| vec![0.0; BLOCK * width + SLACK];
        let widest = architecture.hidden.iter().copied().max().unwrap_or(0);
        let widest = widest.max(architecture.observation);
        let (outputs, bins) = (architecture.head.outputs(), bins(&architecture.head));
        Self {
            gradient: vec![0.0; end - start],
            sums: Sums::default(),
            start,
            hidden: architecture.hidden.iter().map(|&units| room(units)).collect(),
            delta: room(widest),
            other: room(widest),
            outputs: room(outputs),
            amounts: room(bins),
            values: room(1),
            probabilities: (vec![0.0; outputs], vec![0.0; bins]),
        }
    }

    /// Objective and gradient of the rows `first..first + rows`, of which `amounts` rows before
    /// have an amount.
    pub fn run(
        &mut self,
        plan: &Plan<'_>,
        weights: &Weights,
        hidden: &[Linear],
        first: usize,
        rows: usize,
        mut amounts: usize,
    ) {
        self.gradient.fill(0.0);
        self.sums = Sums::default();
        for start in (first..first + rows).step_by(BLOCK) {
            let block = Block { first: start, rows: BLOCK.min(first + rows - start), amounts };
            amounts += self.block(plan, weights, hidden, block);
        }
    }

    /// One block; returns how many of its rows have an amount.
    fn block(
        &mut self,
        plan: &Plan<'_>,
        weights: &Weights,
        layers: &[Linear],
        block: Block,
    ) -> usize {
        let (activation, width) = (plan.architecture.activation, plan.architecture.observation);
        let x = &plan.batch.observations[block.first * width..][..block.rows * width];
        forward(layers, activation, plan.parameters, x, block.rows, &mut self.hidden);
        let mut amounts = 0;
        if plan.terms.policy {
            amounts = self.policy(plan, weights, x, block);
        }
        if plan.terms.value {
            self.value(plan, weights, x, block);
        }
        let backward = Backward {
            x,
            rows: block.rows,
            hidden: &self.hidden,
            transposed: &weights.hidden,
            activation,
            start: self.start,
        };
        backward.run(layers, &mut self.delta, &mut self.other, &mut self.gradient);
        amounts
    }

    /// Policy terms; leaves the gradient of the last hidden values in `delta`.
    fn policy(&mut self, plan: &Plan<'_>, weights: &Weights, x: &[f32], block: Block) -> usize {
        let (layer, rows) = (&plan.layout.policy_head, block.rows);
        let last = self.hidden.last().map_or(x, |values| values);
        forward_head(layer, &weights.policy_head, plan.parameters, last, rows, &mut self.outputs);
        let amounts = self.amount_logits(plan, x, block);
        self.policy_terms(plan, block, amounts);
        let last = self.hidden.last().map_or(x, |values| values);
        layer_gradient(layer, last, &self.outputs, rows, &mut self.gradient, self.start);
        multiply(
            (rows, layer.outputs, layer.inputs),
            Left::rows(&self.outputs, layer.outputs),
            weights.policy_head.right(layer, 0),
            Start::Zero,
            Out { data: &mut self.delta, stride: layer.inputs },
        );
        self.amount_gradient(plan, weights, x, block);
        amounts
    }

    /// Logits of the bins of each row's own kind; returns the number of rows with an amount.
    fn amount_logits(&mut self, plan: &Plan<'_>, x: &[f32], block: Block) -> usize {
        let (layer, bins) = (&plan.layout.amount_head, bins(&plan.architecture.head));
        let last = self.hidden.last().map_or(x, |values| values);
        let mut done = 0;
        for run in runs(plan, block) {
            let bias = layer.bias.start + run.kind * bins;
            multiply(
                (run.rows, layer.inputs, bins),
                Left::rows(&last[run.first * layer.inputs..], layer.inputs),
                Right {
                    data: &plan.parameters[layer.weight.start + run.kind * bins..],
                    stride: layer.outputs,
                },
                Start::Bias(&plan.parameters[bias..bias + bins]),
                Out { data: &mut self.amounts[done * bins..], stride: bins },
            );
            done += run.rows;
        }
        done
    }

    /// Turns the outputs into their gradient.
    fn policy_terms(&mut self, plan: &Plan<'_>, block: Block, amounts: usize) {
        let outputs = &mut self.outputs[..block.rows * plan.layout.policy_head.outputs];
        let (terms, batch, first) = (plan.terms, plan.batch, block.first);
        let sums = &mut self.sums;
        let probabilities = (&mut self.probabilities.0[..], &mut self.probabilities.1[..]);
        let (choices, amounts) = match &plan.architecture.head {
            Head::Gaussian { size, .. } => {
                let log_sd = plan.layout.log_sd.clone();
                let free = (!log_sd.is_empty()).then(|| {
                    let at = log_sd.start - self.start..log_sd.end - self.start;
                    (&plan.parameters[log_sd], &mut self.gradient[at])
                });
                return Gaussian { terms, batch, first, size: *size, outputs, free, sums }.run();
            }
            Head::Discrete { choices } => (&choices[..], None),
            Head::Hybrid { choices, bins } => {
                let logits = &mut self.amounts[..amounts * bins];
                let amounts = Amounts { bins: *bins, logits, before: block.amounts };
                (std::slice::from_ref(choices), Some(amounts))
            }
        };
        Categorical { terms, batch, first, choices, logits: outputs, probabilities, amounts, sums }
            .run();
    }

    /// Gradient through the amount layer: its own, and added to `delta`.
    fn amount_gradient(&mut self, plan: &Plan<'_>, weights: &Weights, x: &[f32], block: Block) {
        let (layer, bins) = (&plan.layout.amount_head, bins(&plan.architecture.head));
        let last = self.hidden.last().map_or(x, |values| values);
        let mut done = 0;
        for run in runs(plan, block) {
            let logits = &self.amounts[done * bins..];
            let weight = layer.weight.start - self.start + run.kind * bins;
            multiply(
                (layer.inputs, run.rows, bins),
                Left::transposed(&last[run.first * layer.inputs..], layer.inputs),
                Right { data: logits, stride: bins },
                Start::Add,
                Out { data: &mut self.gradient[weight..], stride: layer.outputs },
            );
            let bias = layer.bias.start - self.start + run.kind * bins;
            super::elementwise::add_rows(
                &logits[..run.rows * bins],
                &mut self.gradient[bias..bias + bins],
            );
            multiply(
                (run.rows, bins, layer.inputs),
                Left::rows(logits, bins),
                weights.amount_head.right(layer, run.kind * bins),
                Start::Add,
                Out { data: &mut self.delta[run.first * layer.inputs..], stride: layer.inputs },
            );
            done += run.rows;
        }
    }

    /// Value terms; writes or adds to `delta`.
    fn value(&mut self, plan: &Plan<'_>, weights: &Weights, x: &[f32], block: Block) {
        let (layer, rows) = (&plan.layout.value_head, block.rows);
        let last = self.hidden.last().map_or(x, |values| values);
        forward_head(layer, &weights.value_head, plan.parameters, last, rows, &mut self.values);
        let values = &mut self.values[..rows];
        value_terms(&plan.terms, plan.batch, block.first, values, &mut self.sums);
        layer_gradient(layer, last, &self.values, rows, &mut self.gradient, self.start);
        multiply(
            (rows, 1, layer.inputs),
            Left::rows(&self.values, 1),
            weights.value_head.right(layer, 0),
            if plan.terms.policy { Start::Add } else { Start::Zero },
            Out { data: &mut self.delta, stride: layer.inputs },
        );
    }
}

/// Amount bins per kind.
pub fn bins(head: &Head) -> usize {
    if let Head::Hybrid { bins, .. } = head { *bins } else { 0 }
}

/// Rows of a block that lie side by side and have an amount of one kind.
struct Run {
    /// First row, counted from the block's.
    first: usize,
    rows: usize,
    /// The kind, from 0.
    kind: usize,
}

/// The runs of a block; none without a hybrid head.
fn runs<'a>(plan: &Plan<'a>, block: Block) -> impl Iterator<Item = Run> + use<'a> {
    let batch = plan.batch;
    let count = if bins(&plan.architecture.head) > 0 { block.rows } else { 0 };
    let choice = move |i: usize| usize::from(batch.whole[(block.first + i) * 2]);
    let mut next = 0;
    std::iter::from_fn(move || {
        while next < count && choice(next) == 0 {
            next += 1;
        }
        let first = next;
        while next < count && choice(next) == choice(first) {
            next += 1;
        }
        (first < next).then(|| Run { first, rows: next - first, kind: choice(first) - 1 })
    })
}
