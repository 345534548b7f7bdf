//! Where the tensors of a network lie in its flat vector.

use std::ops::Range;

use crate::architecture::Architecture;

/// A fully connected layer, y = x W + b.
#[derive(Clone, Debug, Default)]
pub struct Linear {
    /// Number of inputs.
    pub inputs: usize,
    /// Number of outputs.
    pub outputs: usize,
    /// W, inputs x outputs, row-major.
    pub weight: Range<usize>,
    /// b.
    pub bias: Range<usize>,
}

/// The layers of an architecture.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// Hidden layers of the policy, or of both.
    pub hidden: Vec<Linear>,
    /// Logits of the choices, or means.
    pub policy_head: Linear,
    /// Logits of the amount bins of all kinds; empty without amounts.
    pub amount_head: Linear,
    /// Free log standard deviations; empty without.
    pub log_sd: Range<usize>,
    /// Hidden layers of the value; empty where they are shared.
    pub value_hidden: Vec<Linear>,
    /// The value.
    pub value_head: Linear,
    /// Where the value's own parameters begin; they reach to the end.
    pub split: usize,
    /// Length of the flat vector.
    pub length: usize,
}

impl Layout {
    /// The layout of [`Architecture::slots`].
    pub fn new(architecture: &Architecture) -> Self {
        let mut layout = Self { length: architecture.parameters(), ..Self::default() };
        for slot in architecture.slots() {
            let (name, part) = slot.name.rsplit_once('.').unwrap_or((&slot.name, ""));
            let linear = match name.split('.').next().unwrap_or(name) {
                "log_sd" => {
                    layout.log_sd = slot.range;
                    continue;
                }
                "policy_head" => &mut layout.policy_head,
                "amount_head" => &mut layout.amount_head,
                "value_head" => &mut layout.value_head,
                "value_hidden" => last(&mut layout.value_hidden, part),
                _ => last(&mut layout.hidden, part),
            };
            match slot.shape[..] {
                [inputs, outputs] => {
                    *linear = Linear { inputs, outputs, weight: slot.range, bias: 0..0 };
                }
                _ => linear.bias = slot.range,
            }
        }
        let first = layout.value_hidden.first().unwrap_or(&layout.value_head);
        layout.split = first.weight.start;
        layout
    }
}

/// The layer that a tensor belongs to: a weight opens a new one.
fn last<'a>(layers: &'a mut Vec<Linear>, part: &str) -> &'a mut Linear {
    if part == "weight" {
        layers.push(Linear::default());
    }
    let last = layers.len() - 1;
    &mut layers[last]
}
