//! Parallel coordinates: one line a trial through all axes, which lie one below the other, so that
//! names and numbers stand upright and the picture fits a telephone.

use plotters::prelude::DrawingBackend;

use super::Plot;
use super::canvas::{Anchor, Canvas, PlotError, SLACK, TEXT};
use super::mark::Mark;
use super::style::{GRADES, GRID, INK, Look, MUTED, THIN};

/// Width of the picture, that of a telephone.
const WIDTH: f64 = 380.0;
/// Room left and right of the axes.
const RIM: f64 = 12.0;
/// Where the first axis begins.
const TOP: f64 = 54.0;
/// Room between two axes.
const BETWEEN: f64 = 40.0;
/// Height of an axis with one row of labels.
const BAND: f64 = 35.0;
/// Height of one more row of labels.
const ROW: f64 = 13.0;
/// Size of the labels.
const SMALL: f64 = TEXT - 1.5;

/// An axis.
pub struct Way {
    /// What it is.
    pub name: String,
    /// What the best line has there; empty for nothing.
    pub best: String,
    /// Where labels stand, from 0 to 1 and ascending, and what they say.
    pub ticks: Vec<(f64, String)>,
    /// Whether every label is to be read, not some of them.
    pub names: bool,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// By its place among [`GRADES`], 0 being the best.
    Grade(usize),
    /// Dashed and grey: it has no value.
    Lost,
}

/// A line.
pub struct Thread {
    /// Where it meets the axes, from 0 to 1; it ends early where it has fewer places than there are
    /// axes.
    pub places: Vec<f64>,
    /// How it is drawn.
    pub tone: Tone,
}

/// The picture.
pub struct Parallel {
    /// Title.
    pub title: String,
    /// Axes from top to bottom.
    pub ways: Vec<Way>,
    /// Lines, the best first: it is thick and lies on top.
    pub threads: Vec<Thread>,
    /// What the best and the worst line have, for the key of colours.
    pub ends: (String, String),
    /// What dashed lines are; empty where there are none.
    pub lost: String,
}

impl Way {
    /// Whether labels stand in two rows: they would touch in one. By the number of letters, because
    /// the size is asked for before there is a canvas.
    fn staggered(&self) -> bool {
        let wide = |text: &str| {
            let letter = |c: char| if c.is_ascii() { 6.0 } else { 11.0 };
            text.chars().map(letter).sum::<f64>()
        };
        let room = (WIDTH - 2.0 * RIM) / self.ticks.len().max(1) as f64 - 6.0;
        self.names && self.ticks.len() > 1 && self.ticks.iter().any(|(_, label)| wide(label) > room)
    }

    fn height(&self) -> f64 {
        if self.staggered() { BAND + ROW } else { BAND }
    }
}

fn across(share: f64) -> f64 {
    RIM + 6.0 + share.clamp(0.0, 1.0) * (WIDTH - 2.0 * RIM - 12.0)
}

impl Parallel {
    /// Upper and lower edge of each axis.
    fn bands(&self) -> Vec<(f64, f64)> {
        let mut top = TOP + if self.lost.is_empty() { 0.0 } else { 18.0 };
        let band = |way: &Way| {
            let (from, to) = (top, top + way.height());
            top = to + BETWEEN;
            (from, to)
        };
        self.ways.iter().map(band).collect()
    }

    fn key<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Result<(), PlotError> {
        let (y, block) = (38.0, 13.0);
        let best = format!("best {}", self.ends.0);
        let worst = format!("{} worst", self.ends.1);
        canvas.text(&best, 10.0, y, SMALL, INK, Anchor::Start)?;
        let mut x = 16.0 + canvas.width_of(&best, SMALL) * SLACK;
        for grade in GRADES {
            canvas.rectangle((x, y - 5.0), (x + block, y + 5.0), grade)?;
            x += block + 1.0;
        }
        canvas.text(&worst, x + 5.0, y, SMALL, INK, Anchor::Start)?;
        if self.lost.is_empty() {
            return Ok(());
        }
        canvas.dashed(&[(10.0, y + 18.0), (46.0, y + 18.0)])?;
        let lost = canvas.fit(&self.lost, SMALL, WIDTH - 60.0);
        canvas.text(&lost, 52.0, y + 18.0, SMALL, INK, Anchor::Start)
    }

