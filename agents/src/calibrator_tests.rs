//! The trainer in a small world whose best behaviour is known.

use trueup_calibration::calibrator::{Progress, Silent};
use trueup_calibration::reward::{Pay, Reward, RewardError, Term};
use trueup_env::{Event, History, Payment};

use super::*;
use crate::batch::Batch;
use crate::cloning::Cloning;
use crate::finance::episodes;
use crate::learner::Objective;
use crate::step_reward::Witnessed;
use crate::test_world::{HORIZON, log, statistics, world};

/// Pays 1 for an event in the second half of the window with an amount above the median, -1 for
/// any other.
struct LateAndLarge;

impl Payment for LateAndLarge {
    fn event(&self, _before: &History, event: &Event, _after: &History) -> f64 {
        if event.tick >= HORIZON / 2 && event.amount > 50.0 { 1.0 } else { -1.0 }
    }
}

/// A reward that does not move.
struct Fixed(f64);

impl Reward for Fixed {
    fn name(&self) -> &'static str {
        "fixed"
    }

    fn terms(&self) -> &[Term] {
        &[]
    }

    fn pay(&mut self, internal: &EventLog) -> Result<Pay, RewardError> {
        let pay = Pay::replayed(&LateAndLarge, internal);
        self.0 = pay.events.iter().sum::<f64>() / internal.user_count() as f64;
        Ok(pay)
    }

    fn discrepancy(&self) -> f64 {
        self.0
    }

    fn state(&self) -> Vec<u8> {
        Vec::new()
    }

    fn restore(&mut self, _state: &[u8]) -> Result<(), RewardError> {
        Ok(())
    }
}

fn config(iterations: usize) -> PpoCalibratorConfig {
    PpoCalibratorConfig {
        iterations,
        users: 300,
        amount_bins: 4,
        checkpoint_every: 2,
        network: NetworkConfig { hidden: vec![16], ..NetworkConfig::default() },
        update: PpoConfig {
            learning_rate: 1e-2,
            idle_share: 0.5,
            average: 0.5,
            ..PpoConfig::default()
        },
        ..PpoCalibratorConfig::default()
    }
}

fn ppo(config: PpoCalibratorConfig) -> Ppo {
    let fixed = |_: &RewardSetting<'_>| -> Result<Box<dyn StepReward>, CalibrationError> {
        Ok(Box::new(Witnessed(Box::new(Fixed(0.0)))))
    };
    Ppo::new(config, world(), Box::new(fixed), serde_json::Value::Null)
}

/// Stops after a number of iterations.
struct StopAfter(usize);

impl Progress for StopAfter {
    fn iteration(&self, done: usize, _total: usize, _metrics: &[(&str, f64)]) -> bool {
        done < self.0
    }
}

fn run(
    config: PpoCalibratorConfig,
    seed: u64,
    progress: &dyn Progress,
    checkpoints: Option<&std::path::Path>,
) -> Result<Box<dyn Simulator>, CalibrationError> {
    let (statistics, streams) = (statistics(), Streams::new(seed));
    ppo(config).calibrate(&Brief {
        statistics: &statistics,
        train: None,
        streams,
        progress,
        checkpoints,
    })
}

/// Mean pay per user of the shipped policy, and its weights file.
fn train(iterations: usize, seed: u64) -> (f64, Vec<u8>) {
    let simulator = run(config(iterations), seed, &Silent, None).unwrap();
    let log = simulator.simulate(500, &Streams::new(99)).unwrap();
    let mut reward = Fixed(0.0);
    reward.pay(&log).unwrap();
    (reward.discrepancy(), simulator.files().remove(0).1)
}

/// The best a user can earn is 1 for each of two events in each of the last four ticks: 8. Doing
/// nothing earns 0, the base rate policy less than that.
#[test]
fn learns_when_to_act_and_with_how_much() {
    let (before, _) = train(1, 1);
    let (after, _) = train(40, 1);
    assert!(before < 0.1, "before: {before}");
    assert!(after > 7.0, "after: {after} of at most 8");
}

