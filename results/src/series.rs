//! `series.json`: all that plots and plain-number tables show, computed once from the logs, so that
//! a report can be made again from the run directory alone.

use serde::{Deserialize, Serialize};
use trueup_calibration::discrepancy::between_share_gap::between_share;
use trueup_calibration::discrepancy::correlation_gap::correlation;
use trueup_calibration::features::{self, Definition, Feature};
use trueup_calibration::sample::Sample;
use trueup_calibration::statistics::Distribution;
use trueup_env::EventLog;

/// Histograms of real features have at most this many bins.
const BINS: usize = 40;
/// Share of external rows that lies within the bins; the rest is counted in the outermost ones.
const WITHIN: f64 = 0.99;

/// What plots show, of the external test users (first) and of every calibrator.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The word for one tick: `day`, `week` or `month`.
    pub tick: String,
    /// Number of ticks.
    pub horizon: u32,
    /// Kinds of the external log.
    pub kinds: Vec<String>,
    /// One entry a feature that plots can show.
    pub features: Vec<FeatureSeries>,
    /// Plain numbers a side, external first.
    pub facts: Vec<Facts>,
}

/// One feature on all sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeatureSeries {
    /// Name of the feature.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Its unit.
    pub unit: String,
    /// What it is, in one sentence.
    pub definition: String,
    /// One entry a side with rows, external first; empty where the external side has none.
    pub sides: Vec<Side>,
    /// Bins of the histograms; none for categories.
    pub histogram: Option<Histogram>,
}

/// One feature of one side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// Name of the calibrator; that of the external side first.
    pub name: String,
    /// Number of rows.
    pub rows: usize,
    /// Real features: quantiles, mean and standard deviation.
    pub distribution: Option<Distribution>,
    /// Share of rows in each bin or category; sums to 1.
    pub shares: Vec<f64>,
}

/// Bins that all sides share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Ascending, one more than bins; the outermost bins also count what lies beyond them.
    pub edges: Vec<f64>,
    /// Whether a bin is one whole number, centred between its edges.
    pub whole: bool,
}

/// Numbers that a person of the trade knows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Name of the calibrator, or of the external side.
    pub name: String,
    /// Users; of a calibrator over all evaluation seeds.
    pub users: usize,
    /// Events.
    pub events: usize,
    /// Mean number of events a user.
    pub count_mean: f64,
    /// Standard deviation (n) of the number of events a user.
    pub count_sd: f64,
    /// Share of users without an event.
    pub silent_share: f64,
    /// Median amount of an event; none without events.
    pub amount_median: Option<f64>,
    /// Mean ticks between events of a user; none without two events of one user.
    pub gap_mean: Option<f64>,
    /// Share of the variance of log amounts that lies between users, see [`between_share`]; none
    /// where it is not defined.
    pub between_share: Option<f64>,
    /// Pearson correlation of a log amount with the user's next one; none where it is not defined.
    pub lag_1_correlation: Option<f64>,
}

impl Series {
    /// Measures the external test log and, per calibrator, its logs over all evaluation seeds.
    /// `external_name` is the name of the external side in plots, e.g. `real users`.
    pub fn of(
        external_name: &str,
        external: &EventLog,
        internal: &[(&str, Vec<&EventLog>)],
    ) -> Self {
        let mut sides = vec![(external_name, vec![external])];
        sides.extend(internal.iter().map(|(name, logs)| (*name, logs.clone())));
        let shown = features::FEATURES.iter().filter(|f| shown(f, external));
        Self {
            tick: external.clock().tick.name().to_owned(),
            horizon: external.clock().horizon,
            kinds: external.kinds().to_vec(),
            features: shown.map(|feature| feature_series(feature, &sides)).collect(),
            facts: sides.iter().map(|(name, logs)| facts(name, logs)).collect(),
        }
    }

    /// Names of the sides, external first.
    pub fn names(&self) -> Vec<&str> {
        self.facts.iter().map(|facts| facts.name.as_str()).collect()
    }
}

/// Pairs have no picture in one dimension, and categories of a single kind say nothing.
fn shown(feature: &Feature, external: &EventLog) -> bool {
    match feature.definition {
        Definition::Event(_) | Definition::User(_) => true,
        Definition::Category(_) => external.kinds().len() > 1,
        Definition::Pair(_) | Definition::CategoryPair(_) => false,
    }
}

