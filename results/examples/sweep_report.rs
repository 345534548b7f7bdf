//! Writes the folder of a made-up sweep and its report, so that the page can be looked at without
//! hours of training: `cargo run -p trueup-results --example sweep_report -- FOLDER [SEEDS]`.
//!
//! Three rewards by four discrepancies, with 30 seeds unless told otherwise: 360 runs, of which some
//! failed and one was pruned.

#[path = "../tests/made_up_sweep/mod.rs"]
mod made_up_sweep;

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap_or_else(|| "runs/made-up-sweep".to_owned());
    let seeds = arguments.next().map_or(Ok(30), |seeds| seeds.parse())?;
    let folder = PathBuf::from(folder);
    made_up_sweep::write(&folder, seeds)?;
    println!("{}", trueup_results::write_sweep_report(&folder)?.display());
    Ok(())
}
