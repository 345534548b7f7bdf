//! Empirical distribution functions of a feature, real users against every calibrator: the share of
//! rows that are at most x. The largest vertical gap is Kolmogorov-Smirnov's distance.

use plotters::prelude::DrawingBackend;
use trueup_calibration::statistics::Distribution;

use super::axis::{Axis, feature_axis, feature_range};
use super::canvas::{Canvas, Entry, PlotError};
use super::frame::Frame;
use super::style::{Look, REAL_LOOK, THIN, look};
use super::{Outcome, Picture, Plot, PlotInput, PlotKind};
use crate::series::FeatureSeries;
use crate::summary::Summary;

/// Registry entry.
pub const KIND: PlotKind =
    PlotKind { name: "ecdf", title: "Distributions", make: |input| features(input, picture) };

/// One curve: name, look, distribution.
pub(super) type Curve = (String, Look, Distribution);

pub(super) struct Ecdf {
    title: String,
    x: Axis,
    curves: Vec<Curve>,
    /// Where the best calibrator is farthest from the real users, and the words for it.
    gap: Option<(f64, String)>,
}

/// Makes a picture of every real feature.
pub(super) fn features(
    input: PlotInput<'_>,
    make: fn(PlotInput<'_>, &FeatureSeries) -> Outcome,
) -> Vec<Outcome> {
    let real = |feature: &&FeatureSeries| feature.histogram.is_some() || feature.sides.is_empty();
    let features = input.series.features.iter().filter(real);
    let (single, told): (Vec<_>, Vec<_>) = features.partition(|f| constant(f).is_some());
    let outcome = |feature: &FeatureSeries| {
        if feature.sides.is_empty() {
            let why = format!("{}: not defined for any real user.", feature.title);
            return Outcome::Empty(why);
        }
        make(input, feature)
    };
    let mut outcomes: Vec<Outcome> = told.into_iter().map(outcome).collect();
    let word = |feature: &FeatureSeries| {
        let (scale, _) = feature_axis(input.series, feature);
        constant(feature).map(|value| format!("{} ({})", feature.title, scale.label(value)))
    };
    let words: Vec<_> = single.into_iter().filter_map(word).collect();
    if !words.is_empty() {
        let why = "Left out, because real and simulated users all have one value";
        outcomes.push(Outcome::Empty(format!("{why}: {}.", words.join(", "))));
    }
    if outcomes.is_empty() {
        return vec![Outcome::Empty("The run stored no distributions.".to_owned())];
    }
    outcomes
}

/// The value that all rows of all sides have; none where any differs.
fn constant(feature: &FeatureSeries) -> Option<f64> {
    let value = *feature.sides.first()?.distribution.as_ref()?.quantiles.first()?;
    let same = |d: &Distribution| d.quantiles.iter().all(|q| *q == value);
    feature.sides.iter().all(|s| s.distribution.as_ref().is_some_and(same)).then_some(value)
}

/// The curves of a feature, the real users first.
pub(super) fn curves(summary: &Summary, feature: &FeatureSeries) -> Vec<Curve> {
    let best = summary.best().map(|c| c.name.as_str());
    let curve = |(i, side): (usize, &crate::series::Side)| {
        let place = summary.calibrators.iter().position(|c| c.name == side.name);
        let mut look = i.checked_sub(1).map_or(REAL_LOOK, |i| look(place.unwrap_or(i)));
        if i > 0 && Some(side.name.as_str()) == best {
            look.width = 2.2;
        }
        Some((side.name.clone(), look, side.distribution.clone()?))
    };
    feature.sides.iter().enumerate().filter_map(curve).collect()
}

/// Legend entries.
pub(super) fn entries<'a>(curves: &'a [Curve]) -> Vec<Entry<'a>> {
    curves.iter().map(|(name, look, _)| Entry { name, look: *look, area: false }).collect()
}

fn picture(input: PlotInput<'_>, feature: &FeatureSeries) -> Outcome {
    let (scale, _) = feature_axis(input.series, feature);
    let drawing = drawing(input, feature);
    let medians: Vec<String> = drawing
        .curves
        .iter()
        .map(|(name, _, d)| format!("{name} {}", scale.label(d.quantile(0.5))))
        .collect();
    let gap = drawing.gap.as_ref().map_or_else(String::new, |(_, words)| {
        format!(" Thin vertical line: {words}, to within a 512th.")
    });
    let description = format!(
        "{} Share of rows at or below each value; a simulation that matches lies on the grey \
         band. Medians: {}.{gap}",
        feature.definition,
        medians.join(", ")
    );
    Outcome::Drawn(Picture {
        about: feature.name.clone(),
        title: feature.title.clone(),
        description,
        drawing: Box::new(drawing),
    })
}

/// The picture of one feature.
pub(super) fn drawing(input: PlotInput<'_>, feature: &FeatureSeries) -> Ecdf {
    let (low, high) = feature_range(feature);
    let (scale, title) = feature_axis(input.series, feature);
    let curves = curves(input.summary, feature);
    let best = input.summary.best().map(|c| c.name.as_str());
    let best = curves.iter().skip(1).find(|(name, ..)| Some(name.as_str()) == best);
    let gap = curves.first().zip(best).and_then(|((_, _, real), (name, _, simulated))| {
        let (x, gap) = largest_gap(real, simulated)?;
        let place = scale.label(x);
        Some((x, format!("largest gap of {name}, {} at {place}", super::number(gap))))
    });
    Ecdf { title: feature.title.clone(), x: Axis::new(scale, low, high, 6, title), curves, gap }
}

