//! The forward pass alone, for who acts.

use super::layout::{Layout, Linear};
use super::matmul::{Left, Out, Right, SLACK, Start, multiply};
use super::piece::{BLOCK, bins};
use super::trunk::{Transposed, forward, forward_head};
use crate::architecture::{Architecture, Network};

/// Outputs of a network for rows of observations, in memory that is reused from call to call.
///
/// One for each thread. The numbers are those of the learner's own pass, to the bit, and those of
/// a row do not depend on the rows around it. Observations of a length that is no whole number of
/// rows lose their incomplete last row.
pub struct Forward<'a> {
    architecture: &'a Architecture,
    layout: Layout,
    /// With slack behind the last.
    parameters: Vec<f32>,
    policy: Rows,
    policy_head: Transposed,
    value: Rows,
    value_head: Transposed,
    /// Last hidden values of the rows of the last `policy` call.
    last: Vec<f32>,
    outputs: Vec<f32>,
    values: Vec<f32>,
    gathered: Vec<f32>,
    block: Vec<f32>,
    amounts: Vec<f32>,
    places: Vec<usize>,
}

/// Hidden values of one block of rows.
struct Rows(Vec<Vec<f32>>);

impl Rows {
    fn new(layers: &[Linear]) -> Self {
        Self(layers.iter().map(|layer| vec![0.0; BLOCK * layer.outputs + SLACK]).collect())
    }
}

impl<'a> Forward<'a> {
    /// Ready for any number of rows. Parameters that are missing count as NaN.
    pub fn new(network: &'a Network) -> Self {
        let architecture = &network.architecture;
        let layout = Layout::new(architecture);
        let mut parameters = network.parameters.clone();
        parameters.resize(layout.length, f32::NAN);
        parameters.resize(layout.length + SLACK, 0.0);
        let (mut policy_head, mut value_head) = (Transposed::default(), Transposed::default());
        policy_head.update(&layout.policy_head, &parameters);
        value_head.update(&layout.value_head, &parameters);
        Self {
            architecture,
            parameters,
            policy_head,
            value_head,
            policy: Rows::new(&layout.hidden),
            value: Rows::new(&layout.value_hidden),
            last: Vec::new(),
            outputs: Vec::new(),
            values: Vec::new(),
            gathered: vec![0.0; BLOCK * layout.policy_head.inputs],
            block: vec![0.0; BLOCK * bins(&architecture.head)],
            amounts: Vec::new(),
            places: Vec::new(),
            layout,
        }
    }

    /// Raw outputs of the policy, rows x [`Head::outputs`](crate::architecture::Head::outputs):
    /// logits, or means and, where they depend on the state, log standard deviations.
    pub fn policy(&mut self, observations: &[f32]) -> &[f32] {
        self.pass(observations, true, false);
        &self.outputs
    }

    /// Values, one a row.
    pub fn values(&mut self, observations: &[f32]) -> &[f32] {
        self.pass(observations, false, true);
        &self.values
    }

    /// What `policy` and `values` return; hidden layers that are shared run once.
    pub fn both(&mut self, observations: &[f32]) -> (&[f32], &[f32]) {
        self.pass(observations, true, true);
        (&self.outputs, &self.values)
    }

    /// Raw logits of amount bins, `rows.len()` x bins: those of kind `kinds[i]` (from 0) for row
    /// `rows[i]` of the last call of `policy` or `both`. A row or kind that does not exist has NaN.
    pub fn amounts(&mut self, rows: &[u32], kinds: &[u16]) -> &[f32] {
        let (layer, bins) = (&self.layout.amount_head, bins(&self.architecture.head));
        let width = layer.inputs;
        self.amounts.clear();
        self.amounts.resize(rows.len() * bins, f32::NAN);
        for kind in 0..layer.outputs / bins.max(1) {
            let known = self.last.len() / width.max(1);
            let asked = rows.iter().zip(kinds).enumerate();
            let places = asked
                .filter(|(_, (row, of))| usize::from(**of) == kind && (**row as usize) < known);
            self.places.clear();
            self.places.extend(places.map(|(place, _)| place));
            for places in self.places.chunks(BLOCK) {
                for (to, &place) in self.gathered.chunks_exact_mut(width.max(1)).zip(places) {
                    to.copy_from_slice(&self.last[rows[place] as usize * width..][..width]);
                }
                let bias = layer.bias.start + kind * bins;
                multiply(
                    (places.len(), width, bins),
                    Left::rows(&self.gathered, width),
                    Right {
                        data: &self.parameters[layer.weight.start + kind * bins..],
                        stride: layer.outputs,
                    },
                    Start::Bias(&self.parameters[bias..bias + bins]),
                    Out { data: &mut self.block, stride: bins },
                );
                for (logits, &place) in self.block.chunks_exact(bins).zip(places) {
                    self.amounts[place * bins..][..bins].copy_from_slice(logits);
                }
            }
        }
        &self.amounts
    }

    fn pass(&mut self, observations: &[f32], policy: bool, value: bool) {
        let (width, head) = (self.architecture.observation.max(1), &self.layout.policy_head);
        let rows = observations.len() / width;
        if policy {
            self.outputs.resize(rows * head.outputs, 0.0);
            self.last.resize(rows * head.inputs, 0.0);
        }
        if value {
            self.values.resize(rows, 0.0);
        }
        for first in (0..rows).step_by(BLOCK) {
            let count = BLOCK.min(rows - first);
            let x = &observations[first * width..][..count * width];
            let shared = self.architecture.shared;
            if policy || shared {
                self.hidden(x, count, true);
            }
            if policy {
                self.policy_block(x, first, count);
            }
            if value && !shared {
                self.hidden(x, count, false);
            }
            if value {
                let rows = if shared { &self.policy } else { &self.value };
                let last = rows.0.last().map_or(x, |values| values);
                let out = &mut self.values[first..];
                forward_head(
                    &self.layout.value_head,
                    &self.value_head,
                    &self.parameters,
                    last,
                    count,
                    out,
                );
            }
        }
    }

    fn hidden(&mut self, x: &[f32], rows: usize, policy: bool) {
        let (layers, hidden) = if policy {
            (&self.layout.hidden, &mut self.policy)
        } else {
            (&self.layout.value_hidden, &mut self.value)
        };
        let activation = self.architecture.activation;
        forward(layers, activation, &self.parameters, x, rows, &mut hidden.0);
    }

    fn policy_block(&mut self, x: &[f32], first: usize, rows: usize) {
        let head = &self.layout.policy_head;
        let last = self.policy.0.last().map_or(x, |values| values);
        let out = &mut self.outputs[first * head.outputs..];
        forward_head(head, &self.policy_head, &self.parameters, last, rows, out);
        if self.layout.amount_head.outputs > 0 {
            let to = &mut self.last[first * head.inputs..][..rows * head.inputs];
            to.copy_from_slice(&last[..rows * head.inputs]);
        }
    }
}
