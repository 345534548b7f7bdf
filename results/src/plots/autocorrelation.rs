//! How much a tick resembles the ticks before it: the autocorrelation of what all users do together.
//!
//! `r(k) = sum over t of (x(t) - m) (x(t + k) - m) / sum over t of (x(t) - m)^2`, with the mean m of
//! the whole series. Were the ticks independent, r(k) would lie within 1.96 / sqrt(n) of 0 with a
//! probability of about 95%, each lag for itself (Box and Jenkins, *Time Series Analysis*, 1970).

use plotters::prelude::DrawingBackend;

use super::axis::{Axis, Scale};
use super::canvas::{Canvas, Entry, PlotError};
use super::frame::Frame;
use super::over_time::{Line, entries, lines, ticks};
use super::style::{AREA, Look, MUTED};
use super::{Outcome, Picture, Plot, PlotInput, PlotKind, number};
use crate::series::TickSeries;

/// Registry entry.
pub const KIND: PlotKind = PlotKind {
    name: "autocorrelation",
    title: "Autocorrelation",
    make: |input| ticks(input, picture),
};

/// The longest lag, in ticks: a month of days.
const LAGS: usize = 31;
/// Shorter series have no autocorrelation worth a picture.
const LEAST: usize = 8;

struct Correlogram {
    title: String,
    x: Axis,
    y: Axis,
    /// Values from lag 1 on.
    lines: Vec<Line>,
    /// Half the width of the band around 0.
    band: f64,
}

fn picture(input: PlotInput<'_>, series: &TickSeries) -> Outcome {
    let ticks = series.sides.first().map_or(0, |side| side.values.len());
    if ticks < LEAST {
        let why = format!("{}: no autocorrelation of {ticks} ticks.", series.title);
        return Outcome::Empty(why);
    }
    let lags = LAGS.min(ticks / 3);
    let of = |(name, look, values): Line| Some((name, look, autocorrelation(&values, lags)?));
    let lines: Vec<Line> = lines(input, series).into_iter().filter_map(of).collect();
    if lines.is_empty() {
        return Outcome::Empty(format!("{}: the same in all ticks.", series.title));
    }
    let band = 1.96 / (ticks as f64).sqrt();
    let values = || lines.iter().flat_map(|(_, _, values)| values);
    let low = values().fold(-band, |a: f64, b| a.min(*b));
    let high = values().fold(band, |a: f64, b| a.max(*b));
    let first = |(name, _, values): &Line| Some(format!("{name} {}", number(*values.first()?)));
    let words: Vec<_> = lines.iter().filter_map(first).collect();
    let tick = &input.series.tick;
    Outcome::Drawn(Picture {
        about: series.name.clone(),
        title: format!("{}, autocorrelation", series.title),
        description: format!(
            "{} Correlation of a {tick} with the {tick} so many before it. Grey area: ±{}, where \
             95% of the values of {ticks} independent {tick}s lie. One {tick} before: {}.",
            series.definition,
            number(band),
            words.join(", ")
        ),
        drawing: Box::new(Correlogram {
            title: format!("{}, autocorrelation", series.title),
            x: Axis::new(Scale::Plain, 1.0, lags as f64, 6, format!("{tick}s before")),
            y: Axis::new(Scale::Plain, low * 1.05, high * 1.05, 5, "correlation"),
            lines,
            band,
        }),
    })
}

/// Autocorrelations at lags 1 to `lags`; none for a constant series.
fn autocorrelation(values: &[f64], lags: usize) -> Option<Vec<f64>> {
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    let away: Vec<f64> = values.iter().map(|v| v - mean).collect();
    let product =
        |lag: usize| -> f64 { away.iter().zip(away.iter().skip(lag)).map(|(a, b)| a * b).sum() };
    let variance = product(0);
    // Rounding leaves a constant series a little spread.
    let spread = variance > 1e-20 * values.iter().map(|v| v * v).sum::<f64>();
    (spread && variance.is_finite()).then(|| (1..=lags).map(|k| product(k) / variance).collect())
}

impl Plot for Correlogram {
    fn size(&self) -> (u32, u32) {
        (460, 330)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Result<(), PlotError> {
        canvas.begin(&self.title)?;
        let mut legend = entries(&self.lines);
        let area = Look { colour: AREA, width: 1.0, mark: None, start: 0.0 };
        legend.push(Entry { name: "±1.96 / √n", look: area, area: true });
        let top = canvas.legend(&legend, 38.0)?;
        let frame = Frame::new(canvas, top, self.x.clone(), self.y.clone())?;
        let (from, to) = self.x.ends();
        let across = [(from, -self.band, self.band), (to, -self.band, self.band)];
        frame.band(&across, AREA)?;
        let zero = Look { colour: MUTED, width: 1.0, mark: None, start: 0.0 };
        frame.curve([(from, 0.0), (to, 0.0)], zero)?;
        for (_, look, values) in &self.lines {
            let look = Look { width: look.width.min(4.0), ..*look };
            frame.curve(values.iter().enumerate().map(|(i, v)| (i as f64 + 1.0, *v)), look)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn autocorrelations_are_those_of_statsmodels() {
        // statsmodels 0.15.0 acf(x, nlags=3, adjusted=False).
        let values = [2.0, 4.0, 3.0, 7.0, 6.0, 9.0, 5.0, 8.0];
        let found = autocorrelation(&values, 3).unwrap();
        let wanted = [0.11309523809523811, 0.4523809523809522, -0.3392857142857143];
        for (a, b) in found.iter().zip(wanted) {
            assert!((a - b).abs() < 1e-12, "{found:?}");
        }
        assert_eq!(autocorrelation(&[0.1; 50], 3), None);
        assert_eq!(autocorrelation(&[], 3), None);
        assert_eq!(autocorrelation(&[1.0, f64::INFINITY], 1), None);
    }
}
