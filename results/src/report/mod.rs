//! `report.html`: the verdict first, then what it rests on. One file without any outside resource.

use std::path::{Path, PathBuf};

use askama::Template;
use base64::Engine;

use crate::error::ResultsError;
use crate::files::{empty_pictures, read_json, read_text, write_atomically};
use crate::metrics::{self, Metric};
use crate::plots::{FAMILY, Outcome, PLOTS, Picture, PlotError, PlotInput, THEME};
use crate::provenance::Provenance;
use crate::run_directory::{State, Status, status};
use crate::series::Series;
use crate::summary::{Mode, Summary};

pub(crate) mod classifier;
mod privacy;
mod tables;
mod verdict;
mod words;

pub(crate) use tables::{Cells, Table, provenance};
pub(crate) use verdict::percent;
pub use verdict::{MONEY, Verdict, figure_title, figure_value, heterogeneity_word, times, verdict};
pub(crate) use words::{banner, count, discrepancy_title, feature_title, repeat};

static FONT: &[u8] = include_bytes!("../../assets/TrueupSans.woff2");
const STYLE: &str = include_str!("../../templates/report.css");

/// All that a report shows.
#[derive(Clone, Debug, Default)]
pub struct ReportInput {
    /// `summary.json`: the verdict in numbers.
    pub summary: Summary,
    /// `series.json`: what plots show.
    pub series: Series,
    /// `metrics.jsonl`: iterations; empty where nothing trained.
    pub metrics: Vec<Metric>,
    /// `provenance.json`.
    pub provenance: Option<Provenance>,
    /// `config.toml`: the resolved config.
    pub config: Option<String>,
    /// `account.txt`: what became of every row of the data, one fact a line.
    pub account: Vec<String>,
    /// How far the run got; none while it is being written by this very process.
    pub status: Option<Status>,
}

impl ReportInput {
    /// Reads a run directory. `summary.json` and `series.json` must be there; a report says of the
    /// others that they are missing.
    ///
    /// # Errors
    /// Files that are missing or malformed.
    pub fn read(folder: &Path) -> Result<Self, ResultsError> {
        let optional = |name: &str| {
            let path = folder.join(name);
            if path.exists() { read_text(&path).map(Some) } else { Ok(None) }
        };
        let provenance = folder.join("provenance.json");
        let own =
            |status: &Status| status.state == State::Running && status.pid == std::process::id();
        Ok(Self {
            summary: read_json(&folder.join("summary.json"))?,
            series: read_json(&folder.join("series.json"))?,
            metrics: metrics::read(folder)?,
            provenance: if provenance.exists() { Some(read_json(&provenance)?) } else { None },
            config: optional("config.toml")?,
            account: optional("account.txt")?
                .map(|text| text.lines().map(str::to_owned).collect())
                .unwrap_or_default(),
            status: status(folder).ok().filter(|status| !own(status)),
        })
    }
}

/// Writes `plots/*.svg`, `plots/*.png` and `report.html` into `folder`, and returns the path of the
/// report. What was there is replaced.
///
/// # Errors
/// A plot that cannot be drawn, or a failed write.
pub fn write_report(folder: &Path, input: &ReportInput) -> Result<PathBuf, ResultsError> {
    let sections = draw(folder, input)?;
    let page = Page::new(folder, input, &sections);
    let path = folder.join("report.html");
    write_atomically(&path, page.render()?.as_bytes())?;
    Ok(path)
}

/// A picture on the page.
pub(crate) struct Figure {
    about: String,
    pub(crate) svg: String,
    pub(crate) description: String,
}

/// All pictures of one kind.
struct Section {
    kind: &'static str,
    title: &'static str,
    figures: Vec<Figure>,
    /// Why pictures are missing.
    empty: Vec<String>,
}

fn draw(folder: &Path, input: &ReportInput) -> Result<Vec<Section>, ResultsError> {
    let plots = folder.join("plots");
    empty_pictures(&plots)?;
    let made =
        PlotInput { summary: &input.summary, series: &input.series, metrics: &input.metrics };
    let mut sections = Vec::new();
    for kind in PLOTS {
        let mut section =
            Section { kind: kind.name, title: kind.title, figures: Vec::new(), empty: Vec::new() };
        for outcome in (kind.make)(made) {
            match outcome {
                Outcome::Empty(why) => section.empty.push(why),
                Outcome::Drawn(picture) => {
                    section.figures.push(draw_picture(&plots, kind.name, picture)?);
                }
            }
        }
        sections.push(section);
    }
    Ok(sections)
}

/// Writes a picture as SVG and PNG into the folder of plots.
pub(crate) fn draw_picture(
    plots: &Path,
    kind: &str,
    picture: Picture,
) -> Result<Figure, ResultsError> {
    let name = file_name(kind, &picture.about);
    let fail = |why: PlotError| ResultsError::Plot { plot: name.clone(), why: why.to_string() };
    let svg = picture.drawing.svg(&name, &picture.title, &picture.description).map_err(fail)?;
    write_atomically(&plots.join(format!("{name}.svg")), svg.as_bytes())?;
    let temporary = plots.join(format!(".{name}.tmp.png"));
    let drawn = picture.drawing.png(&temporary).map_err(fail);
    if drawn.is_err() {
        // What is left of a failed picture is of no use to anyone.
        let _ = std::fs::remove_file(&temporary);
    }
    drawn?;
    let path = plots.join(format!("{name}.png"));
    std::fs::rename(&temporary, &path).map_err(|source| ResultsError::write(&path, source))?;
    Ok(Figure { about: picture.about, svg, description: picture.description })
}

