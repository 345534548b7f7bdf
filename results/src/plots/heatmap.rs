//! Gap closed of one calibrator, feature by discrepancy.

use plotters::prelude::DrawingBackend;
use trueup_calibration::panel::{CalibratorPanel, PanelRow};

use super::canvas::{Anchor, Canvas, PlotError, TEXT};
use super::shade::{readable_on, shade};
use super::style::{GRID, INK, MUTED};
use super::{Outcome, Picture, Plot, PlotInput, PlotKind};
use crate::report::feature_title;

/// Registry entry.
pub const KIND: PlotKind = PlotKind { name: "heatmap", title: "Gap closed by metric", make };

const ROW: f64 = 26.0;
const COLUMN: f64 = 70.0;
const LABELS: f64 = 272.0;
/// Room above the metrics that only one feature has.
const BREAK: f64 = 26.0;
const HEAD: f64 = 74.0;

/// What the cells mean.
const KEY: [&str; 2] = [
    "● optimised by the reward · – no gap to close",
    "blue: nearer than before · orange: farther than before",
];

struct Heatmap {
    title: String,
    columns: Vec<String>,
    /// Label, and one cell a column; a row of its own for a metric that only one feature has.
    rows: Vec<(String, Cells)>,
}

enum Cells {
    /// One cell a column; none where the panel has no such metric.
    Many(Vec<Option<Cell>>),
    /// The only cell of this metric, in the first column.
    One(Cell),
}

#[derive(Clone, Copy)]
struct Cell {
    gap_closed: Option<f64>,
    optimised: bool,
}

fn make(input: PlotInput<'_>) -> Vec<Outcome> {
    let of = |calibrator: &CalibratorPanel| {
        if calibrator.panel.iter().all(|row| row.gap_closed.is_none()) {
            let why = format!("{}: no metric has a gap that could be closed.", calibrator.name);
            return Outcome::Empty(why);
        }
        Outcome::Drawn(picture(calibrator))
    };
    // The simulation that the others are measured against closes nothing by definition.
    let before = |c: &&CalibratorPanel| {
        c.panel.iter().any(|r| r.before.is_none_or(|before| before != r.value))
    };
    let outcomes: Vec<_> = input.summary.calibrators.iter().filter(before).map(of).collect();
    if outcomes.is_empty() {
        let why = "No calibrator was compared with an uncalibrated simulation.";
        return vec![Outcome::Empty(why.to_owned())];
    }
    outcomes
}

fn picture(calibrator: &CalibratorPanel) -> Picture {
    let mut features: Vec<&str> = Vec::new();
    let mut discrepancies: Vec<&str> = Vec::new();
    for row in &calibrator.panel {
        if !features.contains(&row.feature.as_str()) {
            features.push(&row.feature);
        }
        if !discrepancies.contains(&row.discrepancy.as_str()) {
            discrepancies.push(&row.discrepancy);
        }
    }
    let rows_of = |discrepancy: &str| -> Vec<&PanelRow> {
        calibrator.panel.iter().filter(|row| row.discrepancy == discrepancy).collect()
    };
    let cell = |row: &PanelRow| Cell { gap_closed: row.gap_closed, optimised: row.optimised };
    // A column for one cell would be a waste of width: such metrics get a row of their own.
    let (shared, single): (Vec<&str>, Vec<&str>) =
        discrepancies.iter().partition(|d| rows_of(d).len() > 1);
    let mut rows = Vec::new();
    for feature in features {
        let cells: Vec<_> = shared
            .iter()
            .map(|d| rows_of(d).into_iter().find(|row| row.feature == feature).map(cell))
            .collect();
        if cells.iter().any(Option::is_some) {
            rows.push((feature_title(feature), Cells::Many(cells)));
        }
    }
    for row in single.iter().flat_map(|d| rows_of(d)) {
        let label = format!("{}: {}", feature_title(&row.feature), spaced(&row.discrepancy));
        rows.push((label, Cells::One(cell(row))));
    }
    let gaps = calibrator.panel.iter().filter_map(|row| row.gap_closed);
    let good = gaps.clone().filter(|gap| *gap >= 0.9).count();
    Picture {
        about: calibrator.name.clone(),
        title: format!("Gap closed by {}, feature by discrepancy", calibrator.name),
        description: format!(
            "{good} of {} metrics close at least 90% of the gap. The table of {} holds every \
             number. A dot marks metrics that the reward optimised.",
            gaps.count(),
            calibrator.name
        ),
        drawing: Box::new(Heatmap {
            title: format!("Gap closed by {}", calibrator.name),
            columns: shared.iter().map(|d| d.to_string()).collect(),
            rows,
        }),
    }
}

