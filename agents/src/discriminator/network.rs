//! A small network with one output: flat parameters, its own gradient, its own optimiser.

use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;
use trueup_calibration::reward::StateError;
use trueup_calibration::reward::state::{Reader, Writer};
use trueup_env::Stream;

use super::rows::Rows;
use super::spectral;
use crate::learner::ADAM;

/// Slope of the hidden units below 0 (leaky ReLU).
const LEAK: f32 = 0.1;

/// Rows per parallel piece. Fixed, so that sums do not depend on the number of threads.
const CHUNK: usize = 256;

/// y = x W1 + b1, leaky ReLU, ..., one output.
///
/// Every weight has a spectral norm of at most `lipschitz^(1 / layers)`. Leaky ReLU is 1-Lipschitz,
/// so the output moves at most `lipschitz` times as far as the input (Euclidean norm).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Network {
    /// Units: inputs, hidden layers, 1.
    sizes: Vec<usize>,
    /// Per layer the weight (inputs x outputs), then the bias.
    parameters: Vec<f32>,
    /// Adam's moments.
    moments: [Vec<f32>; 2],
    steps: u64,
    /// Per layer the kept vector of the power iteration.
    directions: Vec<f32>,
    bound: f32,
}

/// Where a layer lies in the flat vectors.
#[derive(Clone, Copy)]
struct Layer {
    inputs: usize,
    outputs: usize,
    weight: usize,
    bias: usize,
    direction: usize,
}

impl Network {
    /// Hidden weights are Gaussian of variance 1 / inputs; the last layer is 0, so that nothing is
    /// paid before anything is known.
    pub fn new(inputs: usize, hidden: &[usize], lipschitz: f64, stream: &mut Stream) -> Self {
        let sizes = [&[inputs], hidden, &[1]].concat();
        let count: usize = sizes.windows(2).map(|w| (w[0] + 1) * w[1]).sum();
        let directions: usize = sizes[1..].iter().sum();
        let mut network = Self {
            parameters: vec![0.0; count],
            moments: [vec![0.0; count], vec![0.0; count]],
            steps: 0,
            directions: (0..directions).map(|_| StandardNormal.sample(stream)).collect(),
            bound: lipschitz.powf(1.0 / (sizes.len() - 1) as f64) as f32,
            sizes,
        };
        let layers = network.layers();
        for layer in &layers[..layers.len() - 1] {
            let sd = 1.0 / (layer.inputs.max(1) as f32).sqrt();
            for weight in &mut network.parameters[layer.weight..layer.bias] {
                let z: f32 = StandardNormal.sample(stream);
                *weight = sd * z;
            }
        }
        // The first power iterations start from random vectors: give them time.
        (0..20).for_each(|_| network.bound_layers());
        network
    }

    fn layers(&self) -> Vec<Layer> {
        let (mut weight, mut direction) = (0, 0);
        let of = |pair: &[usize]| {
            let (inputs, outputs) = (pair[0], pair[1]);
            let bias = weight + inputs * outputs;
            let layer = Layer { inputs, outputs, weight, bias, direction };
            weight = bias + outputs;
            direction += outputs;
            layer
        };
        self.sizes.windows(2).map(of).collect()
    }

    /// Numbers per row.
    pub fn inputs(&self) -> usize {
        self.sizes[0]
    }

    /// One output a row.
    pub fn outputs(&self, rows: &Rows) -> Vec<f32> {
        let forward = |chunk: &[f32]| self.forward(chunk).pop().unwrap_or_default();
        let chunks = rows.values.par_chunks(CHUNK * self.inputs());
        chunks.map(forward).collect::<Vec<_>>().concat()
    }

    /// Outputs of every layer.
    fn forward(&self, rows: &[f32]) -> Vec<Vec<f32>> {
        let count = rows.len() / self.inputs();
        let layers = self.layers();
        let mut all: Vec<Vec<f32>> = Vec::with_capacity(layers.len());
        for (i, layer) in layers.iter().enumerate() {
            let weight = &self.parameters[layer.weight..layer.bias];
            let bias = &self.parameters[layer.bias..][..layer.outputs];
            let inputs = all.last().map_or(rows, |outputs| outputs.as_slice());
            let mut outputs = bias.repeat(count);
            let pairs = inputs.chunks_exact(layer.inputs);
            for (x, y) in pairs.zip(outputs.chunks_exact_mut(layer.outputs)) {
                for (x, w) in x.iter().zip(weight.chunks_exact(layer.outputs)) {
                    y.iter_mut().zip(w).for_each(|(y, w)| *y += x * w);
                }
            }
            if i + 1 < layers.len() {
                outputs.iter_mut().for_each(|y| *y = y.max(LEAK * *y));
            }
            all.push(outputs);
        }
        all
    }

