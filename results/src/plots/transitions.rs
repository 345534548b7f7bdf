//! What follows what: the matrix of kind to next kind of the real users, of the best calibrator, and
//! the difference of the two.

use plotters::prelude::DrawingBackend;

use super::canvas::{Anchor, Canvas, PlotError, TEXT};
use super::shade::{readable_on, shade};
use super::style::{GRID, INK, MUTED};
use super::{Outcome, Picture, Plot, PlotInput, PlotKind, number};
use crate::series::Transitions;

/// Registry entry.
pub const KIND: PlotKind = PlotKind { name: "transitions", title: "Kind to next kind", make };

/// More kinds than this have no room: the most frequent ones are shown.
const MOST: usize = 12;
const LABELS: f64 = 150.0;
const HEAD: f64 = 66.0;
const LEGEND: f64 = 56.0;

/// What the cells hold.
#[derive(Clone, Copy, PartialEq)]
enum Cells {
    /// Shares of what comes next.
    Shares,
    /// Shares less those of the real users.
    Differences,
}

struct Matrix {
    title: String,
    kinds: Vec<String>,
    cells: Cells,
    /// Row by row; none where nothing follows.
    values: Vec<Vec<Option<f64>>>,
    /// The value of the strongest shade.
    most: f64,
}

fn make(input: PlotInput<'_>) -> Vec<Outcome> {
    let why = |why: &str| vec![Outcome::Empty(why.to_owned())];
    let kinds = &input.series.kinds;
    let Some((real, simulated)) = input.series.transitions.split_first() else {
        return why("No matrix of kinds: the log has one kind only, or the run stored none.");
    };
    let shown = most_frequent(real, kinds.len());
    let real_values = values(real, &shown, kinds.len());
    if real_values.iter().flatten().all(Option::is_none) {
        return why("No matrix of kinds: no real user has two events.");
    }
    let left = kinds.len() - shown.len();
    let about = |name: &str, title: String, cells: Cells, values: Vec<Vec<Option<f64>>>| {
        let most = values.iter().flatten().flatten().fold(0.0, |a: f64, b| a.max(b.abs()));
        let description = describe(cells, name, &title, left);
        let kinds = shown.iter().map(|&k| kinds[k].clone()).collect();
        let most = if cells == Cells::Shares { 1.0 } else { most.max(0.01) };
        let drawing = Box::new(Matrix { title: title.clone(), kinds, cells, values, most });
        Outcome::Drawn(Picture { about: name.to_owned(), title, description, drawing })
    };
    let title = |name: &str| format!("What follows what, {name}");
    let mut outcomes =
        vec![about(&real.name, title(&real.name), Cells::Shares, real_values.clone())];
    let best = input.summary.best().map(|c| c.name.as_str());
    if let Some(best) = simulated.iter().find(|side| Some(side.name.as_str()) == best) {
        let own = values(best, &shown, kinds.len());
        let difference = |(a, b): (&Option<f64>, &Option<f64>)| Some((*a)? - (*b)?);
        let rows = own.iter().zip(&real_values);
        let differences = rows.map(|(a, b)| a.iter().zip(b).map(difference).collect()).collect();
        outcomes.push(about(&best.name, title(&best.name), Cells::Shares, own));
        let name = format!("{} less {}", best.name, real.name);
        outcomes.push(about(&name, title(&name), Cells::Differences, differences));
    }
    outcomes
}

fn describe(cells: Cells, name: &str, title: &str, left: usize) -> String {
    let left = match left {
        0 => String::new(),
        1 => " The least frequent kind is left out.".to_owned(),
        n => format!(" The {n} least frequent kinds are left out."),
    };
    match cells {
        Cells::Shares => format!(
            "{title}: of all events that follow a kind (row), the share of each next kind \
             (column). Rows add up to 100%.{left}"
        ),
        Cells::Differences => format!(
            "{name}, in percentage points: blue where the simulation goes from row to column more \
             often than real users do, orange where less.{left}"
        ),
    }
}

/// The kinds that most pairs begin or end with, in the order of the log.
fn most_frequent(real: &Transitions, kinds: usize) -> Vec<usize> {
    let count = |i: usize| real.counts.get(i).copied().unwrap_or(0);
    let total =
        |k: usize| -> u64 { (0..kinds).map(|j| count(k * kinds + j) + count(j * kinds + k)).sum() };
    let mut order: Vec<usize> = (0..kinds).collect();
    order.sort_by_key(|&k| (std::cmp::Reverse(total(k)), k));
    order.truncate(MOST);
    order.sort_unstable();
    order
}

