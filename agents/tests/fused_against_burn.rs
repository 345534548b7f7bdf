//! The fused pass against burn's autodiff: every head and objective, shared and separate trunks,
//! tanh and relu, with masks, weights, a clipped value and an anchor, and without.

#![allow(clippy::unwrap_used)]

mod samples;

use burn::tensor::Device;
use samples::{architectures, distance, minibatch, network, objectives};
use trueup_agents::architecture::{Architecture, Head, Network};
use trueup_agents::fused::FusedLearner;
use trueup_agents::graph::GraphLearner;
use trueup_agents::learner::{Learner, Minibatch, Objective, Seen};

/// More than one shard of the fused pass, the last one not full.
const ROWS: usize = 150;

fn learners(network: &Network) -> (FusedLearner, GraphLearner) {
    let fused = FusedLearner::new(network).unwrap();
    (fused, GraphLearner::new(network, &Device::flex()).unwrap())
}

fn every_case(mut check: impl FnMut(u64, &Architecture, bool, &Objective)) {
    for (case, architecture) in architectures().iter().enumerate() {
        for full in [false, true] {
            for objective in objectives() {
                check(case as u64, architecture, full, &objective);
            }
        }
    }
}

/// f32 sums of 150 rows in two orders differ by a few 1e-7 of the gradient's norm, two rational
/// approximations of tanh by as much.
#[test]
fn gradients_and_what_is_seen_agree() {
    every_case(|case, architecture, full, objective| {
        let network = network(architecture, 20 + case);
        let batch = minibatch(&network, ROWS, full, case);
        let (mut fused, mut graph) = learners(&network);
        let (a, seen_a) = fused.gradient(&batch, objective);
        let (b, seen_b) = graph.gradient(&batch, objective);
        let error = distance(&a, &b);
        assert!(error < 1e-5, "{architecture:?} {objective:?} full {full}: {error:e}");
        assert_seen(&seen_a, &seen_b, 1e-5, &format!("{architecture:?} {objective:?} {full}"));
    });
}

#[test]
fn twenty_steps_stay_together() {
    every_case(|case, architecture, full, objective| {
        let network = network(architecture, 50 + case);
        let (mut fused, mut graph) = learners(&network);
        for step in 0..20 {
            let batch = minibatch(&network, ROWS, full, 1000 * case + step);
            fused.step(&batch, objective, 1e-3, 0.5);
            graph.step(&batch, objective, 1e-3, 0.5);
        }
        let (a, b) = (fused.parameters(), graph.parameters());
        assert_ne!(a, network.parameters);
        let error = distance(a, b);
        assert!(error < 1e-4, "{architecture:?} {objective:?} full {full}: {error:e}");
    });
}

/// A reference may know choices and no amounts, but not amounts alone.
#[test]
fn a_reference_without_amounts_is_the_same_to_both() {
    let objective = objectives()[0];
    for (case, architecture) in (0_u64..).zip(&architectures()) {
        if !matches!(architecture.head, Head::Hybrid { .. }) {
            continue;
        }
        let network = network(architecture, 80 + case);
        let (mut fused, mut graph) = learners(&network);
        let full = minibatch(&network, ROWS, true, case);
        assert!(!full.reference_amounts.is_empty());
        let choices = Minibatch { reference_amounts: vec![], ..full.clone() };
        let (a, seen_a) = fused.gradient(&choices, &objective);
        let (b, seen_b) = graph.gradient(&choices, &objective);
        let context = format!("{architecture:?} {objective:?}");
        assert!(distance(&a, &b) < 1e-5, "{context}");
        assert_seen(&seen_a, &seen_b, 1e-5, &context);
        assert!(seen_a.anchor > 0.0 && seen_a.anchor != fused.gradient(&full, &objective).1.anchor);
        let amounts = Minibatch { reference: vec![], ..full };
        assert!(fused.gradient(&amounts, &objective).1.loss.is_nan());
        assert!(graph.gradient(&amounts, &objective).1.loss.is_nan());
    }
}

fn assert_seen(a: &Seen, b: &Seen, tolerance: f64, context: &str) {
    for (name, a, b) in [
        ("loss", a.loss, b.loss),
        ("policy loss", a.policy_loss, b.policy_loss),
        ("value loss", a.value_loss, b.value_loss),
        ("entropy", a.entropy, b.entropy),
        ("kl", a.kl, b.kl),
        ("clip fraction", a.clip_fraction, b.clip_fraction),
        ("ratio deviation", a.ratio_deviation, b.ratio_deviation),
        ("anchor", a.anchor, b.anchor),
        ("gradient norm", a.gradient_norm, b.gradient_norm),
    ] {
        assert!((a - b).abs() <= tolerance * (1.0 + b.abs()), "{name}: {a} and {b}, {context}");
    }
}
