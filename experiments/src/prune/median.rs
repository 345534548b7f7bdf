//! The median rule: a trial stops when the best that it has reported is worse than the median of
//! what finished trials reported at the same step.
//!
//! Golovin and others, *Google Vizier: a service for black-box optimization*, KDD 2017,
//! with the values of the step in place of running averages.

use super::Curve;

/// The rule and when it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Median {
    /// Finished trials that there have to be.
    pub startup: usize,
    /// Steps before which nothing is pruned.
    pub warmup: u64,
    /// It is asked at the first report in each interval of so many steps, counted from `warmup`; 0
    /// is taken for 1.
    pub interval: u64,
    /// Finished trials that have to have reported at the step; 0 is taken for 1.
    pub least: usize,
}

impl Default for Median {
    fn default() -> Self {
        Self { startup: 5, warmup: 0, interval: 1, least: 1 }
    }
}

impl Median {
    /// Whether the trial stops at its last report, beside trials that have finished. A value that is
    /// no number stops it.
    pub fn prunes(&self, own: &Curve, finished: &[&Curve]) -> bool {
        let Some(&(step, last)) = own.last() else { return false };
        if last.is_nan() {
            return true;
        }
        if finished.is_empty() || finished.len() < self.startup || !self.asks(own, step) {
            return false;
        }
        let at = |curve: &&Curve| {
            let found = curve.iter().find(|(at, _)| *at == step);
            found.map(|(_, value)| *value).filter(|value| !value.is_nan())
        };
        let mut values: Vec<f64> = finished.iter().filter_map(at).collect();
        if values.len() < self.least.max(1) {
            return false;
        }
        let best = own.iter().map(|(_, value)| *value).fold(f64::INFINITY, f64::min);
        best > median(&mut values)
    }

    /// Whether the last report is the first one of its interval.
    fn asks(&self, own: &Curve, step: u64) -> bool {
        let interval = self.interval.max(1);
        let Some(since) = step.checked_sub(self.warmup) else { return false };
        let start = since / interval * interval + self.warmup;
        own.iter().rev().nth(1).is_none_or(|(before, _)| *before < start)
    }
}

/// The median; the mean of the two in the middle where there are two.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::INFINITY);
    let middle = values.len() / 2;
    match values.len() % 2 {
        0 => at(middle.saturating_sub(1)) / 2.0 + at(middle) / 2.0,
        _ => at(middle),
    }
}
