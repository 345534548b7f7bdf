//! burn's graph against the same objectives in f64, closed forms and hand-made sequences.

#![allow(clippy::unwrap_used)]

mod samples;

use burn::tensor::Device;
use samples::{architectures, distance, doubles, exact, minibatch, network, objectives};
use trueup_agents::architecture::{Activation, Architecture, Head, Network};
use trueup_agents::graph::{ActorCritic, GraphLearner};
use trueup_agents::learner::{Learner, Minibatch, Objective};
use trueup_env::Streams;

const ROWS: usize = 24;

fn learner(network: &Network) -> GraphLearner {
    GraphLearner::new(network, &Device::flex()).unwrap()
}

#[test]
fn parameters_carry_the_names_shapes_and_order_of_the_slots() {
    for architecture in architectures() {
        let network = network(&architecture, 1);
        for device in [Device::flex(), Device::flex().autodiff()] {
            let module = ActorCritic::from_network(&network, &device);
            assert_eq!(module.to_parameters(), network.parameters);
            let found = module.named_parameters();
            let slots = architecture.slots();
            assert_eq!(found.len(), slots.len());
            for ((name, shape, values), slot) in found.iter().zip(slots) {
                assert_eq!((name, shape), (&slot.name, &slot.shape));
                assert_eq!(values, &network.parameters[slot.range]);
            }
        }
    }
}

/// f32 sums and the rational tanh (6e-7) leave about 1e-6 of the terms' size.
#[test]
fn what_is_seen_agrees_with_the_objective_in_f64() {
    for (case, architecture) in architectures().iter().enumerate() {
        let network = network(architecture, case as u64);
        for full in [false, true] {
            let batch = minibatch(&network, ROWS, full, case as u64);
            for objective in objectives() {
                let (_, seen) = learner(&network).gradient(&batch, &objective);
                let exact =
                    exact::terms(architecture, &doubles(&network.parameters), &batch, &objective);
                let context = format!("{architecture:?} {objective:?} {seen:?} {exact:?}");
                let close = |a: f64, b: f64| (a - b).abs() < 1e-5 * (1.0 + b.abs());
                assert!(close(seen.loss, exact.loss), "loss: {context}");
                assert!(close(seen.policy_loss, exact.policy), "policy: {context}");
                assert!(close(seen.value_loss, exact.value), "value: {context}");
                if objective != Objective::Value {
                    assert!(close(seen.entropy, exact.entropy), "entropy: {context}");
                    assert!(close(seen.anchor, exact.divergence), "anchor: {context}");
                }
            }
        }
    }
}

/// Central differences in f64 with a step of 1e-7 err by about 1e-9 where no kink lies between;
/// what is left is f32: a few 1e-7 a sum, so 1e-5 of the gradient's norm is a wide margin.
#[test]
fn gradients_agree_with_central_differences() {
    for (case, architecture) in architectures().iter().enumerate() {
        let network = network(architecture, 10 + case as u64);
        let batch = minibatch(&network, ROWS, true, case as u64);
        for objective in objectives() {
            let (gradient, seen) = learner(&network).gradient(&batch, &objective);
            let differences = central_differences(&network, &batch, &objective);
            let error = distance(&gradient, &differences);
            assert!(error < 1e-5, "{architecture:?} {objective:?}: {error:e}");
            let norm = doubles(&differences).iter().map(|g| g * g).sum::<f64>().sqrt();
            assert!((seen.gradient_norm / norm - 1.0).abs() < 1e-5);
        }
    }
}

fn central_differences(network: &Network, batch: &Minibatch, objective: &Objective) -> Vec<f32> {
    let mut parameters = doubles(&network.parameters);
    let mut at = |i: usize, value: f64| {
        let before = std::mem::replace(&mut parameters[i], value);
        let loss = exact::terms(&network.architecture, &parameters, batch, objective).loss;
        parameters[i] = before;
        loss
    };
    let step = 1e-7;
    let values = network.parameters.iter().enumerate();
    values
        .map(|(i, &value)| {
            let value = f64::from(value);
            ((at(i, value + step) - at(i, value - step)) / (2.0 * step)) as f32
        })
        .collect()
}

/// One layer of one unit: small enough for pencil and paper, or loops in f64.
fn tiny(head: Head) -> Network {
    let architecture = Architecture {
        observation: 1,
        hidden: vec![1],
        activation: Activation::Tanh,
        shared: false,
        head,
    };
    let parameters = architecture.initial(&mut Streams::new(7).stream("network", 0));
    Network { architecture, parameters }
}

/// A network whose outputs are the biases of its heads, whatever it observes.
fn constant(head: Head, biases: &[(&str, &[f32])]) -> Network {
    let mut network = tiny(head);
    network.parameters.fill(0.0);
    for slot in network.architecture.slots() {
        for (name, values) in biases {
            if slot.name == *name {
                network.parameters[slot.range.clone()].copy_from_slice(values);
            }
        }
    }
    network
}

