//! Layers of few outputs, such as two logits or a value: vectors run along the inputs instead of
//! the outputs, of which there are fewer than lanes.

use super::layout::Linear;
use super::simd::{Kernel, Level, fma, run};

/// Most outputs of a layer that counts as narrow.
pub const NARROW: usize = 4;
/// Lanes of a dot product. Fixed, so that its order of sums is.
const LANES: usize = 16;
/// Weights whose gradients are summed at a time.
const STRETCH: usize = 64;

/// y = x W + b, with W transposed.
pub struct Dots<'a> {
    /// The layer.
    pub layer: &'a Linear,
    /// outputs x inputs.
    pub transposed: &'a [f32],
    /// b.
    pub bias: &'a [f32],
    /// rows x inputs.
    pub x: &'a [f32],
    /// rows x outputs.
    pub out: &'a mut [f32],
}

impl Dots<'_> {
    /// Computes `out`.
    pub fn run(self) {
        run(self);
    }
}

impl Kernel for Dots<'_> {
    type Output = ();

    #[inline(always)]
    fn at<L: Level>(self) {
        let width = self.layer.inputs.max(1);
        let rows = self.out.chunks_exact_mut(self.layer.outputs.max(1));
        for (x, out) in self.x.chunks_exact(width).zip(rows) {
            let weights = self.transposed.chunks_exact(width).zip(self.bias);
            for (out, (weight, bias)) in out.iter_mut().zip(weights) {
                *out = bias + dot::<L>(x, weight);
            }
        }
    }
}

#[inline(always)]
fn dot<L: Level>(a: &[f32], b: &[f32]) -> f32 {
    let ((a, last_a), (b, last_b)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut lanes = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane = fma::<L>(*a, *b, *lane);
        }
    }
    let rest = last_a.iter().zip(last_b).fold(0.0, |sum, (a, b)| fma::<L>(*a, *b, sum));
    // Halves onto halves, as vectors are folded.
    let eight: [f32; 8] = std::array::from_fn(|i| lanes[i] + lanes[i + 8]);
    let four: [f32; 4] = std::array::from_fn(|i| eight[i] + eight[i + 4]);
    (four[0] + four[2]) + (four[1] + four[3]) + rest
}

/// Adds the gradient of the weights, x' delta.
pub struct Outer<'a> {
    /// The layer.
    pub layer: &'a Linear,
    /// rows x inputs.
    pub x: &'a [f32],
    /// rows x outputs.
    pub delta: &'a [f32],
    /// inputs x outputs.
    pub gradient: &'a mut [f32],
}

impl Outer<'_> {
    /// Adds to `gradient`.
    pub fn run(self) {
        run(self);
    }
}

impl Kernel for Outer<'_> {
    type Output = ();

    #[inline(always)]
    fn at<L: Level>(self) {
        let (width, outputs) = (self.layer.inputs.max(1), self.layer.outputs.max(1));
        for (i, gradient) in self.gradient.chunks_mut(STRETCH * outputs).enumerate() {
            for j in 0..outputs {
                let mut sums = [0.0; STRETCH];
                let rows = self.x.chunks_exact(width).zip(self.delta.chunks_exact(outputs));
                for (x, delta) in rows {
                    let x = &x[(i * STRETCH).min(width)..];
                    match x.first_chunk::<STRETCH>() {
                        Some(x) => add_scaled::<L>(&mut sums, x, delta[j]),
                        None => add_scaled::<L>(&mut sums, x, delta[j]),
                    }
                }
                let column = gradient[j..].iter_mut().step_by(outputs);
                column.zip(sums).for_each(|(gradient, sum)| *gradient += sum);
            }
        }
    }
}

#[inline(always)]
fn add_scaled<L: Level>(sums: &mut [f32], x: &[f32], scale: f32) {
    sums.iter_mut().zip(x).for_each(|(sum, x)| *sum = fma::<L>(scale, *x, *sum));
}
