//! The terms of an objective that are the same for every head, row by row.

use super::elementwise::exp;
use super::simd::Level;
use crate::learner::{Minibatch, Objective};

/// An objective as the pass reads it.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Whether the policy is trained.
    pub policy: bool,
    /// Whether the value is trained.
    pub value: bool,
    /// Clip range of the ratio; none for the plain likelihood.
    pub clip: Option<f32>,
    /// Clip range of the value.
    pub value_clip: Option<f32>,
    /// Weight of the value loss.
    pub value_weight: f32,
    /// Weights of the entropy and of the divergence from the reference. In f64: the compiler made
    /// of two products in f32 a vector product that stalled for a quarter of a row's time.
    pub pulls: [f64; 2],
}

impl From<&Objective> for Terms {
    fn from(objective: &Objective) -> Self {
        let none = Self {
            policy: false,
            value: false,
            clip: None,
            value_clip: None,
            value_weight: 1.0,
            pulls: [0.0; 2],
        };
        match *objective {
            Objective::Clipped { clip, value_clip, entropy, value, anchor } => Self {
                policy: true,
                value: true,
                clip: Some(clip),
                value_clip,
                value_weight: value,
                pulls: [entropy, anchor].map(f64::from),
            },
            Objective::Value => Self { value: true, ..none },
            Objective::Likelihood => Self { policy: true, ..none },
        }
    }
}

/// Weighted sums over rows of what a pass sees.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sums {
    /// Policy term.
    pub policy: f64,
    /// Value loss.
    pub value: f64,
    /// Entropy.
    pub entropy: f64,
    /// KL from the acting policy.
    pub kl: f64,
    /// Weight outside the clip range.
    pub clipped: f64,
    /// Largest abs(r - 1).
    pub deviation: f64,
    /// KL from the reference.
    pub anchor: f64,
}

impl Sums {
    /// Adds those of other rows.
    pub fn add(&mut self, other: &Self) {
        self.policy += other.policy;
        self.value += other.value;
        self.entropy += other.entropy;
        self.kl += other.kl;
        self.clipped += other.clipped;
        self.deviation = larger(self.deviation, other.deviation);
        self.anchor += other.anchor;
    }
}

/// The larger one; NaN if one is.
fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || a > b { a } else { b }
}

/// Log ratios beyond this are cut, so that no ratio is infinite.
const LARGEST_LOG_RATIO: f32 = 80.0;

/// Counts a row's policy term; returns the derivative of the objective by log pi(action).
#[inline(always)]
pub fn policy_term<L: Level>(
    terms: &Terms,
    batch: &Minibatch,
    row: usize,
    log_probability: f32,
    sums: &mut Sums,
) -> f32 {
    let weight = batch.weights[row];
    let wide = f64::from(weight);
    let Some(clip) = terms.clip else {
        sums.policy -= wide * f64::from(log_probability);
        return -weight;
    };
    let difference =
        (log_probability - batch.log_probability[row]).clamp(-LARGEST_LOG_RATIO, LARGEST_LOG_RATIO);
    let ratio = exp::<L>(difference);
    let advantage = batch.advantages[row];
    let plain = ratio * advantage;
    // Not `clamp`, which panics on a negative range.
    let clamped = ratio.max(1.0 - clip).min(1.0 + clip) * advantage;
    sums.policy -= wide * f64::from(if plain <= clamped { plain } else { clamped });
    sums.kl += wide * divergence(f64::from(difference), f64::from(ratio));
    if !((1.0 - clip)..=(1.0 + clip)).contains(&ratio) {
        sums.clipped += wide;
    }
    sums.deviation = larger(sums.deviation, f64::from(ratio - 1.0).abs());
    if plain <= clamped { -weight * plain } else { 0.0 }
}

/// r - 1 - d for r = e^d; by its series near 0, where the difference of rounded numbers is noise.
#[inline(always)]
fn divergence(d: f64, ratio: f64) -> f64 {
    if d.abs() > 0.25 {
        return ratio - 1.0 - d;
    }
    // 1 / 2! + d / 3! + d^2 / 4! + ..., to 1e-9 of it.
    let terms = [2.0, 6.0, 24.0, 120.0, 720.0, 5_040.0, 40_320.0].map(|n: f64| 1.0 / n);
    d * d * terms.iter().rev().fold(0.0, |sum, c| sum * d + c)
}

/// Counts the value term of the rows from `first` on and turns `values` into its gradient.
pub fn value_terms(
    terms: &Terms,
    batch: &Minibatch,
    first: usize,
    values: &mut [f32],
    sums: &mut Sums,
) {
    for (i, value) in values.iter_mut().enumerate() {
        let (row, now) = (first + i, *value);
        let (target, weight) = (batch.returns[row], batch.weights[row]);
        let error = now - target;
        let (mut loss, mut slope) = (error * error, 2.0 * error);
        if let Some(range) = terms.value_clip {
            let old = batch.values[row];
            let moved = (now - old).max(-range).min(range);
            let clamped = old + moved - target;
            // Inside the range the two are the same but for rounding.
            if moved != now - old && clamped * clamped > loss {
                (loss, slope) = (clamped * clamped, 0.0);
            }
        }
        sums.value += f64::from(weight) * f64::from(loss);
        *value = terms.value_weight * weight * slope;
    }
}