const PLAIN: Objective =
    Objective::Clipped { clip: 0.2, value_clip: None, entropy: 0.0, value: 0.5, anchor: 0.0 };

/// One row with a ratio of 1, an advantage of 1 and a return of 0.
fn row(log_probability: f32) -> Minibatch {
    Minibatch {
        rows: 1,
        observations: vec![1.0],
        log_probability: vec![log_probability],
        advantages: vec![1.0],
        returns: vec![0.0],
        weights: vec![1.0],
        ..Minibatch::default()
    }
}

/// The law (1/2, 1/4, 1/4) has ln 2 * 3/2 nats; against a uniform reference that is ln 3 less.
#[test]
fn entropy_and_anchor_of_a_known_choice() {
    let law = [0.5_f32.ln(), 0.25_f32.ln(), 0.25_f32.ln()];
    let network = constant(Head::Discrete { choices: vec![3] }, &[("policy_head.bias", &law)]);
    let third = (1.0_f32 / 3.0).ln();
    let batch = Minibatch { whole: vec![0], reference: vec![third; 3], ..row(law[0]) };
    let (_, seen) = learner(&network).gradient(&batch, &PLAIN);
    let entropy = 1.5 * 2.0_f64.ln();
    assert!((seen.entropy - entropy).abs() < 1e-6, "{seen:?}");
    assert!((seen.anchor - (3.0_f64.ln() - entropy)).abs() < 1e-6, "{seen:?}");
    assert!(seen.kl.abs() < 1e-6 && seen.ratio_deviation < 1e-6, "{seen:?}");
    assert!((seen.policy_loss + 1.0).abs() < 1e-6, "{seen:?}");
}

/// A choice that is not feasible leaves the others their shares: (1/2, 1/4) become (2/3, 1/3).
#[test]
fn a_mask_gives_its_share_to_the_others() {
    let law = [0.5_f32.ln(), 0.25_f32.ln(), 0.25_f32.ln()];
    let network = constant(Head::Discrete { choices: vec![3] }, &[("policy_head.bias", &law)]);
    let batch = Minibatch { whole: vec![0], masks: vec![true, true, false], ..row(0.0) };
    let (_, seen) = learner(&network).gradient(&batch, &Objective::Likelihood);
    assert!((seen.loss - 1.5_f64.ln()).abs() < 1e-6, "{seen:?}");
    let entropy = 2.0 / 3.0 * 1.5_f64.ln() + 3.0_f64.ln() / 3.0;
    assert!((seen.entropy - entropy).abs() < 1e-6, "{seen:?}");
}

/// N(1, 2^2): ln 2 + (1 + ln 2 pi) / 2 nats; KL to N(0, 1) = 2 + 1/2 - 1/2 - ln 2.
#[test]
fn entropy_and_anchor_of_a_known_normal_law() {
    let ln_two = 2.0_f64.ln();
    for state_dependent in [false, true] {
        let head = Head::Gaussian { size: 1, state_dependent };
        let log_sd = ln_two as f32;
        let biases: &[(&str, &[f32])] = if state_dependent {
            &[("policy_head.bias", &[1.0, log_sd])]
        } else {
            &[("policy_head.bias", &[1.0]), ("log_sd", &[log_sd])]
        };
        let network = constant(head, biases);
        let batch = Minibatch { real: vec![1.0], reference: vec![0.0, 0.0], ..row(0.0) };
        let (_, seen) = learner(&network).gradient(&batch, &PLAIN);
        let entropy = ln_two + 0.5 * (1.0 + std::f64::consts::TAU.ln());
        assert!((seen.entropy - entropy).abs() < 1e-6, "{seen:?}");
        assert!((seen.anchor - (2.0 - ln_two)).abs() < 1e-6, "{seen:?}");
        // At the mean the density is 1 / (2 sqrt(2 pi)).
        let (_, seen) = learner(&network).gradient(&batch, &Objective::Likelihood);
        assert!((seen.loss - (ln_two + 0.5 * std::f64::consts::TAU.ln())).abs() < 1e-6);
    }
}

