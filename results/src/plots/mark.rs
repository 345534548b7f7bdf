//! Marks: the shape of a calibrator's points, so that lines are told apart without colour.

use std::f64::consts::TAU;

/// A shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A disc.
    Circle,
    /// A square that stands on a side.
    Square,
    /// A triangle that points up.
    Up,
    /// A square that stands on a corner.
    Diamond,
    /// A triangle that points down.
    Down,
    /// A star with four points.
    Star,
}

/// All shapes, in the order in which calibrators take them.
pub const MARKS: [Mark; 6] =
    [Mark::Circle, Mark::Square, Mark::Up, Mark::Diamond, Mark::Down, Mark::Star];

impl Mark {
    /// Corners of the shape around a point; none for a circle. All shapes of one radius look about
    /// equally large.
    pub fn corners(self, at: (f64, f64), radius: f64) -> Vec<(f64, f64)> {
        // Number of corners, size, share of it at odd corners, and the first corner in turns from
        // the top.
        let (count, size, inner, first) = match self {
            Self::Circle => return Vec::new(),
            Self::Square => (4, 1.25, 1.0, 0.125),
            Self::Up => (3, 1.4, 1.0, 0.0),
            Self::Diamond => (4, 1.35, 1.0, 0.0),
            Self::Down => (3, 1.4, 1.0, 0.5),
            Self::Star => (8, 1.6, 0.38, 0.0),
        };
        let corner = |i: usize| {
            let angle = TAU * (first + i as f64 / count as f64);
            let length = radius * size * if i % 2 == 1 { inner } else { 1.0 };
            (at.0 + length * angle.sin(), at.1 - length * angle.cos())
        };
        (0..count).map(corner).collect()
    }
}

/// Points along a line of points at equal distances, the first at `start` from its beginning; the
/// middle of a line that is shorter than that.
pub fn along(points: &[(f64, f64)], start: f64, distance: f64) -> Vec<(f64, f64)> {
    let lengths = points.windows(2).map(|p| (p[1].0 - p[0].0).hypot(p[1].1 - p[0].1));
    let total: f64 = lengths.clone().sum();
    let mut next = if start > total { total / 2.0 } else { start };
    let (mut found, mut done) = (Vec::new(), 0.0);
    for (pair, length) in points.windows(2).zip(lengths) {
        while length > 0.0 && next <= done + length {
            let t = (next - done) / length;
            let (a, b) = (pair[0], pair[1]);
            found.push((a.0 + t * (b.0 - a.0), a.1 + t * (b.1 - a.1)));
            next += distance.max(1.0);
        }
        done += length;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_centred_and_all_different() {
        for (i, mark) in MARKS.iter().enumerate() {
            let corners = mark.corners((3.0, 4.0), 2.0);
            assert!(MARKS[..i].iter().all(|other| other.corners((3.0, 4.0), 2.0) != corners));
            let mean = |c: fn(&(f64, f64)) -> f64| {
                corners.iter().map(c).sum::<f64>() / corners.len() as f64
            };
            if *mark != Mark::Circle {
                assert!((mean(|c| c.0) - 3.0).abs() < 1e-9, "{mark:?}");
                assert!((mean(|c| c.1) - 4.0).abs() < 1e-9, "{mark:?}");
            }
        }
        let up = Mark::Up.corners((0.0, 0.0), 1.0);
        assert!(up.iter().filter(|c| c.1 < 0.0).count() == 1, "one corner at the top");
    }

    #[test]
    fn points_along_a_line_are_equally_far_apart() {
        // Across 10, down 10: at 5, 12 and 19 from the start.
        let line = [(0.0, 0.0), (10.0, 0.0), (10.0, 0.0), (10.0, 10.0)];
        assert_eq!(along(&line, 5.0, 7.0), [(5.0, 0.0), (10.0, 2.0), (10.0, 9.0)]);
        assert_eq!(along(&line, 100.0, 7.0)[0], (10.0, 0.0));
        assert_eq!(along(&[], 1.0, 1.0), []);
        assert_eq!(along(&[(1.0, 1.0), (1.0, 1.0)], 0.0, 1.0), []);
    }
}