    /// The gradient of `sum over rows of slope x output` in the parameters.
    pub fn gradient(&self, rows: &Rows, slopes: &[f32]) -> Vec<f32> {
        let parts: Vec<Vec<f32>> = rows
            .values
            .par_chunks(CHUNK * self.inputs())
            .zip(slopes.par_chunks(CHUNK))
            .map(|(rows, slopes)| self.backward(rows, slopes))
            .collect();
        let mut sum = vec![0.0; self.parameters.len()];
        for part in parts {
            sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        }
        sum
    }

    fn backward(&self, rows: &[f32], slopes: &[f32]) -> Vec<f32> {
        let all = self.forward(rows);
        let mut gradient = vec![0.0; self.parameters.len()];
        let mut slopes = slopes.to_vec();
        for (i, layer) in self.layers().iter().enumerate().rev() {
            let inputs = if i == 0 { rows } else { &all[i - 1] };
            let (weights, biases) =
                gradient[layer.weight..].split_at_mut(layer.bias - layer.weight);
            for (x, d) in inputs.chunks_exact(layer.inputs).zip(slopes.chunks_exact(layer.outputs))
            {
                for (x, g) in x.iter().zip(weights.chunks_exact_mut(layer.outputs)) {
                    g.iter_mut().zip(d).for_each(|(g, d)| *g += x * d);
                }
                biases.iter_mut().zip(d).for_each(|(g, d)| *g += d);
            }
            if i == 0 {
                break;
            }
            let weight = &self.parameters[layer.weight..layer.bias];
            let mut next = vec![0.0; inputs.len()];
            for (n, d) in
                next.chunks_exact_mut(layer.inputs).zip(slopes.chunks_exact(layer.outputs))
            {
                for (n, w) in n.iter_mut().zip(weight.chunks_exact(layer.outputs)) {
                    *n = w.iter().zip(d).map(|(w, d)| w * d).sum();
                }
            }
            // A leaky unit has the sign of what went in.
            next.iter_mut().zip(inputs).for_each(|(n, y)| *n *= if *y > 0.0 { 1.0 } else { LEAK });
            slopes = next;
        }
        gradient
    }

    /// One step of Adam, then the bound on every layer.
    pub fn step(&mut self, gradient: &[f32], rate: f32) {
        let (beta1, beta2, epsilon) = ADAM;
        self.steps += 1;
        let steps = i32::try_from(self.steps).unwrap_or(i32::MAX);
        let [correct1, correct2] = [beta1, beta2].map(|beta| 1.0 - beta.powi(steps));
        let [first, second] = &mut self.moments;
        for (((p, g), m), v) in self.parameters.iter_mut().zip(gradient).zip(first).zip(second) {
            *m = beta1 * *m + (1.0 - beta1) * g;
            *v = beta2 * *v + (1.0 - beta2) * g * g;
            *p -= rate * (*m / correct1) / ((*v / correct2).sqrt() + epsilon);
        }
        self.bound_layers();
    }

    fn bound_layers(&mut self) {
        for layer in self.layers() {
            spectral::bound(
                &mut self.parameters[layer.weight..layer.bias],
                &mut self.directions[layer.direction..][..layer.outputs],
                self.bound,
            );
        }
    }

    pub fn write(&self, writer: &mut Writer) {
        writer.whole(self.steps);
        for list in [&self.parameters, &self.moments[0], &self.moments[1], &self.directions] {
            writer.singles(list);
        }
    }

    /// A network of the same shape, as it was written.
    pub fn read(&self, reader: &mut Reader<'_>) -> Result<Self, StateError> {
        let mut read = self.clone();
        read.steps = reader.whole("a discriminator")?;
        let [first, second] = &mut read.moments;
        for list in [&mut read.parameters, first, second, &mut read.directions] {
            *list = reader.singles("a discriminator", list.len())?;
        }
        Ok(read)
    }
}

#[cfg(test)]
#[path = "network_tests.rs"]
mod tests;