    fn thread<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
        thread: &Thread,
        best: bool,
    ) -> Result<(), PlotError> {
        let placed = self.placed(thread);
        match thread.tone {
            Tone::Lost => canvas.dashed(&placed),
            Tone::Grade(grade) => {
                let colour = GRADES.get(grade).or(GRADES.last()).copied().unwrap_or(INK);
                canvas.line(&placed, colour, if best { 3.5 } else { 1.0 })
            }
        }
    }

    /// Where a line enters and leaves its axes. Within an axis it goes straight down, and the axis
    /// hides it; it begins at the lower edge of its first and ends at the upper edge of its last.
    fn placed(&self, thread: &Thread) -> Vec<(f64, f64)> {
        let edges = thread.places.iter().zip(self.bands()).flat_map(|(&share, (from, to))| {
            let x = across(share);
            [(x, from), (x, to)]
        });
        let edges: Vec<(f64, f64)> = edges.collect();
        edges.get(1..edges.len().saturating_sub(1)).unwrap_or_default().to_vec()
    }

    /// The axis with its name and labels.
    fn way<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
        way: &Way,
        (from, to): (f64, f64),
    ) -> Result<(), PlotError> {
        canvas.rectangle((RIM, from), (WIDTH - RIM, to), GRID)?;
        let best = canvas.fit(&way.best, SMALL, WIDTH * 0.45);
        let taken = canvas.width_of(&best, SMALL) * SLACK;
        canvas.text(&best, WIDTH - RIM - 6.0, from + 11.0, SMALL, INK, Anchor::End)?;
        let room = WIDTH - 2.0 * RIM - 18.0 - taken;
        let name = canvas.fit(&way.name, TEXT, room);
        canvas.text(&name, RIM + 6.0, from + 11.0, TEXT, INK, Anchor::Start)?;
        let staggered = way.staggered();
        let rows = if staggered { 2 } else { 1 };
        let slot = (WIDTH - 2.0 * RIM) / way.ticks.len().max(1) as f64;
        let mut free = [f64::NEG_INFINITY; 2];
        for (i, (share, label)) in way.ticks.iter().enumerate() {
            let x = across(*share);
            canvas.line(&[(x, to - 4.0), (x, to)], MUTED, THIN.width)?;
            let row = i % rows;
            let most = if way.names { slot * rows as f64 - 6.0 } else { WIDTH - 2.0 * RIM - 10.0 };
            let label = canvas.fit(label, SMALL, most);
            let half = canvas.width_of(&label, SMALL) * SLACK / 2.0;
            let middle =
                x.clamp(RIM + half + 2.0, (WIDTH - RIM - half - 2.0).max(RIM + half + 2.0));
            let Some(free) = free.get_mut(row) else { continue };
            // A label that would touch its neighbour is left out.
            if middle - half > *free && !label.is_empty() {
                let y = from + 11.0 + 15.0 + ROW * row as f64;
                canvas.text(&label, middle, y, SMALL, MUTED, Anchor::Middle)?;
                *free = middle + half + 3.0;
            }
        }
        Ok(())
    }
}

