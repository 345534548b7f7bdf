//! What gives the best simulation away: how much the AUC of the classifier falls without each
//! feature of a user, and which way simulated users differ in it. The report shows the same of every
//! calibrator as a table with bars.

use plotters::prelude::DrawingBackend;
use trueup_calibration::panel::CalibratorPanel;

use super::axis::{Axis, Scale};
use super::canvas::{Anchor, Canvas, PlotError, SLACK, TEXT};
use super::style::{GRID, INK, Look, look};
use super::{Outcome, Picture, Plot, PlotInput, PlotKind, number};
use crate::report::{classifier, feature_title};

/// Registry entry.
pub const KIND: PlotKind =
    PlotKind { name: "importance", title: "What gives the simulation away", make };

/// Features beyond these say little.
const MOST: usize = 15;
const WIDTH: u32 = 620;
const ROW: f64 = 24.0;
const TOP: f64 = 40.0;

struct Importance {
    title: String,
    look: Look,
    x: Axis,
    rows: Vec<Row>,
}

struct Row {
    name: String,
    fall: f64,
    /// The fall, and the direction where it is known.
    label: String,
}

fn make(input: PlotInput<'_>) -> Vec<Outcome> {
    let best = input.summary.best();
    let place = input.summary.calibrators.iter().position(|c| Some(c) == best).unwrap_or(0);
    let row = |of: &CalibratorPanel, (feature, fall): &(String, f64)| {
        let way = classifier::telling(of, feature).map(|telling| telling.direction().name());
        let way = way.map_or_else(String::new, |way| format!(", {way}"));
        let name = feature_title(feature);
        Row { name, fall: *fall, label: format!("{}{way}", number(*fall)) }
    };
    let rows = best.iter().flat_map(|c| c.c2st_importance.iter().map(|of| row(c, of)));
    let mut rows: Vec<Row> = rows.filter(|row| row.fall > 0.0).collect();
    rows.sort_by(|a, b| b.fall.total_cmp(&a.fall));
    rows.truncate(MOST);
    let (Some(best), Some(top)) = (best, rows.first().map(|row| row.fall)) else {
        let why = "No picture of what gives the simulation away: no feature helped a classifier.";
        return vec![Outcome::Empty(why.to_owned())];
    };
    let title = format!("What gives {} away", best.name);
    let words: Vec<_> = rows.iter().map(|row| format!("{} {}", row.name, row.label)).collect();
    vec![Outcome::Drawn(Picture {
        about: String::new(),
        title: title.clone(),
        description: format!(
            "How much the AUC of a classifier falls when it is denied a feature of a user, and which \
             way simulated users differ in it: {}.",
            words.join("; ")
        ),
        drawing: Box::new(Importance {
            title,
            look: look(place),
            x: Axis::new(Scale::Plain, 0.0, top * 1.05, 4, "fall of the AUC"),
            rows,
        }),
    })]
}

impl Plot for Importance {
    fn size(&self) -> (u32, u32) {
        (WIDTH, (TOP + ROW * self.rows.len() as f64 + 52.0) as u32)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Result<(), PlotError> {
        canvas.begin(&self.title)?;
        let (width, _) = canvas.size();
        let widest = |of: fn(&Row) -> &str| {
            self.rows.iter().map(|row| canvas.width_of(of(row), TEXT) * SLACK).fold(0.0, f64::max)
        };
        let left = 24.0 + widest(|row| &row.name).min(280.0);
        let right = width - 20.0 - widest(|row| &row.label);
        let bottom = TOP + ROW * self.rows.len() as f64;
        let place = |value: f64| left + self.x.share(value) * (right - left);
        for (value, _) in &self.x.ticks {
            let x = place(*value);
            canvas.line(&[(x, TOP), (x, bottom)], GRID, 1.0)?;
        }
        let ticks = self.x.ticks.iter().map(|(value, label)| (place(*value), &**label));
        canvas.numbers(ticks, bottom + 13.0)?;
        for (i, row) in self.rows.iter().enumerate() {
            let y = TOP + ROW * (i as f64 + 0.5);
            let name = canvas.fit(&row.name, TEXT, left - 16.0);
            canvas.text(&name, left - 10.0, y, TEXT, INK, Anchor::End)?;
            canvas.rectangle((left, y - 7.0), (place(row.fall), y + 7.0), self.look.colour)?;
            canvas.text(&row.label, place(row.fall) + 7.0, y, TEXT, INK, Anchor::Start)?;
        }
        let middle = (left + right) / 2.0;
        canvas.text(&self.x.title, middle, bottom + 34.0, TEXT, INK, Anchor::Middle)
    }
}
