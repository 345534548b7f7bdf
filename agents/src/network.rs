//! The actor-critic network: two multilayer perceptrons, one for what to do and one for what it
//! is worth, with a head for the kind and a head for the amount that belongs to it.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::nn::Linear;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand_distr::{Distribution, StandardNormal};
use trueup_env::Stream;

use crate::tanh::activate;

/// Sizes of an actor-critic network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Architecture {
    /// Numbers per observation.
    pub observation: usize,
    /// Units of each hidden layer, for policy and value alike.
    pub hidden: Vec<usize>,
    /// Choices of the first head: "nothing" and the kinds.
    pub choices: usize,
    /// Amount bins per kind.
    pub bins: usize,
}

/// Policy and value networks with tanh hidden layers. Parameters live in burn.
#[derive(Module, Debug)]
pub struct ActorCritic {
    policy_hidden: Vec<Linear>,
    kind_head: Linear,
    amount_head: Linear,
    value_hidden: Vec<Linear>,
    value_head: Linear,
}

impl ActorCritic {
    /// Orthogonal weights (gain sqrt 2 in hidden layers, 0.01 in the policy's heads, 1 in the
    /// value's), zero biases, as in the PPO reference implementations. `stream` is all that is
    /// random; burn's own generator is process-wide and never used.
    pub fn new(architecture: &Architecture, stream: &mut Stream, device: &Device) -> Self {
        let trunk = |stream: &mut Stream| {
            let mut width = architecture.observation;
            let mut layers = Vec::new();
            for &units in &architecture.hidden {
                layers.push(orthogonal(width, units, std::f64::consts::SQRT_2, stream, device));
                width = units;
            }
            (layers, width)
        };
        let (policy_hidden, width) = trunk(stream);
        let kinds = architecture.choices - 1;
        let kind_head = orthogonal(width, architecture.choices, 0.01, stream, device);
        let amount_head = orthogonal(width, kinds * architecture.bins, 0.01, stream, device);
        let (value_hidden, width) = trunk(stream);
        let value_head = orthogonal(width, 1, 1.0, stream, device);
        Self { policy_hidden, kind_head, amount_head, value_hidden, value_head }
    }

    /// Sets the bias of the kind head, so that the first policy chooses with given log
    /// probabilities (length: choices).
    pub fn with_kind_bias(mut self, log_probabilities: &[f32], device: &Device) -> Self {
        self.kind_head.bias = Some(Param::from_data(
            TensorData::new(log_probabilities.to_vec(), [log_probabilities.len()]),
            device,
        ));
        self
    }

    /// Last hidden layer of the policy, `[rows, units]`, for observations `[rows, observation]`.
    pub fn policy_features(&self, observations: Tensor<2>) -> Tensor<2> {
        self.policy_hidden.iter().fold(observations, |x, layer| activate(layer.forward(x)))
    }

    /// Log probabilities of the choices, `[rows, choices]`. `mask` is 0 where a choice is feasible
    /// and very negative where it is not.
    pub fn kinds(&self, features: Tensor<2>, mask: Tensor<2>) -> Tensor<2> {
        log_softmax(self.kind_head.forward(features) + mask, 1)
    }

    /// Log probabilities of the amount bins of the kind that each row chose, `[rows, bins]`.
    /// `kind` holds indices into the kinds ("nothing" not counted), `[rows]`.
    pub fn amounts(&self, features: Tensor<2>, kind: &[u16], bins: usize) -> Tensor<2> {
        let [rows, _] = features.dims();
        let device = features.device();
        let logits = self.amount_head.forward(features);
        let [_, width] = logits.dims();
        let logits = if width == bins {
            logits
        } else {
            let index: Vec<i32> = kind
                .iter()
                .flat_map(|&k| (0..bins).map(move |bin| (usize::from(k) * bins + bin) as i32))
                .collect();
            logits.gather(
                1,
                Tensor::<2, Int>::from_data(TensorData::new(index, [rows, bins]), &device),
            )
        };
        log_softmax(logits, 1)
    }

    /// Values, `[rows, 1]`.
    pub fn values(&self, observations: Tensor<2>) -> Tensor<2> {
        let features =
            self.value_hidden.iter().fold(observations, |x, layer| activate(layer.forward(x)));
        self.value_head.forward(features)
    }

    /// `share` of this network and `1 - share` of `other`, parameter by parameter: the running
    /// average of Polyak and Juditsky (1992) when applied after every iteration.
    pub fn averaged(self, other: &Self, share: f32) -> Self {
        let mut parameters = Parameters(Vec::new());
        other.visit(&mut parameters);
        let mut blend = Blend { other: parameters.0.into_iter(), share };
        self.map(&mut blend)
    }

    /// All parameters as flat numbers with their names and shapes, in a fixed order.
    pub fn named_parameters(&self) -> Vec<(String, Vec<usize>, Vec<f32>)> {
        let mut parameters = Named { path: Vec::new(), found: Vec::new() };
        self.visit(&mut parameters);
        parameters.found
    }
}

