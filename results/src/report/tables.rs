//! Tables of the report, as text.

use trueup_calibration::panel::{CalibratorPanel, PanelRow};

use super::verdict::{percent, percents};
use super::words::{count, discrepancy_title, feature_title};
use crate::plots::{money, number};
use crate::provenance::Provenance;
use crate::series::{Facts, Series};
use crate::summary::{Mode, Summary};

/// One row: its header, and its cells.
pub(crate) struct Cells {
    pub head: String,
    pub cells: Vec<String>,
    /// Whether it is the one to look at.
    pub strong: bool,
}

/// A table with a header row and header cells at the left.
pub(crate) struct Table {
    pub caption: String,
    pub columns: Vec<String>,
    pub rows: Vec<Cells>,
    /// Why there are no rows.
    pub empty: String,
    /// Whether it is shown at once.
    pub open: bool,
}

const NONE: &str = "–";

fn with_interval(value: Option<String>, interval: Option<String>) -> String {
    match (value, interval) {
        (Some(value), Some(interval)) => format!("{value} ({interval})"),
        (Some(value), None) => value,
        (None, _) => NONE.to_owned(),
    }
}

/// The verdict table: calibrators from best to worst.
pub(super) fn ranking(summary: &Summary) -> Table {
    let mut order: Vec<&CalibratorPanel> = summary.calibrators.iter().collect();
    let key = |c: &CalibratorPanel| c.gap_closed.unwrap_or(f64::NEG_INFINITY);
    order.sort_by(|a, b| key(b).total_cmp(&key(a)));
    let best = summary.best().map(|c| c.name.as_str());
    let gaps = summary.calibrators.iter().any(|c| c.gap_closed.is_some());
    let unseen = summary.calibrators.iter().any(|c| c.gap_closed_unseen.is_some());
    let mut columns = vec!["Calibrator"];
    if gaps {
        columns.push("Gap closed (95% interval)");
    }
    if unseen {
        columns.push("Gap closed, features no reward saw");
    }
    columns.extend(["AUC (95% interval)", "AUC, real against real", "Mean excess"]);
    let row = |c: &&CalibratorPanel| {
        let mut cells = Vec::new();
        if gaps {
            // The simulation that all are measured against is at 0 by definition.
            let ci = c.gap_closed_ci.filter(|[low, high]| low < high).map(percents);
            cells.push(with_interval(c.gap_closed.map(percent), ci));
        }
        if unseen {
            cells.push(c.gap_closed_unseen.map_or(NONE.to_owned(), percent));
        }
        let auc = |value: f64| format!("{value:.3}");
        let ci = c.c2st_auc_ci.map(|[low, high]| format!("{low:.3} to {high:.3}"));
        cells.push(with_interval(c.c2st_auc.map(auc), ci));
        cells.push(c.c2st_auc_floor.map_or(NONE.to_owned(), auc));
        cells.push(c.mean_excess.map_or(NONE.to_owned(), number));
        Cells { head: c.name.clone(), cells, strong: Some(c.name.as_str()) == best }
    };
    Table {
        caption: match summary.mode {
            Mode::Run => "Calibrators on held-out real users, by gap closed".to_owned(),
            Mode::Compare => "Simulated against real users".to_owned(),
        },
        columns: columns.into_iter().map(str::to_owned).collect(),
        rows: order.iter().map(row).collect(),
        empty: "No calibrator gave a result.".to_owned(),
        open: true,
    }
}