fn values(side: &Transitions, shown: &[usize], kinds: usize) -> Vec<Vec<Option<f64>>> {
    let row = |&from: &usize| {
        let shares = side.shares(from, kinds);
        shown.iter().map(|&to| shares.as_ref()?.get(to).copied()).collect()
    };
    shown.iter().map(row).collect()
}

impl Matrix {
    fn cell(&self) -> (f64, f64) {
        let count = self.kinds.len().max(1) as f64;
        (((460.0 - LABELS - 14.0) / count).min(76.0), if count > 6.0 { 24.0 } else { 32.0 })
    }

    fn words(&self, value: f64) -> String {
        let percent = value * 100.0;
        match self.cells {
            Cells::Shares => format!("{percent:.0}"),
            // A difference that rounds to nothing has no sign.
            Cells::Differences if percent.abs() < 0.5 => "0".to_owned(),
            Cells::Differences => format!("{percent:+.0}").replace('-', "−"),
        }
    }

    /// The scale of the shades, with its ends in words.
    fn legend<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>, y: f64) -> Result<(), PlotError> {
        let steps = 40;
        let width = 200.0;
        let lowest = if self.cells == Cells::Shares { 0.0 } else { -1.0 };
        for i in 0..steps {
            let from = LABELS + width * f64::from(i) / f64::from(steps);
            let to = LABELS + width * f64::from(i + 1) / f64::from(steps);
            let share = lowest + (1.0 - lowest) * (f64::from(i) + 0.5) / f64::from(steps);
            canvas.rectangle((from, y), (to, y + 10.0), shade(share))?;
        }
        let most = number((self.most * 1000.0).round() / 10.0);
        let words = match self.cells {
            Cells::Shares => [("0%".to_owned(), 0.0), ("100%".to_owned(), 1.0)].to_vec(),
            Cells::Differences => [
                (format!("−{most} points"), 0.0),
                ("0".to_owned(), 0.5),
                (format!("+{most} points"), 1.0),
            ]
            .to_vec(),
        };
        for (text, at) in words {
            let x = LABELS + width * at;
            canvas.text(&text, x, y + 22.0, TEXT - 1.5, MUTED, Anchor::Middle)?;
        }
        Ok(())
    }
}

impl Plot for Matrix {
    fn size(&self) -> (u32, u32) {
        let (_, high) = self.cell();
        (460, (HEAD + high * self.kinds.len() as f64 + LEGEND) as u32)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Result<(), PlotError> {
        canvas.begin(&self.title)?;
        let (wide, high) = self.cell();
        canvas.text("from", LABELS - 9.0, HEAD - 11.0, TEXT - 1.5, MUTED, Anchor::End)?;
        canvas.text("to", LABELS, HEAD - 28.0, TEXT - 1.5, MUTED, Anchor::Start)?;
        for (i, kind) in self.kinds.iter().enumerate() {
            // Columns have room for a number only.
            let x = LABELS + wide * (i as f64 + 0.5);
            canvas.text(&(i + 1).to_string(), x, HEAD - 11.0, TEXT, MUTED, Anchor::Middle)?;
            let y = HEAD + high * (i as f64 + 0.5);
            let name = canvas.fit(&format!("{} {kind}", i + 1), TEXT, LABELS - 16.0);
            canvas.text(&name, LABELS - 9.0, y, TEXT, INK, Anchor::End)?;
            for (k, value) in self.values.get(i).into_iter().flatten().enumerate() {
                let x = LABELS + wide * k as f64;
                let (from, to) =
                    ((x + 1.0, y - high / 2.0 + 1.0), (x + wide - 1.0, y + high / 2.0 - 1.0));
                let fill = value.map_or(GRID, |v| shade(v / self.most));
                let (text, ink) = match value {
                    Some(v) => (self.words(*v), readable_on(fill)),
                    None => ("–".to_owned(), MUTED),
                };
                canvas.rectangle(from, to, fill)?;
                let size = if wide < 32.0 { TEXT - 2.5 } else { TEXT };
                canvas.text(&text, x + wide / 2.0, y, size, ink, Anchor::Middle)?;
            }
        }
        self.legend(canvas, HEAD + high * self.kinds.len() as f64 + 14.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_kinds_are_left_out() {
        let kinds = MOST + 2;
        let mut counts = vec![1; kinds * kinds];
        for i in 0..kinds {
            (counts[3 * kinds + i], counts[5 * kinds + i]) = (0, 0);
            (counts[i * kinds + 3], counts[i * kinds + 5]) = (0, 0);
        }
        let shown = most_frequent(&Transitions { name: String::new(), counts }, kinds);
        assert_eq!(shown.len(), MOST);
        assert!(!shown.contains(&3) && !shown.contains(&5) && shown.is_sorted());
    }
}
