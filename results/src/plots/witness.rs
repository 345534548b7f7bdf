//! Where users are missing: the witness of Cramér-von Mises over a feature. It says how much the
//! distance would fall if the simulation gained mass at x, and is what a reward on this distance
//! pays there.
//!
//! It is computed from the quantile grids of both sides and shifted so that its mean over the
//! simulated rows is 0, because a witness is known up to a constant.

use plotters::prelude::DrawingBackend;
use trueup_calibration::discrepancy::{self, Weighted, Witness};
use trueup_calibration::statistics::Distribution;

use super::axis::{Axis, Scale, feature_axis, feature_range};
use super::canvas::{Canvas, Entry, PlotError};
use super::ecdf::{curves, features};
use super::frame::Frame;
use super::style::{Look, MUTED};
use super::{Outcome, Picture, Plot, PlotInput, PlotKind};
use crate::series::FeatureSeries;

/// Registry entry.
pub const KIND: PlotKind = PlotKind {
    name: "witness",
    title: "Where users are missing",
    make: |input| features(input, picture),
};

/// The discrepancy whose witness is drawn.
const OF: &str = "cramer-von-mises";

/// One calibrator: name, look, knots and values.
type Line = (String, Look, Vec<(f64, f64)>);

struct Witnesses {
    title: String,
    x: Axis,
    y: Axis,
    curves: Vec<Line>,
}

fn picture(input: PlotInput<'_>, feature: &FeatureSeries) -> Outcome {
    let (scale, title) = feature_axis(input.series, feature);
    let mut all = curves(input.summary, feature).into_iter();
    let Some((_, _, real)) = all.next() else {
        return Outcome::Empty(format!("{}: no real user has it.", feature.title));
    };
    let witnesses = all.filter_map(|(name, look, own)| Some((name, look, points(&own, &real)?)));
    let curves: Vec<Line> = witnesses.collect();
    if curves.is_empty() {
        let why = "all real users have one value, or no simulated user has any";
        return Outcome::Empty(format!("{}: {why}.", feature.title));
    }
    let (low, high) = feature_range(feature);
    let seen = |points: &[(f64, f64)]| -> Vec<(f64, f64)> {
        points.iter().copied().filter(|(x, _)| (low..=high).contains(x)).collect()
    };
    let peak = |(name, _, points): &Line| {
        let (x, _) = seen(points).into_iter().reduce(|a, b| if b.1 > a.1 { b } else { a })?;
        Some(format!("{name} {}", scale.label(x)))
    };
    let peaks: Vec<_> = curves.iter().filter_map(peak).collect();
    let values = || curves.iter().flat_map(|(_, _, points)| seen(points)).map(|(_, y)| y);
    let (bottom, top) = (values().fold(0.0, f64::min), values().fold(0.0, f64::max));
    let rim = ((top - bottom) * 0.05).max(1e-9);
    let paid = input
        .summary
        .best()
        .and_then(|best| best.panel.iter().find(|row| row.feature == feature.name))
        .is_some_and(|row| row.feature_rewarded);
    let paid = if paid { " A reward saw this feature." } else { "" };
    Outcome::Drawn(Picture {
        about: feature.name.clone(),
        title: format!("{}, where users are missing", feature.title),
        description: format!(
            "{} Witness of the Cramér-von Mises distance: above 0 the simulation has too little \
             here and would come nearer by gaining some, below 0 it has too much; 0 everywhere is \
             a match. Highest at: {}.{paid}",
            feature.definition,
            peaks.join(", ")
        ),
        drawing: Box::new(Witnesses {
            title: feature.title.clone(),
            x: Axis::new(scale, low, high, 6, title),
            y: Axis::new(
                Scale::Plain,
                bottom - rim,
                top + rim,
                5,
                "fewer needed ← 0 → more needed",
            ),
            curves,
        }),
    })
}

/// The witness of `internal` against `external` over all knots, its mean over `internal` at 0; none
/// where it is not defined.
fn points(internal: &Distribution, external: &Distribution) -> Option<Vec<(f64, f64)>> {
    let ((p, p_weights), (q, q_weights)) = (internal.points(), external.points());
    let (p, q) = (Weighted::new(&p, &p_weights), Weighted::new(&q, &q_weights));
    let witness = discrepancy::find(OF)?.witness(p, q)?.ok()?;
    let Witness::Curve { knots, values } = &witness else { return None };
    let weights = p.weights.unwrap_or_default();
    let total: f64 = weights.iter().sum();
    let mean = p.values.iter().zip(weights).map(|(&x, w)| w * witness.at(x)).sum::<f64>() / total;
    Some(knots.iter().zip(values).map(|(&x, value)| (x, value - mean)).collect())
}

impl Plot for Witnesses {
    fn size(&self) -> (u32, u32) {
        (460, 330)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Result<(), PlotError> {
        canvas.begin(&self.title)?;
        let entry = |(name, look, _): &'_ (String, Look, _)| (name.clone(), *look);
        let names: Vec<(String, Look)> = self.curves.iter().map(entry).collect();
        let legend: Vec<_> =
            names.iter().map(|(name, look)| Entry { name, look: *look, area: false }).collect();
        let top = canvas.legend(&legend, 38.0)?;
        let frame = Frame::new(canvas, top, self.x.clone(), self.y.clone())?;
        let (from, to) = self.x.ends();
        let zero = Look { colour: MUTED, width: 1.5, mark: None, start: 0.0 };
        frame.curve([(from, 0.0), (to, 0.0)], zero)?;
        for (_, look, points) in &self.curves {
            frame.curve(within(points, from, to), *look)?;
        }
        Ok(())
    }
}

/// The part of a curve between two places, with the values at both; a witness is constant beyond
/// its knots.
fn within(points: &[(f64, f64)], from: f64, to: f64) -> Vec<(f64, f64)> {
    let (knots, values) = points.iter().copied().unzip();
    let curve = Witness::Curve { knots, values };
    let inner = points.iter().copied().filter(|(x, _)| *x > from && *x < to);
    let ends = [(from, curve.at(from)), (to, curve.at(to))];
    std::iter::once(ends[0]).chain(inner).chain(std::iter::once(ends[1])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_is_positive_where_users_are_missing() {
        let of = |values: &[f64]| Distribution::of(values).unwrap();
        let real: Vec<f64> = (0..1000).map(f64::from).collect();
        let low: Vec<f64> = (0..1000).map(|i| f64::from(i) / 2.0).collect();
        let curve = points(&of(&low), &of(&real)).unwrap();
        // F - G is x / 1000 below 500 and 1 - x / 1000 above: the integral of twice that rises from
        // 0 by 250 to 500 and by another 250 to 1000, in units of sd = 1000 / sqrt(12). Its mean
        // over the simulation is a third of the first rise.
        let sd = 1000.0 / 12f64.sqrt();
        let at = |x: f64| within(&curve, x, x + 1.0)[0].1 * sd;
        for (x, wanted) in [(0.0, -250.0 / 3.0), (500.0, 500.0 / 3.0), (999.0, 1250.0 / 3.0)] {
            assert!((at(x) - wanted).abs() < 3.0, "{x}: {} not {wanted}", at(x));
        }
        let same = points(&of(&real), &of(&real)).unwrap();
        assert!(same.iter().all(|(_, y)| y.abs() < 1e-12));
        assert_eq!(points(&of(&real), &of(&[1.0; 9])), None);
    }
}
