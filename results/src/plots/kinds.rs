//! Shares of categories, such as kinds and weekdays: a row a category, a bar
//! for the real users and a dot for every simulation.

use plotters::prelude::DrawingBackend;

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Entry, PlotError, SLACK, TEXT};
use super::style::{AREA, GRID, INK, Look, REAL_LOOK, look};
use super::{Outcome, Picture, Plot, PlotInput, PlotKind};
use crate::series::FeatureSeries;

/// Registry entry.
pub const KIND: PlotKind = PlotKind { name: "kinds", title: "Categories", make };

struct Kinds {
    title: String,
    kinds: Vec<String>,
    x: Axis,
    /// Name, look and share of each kind, the real users first.
    sides: Vec<(String, Look, Vec<f64>)>,
}

fn make(input: PlotInput<'_>) -> Vec<Outcome> {
    let kinds = &input.series.kinds;
    let categories = input.series.features.iter().filter(|f| f.histogram.is_none());
    let named = categories.filter_map(|feature| {
        let shares = feature.sides.first()?.shares.len();
        // Files of older versions name kinds alone.
        let names = if feature.classes.is_empty() { kinds } else { &feature.classes };
        (names.len() == shares && shares > 1)
            .then(|| Outcome::Drawn(picture(input, feature, names)))
    });
    let mut outcomes: Vec<Outcome> = named.collect();
    if kinds.len() < 2 {
        let why = "No picture of kinds: the log has one kind only.";
        outcomes.push(Outcome::Empty(why.to_owned()));
    }
    outcomes
}

fn picture(input: PlotInput<'_>, feature: &FeatureSeries, names: &[String]) -> Picture {
    let sides: Vec<_> = feature
        .sides
        .iter()
        .enumerate()
        .map(|(i, side)| {
            let place = input.summary.calibrators.iter().position(|c| c.name == side.name);
            let look = i.checked_sub(1).map_or(REAL_LOOK, |i| look(place.unwrap_or(i)));
            (side.name.clone(), look, side.shares.clone())
        })
        .collect();
    let top = sides.iter().flat_map(|side| &side.2).fold(0.0, |a: f64, b| a.max(*b));
    let real = sides.first().map_or(&[][..], |side| &side.2);
    let words = names
        .iter()
        .zip(real)
        .map(|(name, share)| format!("{name} {}%", super::number((share * 1000.0).round() / 10.0)));
    Picture {
        about: feature.name.clone(),
        title: feature.title.clone(),
        description: format!(
            "{} Share of events in each category, real users and every simulation. Real users: {}.",
            feature.definition,
            words.collect::<Vec<_>>().join(", ")
        ),
        drawing: Box::new(Kinds {
            title: feature.title.clone(),
            kinds: names.to_vec(),
            x: Axis::percent_to((top * 1.05).max(1e-6), "share of events"),
            sides,
        }),
    }
}

/// Height of a row: many categories lie closer.
fn row(kinds: usize) -> f64 {
    if kinds > 12 { 17.0 } else { 26.0 }
}

impl Plot for Kinds {
    fn size(&self) -> (u32, u32) {
        (460, (row(self.kinds.len()) * self.kinds.len() as f64 + 130.0) as u32)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Result<(), PlotError> {
        canvas.begin(&self.title)?;
        let (width, height) = canvas.size();
        let legend: Vec<_> = self
            .sides
            .iter()
            .map(|(name, look, _)| match look.mark {
                None => Entry { name, look: Look { colour: AREA, ..*look }, area: true },
                Some(_) => Entry { name, look: *look, area: false },
            })
            .collect();
        let top = canvas.legend(&legend, 38.0)? + 6.0;
        let widest = self.kinds.iter().map(|k| canvas.width_of(k, TEXT)).fold(0.0, f64::max);
        let (left, right, bottom) =
            (24.0 + (widest * SLACK).min(170.0), width - 20.0, height - 46.0);
        let place = |share: f64| left + self.x.share(share) * (right - left);
        for (value, _) in &self.x.ticks {
            let x = place(*value);
            canvas.line(&[(x, top), (x, bottom)], GRID, 1.0)?;
        }
        let ticks = self.x.ticks.iter().map(|(value, label)| (place(*value), &**label));
        canvas.numbers(ticks, bottom + 13.0)?;
        let height = (bottom - top) / self.kinds.len().max(1) as f64;
        for (i, kind) in self.kinds.iter().enumerate() {
            let y = top + height * (i as f64 + 0.5);
            canvas.line(&[(left, y), (right, y)], GRID, 1.0)?;
            let kind = canvas.fit(kind, TEXT, left - 14.0);
            canvas.text(&kind, left - 10.0, y, TEXT, INK, Anchor::End)?;
            for (_, look, shares) in &self.sides {
                let share = shares.get(i).copied().unwrap_or(0.0);
                match look.mark {
                    None => {
                        let half = 0.31 * height;
                        canvas.rectangle((left, y - half), (place(share), y + half), AREA)?;
                    }
                    Some(_) => canvas.mark((place(share), y), 4.0, *look)?,
                }
            }
        }
        let middle = (left + right) / 2.0;
        canvas.text(&self.x.title, middle, bottom + 33.0, TEXT, INK, Anchor::Middle)
    }
}