/// A name in lines; a number stays with its word.
fn header_lines(name: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in name.splitn(3, '-') {
        match lines.last_mut() {
            Some(line) if part.len() == 1 => line.push_str(&format!("-{part}")),
            _ => lines.push(part.to_owned()),
        }
    }
    lines
}

fn spaced(name: &str) -> String {
    name.replace('-', " ")
}

impl Plot for Heatmap {
    fn size(&self) -> (u32, u32) {
        let columns = self.columns.len().max(1) as f64;
        let rows = self.rows.len() as f64;
        ((LABELS + COLUMN * columns + 12.0) as u32, (HEAD + ROW * rows + BREAK + 57.0) as u32)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Result<(), PlotError> {
        canvas.begin(&self.title)?;
        for (i, column) in self.columns.iter().enumerate() {
            let x = LABELS + COLUMN * (i as f64 + 0.5);
            for (k, line) in header_lines(column).iter().rev().enumerate() {
                let y = HEAD - 9.0 - 13.0 * k as f64;
                canvas.text(line, x, y, TEXT - 1.5, MUTED, Anchor::Middle)?;
            }
        }
        let singles = self.rows.iter().position(|(_, cells)| matches!(cells, Cells::One(_)));
        for (i, (label, cells)) in self.rows.iter().enumerate() {
            let below = if singles.is_some_and(|first| i >= first) { BREAK } else { 0.0 };
            let y = HEAD + ROW * i as f64 + below;
            if singles == Some(i) {
                let words = "metrics of one feature";
                canvas.text(words, LABELS - 9.0, y - 11.0, TEXT - 1.5, MUTED, Anchor::End)?;
            }
            let label = canvas.fit(label, TEXT, LABELS - 14.0);
            canvas.text(&label, LABELS - 9.0, y + ROW / 2.0, TEXT, INK, Anchor::End)?;
            match cells {
                Cells::Many(cells) => {
                    for (k, cell) in cells.iter().enumerate() {
                        draw_cell(canvas, LABELS + COLUMN * k as f64, y, *cell)?;
                    }
                }
                Cells::One(cell) => draw_cell(canvas, LABELS, y, Some(*cell))?,
            }
        }
        let y = HEAD + ROW * self.rows.len() as f64 + BREAK + 20.0;
        for (i, line) in KEY.iter().enumerate() {
            canvas.text(line, 10.0, y + 17.0 * i as f64, TEXT - 1.5, MUTED, Anchor::Start)?;
        }
        Ok(())
    }
}

fn draw_cell<B: DrawingBackend>(
    canvas: &Canvas<'_, B>,
    x: f64,
    y: f64,
    cell: Option<Cell>,
) -> Result<(), PlotError> {
    let Some(cell) = cell else { return Ok(()) };
    let (from, to) = ((x + 1.0, y + 1.0), (x + COLUMN - 1.0, y + ROW - 1.0));
    let middle = (x + COLUMN / 2.0, y + ROW / 2.0);
    let Some(gap) = cell.gap_closed else {
        canvas.rectangle(from, to, GRID)?;
        return canvas.text("–", middle.0, middle.1, TEXT, MUTED, Anchor::Middle);
    };
    let fill = shade(gap);
    canvas.rectangle(from, to, fill)?;
    let percent = (gap * 100.0).round();
    let text = if percent < -999.0 { "< −999%".to_owned() } else { format!("{percent}%") };
    let text = text.replace('-', "−");
    let mark = if cell.optimised { "● " } else { "" };
    let ink = readable_on(fill);
    canvas.text(&format!("{mark}{text}"), middle.0, middle.1, TEXT, ink, Anchor::Middle)
}
