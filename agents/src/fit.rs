//! Whether a minibatch fits a network, and what is seen of one that does not: the same for every
//! learner.

use crate::architecture::{Architecture, Head};
use crate::learner::{Minibatch, Objective, Seen};

/// Whether every array that the objective reads has its length and every action exists.
pub fn fits(architecture: &Architecture, batch: &Minibatch, objective: &Objective) -> bool {
    let one = |values: &[f32]| values.len() == batch.rows;
    let observed = batch.observations.len() == batch.rows * architecture.observation;
    let asked = match objective {
        Objective::Value => one(&batch.returns),
        Objective::Likelihood => actions_fit(&architecture.head, batch),
        Objective::Clipped { value_clip, .. } => {
            one(&batch.returns)
                && (value_clip.is_none() || one(&batch.values))
                && one(&batch.log_probability)
                && one(&batch.advantages)
                && actions_fit(&architecture.head, batch)
        }
    };
    observed && one(&batch.weights) && asked
}

/// Numbers per row of a reference policy.
pub fn reference_columns(head: &Head) -> usize {
    match head {
        Head::Gaussian { size, .. } => 2 * size,
        _ => head.outputs(),
    }
}

/// What is seen of a minibatch that does not fit.
pub fn unfit() -> Seen {
    let nan = f64::NAN;
    Seen {
        loss: nan,
        policy_loss: nan,
        value_loss: nan,
        entropy: nan,
        kl: nan,
        clip_fraction: nan,
        ratio_deviation: nan,
        anchor: nan,
        gradient_norm: nan,
    }
}

/// Actions, masks and reference.
fn actions_fit(head: &Head, batch: &Minibatch) -> bool {
    let full = |length: usize, width: usize| length == batch.rows * width;
    let or_empty = |length: usize, width: usize| length == 0 || full(length, width);
    full(batch.whole.len(), head.whole())
        && full(batch.real.len(), head.real())
        && or_empty(batch.masks.len(), head.mask())
        && or_empty(batch.reference.len(), reference_columns(head))
        && actions_exist(head, &batch.whole)
        && amounts_fit(head, batch)
}

fn actions_exist(head: &Head, whole: &[u16]) -> bool {
    let width = head.whole().max(1);
    whole.chunks_exact(width).all(|row| match head {
        Head::Discrete { choices } => {
            row.iter().zip(choices).all(|(&action, &count)| usize::from(action) < count)
        }
        Head::Gaussian { .. } => true,
        Head::Hybrid { choices, bins } => {
            usize::from(row[0]) < *choices && (row[0] == 0 || usize::from(row[1]) < *bins)
        }
    })
}

/// The reference's bins: those of every row with an amount, or none.
fn amounts_fit(head: &Head, batch: &Minibatch) -> bool {
    let Head::Hybrid { bins, .. } = head else { return true };
    let with = batch.whole.chunks_exact(2).filter(|row| row[0] > 0).count();
    batch.reference_amounts.is_empty()
        || (!batch.reference.is_empty() && batch.reference_amounts.len() == with * bins)
}
