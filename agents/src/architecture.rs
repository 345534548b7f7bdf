//! The shape of an actor-critic network, and how its parameters lie in one flat vector.
//!
//! On the CPU a network is its architecture and that vector: the fused pass reads it, Adam writes
//! it, checkpoints store it. On other devices burn's module (`graph`) is built from it.

use std::ops::Range;

use rand_distr::{Distribution, StandardNormal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trueup_env::Stream;

/// The function after each hidden layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// Hyperbolic tangent.
    #[default]
    Tanh,
    /// max(0, x).
    Relu,
}

/// What the policy decides, and so what its output layers hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Head {
    /// Independent choices, one a component; a single component is the plain discrete action.
    /// One logit per choice of each component.
    Discrete {
        /// Number of choices of each component.
        choices: Vec<usize>,
    },
    /// Independent normal components; the log-probability is that of the unclipped action.
    Gaussian {
        /// Number of components.
        size: usize,
        /// Whether log standard deviations are outputs of the network (`size` means, then `size`
        /// log standard deviations) or free parameters. Either way they are clamped to
        /// [`LOG_SD_RANGE`], outside of which they have no gradient.
        state_dependent: bool,
    },
    /// A choice (0 is "nothing") and, for every other choice, one of `bins` amount bins of that
    /// choice's own: `choices` logits, then `(choices - 1) * bins` logits of a second layer, of
    /// which only the block of the choice that was made counts.
    Hybrid {
        /// Number of choices, "nothing" included.
        choices: usize,
        /// Amount bins per kind.
        bins: usize,
    },
}

/// Bounds of log standard deviations.
pub const LOG_SD_RANGE: (f32, f32) = (-5.0, 2.0);

impl Head {
    /// Columns of the layer `policy_head`.
    pub fn outputs(&self) -> usize {
        match self {
            Self::Discrete { choices } => choices.iter().sum(),
            Self::Gaussian { size, state_dependent } => size * (1 + usize::from(*state_dependent)),
            Self::Hybrid { choices, .. } => *choices,
        }
    }

    /// Columns of the layer `amount_head`: 0 without one.
    pub fn amount_outputs(&self) -> usize {
        match self {
            Self::Hybrid { choices, bins } => choices.saturating_sub(1) * bins,
            _ => 0,
        }
    }

    /// Columns of a mask row: one per logit that can be masked.
    pub fn mask(&self) -> usize {
        match self {
            Self::Gaussian { .. } => 0,
            _ => self.outputs(),
        }
    }

    /// Whole numbers per action: the components of a discrete action; kind and bin (0 for
    /// "nothing") of a hybrid one.
    pub fn whole(&self) -> usize {
        match self {
            Self::Discrete { choices } => choices.len(),
            Self::Gaussian { .. } => 0,
            Self::Hybrid { .. } => 2,
        }
    }

    /// Real numbers per action.
    pub fn real(&self) -> usize {
        match self {
            Self::Gaussian { size, .. } => *size,
            _ => 0,
        }
    }
}

/// Sizes of an actor-critic network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Architecture {
    /// Numbers per observation.
    pub observation: usize,
    /// Units of each hidden layer, for policy and value alike; at least one layer.
    pub hidden: Vec<usize>,
    /// The function after each of them.
    pub activation: Activation,
    /// Whether policy and value share the hidden layers.
    pub shared: bool,
    /// What the policy decides.
    pub head: Head,
}

/// A network on the CPU: its shape and its parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// The shape.
    pub architecture: Architecture,
    /// The parameters, flat ([`Architecture::slots`]).
    pub parameters: Vec<f32>,
}

/// One tensor of the flat vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Name, e.g. `policy_hidden.0.weight`; that of burn's module and of the weights file.
    pub name: String,
    /// `[inputs, outputs]` of a weight (row-major, y = x W + b), `[outputs]` of a bias,
    /// `[size]` of `log_sd`.
    pub shape: Vec<usize>,
    /// Where it lies.
    pub range: Range<usize>,
}

impl Architecture {
    /// The tensors in the order in which they lie in the flat vector:
    ///
    /// ```text
    /// separate trunks: policy_hidden.{i}.{weight,bias}, policy_head.{weight,bias},
    ///                  [amount_head.{weight,bias}], [log_sd],
    ///                  value_hidden.{i}.{weight,bias}, value_head.{weight,bias}
    /// shared trunk:    hidden.{i}.{weight,bias}, policy_head..., [...], value_head.{weight,bias}
    /// ```
    pub fn slots(&self) -> Vec<Slot> {
        let mut slots = Slots::default();
        let last = self.hidden.last().copied().unwrap_or(self.observation);
        slots.trunk(self, if self.shared { "hidden" } else { "policy_hidden" });
        slots.linear("policy_head", last, self.head.outputs());
        if self.head.amount_outputs() > 0 {
            slots.linear("amount_head", last, self.head.amount_outputs());
        }
        if let Head::Gaussian { size, state_dependent: false } = self.head {
            slots.push("log_sd".into(), vec![size]);
        }
        if !self.shared {
            slots.trunk(self, "value_hidden");
        }
        slots.linear("value_head", last, 1);
        slots.0
    }

