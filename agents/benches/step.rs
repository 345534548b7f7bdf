//! One training step of a learner: forward, loss, backward, clipping, Adam.
//!
//! The network is that of classic control in the PPO reference implementations: 4-64-64-2 with
//! separate trunks, tanh.

use burn::tensor::Device;
use divan::Bencher;
use trueup_agents::architecture::{Activation, Architecture, Head, Network};
use trueup_agents::graph::GraphLearner;
use trueup_agents::learner::{Learner, Minibatch, Objective};
use trueup_env::Streams;

fn main() {
    divan::main();
}

const PPO: Objective =
    Objective::Clipped { clip: 0.2, value_clip: None, entropy: 0.0, value: 0.5, anchor: 0.0 };

fn network(activation: Activation) -> Network {
    let architecture = Architecture {
        observation: 4,
        hidden: vec![64, 64],
        activation,
        shared: false,
        head: Head::Discrete { choices: vec![2] },
    };
    let parameters = architecture.initial(&mut Streams::new(1).stream("network", 0));
    Network { architecture, parameters }
}

fn minibatch(rows: usize) -> Minibatch {
    let mut stream = Streams::new(2).stream("minibatch", 0);
    let mut uniform =
        |n: usize| -> Vec<f32> { (0..n).map(|_| stream.uniform() as f32 * 2.0 - 1.0).collect() };
    Minibatch {
        rows,
        observations: uniform(rows * 4),
        whole: uniform(rows).iter().map(|&u| u16::from(u > 0.0)).collect(),
        log_probability: uniform(rows).iter().map(|u| 0.5_f32.ln() + 0.1 * u).collect(),
        advantages: uniform(rows),
        returns: uniform(rows),
        weights: vec![1.0 / rows as f32; rows],
        ..Minibatch::default()
    }
}

#[divan::bench(args = [64, 256, 2048])]
fn graph_tanh(bencher: Bencher, rows: usize) {
    graph(bencher, rows, Activation::Tanh);
}

#[divan::bench(args = [64, 2048])]
fn graph_relu(bencher: Bencher, rows: usize) {
    graph(bencher, rows, Activation::Relu);
}

fn graph(bencher: Bencher, rows: usize, activation: Activation) {
    let batch = minibatch(rows);
    let Ok(mut learner) = GraphLearner::new(&network(activation), &Device::flex()) else { return };
    bencher.bench_local(|| learner.step(&batch, &PPO, 3e-4, 0.5));
}
