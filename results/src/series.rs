//! `series.json`: all that plots and plain-number tables show, computed once from the logs, so that
//! a report can be made again from the run directory alone.

use serde::{Deserialize, Serialize};
use trueup_calibration::features::{self, Definition, Feature};
use trueup_calibration::money::lorenz;
use trueup_calibration::sample::{Sample, Shape};
use trueup_calibration::statistics::Distribution;
use trueup_env::EventLog;

mod bins;
mod classes;
mod facts;
mod ticks;
mod transitions;

pub use bins::Histogram;
pub use facts::Facts;
pub use ticks::{TickSeries, TickSide};
pub use transitions::Transitions;

use bins::{bins, shares};

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
    /// What all users do together in each tick, one entry a feature.
    #[serde(default)]
    pub ticks: Vec<TickSeries>,
    /// Kind to next kind a side, external first; none for logs of one kind.
    #[serde(default)]
    pub transitions: Vec<Transitions>,
    /// How money is shared a side, external first; empty in files of older versions.
    #[serde(default)]
    pub lorenz: Vec<Lorenz>,
}

/// Lorenz's curves of one side, over all evaluation seeds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lorenz {
    /// Name of the calibrator; that of the external side first.
    pub name: String,
    /// Shares of users and of their money.
    pub users: Vec<[f64; 2]>,
    /// Shares of events and of their money.
    pub events: Vec<[f64; 2]>,
}

/// Places of a curve.
const LORENZ: usize = 100;

impl Lorenz {
    fn of(name: &str, logs: &[&EventLog]) -> Self {
        let amounts = |log: &EventLog| log.events().iter().map(|e| e.amount).collect::<Vec<_>>();
        let wealth = |log: &EventLog| {
            let own = |user| log.events_of(user).iter().map(|event| event.amount).sum();
            (0..log.user_count()).map(own).collect::<Vec<f64>>()
        };
        let curve = |of: &dyn Fn(&EventLog) -> Vec<f64>| {
            lorenz(&logs.iter().flat_map(|log| of(log)).collect::<Vec<f64>>(), LORENZ)
        };
        Self { name: name.to_owned(), users: curve(&wealth), events: curve(&amounts) }
    }
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
    /// Names of the categories; none for real features, and in files of older versions.
    #[serde(default)]
    pub classes: Vec<String>,
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
    /// How many independent rows are worth as much, were all rows of a user alike; 0 in files of
    /// older versions.
    #[serde(default)]
    pub effective: f64,
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
        let of =
            |feature: &Feature| shown(feature, external).then(|| feature_series(feature, &sides));
        // Classes that no event has, such as the weekday of a week, need no words.
        let told = |f: &FeatureSeries| !f.sides.is_empty() || f.classes.is_empty();
        Self {
            tick: external.clock().tick.name().to_owned(),
            horizon: external.clock().horizon,
            kinds: external.kinds().to_vec(),
            features: features::FEATURES.iter().filter_map(of).filter(told).collect(),
            facts: sides.iter().map(|(name, logs)| facts::facts(name, logs)).collect(),
            ticks: features::FEATURES.iter().filter_map(|f| TickSeries::of(f, &sides)).collect(),
            transitions: transitions::of(external.kinds().len(), &sides),
            lorenz: sides.iter().map(|(name, logs)| Lorenz::of(name, logs)).collect(),
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
        Definition::Event(_) | Definition::User(_) | Definition::Whole(_) => true,
        Definition::Category(_) => external.kinds().len() > 1,
        Definition::Class { .. } => true,
        _ => false,
    }
}

