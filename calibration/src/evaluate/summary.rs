//! From measured metrics to the numbers of a calibrator.

use super::bootstrap::{Measured, median};
use super::metrics::Source;
use crate::discrepancy::{Named, named};
use crate::panel::{AgainstFloor, PanelRow, floor_multiple};
use crate::reward::Term;

/// Discrepancies behind the mean excess: they share a scale of about 0 to 1.
pub const EXCESS: &[&str] = &[
    "kolmogorov-smirnov",
    "wasserstein-1",
    "total-variation",
    "correlation-gap",
    "between-share-gap",
];

/// `1 - (value - floor) / (before - floor)`; none where `before` is not above the floor.
pub fn gap_closed(value: f64, floor: f64, before: f64) -> Option<f64> {
    let gap = 1.0 - (value - floor) / (before - floor);
    (before > floor && gap.is_finite()).then_some(gap)
}

/// One metric of one calibrator, replicates centred.
pub struct Entry<'a> {
    /// Name of the feature.
    pub feature: &'a str,
    /// Name of the discrepancy.
    pub discrepancy: &'a str,
    /// D(internal, test); none where it is not defined for this calibrator's users.
    pub measured: Option<&'a Measured>,
    /// The noise floor; none where it is not known.
    pub floor: Option<&'a Measured>,
    /// The upper end of its 95% interval.
    pub floor_high: f64,
    /// Whether the verdict is that it is at the floor.
    pub at_floor: bool,
    /// D of the uncalibrated simulation.
    pub before: Option<&'a Measured>,
    /// Value above the floor with every user counted alike, where a few weigh most.
    pub alike: Option<f64>,
    /// Whether a few users have most of the rows of the feature.
    pub concentrated: bool,
    /// Whether the reward optimised this very metric.
    pub optimised: bool,
    /// Whether the reward optimised any metric of this feature.
    pub feature_rewarded: bool,
}

impl Entry<'_> {
    /// The gap closed. A calibrator whose users leave the metric undefined has closed nothing.
    pub fn gap_closed(&self) -> Option<f64> {
        let (floor, before) = (self.floor?.value, self.before?.value);
        let zero = gap_closed(before, floor, before)?;
        match self.measured {
            Some(measured) => gap_closed(measured.value, floor, before),
            None => Some(zero),
        }
    }

    /// Its row of a panel, without verdict and tests.
    pub fn row(&self, source: Source, discrepancy: &Named, measured: &Measured) -> PanelRow {
        let most = discrepancy.most();
        PanelRow {
            feature: source.name().into(),
            level: source.level().name().into(),
            discrepancy: self.discrepancy.into(),
            unit: discrepancy.unit().into(),
            // A sum of shares may end a rounding above 1.
            value: measured.value.min(most),
            ci: measured.interval(0.0, most),
            floor: self.floor.map_or(0.0, |floor| floor.value.min(most)),
            floor_ci: self.floor.map_or([0.0; 2], |floor| floor.interval(0.0, most)),
            before: self.before.map(|before| before.value),
            gap_closed: self.gap_closed(),
            optimised: self.optimised,
            feature_rewarded: self.feature_rewarded,
            verdict: None,
            effect: None,
            p: None,
            q: None,
            users_needed: None,
            floor_known: self.floor.is_some(),
            concentrated: false,
        }
    }

    /// The value as a multiple of the floor. A metric that is not defined is infinitely far.
    fn multiple(&self) -> f64 {
        let floor = self.floor.map_or(0.0, |floor| floor.value);
        let of = |measured: &Measured| floor_multiple(measured.value, floor, self.floor_high);
        self.measured.map_or(f64::INFINITY, of)
    }

    fn multiple_in(&self, replicate: usize) -> Option<f64> {
        let at = |measured: &Measured| measured.replicates.get(replicate).copied().flatten();
        let Some(measured) = self.measured else { return Some(f64::INFINITY) };
        Some(floor_multiple(at(measured)?, at(self.floor?)?, self.floor_high))
    }

    fn gap_closed_in(&self, replicate: usize) -> Option<f64> {
        let at = |measured: &Measured| measured.replicates.get(replicate).copied().flatten();
        let (floor, before) = (at(self.floor?)?, at(self.before?)?);
        match self.measured {
            Some(measured) => gap_closed(at(measured)?, floor, before),
            None => gap_closed(before, floor, before),
        }
    }
}

/// The median gap closed over some metrics, with its replicates centred. The same metrics count in
/// every replicate, except where resampling puts `before` at or below the floor.
pub fn median_gap<'a>(entries: impl Iterator<Item = &'a Entry<'a>>) -> Option<Measured> {
    let counted: Vec<&Entry<'_>> = entries.filter(|entry| entry.gap_closed().is_some()).collect();
    let gaps: Vec<f64> = counted.iter().filter_map(|entry| entry.gap_closed()).collect();
    let replicates = counted.first()?.floor?.replicates.len();
    let median_in = |replicate: usize| {
        let gaps = counted.iter().filter_map(|entry| entry.gap_closed_in(replicate));
        median(&gaps.collect::<Vec<f64>>())
    };
    let measured =
        Measured { value: median(&gaps)?, replicates: (0..replicates).map(median_in).collect() };
    Some(measured.centred())
}

/// The smallest multiple that a replicate may have: logarithms of it are taken.
const LEAST_MULTIPLE: f64 = 1e-6;