    /// Length of the flat vector.
    pub fn parameters(&self) -> usize {
        self.slots().last().map_or(0, |slot| slot.range.end)
    }

    /// Where the parameters that only values depend on begin; the length of the vector for a shared
    /// trunk, whose parts move together.
    pub fn split(&self) -> usize {
        let slots = self.slots();
        let own = slots.iter().find(|slot| !self.shared && slot.name.starts_with("value_"));
        own.map_or_else(|| self.parameters(), |slot| slot.range.start)
    }

    /// Orthogonal weights (gain sqrt 2 in hidden layers, 0.01 in the policy's heads, 1 in the
    /// value's), zero biases and log standard deviations, as in the PPO reference implementations.
    /// `stream` is all that is random; burn's own generator is process-wide and never used.
    pub fn initial(&self, stream: &mut Stream) -> Vec<f32> {
        let mut parameters = vec![0.0; self.parameters()];
        for slot in self.slots() {
            let gain = match slot.name.as_str() {
                name if name.contains("hidden") => std::f64::consts::SQRT_2,
                "value_head.weight" => 1.0,
                _ => 0.01,
            };
            if let [inputs, outputs] = slot.shape[..] {
                orthogonal(&mut parameters[slot.range], inputs, outputs, gain, stream);
            }
        }
        parameters
    }
}

#[derive(Default)]
struct Slots(Vec<Slot>);

impl Slots {
    fn push(&mut self, name: String, shape: Vec<usize>) {
        let start = self.0.last().map_or(0, |slot| slot.range.end);
        let range = start..start + shape.iter().product::<usize>();
        self.0.push(Slot { name, shape, range });
    }

    fn linear(&mut self, name: &str, inputs: usize, outputs: usize) {
        self.push(format!("{name}.weight"), vec![inputs, outputs]);
        self.push(format!("{name}.bias"), vec![outputs]);
    }

    fn trunk(&mut self, architecture: &Architecture, name: &str) {
        let mut width = architecture.observation;
        for (i, &units) in architecture.hidden.iter().enumerate() {
            self.linear(&format!("{name}.{i}"), width, units);
            width = units;
        }
    }
}

/// Fills a weight whose rows or columns are orthonormal, times `gain`.
fn orthogonal(weight: &mut [f32], inputs: usize, outputs: usize, gain: f64, stream: &mut Stream) {
    let (count, length) = (inputs.min(outputs), inputs.max(outputs));
    // Modified Gram-Schmidt on Gaussian vectors: uniform on the orthogonal group.
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(count);
    while basis.len() < count {
        let mut vector: Vec<f64> = (0..length).map(|_| StandardNormal.sample(stream)).collect();
        for other in &basis {
            let dot: f64 = vector.iter().zip(other).map(|(a, b)| a * b).sum();
            vector.iter_mut().zip(other).for_each(|(a, b)| *a -= dot * b);
        }
        let norm = vector.iter().map(|a| a * a).sum::<f64>().sqrt();
        if norm > 1e-6 {
            vector.iter_mut().for_each(|a| *a /= norm);
            basis.push(vector);
        }
    }
    for (i, row) in weight.chunks_exact_mut(outputs).enumerate() {
        for (o, w) in row.iter_mut().enumerate() {
            let entry = if inputs <= outputs { basis[i][o] } else { basis[o][i] };
            *w = (gain * entry) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use trueup_env::Streams;

    use super::*;

    fn hybrid(shared: bool) -> Architecture {
        Architecture {
            observation: 7,
            hidden: vec![16, 16],
            activation: Activation::Tanh,
            shared,
            head: Head::Hybrid { choices: 3, bins: 4 },
        }
    }

    #[test]
    fn slots_lie_side_by_side_under_unique_names() {
        let gaussian = Head::Gaussian { size: 2, state_dependent: false };
        for architecture in
            [hybrid(false), hybrid(true), Architecture { head: gaussian, ..hybrid(false) }]
        {
            let slots = architecture.slots();
            let mut end = 0;
            for slot in &slots {
                assert_eq!(slot.range.start, end, "{}", slot.name);
                assert_eq!(slot.range.len(), slot.shape.iter().product::<usize>());
                end = slot.range.end;
            }
            assert_eq!(end, architecture.parameters());
            let mut names: Vec<_> = slots.iter().map(|slot| &slot.name).collect();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), slots.len());
        }
    }

    #[test]
    fn hidden_weights_are_orthogonal_with_gain_root_two() {
        let architecture = hybrid(false);
        let parameters = architecture.initial(&mut Streams::new(1).stream("network", 0));
        let slot = &architecture.slots()[2];
        assert_eq!(
            (slot.name.as_str(), &slot.shape[..]),
            ("policy_hidden.1.weight", &[16, 16][..])
        );
        let weight = &parameters[slot.range.clone()];
        for i in 0..16 {
            for j in 0..16 {
                let dot: f32 = (0..16).map(|k| weight[i * 16 + k] * weight[j * 16 + k]).sum();
                let expected = if i == j { 2.0 } else { 0.0 };
                assert!((dot - expected).abs() < 1e-5, "rows {i} and {j}: {dot}");
            }
        }
    }
}
