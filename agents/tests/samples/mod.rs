//! Random networks and minibatches of every kind, with fixed seeds.
// Each test program uses a part of it.
#![allow(dead_code, clippy::unwrap_used)]

pub mod exact;

use rand_distr::{Distribution, StandardNormal};
use trueup_agents::architecture::{Activation, Architecture, Head, Network};
use trueup_agents::learner::{Minibatch, Objective};
use trueup_env::{Stream, Streams};

/// Every head with separate and shared trunks, tanh and relu.
pub fn architectures() -> Vec<Architecture> {
    let heads = [
        Head::Discrete { choices: vec![4] },
        Head::Discrete { choices: vec![3, 2, 4] },
        Head::Gaussian { size: 2, state_dependent: false },
        Head::Gaussian { size: 3, state_dependent: true },
        Head::Hybrid { choices: 4, bins: 5 },
        Head::Hybrid { choices: 2, bins: 6 },
    ];
    let mut all = Vec::new();
    for head in heads {
        for shared in [false, true] {
            for activation in [Activation::Tanh, Activation::Relu] {
                let head = head.clone();
                let hidden = vec![8, 6];
                all.push(Architecture { observation: 5, hidden, activation, shared, head });
            }
        }
    }
    all
}

/// What is minimised, with every term and with few.
pub fn objectives() -> Vec<Objective> {
    vec![
        Objective::Clipped {
            clip: 0.2,
            value_clip: Some(0.2),
            entropy: 0.03,
            value: 0.5,
            anchor: 0.3,
        },
        Objective::Clipped { clip: 0.1, value_clip: None, entropy: 0.0, value: 0.7, anchor: 0.0 },
        Objective::Value,
        Objective::Likelihood,
    ]
}

/// A network whose outputs and log standard deviations differ from 0.
pub fn network(architecture: &Architecture, seed: u64) -> Network {
    let mut stream = Streams::new(seed).stream("network", 0);
    let mut parameters = architecture.initial(&mut stream);
    parameters.iter_mut().for_each(|p| *p += 0.2 * normal(&mut stream));
    if let Some(slot) = architecture.slots().iter().find(|slot| slot.name == "log_sd") {
        // Beyond the range: no gradient.
        parameters[slot.range.start] = 2.5;
    }
    Network { architecture: architecture.clone(), parameters }
}

/// A minibatch whose actions were taken by a policy near that of `network`; `full` with masks and
/// a reference.
pub fn minibatch(network: &Network, rows: usize, full: bool, seed: u64) -> Minibatch {
    let mut stream = Streams::new(seed).stream("minibatch", 0);
    let architecture = &network.architecture;
    let mut batch = Minibatch { rows, ..Minibatch::default() };
    let normals =
        |stream: &mut Stream, n: usize| -> Vec<f32> { (0..n).map(|_| normal(stream)).collect() };
    batch.observations = normals(&mut stream, rows * architecture.observation);
    batch.real = normals(&mut stream, rows * architecture.head.real());
    batch.advantages = normals(&mut stream, rows);
    batch.returns = normals(&mut stream, rows);
    batch.whole = whole(&architecture.head, rows, &mut stream);
    let weights: Vec<f64> = (0..rows).map(|_| 0.2 + stream.uniform()).collect();
    let total: f64 = weights.iter().sum();
    batch.weights = weights.iter().map(|w| (w / total) as f32).collect();
    if full {
        batch.masks = masks(&architecture.head, &batch, &mut stream);
        reference(&architecture.head, &mut batch, &mut stream);
    }
    let parameters = doubles(&network.parameters);
    let slots = architecture.slots();
    let net = exact::Net { architecture, slots: &slots, parameters: &parameters };
    for i in 0..rows {
        let row = net.row(&batch, i);
        batch.log_probability.push(row.log_probability as f32 + 0.2 * normal(&mut stream));
        batch.values.push(row.value as f32 + 0.3 * normal(&mut stream));
    }
    batch
}

/// The same numbers in f64.
pub fn doubles(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

/// Norm of `a - b` over the norm of `b`.
pub fn distance(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let pairs = a.iter().zip(b);
    norm(&mut pairs.map(|(a, b)| f64::from(*a) - f64::from(*b)))
        / norm(&mut b.iter().map(|&b| f64::from(b))).max(1e-300)
}

pub fn normal(stream: &mut Stream) -> f32 {
    StandardNormal.sample(stream)
}

fn whole(head: &Head, rows: usize, stream: &mut Stream) -> Vec<u16> {
    match head {
        Head::Gaussian { .. } => Vec::new(),
        Head::Discrete { choices } => {
            (0..rows).flat_map(|_| choices).map(|&count| stream.below(count) as u16).collect()
        }
        Head::Hybrid { choices, bins } => {
            let mut actions: Vec<[u16; 2]> = (0..rows)
                .map(|_| match stream.below(*choices) as u16 {
                    0 => [0, 0],
                    kind => [kind, stream.below(*bins) as u16],
                })
                .collect();
            // By kind, "nothing" last.
            actions.sort_by_key(|action| action[0].wrapping_sub(1));
            actions.concat()
        }
    }
}

/// The components of the choices, the bins of a hybrid action left out.
fn components(head: &Head) -> Vec<usize> {
    match head {
        Head::Discrete { choices } => choices.clone(),
        Head::Hybrid { choices, .. } => vec![*choices],
        Head::Gaussian { .. } => Vec::new(),
    }
}

/// Seven in ten choices are feasible, and the one that was taken.
fn masks(head: &Head, batch: &Minibatch, stream: &mut Stream) -> Vec<bool> {
    let mut masks = Vec::new();
    for i in 0..batch.rows {
        for (component, count) in components(head).into_iter().enumerate() {
            let taken = usize::from(batch.whole[i * head.whole() + component]);
            masks.extend((0..count).map(|choice| choice == taken || stream.uniform() < 0.7));
        }
    }
    masks
}

fn reference(head: &Head, batch: &mut Minibatch, stream: &mut Stream) {
    if let Head::Gaussian { size, .. } = head {
        for _ in 0..batch.rows {
            batch.reference.extend((0..*size).map(|_| normal(stream)));
            batch.reference.extend((0..*size).map(|_| 0.3 * normal(stream)));
        }
    }
    let mut first = 0;
    for _ in 0..batch.rows {
        for count in components(head) {
            let law = random_law(&batch.masks[first..][..count], stream);
            batch.reference.extend(law);
            first += count;
        }
    }
    if let Head::Hybrid { bins, .. } = head {
        let acting = batch.whole.chunks(2).filter(|action| action[0] > 0).count();
        for _ in 0..acting {
            batch.reference_amounts.extend(random_law(&vec![true; *bins], stream));
        }
    }
}

/// Log probabilities; an infeasible choice holds anything.
fn random_law(feasible: &[bool], stream: &mut Stream) -> Vec<f32> {
    let logits: Vec<f64> = feasible.iter().map(|_| f64::from(normal(stream))).collect();
    let law = exact::log_softmax(&logits, feasible).into_iter();
    law.map(|l| if l.is_finite() { l as f32 } else { f32::NAN }).collect()
}
