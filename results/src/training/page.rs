//! The page: what the template fills in.

use std::path::Path;

use askama::Template;

use super::figures::Figures;
use super::{Input, SeedResult, TrainingSummary, words};
use crate::interval::mean_over_seeds;
use crate::report::{Cells, Figure, Table, Verdict, banner, count, provenance, repeat, style};

#[derive(Template)]
#[template(path = "training.html")]
pub(super) struct Page<'a> {
    kind: &'static str,
    title: String,
    subtitle: String,
    style: String,
    banner: Option<String>,
    verdict: Verdict,
    ranking: Table,
    learning: &'a Result<Figure, String>,
    inside: &'a [Figure],
    definitions: Vec<(&'static str, &'static str)>,
    config: Option<&'a str>,
    provenance: Vec<(&'static str, String)>,
    repeat: Vec<String>,
}

impl<'a> Page<'a> {
    pub fn new(folder: &Path, input: &'a Input, figures: &'a Figures) -> Self {
        let summary = &input.summary;
        let mut page = Self {
            kind: "Training report",
            title: summary.name.clone(),
            subtitle: words::subtitle(input),
            style: String::new(),
            banner: banner(input.status.as_ref()),
            verdict: words::verdict(summary),
            ranking: seeds(summary),
            learning: &figures.learning,
            inside: &figures.inside,
            definitions: words::definitions(summary),
            config: input.config.as_deref(),
            provenance: provenance(input.provenance.as_ref()),
            repeat: repeat(folder, input.provenance.as_ref(), input.config.is_some()),
        };
        page.style = style(&page);
        page
    }
}

/// One row a seed, and their mean.
fn seeds(summary: &TrainingSummary) -> Table {
    let columns = [
        "Seed",
        "Environment steps",
        "Return, last 100 training episodes",
        "Return, evaluation (standard deviation)",
        "Evaluation episodes",
        "Training, s",
        "Steps per second",
    ];
    let mut rows: Vec<Cells> = summary.seeds.iter().map(seed).collect();
    rows.extend(summary.failed.iter().map(|failure| Cells {
        head: failure.seed.to_string(),
        cells: std::iter::once("failed".to_owned()).chain(none(5)).collect(),
        strong: false,
    }));
    if summary.seeds.len() > 1 {
        rows.push(mean(&summary.seeds));
    }
    Table {
        caption: format!("Seeds on {}", summary.task),
        columns: columns.map(str::to_owned).to_vec(),
        rows,
        empty: "No seed gave a result.".to_owned(),
        open: true,
    }
}

fn none(cells: usize) -> impl Iterator<Item = String> {
    std::iter::repeat_n("–".to_owned(), cells)
}

fn seed(result: &SeedResult) -> Cells {
    let last = result.last_100_return.map_or_else(|| words::NO_EPISODE.to_owned(), words::points);
    let evaluation = match (result.evaluation_return, result.evaluation_sd) {
        (Some(mean), Some(sd)) => format!("{} ({})", words::points(mean), words::points(sd)),
        (Some(mean), None) => words::points(mean),
        (None, _) => words::NO_EPISODE.to_owned(),
    };
    Cells {
        head: result.seed.to_string(),
        cells: vec![
            count(result.steps),
            last,
            evaluation,
            count(result.evaluation_episodes as u64),
            format!("{:.1}", result.seconds.max(0.0)),
            count(result.steps_per_second.max(0.0) as u64),
        ],
        strong: false,
    }
}

fn mean(seeds: &[SeedResult]) -> Cells {
    let over = |value: fn(&SeedResult) -> Option<f64>| {
        let values: Vec<f64> = seeds.iter().filter_map(value).collect();
        mean_over_seeds(&values)
    };
    let plain = |value: fn(&SeedResult) -> Option<f64>| over(value).map_or(f64::NAN, |e| e.mean);
    let estimate = |value| over(value).map_or_else(|| "–".to_owned(), words::estimate);
    Cells {
        head: "Mean (95% interval)".to_owned(),
        cells: vec![
            count(plain(|s| Some(s.steps as f64)) as u64),
            estimate(|s| s.last_100_return),
            estimate(|s| s.evaluation_return),
            count(
                seeds.iter().map(|s| s.evaluation_episodes as u64).sum::<u64>()
                    / seeds.len() as u64,
            ),
            format!("{:.1}", plain(|s| Some(s.seconds)).max(0.0)),
            count(plain(|s| Some(s.steps_per_second)).max(0.0) as u64),
        ],
        strong: true,
    }
}
