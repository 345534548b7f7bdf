//! The policy's law over actions in burn tensors: log probability, entropy, divergence from a
//! reference, each `[rows, 1]`.

use burn::tensor::Tensor;
use burn::tensor::activation::log_softmax;

use crate::architecture::{Head, LOG_SD_RANGE};
use crate::graph::inputs::Inputs;
use crate::graph::module::ActorCritic;

/// ln(2 pi).
const LN_TWO_PI: f32 = 1.837_877_1;

/// The law of the actions of a minibatch.
pub struct Law {
    parts: Vec<Part>,
    /// Log probabilities of the bins of the rows that chose an amount, `[rows with one, bins]`.
    bins: Option<Tensor<2>>,
}

/// One component, or all of a normal law.
enum Part {
    /// Log probabilities, `[rows, choices]`.
    Choice(Box<Tensor<2>>),
    /// Means `[rows, size]` and log standard deviations, `[rows, size]` or `[1, size]`.
    Normal(Box<[Tensor<2>; 2]>),
}

impl Law {
    /// The law at the policy's last hidden layer, `[rows, units]`.
    pub fn new(network: &ActorCritic, features: Tensor<2>, inputs: &Inputs<'_>) -> Self {
        let outputs = network.policy(features.clone());
        let parts = match &inputs.architecture.head {
            Head::Gaussian { size, .. } => vec![normal(network, outputs, *size)],
            Head::Discrete { choices } => components(masked(outputs, inputs), choices),
            Head::Hybrid { choices, .. } => components(masked(outputs, inputs), &[*choices]),
        };
        let bins = match inputs.architecture.head {
            Head::Hybrid { bins, .. } => bin_law(network, features, bins, inputs),
            _ => None,
        };
        Self { parts, bins }
    }

    /// The same law off the graph.
    pub fn stopped(&self) -> Self {
        let parts = self.parts.iter().map(|part| match part {
            Part::Choice(law) => Part::Choice(Box::new((**law).clone().detach())),
            Part::Normal(law) => Part::Normal(Box::new((**law).clone().map(Tensor::detach))),
        });
        Self { parts: parts.collect(), bins: self.bins.clone().map(Tensor::detach) }
    }

    /// Log probability of the actions that were taken.
    pub fn log_probability(&self, inputs: &Inputs<'_>) -> Tensor<2> {
        let parts = self.parts.iter().enumerate().map(|(i, part)| match part {
            Part::Choice(law) => (**law).clone().gather(1, inputs.whole(i, inputs.batch.rows)),
            Part::Normal(law) => normal_log_density(inputs.real(), law),
        });
        let choice = total(parts, inputs);
        match &self.bins {
            Some(bins) => {
                let [acting, _] = bins.dims();
                add_to_first(choice, bins.clone().gather(1, inputs.whole(1, acting)))
            }
            None => choice,
        }
    }

    /// Entropy in nats; of a hybrid action, that of its choice.
    pub fn entropy(&self, inputs: &Inputs<'_>) -> Tensor<2> {
        let parts = self.parts.iter().map(|part| match part {
            Part::Choice(law) => ((**law).clone().exp() * (**law).clone()).sum_dim(1).neg(),
            Part::Normal(law) => {
                let [mean, log_sd] = &**law;
                let [rows, size] = mean.dims();
                let constant = size as f32 * 0.5 * (1.0 + LN_TWO_PI);
                (log_sd.clone().sum_dim(1) + constant).expand([rows, 1])
            }
        });
        total(parts, inputs)
    }

    /// KL(this || reference); `None` without a reference.
    pub fn divergence(&self, inputs: &Inputs<'_>) -> Option<Tensor<2>> {
        let reference = inputs.reference()?;
        let mut column = 0;
        let parts = self.parts.iter().map(|part| match part {
            Part::Choice(law) => {
                let [_, choices] = law.dims();
                column += choices;
                let other = reference.clone().slice_dim(1, column - choices..column);
                categorical_divergence(law, other)
            }
            Part::Normal(law) => normal_divergence(law, &reference),
        });
        let choice = total(parts, inputs);
        let bins = self.bins.as_ref();
        let bins = bins.and_then(|bins| Some((bins, inputs.reference_amounts(bins.dims()[1])?)));
        Some(match bins {
            Some((bins, other)) => add_to_first(choice, categorical_divergence(bins, other)),
            None => choice,
        })
    }
}

