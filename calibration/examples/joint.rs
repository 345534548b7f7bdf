//! Times the joint discrepancies on files of numbers, for `benches/peer_pot.py`, and prints the
//! value, the time and the peak memory.
//!
//! `joint NAME WIDTH INTERNAL EXTERNAL REPEATS`: NAME with parameters, files of little-endian
//! doubles, row after row.

use std::process::ExitCode;
use std::time::Instant;

use trueup_calibration::discrepancy::named;
use trueup_calibration::sample::{Sample, Shape};

fn read(path: &str, width: usize) -> Result<Sample, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    let values: Vec<f64> =
        bytes.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
    let users = values.len() / width.max(1);
    let user = (0..users as u32).collect();
    Ok(Sample { shape: Shape::Vector, width, values, user, users, categories: 0 })
}

/// Peak resident memory in MiB, where the system tells it.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
}

fn run(arguments: &[String]) -> Result<(), String> {
    let [name, width, internal, external, repeats] = arguments else {
        return Err("joint NAME WIDTH INTERNAL EXTERNAL REPEATS".into());
    };
    let width = width.parse().map_err(|_| format!("{width} is no number"))?;
    let repeats: usize = repeats.parse().map_err(|_| format!("{repeats} is no number"))?;
    let (internal, external) = (read(internal, width)?, read(external, width)?);
    let discrepancy = named(name).map_err(|error| error.to_string())?;
    for _ in 0..repeats {
        let start = Instant::now();
        let value = discrepancy.value(&internal, &external).map_err(|error| error.to_string())?;
        println!("{value:.12} {:.6}", start.elapsed().as_secs_f64());
    }
    println!("peak_mib {:.1}", peak_memory().unwrap_or(f64::NAN));
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
