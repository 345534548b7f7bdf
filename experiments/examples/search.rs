//! What searches are worth: how far from the minimum they end, beside random trials.
//!
//! `cargo run -p trueup --example search` prints, for each function, the mean over 20 seeds of
//! log10(best value - least value) after 100 trials, and the difference to random trials with its
//! 95% bootstrap interval over the seeds.

use trueup::config::{Document, Refused};
use trueup::search::{Assignment, Space, Told};

#[path = "../src/search/tests/benchmark.rs"]
mod benchmark;

const BUDGET: usize = 100;

fn main() -> Result<(), Refused> {
    println!("{:<20} {:<8} {:>8}   less than random [95% interval]", "function", "search", "log10");
    for problem in benchmark::problems() {
        let all = |kind: &str| -> Result<Vec<f64>, Refused> {
            let searcher = format!("kind = \"{kind}\"\nbudget = {BUDGET}");
            (1..=20).map(|seed| benchmark::regret(&problem, &searcher, seed)).collect()
        };
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let random = all("random")?;
        println!("{:<20} {:<8} {:>8.2}", problem.name, "random", mean(&random));
        let searchers = ["sobol", "tpe", "cmaes"].into_iter();
        for kind in searchers.filter(|kind| *kind != "cmaes" || problem.numeric) {
            let values = all(kind)?;
            let (gain, low, high) = benchmark::difference(&values, &random);
            println!(
                "{:<20} {kind:<8} {:>8.2}   {gain:.2} [{low:.2}, {high:.2}]",
                "",
                mean(&values)
            );
        }
    }
    Ok(())
}
