//! The fused pass against its reference in f64, and the properties that the learner promises.

use rayon::ThreadPoolBuilder;

use super::reference::{minibatch, network, objective};
use super::{Forward, FusedLearner};
use crate::architecture::{Activation, Architecture, Head, LOG_SD_RANGE, Network};
use crate::learner::{ADAM, Learner, Minibatch, Objective};

const CLIPPED: Objective =
    Objective::Clipped { clip: 0.2, value_clip: Some(0.3), entropy: 0.05, value: 0.5, anchor: 0.2 };

fn heads() -> Vec<Head> {
    vec![
        Head::Discrete { choices: vec![2] },
        Head::Discrete { choices: vec![3, 11, 2] },
        Head::Gaussian { size: 3, state_dependent: false },
        Head::Gaussian { size: 2, state_dependent: true },
        Head::Hybrid { choices: 4, bins: 12 },
    ]
}

fn architectures() -> Vec<Architecture> {
    let mut all = Vec::new();
    for head in heads() {
        for (hidden, activation, shared) in [
            (vec![9, 7], Activation::Tanh, false),
            (vec![8, 10, 5], Activation::Tanh, true),
            (vec![19], Activation::Relu, false),
        ] {
            let head = head.clone();
            all.push(Architecture { observation: 5, hidden, activation, shared, head });
        }
    }
    all
}

fn learner(network: &Network) -> FusedLearner {
    FusedLearner::new(network).unwrap()
}

/// The largest difference to central differences, relative to the largest entry.
fn worst(network: &Network, batch: &Minibatch, goal: &Objective) -> f64 {
    let (fused, seen) = learner(network).gradient(batch, goal);
    let mut parameters: Vec<f64> = network.parameters.iter().map(|x| f64::from(*x)).collect();
    let exact = objective(&network.architecture, &parameters, batch, goal);
    assert!((seen.loss - exact).abs() < 1e-5 * (1.0 + exact.abs()), "{} is {exact}", seen.loss);
    let (step, mut largest, mut difference) = (1e-6, 0.0_f64, 0.0_f64);
    for i in 0..parameters.len() {
        let middle = parameters[i];
        let mut at = |x: f64| {
            parameters[i] = x;
            objective(&network.architecture, &parameters, batch, goal)
        };
        let slope = (at(middle + step) - at(middle - step)) / (2.0 * step);
        parameters[i] = middle;
        largest = largest.max(slope.abs());
        difference = difference.max((slope - f64::from(fused[i])).abs());
    }
    difference / largest
}

#[test]
fn gradients_agree_with_central_differences() {
    for (i, architecture) in architectures().iter().enumerate() {
        let network = network(architecture, i as u64);
        for masked in [false, true] {
            let batch = minibatch(&network, 13, 100 + i as u64, masked, 0.4);
            for goal in [CLIPPED, Objective::Value, Objective::Likelihood] {
                let worst = worst(&network, &batch, &goal);
                assert!(worst < 2e-5, "{architecture:?}, {goal:?}, masked {masked}: {worst}");
            }
        }
    }
}

#[test]
fn gradients_agree_without_reference_and_value_clip() {
    let goal =
        Objective::Clipped { clip: 0.1, value_clip: None, entropy: 0.0, value: 1.0, anchor: 0.0 };
    for (i, architecture) in architectures().iter().enumerate() {
        let network = network(architecture, 40 + i as u64);
        let mut batch = minibatch(&network, 67, 200 + i as u64, false, 0.1);
        batch.reference.clear();
        batch.reference_amounts.clear();
        batch.values.clear();
        let worst = worst(&network, &batch, &goal);
        assert!(worst < 2e-5, "{architecture:?}: {worst}");
    }
}

#[test]
fn clamped_log_standard_deviations_have_no_gradient() {
    let architecture = Architecture {
        observation: 3,
        hidden: vec![8],
        activation: Activation::Tanh,
        shared: false,
        head: Head::Gaussian { size: 3, state_dependent: false },
    };
    let mut network = network(&architecture, 1);
    let slots = architecture.slots();
    let slot = slots.iter().find(|slot| slot.name == "log_sd").unwrap().range.clone();
    network.parameters[slot.clone()].copy_from_slice(&[2.5, 0.3, -6.0]);
    let batch = minibatch(&network, 20, 2, false, 0.05);
    let (gradient, _) = learner(&network).gradient(&batch, &CLIPPED);
    assert_eq!((gradient[slot.start], gradient[slot.start + 2]), (0.0, 0.0));
    assert!(gradient[slot.start + 1] != 0.0);
    // On the bound itself there is one.
    network.parameters[slot.start] = LOG_SD_RANGE.1;
    let (gradient, _) = learner(&network).gradient(&batch, &CLIPPED);
    assert!(gradient[slot.start] != 0.0);
}

