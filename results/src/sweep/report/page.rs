//! The page: what the template fills in.

use askama::Template;

use super::compare::Rivals;
use super::data::Data;
use super::{Pictures, parallel, pruned, tables, verdict};
use crate::report::{Table, Verdict, count, provenance, repeat, style};
use crate::sweep::SWEEP_CONFIG;

const STYLE: &str = include_str!("../../../templates/sweep.css");

#[derive(Template)]
#[template(path = "sweep.html")]
pub(super) struct Page<'a> {
    kind: &'static str,
    title: &'a str,
    subtitle: String,
    style: String,
    banner: Option<String>,
    verdict: Verdict,
    ranking: Table,
    pictures: &'a Pictures,
    metrics: Table,
    lost: Table,
    pruned: Table,
    saved: Table,
    parallel: Table,
    axes: Table,
    definitions: &'static [(&'static str, &'static str)],
    config: Option<&'a str>,
    provenance: Vec<(&'static str, String)>,
    repeat: Vec<String>,
}

impl<'a> Page<'a> {
    pub fn new(data: &'a Data, rivals: Option<&Rivals<'_>>, pictures: &'a Pictures) -> Self {
        let mut page = Self {
            kind: "Sweep report",
            title: &data.plan.header.name,
            subtitle: subtitle(data),
            style: String::new(),
            banner: banner(data),
            verdict: verdict::of(data, rivals),
            ranking: tables::trials(data, rivals),
            pictures,
            metrics: tables::metrics(data),
            lost: tables::lost(data),
            pruned: pruned::trials(data),
            saved: pruned::saved(data),
            parallel: parallel::table(data),
            axes: tables::axes(data),
            definitions: DEFINITIONS,
            config: data.config.as_deref(),
            provenance: origin(data),
            repeat: commands(data),
        };
        page.style = style(&page) + STYLE;
        page
    }
}

/// One line under the title: data, trials, seeds, objective.
pub(super) fn subtitle(data: &Data) -> String {
    let header = &data.plan.header;
    let seeds = header.seeds.len() as u64;
    let mut parts = data.datasets.clone();
    parts.push(format!(
        "{} trials × {} seeds = {} runs",
        count(data.plan.trials.len() as u64),
        count(seeds),
        count(data.state.runs.len() as u64)
    ));
    parts.push(format!("compared by {}", header.objective.words()));
    if let Some(provenance) = &data.provenance {
        parts.push(provenance.started.replace('T', " ").replace('Z', " UTC"));
    }
    parts.join(" · ")
}

/// What to know before believing anything below.
pub(super) fn banner(data: &Data) -> Option<String> {
    let words = data.state.words();
    (!data.state.is_over())
        .then(|| format!("This sweep is not over ({words}); what follows is not final."))
}

/// Where the sweep comes from, with the version that planned it.
pub(super) fn origin(data: &Data) -> Vec<(&'static str, String)> {
    let header = &data.plan.header;
    let seeds: Vec<String> = header.seeds.iter().take(40).map(u64::to_string).collect();
    let more = if header.seeds.len() > 40 { ", …" } else { "" };
    let mut rows = vec![
        ("Planned by", format!("trueup {}", header.version)),
        ("Replications", format!("seeds {}{more}", seeds.join(", "))),
        ("Objective", header.objective.words()),
        ("Sweep config, SHA-256", header.config_sha256.clone()),
    ];
    // What provenance knows of a run says nothing of a sweep.
    let told = |(name, value): &(&str, String)| *name != "Config, SHA-256" && !value.is_empty();
    rows.extend(provenance(data.provenance.as_ref()).into_iter().filter(told));
    rows
}

/// The command that was given, and one that needs the folder of the sweep alone.
pub(super) fn commands(data: &Data) -> Vec<String> {
    let mut lines = repeat(&data.folder, data.provenance.as_ref(), false);
    if data.config.is_some() {
        let folder = std::fs::canonicalize(&data.folder).unwrap_or_else(|_| data.folder.clone());
        let name = folder.file_name().map(|name| name.to_string_lossy().replace('\'', r"'\''"));
        lines.push(format!("trueup run '{}/{SWEEP_CONFIG}'", name.unwrap_or_default()));
    }
    lines
}

/// The words of the report.
pub(super) const DEFINITIONS: &[(&str, &str)] = &[
    (
        "Trial and run",
        "A trial is a config without its seed; a run is a trial with a seed. Seeds are replications.",
    ),
    (
        "Interquartile mean",
        "The mean of the middle half of the runs of a trial: a quarter is cut off at either end. It \
         moves less with outliers than the mean, and is surer than the median.",
    ),
    (
        "Interval",
        "95%, by bootstrap over seeds: it speaks of other seeds on the same data, not of other \
         users. With few seeds it is too narrow.",
    ),
    (
        "Probability of improvement",
        "How often a run of one trial is better than a run of another, over all pairs of seeds; \
         ties count half, 50% is no difference.",
    ),
    (
        "Floor",
        "The same discrepancy between two groups of real users: no simulation can honestly do \
         better.",
    ),
    (
        "Gap closed",
        "1 − (value − floor) / (before − floor), before being the uncalibrated simulation; the median \
         over the metrics that no reward optimised.",
    ),
    ("Mean excess", "Mean of value − floor over the metrics that share a scale; 0 is perfect."),
    (
        "AUC",
        "How often a classifier, asked which of a real and a simulated user is the real one, is \
         right: 0.5 is guessing.",
    ),
    (
        "Pruned",
        "Stopped at a rung, after so many iterations, because others had done better by then. Such a \
         trial has no value: it stands in no comparison and no statistic over seeds.",
    ),
    (
        "Performance profile",
        "The share of runs of a trial that are better than a value, at every value.",
    ),
];
