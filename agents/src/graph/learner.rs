//! Training steps by burn's autodiff, on any device of burn's.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};

use crate::architecture::{Architecture, Network};
use crate::fit::{fits, unfit};
use crate::graph::adam::FlatAdam;
use crate::graph::inputs::Inputs;
use crate::graph::loss::{Loss, loss};
use crate::graph::module::ActorCritic;
use crate::graph::report::{Rows, report};
use crate::learner::{Learner, Minibatch, Objective, Seen, StateError};

/// A network on a device, with Adam.
///
/// The parameters are one flat tensor; the module's are pieces of it. A step reads the device
/// once, after the backward pass: what was seen in each row, and the gradient's norm. The moments
/// and parameters are then moved without waiting for them. A minibatch that does not fit the
/// network moves nothing and is seen as NaN.
pub struct GraphLearner {
    architecture: Architecture,
    /// Where the graph is recorded.
    device: Device,
    network: ActorCritic,
    /// The parameters, without autodiff.
    flat: Tensor<1>,
    /// The same on the host, once they were asked for.
    host: Option<Vec<f32>>,
    adam: FlatAdam,
}

impl GraphLearner {
    /// Puts a network on a device, with a fresh optimiser.
    ///
    /// # Errors
    /// A network whose parameters are not as many as its shape has.
    pub fn new(network: &Network, device: &Device) -> Result<Self, StateError> {
        let Network { architecture, parameters } = network;
        has_all(architecture, parameters)?;
        let flat = upload(parameters, device);
        let device = device.clone().autodiff();
        Ok(Self {
            network: ActorCritic::from_flat(architecture, &flat, &device),
            architecture: architecture.clone(),
            device,
            flat,
            host: Some(parameters.clone()),
            adam: FlatAdam::new(architecture),
        })
    }

    fn set(&mut self, flat: Tensor<1>) {
        self.network = ActorCritic::from_flat(&self.architecture, &flat, &self.device);
        self.flat = flat;
        self.host = None;
    }

    /// The flat gradient on the device, and what was seen; `None` if the batch does not fit.
    fn backward(&self, batch: &Minibatch, objective: &Objective) -> Option<(Tensor<1>, Seen)> {
        let inputs = Inputs { batch, architecture: &self.architecture, device: &self.device };
        if !fits(&self.architecture, batch, objective) || !inputs.amounts_lead() {
            return None;
        }
        if batch.rows == 0 {
            return Some((self.flat.zeros_like(), Seen::default()));
        }
        let loss = loss(&self.network, &inputs, objective);
        let mut flatten = Flatten { gradients: loss.loss.backward(), pieces: Vec::new() };
        self.network.visit(&mut flatten);
        let gradient = Tensor::cat(flatten.pieces, 0);
        let norm = gradient.clone().square().sum().sqrt();
        let (rows, norm) = read(loss, norm, batch.rows);
        Some((gradient, report(objective, batch, &rows, norm)))
    }
}

impl Learner for GraphLearner {
    fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    fn parameters(&mut self) -> &[f32] {
        self.host.get_or_insert_with(|| download(&self.flat))
    }

    fn step(
        &mut self,
        batch: &Minibatch,
        objective: &Objective,
        rate: f32,
        largest_norm: f32,
    ) -> Seen {
        let Some((gradient, seen)) = self.backward(batch, objective) else {
            return unfit();
        };
        let factor = f64::from(largest_norm) / (seen.gradient_norm + 1e-6);
        let gradient = if factor < 1.0 { gradient * factor as f32 } else { gradient };
        let moves = if self.architecture.shared { [true, false] } else { objective.moves() };
        let moved = self.adam.step(rate, moves, self.flat.clone(), gradient);
        self.set(moved);
        seen
    }

    fn gradient(&mut self, batch: &Minibatch, objective: &Objective) -> (Vec<f32>, Seen) {
        match self.backward(batch, objective) {
            Some((gradient, seen)) => (download(&gradient), seen),
            None => (vec![f32::NAN; self.architecture.parameters()], unfit()),
        }
    }

    fn optimiser(&mut self) -> Vec<u8> {
        self.adam.to_bytes(&self.architecture)
    }

    fn restore(&mut self, parameters: &[f32], optimiser: &[u8]) -> Result<(), StateError> {
        has_all(&self.architecture, parameters)?;
        let device = self.device.clone().without_autodiff();
        self.adam = FlatAdam::from_bytes(optimiser, &self.architecture, &device)?;
        self.set(upload(parameters, &device));
        Ok(())
    }
}

/// Collects gradients in the order of the slots; a parameter outside the graph has one of 0.
struct Flatten {
    gradients: Gradients,
    pieces: Vec<Tensor<1>>,
}

impl ModuleVisitor for Flatten {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        let gradient =
            value.grad_remove(&mut self.gradients).unwrap_or_else(|| value.inner().zeros_like());
        self.pieces.push(gradient.reshape([-1]));
    }
}

/// Reads all that a step has to tell in one go.
fn read(loss: Loss, norm: Tensor<1>, rows: usize) -> (Rows, f64) {
    let columns = [loss.log_probability, loss.entropy, loss.divergence, loss.value];
    let present = columns.each_ref().map(Option::is_some);
    let mut tensors: Vec<Tensor<1>> =
        columns.into_iter().flatten().map(|column| column.inner().reshape([-1])).collect();
    tensors.push(norm);
    let values = download(&Tensor::cat(tensors, 0));
    let mut chunks = values.chunks(rows);
    let mut next = |present: bool| -> Vec<f32> {
        if present { chunks.next().unwrap_or_default().to_vec() } else { Vec::new() }
    };
    let [log_probability, entropy, divergence, value] = present.map(&mut next);
    let norm = values.last().map_or(f64::NAN, |&norm| f64::from(norm));
    (Rows { log_probability, entropy, divergence, value }, norm)
}

fn has_all(architecture: &Architecture, parameters: &[f32]) -> Result<(), StateError> {
    let (found, expected) = (parameters.len(), architecture.parameters());
    if found == expected {
        return Ok(());
    }
    Err(StateError(format!(
        "{found} parameters where the network has {expected}; take the checkpoint of this network"
    )))
}

fn upload(values: &[f32], device: &Device) -> Tensor<1> {
    let data = TensorData::new(values.to_vec(), [values.len()]);
    Tensor::from_data(data, &device.clone().without_autodiff())
}

fn download(tensor: &Tensor<1>) -> Vec<f32> {
    tensor.clone().into_data().iter::<f32>().collect()
}