fn masked(logits: Tensor<2>, inputs: &Inputs<'_>) -> Tensor<2> {
    match inputs.mask() {
        Some(mask) => logits + mask,
        None => logits,
    }
}

/// Normalised log probabilities of each component.
fn components(logits: Tensor<2>, choices: &[usize]) -> Vec<Part> {
    if choices.len() == 1 {
        return vec![Part::Choice(Box::new(log_softmax(logits, 1)))];
    }
    let mut column = 0;
    let part = |&count: &usize| {
        column += count;
        let own = logits.clone().slice_dim(1, column - count..column);
        Part::Choice(Box::new(log_softmax(own, 1)))
    };
    choices.iter().map(part).collect()
}

fn normal(network: &ActorCritic, outputs: Tensor<2>, size: usize) -> Part {
    let (low, high) = LOG_SD_RANGE;
    let [mean, log_sd] = match network.log_sd() {
        Some(log_sd) => [outputs, log_sd],
        None => [0..size, size..2 * size].map(|part| outputs.clone().slice_dim(1, part)),
    };
    Part::Normal(Box::new([mean, log_sd.clamp(low, high)]))
}

/// The law of the amount bins of the kind that was chosen, for rows that chose one.
fn bin_law(
    network: &ActorCritic,
    features: Tensor<2>,
    bins: usize,
    inputs: &Inputs<'_>,
) -> Option<Tensor<2>> {
    let acting = inputs.amounts();
    if acting == 0 {
        return None;
    }
    let logits = network.amounts(features.slice_dim(0, 0..acting))?;
    let [_, width] = logits.dims();
    let logits = if width == bins { logits } else { logits.gather(1, inputs.blocks(bins)) };
    Some(log_softmax(logits, 1))
}

/// `log N(action; mean, sd^2)`, summed over components.
fn normal_log_density(action: Tensor<2>, [mean, log_sd]: &[Tensor<2>; 2]) -> Tensor<2> {
    let z = (action - mean.clone()) * log_sd.clone().neg().exp();
    ((z.square() + LN_TWO_PI) * -0.5 - log_sd.clone()).sum_dim(1)
}

/// `sum p (ln p - ln q)`.
fn categorical_divergence(law: &Tensor<2>, other: Tensor<2>) -> Tensor<2> {
    (law.clone().exp() * (law.clone() - other)).sum_dim(1)
}

/// `sum ln(s / sd) + (sd^2 + (mean - m)^2) / (2 s^2) - 1 / 2`, the reference holding the means m
/// and the log standard deviations ln s.
fn normal_divergence([mean, log_sd]: &[Tensor<2>; 2], reference: &Tensor<2>) -> Tensor<2> {
    let [_, size] = mean.dims();
    let other_mean = reference.clone().slice_dim(1, 0..size);
    let other_log_sd = reference.clone().slice_dim(1, size..2 * size);
    let precision = (other_log_sd.clone() * -2.0).exp();
    let spread = (log_sd.clone() * 2.0).exp() + (mean.clone() - other_mean).square();
    (other_log_sd - log_sd.clone() + spread * precision * 0.5 - 0.5).sum_dim(1)
}

/// The sum over components; 0 for an action without any.
fn total(parts: impl Iterator<Item = Tensor<2>>, inputs: &Inputs<'_>) -> Tensor<2> {
    parts
        .reduce(|sum, part| sum + part)
        .unwrap_or_else(|| Tensor::zeros([inputs.batch.rows, 1], inputs.device))
}

/// Adds `some`, which belongs to the first rows, to `all`.
fn add_to_first(all: Tensor<2>, some: Tensor<2>) -> Tensor<2> {
    let ([rows, _], [first, _]) = (all.dims(), some.dims());
    let sum = all.clone().slice_dim(0, 0..first) + some;
    if first == rows {
        return sum;
    }
    Tensor::cat(vec![sum, all.slice_dim(0, first..rows)], 0)
}
