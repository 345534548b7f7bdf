//! Which relations of covariates a simulation loses, in words.
//!
//! For each covariate against counts, amounts and kinds: the strength (a correlation, or the mean of a
//! category in standard deviations) among the test users and among the simulated ones of the first
//! evaluation seed, with 95% percentile intervals of the bootstrap over users. A relation is told
//! where the intervals do not overlap and the strengths differ by at least [`LEAST`].

use std::cmp::Reverse;

use rayon::prelude::*;
use trueup_env::{EventLog, Streams};

use super::bootstrap::{Measured, Weights, weights};
use super::{PanelConfig, Run};
use crate::features::{Feature, relation};
use crate::relation::Sums;
use crate::sample::Sample;

/// Differences below this are small: the least correlation that Cohen calls one (*Statistical power
/// analysis for the behavioral sciences*, 1988).
const LEAST: f64 = 0.1;
/// The most relations that are told one by one.
const TOLD: usize = 5;

/// What a reader must know of the covariates of simulated users.
pub fn notes(
    run: &Run,
    test: &EventLog,
    test_weights: &Weights,
    config: &PanelConfig,
    streams: &Streams,
) -> Vec<String> {
    let Some(log) = run.logs.first() else { return Vec::new() };
    let known = |name: &&String| log.covariates().place(name).is_none();
    let lacking: Vec<&str> =
        test.covariates().names.iter().filter(known).map(String::as_str).collect();
    let mut notes = Vec::new();
    if !lacking.is_empty() {
        notes.push(format!(
            "The users of `{}` have no {}: nothing can be said of how that goes with what they do.",
            run.name,
            lacking.join(", ")
        ));
    }
    let own = weights(log.user_count(), config.replicates, &streams.child("relations", 0));
    let one = |feature: &&'static Feature| {
        Found::of(feature, [test, log], [test_weights, &own]).filter(Found::is_lost)
    };
    let relations = relation::all(test.covariates(), test.kinds());
    let mut lost: Vec<Found> = relations.par_iter().filter_map(one).collect();
    lost.sort_by_key(|found| Reverse((found.difference() * 1e6) as u64));
    notes.extend(lost.iter().take(TOLD).map(|found| found.sentence(&run.name)));
    if lost.len() > TOLD {
        notes.push(format!(
            "{} more of {} relations of covariates are not those of the real users.",
            lost.len() - TOLD,
            relations.len()
        ));
    }
    notes
}

/// A relation among real and simulated users.
struct Found {
    /// `age against number of events`.
    what: String,
    unit: &'static str,
    /// Value and interval of real users, and of simulated ones.
    sides: [(f64, [f64; 2]); 2],
}

impl Found {
    /// Of a number, or of the category that differs most for its share of the users.
    fn of(feature: &Feature, logs: [&EventLog; 2], weights: [&Weights; 2]) -> Option<Self> {
        let (covariate, fact) = relation::parts(feature.name)?;
        let samples = logs.map(|log| feature.sample(log));
        if samples[0].categories != samples[1].categories {
            return None;
        }
        let [real, simulated] = [0, 1].map(|side| strengths(&samples[side], weights[side]));
        let ((real, shares), (simulated, _)) = (real?, simulated?);
        let gap = |k: &usize| {
            let (p, q) = (real[*k].value, simulated[*k].value);
            shares[*k] * (p - q) * (p - q)
        };
        let most = (0..real.len()).max_by(|a, b| gap(a).total_cmp(&gap(b)))?;
        let words = relation::words(fact);
        let names = logs[0].covariates();
        let category = names.categories_of(names.place(covariate)?).get(most);
        let side = |one: &Measured| (one.value, one.interval(f64::NEG_INFINITY, f64::INFINITY));
        Some(Self {
            what: match category {
                None => format!("{covariate} against {words}"),
                Some(category) => format!("{words} where {covariate} is {category}"),
            },
            unit: if category.is_some() { " sd from the mean" } else { "" },
            sides: [side(&real[most]), side(&simulated[most])],
        })
    }

    fn difference(&self) -> f64 {
        let [(real, _), (simulated, _)] = self.sides;
        (real - simulated).abs()
    }

