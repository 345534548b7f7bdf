//! Quantiles of every calibrator against those of the real users: a simulation that matches lies on
//! the diagonal, one that is too wide is steeper.
//!
//! The band holds each true quantile of the real users with a probability of 95%, one by one: of n
//! rows the number below the true p-quantile is binomial with n and p, so that its 2.5% and 97.5%
//! quantiles count the rows that bound it (David and Nagaraja, *Order Statistics*, 2003, chapter 7).
//! Rows of a user are no independent rows: n is [`Side::effective`].

use plotters::prelude::DrawingBackend;

use super::axis::{Axis, feature_axis, feature_range};
use super::canvas::{Canvas, PlotError};
use super::ecdf::{Curve, curves, entries, features};
use super::frame::Frame;
use super::style::{Look, REAL, REAL_LOOK};
use super::{Outcome, Picture, Plot, PlotInput, PlotKind};
use crate::series::{FeatureSeries, Side};
use statrs::distribution::{Binomial, DiscreteCDF};
use trueup_calibration::statistics::Distribution;

/// Registry entry.
pub const KIND: PlotKind = PlotKind {
    name: "qq",
    title: "Quantiles against quantiles",
    make: |input| features(input, picture),
};

struct Qq {
    title: String,
    x: Axis,
    y: Axis,
    range: (f64, f64),
    /// The real users first.
    curves: Vec<Curve>,
    /// Quantiles of the real users with the band around them: (quantile, low, high).
    band: Vec<(f64, f64, f64)>,
}

/// Places of the band, evenly over the shares between 0 and 1.
const PLACES: usize = 64;

/// The band of a side; empty for files that do not know how many rows it is worth.
fn band(side: &Side) -> Vec<(f64, f64, f64)> {
    let Some(distribution) = side.distribution.as_ref().filter(|_| side.effective >= 1.0) else {
        return Vec::new();
    };
    let bounds = |i: usize| around(distribution, side.effective as u64, i as f64 / PLACES as f64);
    let band: Vec<_> = (1..PLACES).filter_map(bounds).collect();
    // One place a value, as wide as it gets there: steps of whole numbers have several.
    let same = |a: &(f64, f64, f64), b: &(f64, f64, f64)| a.0 == b.0;
    let merged = band.chunk_by(same).map(|places| {
        let low = places.iter().map(|p| p.1).fold(f64::INFINITY, f64::min);
        let high = places.iter().map(|p| p.2).fold(f64::NEG_INFINITY, f64::max);
        (places[0].0, low, high)
    });
    merged.collect()
}

/// The p-quantile, and the order statistics of n rows that bound it.
fn around(distribution: &Distribution, n: u64, p: f64) -> Option<(f64, f64, f64)> {
    let binomial = Binomial::new(p, n).ok()?;
    let (low, high) = (binomial.inverse_cdf(0.025), binomial.inverse_cdf(0.975) + 1);
    // The k-th of n rows is the smallest value with a share of k / n at or below it.
    let at = |k: u64| distribution.quantile((k as f64 / n as f64).clamp(0.0, 1.0));
    Some((distribution.quantile(p), at(low), at(high)))
}

fn picture(input: PlotInput<'_>, feature: &FeatureSeries) -> Outcome {
    let range = feature_range(feature);
    let (scale, unit) = feature_axis(input.series, feature);
    let axis =
        |side: &str, count| Axis::new(scale, range.0, range.1, count, format!("{side}: {unit}"));
    let curves = curves(input.summary, feature);
    let off = curves.split_first().map_or_else(String::new, |((_, _, real), others)| {
        let ratio = |sd: f64| {
            if real.sd > 0.0 { sd / real.sd } else { f64::NAN }
        };
        let words =
            others.iter().map(|(name, _, d)| format!("{name} {}", super::number(ratio(d.sd))));
        words.collect::<Vec<_>>().join(", ")
    });
    let band = feature.sides.first().map(band).unwrap_or_default();
    Outcome::Drawn(Picture {
        about: feature.name.clone(),
        title: format!("{}, quantiles", feature.title),
        description: format!(
            "{} Quantiles of each simulation against the same quantiles of the real users; the \
             grey line is equality.{} Standard deviation as a multiple of that of the real users: \
             {off}.",
            feature.definition,
            words(feature.sides.first(), !band.is_empty())
        ),
        drawing: Box::new(Qq {
            title: feature.title.clone(),
            x: axis("real users", 5),
            y: axis("simulated", 6),
            range,
            curves,
            band,
        }),
    })
}

/// What the band is.
fn words(real: Option<&Side>, drawn: bool) -> String {
    let Some(real) = real.filter(|_| drawn) else { return String::new() };
    let rows = if real.effective < 0.99 * real.rows as f64 {
        format!(
            "{} independent rows, which is what the {} rows are worth were all rows of a user alike",
            super::count(real.effective as u64),
            super::count(real.rows as u64)
        )
    } else {
        format!("{} rows", super::count(real.rows as u64))
    };
    format!(
        " Grey band: where each true quantile of the real users may lie, 95% for each place alone, \
         from {rows}; the noise of the simulations comes on top."
    )
}

impl Plot for Qq {
    fn size(&self) -> (u32, u32) {
        (460, 400)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Result<(), PlotError> {
        canvas.begin(&self.title)?;
        let Some(((_, _, real), others)) = self.curves.split_first() else {
            return Ok(());
        };
        let top = canvas.legend(&entries(&self.curves), 38.0)?;
        let frame = Frame::new(canvas, top, self.x.clone(), self.y.clone())?;
        let (low, high) = self.range;
        frame.band(&self.band, REAL)?;
        frame.curve([(low, low), (high, high)], Look { width: 1.5, ..REAL_LOOK })?;
        for (_, look, distribution) in others {
            let pairs = real.quantiles.iter().zip(&distribution.quantiles);
            frame.curve(pairs.map(|(x, y)| (*x, *y)), *look)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_band_is_that_of_the_order_statistics() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        let distribution = Distribution::of(&values).unwrap();
        // scipy.stats.binom.ppf([0.025, 0.975], 100, p) is 40, 60 at 1/2 and 5, 16 at 1/10.
        // The grid has 512 steps for 100 values: it is right to within one value.
        for (p, wanted) in [(0.5, [40.0, 61.0]), (0.1, [5.0, 17.0])] {
            let (_, low, high) = around(&distribution, 100, p).unwrap();
            let near = |a: f64, b: f64| (a - b).abs() <= 1.0;
            assert!(near(low, wanted[0]) && near(high, wanted[1]), "{low} {high}");
        }
        // Few rows bound nothing: the band reaches over all values.
        assert_eq!(around(&distribution, 2, 0.5), Some((50.0, 1.0, 100.0)));
    }

    #[test]
    fn the_band_holds_true_quantiles_as_often_as_it_says() {
        // 400 samples of 200 uniform numbers; the true median is 1/2. By the binomial the bounds
        // hold it with a probability of 0.960, so that the share stays within 0.03 of that but for
        // one seed in 400; this seed is fixed.
        let streams = trueup_env::Streams::new(3);
        let held = (0..400u64).filter(|&sample| {
            let mut stream = streams.stream("sample", sample);
            let values: Vec<f64> = (0..200).map(|_| stream.uniform()).collect();
            let distribution = Distribution::of(&values).unwrap();
            let (_, low, high) = around(&distribution, 200, 0.5).unwrap();
            (low..=high).contains(&0.5)
        });
        let share = held.count() as f64 / 400.0;
        assert!((0.93..=0.99).contains(&share), "{share}");
    }
}