/// Plain numbers: a row a fact, a column a side.
pub(super) fn facts(series: &Series) -> Table {
    type Fact = (&'static str, fn(&Facts) -> String);
    let rows: [Fact; 9] = [
        ("Users", |f| count(f.users as u64)),
        ("Events", |f| count(f.events as u64)),
        ("Events per user, mean", |f| format!("{:.2}", f.count_mean)),
        ("Events per user, standard deviation", |f| format!("{:.2}", f.count_sd)),
        ("Users without an event", |f| percent(f.silent_share)),
        ("Median amount", |f| f.amount_median.map_or(NONE.to_owned(), money)),
        ("Mean time between events", |f| f.gap_mean.map_or(NONE.to_owned(), |g| format!("{g:.2}"))),
        ("Share of the variance of log amounts between users", |f| {
            f.between_share.map_or(NONE.to_owned(), percent)
        }),
        ("Correlation of a log amount with the next", |f| {
            f.lag_1_correlation.map_or(NONE.to_owned(), |c| format!("{c:.3}").replace('-', "−"))
        }),
    ];
    let mut columns = vec![String::new()];
    columns.extend(series.facts.iter().map(|facts| facts.name.clone()));
    let row = |(name, value): &Fact| Cells {
        head: if name.starts_with("Mean time") {
            format!("{name}, {}s", series.tick)
        } else {
            (*name).to_owned()
        },
        cells: series.facts.iter().map(value).collect(),
        strong: false,
    };
    Table {
        caption: "Plain numbers; simulated users over all evaluation seeds".to_owned(),
        columns,
        rows: if series.facts.is_empty() { Vec::new() } else { rows.iter().map(row).collect() },
        empty: "The run stored no plain numbers.".to_owned(),
        open: true,
    }
}

/// The panel of every calibrator, the best one open.
pub(super) fn panels(summary: &Summary) -> Vec<Table> {
    let best = summary.best().map(|c| c.name.as_str());
    let panel = |c: &CalibratorPanel| {
        let before = c.panel.iter().any(|row| row.before.is_some());
        let mut columns = vec!["Feature", "Discrepancy", "Value (95% interval)", "Floor"];
        if before {
            columns.extend(["Before", "Gap closed"]);
        }
        columns.extend(
            ["Verdict", "p", "q", "Users needed"]
                .iter()
                .zip(told(&c.panel))
                .filter_map(|(name, told)| told.then_some(*name)),
        );
        columns.push("Optimised");
        Table {
            caption: c.name.clone(),
            columns: columns.into_iter().map(str::to_owned).collect(),
            rows: c.panel.iter().map(|row| panel_row(row, before, told(&c.panel))).collect(),
            empty: "No metric could be computed.".to_owned(),
            open: Some(c.name.as_str()) == best,
        }
    };
    summary.calibrators.iter().map(panel).collect()
}

/// Which of verdict, p, q and users needed any row has.
fn told(rows: &[PanelRow]) -> [bool; 4] {
    [
        rows.iter().any(|row| row.verdict.is_some()),
        rows.iter().any(|row| row.p.is_some()),
        rows.iter().any(|row| row.q.is_some()),
        rows.iter().any(|row| row.users_needed.is_some()),
    ]
}

fn panel_row(row: &PanelRow, before: bool, told: [bool; 4]) -> Cells {
    // The unit stands with the name: numbers beside each other are easier to compare.
    let unit = if row.unit.is_empty() { String::new() } else { format!(", {}", row.unit) };
    let [low, high] = row.ci;
    let mut cells = vec![
        format!("{}{unit}", discrepancy_title(&row.discrepancy)),
        format!("{} ({} to {})", number(row.value), number(low), number(high)),
        number(row.floor),
    ];
    if before {
        cells.push(row.before.map_or(NONE.to_owned(), number));
        cells.push(row.gap_closed.map_or(NONE.to_owned(), percent));
    }
    let judged = [
        row.verdict.map(|verdict| verdict.name().replace('-', " ")),
        row.p.map(number),
        row.q.map(number),
        row.users_needed.map(count),
    ];
    let known = judged.into_iter().zip(told).filter(|(_, told)| *told);
    cells.extend(known.map(|(cell, _)| cell.unwrap_or(NONE.to_owned())));
    cells.push(
        match (row.optimised, row.feature_rewarded) {
            (true, _) => "yes",
            (false, true) => "feature only",
            (false, false) => "no",
        }
        .to_owned(),
    );
    Cells { head: feature_title(&row.feature), cells, strong: false }
}

/// Features that were left out, each reason once.
pub(super) fn left_out(summary: &Summary) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for entry in summary.calibrators.iter().flat_map(|c| &c.left_out) {
        let what = entry
            .discrepancy
            .as_deref()
            .map_or_else(String::new, |name| format!(", {}", discrepancy_title(name)));
        let line = format!("{}{what}: {}", feature_title(&entry.feature), entry.reason);
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

/// Provenance as names and values.
pub(crate) fn provenance(provenance: Option<&Provenance>) -> Vec<(&'static str, String)> {
    let Some(p) = provenance else {
        return Vec::new();
    };
    let dirty = p.dirty.as_ref().map_or_else(String::new, |digest| {
        format!(", with changes (SHA-256 {})", digest.get(..16).unwrap_or(digest))
    });
    let seeds = p.seeds.iter().map(|(name, seed)| format!("{name} {seed}"));
    let mut rows = vec![
        ("Program", format!("trueup {} ({}, {}, {})", p.version, p.rustc, p.target, p.profile)),
        ("Source", format!("{}{dirty}", p.commit)),
        ("Machine", format!("{}, {} cores, {} threads", p.host, p.cores, p.threads)),
        ("Started", p.started.clone()),
        ("Seeds", seeds.collect::<Vec<_>>().join(", ")),
        ("Config, SHA-256", p.config_sha256.clone()),
    ];
    rows.extend(p.data.iter().map(|d| ("Data, SHA-256", format!("{}: {}", d.source, d.sha256))));
    rows
}