#[test]
fn masked_choices_have_no_gradient_and_make_no_nan() {
    for head in [Head::Discrete { choices: vec![4] }, Head::Hybrid { choices: 4, bins: 8 }] {
        let architecture = Architecture {
            observation: 5,
            hidden: vec![16],
            activation: Activation::Tanh,
            shared: true,
            head,
        };
        let network = network(&architecture, 3);
        let mut batch = minibatch(&network, 32, 4, true, 0.1);
        for (i, feasible) in batch.masks.iter_mut().enumerate() {
            // Choice 2 is never feasible; where it was made, choice 0 is made instead.
            *feasible = if i % 4 == 2 { false } else { *feasible || i % 4 == 0 };
            batch.reference[i] = if *feasible { batch.reference[i] } else { f32::NAN };
        }
        batch.reference_amounts.clear();
        let width = architecture.head.whole();
        batch.whole.iter_mut().step_by(width).filter(|w| **w == 2).for_each(|w| *w = 0);
        let (gradient, seen) = learner(&network).gradient(&batch, &CLIPPED);
        assert!(gradient.iter().all(|g| g.is_finite()), "{seen:?}");
        assert!(seen.loss.is_finite() && seen.entropy.is_finite() && seen.anchor.is_finite());
        let slots = architecture.slots();
        let slot = |name: &str| slots.iter().find(|slot| slot.name == name).unwrap().range.clone();
        let weight = &gradient[slot("policy_head.weight")];
        assert!(weight.chunks(4).all(|row| row[2] == 0.0 && row[0] != 0.0));
        assert_eq!(gradient[slot("policy_head.bias")][2], 0.0);
    }
}

#[test]
fn the_ratio_is_one_before_the_first_step() {
    for (i, architecture) in architectures().iter().enumerate() {
        let network = network(architecture, i as u64);
        let batch = minibatch(&network, 64, 7, true, 0.0);
        let (_, seen) = learner(&network).gradient(&batch, &CLIPPED);
        assert!(seen.ratio_deviation < 1e-5, "{architecture:?}: {seen:?}");
        assert!(seen.kl.abs() < 1e-9 && seen.clip_fraction == 0.0);
    }
}

#[test]
fn a_step_is_clipping_and_adam() {
    let architecture = &architectures()[1];
    let network = network(architecture, 5);
    let batch = minibatch(&network, 40, 6, false, 0.2);
    let (mut fused, rate, largest) = (learner(&network), 3e-3, 0.05);
    let mut parameters: Vec<f64> = network.parameters.iter().map(|x| f64::from(*x)).collect();
    let (mut m, mut v) = (vec![0.0; parameters.len()], vec![0.0; parameters.len()]);
    let (beta1, beta2, epsilon) = (f64::from(ADAM.0), f64::from(ADAM.1), f64::from(ADAM.2));
    for t in 1..=20 {
        let (gradient, _) = fused.gradient(&batch, &CLIPPED);
        let norm = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
        let seen = fused.step(&batch, &CLIPPED, rate, largest);
        assert!((seen.gradient_norm - norm).abs() < 1e-6 * norm);
        assert!(norm > f64::from(largest), "clipping has something to do");
        for i in 0..parameters.len() {
            let g = f64::from(gradient[i]) * f64::from(largest) / (norm + 1e-6);
            m[i] = beta1 * m[i] + (1.0 - beta1) * g;
            v[i] = beta2 * v[i] + (1.0 - beta2) * g * g;
            let (mean, square) = (m[i] / (1.0 - beta1.powi(t)), v[i] / (1.0 - beta2.powi(t)));
            parameters[i] -= f64::from(rate) * mean / (square.sqrt() + epsilon);
        }
        for (fused, exact) in fused.parameters().iter().zip(&parameters) {
            assert!((f64::from(*fused) - exact).abs() < 2e-6, "step {t}: {fused} is {exact}");
        }
    }
}

