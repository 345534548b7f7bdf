//! Writes the folder of a made-up sweep and its report, so that the page can be looked at without
//! hours of training:
//!
//! ```text
//! cargo run -p trueup-results --example sweep_report -- FOLDER [SEEDS]
//! cargo run -p trueup-results --example sweep_report -- FOLDER search [TRIALS]
//! ```
//!
//! Three rewards by four discrepancies, with 30 seeds unless told otherwise: 360 runs, of which some
//! failed and some were pruned. Or a search over eight axes, with 200 trials unless told otherwise.

#[path = "../tests/made_up_sweep/mod.rs"]
mod made_up_sweep;

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap_or_else(|| "runs/made-up-sweep".to_owned());
    let folder = PathBuf::from(folder);
    match arguments.next().as_deref() {
        Some("search") => {
            let trials = arguments.next().map_or(Ok(200), |trials| trials.parse())?;
            made_up_sweep::search::write(&folder, trials)?;
        }
        seeds => made_up_sweep::rewards::write(&folder, seeds.map_or(Ok(30), str::parse)?)?,
    }
    println!("{}", trueup_results::write_sweep_report(&folder)?.display());
    Ok(())
}
