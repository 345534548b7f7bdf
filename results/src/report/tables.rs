//! Tables of the report, as text.

use trueup_calibration::money::Figure;
use trueup_calibration::panel::{AgainstFloor, CalibratorPanel, PanelRow};
use trueup_calibration::privacy::Estimate;

use super::verdict::{figure_title, figure_value, heterogeneity_word, percent, percents, times};
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
    let order = summary.ranked();
    let best = order.first().map(|c| c.name.as_str());
    let any = |has: &dyn Fn(&CalibratorPanel) -> bool| order.iter().any(|c| has(c));
    let metrics = |of: &Option<AgainstFloor>| of.as_ref().map(|of| of.metrics);
    let unseen = any(&|c| {
        let unseen = metrics(&c.against_floor_unseen);
        unseen.is_some() && unseen != metrics(&c.against_floor)
    });
    let all = any(&|c| c.against_floor.is_some());
    let differ = any(&|c| heterogeneity_word(c).is_some());
    let anchor = order.iter().find_map(|c| Some(c.anchor.as_ref()?.name.clone()));
    let gaps = any(&|c| c.gap_closed.is_some());
    let floor = |c: &CalibratorPanel| c.c2st_auc_floor;
    let real = order.iter().find_map(|c| floor(c));
    let mut columns = vec!["Calibrator".to_owned()];
    let mut column = |shown: bool, name: String| {
        if shown {
            columns.push(name);
        }
    };
    column(unseen, "Times the floor, features no reward saw (95% interval)".to_owned());
    column(all, "Times the floor, all metrics (95% interval)".to_owned());
    column(all, "Metrics at the floor".to_owned());
    let against = real.map_or_else(String::new, |real| format!("; real against real {real:.3}"));
    column(true, format!("AUC (95% interval){against}"));
    column(differ, "How users differ".to_owned());
    column(!summary.privacy.is_empty(), "Training users".to_owned());
    column(true, "Mean excess".to_owned());
    let from = anchor.map_or_else(String::new, |name| format!(" from “{name}”"));
    column(gaps, format!("Gap closed{from} (95% interval)"));
    let row = |c: &&CalibratorPanel| {
        let mut cells = Vec::new();
        let multiple = |of: &Option<AgainstFloor>| {
            let of = of.as_ref();
            let ci = of.and_then(|of| of.interval);
            let ci = ci.map(|[low, high]| format!("{} to {}", times(low), times(high)));
            with_interval(of.and_then(|of| of.multiple).map(times), ci)
        };
        if unseen {
            cells.push(multiple(&c.against_floor_unseen));
        }
        if all {
            cells.push(multiple(&c.against_floor));
            cells.push(
                c.headline()
                    .map_or(NONE.to_owned(), |of| format!("{} of {}", of.at_floor, of.metrics)),
            );
        }
        let auc = |value: f64| format!("{value:.3}");
        let ci = c.c2st_auc_ci.map(|[low, high]| format!("{low:.3} to {high:.3}"));
        cells.push(with_interval(c.c2st_auc.map(auc), ci));
        if differ {
            cells.push(heterogeneity_word(c).unwrap_or(NONE).to_owned());
        }
        if !summary.privacy.is_empty() {
            let known = summary.privacy.iter().any(|own| own.name == c.name);
            let word = match (summary.copies(&c.name), known) {
                (true, _) => "repeats them",
                (false, true) => "no copies seen",
                (false, false) => NONE,
            };
            cells.push(word.to_owned());
        }
        cells.push(c.mean_excess.map_or(NONE.to_owned(), number));
        if gaps {
            // The simulation that all are measured against is at 0 by definition.
            let ci = c.gap_closed_ci.filter(|[low, high]| low < high).map(percents);
            cells.push(with_interval(c.gap_closed.map(percent), ci));
        }
        Cells { head: c.name.clone(), cells, strong: Some(c.name.as_str()) == best }
    };
    Table {
        caption: match summary.mode {
            Mode::Run => format!("Calibrators against {}, nearest first", summary.judges.real()),
            Mode::Compare => "Simulated against real users".to_owned(),
        },
        columns,
        rows: order.iter().map(row).collect(),
        empty: "No calibrator gave a result.".to_owned(),
        open: true,
    }
}

/// Money and how users differ: a row a number, a column a side.
pub(super) fn figures(summary: &Summary) -> Table {
    let all = || summary.calibrators.iter().filter(|c| !c.figures.is_empty());
    let first = all().next().map(|c| c.figures.as_slice()).unwrap_or_default();
    let show = |figure: &Figure, of: Estimate| {
        let [value, low, high] = [of.value, of.interval[0], of.interval[1]]
            .map(|value| figure_value(figure.quantity, value));
        format!("{value} ({low} to {high})")
    };
    let row = |figure: &Figure| {
        let own = |c: &CalibratorPanel| {
            let same = |f: &&Figure| f.quantity == figure.quantity && f.kind == figure.kind;
            let Some(own) = c.figures.iter().find(same) else { return NONE.to_owned() };
            let mark = if own.differs { "≠ " } else { "" };
            let value = own.simulated.map_or(NONE.to_owned(), |simulated| show(own, simulated));
            format!("{mark}{value}")
        };
        let mut cells = vec![show(figure, figure.real)];
        cells.extend(all().map(own));
        Cells { head: figure_title(figure), cells, strong: false }
    };
    let mut columns = vec![String::new(), "Real users (95% interval)".to_owned()];
    columns.extend(all().map(|c| c.name.clone()));
    Table {
        caption:
            "Money, and how users differ; ≠ where the 95% interval of the difference leaves out \
                  0. Totals of simulated users are those of as many users as there are real ones"
                .to_owned(),
        columns,
        rows: first.iter().map(row).collect(),
        empty: "The run stored no numbers of money.".to_owned(),
        open: true,
    }
}

/// Plain numbers: a row a fact, a column a side.
pub(super) fn facts(series: &Series) -> Table {
    type Fact = (&'static str, fn(&Facts) -> String);
    let rows: [Fact; 7] = [
        ("Users", |f| count(f.users as u64)),
        ("Events", |f| count(f.events as u64)),
        ("Events per user, mean", |f| format!("{:.2}", f.count_mean)),
        ("Events per user, standard deviation", |f| format!("{:.2}", f.count_sd)),
        ("Users without an event", |f| percent(f.silent_share)),
        ("Median amount", |f| f.amount_median.map_or(NONE.to_owned(), money)),
        ("Mean time between events", |f| f.gap_mean.map_or(NONE.to_owned(), |g| format!("{g:.2}"))),
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
        let mut columns =
            vec!["Feature", "Discrepancy", "Value (95% interval)", "Floor", "Times the floor"];
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
        row.floor_multiple().map_or(NONE.to_owned(), times),
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