#[test]
fn the_threads_do_not_change_a_bit() {
    for (i, architecture) in architectures().iter().enumerate() {
        let network = network(architecture, i as u64);
        let mut ends = Vec::new();
        for threads in [1, 2] {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            ends.push(pool.install(|| {
                let mut learner = learner(&network);
                let mut seen = Vec::new();
                for rows in [17, 64, 1100] {
                    let batch = minibatch(&network, rows, 9, false, 0.2);
                    seen.push(learner.step(&batch, &CLIPPED, 1e-3, 0.5));
                }
                (bits(learner.parameters()), learner.optimiser(), seen)
            }));
        }
        assert!(ends[0] == ends[1], "{architecture:?}");
    }
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn a_restored_learner_goes_on_to_the_same_bits() {
    let network = network(&architectures()[4], 11);
    let batch = minibatch(&network, 64, 12, false, 0.2);
    let mut first = learner(&network);
    (0..5).for_each(|_| _ = first.step(&batch, &CLIPPED, 1e-3, 0.5));
    let (parameters, state) = (first.parameters().to_vec(), first.optimiser());
    let mut second = learner(&network);
    second.restore(&parameters, &state).unwrap();
    for learner in [&mut first, &mut second] {
        (0..5).for_each(|_| _ = learner.step(&batch, &CLIPPED, 1e-3, 0.5));
    }
    assert_eq!(bits(first.parameters()), bits(second.parameters()));
    assert_eq!(first.optimiser(), second.optimiser());
    let error = second.restore(&parameters, &state[1..]).unwrap_err().to_string();
    assert!(error.contains("bytes"), "{error}");
    assert!(second.restore(&parameters[1..], &state).is_err());
}

#[test]
fn acting_and_learning_see_the_same_network() {
    for (i, architecture) in architectures().iter().enumerate() {
        let network = network(architecture, i as u64);
        let batch = minibatch(&network, 150, 13, false, 0.0);
        let mut forward = Forward::new(&network);
        let policy = forward.policy(&batch.observations).to_vec();
        let values = forward.values(&batch.observations).to_vec();
        assert_eq!(policy.len(), 150 * architecture.head.outputs());
        let both = forward.both(&batch.observations);
        assert_eq!((bits(both.0), bits(both.1)), (bits(&policy), bits(&values)));
        // One row alone has the bits that it has among others.
        let row = &batch.observations[77 * 5..78 * 5];
        assert_eq!(bits(forward.values(row)), bits(&values[77..78]));
        let width = architecture.head.outputs();
        assert_eq!(bits(forward.policy(row)), bits(&policy[77 * width..78 * width]));
        // The learner's value loss against these values is 0, to the bit.
        let batch = Minibatch { returns: values, ..batch };
        assert_eq!(learner(&network).gradient(&batch, &Objective::Value).1.loss, 0.0);
    }
}

#[test]
fn amounts_are_those_of_the_kind_that_was_asked_for() {
    let architecture = &architectures()[12];
    let Head::Hybrid { choices, bins } = architecture.head else { panic!("a hybrid head") };
    let network = network(architecture, 21);
    let batch = minibatch(&network, 90, 22, false, 0.0);
    let mut forward = Forward::new(&network);
    let outputs = forward.policy(&batch.observations).to_vec();
    let rows: Vec<u32> = (0..90).rev().collect();
    let kinds: Vec<u16> =
        rows.iter().map(|row| batch.whole[*row as usize * 2].max(1) - 1).collect();
    let amounts = forward.amounts(&rows, &kinds).to_vec();
    // log pi from these outputs is what the minibatch was given in f64.
    for (i, &row) in rows.iter().enumerate().filter(|(_, row)| batch.whole[**row as usize * 2] > 0)
    {
        let row = row as usize;
        let [kind, bin] = [0, 1].map(|j| usize::from(batch.whole[row * 2 + j]));
        let log_probability = log_softmax(&outputs[row * choices..][..choices], kind)
            + log_softmax(&amounts[i * bins..][..bins], bin);
        assert!((log_probability - f64::from(batch.log_probability[row])).abs() < 1e-5);
    }
    assert!(forward.amounts(&[90], &[0]).iter().all(|x| x.is_nan()));
    assert!(forward.amounts(&[0], &[3]).iter().all(|x| x.is_nan()));
}

fn log_softmax(logits: &[f32], index: usize) -> f64 {
    let sum: f64 = logits.iter().map(|z| f64::from(*z).exp()).sum();
    f64::from(logits[index]) - sum.ln()
}

#[test]
fn rows_that_do_not_fit_move_nothing() {
    let network = network(&architectures()[0], 1);
    let good = minibatch(&network, 8, 2, false, 0.1);
    let mut learner = learner(&network);
    let short = Minibatch { observations: good.observations[1..].to_vec(), ..good.clone() };
    let unknown = Minibatch { whole: vec![2; 8], ..good.clone() };
    let masks = Minibatch { masks: vec![true; 3], ..good.clone() };
    for batch in [short, unknown, masks] {
        assert!(learner.step(&batch, &CLIPPED, 1e-3, 0.5).loss.is_nan());
    }
    assert_eq!(learner.parameters(), &network.parameters[..]);
    assert_eq!(learner.optimiser()[..8], [0; 8]);
    let none = Minibatch::default();
    assert_eq!(learner.step(&none, &CLIPPED, 1e-3, 0.5).gradient_norm, 0.0);
    // What an objective does not read may be missing.
    let bare = Minibatch {
        rows: 8,
        observations: good.observations.clone(),
        weights: good.weights.clone(),
        returns: good.returns.clone(),
        ..Minibatch::default()
    };
    assert!(learner.step(&bare, &Objective::Value, 1e-3, 0.5).loss.is_finite());
    assert!(learner.step(&bare, &Objective::Likelihood, 1e-3, 0.5).loss.is_nan());
}
