//! Bins of histograms.

use serde::{Deserialize, Serialize};

/// Histograms of real features have at most this many bins.
const BINS: usize = 40;
/// Share of external rows that lies within the bins; the rest is counted in the outermost ones.
const WITHIN: f64 = 0.99;

/// Bins that all sides share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Ascending, one more than bins; the outermost bins also count what lies beyond them.
    pub edges: Vec<f64>,
    /// Whether a bin is one whole number, centred between its edges.
    pub whole: bool,
}

impl Histogram {
    /// The bin of a value; values beyond the edges belong to the outermost bins.
    pub fn bin(&self, value: f64) -> usize {
        let last = self.edges.len().saturating_sub(2);
        self.edges.partition_point(|&edge| edge <= value).saturating_sub(1).min(last)
    }
}

/// Bins from the external values alone, so that they are the same whatever is compared: one a whole
/// number where all values are whole and few, else equal widths by Freedman and Diaconis (1981).
pub(super) fn bins(external: &[f64]) -> Option<Histogram> {
    let mut sorted = external.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |p: f64| sorted.get(((sorted.len() as f64 * p) as usize).min(sorted.len() - 1));
    if sorted.is_empty() {
        return None;
    }
    let whole = sorted.iter().all(|v| v.fract() == 0.0);
    let (first, last) = (*sorted.first()?, *sorted.last()?);
    // Whole numbers have one long tail; other values may have two.
    let tail = 1.0 - WITHIN;
    let (low, high) =
        if whole { (first, *at(WITHIN)?) } else { (*at(tail / 2.0)?, *at(1.0 - tail / 2.0)?) };
    if whole && high - low < BINS as f64 {
        let count = (high - low) as usize + 1;
        let edges = (0..=count).map(|i| low - 0.5 + i as f64).collect();
        return Some(Histogram { edges, whole: true });
    }
    let (low, high) = if high > low { (low, high) } else { (first, last) };
    if high <= low {
        let edges = vec![low - 0.5, low + 0.5];
        return Some(Histogram { edges, whole: false });
    }
    let width = 2.0 * (at(0.75)? - at(0.25)?) / (sorted.len() as f64).cbrt();
    let wanted = if width > 0.0 { ((high - low) / width).ceil() } else { BINS as f64 };
    let count = wanted.clamp(5.0, BINS as f64) as usize;
    let edges = (0..=count).map(|i| low + (high - low) * i as f64 / count as f64).collect();
    Some(Histogram { edges, whole: false })
}

pub(super) fn shares(values: &[f64], bins: usize, bin: impl Fn(f64) -> usize) -> Vec<f64> {
    let mut counts = vec![0usize; bins];
    for &value in values {
        if let Some(count) = counts.get_mut(bin(value)) {
            *count += 1;
        }
    }
    let total: usize = counts.iter().sum::<usize>().max(1);
    counts.iter().map(|&count| count as f64 / total as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_hold_every_value_once() {
        let values: Vec<f64> = (0..1000).map(|i| (f64::from(i) * 0.7).sin() * 3.0).collect();
        let whole: Vec<f64> = (0..1000).map(|i| f64::from(i % 7)).collect();
        for sample in [values, whole, vec![2.5], vec![0.0; 9], vec![1.0, 1.0, 1e300]] {
            let histogram = bins(&sample).unwrap();
            assert!(histogram.edges.windows(2).all(|e| e[0] < e[1]));
            let shares = shares(&sample, histogram.edges.len() - 1, |v| histogram.bin(v));
            assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
        let dice = bins(&[1.0, 2.0, 3.0, 3.0]).unwrap();
        assert_eq!((dice.edges.as_slice(), dice.whole), (&[0.5, 1.5, 2.5, 3.5][..], true));
    }
}
