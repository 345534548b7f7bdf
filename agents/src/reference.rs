//! What a policy says about decisions, its own or others': for the anchor, which keeps a policy near
//! the one that it started from, for cloning, and for learned rewards.

use rayon::prelude::*;

use crate::architecture::{Head, LOG_SD_RANGE, Network};
use crate::batch::Reference;
use crate::distribution::log_softmax;
use crate::fused::Forward;
use crate::step_reward::Choices;

/// Rows per parallel piece. Fixed, like every chunk.
const CHUNK: usize = 4096;

/// Outputs of `network` for all rows, as [`crate::learner::Minibatch::reference`] wants them. Masks
/// may be empty where every choice is feasible.
pub fn reference(network: &Network, rows: &Choices<'_>) -> Reference {
    let architecture = &network.architecture;
    let count = rows.observations.len() / architecture.observation.max(1);
    let starts: Vec<usize> = (0..count).step_by(CHUNK).collect();
    let parts: Vec<(Vec<f32>, Vec<f32>)> = starts
        .par_iter()
        .map(|&first| piece(network, &part_of(network, rows, first, CHUNK.min(count - first))))
        .collect();
    let (outputs, amounts): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    let width = match &architecture.head {
        Head::Gaussian { size, .. } => 2 * size,
        head => head.outputs(),
    };
    Reference { outputs: outputs.concat(), width, amounts: amounts.concat() }
}

/// Log probability of each decision of a hybrid head.
pub fn likelihood(network: &Network, decisions: &Choices<'_>) -> Vec<f32> {
    let says = reference(network, decisions);
    let bins = match network.architecture.head {
        Head::Hybrid { bins, .. } => bins,
        _ => 0,
    };
    let log = |(row, action): (usize, &[u16])| {
        let (kind, bin) = (usize::from(action[0]), usize::from(action[1]));
        let amount = if kind > 0 { says.amounts[row * bins + bin] } else { 0.0 };
        says.outputs[row * says.width + kind] + amount
    };
    decisions.whole.chunks_exact(2).enumerate().map(log).collect()
}

fn part_of<'a>(network: &Network, rows: &Choices<'a>, first: usize, count: usize) -> Choices<'a> {
    let Network { architecture, .. } = network;
    let (size, mask, whole) =
        (architecture.observation, architecture.head.mask(), architecture.head.whole());
    let cut = |width: usize| first * width..(first + count) * width;
    Choices {
        observations: &rows.observations[cut(size)],
        masks: rows.masks.get(cut(mask)).unwrap_or_default(),
        whole: rows.whole.get(cut(whole)).unwrap_or_default(),
    }
}

fn piece(network: &Network, rows: &Choices<'_>) -> (Vec<f32>, Vec<f32>) {
    let head = &network.architecture.head;
    let mut forward = Forward::new(network);
    let mut outputs = forward.policy(rows.observations).to_vec();
    match head {
        Head::Gaussian { size, state_dependent } => {
            (normal(network, &outputs, *size, *state_dependent), Vec::new())
        }
        Head::Discrete { choices } => {
            let width = head.outputs();
            for (i, row) in outputs.chunks_exact_mut(width).enumerate() {
                let mask = rows.masks.get(i * width..).unwrap_or_default();
                let mut start = 0;
                for &n in choices {
                    let mask = mask.get(start..start + n).unwrap_or_default();
                    log_softmax(&mut row[start..start + n], mask);
                    start += n;
                }
            }
            (outputs, Vec::new())
        }
        Head::Hybrid { choices, bins } => {
            for (i, row) in outputs.chunks_exact_mut(*choices).enumerate() {
                log_softmax(
                    row,
                    rows.masks.get(i * choices..(i + 1) * choices).unwrap_or_default(),
                );
            }
            let kind = |row: u32| rows.whole[row as usize * 2];
            let count = (rows.whole.len() / 2) as u32;
            let acting: Vec<u32> = (0..count).filter(|&row| kind(row) > 0).collect();
            let kinds: Vec<u16> = acting.iter().map(|&row| kind(row) - 1).collect();
            let mut amounts = vec![0.0; count as usize * bins];
            if !acting.is_empty() {
                let logits = forward.amounts(&acting, &kinds);
                for (&row, logits) in acting.iter().zip(logits.chunks_exact(*bins)) {
                    let own = &mut amounts[row as usize * bins..][..*bins];
                    own.copy_from_slice(logits);
                    log_softmax(own, &[]);
                }
            }
            (outputs, amounts)
        }
    }
}

/// Means and log standard deviations, rows x 2 size.
fn normal(network: &Network, raw: &[f32], size: usize, state_dependent: bool) -> Vec<f32> {
    let (low, high) = LOG_SD_RANGE;
    let slots = network.architecture.slots();
    let free = slots.iter().find(|slot| slot.name == "log_sd");
    let log_sd = free.map_or(&[][..], |slot| &network.parameters[slot.range.clone()]);
    let mut outputs = Vec::with_capacity(raw.len() * 2);
    for row in raw.chunks_exact(network.architecture.head.outputs()) {
        outputs.extend_from_slice(&row[..size]);
        let own = if state_dependent { &row[size..] } else { log_sd };
        outputs.extend(own.iter().map(|sd| sd.clamp(low, high)));
    }
    outputs
}
