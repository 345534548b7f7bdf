//! What privacy costs: users trained on differentially private statistics of the embedded purchase
//! log, against users who were held out.
//!
//! `cargo run -p trueup-agents --example privacy -- [SEEDS] [ITERATIONS] [EPSILONS]`, such as
//! `1,2 60 0.1,1,inf`. Prints one line a statistics file: how much of the gap of uncalibrated users
//! is closed. `exact` are the statistics without histograms, `inf` the histograms without noise.

use std::error::Error;

use trueup_agents::calibrator::{Ppo, PpoCalibratorConfig, RewardSetting};
use trueup_agents::personas::{PersonasConfig, Uncalibrated};
use trueup_agents::step_reward::Witnessed;
use trueup_calibration::calibrator::{Brief, CalibrationError, Calibrator, Progress};
use trueup_calibration::evaluate::{PanelConfig, Run, evaluate};
use trueup_calibration::external::{Split, load, split};
use trueup_calibration::reward::RewardConfig;
use trueup_calibration::statistics::Statistics;
use trueup_calibration::statistics::privacy::{NoiseKey, PrivacyConfig, private};
use trueup_calibration::world::{WorldConfig, fit_world};
use trueup_env::{EventLog, Streams};

/// Public bounds of what a basket of CDs costs, in dollars.
const AMOUNTS: [f64; 2] = [1.0, 1000.0];

struct Silent;

impl Progress for Silent {
    fn iteration(&self, _done: usize, _total: usize, _metrics: &[(&str, f64)]) -> bool {
        true
    }
}

/// Statistics with a budget; `exact` means those of the log itself. The key is fixed so that the
/// study can be repeated: a file to hand over needs a secret one.
fn measure(train: &EventLog, budget: &str, seed: u64) -> Result<Statistics, Box<dyn Error>> {
    if budget == "exact" {
        return Ok(Statistics::of(train));
    }
    let epsilon: f64 = budget.parse()?;
    let epsilon = (epsilon != f64::INFINITY).then_some(epsilon);
    let config = PrivacyConfig { epsilon, ..PrivacyConfig::new(AMOUNTS) };
    Ok(private(train, &config, &NoiseKey::new(format!("study {seed}").as_bytes()))?)
}

/// Four logs of as many users as were held out.
fn simulated(
    name: &str,
    calibrator: &mut dyn Calibrator,
    statistics: &Statistics,
    users: usize,
    streams: &Streams,
) -> Result<Run, Box<dyn Error>> {
    let brief = Brief {
        statistics,
        train: None,
        streams: streams.child(calibrator.name(), 0),
        progress: &Silent,
        checkpoints: None,
    };
    let simulator = calibrator.calibrate(&brief)?;
    let logs: Result<Vec<_>, _> =
        (0..4).map(|i| simulator.simulate(users, &streams.child("evaluation", i))).collect();
    Ok(Run { name: name.into(), logs: logs? })
}

/// PPO on the default reward, from statistics alone.
fn trained(
    budget: &str,
    iterations: usize,
    halves: &Split,
    seed: u64,
) -> Result<Run, Box<dyn Error>> {
    let statistics = measure(&halves.train, budget, seed)?;
    let world = fit_world(&WorldConfig::default(), &statistics)?;
    let config = PpoCalibratorConfig { iterations, ..PpoCalibratorConfig::default() };
    let build = Box::new(|setting: &RewardSetting<'_>| {
        let reward = RewardConfig::default().build(setting.statistics).map_err(|error| {
            CalibrationError::Inner { calibrator: "ppo", source: Box::new(error) }
        })?;
        Ok(Box::new(Witnessed(reward)) as Box<_>)
    });
    let mut ppo = Ppo::new(config, world, build, serde_json::Value::Null);
    simulated(budget, &mut ppo, &statistics, halves.test.user_count(), &Streams::new(seed))
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let seeds = arguments.next().unwrap_or_else(|| "1".into());
    let iterations =
        arguments.next().map_or(Ok(PpoCalibratorConfig::default().iterations), |a| a.parse())?;
    let budgets = arguments.next().unwrap_or_else(|| "0.1,0.3,1,3,10,inf,exact".into());
    let loaded = load("builtin:cdnow", None, "example")?;
    println!("seed epsilon  closed unseen excess   C2ST  users events");
    for seed in seeds.split(',') {
        let seed: u64 = seed.parse()?;
        let streams = Streams::new(seed);
        let halves = split(&loaded.log, 0.5, &streams.child("split", 0))?;
        let exact = Statistics::of(&halves.train);
        let terms = RewardConfig::default().build(&exact)?.terms().to_vec();
        let world = fit_world(&WorldConfig::default(), &exact)?;
        let mut personas = Uncalibrated::new(PersonasConfig::default(), world);
        let users = halves.test.user_count();
        let before = simulated("personas", &mut personas, &exact, users, &streams)?;
        for budget in budgets.split(',') {
            let statistics = match measure(&halves.train, budget, seed) {
                Ok(statistics) => statistics,
                Err(error) => {
                    println!("{seed:4} {budget:>7}  {error}");
                    continue;
                }
            };
            let runs = vec![before.clone(), trained(budget, iterations, &halves, seed)?];
            let panels = evaluate(
                &runs,
                Some(&halves.train),
                &halves.test,
                &terms,
                &PanelConfig::default(),
                &streams.child("panel", 0),
            )?;
            for panel in panels.iter().filter(|panel| panel.name == budget) {
                let number = |value: Option<f64>| value.unwrap_or(f64::NAN);
                println!(
                    "{seed:4} {budget:>7}  {:6.3} {:6.3} {:6.4} {:6.3} {:6} {:6}",
                    number(panel.gap_closed),
                    number(panel.gap_closed_unseen),
                    number(panel.mean_excess),
                    number(panel.c2st_auc),
                    statistics.users,
                    statistics.events
                );
            }
        }
    }
    Ok(())
}
