//! The objectives of [`crate::learner`] in burn tensors.

use burn::tensor::Tensor;

use crate::graph::distribution::Law;
use crate::graph::inputs::Inputs;
use crate::graph::module::ActorCritic;
use crate::learner::Objective;

/// An objective on the graph, and what it saw in each row, `[rows, 1]` each, for
/// [`crate::graph::report`].
pub struct Loss {
    /// What is minimised, `[1]`.
    pub loss: Tensor<1>,
    pub log_probability: Option<Tensor<2>>,
    pub entropy: Option<Tensor<2>>,
    pub divergence: Option<Tensor<2>>,
    pub value: Option<Tensor<2>>,
}

/// Weights and ranges of [`Objective::Clipped`].
struct Clipped {
    clip: f32,
    value_clip: Option<f32>,
    entropy: f32,
    value: f32,
    anchor: f32,
}

/// Builds the graph of an objective.
pub fn loss(network: &ActorCritic, inputs: &Inputs<'_>, objective: &Objective) -> Loss {
    match *objective {
        Objective::Clipped { clip, value_clip, entropy, value, anchor } => {
            clipped(network, inputs, &Clipped { clip, value_clip, entropy, value, anchor })
        }
        Objective::Value => fit(network, inputs),
        Objective::Likelihood => likelihood(network, inputs),
    }
}

fn clipped(network: &ActorCritic, inputs: &Inputs<'_>, weights: &Clipped) -> Loss {
    let features = network.features(inputs.observations());
    let law = Law::new(network, features.policy, inputs);
    let value = network.value(features.value);
    let log_probability = law.log_probability(inputs);
    // What has no weight stays off the graph: it is seen, not minimised.
    let stopped = law.stopped();
    let on_graph = |weight: f32| if weight == 0.0 { &stopped } else { &law };
    let entropy = on_graph(weights.entropy).entropy(inputs);
    let divergence = on_graph(weights.anchor).divergence(inputs);

    let mut rows = surrogate(log_probability.clone(), inputs, weights.clip).neg();
    rows = rows + value_loss(value.clone(), inputs, weights.value_clip) * weights.value;
    if weights.entropy != 0.0 {
        rows = rows - entropy.clone() * weights.entropy;
    }
    if let (Some(divergence), true) = (&divergence, weights.anchor != 0.0) {
        rows = rows + divergence.clone() * weights.anchor;
    }
    Loss {
        loss: weighted(rows, inputs),
        log_probability: Some(log_probability),
        entropy: Some(entropy),
        divergence,
        value: Some(value),
    }
}

fn fit(network: &ActorCritic, inputs: &Inputs<'_>) -> Loss {
    let value = network.value(network.value_features(inputs.observations()));
    Loss {
        loss: weighted(value_loss(value.clone(), inputs, None), inputs),
        log_probability: None,
        entropy: None,
        divergence: None,
        value: Some(value),
    }
}

fn likelihood(network: &ActorCritic, inputs: &Inputs<'_>) -> Loss {
    let law = Law::new(network, network.policy_features(inputs.observations()), inputs);
    let log_probability = law.log_probability(inputs);
    let stopped = law.stopped();
    Loss {
        loss: weighted(log_probability.clone().neg(), inputs),
        log_probability: Some(log_probability),
        entropy: Some(stopped.entropy(inputs)),
        divergence: stopped.divergence(inputs),
        value: None,
    }
}

/// `min(r A, clamp(r, 1 - clip, 1 + clip) A)`, `[rows, 1]`.
fn surrogate(log_probability: Tensor<2>, inputs: &Inputs<'_>, clip: f32) -> Tensor<2> {
    let advantages = inputs.column(&inputs.batch.advantages);
    let ratio = (log_probability - inputs.column(&inputs.batch.log_probability)).exp();
    let clamped = ratio.clone().clamp(1.0 - clip, 1.0 + clip);
    (ratio * advantages.clone()).min_pair(clamped * advantages)
}

/// `L_V` of [`Objective::Clipped`], `[rows, 1]`.
fn value_loss(value: Tensor<2>, inputs: &Inputs<'_>, clip: Option<f32>) -> Tensor<2> {
    let returns = inputs.column(&inputs.batch.returns);
    let error = (value.clone() - returns.clone()).square();
    let Some(clip) = clip else {
        return error;
    };
    let old = inputs.column(&inputs.batch.values);
    let near = (value - old.clone()).clamp(-clip, clip) + old;
    error.max_pair((near - returns).square())
}

/// The weighted mean over rows, `[1]`.
fn weighted(rows: Tensor<2>, inputs: &Inputs<'_>) -> Tensor<1> {
    (rows * inputs.column(&inputs.batch.weights)).sum()
}
