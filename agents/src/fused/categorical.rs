//! Objective and gradient of choices: plain, multi-discrete, and hybrid.
//!
//! With logits z, p = softmax(z) over the choices that are not masked, action a:
//!
//! ```text
//! d log p_a / dz_j = [j = a] - p_j
//! d H / dz_j       = -p_j (log p_j + H)                 H = - sum p log p
//! d KL / dz_j      = p_j (log p_j - log q_j - KL)       KL = sum p (log p - log q)
//! ```
//!
//! A masked choice has p = 0 exactly, adds nothing to H and KL, and has no gradient.

use super::elementwise::exp;
use super::simd::{Kernel, Level, fma, run};
use super::terms::{Sums, Terms, policy_term};
use crate::learner::Minibatch;

/// A block of rows of a discrete or hybrid head.
pub struct Categorical<'a> {
    /// The objective.
    pub terms: Terms,
    /// The minibatch.
    pub batch: &'a Minibatch,
    /// First row of the block.
    pub first: usize,
    /// Number of choices of each component.
    pub choices: &'a [usize],
    /// Logits, rows x sum of choices; turned into their gradient.
    pub logits: &'a mut [f32],
    /// Room for the probabilities of one row of `logits`, and of one of `bins`.
    pub probabilities: (&'a mut [f32], &'a mut [f32]),
    /// Amount bins of a hybrid head.
    pub amounts: Option<Amounts<'a>>,
    /// What is seen.
    pub sums: &'a mut Sums,
}

/// Amount bins of the rows of a block that have an amount, in their order.
pub struct Amounts<'a> {
    /// Number of bins.
    pub bins: usize,
    /// Logits, rows with an amount x bins; turned into their gradient.
    pub logits: &'a mut [f32],
    /// How many rows of the minibatch before this block have an amount.
    pub before: usize,
}

impl Categorical<'_> {
    /// Counts the terms and turns logits into gradients.
    pub fn run(self) {
        run(self);
    }
}

impl Kernel for Categorical<'_> {
    type Output = ();

    #[inline(always)]
    fn at<L: Level>(mut self) {
        let mut amount = 0;
        for i in 0..self.logits.len() / self.choices.iter().sum::<usize>().max(1) {
            amount += self.row::<L>(i, amount);
        }
    }
}

impl Categorical<'_> {
    /// One row, of which `amount` before it in the block have an amount; returns 1 if it has one.
    #[inline(always)]
    fn row<L: Level>(&mut self, i: usize, amount: usize) -> usize {
        let row = self.first + i;
        let batch = self.batch;
        let width = self.choices.iter().sum::<usize>();
        let whole = self.choices.len().max(usize::from(self.amounts.is_some()) * 2);
        let actions = &batch.whole[row * whole..][..whole];
        let weight = batch.weights[row];
        let [pull, anchor] = self.terms.pulls.map(|pull| (pull * f64::from(weight)) as f32);
        let logits = &mut self.logits[i * width..][..width];
        let mut total = Component::default();
        let mut at = 0;
        for (&count, &action) in self.choices.iter().zip(actions) {
            let columns = row * width + at..row * width + at + count;
            let component = Choice {
                logits: &mut logits[at..at + count],
                probabilities: &mut self.probabilities.0[at..at + count],
                mask: batch.masks.get(columns.clone()),
                reference: batch.reference.get(columns),
                entropy: pull,
                anchor,
            };
            total.add(component.run::<L>(usize::from(action)));
            at += count;
        }
        let entropy = total.entropy;
        let bins = self.amounts.as_mut().filter(|_| actions[0] > 0).map(|amounts| {
            let (bins, index) = (amounts.bins, amounts.before + amount);
            let logits = &mut amounts.logits[amount * bins..][..bins];
            let component = Choice {
                logits: &mut *logits,
                probabilities: self.probabilities.1,
                mask: None,
                reference: batch.reference_amounts.get(index * bins..(index + 1) * bins),
                entropy: 0.0,
                anchor,
            };
            total.add(component.run::<L>(usize::from(actions[1])));
            logits
        });
        self.sums.entropy += f64::from(weight) * f64::from(entropy);
        self.sums.anchor += f64::from(weight) * f64::from(total.anchor);
        let slope = policy_term::<L>(&self.terms, batch, row, total.log_probability, self.sums);
        let mut at = 0;
        for (&count, &action) in self.choices.iter().zip(actions) {
            let columns = at..at + count;
            let p = &self.probabilities.0[columns.clone()];
            push::<L>(&mut logits[columns], p, usize::from(action), slope);
            at += count;
        }
        let Some(bins) = bins else { return 0 };
        push::<L>(bins, self.probabilities.1, usize::from(actions[1]), slope);
        1
    }
}

/// What a component adds to a row.
#[derive(Default)]
struct Component {
    log_probability: f32,
    entropy: f32,
    anchor: f32,
}

