//! Gap of growth: does the volume of all users rise or fall as that of the real ones?
//!
//! `D = |g_P - g_Q|`, g being the slope of the least squares line through the series, times the
//! length of the window, divided by the mean: 0.1 is growth by a tenth of the mean over the window.

use super::SeriesGap;
use crate::stylised::slope;

/// `growth-gap`.
pub const GROWTH_GAP: SeriesGap = SeriesGap {
    name: "growth-gap",
    title: "Gap of growth",
    definition: "|g_P - g_Q|, g = least squares slope x ticks / mean of the series",
    reference: "Legendre, Nouvelles méthodes pour la détermination des orbites des comètes, 1805",
    parameters: &[],
    most: f64::INFINITY,
    values: [0.0, 0.0],
    fact: |series, _| Some(vec![growth(series)?]),
};

/// Growth over the window as a share of the mean; none where the mean is not above 0.
fn growth(series: &[f64]) -> Option<f64> {
    let ticks: Vec<f64> = (0..series.len()).map(|tick| tick as f64).collect();
    let n = series.len() as f64;
    let mean = series.iter().sum::<f64>() / n;
    let slope = slope(&ticks, series)?;
    (mean > 0.0).then(|| slope * n / mean)
}

#[cfg(test)]
mod tests {
    use super::growth;

    #[test]
    fn values_by_hand() {
        assert_eq!(growth(&[1.0, 2.0, 3.0]), Some(1.5));
        assert_eq!(growth(&[2.0, 2.0]), Some(0.0));
        assert_eq!(growth(&[0.0, 0.0]), None);
        assert_eq!(growth(&[1.0]), None);
    }
}
