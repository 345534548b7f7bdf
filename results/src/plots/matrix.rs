//! A table of shaded cells with a number in each.

use plotters::prelude::DrawingBackend;

use super::Plot;
use super::canvas::{Anchor, Canvas, PlotError, SLACK, TEXT};
use super::shade::{readable_on, shade};
use super::style::{GRID, INK, MUTED};

/// Height of a row.
const ROW: f64 = 26.0;
/// Most room for the labels of rows.
const LABELS: f64 = 330.0;
/// Height of a line of a heading.
const LINE: f64 = 13.5;
/// Most lines of a heading.
const LINES: usize = 5;
/// Room between groups of rows.
const GAP: f64 = 9.0;
/// Size of small letters.
const SMALL: f64 = TEXT - 1.5;

/// One cell.
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixCell {
    /// What it says.
    pub text: String,
    /// White at 0, blue towards 1, orange towards -1; none for grey.
    pub shade: Option<f64>,
}

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixRow {
    /// What it is about.
    pub label: String,
    /// One a column; none where there is nothing.
    pub cells: Vec<Option<MatrixCell>>,
    /// Whether a group of rows begins with it.
    pub apart: bool,
}

/// The picture.
pub struct Matrix {
    /// Title.
    pub title: String,
    /// What the rows are, and what the columns are.
    pub sides: (String, String),
    /// Headings.
    pub columns: Vec<String>,
    /// Width of a column in CSS pixels.
    pub column: f64,
    /// Rows from top to bottom.
    pub rows: Vec<MatrixRow>,
    /// What the cells mean, a line each.
    pub key: Vec<String>,
}

impl Matrix {
    /// The same with rows as columns: for many columns and few rows.
    #[must_use]
    pub fn turned(self) -> Self {
        let row = |(i, label): (usize, String)| MatrixRow {
            label,
            cells: self.rows.iter().map(|row| row.cells.get(i).cloned().flatten()).collect(),
            apart: false,
        };
        Self {
            sides: (self.sides.1, self.sides.0),
            columns: self.rows.iter().map(|row| row.label.clone()).collect(),
            rows: self.columns.into_iter().enumerate().map(row).collect(),
            ..self
        }
    }

    /// Room for labels, by the number of letters: the size is asked for before there is a canvas.
    fn labels(&self) -> f64 {
        let wide = |text: &str| {
            let letter = |c: char| if c.is_ascii() { 6.9 } else { 12.5 };
            text.chars().map(letter).sum::<f64>()
        };
        let rows = self.rows.iter().map(|row| wide(&row.label)).fold(0.0, f64::max);
        (rows.max(wide(&self.sides.0)) + 24.0).clamp(70.0, LABELS)
    }

    fn head(&self) -> f64 {
        34.0 + LINE * (self.lines() as f64 + 1.0) + 10.0
    }

    /// Lines of the longest heading, by the number of letters.
    fn lines(&self) -> usize {
        let letters = ((self.column - 4.0) / 8.0).max(1.0) as usize;
        let lines = |column: &String| {
            let mut free = 0_usize;
            let line = |piece: Piece<'_>| {
                let wide = |c: char| if c.is_ascii() { 1 } else { 2 };
                let need = piece.text.chars().map(wide).sum::<usize>() + usize::from(piece.spaced);
                let fits = need <= free;
                free = if fits { free - need } else { letters.saturating_sub(need) };
                usize::from(!fits)
            };
            pieces(column).map(line).sum()
        };
        self.columns.iter().map(lines).max().unwrap_or(1).clamp(1, LINES)
    }

    fn gaps(&self) -> f64 {
        GAP * self.rows.iter().skip(1).filter(|row| row.apart).count() as f64
    }

    fn headings<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
        left: f64,
    ) -> Result<(), PlotError> {
        let head = self.head();
        let room = canvas.size().0 - left - 8.0;
        let columns = canvas.fit(&self.sides.1, SMALL, room);
        canvas.text(&columns, left, 40.0, SMALL, MUTED, Anchor::Start)?;
        let rows = canvas.fit(&self.sides.0, SMALL, left - 16.0);
        canvas.text(&rows, left - 9.0, head - 9.0, SMALL, MUTED, Anchor::End)?;
        for (i, column) in self.columns.iter().enumerate() {
            let x = left + self.column * (i as f64 + 0.5);
            let lines = wrapped(canvas, column, self.column - 2.0, self.lines());
            for (k, line) in lines.iter().rev().enumerate() {
                let y = head - 9.0 - LINE * k as f64;
                canvas.text(line, x, y, SMALL, INK, Anchor::Middle)?;
            }
        }
        Ok(())
    }

    fn cell<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
        (x, y): (f64, f64),
        cell: &MatrixCell,
    ) -> Result<(), PlotError> {
        let fill = cell.shade.map_or(GRID, shade);
        let to = (x + self.column - 1.0, y + ROW - 1.0);
        canvas.rectangle((x + 1.0, y + 1.0), to, fill)?;
        let ink = if cell.shade.is_none() { MUTED } else { readable_on(fill) };
        let text = canvas.fit(&cell.text, SMALL, self.column - 2.0);
        let middle = (x + self.column / 2.0, y + ROW / 2.0);
        canvas.text(&text, middle.0, middle.1, SMALL, ink, Anchor::Middle)
    }
}