impl Plot for Parallel {
    fn size(&self) -> (u32, u32) {
        (WIDTH as u32, self.bands().last().map_or(TOP, |(_, to)| to + 12.0) as u32)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Result<(), PlotError> {
        canvas.begin(&self.title)?;
        self.key(canvas)?;
        let lost = |thread: &&Thread| thread.tone == Tone::Lost;
        for thread in self.threads.iter().filter(lost) {
            self.thread(canvas, thread, false)?;
        }
        let valued: Vec<&Thread> = self.threads.iter().filter(|thread| !lost(thread)).collect();
        for (i, thread) in valued.iter().enumerate().rev() {
            self.thread(canvas, thread, i == 0)?;
        }
        for (way, band) in self.ways.iter().zip(self.bands()) {
            self.way(canvas, way, band)?;
        }
        let Some(best) = valued.first() else { return Ok(()) };
        let look = Look { colour: GRADES[0], width: 1.0, mark: Some(Mark::Circle), start: 0.0 };
        for at in self.placed(best) {
            canvas.mark(at, 3.5, look)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plots::Render;

    fn way(name: &str, labels: &[&str]) -> Way {
        let at = |i: usize| (i as f64 + 0.5) / labels.len() as f64;
        let ticks = labels.iter().enumerate().map(|(i, label)| (at(i), (*label).to_owned()));
        Way { name: name.into(), best: String::new(), ticks: ticks.collect(), names: true }
    }

    /// Points of all lines of a colour, in CSS pixels.
    fn lines(svg: &str, colour: &str) -> Vec<Vec<(f64, f64)>> {
        let with = format!("stroke=\"#{colour}\"");
        let elements = svg.split('<').filter(|element| element.contains(&with));
        let points = |element: &str| {
            let points = element.split("points=\"").nth(1).unwrap().split('"').next().unwrap();
            let point = |text: &str| {
                let (x, y) = text.split_once(',').unwrap();
                (x.parse::<f64>().unwrap() / 4.0, y.parse::<f64>().unwrap() / 4.0)
            };
            points.split_whitespace().map(point).collect()
        };
        elements.map(points).collect()
    }

    #[test]
    fn lines_meet_their_axes_the_best_on_top_and_the_lost_dashed_to_their_end() {
        let thread = |places: &[f64], tone| Thread { places: places.to_vec(), tone };
        let picture = Parallel {
            title: "t".into(),
            ways: vec![way("가", &["a", "b"]), way("둘", &["c", "d"]), way("objective", &["e"])],
            threads: vec![
                thread(&[0.25, 0.75, 0.0], Tone::Grade(0)),
                thread(&[0.75, 0.25, 1.0], Tone::Grade(6)),
                thread(&[0.25, 0.25], Tone::Lost),
            ],
            ends: ("0.1".into(), "9".into()),
            lost: "failed".into(),
        };
        let svg = picture.svg("x", "t", "d").unwrap();
        let colour =
            |i: usize| format!("{:02X}{:02X}{:02X}", GRADES[i].0, GRADES[i].1, GRADES[i].2);
        let (best, worst) = (lines(&svg, &colour(0)), lines(&svg, &colour(6)));
        assert_eq!((best.len(), worst.len()), (1, 1));
        let x: Vec<f64> = best[0].iter().map(|point| point.0).collect();
        // 12 + 6 of rim on either side of 344; the second axis is entered and left.
        let second = 18.0 + 0.75 * 344.0;
        assert_eq!(x, [18.0 + 0.25 * 344.0, second, second, 18.0]);
        assert!(best[0].windows(2).all(|pair| pair[0].1 < pair[1].1));
        assert!(svg.find(&colour(6)) < svg.rfind(&format!("stroke=\"#{}", colour(0))));
        // The key, and a line that ends at the second axis.
        let lost = lines(&svg, "8B949D");
        assert_eq!((lost.len(), lost[1].len()), (2, 2));
        assert_eq!(svg.matches("stroke-dasharray=\"24 16\"").count(), 2);
        let (_, height) = picture.size();
        assert!(best[0].iter().all(|point| point.1 < f64::from(height)));
        let folder = tempfile::tempdir().unwrap();
        picture.png(&folder.path().join("a.png")).unwrap();
    }

    #[test]
    fn long_names_stand_in_two_rows_and_nothing_is_too_strange() {
        let long = way("a", &["cramer-von-mises", "콜모고로프-스미르노프", "energy", "psi"]);
        assert!(long.staggered() && !way("b", &["a", "b"]).staggered());
        let many: Vec<String> = (0..200).map(|i| format!("name {i}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let odd = Thread { places: vec![-3.0, f64::NAN, 1e300], tone: Tone::Grade(99) };
        for ways in [vec![], vec![way("", &[])], vec![long, way("", &many), way("", &[""])]] {
            let threads = vec![Thread { places: odd.places.clone(), tone: odd.tone }];
            let ends = (String::new(), String::new());
            let picture = Parallel { title: "".into(), ways, threads, ends, lost: "".into() };
            assert!(picture.svg("x", "t", "d").is_ok());
        }
    }
}
