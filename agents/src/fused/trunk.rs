//! Hidden layers, forward and backward, for a block of rows.

use super::elementwise::{activate, activation_gradient, add_rows};
use super::layout::Linear;
use super::matmul::{Left, Out, Right, SLACK, Start, multiply};
use super::narrow::{Dots, NARROW, Outer};
use super::simd::{Kernel, Level, run};
use crate::architecture::Activation;

/// y = x W + b for `rows` rows of a head whose transposed weights are at hand.
pub fn forward_head(
    layer: &Linear,
    transposed: &Transposed,
    parameters: &[f32],
    x: &[f32],
    rows: usize,
    out: &mut [f32],
) {
    if layer.outputs > NARROW {
        return forward_linear(layer, parameters, x, rows, out);
    }
    let bias = &parameters[layer.bias.clone()];
    let out = &mut out[..rows * layer.outputs];
    Dots { layer, transposed: transposed.data(), bias, x, out }.run();
}

/// y = x W + b for `rows` rows; `parameters` is the flat vector with its slack.
fn forward_linear(layer: &Linear, parameters: &[f32], x: &[f32], rows: usize, out: &mut [f32]) {
    multiply(
        (rows, layer.inputs, layer.outputs),
        Left::rows(x, layer.inputs),
        Right { data: &parameters[layer.weight.start..], stride: layer.outputs },
        Start::Bias(&parameters[layer.bias.clone()]),
        Out { data: out, stride: layer.outputs },
    );
}

/// Values of all hidden layers for `rows` rows of `x`.
pub fn forward(
    layers: &[Linear],
    activation: Activation,
    parameters: &[f32],
    x: &[f32],
    rows: usize,
    hidden: &mut [Vec<f32>],
) {
    for (i, layer) in layers.iter().enumerate() {
        let (before, after) = hidden.split_at_mut(i);
        let (input, out) = (before.last().map_or(x, |values| values), &mut after[0]);
        forward_linear(layer, parameters, input, rows, out);
        activate(activation, &mut out[..rows * layer.outputs]);
    }
}

/// A layer's transposed weights, for the gradient of its inputs.
#[derive(Clone, Debug, Default)]
pub struct Transposed {
    /// outputs x inputs, with slack.
    data: Vec<f32>,
}

impl Transposed {
    /// Transposes the weights anew.
    pub fn update(&mut self, layer: &Linear, parameters: &[f32]) {
        self.data.resize(layer.inputs * layer.outputs + SLACK, 0.0);
        let weight = &parameters[layer.weight.clone()];
        run(Transpose { inputs: layer.inputs, outputs: layer.outputs, weight, to: &mut self.data });
    }

    /// outputs x inputs.
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// The rows of outputs from `first` on.
    pub fn right(&self, layer: &Linear, first: usize) -> Right<'_> {
        Right { data: &self.data[first * layer.inputs..], stride: layer.inputs }
    }
}

struct Transpose<'a> {
    inputs: usize,
    outputs: usize,
    weight: &'a [f32],
    to: &'a mut [f32],
}

impl Kernel for Transpose<'_> {
    type Output = ();

    #[inline(always)]
    fn at<L: Level>(self) {
        const TILE: usize = 8;
        let (inputs, outputs) = (self.inputs.max(1), self.outputs.max(1));
        for (i, block) in self.weight.chunks_exact(TILE * outputs).enumerate() {
            let lines: [&[[f32; TILE]]; TILE] =
                std::array::from_fn(|r| block[r * outputs..][..outputs].as_chunks().0);
            for column in 0..lines[0].len() {
                let tile: [[f32; TILE]; TILE] = lines.each_ref().map(|line| line[column]);
                let to = self.to[column * TILE * inputs..].chunks_exact_mut(inputs).take(TILE);
                for (j, to) in to.enumerate() {
                    let across: [f32; TILE] = std::array::from_fn(|r| tile[r][j]);
                    to[i * TILE..][..TILE].copy_from_slice(&across);
                }
            }
        }
        let (rows, columns) = (inputs - inputs % TILE, outputs - outputs % TILE);
        for row in 0..self.inputs {
            let first = if row < rows { columns } else { 0 };
            for column in first..self.outputs {
                self.to[column * inputs + row] = self.weight[row * outputs + column];
            }
        }
    }
}

/// Adds the gradient of a layer's weights and biases to `gradient`, whose first number is that of
/// the parameter `start`.
pub fn layer_gradient(
    layer: &Linear,
    x: &[f32],
    delta: &[f32],
    rows: usize,
    gradient: &mut [f32],
    start: usize,
) {
    weight_gradient(layer, x, delta, rows, gradient, start);
    let bias = layer.bias.start - start..layer.bias.end - start;
    add_rows(&delta[..rows * layer.outputs], &mut gradient[bias]);
}

fn weight_gradient(
    layer: &Linear,
    x: &[f32],
    delta: &[f32],
    rows: usize,
    gradient: &mut [f32],
    start: usize,
) {
    if layer.outputs <= NARROW {
        let (x, delta) = (&x[..rows * layer.inputs], &delta[..rows * layer.outputs]);
        let gradient = &mut gradient[layer.weight.start - start..layer.weight.end - start];
        return Outer { layer, x, delta, gradient }.run();
    }
    multiply(
        (layer.inputs, rows, layer.outputs),
        Left::transposed(x, layer.inputs),
        Right { data: delta, stride: layer.outputs },
        Start::Add,
        Out { data: &mut gradient[layer.weight.start - start..], stride: layer.outputs },
    );
}

/// What a backward pass needs besides the layers.
pub struct Backward<'a> {
    /// Observations of the block.
    pub x: &'a [f32],
    /// Number of rows.
    pub rows: usize,
    /// Values of the hidden layers.
    pub hidden: &'a [Vec<f32>],
    /// Their transposed weights; that of the first layer is not used.
    pub transposed: &'a [Transposed],
    /// The function after each layer.
    pub activation: Activation,
    /// The parameter that the first number of the gradient belongs to.
    pub start: usize,
}

impl Backward<'_> {
    /// Adds the gradients of all layers; `delta` comes in as that of the last hidden values.
    pub fn run(
        &self,
        layers: &[Linear],
        delta: &mut Vec<f32>,
        other: &mut Vec<f32>,
        gradient: &mut [f32],
    ) {
        let (rows, start) = (self.rows, self.start);
        for (i, layer) in layers.iter().enumerate().rev() {
            let count = rows * layer.outputs;
            let bias = &mut gradient[layer.bias.start - start..layer.bias.end - start];
            activation_gradient(
                self.activation,
                &self.hidden[i][..count],
                &mut delta[..count],
                bias,
            );
            let below = if i == 0 { self.x } else { &self.hidden[i - 1] };
            weight_gradient(layer, below, delta, rows, gradient, start);
            if i > 0 {
                multiply(
                    (rows, layer.outputs, layer.inputs),
                    Left::rows(delta, layer.outputs),
                    self.transposed[i].right(layer, 0),
                    Start::Zero,
                    Out { data: other, stride: layer.inputs },
                );
                std::mem::swap(delta, other);
            }
        }
    }
}
