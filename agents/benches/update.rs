//! Training steps and forward passes of the fused CPU pass.
//!
//! `cart_pole`: 4 inputs, separate 64-64 tanh trunks, 2 logits. `finance`: 32 inputs, the same
//! trunks, 5 choices and 32 amount bins of each of 4 kinds; 30% of rows have an amount. A step is
//! forward, backward, clipping and Adam. Run `cargo bench -p trueup-agents --bench update`.

#![allow(clippy::expect_used, reason = "a bench that cannot start has nothing to measure")]

use divan::Bencher;
use divan::counter::ItemsCount;
use rayon::ThreadPoolBuilder;
use trueup_agents::architecture::{Activation, Architecture, Head, Network};
use trueup_agents::fused::{Forward, FusedLearner};
use trueup_agents::learner::{Learner, Minibatch, Objective};
use trueup_env::Streams;

const OBJECTIVE: Objective =
    Objective::Clipped { clip: 0.2, value_clip: None, entropy: 0.01, value: 0.5, anchor: 0.0 };

fn main() {
    divan::main();
}

fn network(observation: usize, head: Head) -> Network {
    let hidden = vec![64, 64];
    let activation = Activation::Tanh;
    let architecture = Architecture { observation, hidden, activation, shared: false, head };
    let parameters = architecture.initial(&mut Streams::new(1).stream("network", 0));
    Network { architecture, parameters }
}

fn cart_pole() -> Network {
    network(4, Head::Discrete { choices: vec![2] })
}

fn finance() -> Network {
    network(32, Head::Hybrid { choices: 5, bins: 32 })
}

/// Rows whose old log probabilities are those of a uniform policy, as a fresh network nearly is.
fn minibatch(network: &Network, rows: usize) -> Minibatch {
    let mut stream = Streams::new(2).stream("minibatch", 0);
    let mut numbers = |n: usize| (0..n).map(|_| stream.uniform() as f32 - 0.5).collect::<Vec<_>>();
    let mut batch = Minibatch {
        rows,
        observations: numbers(rows * network.architecture.observation),
        advantages: numbers(rows),
        returns: numbers(rows),
        values: numbers(rows),
        weights: vec![1.0 / rows as f32; rows],
        ..Minibatch::default()
    };
    for row in 0..rows {
        let mut log_probability = -(network.architecture.head.outputs() as f32).ln();
        match network.architecture.head {
            Head::Hybrid { choices, bins } => {
                let kind =
                    if row * 10 < rows * 3 { 1 + row * 10 * (choices - 1) / (rows * 3) } else { 0 };
                batch.whole.extend([kind as u16, (row % bins) as u16]);
                log_probability -= if kind > 0 { (bins as f32).ln() } else { 0.0 };
            }
            _ => batch.whole.push((row % 2) as u16),
        }
        batch.log_probability.push(log_probability);
    }
    batch
}

/// Steps inside a pool of `threads`, as a trainer takes them.
fn steps(bencher: Bencher<'_, '_>, network: &Network, rows: usize, threads: usize) {
    let batch = minibatch(network, rows);
    let mut learner = FusedLearner::new(network).expect("the parameters fit");
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
    let count = (4096 / rows).max(1);
    bencher.counter(ItemsCount::new(rows * count)).bench_local(|| {
        pool.install(|| {
            for _ in 0..count {
                learner.step(&batch, &OBJECTIVE, 1e-4, 0.5);
            }
        });
    });
}

/// Items are rows; a run is 4,096 of them in steps of the given size.
#[divan::bench(args = [64, 256, 2048], consts = [1, 2])]
fn cart_pole_step<const THREADS: usize>(bencher: Bencher<'_, '_>, rows: usize) {
    steps(bencher, &cart_pole(), rows, THREADS);
}

#[divan::bench(args = [4096], consts = [1, 2])]
fn finance_step<const THREADS: usize>(bencher: Bencher<'_, '_>, rows: usize) {
    steps(bencher, &finance(), rows, THREADS);
}

fn forward(bencher: Bencher<'_, '_>, network: &Network, rows: usize) {
    let batch = minibatch(network, rows);
    let mut forward = Forward::new(network);
    bencher.counter(ItemsCount::new(rows)).bench_local(|| {
        divan::black_box(forward.policy(&batch.observations));
    });
}

#[divan::bench(args = [8, 64, 256, 1024])]
fn cart_pole_forward(bencher: Bencher<'_, '_>, rows: usize) {
    forward(bencher, &cart_pole(), rows);
}

#[divan::bench(args = [8, 64, 256, 1024])]
fn finance_forward(bencher: Bencher<'_, '_>, rows: usize) {
    forward(bencher, &finance(), rows);
}
