//! Training on tasks of classic control.

use trueup_calibration::calibrator::Silent;

use super::*;

fn config(environment: &str) -> TaskConfig {
    TaskConfig {
        environment: environment.into(),
        total_steps: 6 * 8 * 64,
        checkpoint_every: 2,
        compute: Compute::Cpu,
        sampling: ControlConfig {
            environments: 8,
            steps: 64,
            normalise_observations: true,
            normalise_rewards: true,
            evaluate_every: 2,
            evaluation_episodes: 3,
        },
        network: NetworkConfig { hidden: vec![16, 16], ..NetworkConfig::default() },
        update: PpoConfig {
            minibatches: 4,
            gamma: 0.99,
            lambda: 0.95,
            value_epochs: 0,
            value_clip: Some(0.2),
            idle_share: 1.0,
            average: 0.0,
            ..PpoConfig::default()
        },
    }
}

fn train(config: &TaskConfig, seed: u64) -> TaskResult {
    config.train(Streams::new(seed), None, &Silent).unwrap()
}

/// Stops after a number of iterations.
struct StopAfter(usize);

impl Progress for StopAfter {
    fn iteration(&self, done: usize, _total: usize, metrics: &[(&str, f64)]) -> bool {
        assert!(metrics.iter().all(|(_, value)| value.is_finite()), "{metrics:?}");
        done < self.0
    }
}

#[test]
fn every_task_trains_to_the_same_bits_on_one_and_two_threads() {
    for (name, _) in TASKS {
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| train(&config(name), 3))
        };
        let (one, two) = (with(1), with(2));
        assert_eq!(one.weights().unwrap(), two.weights().unwrap(), "{name}");
        assert_eq!(one.evaluation, two.evaluation);
        assert_eq!(one.env_steps, 6 * 8 * 64);
        assert_ne!(one.network, train(&config(name), 4).network);
    }
}

/// Environments in the middle of episodes, normalisers, optimiser: all go on where they stood.
#[test]
fn resumed_is_as_if_never_stopped() {
    for name in ["CartPole-v1", "Pendulum-v1"] {
        let config = config(name);
        let whole = train(&config, 7);
        let folder = tempfile::tempdir().unwrap();
        for stop in [1, 3, 5] {
            let path = folder.path().join(format!("{stop}"));
            let stopped = config.train(Streams::new(7), Some(&path), &StopAfter(stop));
            assert!(matches!(stopped, Err(TaskError::Train(TrainError::Interrupted))));
            if stop == 5 {
                // Killed between two checkpoints.
                std::fs::remove_file(path.join("checkpoint-00000005.safetensors")).unwrap();
            }
            let resumed = config.train(Streams::new(7), Some(&path), &Silent).unwrap();
            assert_eq!(resumed.weights().unwrap(), whole.weights().unwrap(), "{name}, {stop}");
            assert_eq!(resumed.last_returns, whole.last_returns);
            assert_eq!(resumed.evaluation, whole.evaluation);
            assert_eq!(resumed.evaluation_sampled, whole.evaluation_sampled);
        }
    }
}

#[test]
fn a_checkpoint_of_another_task_or_network_is_refused_with_the_difference() {
    let folder = tempfile::tempdir().unwrap();
    let here = config("CartPole-v1");
    let _ = here.train(Streams::new(7), Some(folder.path()), &StopAfter(2));
    let refused = |config: TaskConfig, seed| {
        config.train(Streams::new(seed), Some(folder.path()), &Silent).unwrap_err().to_string()
    };
    let text = refused(config("Acrobot-v1"), 7);
    assert!(text.contains("CartPole-v1 there, Acrobot-v1 here"), "{text}");
    let network = NetworkConfig { hidden: vec![8], ..NetworkConfig::default() };
    let text = refused(TaskConfig { network, ..here.clone() }, 7);
    assert!(text.contains("[16, 16]") && text.contains("[8]"), "{text}");
    assert!(refused(here.clone(), 8).contains("another seed"));
    let update = PpoConfig { clip: 0.1, ..here.update.clone() };
    let text = refused(TaskConfig { update, ..here }, 7);
    assert!(text.contains("update.clip"), "{text}");
}

/// One copy, one step a rollout: no variance anywhere, fewer rows than minibatches.
#[test]
fn the_smallest_rollout_trains_and_all_figures_are_finite() {
    for name in ["CartPole-v1", "Pendulum-v1"] {
        let mut config = config(name);
        (config.sampling.environments, config.sampling.steps) = (1, 1);
        config.total_steps = 5;
        config.check().unwrap();
        let result = config.train(Streams::new(1), None, &StopAfter(usize::MAX)).unwrap();
        assert_eq!((result.env_steps, result.evaluation.len()), (5, 3));
        assert!(result.network.parameters.iter().all(|p| p.is_finite()), "{name}");
    }
}

/// A diverging optimisation is an error that names its cause, not NaN in a weights file.
#[test]
fn divergence_is_told() {
    let mut config = config("CartPole-v1");
    config.update.learning_rate = 1e30;
    let error = config.train(Streams::new(1), None, &Silent).unwrap_err().to_string();
    assert!(error.contains("not finite") && error.contains("learning_rate"), "{error}");
}

#[test]
fn settings_that_cannot_run_are_refused_by_name() {
    let field = |config: TaskConfig| config.check().unwrap_err().0;
    let with = || config("CartPole-v1");
    assert_eq!(field(config("CartPole-v9")), "environment");
    assert_eq!(field(TaskConfig { total_steps: 0, ..with() }), "total_steps");
    let sampling = ControlConfig { steps: 0, ..ControlConfig::default() };
    assert_eq!(field(TaskConfig { sampling, ..with() }), "steps");
    if cfg!(not(feature = "cuda")) {
        assert_eq!(field(TaskConfig { compute: Compute::Cuda, ..with() }), "compute");
    }
    assert!(with().check().is_ok());
}
