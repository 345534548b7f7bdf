//! Steps per second of the whole training loop, and where the time goes, as one line of JSON.
//!
//! `cargo run -p trueup-agents --example speed -- --setting s1|s2|finance [--compute cpu|graph]
//! [--iterations N] [--threads N]`
//!
//! `s1`: CartPole, 8 environments x 256 steps, 10 epochs, minibatches of 64. `s2`: 64 x 128, 4
//! epochs, minibatches of 2048. All else as Stable-Baselines3 has it by default. `finance`: 2,048
//! users of the embedded purchase log's world, the same network, the trainer's defaults.

use std::error::Error;
use std::sync::Mutex;
use std::time::Instant;

use trueup_agents::calibrator::{Ppo, PpoCalibratorConfig};
use trueup_agents::compute::Compute;
use trueup_agents::control::ControlConfig;
use trueup_agents::ppo::{NetworkConfig, PpoConfig};
use trueup_agents::step_reward::Witnessed;
use trueup_agents::task::TaskConfig;
use trueup_calibration::calibrator::{Brief, Calibrator, Progress};
use trueup_calibration::external::load;
use trueup_calibration::reward::RewardConfig;
use trueup_calibration::statistics::Statistics;
use trueup_calibration::world::{WorldConfig, fit_world};
use trueup_env::Streams;

// As in the program `trueup`: burn's graph allocates for every operation.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Notes the time after each iteration, and shares of it.
#[derive(Default)]
struct Clock(Mutex<Vec<(Instant, f64, [f64; 3])>>);

impl Progress for Clock {
    fn iteration(&self, _done: usize, _total: usize, metrics: &[(&str, f64)]) -> bool {
        let of = |name| metrics.iter().find(|(k, _)| *k == name).map_or(0.0, |(_, v)| *v);
        let shares = ["share_environment", "share_inference", "share_update"].map(of);
        if let Ok(mut times) = self.0.lock() {
            times.push((Instant::now(), of("env_steps"), shares));
        }
        true
    }
}

impl Clock {
    /// Steps, seconds and mean shares after the first iteration, which warms up.
    fn measured(&self) -> Option<(f64, f64, [f64; 3])> {
        let times = self.0.lock().ok()?;
        let (first, last) = (times.first()?, times.last()?);
        let seconds = (last.0 - first.0).as_secs_f64();
        let n = (times.len() - 1) as f64;
        let mean = |i: usize| times.iter().skip(1).map(|(.., s)| s[i]).sum::<f64>() / n;
        Some((last.1 - first.1, seconds, [mean(0), mean(1), mean(2)]))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let of = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)).cloned()
    };
    let setting = of("--setting").unwrap_or_else(|| "s1".into());
    let compute: Compute =
        serde_json::from_value(of("--compute").unwrap_or_else(|| "cpu".into()).into())?;
    let iterations = of("--iterations").map_or(Ok(20), |n| n.parse())?;
    if let Some(threads) = of("--threads") {
        rayon::ThreadPoolBuilder::new().num_threads(threads.parse()?).build_global()?;
    }
    let clock = Clock::default();
    match setting.as_str() {
        "s1" => control(8, 256, 10, 64, iterations, compute, &clock)?,
        "s2" => control(64, 128, 4, 2048, iterations, compute, &clock)?,
        "finance" => finance(iterations, compute, &clock)?,
        other => return Err(format!("unknown setting `{other}`: s1, s2 or finance").into()),
    }
    let (steps, seconds, shares) = clock.measured().ok_or("no iteration was made")?;
    let line = serde_json::json!({
        "setting": setting,
        "compute": compute,
        "threads": rayon::current_num_threads(),
        "steps": steps,
        "seconds": seconds,
        "steps_per_second": steps / seconds,
        "share_environment": shares[0],
        "share_inference": shares[1],
        "share_update": shares[2],
    });
    println!("{line}");
    Ok(())
}

fn control(
    environments: usize,
    steps: usize,
    epochs: usize,
    minibatch: usize,
    iterations: usize,
    compute: Compute,
    clock: &Clock,
) -> Result<(), Box<dyn Error>> {
    let rollout = environments * steps;
    let config = TaskConfig {
        environment: "CartPole-v1".into(),
        total_steps: (rollout * iterations) as u64,
        checkpoint_every: iterations,
        compute,
        sampling: ControlConfig {
            environments,
            steps,
            evaluation_episodes: 1,
            ..Default::default()
        },
        network: NetworkConfig::default(),
        update: PpoConfig {
            epochs,
            minibatches: rollout / minibatch,
            learning_rate: 3e-4,
            final_learning_rate_share: 1.0,
            gamma: 0.99,
            lambda: 0.95,
            value_epochs: 0,
            idle_share: 1.0,
            average: 0.0,
            ..PpoConfig::default()
        },
    };
    config.train(Streams::new(1), None, clock)?;
    Ok(())
}

fn finance(iterations: usize, compute: Compute, clock: &Clock) -> Result<(), Box<dyn Error>> {
    let log = load("builtin:cdnow", None, "speed")?.log;
    let statistics = Statistics::of(&log);
    let world = fit_world(&WorldConfig::default(), &statistics)?;
    let config = PpoCalibratorConfig { iterations, compute, ..Default::default() };
    let reward = Box::new(|setting: &trueup_agents::calibrator::RewardSetting<'_>| {
        let reward = RewardConfig::default().build(setting.statistics).map_err(|error| {
            let source = Box::new(error);
            trueup_calibration::calibrator::CalibrationError::Inner { calibrator: "ppo", source }
        })?;
        Ok(Box::new(Witnessed(reward)) as Box<_>)
    });
    let mut ppo = Ppo::new(config, world, reward, serde_json::Value::Null);
    let streams = Streams::new(1);
    // Statistics alone: no judgements, which are not part of the loop.
    let brief =
        Brief { statistics: &statistics, train: None, streams, progress: clock, checkpoints: None };
    ppo.calibrate(&brief)?;
    Ok(())
}
