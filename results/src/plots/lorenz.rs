//! Lorenz's curves: which share of all money the lowest share of users, or of events, has. The more
//! a few have, the lower the curve; equal shares lie on the diagonal.

use plotters::prelude::DrawingBackend;

use super::axis::Axis;
use super::canvas::{Canvas, Entry, PlotError};
use super::frame::Frame;
use super::style::{Look, REAL_LOOK, look};
use super::{Outcome, Picture, Plot, PlotInput, PlotKind};
use crate::report::percent;
use crate::series::Lorenz;

/// Registry entry.
pub const KIND: PlotKind = PlotKind { name: "lorenz", title: "How money is shared", make };

/// A side: name, look, points.
type Curve = (String, Look, Vec<[f64; 2]>);

struct Curves {
    title: String,
    x: Axis,
    curves: Vec<Curve>,
}

/// The points of users or of events.
type Points = fn(&Lorenz) -> &Vec<[f64; 2]>;

fn make(input: PlotInput<'_>) -> Vec<Outcome> {
    let of: [(&str, Points); 2] = [("users", |side| &side.users), ("events", |side| &side.events)];
    let outcomes: Vec<Outcome> =
        of.into_iter().filter_map(|(name, points)| picture(input, name, points)).collect();
    match outcomes.is_empty() {
        true => vec![Outcome::Empty("No curves of money: the run stored none.".to_owned())],
        false => outcomes,
    }
}

fn picture(input: PlotInput<'_>, what: &str, points: Points) -> Option<Outcome> {
    let place = |name: &str| input.summary.calibrators.iter().position(|c| c.name == name);
    let curve = |(i, side): (usize, &Lorenz)| {
        let look = i.checked_sub(1).map_or(REAL_LOOK, |i| look(place(&side.name).unwrap_or(i)));
        (!points(side).is_empty()).then(|| (side.name.clone(), look, points(side).clone()))
    };
    let curves: Vec<Curve> = input.series.lorenz.iter().enumerate().filter_map(curve).collect();
    let top = |(name, _, points): &Curve| {
        format!("{name} {}", percent(1.0 - at(points, 0.99).unwrap_or(1.0)))
    };
    let tops: Vec<String> = curves.iter().map(top).collect();
    (!curves.is_empty()).then(|| {
        Outcome::Drawn(Picture {
            about: what.to_owned(),
            title: format!("How money is shared among {what}"),
            description: format!(
                "Share of all money that the lowest share of {what} has; a simulation that matches \
                 lies on the grey band, and equal shares on the diagonal. The largest 1% of {what} \
                 have: {}.",
                tops.join(", ")
            ),
            drawing: Box::new(Curves {
                title: format!("Money by {what}"),
                x: Axis::percent(&format!("share of {what}, those with least first")),
                curves,
            }),
        })
    })
}

/// The height of a curve of ascending points.
fn at(points: &[[f64; 2]], x: f64) -> Option<f64> {
    let above = points.iter().position(|point| point[0] >= x)?;
    let ([x1, y1], [x0, y0]) = (points[above], points[above.saturating_sub(1)]);
    Some(if x1 > x0 { y0 + (y1 - y0) * (x - x0) / (x1 - x0) } else { y1 })
}

impl Plot for Curves {
    fn size(&self) -> (u32, u32) {
        (460, 330)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Result<(), PlotError> {
        canvas.begin(&self.title)?;
        let legend: Vec<Entry<'_>> = self
            .curves
            .iter()
            .map(|(name, look, _)| Entry { name, look: *look, area: false })
            .collect();
        let top = canvas.legend(&legend, 38.0)?;
        let frame = Frame::new(canvas, top, self.x.clone(), Axis::percent("share of money"))?;
        frame.dashed(&[(0.0, 0.0), (1.0, 1.0)])?;
        for (_, look, points) in &self.curves {
            frame.curve(points.iter().map(|&[x, y]| (x, y)), *look)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::at;

    #[test]
    fn curves_are_read_between_their_points() {
        let points = [[0.0, 0.0], [0.5, 0.2], [1.0, 1.0]];
        assert_eq!(at(&points, 0.0), Some(0.0));
        assert!((at(&points, 0.75).unwrap() - 0.6).abs() < 1e-12);
        assert_eq!((at(&points, 1.0), at(&[], 0.5)), (Some(1.0), None));
    }
}
