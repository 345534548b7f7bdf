//! How long it takes to read many runs.
//!
//! ```text
//! cargo run -p trueup-results --example index_speed -- 10000
//! ```
//!
//! Makes that many small run directories in a temporary folder, half of them in sweeps, and prints
//! the seconds to read them all and pick those with one value in their config.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Instant;

use serde_json::json;
use trueup_results::index::{Filter, runs};

fn main() -> Result<(), Box<dyn Error>> {
    let count: usize = std::env::args().nth(1).map_or(Ok(10_000), |n| n.parse())?;
    let root = tempfile::tempdir()?;
    for run in 0..count {
        let path = match run % 2 {
            0 => format!("plain-{run}"),
            _ => format!("sweep-{}/runs/{:06x}/{}", run / 1000, run / 10, run % 10),
        };
        if run % 1000 == 1 {
            let sweep = root.path().join(format!("sweep-{}", run / 1000));
            fs::create_dir_all(&sweep)?;
            fs::write(sweep.join("plan.jsonl"), "{}\n")?;
        }
        write(&root.path().join(path), run)?;
    }
    let start = Instant::now();
    let values = vec![("calibrators.ppo.learning_rate".to_owned(), "0.003".to_owned())];
    let found = runs(root.path(), &Filter { values, ..Filter::default() })?.len();
    println!("{count} runs read in {:.3} s; {found} found", start.elapsed().as_secs_f64());
    Ok(())
}

/// A run with a config of a hundred values and a panel of forty metrics.
fn write(folder: &Path, run: usize) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    let status = json!({ "state": "done", "pid": 1, "host": "a", "boot": "b",
        "started": "2026-01-01T00:00:00Z", "ended": "2026-01-01T00:01:00Z", "message": null });
    fs::write(folder.join("status.json"), status.to_string())?;
    let rate = (run % 10) as f64 / 1000.0;
    let mut config =
        format!("seed = {run}\n[[calibrators]]\nname = \"ppo\"\nlearning_rate = {rate}\n");
    (0..97).for_each(|key| config += &format!("key_{key} = {key}\n"));
    fs::write(folder.join("config.toml"), config)?;
    let metric = json!({ "feature": "gap", "level": "gap", "discrepancy": "wasserstein-1",
        "unit": "", "value": 0.123_456_789, "ci": [0.1, 0.2], "floor": 0.01,
        "floor_ci": [0.0, 0.02], "before": 1.0, "gap_closed": 0.9, "optimised": false,
        "feature_rewarded": false });
    let calibrator = json!({ "name": "ppo", "gap_closed": 0.9, "gap_closed_ci": [0.8, 0.95],
        "mean_excess": 0.1, "c2st_auc": 0.6, "c2st_auc_ci": [0.5, 0.7], "panel": vec![metric; 40] });
    let summary = json!({ "name": "speed", "seed": run, "dataset": "builtin:cdnow",
        "env_steps": 1000, "seconds": 1.0, "calibrators": [calibrator] });
    fs::write(folder.join("summary.json"), summary.to_string())?;
    Ok(())
}