/// `ecdf-log_amount`; letters of calibrators' names that a file name cannot hold become `-`.
pub(crate) fn file_name(kind: &str, about: &str) -> String {
    let keep = |c: char| {
        if c.is_alphanumeric() || "._-".contains(c) { c } else { '-' }
    };
    let about: String = about.chars().map(keep).collect();
    if about.is_empty() { kind.to_owned() } else { format!("{kind}-{about}") }
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    kind: &'static str,
    title: String,
    subtitle: String,
    style: String,
    banner: Option<String>,
    verdict: Verdict,
    ranking: Table,
    key: Vec<&'a Section>,
    panel_forest: Option<&'a Section>,
    map: Option<&'a Section>,
    best_heatmap: Option<&'a Figure>,
    other_heatmaps: Vec<&'a Figure>,
    figures: Table,
    lorenz: Option<&'a Section>,
    facts: Table,
    distributions: Vec<&'a Section>,
    more: Vec<&'a Section>,
    classifiers: Option<Table>,
    importance: Vec<classifier::Bars>,
    privacy: Option<Table>,
    privacy_words: Vec<String>,
    panels: Vec<Table>,
    left_out: Vec<String>,
    definitions: Vec<(String, String)>,
    account: &'a [String],
    config: Option<&'a str>,
    provenance: Vec<(&'static str, String)>,
    repeat: Vec<String>,
}

impl<'a> Page<'a> {
    fn new(folder: &Path, input: &'a ReportInput, sections: &'a [Section]) -> Self {
        let summary = &input.summary;
        let best = summary.best().map(|c| c.name.as_str());
        let section = |name: &str| sections.iter().find(|section| section.kind == name);
        let heatmaps = section("heatmap").map_or(&[][..], |s| &s.figures);
        let is_best = |figure: &&Figure| Some(figure.about.as_str()) == best;
        let repeats = input.config.is_some() && summary.mode == Mode::Run;
        let mut page = Self {
            kind: "Discrepancy report",
            title: summary.name.clone(),
            subtitle: words::subtitle(input),
            style: String::new(),
            banner: words::banner(input.status.as_ref()),
            verdict: verdict::verdict(summary),
            ranking: tables::ranking(summary),
            key: ["forest", "classifier", "learning-curve"]
                .into_iter()
                .filter_map(section)
                .collect(),
            panel_forest: section("panel"),
            map: section("map"),
            best_heatmap: heatmaps.iter().find(is_best),
            other_heatmaps: heatmaps.iter().filter(|figure| !is_best(figure)).collect(),
            figures: tables::figures(summary),
            lorenz: section("lorenz"),
            facts: tables::facts(&input.series),
            distributions: ["ecdf", "histogram", "qq", "witness"]
                .into_iter()
                .filter_map(section)
                .collect(),
            more: ["kinds", "transitions", "over-time", "autocorrelation"]
                .into_iter()
                .filter_map(section)
                .collect(),
            classifiers: classifier::table(summary),
            importance: classifier::bars(summary),
            privacy: privacy::table(summary),
            privacy_words: privacy::words(summary),
            panels: tables::panels(summary),
            left_out: tables::left_out(summary),
            definitions: words::definitions(summary),
            account: &input.account,
            config: input.config.as_deref(),
            provenance: tables::provenance(input.provenance.as_ref()),
            repeat: words::repeat(folder, input.provenance.as_ref(), repeats),
        };
        page.style = style(&page);
        page
    }
}

/// Style sheet, colours of pictures on dark pages, and the Korean font where it is needed.
pub(crate) fn style(page: &impl Template) -> String {
    let mut style = STYLE.replace("/*FAMILY*/", FAMILY);
    let dark: String = THEME
        .iter()
        .map(|(light, dark)| {
            let dark = if *dark == "none" { "none".to_owned() } else { format!("#{dark}") };
            format!(
                "svg [fill=\"#{light}\"]{{fill:{dark}}}svg [stroke=\"#{light}\"]{{stroke:{dark}}}"
            )
        })
        .collect();
    style.push_str(&format!("@media screen and (prefers-color-scheme:dark){{{dark}}}\n"));
    let hangul = |c: char| {
        ('\u{1100}'..='\u{11FF}').contains(&c)
            || ('\u{3130}'..='\u{318F}').contains(&c)
            || ('\u{AC00}'..='\u{D7A3}').contains(&c)
    };
    if page.render().is_ok_and(|html| html.chars().any(hangul)) {
        let font = base64::engine::general_purpose::STANDARD.encode(FONT);
        style.push_str(&format!(
            "@font-face{{font-family:\"Trueup Sans\";font-weight:100 900;font-display:block;\
             src:url(data:font/woff2;base64,{font}) format(\"woff2\")}}\n"
        ));
    }
    style
}

#[cfg(test)]
mod table_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::made_up;