/// How far some metrics are from the floor, of those that have one and do not hang on a few users; none
/// where there are none. The interval is that of the
/// median of multiples, which are ratios: replicates are centred on their logarithms.
pub fn against_floor<'a>(entries: impl Iterator<Item = &'a Entry<'a>>) -> Option<AgainstFloor> {
    let is_counted = |entry: &&Entry<'_>| entry.floor.is_some() && !entry.concentrated;
    let entries: Vec<&Entry<'_>> = entries.filter(is_counted).collect();
    let multiples: Vec<f64> = entries.iter().map(|entry| entry.multiple()).collect();
    let value = median(&multiples)?;
    let finite = |multiple: f64| multiple.is_finite().then(|| multiple.max(LEAST_MULTIPLE).ln());
    let log_in = |replicate: usize| {
        let multiples = entries.iter().filter_map(|entry| entry.multiple_in(replicate));
        median(&multiples.collect::<Vec<f64>>()).and_then(finite)
    };
    let replicates = entries.first()?.floor?.replicates.len();
    let interval = finite(value).filter(|_| replicates > 0).map(|value| {
        let logs = Measured { value, replicates: (0..replicates).map(log_in).collect() };
        logs.centred().interval(f64::NEG_INFINITY, f64::INFINITY).map(f64::exp)
    });
    Some(AgainstFloor {
        metrics: entries.len(),
        at_floor: entries.iter().filter(|entry| entry.at_floor).count(),
        multiple: value.is_finite().then_some(value),
        interval,
    })
}

/// Whether a reward optimised a metric: by a term of the same discrepancy of the same feature, or by
/// one whose witness moves it.
pub fn is_optimised(terms: &[Term], source: Source, discrepancy: &Named) -> bool {
    let moves = |term: Named| {
        term.label() == discrepancy.label() || term.also_optimises().contains(&discrepancy.name())
    };
    let by = |term: &Term| source.is(&term.feature) && named(&term.discrepancy).is_ok_and(moves);
    terms.iter().any(by)
}

/// The mean of value - floor over the metrics that share a scale, every user counted alike where a few
/// weigh most.
pub fn mean_excess(entries: &[Entry<'_>]) -> Option<f64> {
    let counted = entries.iter().filter(|entry| EXCESS.contains(&entry.discrepancy));
    let excess = |e: &Entry<'_>| e.alike.or(Some(e.measured?.value - e.floor?.value));
    let excesses: Vec<f64> = counted.filter_map(excess).collect();
    (!excesses.is_empty()).then(|| excesses.iter().sum::<f64>() / excesses.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(value: f64) -> Measured {
        Measured { value, replicates: vec![Some(value - 0.1), Some(value + 0.1), None] }
    }

    fn entry<'a>(
        value: Option<&'a Measured>,
        floor: &'a Measured,
        before: Option<&'a Measured>,
    ) -> Entry<'a> {
        Entry {
            feature: "gap",
            discrepancy: "kolmogorov-smirnov",
            measured: value,
            floor: Some(floor),
            floor_high: floor.value + 0.1,
            at_floor: value.is_some_and(|value| value.value <= floor.value),
            before,
            alike: None,
            concentrated: false,
            optimised: false,
            feature_rewarded: false,
        }
    }

    #[test]
    fn the_gap_is_0_before_and_1_at_the_floor() {
        assert_eq!(gap_closed(0.5, 0.1, 0.5), Some(0.0));
        assert_eq!(gap_closed(0.1, 0.1, 0.5), Some(1.0));
        assert!(gap_closed(0.05, 0.1, 0.5).is_some_and(|gap| gap > 1.0));
        assert_eq!(gap_closed(0.3, 0.5, 0.5), None);
        assert_eq!(gap_closed(0.3, 0.6, 0.5), None);
    }

    #[test]
    fn the_median_counts_undefined_metrics_as_no_better_than_before() {
        let (floor, before, value) = (measured(0.0), measured(1.0), measured(0.2));
        let entries = [
            entry(Some(&value), &floor, Some(&before)),
            entry(None, &floor, Some(&before)),
            entry(Some(&value), &before, Some(&floor)),
            entry(Some(&value), &floor, None),
        ];
        let gap = median_gap(entries.iter()).unwrap();
        assert!((gap.value - 0.4).abs() < 1e-12);
        assert_eq!(gap.replicates.iter().flatten().count(), 2);
        assert!(median_gap(entries[2..].iter()).is_none());
        assert!((mean_excess(&entries).unwrap() - (0.2 - 0.8 + 0.2) / 3.0).abs() < 1e-12);
        assert_eq!(mean_excess(&[]), None);
    }

    #[test]
    fn the_median_multiple_needs_no_before_and_counts_undefined_metrics_as_far() {
        let (floor, low, high) = (measured(0.2), measured(0.4), measured(1.0));
        let entries = [
            entry(Some(&floor), &floor, None),
            entry(Some(&low), &floor, None),
            entry(Some(&high), &floor, None),
        ];
        let of = against_floor(entries.iter()).unwrap();
        assert_eq!((of.metrics, of.at_floor, of.multiple), (3, 1, Some(2.0)));
        // Replicates 0.3 / 0.1 and 0.5 / 0.3, whose logarithms are centred at that of 2.
        let half = (3.0f64 / (5.0 / 3.0)).ln() / 2.0;
        let [below, above] = of.interval.unwrap();
        assert!((above / 2.0 - half.exp()).abs() < 1e-9 && (below * above - 4.0).abs() < 1e-9);
        let lost = [entry(None, &floor, None), entry(Some(&low), &floor, None)];
        let of = against_floor(lost.iter()).unwrap();
        assert_eq!((of.metrics, of.at_floor, of.multiple, of.interval), (2, 0, None, None));
        assert_eq!(against_floor([].iter()), None);
    }
}
