//! Times the one-dimensional distances of two files of little-endian doubles: the median of some
//! repetitions in milliseconds, and the values. `benches/peer_scipy.py` runs it beside scipy.
//!
//! `time_distances INTERNAL EXTERNAL REPEATS`

use std::error::Error;
use std::time::Instant;

use trueup_calibration::discrepancy::{
    DiscrepancyError, Weighted, energy, kolmogorov_smirnov, wasserstein,
};

type Distance = fn(Weighted<'_>, Weighted<'_>) -> Result<f64, DiscrepancyError>;

const DISTANCES: [(&str, Distance); 3] = [
    ("kolmogorov-smirnov", kolmogorov_smirnov::distance),
    ("wasserstein-1", wasserstein::distance),
    ("energy", energy::distance),
];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [internal, external, repeats] = &arguments[..] else {
        return Err("usage: time_distances INTERNAL EXTERNAL REPEATS".into());
    };
    let read = |path: &String| -> Result<Vec<f64>, Box<dyn Error>> {
        let bytes = std::fs::read(path)?;
        let words = bytes.chunks_exact(8);
        Ok(words.map(|word| f64::from_le_bytes(std::array::from_fn(|i| word[i]))).collect())
    };
    let (u, v) = (read(internal)?, read(external)?);
    let repeats: usize = repeats.parse()?;
    for (name, distance) in DISTANCES {
        let mut times = Vec::with_capacity(repeats);
        let mut value = 0.0;
        for _ in 0..repeats.max(1) {
            let start = Instant::now();
            value = distance(Weighted::equal(&u), Weighted::equal(&v))?;
            times.push(1e3 * start.elapsed().as_secs_f64());
        }
        times.sort_by(f64::total_cmp);
        println!("{name} {} {value}", times[times.len() / 2]);
    }
    Ok(())
}
