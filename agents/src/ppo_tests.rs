//! The trainer in a small world whose best behaviour is known.

use std::sync::Arc;

use trueup_calibration::calibrator::Progress;
use trueup_calibration::reward::{RewardError, Term};
use trueup_env::{Event, EventLog, History, Payment};

use super::*;
use crate::test_world::{HORIZON, statistics, world};

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

    fn refit(&mut self, internal: &EventLog) -> Result<Arc<dyn Payment>, RewardError> {
        let mut total = 0.0;
        for user in 0..internal.user_count() {
            trueup_env::replay(&LateAndLarge, internal.events_of(user), |pay| total += pay);
        }
        self.0 = total / internal.user_count() as f64;
        Ok(Arc::new(LateAndLarge))
    }

    fn discrepancy(&self) -> f64 {
        self.0
    }
}

fn config(iterations: usize) -> PpoConfig {
    PpoConfig {
        iterations,
        users: 300,
        hidden: vec![16],
        amount_bins: 4,
        learning_rate: 1e-2,
        idle_share: 0.5,
        average: 0.5,
        ..PpoConfig::default()
    }
}

/// Mean pay per user of the shipped policy, and its weights file.
fn train(iterations: usize, seed: u64) -> (f64, Vec<u8>) {
    let statistics = statistics();
    let brief = Brief {
        statistics: &statistics,
        train: None,
        streams: Streams::new(seed),
        progress: &trueup_calibration::calibrator::Silent,
    };
    let mut ppo = Ppo::new(config(iterations), world(), Box::new(Fixed(0.0)));
    let simulator = ppo.calibrate(&brief).unwrap();
    let log = simulator.simulate(500, &Streams::new(99)).unwrap();
    let mut reward = Fixed(0.0);
    reward.refit(&log).unwrap();
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

/// Before any step the new policy is the old one: ratios are 1 and nothing is clipped.
#[test]
fn the_first_minibatch_has_ratios_of_one() {
    let device = Device::flex().autodiff();
    let (world, statistics) = (world(), statistics());
    let ppo = Ppo::new(config(1), world.clone(), Box::new(Fixed(0.0)));
    let streams = Streams::new(3);
    let policy = ppo.first_policy(&statistics, &streams, &device);
    let (rollout, log) = Rollout::collect(&world, &policy.for_inference(), 300, &streams).unwrap();
    assert!(!log.events().is_empty());
    let mut batch = Batch::new(&rollout, &policy.architecture, 0.5, &streams);
    batch.advantages = (0..rollout.rows()).map(|i| (i as f32).sin()).collect();
    for part in batch.shuffled(4, "policy", 0, &streams) {
        let (_, seen) = batch.policy_loss(&policy.network, &part, 0.2, 0.0, &device);
        assert!(seen.ratio_deviation < 1e-5, "{}", seen.ratio_deviation);
        assert_eq!(seen.clip_fraction, 0.0);
        assert!(seen.kl.abs() < 1e-9);
    }
}

/// Events per decision of the first policy against the log's, within 4.5 standard errors (false
/// alarm 1e-5; the heads' small random weights shift it by at most a twentieth).
#[test]
fn the_first_policy_has_the_external_base_rate() {
    let device = Device::flex().autodiff();
    let (world, statistics) = (world(), statistics());
    let ppo = Ppo::new(config(1), world.clone(), Box::new(Fixed(0.0)));
    let streams = Streams::new(4);
    let policy = ppo.first_policy(&statistics, &streams, &device);
    let users = 4_000;
    let (rollout, log) =
        Rollout::collect(&world, &policy.for_inference(), users, &streams).unwrap();
    let external = 100.0 / (400.0 * f64::from(HORIZON) + 100.0);
    let internal = log.events().len() as f64 / rollout.rows() as f64;
    let error = (external * (1.0 - external) / rollout.rows() as f64).sqrt();
    assert!((internal - external).abs() < 4.5 * error + 0.05 * external, "{internal} {external}");
}

/// The gradient of the whole loss against central differences along its own direction, the
/// steepest there is: relative error below 1e-2, which is what f32 sums over these rows allow.
#[test]
fn the_gradient_agrees_with_finite_differences() {
    let device = Device::flex().autodiff();
    let (world, statistics) = (world(), statistics());
    let ppo = Ppo::new(config(1), world.clone(), Box::new(Fixed(0.0)));
    let streams = Streams::new(5);
    let policy = ppo.first_policy(&statistics, &streams, &device);
    let (rollout, _) = Rollout::collect(&world, &policy.for_inference(), 300, &streams).unwrap();
    let mut batch = Batch::new(&rollout, &policy.architecture, 0.5, &streams);
    batch.advantages = (0..rollout.rows()).map(|i| (i as f32 * 0.37).sin()).collect();
    batch.returns = (0..rollout.rows()).map(|i| (i as f32 * 0.11).cos()).collect();
    let part = batch.shuffled(1, "policy", 0, &streams).remove(0);
    let loss = |network: &ActorCritic| {
        let (policy_loss, _) = batch.policy_loss(network, &part, 0.2, 0.01, &device);
        policy_loss + batch.value_loss(network, &part, &device) * 0.5
    };
    let value =
        |network: &ActorCritic| -> f64 { loss(network).into_data().iter::<f64>().next().unwrap() };
    // A plain gradient step of length h moves the loss by -h |g| on the one side, +h |g| on the
    // other; SGD with a negative rate is the other side.
    let step = |rate: f64| {
        let gradients =
            GradientsParams::from_grads(loss(&policy.network).backward(), &policy.network);
        let mut optimizer = burn::optim::SgdConfig::new().init();
        optimizer.step(rate, policy.network.clone(), gradients)
    };
    let gradients = GradientsParams::from_grads(loss(&policy.network).backward(), &policy.network);
    let (_, norm) = clip_global_norm(&policy.network, gradients, f32::INFINITY);
    let h = 1e-2 / norm;
    let slope = (value(&step(-h)) - value(&step(h))) / (2.0 * h);
    assert!((slope / (norm * norm) - 1.0).abs() < 1e-2, "{slope} against {}", norm * norm);
}

/// Asked to stop, the trainer stops.
#[test]
fn an_interrupt_ends_the_run() {
    struct Stop;
    impl Progress for Stop {
        fn iteration(&self, done: usize, _total: usize, _metrics: &[(&str, f64)]) -> bool {
            done < 2
        }
    }
    let statistics = statistics();
    let brief =
        Brief { statistics: &statistics, train: None, streams: Streams::new(1), progress: &Stop };
    let mut ppo = Ppo::new(config(5), world(), Box::new(Fixed(0.0)));
    assert!(matches!(ppo.calibrate(&brief), Err(CalibrationError::Interrupted)));
}

#[test]
fn settings_that_cannot_run_are_refused_by_name() {
    let field = |config: PpoConfig| config.check().unwrap_err().0;
    assert_eq!(field(PpoConfig { iterations: 0, ..PpoConfig::default() }), "iterations");
    assert_eq!(field(PpoConfig { hidden: vec![], ..PpoConfig::default() }), "hidden");
    assert_eq!(
        field(PpoConfig { learning_rate: f64::NAN, ..PpoConfig::default() }),
        "learning_rate"
    );
    assert_eq!(field(PpoConfig { lambda: 1.5, ..PpoConfig::default() }), "lambda");
    assert_eq!(field(PpoConfig { idle_share: 0.0, ..PpoConfig::default() }), "idle_share");
    assert!(PpoConfig::default().check().is_ok());
}
