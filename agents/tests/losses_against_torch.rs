//! Both learners against PyTorch: the losses of PPO and their gradients, for every head
//! (`fixtures/ppo_loss_torch.py`).
//!
//! The fixture has gradients with respect to what a network puts out. Row i observes the i-th unit
//! vector, and the hidden layer passes it on (relu of the identity), so what the network puts out
//! for row i is row i of a head's weights, and the gradient of that row is the fixture's.

#![allow(clippy::unwrap_used)]

use burn::tensor::Device;
use serde_json::Value;
use trueup_agents::architecture::{Activation, Architecture, Head, Network};
use trueup_agents::fused::FusedLearner;
use trueup_agents::graph::GraphLearner;
use trueup_agents::learner::{Learner, Minibatch, Objective, Seen};

const FIXTURE: &str = include_str!("../fixtures/ppo_loss_torch.json");

struct Case {
    value: Value,
    rows: usize,
    head: Head,
    clip: f32,
    value_clip: f32,
    entropy: f32,
    value_weight: f32,
}

fn cases() -> Vec<Case> {
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    let number = |name: &str| fixture[name].as_f64().unwrap() as f32;
    let cases = fixture["cases"].as_array().unwrap().iter();
    let cases: Vec<Case> = cases
        .map(|value| Case {
            rows: value["rows"].as_u64().unwrap() as usize,
            head: head(&value["head"]),
            clip: number("clip"),
            value_clip: number("value_clip"),
            entropy: number("entropy_weight"),
            value_weight: number("value_weight"),
            value: value.clone(),
        })
        .collect();
    assert_eq!(cases.len(), 7);
    cases
}

fn head(value: &Value) -> Head {
    let size = |name: &str| value[name].as_u64().unwrap() as usize;
    match value["kind"].as_str().unwrap() {
        "discrete" => Head::Discrete {
            choices: doubles(&value["choices"]).iter().map(|&n| n as usize).collect(),
        },
        "gaussian" => Head::Gaussian {
            size: size("size"),
            state_dependent: value["state_dependent"].as_bool().unwrap(),
        },
        _ => Head::Hybrid { choices: size("choices"), bins: size("bins") },
    }
}