#[test]
fn the_same_bits_with_one_and_two_threads() {
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| train(2, 7))
    };
    let (one, two) = (with(1), with(2));
    assert_eq!(one.0.to_bits(), two.0.to_bits());
    assert_eq!(one.1, two.1);
    assert_ne!(one.1, train(2, 8).1, "another seed gives other weights");
}

/// Stopped by an interrupt after an odd number of iterations, and killed between two checkpoints
/// (the newest is removed): both go on to the weights of a run that was never stopped.
#[test]
fn resumed_is_as_if_never_stopped() {
    let whole = run(config(6), 7, &Silent, None).unwrap().files().remove(0).1;
    let folder = tempfile::tempdir().unwrap();
    for stop in [1, 3, 5] {
        let path = folder.path().join(format!("{stop}"));
        let stopped = run(config(6), 7, &StopAfter(stop), Some(&path));
        assert!(matches!(stopped, Err(CalibrationError::Interrupted)));
        let newest = path.join(format!("checkpoint-{stop:08}.safetensors"));
        if stop == 5 {
            std::fs::remove_file(newest).unwrap();
        } else {
            assert!(newest.exists());
        }
        let resumed = run(config(6), 7, &Silent, Some(&path)).unwrap();
        assert_eq!(resumed.files().remove(0).1, whole, "stopped after {stop}");
    }
}

/// Before any step the new policy is the old one: ratios are 1 and nothing is clipped.
#[test]
fn the_first_minibatch_has_ratios_of_one() {
    let (world, statistics, config) = (world(), statistics(), config(1));
    let streams = Streams::new(3);
    for compute in [Compute::Cpu, Compute::Graph] {
        let network = first_network(&world, &statistics, &config.network, 4, &streams);
        let amounts = Amounts::new(&statistics, 4);
        let policy = NetworkPolicy { network: network.clone(), amounts };
        let played = episodes(&world, &policy, 300, &streams).unwrap();
        assert!(!played.log.events().is_empty());
        let rollout = played.rollout;
        let mut batch = Batch::new(&rollout, &network.architecture.head, 0.5, &streams);
        batch.advantages = (0..rollout.rows()).map(|i| (i as f32).sin()).collect();
        batch.returns = vec![0.0; rollout.rows()];
        batch.values = vec![0.0; rollout.rows()];
        let mut learner = compute.learner(&network).unwrap();
        let objective = Objective::Clipped {
            clip: 0.2,
            value_clip: None,
            entropy: 0.0,
            value: 0.5,
            anchor: 0.0,
        };
        for i in 0..batch.shuffle(4, "policy", 0, &streams) {
            let (_, seen) = learner.gradient(batch.minibatch(i, 4, true), &objective);
            assert!(seen.ratio_deviation < 1e-5, "{compute:?}: {}", seen.ratio_deviation);
            assert_eq!(seen.clip_fraction, 0.0);
            assert!(seen.kl.abs() < 1e-9);
        }
    }
}

/// Events per decision of the first policy against the log's, within 4.5 standard errors (false
/// alarm 1e-5; the heads' small random weights shift it by at most a twentieth).
#[test]
fn the_first_policy_has_the_external_base_rate() {
    let (world, statistics, config) = (world(), statistics(), config(1));
    let streams = Streams::new(4);
    let network = first_network(&world, &statistics, &config.network, 4, &streams);
    let policy = NetworkPolicy { network, amounts: Amounts::new(&statistics, 4) };
    let played = episodes(&world, &policy, 4_000, &streams).unwrap();
    let rows = played.rollout.rows() as f64;
    let external = 100.0 / (400.0 * f64::from(HORIZON) + 100.0);
    let internal = played.log.events().len() as f64 / rows;
    let error = (external * (1.0 - external) / rows).sqrt();
    assert!((internal - external).abs() < 4.5 * error + 0.05 * external, "{internal} {external}");
}