    fn is_lost(&self) -> bool {
        let [(_, [a, b]), (_, [c, d])] = self.sides;
        (b < c || d < a) && self.difference() >= LEAST
    }

    fn sentence(&self, name: &str) -> String {
        let Self { what, unit, sides: [(real, [a, b]), (own, [c, d])] } = self;
        let verdict = if *a <= 0.0 && *b >= 0.0 {
            "the real users show none"
        } else if *c <= 0.0 && *d >= 0.0 {
            "it is lost"
        } else if real * own < 0.0 {
            "it is reversed"
        } else if own.abs() < real.abs() {
            "it is too weak"
        } else {
            "it is too strong"
        };
        format!(
            "{what}: real {real:+.2}{unit} [{a:+.2}, {b:+.2}], {name} {own:+.2} [{c:+.2}, {d:+.2}]: \
             {verdict}."
        )
    }
}

/// The strengths of a sample with their replicates, and shares; none where they are not defined.
fn strengths(sample: &Sample, weights: &Weights) -> Option<(Vec<Measured>, Vec<f64>)> {
    let rows = sample.values.chunks_exact(2);
    let n = sample.rows().max(1) as f64;
    let mean = |side: usize| rows.clone().map(|row| row[side]).sum::<f64>() / n;
    let (x, y) = (if sample.categories == 0 { mean(0) } else { 0.0 }, mean(1));
    let under = |weights: Option<&Vec<f64>>| {
        let mut sums = Sums::new(sample.categories);
        for (user, row) in sample.user.iter().zip(rows.clone()) {
            let weight = weights.map_or(1.0, |weights| weights[*user as usize]);
            sums.add(weight, row[0] - x, row[1] - y);
        }
        sums.strengths()
    };
    let own = under(None)?;
    let replicates: Vec<Option<Vec<f64>>> =
        weights.iter().map(|weights| under(Some(weights)).map(|own| own.values)).collect();
    let of = |(k, value): (usize, &f64)| Measured {
        value: *value,
        replicates: replicates.iter().map(|one| one.as_ref().map(|own| own[k])).collect(),
    };
    Some((own.values.iter().enumerate().map(of).collect(), own.shares))
}

/// Logs whose categories have other numbers than those of the test log, with the same; none where
/// all are alike.
pub fn united(
    runs: &[Run],
    train: Option<&EventLog>,
    test: &EventLog,
) -> Option<(Vec<Run>, Option<EventLog>, EventLog)> {
    let mut known = test.covariates().categories.clone();
    let others = || runs.iter().flat_map(|run| &run.logs).chain(train);
    for log in others() {
        for (place, name) in test.covariates().names.iter().enumerate() {
            let Some(own) = log.covariates().place(name) else { continue };
            let Some(known) = known.get_mut(place).filter(|known| !known.is_empty()) else {
                continue;
            };
            for category in log.covariates().categories_of(own) {
                if !known.contains(category) {
                    known.push(category.clone());
                }
            }
        }
    }
    let names = &test.covariates().names;
    let differs = |log: &EventLog| {
        let own = log.covariates();
        own.names.iter().enumerate().any(|(column, name)| {
            let place = names.iter().position(|other| other == name);
            let known = place.and_then(|place| known.get(place));
            known.is_some_and(|known| !known.is_empty() && own.categories_of(column) != known)
                && !own.categories_of(column).is_empty()
        })
    };
    if !others().chain([test]).any(differs) {
        return None;
    }
    let renumbered = |log: &EventLog| {
        let mut own = log.covariates().clone();
        let width = own.names.len();
        own.categories.resize(width, Vec::new());
        for column in 0..width {
            let place = names.iter().position(|other| *other == own.names[column]);
            let Some(known) = place.and_then(|place| known.get(place)) else { continue };
            if known.is_empty() || own.categories[column].is_empty() {
                continue;
            }
            let before = std::mem::replace(&mut own.categories[column], known.clone());
            for value in own.values.iter_mut().skip(column).step_by(width) {
                let name = before.get(*value as usize);
                let number = known.iter().position(|other| Some(other) == name);
                *value = number.unwrap_or_default() as f64;
            }
        }
        log.clone().with_covariates(own).ok()
    };
    let run = |run: &Run| {
        let logs: Option<Vec<EventLog>> = run.logs.iter().map(renumbered).collect();
        logs.map(|logs| Run { name: run.name.clone(), logs })
    };
    let runs: Option<Vec<Run>> = runs.iter().map(run).collect();
    let train = match train {
        Some(train) => Some(renumbered(train)?),
        None => None,
    };
    Some((runs?, train, renumbered(test)?))
}