impl Component {
    #[inline(always)]
    fn add(&mut self, other: Self) {
        self.log_probability += other.log_probability;
        self.entropy += other.entropy;
        self.anchor += other.anchor;
    }
}

/// One component of one row.
struct Choice<'a> {
    logits: &'a mut [f32],
    probabilities: &'a mut [f32],
    mask: Option<&'a [bool]>,
    reference: Option<&'a [f32]>,
    /// Weight of the entropy, times the row's.
    entropy: f32,
    /// Weight of the KL, times the row's.
    anchor: f32,
}

impl Choice<'_> {
    /// Leaves the probabilities, and in place of the logits the gradient of entropy and KL.
    #[inline(always)]
    fn run<L: Level>(self, action: usize) -> Component {
        let Self { logits, probabilities, mask, reference, .. } = self;
        log_softmax::<L>(logits, probabilities, mask);
        let log_probability = logits[action];
        let entropy = -expectation::<L>(probabilities, |j| logits[j]);
        let pairs = logits.iter_mut().zip(probabilities.iter());
        let Some(q) = reference else {
            for (z, &p) in pairs {
                *z = if p > 0.0 { self.entropy * p * (*z + entropy) } else { 0.0 };
            }
            return Component { log_probability, entropy, anchor: 0.0 };
        };
        let anchor = expectation::<L>(probabilities, |j| logits[j] - q[j]);
        for ((z, &p), q) in logits.iter_mut().zip(probabilities.iter()).zip(q) {
            let slope = self.entropy * (*z + entropy) + self.anchor * (*z - q - anchor);
            *z = if p > 0.0 { p * slope } else { 0.0 };
        }
        Component { log_probability, entropy, anchor }
    }
}

/// Turns logits into log probabilities and writes the probabilities; masked ones are -inf and 0.
#[inline(always)]
pub fn log_softmax<L: Level>(logits: &mut [f32], probabilities: &mut [f32], mask: Option<&[bool]>) {
    if let Some(mask) = mask {
        for (z, feasible) in logits.iter_mut().zip(mask) {
            *z = if *feasible { *z } else { f32::NEG_INFINITY };
        }
    }
    let largest = largest(logits);
    for (p, z) in probabilities.iter_mut().zip(logits.iter()) {
        *p = if *z == f32::NEG_INFINITY { 0.0 } else { exp::<L>(*z - largest) };
    }
    let sum = sum::<L>(probabilities.len(), |j| probabilities[j]);
    let (inverse, shift) = (1.0 / sum, largest + sum.ln());
    for (p, z) in probabilities.iter_mut().zip(logits.iter_mut()) {
        // Nothing is feasible where the sum is 0.
        *p = if *p > 0.0 { *p * inverse } else { *p };
        *z = if *z == f32::NEG_INFINITY { *z } else { *z - shift };
    }
}

/// Adds `slope` times the gradient of log p(action).
#[inline(always)]
fn push<L: Level>(gradient: &mut [f32], probabilities: &[f32], action: usize, slope: f32) {
    for (z, p) in gradient.iter_mut().zip(probabilities) {
        *z = fma::<L>(-slope, *p, *z);
    }
    // A masked action has no gradient either.
    if probabilities[action] > 0.0 {
        gradient[action] += slope;
    }
}

/// Sum over the choices with p > 0 of p f.
#[inline(always)]
fn expectation<L: Level>(p: &[f32], f: impl Fn(usize) -> f32) -> f32 {
    sum::<L>(p.len(), |j| if p[j] > 0.0 { p[j] * f(j) } else { 0.0 })
}

/// Sum of `f(0..n)`, in eight lanes as far as there are whole ones.
#[inline(always)]
fn sum<L: Level>(n: usize, f: impl Fn(usize) -> f32) -> f32 {
    let mut lanes = [0.0_f32; 8];
    let whole = n - n % 8;
    for start in (0..whole).step_by(8) {
        for (l, lane) in lanes.iter_mut().enumerate() {
            *lane += f(start + l);
        }
    }
    let total = if whole > 0 { lanes.iter().sum() } else { 0.0 };
    (whole..n).fold(total, |total, j| total + f(j))
}

/// The largest number; -inf for none.
#[inline(always)]
fn largest(x: &[f32]) -> f32 {
    let (whole, rest) = x.as_chunks::<8>();
    let mut lanes = [f32::NEG_INFINITY; 8];
    for x in whole {
        for (lane, x) in lanes.iter_mut().zip(x) {
            *lane = if *x > *lane { *x } else { *lane };
        }
    }
    let rest = rest.iter().fold(f32::NEG_INFINITY, |a, b| if *b > a { *b } else { a });
    lanes.iter().fold(rest, |a, b| if *b > a { *b } else { a })
}
