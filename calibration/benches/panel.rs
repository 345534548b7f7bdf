//! Time of panels on the purchase log, half of its users held out, with the classifier test and 200
//! bootstrap replicates: the standard panel of a run (four calibrators with four evaluation seeds
//! each), and of one log with and without p-values; the full panel of one log.
//! The stand-ins for simulations are bootstrap samples of the training users, so that sizes are
//! those of a real run.

use divan::{Bencher, black_box};
use trueup_calibration::classifier::{ExaminationConfig, examine};
use trueup_calibration::discrepancy::{Discrepancy, energy_nd::EnergyNd};
use trueup_calibration::evaluate::{Breadth, PanelConfig, Run, bootstrap, evaluate};
use trueup_calibration::external::{Split, load, split};
use trueup_calibration::features::{user_features, user_vectors};
use trueup_env::{EventLog, Streams};

fn main() {
    divan::main();
}

/// The two halves; none, with a printed reason, where the log cannot be read.
fn halves() -> Option<Split> {
    let loaded = load("builtin:cdnow", None, "bench");
    let split = loaded.and_then(|loaded| split(&loaded.log, 0.5, &Streams::new(1)));
    split.map_err(|error| println!("skipped: {error}")).ok()
}

fn simulation(train: &EventLog, index: u64) -> EventLog {
    let mut stream = Streams::new(2).stream("simulation", index);
    let users = train.user_count();
    train.select(&(0..users).map(|_| stream.below(users)).collect::<Vec<_>>())
}

/// Four calibrators with four seeds each.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn standard_panel_of_a_run(bencher: Bencher<'_, '_>) {
    panel(bencher, &["personas", "scaling", "bgnbd", "ppo"], 4, &PanelConfig::default());
}

/// One log, 0 or 200 relabellings.
#[divan::bench(sample_count = 5, sample_size = 1, args = [0, 200])]
fn standard_panel(bencher: Bencher<'_, '_>, permutations: usize) {
    let config = PanelConfig { permutations, ..PanelConfig::default() };
    panel(bencher, &["personas"], 1, &config);
}

/// One log, 0 or 200 relabellings.
#[divan::bench(sample_count = 3, sample_size = 1, args = [0, 200])]
fn full_panel(bencher: Bencher<'_, '_>, permutations: usize) {
    let config = PanelConfig { permutations, panel: Breadth::Full, ..PanelConfig::default() };
    panel(bencher, &["personas"], 1, &config);
}

fn panel(bencher: Bencher<'_, '_>, names: &[&str], seeds: u64, config: &PanelConfig) {
    let Some(Split { train, test }) = halves() else { return };
    let run = |(c, name): (u64, &&str)| Run {
        name: (*name).into(),
        logs: (0..seeds).map(|seed| simulation(&train, 4 * c + seed)).collect(),
    };
    let runs: Vec<Run> = (0..).zip(names).map(run).collect();
    bencher.bench(|| {
        evaluate(black_box(&runs), Some(&train), &test, &[], config, &Streams::new(3)).is_ok()
    });
}

/// Both classifiers with 200 replicates: as for further evaluation seeds, and as for the first one,
/// with p-values and what gives the simulation away.
#[divan::bench(sample_count = 5, sample_size = 1, args = [false, true])]
fn classifier_test(bencher: Bencher<'_, '_>, first: bool) {
    let Some(Split { train, test }) = halves() else { return };
    let sides = [user_vectors(&train), user_vectors(&test)];
    let weights = [(0, 4), (1, 5)].map(|(side, seed): (usize, u64)| {
        bootstrap::weights(sides[side].users, 200, &Streams::new(seed))
    });
    let names: Vec<&str> = user_features().map(|feature| feature.name).collect();
    let relabellings = if first { 200 } else { 0 };
    let config = ExaminationConfig { users: 20_000, relabellings, refits: 0, telling: first };
    let (sides, weights) = (sides.each_ref(), weights.each_ref());
    bencher.bench(|| examine(black_box(sides), weights, &names, &config, &Streams::new(3)));
}

/// Distances once, and 200 replicates.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn joint_energy(bencher: Bencher<'_, '_>) {
    let Some(Split { train, test }) = halves() else { return };
    let (train, test) = (user_vectors(&train), user_vectors(&test));
    let left = bootstrap::weights(train.users, 200, &Streams::new(4));
    let right = bootstrap::weights(test.users, 200, &Streams::new(5));
    bencher.bench(|| {
        let prepared = EnergyNd::default().prepare(black_box(&train), &test).ok()?;
        bootstrap::Measured::of(prepared.as_ref(), &left, &right)
    });
}