/// A linear layer whose weight has orthonormal rows or columns, times `gain`.
fn orthogonal(
    inputs: usize,
    outputs: usize,
    gain: f64,
    stream: &mut Stream,
    device: &Device,
) -> Linear {
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
    let entry = |i: usize, o: usize| {
        if inputs <= outputs { basis[i][o] } else { basis[o][i] }
    };
    let weight: Vec<f32> = (0..inputs)
        .flat_map(|i| (0..outputs).map(move |o| (i, o)))
        .map(|(i, o)| (gain * entry(i, o)) as f32)
        .collect();
    Linear {
        weight: Param::from_data(TensorData::new(weight, [inputs, outputs]), device),
        bias: Some(Param::from_data(TensorData::new(vec![0.0_f32; outputs], [outputs]), device)),
    }
}

/// Collects parameters as flat numbers.
struct Parameters(Vec<Vec<f32>>);

impl ModuleVisitor for Parameters {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push(param.val().into_data().iter::<f32>().collect());
    }
}

struct Blend {
    other: std::vec::IntoIter<Vec<f32>>,
    share: f32,
}

impl ModuleMapper for Blend {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(other) = self.other.next() else {
            return param;
        };
        let share = self.share;
        param.map(|tensor| {
            let (device, shape) = (tensor.device(), tensor.dims());
            let mine = tensor.into_data();
            let mixed: Vec<f32> =
                mine.iter::<f32>().zip(other).map(|(a, b)| share * a + (1.0 - share) * b).collect();
            Tensor::from_data(TensorData::new(mixed, shape), &device)
        })
    }
}

struct Named {
    path: Vec<String>,
    found: Vec<(String, Vec<usize>, Vec<f32>)>,
}

impl ModuleVisitor for Named {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        let shape = tensor.dims().to_vec();
        self.found.push((self.path.join("."), shape, tensor.into_data().iter::<f32>().collect()));
    }
}

#[cfg(test)]
mod tests {
    use trueup_env::Streams;

    use super::*;

    fn architecture() -> Architecture {
        Architecture { observation: 7, hidden: vec![16, 16], choices: 3, bins: 4 }
    }

    fn network(seed: u64) -> ActorCritic {
        let mut stream = Streams::new(seed).stream("network", 0);
        ActorCritic::new(&architecture(), &mut stream, &Device::flex())
    }

    #[test]
    fn hidden_weights_are_orthogonal_with_gain_root_two() {
        let parameters = network(1).named_parameters();
        let (name, shape, weight) = &parameters[2];
        assert_eq!((name.as_str(), shape.as_slice()), ("policy_hidden.1.weight", &[16, 16][..]));
        for i in 0..16 {
            for j in 0..16 {
                let dot: f32 = (0..16).map(|k| weight[i * 16 + k] * weight[j * 16 + k]).sum();
                let expected = if i == j { 2.0 } else { 0.0 };
                assert!((dot - expected).abs() < 1e-5, "rows {i} and {j}: {dot}");
            }
        }
    }

    #[test]
    fn names_are_unique_and_shapes_fit() {
        let parameters = network(1).named_parameters();
        let mut names: Vec<_> = parameters.iter().map(|(name, ..)| name.clone()).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), parameters.len());
        for (name, shape, values) in &parameters {
            assert_eq!(shape.iter().product::<usize>(), values.len(), "{name}");
        }
    }

    #[test]
    fn averaging_goes_parameter_by_parameter() {
        let (a, b) = (network(1), network(2));
        let (pa, pb) = (a.named_parameters(), b.named_parameters());
        let mixed = a.averaged(&b, 0.9).named_parameters();
        for ((x, y), z) in pa.iter().zip(&pb).zip(&mixed) {
            for ((x, y), z) in x.2.iter().zip(&y.2).zip(&z.2) {
                assert!((0.9 * x + 0.1 * y - z).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn masked_choices_have_no_probability_and_amounts_follow_the_kind() {
        let device = Device::flex();
        let network = network(3);
        let observations = Tensor::<2>::from_data([[0.1_f32; 7], [0.5; 7]], &device);
        let features = network.policy_features(observations);
        let mask = Tensor::<2>::from_data([[0.0_f32, -1e9, 0.0], [0.0, 0.0, 0.0]], &device);
        let kinds: Vec<f32> =
            network.kinds(features.clone(), mask).exp().into_data().iter().collect();
        assert_eq!(kinds[1], 0.0);
        assert!((kinds[..3].iter().sum::<f32>() - 1.0).abs() < 1e-6);
        let of = |kind: [u16; 2]| -> Vec<f32> {
            network.amounts(features.clone(), &kind, 4).into_data().iter().collect()
        };
        assert_eq!(of([0, 1])[..4], of([0, 0])[..4]);
        assert_ne!(of([0, 1])[..4], of([1, 1])[..4]);
    }
}