fn feature_series(feature: &Feature, sides: &[(&str, Vec<&EventLog>)]) -> FeatureSeries {
    let values: Vec<(&str, Vec<f64>, usize)> = sides
        .iter()
        .map(|(name, logs)| {
            let samples: Vec<Sample> = logs.iter().map(|log| feature.sample(log)).collect();
            let categories = samples.iter().map(|s| s.categories).max().unwrap_or(0);
            (*name, samples.into_iter().flat_map(|s| s.values).collect(), categories)
        })
        .collect();
    let external = values.first().map(|(_, values, _)| values.as_slice()).unwrap_or_default();
    let categories = values.iter().map(|(_, _, n)| *n).max().unwrap_or(0);
    let real = matches!(feature.definition, Definition::Event(_) | Definition::User(_));
    let histogram = if real { bins(external) } else { None };
    let side = |(name, values, _): &(&str, Vec<f64>, usize)| Side {
        name: (*name).to_owned(),
        rows: values.len(),
        distribution: if real { Distribution::of(values) } else { None },
        shares: match &histogram {
            Some(histogram) => shares(values, histogram.edges.len() - 1, |v| histogram.bin(v)),
            None => shares(values, categories, |v| v as usize),
        },
    };
    let sides = if external.is_empty() {
        Vec::new()
    } else {
        values.iter().filter(|(_, values, _)| !values.is_empty()).map(side).collect()
    };
    FeatureSeries {
        name: feature.name.to_owned(),
        title: feature.title.to_owned(),
        unit: feature.unit.to_owned(),
        definition: feature.definition_text.to_owned(),
        sides,
        histogram,
    }
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
fn bins(external: &[f64]) -> Option<Histogram> {
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

fn shares(values: &[f64], bins: usize, bin: impl Fn(f64) -> usize) -> Vec<f64> {
    let mut counts = vec![0usize; bins];
    for &value in values {
        if let Some(count) = counts.get_mut(bin(value)) {
            *count += 1;
        }
    }
    let total: usize = counts.iter().sum::<usize>().max(1);
    counts.iter().map(|&count| count as f64 / total as f64).collect()
}

fn facts(name: &str, logs: &[&EventLog]) -> Facts {
    let users: usize = logs.iter().map(|log| log.user_count()).sum();
    let events: usize = logs.iter().map(|log| log.events().len()).sum();
    let counts =
        || logs.iter().flat_map(|log| (0..log.user_count()).map(|u| log.events_of(u).len() as f64));
    let count_mean = counts().sum::<f64>() / users.max(1) as f64;
    let variance =
        counts().map(|c| (c - count_mean) * (c - count_mean)).sum::<f64>() / users.max(1) as f64;
    let mut amounts: Vec<f64> =
        logs.iter().flat_map(|log| log.events().iter().map(|e| e.amount)).collect();
    amounts.sort_by(f64::total_cmp);
    let (mut gap_sum, mut gaps) = (0.0, 0usize);
    for log in logs {
        for user in 0..log.user_count() {
            for pair in log.events_of(user).windows(2) {
                gap_sum += f64::from(pair[1].tick.saturating_sub(pair[0].tick));
                gaps += 1;
            }
        }
    }
    Facts {
        name: name.to_owned(),
        users,
        events,
        count_mean,
        count_sd: variance.sqrt(),
        silent_share: counts().filter(|&c| c == 0.0).count() as f64 / users.max(1) as f64,
        amount_median: amounts.get((amounts.len().max(1) - 1) / 2).copied(),
        gap_mean: (gaps > 0).then(|| gap_sum / gaps as f64),
        between_share: pooled("log_amount", logs).and_then(|s| between_share(&s).ok()),
        lag_1_correlation: pooled("amount_pair", logs).and_then(|s| correlation(&s).ok()),
    }
}

/// One feature over several logs, as if all users were of one.
fn pooled(name: &str, logs: &[&EventLog]) -> Option<Sample> {
    let feature = features::find(name)?;
    let mut logs = logs.iter().map(|log| feature.sample(log));
    let mut pool = logs.next()?;
    for sample in logs {
        let offset = pool.users as u32;
        pool.user.extend(sample.user.iter().map(|user| user + offset));
        pool.values.extend(sample.values);
        pool.users += sample.users;
    }
    Some(pool)
}

#[cfg(test)]
mod tests {
    use super::*;
    use trueup_env::{Clock, Covariates, Event, Tick};

    fn log(users: &[&[(u32, f64)]]) -> EventLog {
        let clock = Clock { tick: Tick::Week, horizon: 10, start_day: None };
        let events = users.iter().enumerate().flat_map(|(user, events)| {
            events.iter().map(move |&(tick, amount)| {
                (user as u32, Event { tick, kind: 0, amount, balance: f64::NAN })
            })
        });
        let names = (0..users.len()).map(|u| format!("u{u}")).collect();
        EventLog::new(clock, vec!["purchase".into()], names, events, Covariates::default()).unwrap()
    }

    #[test]
    fn facts_are_those_of_a_log_counted_by_hand() {
        let log = log(&[&[(0, 1.0), (2, 2.0), (5, 4.0)], &[], &[(3, 8.0)]]);
        let facts = facts("real", &[&log]);
        assert_eq!((facts.users, facts.events), (3, 4));
        assert!((facts.count_mean - 4.0 / 3.0).abs() < 1e-12);
        assert!((facts.count_sd - (14.0f64 / 9.0).sqrt()).abs() < 1e-12);
        assert!((facts.silent_share - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!((facts.amount_median, facts.gap_mean), (Some(2.0), Some(2.5)));
        // Amounts double each time: ln 2 higher each, so that the two pairs lie on a line.
        assert!((facts.lag_1_correlation.unwrap() - 1.0).abs() < 1e-12);
        // Two copies of the log as two evaluation seeds: the same shares and means, more users.
        let logs = [&log, &log];
        let twice = super::facts("real", &logs);
        assert_eq!((twice.users, twice.count_mean), (6, facts.count_mean));
        assert_eq!((facts.between_share, twice.between_share.is_some()), (None, true));
    }

    #[test]
    fn an_empty_log_has_facts_and_no_pictures() {
        let empty = log(&[&[], &[]]);
        let series = Series::of("real", &empty, &[("ppo", vec![&empty])]);
        assert_eq!(series.facts[1].between_share, None);
        let amounts = series.features.iter().find(|f| f.name == "log_amount").unwrap();
        assert!(amounts.sides.is_empty());
        let json = serde_json::to_string(&series).unwrap();
        assert_eq!(serde_json::from_str::<Series>(&json).unwrap(), series);
    }

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
