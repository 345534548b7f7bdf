//! Rows of a value with its interval, best on top, against reference lines.

use plotters::prelude::DrawingBackend;

use super::Plot;
use super::axis::Axis;
use super::canvas::{Anchor, Canvas, PlotError, SLACK, TEXT};
use super::style::{GRID, INK, Look, MUTED};

/// One row.
pub struct Row {
    /// What it is.
    pub name: String,
    /// How it is drawn.
    pub look: Look,
    /// The value.
    pub value: f64,
    /// 95% interval, where there is one.
    pub ci: Option<[f64; 2]>,
    /// The value in words, at the right edge.
    pub label: String,
}

/// Usual width of the picture, in CSS pixels.
pub const WIDTH: u32 = 460;

/// The picture.
pub struct Intervals {
    /// Title.
    pub title: String,
    /// Width in CSS pixels; names take what is more than [`WIDTH`].
    pub width: u32,
    /// The axis of the values.
    pub x: Axis,
    /// Values that mean something, with their names.
    pub references: Vec<(f64, &'static str)>,
    /// Rows from top to bottom.
    pub rows: Vec<Row>,
}

impl Intervals {
    /// Names and values from top to bottom.
    pub fn ranking(&self) -> String {
        let words: Vec<_> = self.rows.iter().map(|r| format!("{} {}", r.name, r.label)).collect();
        words.join(", ")
    }

    /// Draws an interval that stays visible behind the mark on it, however narrow it is.
    fn whisker<B: DrawingBackend>(
        canvas: &Canvas<'_, B>,
        (from, to): (f64, f64),
        y: f64,
        look: Look,
    ) -> Result<(), PlotError> {
        let (top, bottom) = (y - REACH, y + REACH);
        canvas.wash(&[(from, top), (to, top), (to, bottom), (from, bottom)], look.colour)?;
        canvas.line(&[(from, y), (to, y)], look.colour, 3.0)?;
        for end in [from, to] {
            canvas.line(&[(end, top), (end, bottom)], look.colour, 1.5)?;
        }
        Ok(())
    }
}

const ROW: f64 = 34.0;
/// Half the height of an interval: more than that of a mark, which is often the wider of the two.
const REACH: f64 = 10.0;
const TOP: f64 = 62.0;

impl Plot for Intervals {
    fn size(&self) -> (u32, u32) {
        (self.width, (TOP + ROW * self.rows.len() as f64 + 52.0) as u32)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Result<(), PlotError> {
        canvas.begin(&self.title)?;
        let (width, _) = canvas.size();
        let widest = |text: fn(&Row) -> &str| {
            self.rows.iter().map(|r| canvas.width_of(text(r), TEXT)).fold(0.0, f64::max)
        };
        let most = 150.0 + f64::from(self.width.saturating_sub(WIDTH));
        let left = 22.0 + (widest(|row| &row.name) * SLACK).min(most);
        let right = width - 22.0 - widest(|row| &row.label) * SLACK;
        let bottom = TOP + ROW * self.rows.len() as f64;
        let place = |value: f64| left + self.x.share(value) * (right - left);
        for (value, _) in &self.x.ticks {
            let x = place(*value);
            canvas.line(&[(x, TOP), (x, bottom)], GRID, 1.0)?;
        }
        let ticks = self.x.ticks.iter().map(|(value, label)| (place(*value), &**label));
        canvas.numbers(ticks, bottom + 13.0)?;
        let last = self.references.len().saturating_sub(1);
        for (i, (value, name)) in self.references.iter().enumerate() {
            let x = place(*value);
            canvas.line(&[(x, TOP), (x, bottom)], MUTED, 1.5)?;
            let half = canvas.width_of(name, TEXT - 1.0) * SLACK / 2.0;
            let anchor = match i {
                0 if x - half < 10.0 || last > 0 => Anchor::Start,
                _ if i == last && (x + half > width - 10.0 || last > 0) => Anchor::End,
                _ => Anchor::Middle,
            };
            let at = if anchor == Anchor::Start { x - 4.0 } else { x + 4.0 };
            canvas.text(name, at, TOP - 11.0, TEXT - 1.0, MUTED, anchor)?;
        }
        for (i, row) in self.rows.iter().enumerate() {
            let y = TOP + ROW * (i as f64 + 0.5);
            let name = canvas.fit(&row.name, TEXT, left - 16.0);
            canvas.text(&name, left - 12.0, y, TEXT, INK, Anchor::End)?;
            if let Some([low, high]) = row.ci.filter(|[low, high]| low < high) {
                Self::whisker(canvas, (place(low), place(high)), y, row.look)?;
            }
            canvas.mark((place(row.value), y), 4.0, row.look)?;
            canvas.text(&row.label, right + 14.0, y, TEXT, INK, Anchor::Start)?;
        }
        let middle = (left + right) / 2.0;
        let title = canvas.fit(&self.x.title, TEXT, middle.min(width - middle) * 2.0);
        canvas.text(&title, middle, bottom + 34.0, TEXT, INK, Anchor::Middle)
    }
}