#[cfg(test)]
mod tests {
    use trueup_env::{Clock, Covariates, Event, Tick};

    use super::*;
    use crate::evaluate::evaluate;

    /// Users of whom the old (or the young) buy more, and those of the first region.
    pub(crate) fn log(users: usize, slope: f64, regions: [&str; 2], seed: u64) -> EventLog {
        let mut events = Vec::new();
        let mut values = Vec::new();
        for user in 0..users {
            let mut stream = Streams::new(seed).stream("user", user as u64);
            let (age, region) = (stream.uniform(), stream.below(2));
            values.extend([20.0 + 60.0 * age, region as f64]);
            let rate = 0.25 + slope * (age - 0.5) + if region == 0 { 0.1 } else { 0.0 };
            for tick in 0..20 {
                if stream.uniform() < rate {
                    let amount = (1 + stream.below(9)) as f64;
                    events.push((user as u32, Event { tick, kind: 0, amount, balance: f64::NAN }));
                }
            }
        }
        EventLog::new(
            Clock { tick: Tick::Week, horizon: 20, start_day: None },
            vec!["purchase".into()],
            (0..users).map(|user| user.to_string()).collect(),
            events,
            Covariates {
                names: vec!["age".into(), "region".into()],
                values,
                categories: vec![vec![], regions.map(String::from).to_vec()],
            },
        )
        .unwrap()
    }

    fn panel(simulated: EventLog) -> crate::panel::CalibratorPanel {
        let test = log(400, -0.3, ["north", "south"], 1);
        let config = PanelConfig { permutations: 0, replicates: 60, ..PanelConfig::default() };
        let runs = [Run { name: "ppo".into(), logs: vec![simulated] }];
        evaluate(&runs, None, &test, &[], &config, &Streams::new(3)).unwrap().remove(0)
    }

    /// The real slope is -0.3 and the simulated one 0.3 in the one, and the same in the other, where
    /// the regions are numbered the other way round: the panel counts by their names.
    #[test]
    fn a_reversed_relation_is_told_and_a_kept_one_is_not() {
        let reversed = panel(log(400, 0.3, ["north", "south"], 2));
        let told =
            reversed.notes.iter().find(|note| note.starts_with("age against number of events"));
        let told = told.unwrap_or_else(|| panic!("{:?}", reversed.notes));
        assert!(told.contains("real -0.") && told.contains("ppo +0."), "{told}");
        assert!(told.ends_with("it is reversed."), "{told}");
        let row = |panel: &crate::panel::CalibratorPanel, feature: &str| {
            let rows = panel.panel.iter().filter(|row| row.feature == feature);
            let [row] = rows.collect::<Vec<_>>()[..] else { panic!("{feature}") };
            assert_eq!(row.discrepancy, "relation-gap");
            row.value
        };
        assert!(row(&reversed, "age~log_count") > 0.8);
        assert!(row(&reversed, "region~log_count") < 0.25);

        // The same law, but `south` is number 0: those of number 0 buy more, so the names are
        // reversed against the real users.
        let swapped = panel(log(400, -0.3, ["south", "north"], 4));
        assert!(swapped.notes.iter().all(|note| !note.starts_with("age")), "{:?}", swapped.notes);
        let told = swapped.notes.iter().any(|note| note.contains("where region is"));
        assert!(told, "{:?}", swapped.notes);
        assert!(row(&swapped, "age~log_count") < 0.2);
        assert!(row(&swapped, "region~log_count") > 0.3);
    }

    #[test]
    fn users_without_covariates_are_told() {
        let bare = log(300, 0.0, ["north", "south"], 5);
        let bare = bare.with_covariates(Covariates::default()).unwrap();
        let told = panel(bare);
        assert!(told.notes.iter().any(|note| note.contains("have no age, region")));
        assert!(told.left_out.iter().any(|entry| entry.feature == "age~log_count"));
    }
}