/// V = 1, R = 0, V_old = 3 and a range of 1/2: the clipped value 2.5 is the worse one, so the
/// loss is 2.5^2 and the value's parameters have no gradient. From V_old = 0.8 the loss is 1 and
/// the bias has 2 V.
#[test]
fn a_clipped_value_has_no_gradient() {
    let head = Head::Discrete { choices: vec![2] };
    let network = constant(head, &[("value_head.bias", &[1.0])]);
    let objective = Objective::Clipped {
        clip: 0.2,
        value_clip: Some(0.5),
        entropy: 0.0,
        value: 1.0,
        anchor: 0.0,
    };
    for (old, loss, slope) in [(3.0, 6.25, 0.0), (0.8, 1.0, 2.0)] {
        let batch = Minibatch { whole: vec![0], values: vec![old], ..row(0.5_f32.ln()) };
        let (gradient, seen) = learner(&network).gradient(&batch, &objective);
        assert!((seen.value_loss - loss).abs() < 1e-6, "{seen:?}");
        assert!((gradient.last().unwrap() - slope).abs() < 1e-6, "{gradient:?}");
    }
}

/// Cross-entropy of a hybrid action: -ln p(kind) - ln p(bin | kind), here -ln 1/4 - ln 1/5, and
/// -ln 3/4 where nothing was done.
#[test]
fn likelihood_is_the_cross_entropy_of_kind_and_bin() {
    let kinds = [0.75_f32.ln(), 0.25_f32.ln()];
    let bins = [0.2_f32.ln(), 0.8_f32.ln()];
    let network = constant(
        Head::Hybrid { choices: 2, bins: 2 },
        &[("policy_head.bias", &kinds), ("amount_head.bias", &bins)],
    );
    let batch = Minibatch {
        rows: 2,
        observations: vec![0.0, 0.0],
        whole: vec![1, 0, 0, 0],
        weights: vec![0.3, 0.7],
        ..Minibatch::default()
    };
    let (gradient, seen) = learner(&network).gradient(&batch, &Objective::Likelihood);
    let expected = -0.3 * (0.25_f64 * 0.2).ln() - 0.7 * 0.75_f64.ln();
    assert!((seen.loss - expected).abs() < 1e-6, "{seen:?}");
    // d(-ln p)/d logits = p - 1(chosen): .3 (.75, -.75) + .7 (-.25, .25), and .3 (-.8, .8).
    let slots = network.architecture.slots();
    let of = |name: &str| {
        let slot = slots.iter().find(|slot| slot.name == name).unwrap();
        gradient[slot.range.clone()].to_vec()
    };
    for (name, expected) in
        [("policy_head.bias", [0.05, -0.05]), ("amount_head.bias", [-0.24, 0.24])]
    {
        for (g, e) in of(name).iter().zip(expected) {
            assert!((g - e).abs() < 1e-6, "{name}: {g} {e}");
        }
    }
}

/// Adam and clipping in f64 on the learner's own gradients. burn's bias corrections are f32 powers
/// of f32 betas: 1 - 0.999^t has an error of 3e-8 / (t / 1000), so a step errs by 3e-5 of its size
/// at most.
#[test]
fn steps_are_adams_on_the_clipped_gradient() {
    let network = tiny(Head::Discrete { choices: vec![2] });
    let batch = Minibatch { whole: vec![1], returns: vec![2.0], ..row(0.6_f32.ln()) };
    let mut learner = learner(&network);
    let (rate, largest) = (0.01_f32, 0.5_f32);
    let mut parameters = doubles(&network.parameters);
    let (mut first, mut second) = (vec![0.0; parameters.len()], vec![0.0; parameters.len()]);
    for t in 1..=10 {
        let (gradient, seen) = learner.gradient(&batch, &PLAIN);
        assert!(seen.gradient_norm > f64::from(largest), "the clip has to bite: {seen:?}");
        let norm = doubles(&gradient).iter().map(|g| g * g).sum::<f64>().sqrt();
        assert_eq!(learner.step(&batch, &PLAIN, rate, largest), seen);
        for (i, g) in doubles(&gradient).into_iter().enumerate() {
            let g = g * f64::from(largest) / (norm + 1e-6);
            let (b1, b2) = (f64::from(0.9_f32), f64::from(0.999_f32));
            first[i] = b1 * first[i] + (1.0 - b1) * g;
            second[i] = b2 * second[i] + (1.0 - b2) * g * g;
            let (m, v) = (first[i] / (1.0 - b1.powi(t)), second[i] / (1.0 - b2.powi(t)));
            parameters[i] -= f64::from(rate) * m / (v.sqrt() + 1e-5);
        }
        for (a, b) in learner.parameters().iter().zip(&parameters) {
            assert!((f64::from(*a) - b).abs() < 1e-5 * f64::from(rate) * 10.0 + 2e-7, "{a} {b}");
        }
    }
}

