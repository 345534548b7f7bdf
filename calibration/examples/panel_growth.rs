//! How the time of a panel grows with users, bootstrap replicates and relabellings.
//!
//! ```text
//! cargo run -p trueup-calibration --example panel_growth [FOLDER]
//! ```
//!
//! writes two tables and prints them:
//!
//! - `panel_growth.csv`: seconds of one evaluation (one calibrator, one seed, with the classifier
//!   test) of the standard and the full panel, the median of three;
//! - `metric_seconds.csv`: seconds of each metric alone, its value and 200 replicates on all users,
//!   slowest first.
//!
//! The log is that of CDNOW; users beyond those that it has are drawn from it with replacement, and so
//! is the stand-in for a simulation.

use std::error::Error;
use std::fmt::Write;
use std::path::PathBuf;
use std::time::Instant;

use trueup_calibration::discrepancy::DISCREPANCIES;
use trueup_calibration::evaluate::bootstrap::{Measured, median, weights};
use trueup_calibration::evaluate::{Breadth, PanelConfig, Run, evaluate};
use trueup_calibration::external::{load, split};
use trueup_calibration::features::{FEATURES, user_vectors};
use trueup_calibration::panel::USER_VECTOR;
use trueup_calibration::sample::{Sample, Shape};
use trueup_env::{EventLog, Streams};

/// Users a side, replicates and relabellings; the middle one is what a run does.
const SETTINGS: &[(usize, usize, usize)] = &[
    (1_000, 200, 200),
    (2_500, 200, 200),
    (5_000, 200, 200),
    (11_785, 200, 200),
    (5_000, 50, 200),
    (5_000, 800, 200),
    (5_000, 200, 0),
    (5_000, 200, 800),
];

/// Times that each is measured.
const REPEATS: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".into()));
    let log = load("builtin:cdnow", None, "panel growth")?.log;
    let halves = split(&log, 0.5, &Streams::new(1))?;

    let mut table = String::from("panel,users,replicates,permutations,metrics,seconds\n");
    print!("{table}");
    for (breadth, name) in [(Breadth::Standard, "standard"), (Breadth::Full, "full")] {
        for &(users, replicates, permutations) in SETTINGS {
            let [train, test, simulated] = [&halves.train, &halves.test, &halves.train]
                .map(|log| drawn(log, users, replicates as u64));
            let runs = [Run { name: "simulation".into(), logs: vec![simulated] }];
            let config =
                PanelConfig { panel: breadth, replicates, permutations, ..PanelConfig::default() };
            let (mut seconds, mut metrics) = (Vec::new(), 0);
            for _ in 0..REPEATS {
                let start = Instant::now();
                let panels = evaluate(&runs, Some(&train), &test, &[], &config, &Streams::new(3))?;
                seconds.push(start.elapsed().as_secs_f64());
                metrics = panels.first().map_or(0, |panel| panel.panel.len());
            }
            let seconds = median(&seconds).unwrap_or(f64::NAN);
            let row = format!("{name},{users},{replicates},{permutations},{metrics},{seconds:.3}");
            println!("{row}");
            writeln!(table, "{row}")?;
        }
    }
    std::fs::write(folder.join("panel_growth.csv"), &table)?;

    let table = metric_seconds(&halves.train, &halves.test)?;
    print!("\n{table}");
    std::fs::write(folder.join("metric_seconds.csv"), &table)?;
    Ok(())
}

/// `users` users of a log: the first ones, or all and then some drawn with replacement.
fn drawn(log: &EventLog, users: usize, index: u64) -> EventLog {
    let mut stream = Streams::new(2).stream("users", index);
    let own = log.user_count();
    let pick = |user: usize| if user < own { user } else { stream.below(own) };
    log.select(&(0..users).map(pick).collect::<Vec<_>>())
}

fn metric_seconds(train: &EventLog, test: &EventLog) -> Result<String, Box<dyn Error>> {
    let [left, right] = [(train, 4), (test, 5)]
        .map(|(log, seed)| weights(log.user_count(), 200, &Streams::new(seed)));
    let mut rows: Vec<(f64, String)> = Vec::new();
    let mut measure = |feature: &str, shape: Shape, sides: [Sample; 2]| {
        for discrepancy in DISCREPANCIES.iter().filter(|d| d.shape() == shape) {
            let start = Instant::now();
            let prepared = discrepancy.prepare(&sides[0], &sides[1]);
            let measured = prepared.ok().and_then(|p| Measured::of(p.as_ref(), &left, &right));
            if measured.is_some() {
                let name = format!("{feature},{}", discrepancy.name());
                rows.push((start.elapsed().as_secs_f64(), name));
            }
        }
    };
    for feature in FEATURES {
        measure(feature.name, feature.shape(), [feature.sample(train), feature.sample(test)]);
    }
    measure(USER_VECTOR, Shape::Vector, [user_vectors(train), user_vectors(test)]);
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut table = String::from("feature,discrepancy,seconds\n");
    for (seconds, name) in rows {
        writeln!(table, "{name},{seconds:.4}")?;
    }
    Ok(table)
}