fn doubles(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

impl Case {
    fn name(&self) -> &str {
        self.value["name"].as_str().unwrap()
    }

    fn floats(&self, name: &str) -> Vec<f32> {
        doubles(&self.value[name]).iter().map(|&x| x as f32).collect()
    }

    fn expected(&self, name: &str) -> f64 {
        self.value["expected"][name].as_f64().unwrap()
    }

    /// What the fixture has for each tensor of the heads: outputs, or a gradient of them. A row
    /// without an amount has 0 for those of the bins.
    fn tensors(&self, of: &Value) -> Vec<(&'static str, Vec<f64>)> {
        let mut tensors = vec![("value_head.weight", doubles(&of["values"]))];
        match &self.head {
            Head::Gaussian { size, state_dependent: true } => {
                let (means, log_sd) = (doubles(&of["means"]), doubles(&of["log_sd"]));
                let rows = means.chunks(*size).zip(log_sd.chunks(*size));
                tensors.push((
                    "policy_head.weight",
                    rows.flat_map(|(m, s)| [m, s].concat()).collect(),
                ));
            }
            Head::Gaussian { .. } => {
                tensors.push(("policy_head.weight", doubles(&of["means"])));
                tensors.push(("log_sd", doubles(&of["log_sd"])));
            }
            Head::Discrete { .. } => tensors.push(("policy_head.weight", doubles(&of["logits"]))),
            Head::Hybrid { .. } => {
                tensors.push(("policy_head.weight", doubles(&of["logits"])));
                let mut amounts = doubles(&of["amount_logits"]);
                amounts.resize(self.rows * self.head.amount_outputs(), 0.0);
                tensors.push(("amount_head.weight", amounts));
            }
        }
        tensors
    }

    fn network(&self, shared: bool) -> Network {
        let architecture = Architecture {
            observation: self.rows,
            hidden: vec![self.rows],
            activation: Activation::Relu,
            shared,
            head: self.head.clone(),
        };
        let mut parameters = vec![0.0; architecture.parameters()];
        let tensors = self.tensors(&self.value);
        for slot in architecture.slots() {
            let own = &mut parameters[slot.range];
            if slot.name.ends_with("hidden.0.weight") {
                own.copy_from_slice(&identity(self.rows));
            }
            if let Some((_, values)) = tensors.iter().find(|(name, _)| *name == slot.name) {
                assert_eq!(own.len(), values.len(), "{}", slot.name);
                own.iter_mut().zip(values).for_each(|(own, &value)| *own = value as f32);
            }
        }
        Network { architecture, parameters }
    }

    fn batch(&self) -> Minibatch {
        let mask = self.value["mask"].as_array();
        let mut batch = Minibatch {
            rows: self.rows,
            observations: identity(self.rows),
            masks: mask.into_iter().flatten().map(|m| m.as_bool().unwrap()).collect(),
            log_probability: self.floats("old_log_probability"),
            advantages: self.floats("advantages"),
            returns: self.floats("returns"),
            values: self.floats("old_values"),
            weights: vec![1.0 / self.rows as f32; self.rows],
            ..Minibatch::default()
        };
        let actions = self.floats("actions");
        match self.head {
            Head::Gaussian { .. } => batch.real = actions,
            _ => batch.whole = actions.iter().map(|&action| action as u16).collect(),
        }
        batch
    }

    fn objective(&self, entropy: f32, value: f32) -> Objective {
        let (clip, value_clip) = (self.clip, Some(self.value_clip));
        Objective::Clipped { clip, value_clip, entropy, value, anchor: 0.0 }
    }
}

fn identity(n: usize) -> Vec<f32> {
    (0..n * n).map(|i| f32::from(u8::from(i % (n + 1) == 0))).collect()
}

/// Every case with each learner, trunks apart and shared.
fn every_case(mut check: impl FnMut(&Case, &Network, &mut dyn Learner, &str)) {
    for case in cases() {
        for shared in [false, true] {
            let network = case.network(shared);
            let mut fused = FusedLearner::new(&network).unwrap();
            let mut graph = GraphLearner::new(&network, &Device::flex()).unwrap();
            let learners: [(&str, &mut dyn Learner); 2] =
                [("fused", &mut fused), ("graph", &mut graph)];
            for (name, learner) in learners {
                let context = format!("{}, {name}, shared {shared}", case.name());
                check(&case, &network, learner, &context);
            }
        }
    }
}

/// f32 leaves a few 1e-7 of terms of size 1 to 10.
fn assert_close(found: f64, expected: f64, what: &str) {
    let error = (found - expected).abs();
    assert!(error < 2e-6 * (1.0 + expected.abs()), "{what}: {found}, expected {expected}");
}

#[test]
fn what_is_seen_is_what_torch_computes() {
    every_case(|case, _, learner, context| {
        let batch = case.batch();
        let (_, seen) = learner.gradient(&batch, &case.objective(case.entropy, case.value_weight));
        let deviations = doubles(&case.value["expected"]["ratio"]);
        let deviation = deviations.iter().map(|r| (r - 1.0).abs()).fold(0.0, f64::max);
        let Seen { loss, policy_loss, value_loss, entropy, kl, clip_fraction, .. } = seen;
        for (name, found) in [
            ("total", loss),
            ("policy_loss", policy_loss),
            ("value_loss", value_loss),
            ("entropy", entropy),
            ("kl", kl),
            ("clip_fraction", clip_fraction),
        ] {
            assert_close(found, case.expected(name), &format!("{name}, {context}"));
        }
        assert_close(seen.ratio_deviation, deviation, &format!("ratio, {context}"));

        let (_, seen) = learner.gradient(&batch, &Objective::Value);
        assert_close(seen.value_loss, case.expected("unclipped_value_loss"), context);
        let (_, seen) = learner.gradient(&batch, &Objective::Likelihood);
        let logs = doubles(&case.value["expected"]["log_probability"]);
        let mean = logs.iter().sum::<f64>() / logs.len() as f64;
        assert_close(-seen.loss, mean, &format!("log probability, {context}"));
    });
}

/// Each loss by itself: without advantages the policy term is 0, so that the entropy is left.
#[test]
fn gradients_are_those_of_torch() {
    every_case(|case, network, learner, context| {
        let batch = case.batch();
        let idle = Minibatch { advantages: vec![0.0; case.rows], ..batch.clone() };
        for (name, sign, batch, objective) in [
            ("policy_loss", 1.0, &batch, case.objective(0.0, 0.0)),
            ("value_loss", 1.0, &idle, case.objective(0.0, 1.0)),
            ("entropy", -1.0, &idle, case.objective(1.0, 0.0)),
            ("log_probability", -1.0, &batch, Objective::Likelihood),
            ("total", 1.0, &batch, case.objective(case.entropy, case.value_weight)),
        ] {
            let (gradient, _) = learner.gradient(batch, &objective);
            let expected = case.tensors(&case.value["gradients"][name]);
            for slot in network.architecture.slots() {
                let Some((_, expected)) = expected.iter().find(|(n, _)| *n == slot.name) else {
                    continue;
                };
                let found = &gradient[slot.range.clone()];
                for (i, (&found, &expected)) in found.iter().zip(expected).enumerate() {
                    let what = format!("{name} by {}[{i}], {context}", slot.name);
                    assert_close(sign * f64::from(found), expected, &what);
                }
            }
        }
    });
}
