//! How long the search for copied users takes, and how much memory.
//!
//! `cargo run -p trueup-calibration --example closest_record -- 100000 12` draws as many simulated,
//! training and held-out users with as many features, and prints seconds, peak memory and verdict.

use std::time::Instant;

use trueup_calibration::privacy::{Privacy, PrivacyConfig, PrivacyError};
use trueup_calibration::sample::{Sample, Shape};
use trueup_env::Streams;

fn users(side: u64, users: usize, width: usize) -> Sample {
    let mut stream = Streams::new(1).stream("users", side);
    let values = (0..users * width).map(|_| stream.uniform() + stream.uniform()).collect();
    let user = (0..users as u32).collect();
    Sample { shape: Shape::Vector, width, values, user, users, categories: 0 }
}

/// The most memory that the process has held, in MiB, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}

fn main() -> Result<(), PrivacyError> {
    let mut numbers = std::env::args().skip(1).filter_map(|word| word.parse().ok());
    let (n, width) = (numbers.next().unwrap_or(20_000), numbers.next().unwrap_or(12));
    let [simulated, train, holdout] = [0, 1, 2].map(|side| users(side, n, width));
    println!("{n} users a side, {width} features; {:?} MiB before", peak_memory());
    let start = Instant::now();
    let config = PrivacyConfig::default();
    let found = Privacy::of(&simulated, &train, &holdout, &config, &Streams::new(1))?;
    println!("{:.1} s, peak {:?} MiB", start.elapsed().as_secs_f64(), peak_memory());
    println!("{}", found.words);
    Ok(())
}
