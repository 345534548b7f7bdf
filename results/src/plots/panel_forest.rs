//! Every metric of the best calibrator with its noise floor beside it.
//!
//! Metrics have units of their own, so each is divided by its noise floor: within the grey interval of
//! the floor a simulation is no farther from the held-out real users than other real users may be by
//! chance. The axis is logarithmic.

use plotters::prelude::DrawingBackend;
use trueup_calibration::panel::{CalibratorPanel, PanelRow};

use super::axis::{Axis, Scale};
use super::canvas::{Anchor, Canvas, Entry, PlotError, SLACK, TEXT};
use super::style::{AREA, GRID, INK, Look, MUTED, REAL, look};
use super::{Outcome, Picture, Plot, PlotInput, PlotKind, number};
use crate::report::{discrepancy_title, feature_title};

/// Registry entry.
pub const KIND: PlotKind = PlotKind { name: "panel", title: "Metrics against the floor", make };

/// More rows have no room; those with the largest excess are shown.
const MOST: usize = 40;
const ROW: f64 = 19.0;
const TOP: f64 = 70.0;
/// Room for a number at the right edge.
const NUMBER: f64 = 58.0;
/// The ends that the axis may reach to, in floors.
const WIDEST: [f64; 2] = [0.05, 1000.0];

struct PanelForest {
    title: String,
    name: String,
    look: Look,
    x: Axis,
    lines: Vec<Line>,
}

/// One line of the picture.
enum Line {
    /// A feature.
    Head(String),
    /// One of its metrics.
    Metric(Metric),
}

struct Metric {
    name: String,
    value: String,
    /// Low end, value and high end, divided by the unit.
    own: [f64; 3],
    /// The same of the floor.
    real: [f64; 3],
    /// (value - floor) over the upper end of the floor's interval.
    excess: f64,
}

/// A row in units of its floor; none where the floor has no noise.
fn metric(row: &PanelRow) -> Option<Metric> {
    let high = row.floor_ci[1];
    let excess = (row.value - row.floor) / high;
    let unit = row.value / row.floor_multiple()?;
    let unit = if unit > 0.0 { unit } else { row.floor };
    let [own, real] = [(row.ci, row.value), (row.floor_ci, row.floor)]
        .map(|([low, high], value)| [low, value, high].map(|v| v / unit));
    (high > 0.0 && unit > 0.0 && excess.is_finite()).then(|| Metric {
        name: discrepancy_title(&row.discrepancy),
        value: short(row.value),
        own,
        real,
        excess,
    })
}

/// A number with two digits: the table of all metrics has more.
fn short(value: f64) -> String {
    let power = 10f64.powi(1 - value.abs().max(1e-300).log10().floor() as i32);
    let rounded = (value * power).round() / power;
    number(if rounded.is_finite() { rounded } else { value })
}

fn make(input: PlotInput<'_>) -> Vec<Outcome> {
    let best = input.summary.best();
    let place = input.summary.calibrators.iter().position(|c| Some(c) == best);
    let picture = best.zip(place).and_then(|(best, place)| picture(best, place));
    match picture {
        Some(picture) => vec![Outcome::Drawn(picture)],
        None => {
            let why = "No picture of all metrics: no metric has a noise floor.";
            vec![Outcome::Empty(why.to_owned())]
        }
    }
}

fn picture(best: &CalibratorPanel, place: usize) -> Option<Picture> {
    let mut rows: Vec<(&str, Metric)> =
        best.panel.iter().filter_map(|row| Some((row.feature.as_str(), metric(row)?))).collect();
    let without = best.panel.len() - rows.len();
    let all = rows.len();
    let above = rows.iter().filter(|(_, m)| m.own[1] > m.real[2]).count();
    // Sorting is stable: rows of equal excess stay in the order of the panel.
    rows.sort_by(|a, b| b.1.excess.total_cmp(&a.1.excess));
    let left = all.saturating_sub(MOST);
    rows.truncate(MOST);
    let (farthest, worst) = rows.first().map(|(f, m)| (feature_title(f), m.name.clone()))?;
    let ends = |of: fn(&Metric) -> f64| rows.iter().map(move |(_, m)| of(m));
    let low = ends(|m| m.own[1].min(m.real[1])).fold(0.5, f64::min).max(WIDEST[0]) * 0.8;
    let high = ends(|m| m.own[2]).fold(1.0, f64::max).min(WIDEST[1]) * 1.15;
    let mut say = String::new();
    if left > 0 {
        say.push_str(&format!(" The {left} with the smallest excess are left out."));
    }
    if without > 0 {
        say.push_str(&format!(" {without} more have a floor without noise."));
    }
    let title = match left {
        0 => format!("All metrics of {}", best.name),
        _ => format!("{MOST} of {all} metrics of {}", best.name),
    };
    Some(Picture {
        about: String::new(),
        title: title.clone(),
        description: format!(
            "Each metric with its 95% interval over users, as a multiple of its noise floor; grey: \
             the floor with its own interval, which is what real users may differ by through chance. \
             Sorted by value less floor, feature by feature. {above} of {all} lie above the grey; \
             farthest: “{worst}” of “{farthest}”.{say}",
        ),
        drawing: Box::new(PanelForest {
            title,
            name: best.name.clone(),
            look: look(place),
            x: Axis::new(Scale::Ln, low.ln(), high.ln(), 5, "multiple of the floor (log scale)"),
            lines: grouped(rows),
        }),
    })
}

