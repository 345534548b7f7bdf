//! Writes a run directory with a report from made-up users, so that plots and page can be looked at
//! without a run: `cargo run -p trueup-results --example made_up_report -- FOLDER`.
//!
//! Users are drawn from gamma-distributed rates and log-normal amounts; three "calibrators" get the
//! parameters wrong by less and less. The panel is computed from the logs, so the numbers are real
//! numbers of made-up users. Names are Korean, to show the embedded font.

use std::collections::BTreeMap;
use std::path::Path;

use trueup_calibration::evaluate::{PanelConfig, Run, evaluate};
use trueup_calibration::privacy::{Privacy, PrivacyConfig};
use trueup_env::{Clock, Covariates, Event, EventLog, Stream, Streams, Tick};
use trueup_results::metrics::{DISCREPANCY, ENV_STEPS};
use trueup_results::{
    CalibratorPrivacy, DataSource, Metric, Provenance, ProvenanceInput, ReportInput, RunDirectory,
    Series, State, Summary, write_report,
};

type Failure = Box<dyn std::error::Error>;

/// What makes users differ: mean events a user, spread of rates, mean and spread of log amounts,
/// share of that spread between users, probabilities of the kinds.
struct World {
    rate: f64,
    rate_sd: f64,
    amount: f64,
    amount_sd: f64,
    between: f64,
    kinds: [f64; 4],
}

const KINDS: [&str; 4] = ["입금", "출금", "이체", "카드 결제"];
const REAL: World = World {
    rate: 3.0,
    rate_sd: 1.1,
    amount: 10.3,
    amount_sd: 1.2,
    between: 0.4,
    kinds: [0.15, 0.2, 0.15, 0.5],
};

fn normal(stream: &mut Stream) -> f64 {
    // Box and Muller (1958).
    let radius = (-2.0 * stream.uniform().max(1e-12).ln()).sqrt();
    radius * (std::f64::consts::TAU * stream.uniform()).cos()
}

fn log(world: &World, users: u32, streams: &Streams) -> Result<EventLog, Failure> {
    let mut events = Vec::new();
    for user in 0..users {
        let mut stream = streams.stream("user", user.into());
        let spread = world.rate_sd;
        let rate = world.rate * (spread * normal(&mut stream) - spread * spread / 2.0).exp();
        let own = world.amount_sd * world.between.sqrt() * normal(&mut stream);
        for tick in 0..52 {
            if stream.uniform() < (rate / 52.0).min(0.9) {
                let within = world.amount_sd * (1.0 - world.between).sqrt();
                let amount = (world.amount + own + within * normal(&mut stream)).exp();
                let mut draw = stream.uniform();
                let kind = world.kinds.iter().position(|share| {
                    draw -= share;
                    draw < 0.0
                });
                let kind = kind.unwrap_or(0) as u16;
                let amount = (amount / 100.0).round() * 100.0;
                events.push((user, Event { tick, kind, amount, balance: f64::NAN }));
            }
        }
    }
    let clock = Clock { tick: Tick::Week, horizon: 52, start_day: Some(20_454) };
    let kinds = KINDS.map(str::to_owned).to_vec();
    let names = (0..users).map(|user| format!("{user:05}")).collect();
    Ok(EventLog::new(clock, kinds, names, events, Covariates::default())?)
}

fn main() -> Result<(), Failure> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "runs/made-up".to_owned());
    let streams = Streams::new(7);
    let train = log(&REAL, 1500, &streams.child("train", 0))?;
    let test = log(&REAL, 1500, &streams.child("test", 0))?;
    let worlds = [
        (
            "페르소나",
            World { rate: 6.0, rate_sd: 0.3, amount: 9.2, kinds: [0.4, 0.3, 0.2, 0.1], ..REAL },
        ),
        (
            "scaling",
            World { rate: 3.1, rate_sd: 0.5, between: 0.1, kinds: [0.4, 0.3, 0.2, 0.1], ..REAL },
        ),
        ("bgnbd", World { rate_sd: 0.9, amount_sd: 1.0, between: 0.65, kinds: [0.25; 4], ..REAL }),
        (
            "ppo",
            World {
                rate: 2.9,
                rate_sd: 1.05,
                between: 0.35,
                kinds: [0.14, 0.21, 0.17, 0.48],
                ..REAL
            },
        ),
    ];
    let mut runs = Vec::new();
    for (i, (name, world)) in worlds.iter().enumerate() {
        let logs = (0..2)
            .map(|seed| log(world, 1500, &streams.child(name, i as u64 * 10 + seed)))
            .collect::<Result<Vec<_>, _>>()?;
        runs.push(Run { name: (*name).to_owned(), logs });
    }
    let panel =
        PanelConfig { replicates: 50, before: "페르소나".into(), ..PanelConfig::default() };
    let calibrators =
        evaluate(&runs, Some(&train), &test, &[], &panel, &streams.child("panel", 0))?;
    let sides: Vec<_> = runs.iter().map(|r| (r.name.as_str(), r.logs.iter().collect())).collect();
    let series = Series::of("실제 고객", &test, &sides);

    let privacy = |run: &Run| {
        let config = PrivacyConfig::default();
        let privacy =
            Privacy::of_logs(&run.logs[0], &train, &test, &config, &streams.child("privacy", 0))?;
        Ok(CalibratorPrivacy { name: run.name.clone(), privacy })
    };
    let privacy = runs.iter().map(privacy).collect::<Result<Vec<_>, Failure>>()?;

    let run = RunDirectory::create_at(Path::new(&folder))?;
    let config = "name = \"한국 은행 예시\"\nseed = 7\n";
    run.write("config.toml", config.as_bytes())?;
    run.write(
        "account.txt",
        "9 512 rows read, 9 480 kept\n  32 dropped: amount missing\n".as_bytes(),
    )?;
    let mut metrics = run.metrics()?;
    for iteration in 0..120u64 {
        let t = iteration as f64;
        let value = 0.03 + 0.45 * (-t / 22.0).exp() + 0.01 * (t * 0.9).sin();
        let values =
            BTreeMap::from([(DISCREPANCY.to_owned(), value), (ENV_STEPS.to_owned(), t * 26_624.0)]);
        let calibrator = "ppo".to_owned();
        metrics.append(&Metric { calibrator, seed: None, iteration, total: 120, values })?;
    }
    run.write_series(&series)?;
    run.write_json(
        "summary.json",
        &Summary {
            name: "한국 은행 예시".into(),
            seed: 7,
            dataset: "made-up users".into(),
            train_users: 1500,
            test_users: 1500,
            env_steps: 3_194_880,
            seconds: 181.0,
            calibrators,
            privacy,
            ..Summary::default()
        },
    )?;
    run.write_json(
        "provenance.json",
        &Provenance::collect(ProvenanceInput {
            config: config.to_owned(),
            seeds: vec![("run".into(), 7)],
            data: vec![DataSource { source: "made-up users".into(), sha256: "none".into() }],
            threads: 2,
        }),
    )?;
    let report = write_report(run.path(), &ReportInput::read(run.path())?)?;
    run.finish(State::Done, None)?;
    println!("{}", report.display());
    Ok(())
}