#[test]
fn settings_that_cannot_run_are_refused_by_name() {
    let field = |config: PpoCalibratorConfig| config.check().unwrap_err().0;
    let with = PpoCalibratorConfig::default;
    assert_eq!(field(PpoCalibratorConfig { iterations: 0, ..with() }), "iterations");
    assert_eq!(field(PpoCalibratorConfig { validation: 1.0, ..with() }), "validation");
    let none = NetworkConfig { hidden: vec![], ..NetworkConfig::default() };
    assert_eq!(field(PpoCalibratorConfig { network: none, ..with() }), "hidden");
    let start = Start::Cloning;
    assert_eq!(field(PpoCalibratorConfig { start, validation: 0.0, ..with() }), "validation");
    assert!(with().check().is_ok());
}

#[test]
#[cfg(not(feature = "cuda"))]
fn a_device_that_was_not_built_is_refused_before_training() {
    let refused = Err(Compute::Cuda.check().unwrap_err());
    let compute = Compute::Cuda;
    let cloning = CloningConfig { compute, ..CloningConfig::default() };
    assert_eq!(cloning.check(), refused);
    let ppo = PpoCalibratorConfig { compute, ..PpoCalibratorConfig::default() };
    assert_eq!(ppo.check(), refused);
    let ppo = PpoCalibratorConfig { cloning, ..PpoCalibratorConfig::default() };
    assert_eq!(ppo.check(), refused);
}

/// Rates at which nothing can be learnt: what is shipped is the start, and both calibrators say so.
#[test]
fn weights_that_were_never_trained_are_said_to_be() {
    let (log, statistics, streams) = (log(), statistics(), Streams::new(5));
    let (train, progress, checkpoints) = (Some(&log), &Silent, None);
    let brief = Brief { statistics: &statistics, train, streams, progress, checkpoints };
    let first = |bins: usize, network: &NetworkConfig| {
        weights::file(&first_network(&world(), &statistics, network, bins, &streams)).unwrap()
    };
    let small = NetworkConfig { hidden: vec![4], ..NetworkConfig::default() };

    let clone = |learning_rate| {
        let network = small.clone();
        let config = CloningConfig { learning_rate, network, epochs: 9, ..Default::default() };
        Cloning::new(config, world()).calibrate(&brief).unwrap()
    };
    let bad = clone(3.0);
    assert!(bad.remarks().untrained && bad.remarks().notes[0].contains("learning_rate (now 3)"));
    assert_eq!(bad.files(), [first(CloningConfig::default().amount_bins, &small)]);
    assert_eq!(clone(1e-3).remarks(), Remarks::default());

    let mut config = config(2);
    (config.validation, config.network) = (0.2, small.clone());
    config.update.learning_rate = 3.0;
    let bad = ppo(config.clone()).calibrate(&brief).unwrap();
    assert!(bad.remarks().untrained, "{:?}", bad.parameters());
    assert!(bad.remarks().notes[0].contains("worse than its start on validation users"));
    assert_eq!(bad.files(), [first(config.amount_bins, &small)]);
}

/// More minibatches than a rollout has rows, and rows that stand alone.
#[test]
fn minibatches_of_one_row_are_told() {
    let cut = |minibatches, rows| PpoConfig { minibatches, ..PpoConfig::default() }.cut(rows);
    assert_eq!(cut(8, 16), None);
    assert!(cut(64, 16).unwrap().contains("16 of one row"));
    assert!(cut(64, 65).unwrap().contains("33 of at most 2 rows"));
    assert!(cut(1, 1).unwrap().contains("learns nothing"));
    let plain = PpoConfig { minibatches: 16, normalise_advantages: false, ..Default::default() };
    assert_eq!(plain.cut(16), None);
}