/// Rows under their features, which stand in the order of their first rows.
fn grouped(rows: Vec<(&str, Metric)>) -> Vec<Line> {
    let mut groups: Vec<(&str, Vec<Line>)> = Vec::new();
    for (feature, metric) in rows {
        match groups.iter_mut().find(|(name, _)| *name == feature) {
            Some((_, lines)) => lines.push(Line::Metric(metric)),
            None => groups.push((feature, vec![Line::Metric(metric)])),
        }
    }
    let lines = groups.into_iter().flat_map(|(feature, metrics)| {
        std::iter::once(Line::Head(feature_title(feature))).chain(metrics)
    });
    lines.collect()
}

impl PanelForest {
    fn metric<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
        metric: &Metric,
        y: f64,
        (left, right): (f64, f64),
    ) -> Result<(), PlotError> {
        // Values of 0 or less lie at the left end.
        let place = |value: f64| left + self.x.share(value.max(1e-300).ln()) * (right - left);
        let name = canvas.fit(&metric.name, TEXT - 0.5, left - 26.0);
        canvas.text(&name, left - 9.0, y, TEXT - 0.5, INK, Anchor::End)?;
        let [low, floor, high] = metric.real.map(place);
        canvas.rectangle((low, y - 6.5), (high, y + 6.5), AREA)?;
        canvas.line(&[(floor, y - 6.5), (floor, y + 6.5)], REAL, 2.0)?;
        let [low, value, high] = metric.own.map(place);
        canvas.line(&[(low, y), (high, y)], self.look.colour, 2.0)?;
        canvas.mark((value, y), 3.2, self.look)?;
        let at = canvas.size().0 - 12.0;
        canvas.text(&metric.value, at, y, TEXT - 0.5, INK, Anchor::End)
    }
}

impl Plot for PanelForest {
    fn size(&self) -> (u32, u32) {
        (460, (TOP + ROW * self.lines.len() as f64 + 52.0) as u32)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Result<(), PlotError> {
        canvas.begin(&self.title)?;
        let (width, _) = canvas.size();
        let grey = Look { colour: AREA, width: 1.0, mark: None, start: 0.0 };
        let name = canvas.fit(&self.name, TEXT, 200.0);
        let own = Entry { name: &name, look: self.look, area: false };
        canvas.legend(&[own, Entry { name: "noise floor", look: grey, area: true }], 38.0)?;
        let names = self.lines.iter().filter_map(|line| match line {
            Line::Metric(metric) => Some(canvas.width_of(&metric.name, TEXT - 0.5)),
            Line::Head(_) => None,
        });
        let left = 28.0 + (names.fold(0.0, f64::max) * SLACK).min(170.0);
        let right = width - NUMBER - 26.0;
        let bottom = TOP + ROW * self.lines.len() as f64;
        canvas.text("value", width - 12.0, TOP - 10.0, TEXT - 1.5, MUTED, Anchor::End)?;
        for (value, _) in &self.x.ticks {
            let x = left + self.x.share(*value) * (right - left);
            let (colour, width) = if *value == 0.0 { (MUTED, 1.5) } else { (GRID, 1.0) };
            canvas.line(&[(x, TOP), (x, bottom)], colour, width)?;
        }
        let place = |value: &f64| left + self.x.share(*value) * (right - left);
        canvas
            .numbers(self.x.ticks.iter().map(|(at, label)| (place(at), &**label)), bottom + 13.0)?;
        for (i, line) in self.lines.iter().enumerate() {
            let y = TOP + ROW * (i as f64 + 0.5);
            match line {
                Line::Head(feature) => {
                    let feature = canvas.fit(feature, TEXT, right - 10.0);
                    canvas.text(&feature, 10.0, y, TEXT, MUTED, Anchor::Start)?;
                }
                Line::Metric(metric) => self.metric(canvas, metric, y, (left, right))?,
            }
        }
        let middle = (left + right) / 2.0;
        canvas.text(&self.x.title, middle, bottom + 34.0, TEXT, INK, Anchor::Middle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(feature: &str, value: f64, floor: [f64; 3]) -> PanelRow {
        serde_json::from_value(serde_json::json!({
            "feature": feature, "level": "event", "discrepancy": "wasserstein-1", "unit": "",
            "value": value, "ci": [value / 2.0, value * 2.0], "floor": floor[1],
            "floor_ci": [floor[0], floor[2]], "before": null, "gap_closed": null,
            "optimised": false, "feature_rewarded": false,
        }))
        .unwrap()
    }

    #[test]
    fn rows_are_in_floors_and_without_noise_there_is_none() {
        let found = metric(&row("gap", 0.3, [0.0, 0.1, 0.2])).unwrap();
        let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(near(found.own[1], 3.0) && near(found.own[2], 6.0) && near(found.real[2], 2.0));
        assert!(near(found.excess, 1.0));
        assert!(metric(&row("gap", 0.3, [0.0, 0.0, 0.0])).is_none());
        let given = [0.000_747, 0.0283, 1234.0, 0.0, -0.0552, 9.96, f64::MAX];
        let wanted = ["0.00075", "0.028", "1200", "0", "−0.055", "10", "1.8e308"];
        assert_eq!(given.map(short), wanted);
    }

    #[test]
    fn features_stand_in_the_order_of_their_worst_metric() {
        let metric =
            |feature, value| (feature, metric(&row(feature, value, [0.0, 0.1, 0.2])).unwrap());
        let lines = grouped(vec![metric("gap", 9.0), metric("kind", 5.0), metric("gap", 1.0)]);
        let heads: Vec<_> = lines
            .iter()
            .map(|line| match line {
                Line::Head(feature) => feature.clone(),
                Line::Metric(metric) => metric.value.clone(),
            })
            .collect();
        assert_eq!(
            heads,
            [feature_title("gap"), "9".into(), "1".into(), feature_title("kind"), "5".into()]
        );
    }
}