/// A part of a text that stays on one line.
struct Piece<'a> {
    text: &'a str,
    /// Whether a space comes before it.
    spaced: bool,
}

/// Words, cut after their hyphens; a lone letter or number stays with what it follows.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    text.split_whitespace().flat_map(|word| {
        let mut from = 0;
        let mut cuts = Vec::new();
        for (at, _) in word.match_indices('-') {
            if word.len() - at > 2 {
                cuts.push(word.get(from..=at).unwrap_or_default());
                from = at + 1;
            }
        }
        cuts.push(word.get(from..).unwrap_or_default());
        let piece = |(i, text)| Piece { text, spaced: i == 0 };
        cuts.into_iter().enumerate().map(piece).collect::<Vec<_>>()
    })
}

/// A text in lines of a width; what has no room ends in an ellipsis.
fn wrapped<B: DrawingBackend>(
    canvas: &Canvas<'_, B>,
    text: &str,
    width: f64,
    most: usize,
) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for Piece { text, spaced } in pieces(text) {
        let between = if spaced { " " } else { "" };
        match lines.last_mut() {
            Some(line)
                if canvas.width_of(&format!("{line}{between}{text}"), SMALL) * SLACK <= width =>
            {
                line.push_str(between);
                line.push_str(text);
            }
            _ => lines.push(text.to_owned()),
        }
    }
    if lines.len() > most
        && let Some((kept, rest)) = lines.split_at_checked(most.saturating_sub(1))
    {
        let rest = rest.join(" ");
        lines = kept.iter().cloned().chain([rest]).collect();
    }
    lines.iter().map(|line| canvas.fit(line, SMALL, width)).collect()
}

impl Plot for Matrix {
    fn size(&self) -> (u32, u32) {
        let width = self.labels() + self.column * self.columns.len().max(1) as f64 + 12.0;
        let rows = ROW * self.rows.len() as f64 + self.gaps();
        let key = 17.0 * self.key.len() as f64;
        (width.max(300.0) as u32, (self.head() + rows + key + 20.0) as u32)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Result<(), PlotError> {
        canvas.begin(&self.title)?;
        let left = self.labels();
        self.headings(canvas, left)?;
        let mut y = self.head();
        for (i, row) in self.rows.iter().enumerate() {
            if row.apart && i > 0 {
                y += GAP;
            }
            let label = canvas.fit(&row.label, TEXT, left - 14.0);
            canvas.text(&label, left - 9.0, y + ROW / 2.0, TEXT, INK, Anchor::End)?;
            for (k, cell) in row.cells.iter().enumerate() {
                if let Some(cell) = cell {
                    self.cell(canvas, (left + self.column * k as f64, y), cell)?;
                }
            }
            y += ROW;
        }
        for line in &self.key {
            y += 17.0;
            let line = canvas.fit(line, SMALL, canvas.size().0 - 16.0);
            canvas.text(&line, 10.0, y, SMALL, MUTED, Anchor::Start)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_after_hyphens_and_numbers_stay() {
        let cut = |text| pieces(text).map(|p| (p.spaced, p.text)).collect::<Vec<_>>();
        assert_eq!(cut("Cramér-von Mises"), [(true, "Cramér-"), (false, "von"), (true, "Mises")]);
        assert_eq!(cut("wasserstein-1"), [(true, "wasserstein-1")]);
        assert_eq!(cut("- a"), [(true, "-"), (true, "a")]);
        assert!(cut("").is_empty());
    }
}