#[test]
fn a_resumed_learner_goes_on_to_the_same_bits() {
    for (case, architecture) in architectures().iter().enumerate() {
        let network = network(architecture, case as u64);
        let batch = minibatch(&network, ROWS, true, 3);
        let objective = objectives()[0];
        let mut straight = learner(&network);
        assert!(straight.optimiser().is_empty());
        let step = |learner: &mut GraphLearner| learner.step(&batch, &objective, 1e-3, 0.5);
        for _ in 0..3 {
            step(&mut straight);
        }
        let (parameters, state) = (straight.parameters().to_vec(), straight.optimiser());
        let mut resumed = learner(&samples::network(architecture, 99));
        resumed.restore(&parameters, &state).unwrap();
        assert_eq!(resumed.optimiser(), state);
        for _ in 0..3 {
            assert_eq!(step(&mut straight), step(&mut resumed));
        }
        assert_eq!(straight.parameters(), resumed.parameters());
        assert_eq!(straight.optimiser(), resumed.optimiser());
        // An empty state is a fresh optimiser.
        resumed.restore(&network.parameters, &[]).unwrap();
        let mut fresh = learner(&network);
        assert_eq!(step(&mut fresh), step(&mut resumed));
        assert_eq!(fresh.parameters(), resumed.parameters());
    }
}

#[test]
fn a_foreign_state_is_refused_and_changes_nothing() {
    let network = tiny(Head::Discrete { choices: vec![2] });
    let batch = Minibatch { whole: vec![1], ..row(-0.7) };
    let mut learner = learner(&network);
    learner.step(&batch, &PLAIN, 1e-3, 0.5);
    let (parameters, state) = (learner.parameters().to_vec(), learner.optimiser());
    let wide = tiny(Head::Discrete { choices: vec![3] });
    let mut other = self::learner(&wide);
    let wide = wide.parameters;
    for (parameters, state) in [
        (&wide, &state[..]),
        (&parameters, &state[..state.len() - 1]),
        (&parameters, b"neither header nor moments"),
        (&parameters, b"{}\n1234"),
    ] {
        assert!(learner.restore(parameters, state).is_err());
    }
    let error = other.restore(&wide, &state).unwrap_err().to_string();
    assert!(error.contains("network"), "{error}");
    assert_eq!(learner.parameters(), parameters);
    assert_eq!(learner.optimiser(), state);
    let short = Network { parameters: wide, ..network };
    assert!(GraphLearner::new(&short, &Device::flex()).is_err());
}

#[test]
fn rows_that_do_not_fit_move_nothing() {
    let architecture = &architectures()[16];
    assert!(matches!(architecture.head, Head::Hybrid { choices: 4, bins: 5 }));
    let network = network(architecture, 1);
    let good = minibatch(&network, ROWS, true, 2);
    let mut learner = learner(&network);
    let mut backwards = good.whole.clone();
    backwards.reverse();
    for batch in [
        Minibatch { observations: good.observations[1..].to_vec(), ..good.clone() },
        Minibatch { whole: vec![4; 2 * ROWS], ..good.clone() },
        Minibatch { whole: backwards, ..good.clone() },
        Minibatch { masks: vec![true; 3], ..good.clone() },
        Minibatch { reference_amounts: vec![0.0; 5], ..good.clone() },
        Minibatch { reference: Vec::new(), ..good.clone() },
    ] {
        assert!(learner.step(&batch, &PLAIN, 1e-3, 0.5).loss.is_nan());
        assert!(learner.gradient(&batch, &PLAIN).0.iter().all(|g| g.is_nan()));
    }
    assert_eq!(learner.parameters(), network.parameters);
    assert_eq!(learner.step(&Minibatch::default(), &PLAIN, 1e-3, 0.5).gradient_norm, 0.0);
    assert_eq!(learner.parameters(), network.parameters);
}

/// What an objective says nothing about has a gradient of exactly 0.
#[test]
fn values_and_policy_are_trained_apart_where_trunks_are() {
    for architecture in architectures().iter().filter(|architecture| !architecture.shared) {
        let network = network(architecture, 5);
        let batch = minibatch(&network, ROWS, false, 6);
        let mut learner = learner(&network);
        for (objective, still) in [(Objective::Value, false), (Objective::Likelihood, true)] {
            let (gradient, _) = learner.gradient(&batch, &objective);
            for slot in architecture.slots() {
                let part = &gradient[slot.range.clone()];
                let value = slot.name.starts_with("value");
                assert_eq!(value == still, part.iter().all(|&g| g == 0.0), "{}", slot.name);
            }
        }
    }
}

/// The graph is kept process-wide: learners in other threads must not take gradients from it.
#[test]
fn learners_in_other_threads_change_nothing() {
    let trained = |case: usize| {
        let network = network(&architectures()[case], case as u64);
        let batch = minibatch(&network, ROWS, true, 8);
        let mut learner = learner(&network);
        for _ in 0..40 {
            learner.step(&batch, &objectives()[0], 1e-3, 0.5);
        }
        learner.parameters().to_vec()
    };
    let alone: Vec<_> = (0..4).map(trained).collect();
    let together: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|case| scope.spawn(move || trained(case))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(alone, together);
}
