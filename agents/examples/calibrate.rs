//! Trains users on the embedded purchase log and prints how far they are from held-out users.
//!
//! `cargo run -p trueup-agents --example calibrate -- [ITERATIONS] [SEED]`

use std::error::Error;
use std::time::Instant;

use trueup_agents::calibrator::{Ppo, PpoCalibratorConfig, RewardSetting};
use trueup_agents::cloning::{Cloning, CloningConfig};
use trueup_agents::personas::{PersonasConfig, Uncalibrated};
use trueup_agents::step_reward::Witnessed;
use trueup_calibration::calibrator::{
    BgNbdCalibrator, Brief, CalibrationError, Calibrator, Progress, Scaling,
};
use trueup_calibration::evaluate::{PanelConfig, Run, evaluate};
use trueup_calibration::external::{load, split};
use trueup_calibration::reward::RewardConfig;
use trueup_calibration::statistics::Statistics;
use trueup_calibration::world::{WorldConfig, fit_world};
use trueup_env::Streams;

struct Lines;

impl Progress for Lines {
    fn iteration(&self, done: usize, total: usize, metrics: &[(&str, f64)]) -> bool {
        if done.is_multiple_of(5) {
            let text: Vec<String> = metrics.iter().map(|(k, v)| format!("{k} {v:.4}")).collect();
            println!("{done}/{total} {}", text.join(", "));
        }
        true
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let iterations =
        arguments.next().map_or(Ok(PpoCalibratorConfig::default().iterations), |a| a.parse())?;
    let seed = arguments.next().map_or(Ok(1), |a| a.parse())?;
    let streams = Streams::new(seed);

    let loaded = load("builtin:cdnow", None, "example")?;
    let halves = split(&loaded.log, 0.5, &streams)?;
    let statistics = Statistics::of(&halves.train);
    let world = fit_world(&WorldConfig::default(), &statistics)?;
    let terms = RewardConfig::default().build(&statistics)?.terms().to_vec();

    let personas = Uncalibrated::new(PersonasConfig::default(), world.clone());
    let config = PpoCalibratorConfig { iterations, ..PpoCalibratorConfig::default() };
    // The reward is built once the users to fit are known.
    let build = Box::new(|setting: &RewardSetting<'_>| {
        let reward = RewardConfig::default().build(setting.statistics).map_err(|error| {
            CalibrationError::Inner { calibrator: "ppo", source: Box::new(error) }
        })?;
        Ok(Box::new(Witnessed(reward)) as Box<_>)
    });
    let mut calibrators: Vec<Box<dyn Calibrator>> = vec![
        Box::new(Scaling::new(Box::new(personas.clone()))),
        Box::new(BgNbdCalibrator),
        Box::new(personas),
        Box::new(Cloning::new(CloningConfig::default(), world.clone())),
        Box::new(Ppo::new(config, world, build, serde_json::Value::Null)),
    ];
    let mut runs = Vec::new();
    for calibrator in &mut calibrators {
        let started = Instant::now();
        let name = calibrator.name();
        let brief = Brief {
            statistics: &statistics,
            train: Some(&halves.train),
            streams: streams.child(name, 0),
            progress: &Lines,
            checkpoints: None,
        };
        let simulator = calibrator.calibrate(&brief)?;
        println!("{name}: calibrated in {:.1} s", started.elapsed().as_secs_f64());
        let started = Instant::now();
        let users = halves.test.user_count();
        let logs: Result<Vec<_>, _> =
            (0..4).map(|i| simulator.simulate(users, &streams.child("evaluation", i))).collect();
        runs.push(Run { name: name.into(), logs: logs? });
        println!("{name}: simulated in {:.1} s", started.elapsed().as_secs_f64());
    }
    let started = Instant::now();
    let panels = evaluate(
        &runs,
        Some(&halves.train),
        &halves.test,
        &terms,
        &PanelConfig::default(),
        &streams.child("panel", 0),
    )?;
    println!("panel in {:.1} s", started.elapsed().as_secs_f64());
    for panel in &panels {
        println!(
            "\n{}: gap closed {:.3?}, unseen {:.3?}, C2ST {:.3?} (floor {:.3?}), excess {:.4?}",
            panel.name,
            panel.gap_closed,
            panel.gap_closed_unseen,
            panel.c2st_auc,
            panel.c2st_auc_floor,
            panel.mean_excess
        );
        for row in &panel.panel {
            println!(
                "  {:16} {:20} {:8.4} [{:.4}, {:.4}] floor {:.4} closed {:.2?}{}",
                row.feature,
                row.discrepancy,
                row.value,
                row.ci[0],
                row.ci[1],
                row.floor,
                row.gap_closed,
                if row.optimised { " *" } else { "" }
            );
        }
        println!("  told by {:.3?}", panel.c2st_importance);
    }
    Ok(())
}
