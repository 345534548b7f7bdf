//! Objective and gradient of independent normal components.
//!
//! With mean m, log standard deviation s clamped to [`LOG_SD_RANGE`], d = (a - m) / e^s, and a
//! reference (m', s'):
//!
//! ```text
//! log pi = sum -d^2 / 2 - s - ln(2 pi) / 2      d/dm = d / e^s,            d/ds = d^2 - 1
//! H      = sum s + ln(2 pi e) / 2                                          d/ds = 1
//! KL     = sum s' - s + (e^2s + (m - m')^2) / (2 e^2s') - 1 / 2
//!                                               d/dm = (m - m') / e^2s',   d/ds = e^2(s - s') - 1
//! ```
//!
//! Where s is clamped nothing has a gradient by it.

use super::elementwise::exp;
use super::simd::{Kernel, Level, run};
use super::terms::{Sums, Terms, policy_term};
use crate::architecture::LOG_SD_RANGE;
use crate::learner::Minibatch;

/// ln(2 pi) / 2.
const HALF_LOG_TAU: f32 = 0.918_938_5;

/// A block of rows of a Gaussian head.
pub struct Gaussian<'a> {
    /// The objective.
    pub terms: Terms,
    /// The minibatch.
    pub batch: &'a Minibatch,
    /// First row of the block.
    pub first: usize,
    /// Number of components.
    pub size: usize,
    /// Means, and log standard deviations unless they are free; turned into their gradient.
    pub outputs: &'a mut [f32],
    /// Free log standard deviations and their gradient, which is added to.
    pub free: Option<(&'a [f32], &'a mut [f32])>,
    /// What is seen.
    pub sums: &'a mut Sums,
}

impl Gaussian<'_> {
    /// Counts the terms and turns outputs into gradients.
    pub fn run(self) {
        run(self);
    }

    /// One row.
    #[inline(always)]
    fn row<L: Level>(&mut self, i: usize) {
        let (row, size, batch, terms) = (self.first + i, self.size, self.batch, self.terms);
        let width = if self.free.is_some() { size } else { 2 * size };
        let (means, spreads) = self.outputs[i * width..][..width].split_at_mut(size);
        let actions = &batch.real[row * size..][..size];
        let reference = batch.reference.get(row * 2 * size..(row + 1) * 2 * size);
        // Free ones are parameters, the same in every row.
        let free = self.free.as_ref().map(|(free, _)| *free);
        let log_sd = |spreads: &[f32], j: usize| free.map_or_else(|| spreads[j], |free| free[j]);
        let (mut log_probability, mut entropy, mut anchor) = (0.0, 0.0, 0.0);
        for j in 0..size {
            let s = log_sd(spreads, j).clamp(LOG_SD_RANGE.0, LOG_SD_RANGE.1);
            let d = (actions[j] - means[j]) * exp::<L>(-s);
            log_probability -= 0.5 * d * d + s + HALF_LOG_TAU;
            entropy += s + HALF_LOG_TAU + 0.5;
            if let Some(reference) = reference {
                let (m, r) = (means[j] - reference[j], reference[size + j]);
                let ratio = exp::<L>(2.0 * (s - r)) + m * m * exp::<L>(-2.0 * r);
                anchor += r - s + 0.5 * (ratio - 1.0);
            }
        }
        let weight = batch.weights[row];
        self.sums.entropy += f64::from(weight) * f64::from(entropy);
        self.sums.anchor += f64::from(weight) * f64::from(anchor);
        let slope = policy_term::<L>(&terms, batch, row, log_probability, self.sums);
        let [push, pull] = terms.pulls.map(|pull| (pull * f64::from(weight)) as f32);
        for j in 0..size {
            let raw = log_sd(spreads, j);
            let s = raw.clamp(LOG_SD_RANGE.0, LOG_SD_RANGE.1);
            let inverse = exp::<L>(-s);
            let d = (actions[j] - means[j]) * inverse;
            let mut by_mean = slope * d * inverse;
            let mut by_spread = slope * (d * d - 1.0) - push;
            if let Some(reference) = reference {
                let (m, r) = (means[j] - reference[j], reference[size + j]);
                by_mean += pull * m * exp::<L>(-2.0 * r);
                by_spread += pull * (exp::<L>(2.0 * (s - r)) - 1.0);
            }
            means[j] = by_mean;
            // s differs from raw where it is clamped, or where raw is NaN.
            let by_spread = if s == raw || raw.is_nan() { by_spread } else { 0.0 };
            match &mut self.free {
                Some((_, gradient)) => gradient[j] += by_spread,
                None => spreads[j] = by_spread,
            }
        }
    }
}

impl Kernel for Gaussian<'_> {
    type Output = ();

    #[inline(always)]
    fn at<L: Level>(mut self) {
        let width = if self.free.is_some() { self.size } else { 2 * self.size };
        for i in 0..self.outputs.len() / width.max(1) {
            self.row::<L>(i);
        }
    }
}
