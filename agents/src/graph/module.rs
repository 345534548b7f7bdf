//! The actor-critic network as a burn module, built from the flat vector and read back into it.

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, TensorData, activation::relu};

use crate::architecture::{Activation, Architecture, Head, Network, Slot};
use crate::graph::activation::activate;

/// An actor-critic network. Its parameters carry the names of [`Architecture::slots`] and are
/// visited in that order.
#[derive(Module, Debug)]
pub struct ActorCritic {
    hidden: Vec<Linear>,
    policy_hidden: Vec<Linear>,
    policy_head: Linear,
    amount_head: Option<Linear>,
    log_sd: Option<Param<Tensor<1>>>,
    value_hidden: Vec<Linear>,
    value_head: Linear,
    #[module(skip)]
    activation: Activation,
    /// Whether tanh is the vectorised one ([`crate::tanh`]): on the CPU burn's own is scalar.
    #[module(skip)]
    on_cpu: bool,
}

/// Last hidden layers, `[rows, units]` each.
pub struct Features {
    /// What the policy's heads see.
    pub policy: Tensor<2>,
    /// What the value's head sees.
    pub value: Tensor<2>,
}

impl ActorCritic {
    /// The module of a network on a device. On a device with autodiff its parameters are leaves.
    /// Parameters that are missing count as NaN.
    pub fn from_network(network: &Network, device: &Device) -> Self {
        let length = network.architecture.parameters();
        let mut parameters = network.parameters.clone();
        parameters.resize(length, f32::NAN);
        let data = TensorData::new(parameters, [length]);
        let flat = Tensor::from_data(data, &device.clone().without_autodiff());
        Self::from_flat(&network.architecture, &flat, device)
    }

    /// The module whose parameters are the pieces of a flat tensor without autodiff (no copies
    /// where a device has views), for `device`, which may have it.
    pub(crate) fn from_flat(
        architecture: &Architecture,
        flat: &Tensor<1>,
        device: &Device,
    ) -> Self {
        let tracked = device.is_autodiff();
        let mut slots = Pieces { flat, tracked, slots: architecture.slots(), next: 0 };
        let layers = architecture.hidden.len();
        let (shared, own) = if architecture.shared { (layers, 0) } else { (0, layers) };
        // In the order of the slots.
        Self {
            hidden: (0..shared).map(|_| slots.linear()).collect(),
            policy_hidden: (0..own).map(|_| slots.linear()).collect(),
            policy_head: slots.linear(),
            amount_head: (architecture.head.amount_outputs() > 0).then(|| slots.linear()),
            log_sd: matches!(architecture.head, Head::Gaussian { state_dependent: false, .. })
                .then(|| slots.parameter()),
            value_hidden: (0..own).map(|_| slots.linear()).collect(),
            value_head: slots.linear(),
            activation: architecture.activation,
            on_cpu: *device == Device::flex(),
        }
    }

    /// Last hidden layers for observations `[rows, observation]`.
    pub fn features(&self, observations: Tensor<2>) -> Features {
        let common = self.through(&self.hidden, observations);
        Features {
            policy: self.through(&self.policy_hidden, common.clone()),
            value: self.through(&self.value_hidden, common),
        }
    }

    /// The policy's last hidden layer alone.
    pub fn policy_features(&self, observations: Tensor<2>) -> Tensor<2> {
        self.through(&self.policy_hidden, self.through(&self.hidden, observations))
    }

    /// The value's last hidden layer alone.
    pub fn value_features(&self, observations: Tensor<2>) -> Tensor<2> {
        self.through(&self.value_hidden, self.through(&self.hidden, observations))
    }

    /// Outputs of the layer `policy_head`, `[rows, outputs]`.
    pub fn policy(&self, features: Tensor<2>) -> Tensor<2> {
        self.policy_head.forward(features)
    }

    /// Logits of the amount bins of all kinds, `[rows, (choices - 1) * bins]`; `None` without an
    /// amount head.
    pub fn amounts(&self, features: Tensor<2>) -> Option<Tensor<2>> {
        self.amount_head.as_ref().map(|head| head.forward(features))
    }

    /// Log standard deviations that are parameters, `[1, size]`, unclamped.
    pub fn log_sd(&self) -> Option<Tensor<2>> {
        self.log_sd.as_ref().map(|log_sd| log_sd.val().unsqueeze())
    }

    /// Values, `[rows, 1]`.
    pub fn value(&self, features: Tensor<2>) -> Tensor<2> {
        self.value_head.forward(features)
    }

    /// All parameters, flat, in the order of [`Architecture::slots`].
    pub fn to_parameters(&self) -> Vec<f32> {
        self.named_parameters().into_iter().flat_map(|(.., values)| values).collect()
    }

    /// All parameters with their names and shapes, in that order.
    pub fn named_parameters(&self) -> Vec<(String, Vec<usize>, Vec<f32>)> {
        let mut named = Named::default();
        self.visit(&mut named);
        named.found
    }

    fn through(&self, layers: &[Linear], input: Tensor<2>) -> Tensor<2> {
        layers.iter().fold(input, |x, layer| match self.activation {
            Activation::Tanh if self.on_cpu => activate(layer.forward(x)),
            Activation::Tanh => layer.forward(x).tanh(),
            Activation::Relu => relu(layer.forward(x)),
        })
    }
}

/// Cuts a flat tensor into parameters, slot by slot.
struct Pieces<'a> {
    flat: &'a Tensor<1>,
    tracked: bool,
    slots: Vec<Slot>,
    next: usize,
}

impl Pieces<'_> {
    fn linear(&mut self) -> Linear {
        Linear { weight: self.parameter(), bias: Some(self.parameter()) }
    }

    fn parameter<const D: usize>(&mut self) -> Param<Tensor<D>> {
        let slot = &self.slots[self.next];
        let shape: [usize; D] = std::array::from_fn(|i| slot.shape[i]);
        let value = self.flat.clone().slice(slot.range.clone()).reshape(shape);
        // Identifiers count up: burn's own are random.
        let id = ParamId::from(self.next as u64);
        self.next += 1;
        Param::initialized(id, if self.tracked { value.autodiff().require_grad() } else { value })
    }
}

#[derive(Default)]
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
