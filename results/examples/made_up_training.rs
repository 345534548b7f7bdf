//! Writes a run directory with the report of a made-up training run, so that its page can be looked
//! at without one: `cargo run -p trueup-results --example made_up_training -- FOLDER`.

use std::collections::BTreeMap;
use std::path::Path;

use trueup_env::{Stream, Streams};
use trueup_results::metrics::{
    APPROXIMATE_KL, CLIP_FRACTION, ENTROPY, ENV_STEPS, EXPLAINED_VARIANCE, RETURN, VALUE_LOSS,
};
use trueup_results::{
    Metric, MetricsWriter, Provenance, ProvenanceInput, RunDirectory, SeedFailure, SeedResult,
    State, TrainingSummary, write_training_report,
};

type Failure = Box<dyn std::error::Error>;

const ITERATIONS: u64 = 240;
const STEPS: u64 = 2048;

/// Learns along a logistic curve, with noise that fades; returns what the last episodes returned.
fn train(seed: u64, until: u64, metrics: &mut MetricsWriter) -> Result<f64, Failure> {
    let mut stream: Stream = Streams::new(seed).stream("made up", 0);
    let (middle, mut last) = (60.0 + 12.0 * seed as f64, 0.0);
    for iteration in 1..=until {
        let t = iteration as f64;
        let learnt = 1.0 / (1.0 + (-(t - middle) / 14.0).exp());
        let noise = stream.uniform() - 0.5;
        last = (20.0 + 480.0 * learnt + 60.0 * noise * (1.0 - learnt * 0.8)).min(500.0);
        let values = [
            (ENV_STEPS, (iteration * STEPS) as f64),
            (RETURN, last),
            (APPROXIMATE_KL, 0.004 + 0.006 * (1.0 - learnt) + 0.004 * noise.abs()),
            (CLIP_FRACTION, 0.03 + 0.12 * (1.0 - t / 300.0) + 0.04 * noise),
            (ENTROPY, 0.69 - 0.2 * learnt + 0.02 * noise),
            (EXPLAINED_VARIANCE, 0.95 - 0.9 * (-t / 25.0).exp() + 0.05 * noise),
            (VALUE_LOSS, 90.0 * learnt * (1.3 - t / 300.0) + 8.0 * (noise + 0.5)),
        ];
        // No episode has finished in the first iterations.
        let known = values.iter().filter(|(name, _)| *name != RETURN || iteration > 3);
        let values: BTreeMap<_, _> = known.map(|&(name, v)| (name.to_owned(), v)).collect();
        let (calibrator, seed) = ("ppo".to_owned(), Some(seed));
        metrics.append(&Metric { calibrator, seed, iteration, total: ITERATIONS, values })?;
    }
    Ok(last)
}

fn main() -> Result<(), Failure> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "runs/made-up-training".to_owned());
    let run = RunDirectory::create_at(Path::new(&folder))?;
    let mut metrics = run.metrics()?;
    let mut seeds = Vec::new();
    for seed in 1..=4 {
        let last = train(seed, ITERATIONS, &mut metrics)?;
        seeds.push(SeedResult {
            seed,
            steps: ITERATIONS * STEPS,
            last_100_return: Some(last),
            evaluation_return: Some((last + 6.0).min(500.0)),
            evaluation_sd: Some(31.0 - seed as f64),
            evaluation_episodes: 100,
            seconds: 41.0 + seed as f64,
            steps_per_second: (ITERATIONS * STEPS) as f64 / (41.0 + seed as f64),
        });
    }
    let _ = train(5, 90, &mut metrics)?;
    let reason = "the loss is not finite in iteration 91: lower learning_rate".to_owned();
    let config = "name = \"cartpole\"\n";
    run.write("config.toml", config.as_bytes())?;
    run.write_json(
        "summary.json",
        &TrainingSummary {
            name: "cartpole".into(),
            task: "CartPole-v1".into(),
            solved_at: Some(475.0),
            seeds,
            failed: vec![SeedFailure { seed: 5, reason }],
            seconds: 201.0,
            ..TrainingSummary::default()
        },
    )?;
    let seeds = (1..=5).map(|seed| ("training".to_owned(), seed)).collect();
    let known = ProvenanceInput { config: config.into(), seeds, threads: 2, data: Vec::new() };
    run.write_json("provenance.json", &Provenance::collect(known))?;
    let report = write_training_report(run.path())?;
    run.finish(State::Done, None)?;
    println!("{}", report.display());
    Ok(())
}
