//! What a step saw, worked out on the host in f64 from what was read of the device.

use crate::learner::{Minibatch, Objective, Seen};

/// Numbers of each row; empty where an objective has none.
#[derive(Default)]
pub struct Rows {
    pub log_probability: Vec<f32>,
    pub entropy: Vec<f32>,
    pub divergence: Vec<f32>,
    pub value: Vec<f32>,
}

/// The figures of a step.
pub fn report(objective: &Objective, batch: &Minibatch, rows: &Rows, gradient_norm: f64) -> Seen {
    let mean = |values: &[f32]| -> f64 { weighted(batch, values.iter().map(|&v| f64::from(v))) };
    let mut seen = Seen {
        entropy: mean(&rows.entropy),
        anchor: mean(&rows.divergence),
        gradient_norm,
        ..Seen::default()
    };
    match *objective {
        Objective::Clipped { clip, value_clip, entropy, value, anchor } => {
            ratios(&mut seen, batch, &rows.log_probability, f64::from(clip));
            seen.value_loss = value_loss(batch, &rows.value, value_clip);
            seen.loss = seen.policy_loss - f64::from(entropy) * seen.entropy
                + f64::from(value) * seen.value_loss
                + f64::from(anchor) * seen.anchor;
        }
        Objective::Value => {
            seen.value_loss = value_loss(batch, &rows.value, None);
            seen.loss = seen.value_loss;
        }
        Objective::Likelihood => {
            seen.policy_loss = -mean(&rows.log_probability);
            seen.loss = seen.policy_loss;
        }
    }
    seen
}

/// What follows from the ratios of the new to the old probabilities.
fn ratios(seen: &mut Seen, batch: &Minibatch, log_probability: &[f32], clip: f64) {
    for (i, (&new, &old)) in log_probability.iter().zip(&batch.log_probability).enumerate() {
        let (weight, advantage) = (f64::from(batch.weights[i]), f64::from(batch.advantages[i]));
        let log_ratio = f64::from(new) - f64::from(old);
        let ratio = log_ratio.exp();
        // Not `clamp`, which panics where a range is empty.
        let clamped = ratio.max(1.0 - clip).min(1.0 + clip);
        seen.policy_loss -= weight * (ratio * advantage).min(clamped * advantage);
        seen.kl += weight * (ratio - 1.0 - log_ratio);
        let deviation = (ratio - 1.0).abs();
        if deviation > clip {
            seen.clip_fraction += weight;
        }
        seen.ratio_deviation = seen.ratio_deviation.max(deviation);
    }
}

fn value_loss(batch: &Minibatch, values: &[f32], clip: Option<f32>) -> f64 {
    let rows = values.iter().zip(&batch.returns).enumerate().map(|(i, (&value, &target))| {
        let (value, target) = (f64::from(value), f64::from(target));
        let error = (value - target).powi(2);
        clip.map_or(error, |clip| {
            let (old, clip) = (f64::from(batch.values[i]), f64::from(clip));
            let near = old + (value - old).max(-clip).min(clip);
            error.max((near - target).powi(2))
        })
    });
    weighted(batch, rows)
}

fn weighted(batch: &Minibatch, values: impl Iterator<Item = f64>) -> f64 {
    values.zip(&batch.weights).map(|(value, &weight)| value * f64::from(weight)).sum()
}