/// Where two distribution functions are farthest apart, and how far; none where they are equal.
fn largest_gap(a: &Distribution, b: &Distribution) -> Option<(f64, f64)> {
    let height = |d: &Distribution, x: f64| {
        let last = d.quantiles.len().saturating_sub(1).max(1);
        d.quantiles.partition_point(|&q| q <= x).saturating_sub(1) as f64 / last as f64
    };
    let places = a.quantiles.iter().chain(&b.quantiles);
    let gaps = places.map(|&x| (x, (height(a, x) - height(b, x)).abs()));
    gaps.filter(|(_, gap)| *gap > 0.0)
        .reduce(|most, next| if next.1 > most.1 { next } else { most })
}

impl Plot for Ecdf {
    fn size(&self) -> (u32, u32) {
        (460, 330)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Result<(), PlotError> {
        canvas.begin(&self.title)?;
        let mut legend = entries(&self.curves);
        let gap = self.gap.as_ref();
        legend.extend(gap.map(|(_, name)| Entry { name, look: THIN, area: false }));
        let top = canvas.legend(&legend, 38.0)?;
        let frame = Frame::new(canvas, top, self.x.clone(), Axis::percent("share at or below"))?;
        if let Some((x, _)) = gap {
            frame.curve([(*x, 0.0), (*x, 1.0)], THIN)?;
        }
        for (_, look, distribution) in &self.curves {
            frame.curve(steps(distribution), *look)?;
        }
        Ok(())
    }
}

/// The corners of the step function: across at the old height, then up.
fn steps(distribution: &Distribution) -> impl Iterator<Item = (f64, f64)> {
    let last = distribution.quantiles.len().saturating_sub(1).max(1) as f64;
    let start = distribution.quantiles.first().map(|&q| (q, 0.0));
    let rise = distribution.quantiles.iter().enumerate().skip(1).flat_map(move |(i, &q)| {
        let before = (i - 1) as f64 / last;
        [(q, before), (q, i as f64 / last)]
    });
    start.into_iter().chain(rise)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_is_constant_where_no_side_has_a_second_value() {
        let side = |values: &[f64]| crate::series::Side {
            name: "a".into(),
            rows: values.len(),
            distribution: Distribution::of(values),
            shares: vec![1.0],
            effective: 1.0,
        };
        let of = |sides: Vec<crate::series::Side>| {
            constant(&FeatureSeries {
                name: "event_count".into(),
                title: "Events".into(),
                unit: String::new(),
                definition: String::new(),
                sides,
                histogram: None,
                classes: Vec::new(),
            })
        };
        assert_eq!(of(vec![side(&[2.0; 9]), side(&[2.0])]), Some(2.0));
        assert_eq!(of(vec![side(&[2.0; 9]), side(&[3.0; 9])]), None);
        assert_eq!(of(vec![side(&[2.0; 9]), side(&[2.0, 3.0])]), None);
        assert_eq!(of(vec![side(&[1.0, 2.0]), side(&[2.0])]), None);
        assert_eq!(of(Vec::new()), None);
    }

    #[test]
    fn steps_are_the_distribution_function() {
        let values: Vec<f64> = [0.0; 60].into_iter().chain([1.0; 30]).chain([5.0; 10]).collect();
        let distribution = Distribution::of(&values).unwrap();
        let points: Vec<_> = steps(&distribution).collect();
        let height = |x: f64| points.iter().filter(|p| p.0 <= x).map(|p| p.1).fold(0.0, f64::max);
        // The grid has 512 steps: it is right to within one.
        for (x, wanted) in [(-1.0, 0.0), (0.0, 0.6), (0.9, 0.6), (1.0, 0.9), (5.0, 1.0)] {
            assert!((height(x) - wanted).abs() <= 1.0 / 512.0, "{x}");
        }
    }

    #[test]
    fn the_largest_gap_is_that_of_kolmogorov_and_smirnov() {
        let values =
            |f: fn(f64) -> f64| -> Vec<f64> { (0..1000).map(|i| f(f64::from(i))).collect() };
        let (a, b) = (values(|i| i / 1000.0), values(|i| (i / 1000.0).powi(2)));
        let gap = largest_gap(&Distribution::of(&a).unwrap(), &Distribution::of(&b).unwrap());
        // sqrt(x) - x is largest at 1/4, where it is 1/4.
        let (x, gap) = gap.unwrap();
        assert!((x - 0.25).abs() < 0.05 && (gap - 0.25).abs() < 3.0 / 512.0, "{x} {gap}");
        let same = Distribution::of(&a).unwrap();
        assert_eq!(largest_gap(&same, &same), None);
        // All mass apart: the gap is 1, anywhere between the two.
        let low = Distribution::of(&[1.0; 5]).unwrap();
        let high = Distribution::of(&[2.0; 5]).unwrap();
        assert_eq!(largest_gap(&low, &high), Some((1.0, 1.0)));
    }
}