fn feature_series(feature: &Feature, sides: &[(&str, Vec<&EventLog>)]) -> FeatureSeries {
    let samples: Vec<(&str, Vec<Sample>)> = sides
        .iter()
        .map(|(name, logs)| (*name, logs.iter().map(|log| feature.sample(log)).collect()))
        .collect();
    let pooled = |samples: &[Sample]| -> Vec<f64> {
        samples.iter().flat_map(|sample| sample.values.iter().copied()).collect()
    };
    let external = samples.first().map(|(_, samples)| pooled(samples)).unwrap_or_default();
    let all = samples.iter().flat_map(|(_, samples)| samples);
    let categories = all.map(|sample| sample.categories).max().unwrap_or(0);
    let real = feature.shape() == Shape::Real;
    let histogram = if real { bins(&external) } else { None };
    let side = |(name, samples): &(&str, Vec<Sample>)| {
        let values = pooled(samples);
        let shares = match &histogram {
            Some(histogram) => shares(&values, histogram.edges.len() - 1, |v| histogram.bin(v)),
            None => shares(&values, categories, |v| v as usize),
        };
        (!values.is_empty() && !external.is_empty()).then(|| Side {
            name: (*name).to_owned(),
            rows: values.len(),
            distribution: if real { Distribution::of(&values) } else { None },
            shares,
            effective: effective(samples),
        })
    };
    FeatureSeries {
        name: feature.name.to_owned(),
        title: feature.title.to_owned(),
        unit: feature.unit.to_owned(),
        definition: feature.definition_text.to_owned(),
        sides: samples.iter().filter_map(side).collect(),
        histogram,
        classes: sides
            .first()
            .and_then(|(_, logs)| logs.first())
            .map(|log| classes::names(feature, log))
            .unwrap_or_default(),
    }
}

/// The number of independent rows that say as much about a share as these do where all rows of a
/// user are alike: (sum of n)^2 / (sum of n^2) over users with n rows each (Kish, *Survey Sampling*,
/// 1965, on unequal clusters). Rows of a user that differ say more, so it errs towards few.
fn effective(samples: &[Sample]) -> f64 {
    let runs = samples.iter().flat_map(|sample| sample.user.chunk_by(|a, b| a == b));
    let (mut rows, mut squares) = (0.0, 0.0);
    for run in runs {
        let count = run.len() as f64;
        rows += count;
        squares += count * count;
    }
    if squares > 0.0 { rows * rows / squares } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trueup_env::{Clock, Covariates, Event, Tick};

    pub(super) fn log(users: &[&[(u32, f64)]]) -> EventLog {
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
    fn a_user_with_many_rows_is_worth_one() {
        let sample = |user: Vec<u32>| Sample {
            values: vec![0.0; user.len()],
            user,
            ..Sample::real(Vec::new())
        };
        // Users with 4, 1 and 1 rows: 36 / 18.
        let one = sample(vec![0, 0, 0, 0, 2, 3]);
        assert_eq!(effective(std::slice::from_ref(&one)), 2.0);
        // The same user numbers in a second seed are other users: 144 / 36.
        assert_eq!(effective(&[one.clone(), one]), 4.0);
        assert_eq!(effective(&[sample(vec![0, 1, 2, 3, 4])]), 5.0);
        assert_eq!(effective(&[]), 0.0);
    }

    #[test]
    fn classes_have_names_and_shares() {
        let feature = Feature {
            name: "half",
            title: "Half",
            unit: "",
            level: features::Level::Event,
            definition_text: "",
            definition: Definition::Class {
                classes: 2,
                of: |_, event, clock| Some(usize::from(event.tick * 2 >= clock.horizon)),
            },
        };
        let (real, simulated) =
            (log(&[&[(1, 1.0), (2, 1.0)], &[(9, 1.0)], &[]]), log(&[&[(7, 1.0)]]));
        let series = feature_series(&feature, &[("real", vec![&real]), ("a", vec![&simulated])]);
        assert_eq!(series.classes, ["1", "2"]);
        assert_eq!(series.sides[0].shares, [2.0 / 3.0, 1.0 / 3.0]);
        assert_eq!(series.sides[1].shares, [0.0, 1.0]);
        assert!(series.histogram.is_none() && series.sides[0].distribution.is_none());
    }
}
