//! The promise taken apart: what one user can add, what noise is drawn, what the parts add up to,
//! and what is left of the statistics.

use trueup_env::{Covariates, Event, Streams, Tick};

use super::*;
use crate::discrepancy::{Weighted, wasserstein};
use crate::reward::RewardConfig;
use crate::statistics::{Form, Statistics};
use crate::world::{WorldConfig, fit_world};

/// Users with 0 to about 40 events of three kinds, of which the last is never seen.
fn log(users: u32, seed: u64) -> EventLog {
    let mut events = Vec::new();
    let mut ages = Vec::new();
    for user in 0..users {
        let mut stream = Streams::new(seed).stream("user", u64::from(user));
        let own = 0.25 * stream.uniform() * stream.uniform();
        for tick in 0..30 {
            while stream.uniform() < own {
                let amount =
                    if stream.uniform() < 0.1 { 0.0 } else { 3.0 * (1.0 + stream.uniform()) };
                let kind = u16::from(stream.uniform() < 0.2);
                events.push((user, Event { tick, kind, amount, balance: f64::NAN }));
            }
        }
        ages.push(20.0 + 50.0 * stream.uniform());
    }
    make(users, events, ages)
}

fn make(users: u32, events: Vec<(u32, Event)>, ages: Vec<f64>) -> EventLog {
    let clock = trueup_env::Clock { tick: Tick::Week, horizon: 30, start_day: None };
    let labels = (0..users).map(|user| user.to_string()).collect();
    let kinds = ["purchase", "refund", "gift"].map(String::from).to_vec();
    let covariates =
        Covariates { names: vec!["age".into()], values: ages, ..Covariates::default() };
    EventLog::new(clock, kinds, labels, events, covariates).unwrap()
}

fn config() -> PrivacyConfig {
    let mut config = PrivacyConfig::new([1.0, 20.0]);
    config.bounds.insert("covariate.age".into(), [0.0, 100.0]);
    config.max_events = 4;
    config
}

fn everything() -> PrivacyConfig {
    let mut config = config();
    config.features = crate::features::FEATURES
        .iter()
        .filter(|f| f.shape() != crate::sample::Shape::Vector)
        .map(|f| f.name.to_owned())
        .filter(|name| {
            let bounds = config.bounds.clone();
            let one = PrivacyConfig { features: vec![name.clone()], bounds, ..config.clone() };
            counted(&log(3, 1), &one).is_ok()
        })
        .collect();
    assert!(config.features.len() >= 17);
    config
}

/// All histograms before noise.
fn counted(log: &EventLog, config: &PrivacyConfig) -> Result<Vec<Query>, PrivacyError> {
    queries::plan(log, config)?.iter().map(|plan| plan.count(log, config, config.bins)).collect()
}

fn key(name: &str) -> NoiseKey {
    NoiseKey::new(name.as_bytes())
}

/// Without any one user, a histogram changes by at most its sensitivity in sum; and the bound is
/// reached by heavy users.
#[test]
fn one_user_adds_at_most_the_sensitivity() {
    let (users, config) = (60, everything());
    let whole = log(users, 2);
    let before = counted(&whole, &config).unwrap();
    assert!((0..60).any(|user| whole.events_of(user).len() > 8));
    let mut largest = vec![0; before.len()];
    for left_out in 0..users {
        let mut events = Vec::new();
        for user in (0..users).filter(|&user| user != left_out) {
            let own = whole.events_of(user as usize).iter();
            events.extend(own.map(|event| (user - u32::from(user > left_out), *event)));
        }
        let mut ages = whole.covariates().values.clone();
        ages.remove(left_out as usize);
        let after = counted(&make(users - 1, events, ages), &config).unwrap();
        for ((a, b), largest) in before.iter().zip(&after).zip(&mut largest) {
            assert_eq!((&a.name, &a.layout, a.sensitivity), (&b.name, &b.layout, b.sensitivity));
            let change: u64 = a.counts.iter().zip(&b.counts).map(|(a, b)| a.abs_diff(*b)).sum();
            assert!(change <= a.sensitivity, "{}: {change}", a.name);
            *largest = change.max(*largest);
        }
    }
    for (query, largest) in before.iter().zip(largest) {
        assert_eq!(largest, query.sensitivity, "{}", query.name);
    }
}

/// Bins do not depend on the data: a log with none of it has the same.
#[test]
fn bins_follow_from_public_numbers_alone() {
    let [full, empty] = [log(80, 3), make(1, Vec::new(), vec![3.0])]
        .map(|log| counted(&log, &everything()).unwrap());
    for (a, b) in full.iter().zip(&empty) {
        assert_eq!((&a.name, &a.layout, a.sensitivity), (&b.name, &b.layout, b.sensitivity));
    }
    assert_eq!(full.len(), empty.len());
}

#[test]
fn the_parts_add_up_to_the_budget() {
    let log = log(2_000, 4);
    for mechanism in [Mechanism::Gaussian, Mechanism::Laplace] {
        for epsilon in [0.5, 3.0] {
            let config = PrivacyConfig { epsilon: Some(epsilon), mechanism, ..config() };
            let record = private(&log, &config, &key("parts")).unwrap().privacy.unwrap();
            let sum: f64 = record.queries.iter().map(|query| query.budget).sum();
            // What was really drawn, from scale and sensitivity.
            let part = |query: &QueryRecord| {
                let ratio = query.sensitivity as f64 / query.scale;
                if mechanism == Mechanism::Gaussian { ratio * ratio / 2.0 } else { ratio }
            };
            let drawn: f64 = record.queries.iter().map(part).sum();
            assert!(drawn <= sum && drawn > 0.95 * sum, "{drawn} {sum}");
            if mechanism == Mechanism::Gaussian {
                assert!(delta_of(sum, epsilon) <= 1e-6 && record.composition == Composition::Zcdp);
                assert!((sum / record.rho.unwrap() - 1.0).abs() < 1e-12);
            } else if record.composition == Composition::Basic {
                assert!(sum <= epsilon);
            } else {
                assert!(delta_of(record.rho.unwrap(), epsilon) <= 1e-6);
            }
        }
    }
    let config = PrivacyConfig { delta: 0.0, mechanism: Mechanism::Laplace, ..config() };
    let record = private(&log, &config, &key("parts")).unwrap().privacy.unwrap();
    let sum: f64 = record.queries.iter().map(|query| query.budget).sum();
    assert!(record.composition == Composition::Basic && (sum - 1.0).abs() < 1e-6);
}

/// The W1 distance of a feature to that of exact statistics.
fn distance(a: &Statistics, b: &Statistics, name: &str) -> f64 {
    let points = |statistics: &Statistics| match &statistics.feature(name).unwrap().form {
        Form::Grid(distribution) => distribution.points(),
        form => unreachable!("{form:?}"),
    };
    let (p, q) = (points(a), points(b));
    wasserstein::distance(Weighted::new(&p.0, &p.1), Weighted::new(&q.0, &q.1)).unwrap()
}

/// Without noise, features of whole numbers are exactly those of the log, and others are spread
/// over bins of a 64th of the range; sums are exact too.
#[test]
fn without_noise_only_the_bins_are_left() {
    let log = log(500, 5);
    let exact = Statistics::of(&log);
    // Nobody has more events than that, so nothing is cut.
    let mut config = PrivacyConfig { epsilon: None, max_events: 60, ..config() };
    config.bounds.extend([("event_count".into(), [0.0, 60.0])]);
    let private = private(&log, &config, &key("none")).unwrap();
    assert_eq!(private.privacy.as_ref().unwrap().epsilon, None);
    assert_eq!((private.users, private.events), (exact.users, exact.events));
    assert_eq!(private.kind_events, exact.kind_events);
    assert!((private.same_tick_share - exact.same_tick_share).abs() < 1e-12);
    for name in ["event_count", "log_count", "recency", "gap", "event_tick"] {
        let [Form::Grid(a), Form::Grid(b)] =
            [&private, &exact].map(|s| s.feature(name).unwrap().form.clone())
        else {
            unreachable!()
        };
        let close = a.quantiles.iter().zip(&b.quantiles).all(|(a, b)| (a - b).abs() < 1e-9);
        assert!(close, "{name}");
    }
    assert_eq!(private.feature("kind").unwrap().form, exact.feature("kind").unwrap().form);
    let bin = 20f64.ln() / 64.0;
    for (name, width) in [("log_amount", bin), ("mean_log_amount", bin), ("sd_log_amount", bin)] {
        assert!(distance(&private, &exact, name) < width, "{name}");
    }
    let [a, b] = [&private, &exact].map(|s| s.amounts[0].clone().unwrap());
    assert_eq!(a.quantiles[30], 0.0);
    assert!((a.mean / b.mean - 1.0).abs() < 0.02 && (a.sd / b.sd - 1.0).abs() < 0.05);
    assert!((private.covariates[0].1.mean - exact.covariates[0].1.mean).abs() < 100.0 / 64.0);
}

/// What is private is as good a file as any: it passes all checks, and worlds and rewards are made
/// of it; and it comes closer with more budget. Keys are fixed; by the noise's scales a factor of
/// 30 in epsilon makes the expected distance far more than twice as small (not exact: one draw).
#[test]
fn private_statistics_serve_worlds_and_rewards() {
    let log = log(4_000, 6);
    let at = |epsilon, mechanism| {
        let config = PrivacyConfig { epsilon: Some(epsilon), mechanism, ..config() };
        private(&log, &config, &key("serve")).unwrap()
    };
    let none = private(&log, &PrivacyConfig { epsilon: None, ..config() }, &key("serve")).unwrap();
    for mechanism in [Mechanism::Gaussian, Mechanism::Laplace] {
        let [coarse, fine] = [1.0, 30.0].map(|epsilon| at(epsilon, mechanism));
        for statistics in [&coarse, &fine, &none] {
            statistics.check().unwrap();
            let world = WorldConfig::default();
            fit_world(&world, statistics).unwrap();
            let reward = RewardConfig::default().build(statistics).unwrap();
            assert!(reward.terms().len() >= 8, "{:?}", reward.terms());
        }
        for name in ["event_count", "log_amount", "recency"] {
            let [far, near] = [&coarse, &fine].map(|s| distance(s, &none, name));
            assert!(near < 0.5 * far, "{mechanism:?} {name}: {near} {far}");
        }
        assert!(fine.users.abs_diff(4_000) < 20);
    }
}

#[test]
fn the_noise_follows_from_the_key_alone() {
    let log = log(1_000, 7);
    let with = |name: &str| private(&log, &config(), &key(name)).unwrap();
    assert_eq!(with("a"), with("a"));
    assert_ne!(with("a").users, with("b").users);
}

/// Names of categories are public and their users are counted; how covariates hang together is not
/// in the file, nor how they go with what users did.
#[test]
fn categories_are_counted_and_relations_left_out() {
    let log = log(300, 8);
    let regions = ["north", "south", "nobody"].map(String::from).to_vec();
    let facts = log.covariates().column(0).enumerate();
    let values = facts.flat_map(|(user, age)| [age, f64::from(u8::from(user % 3 == 0))]).collect();
    let names = ["age", "region"].map(String::from).to_vec();
    let categories = vec![vec![], regions.clone()];
    let log = log.with_covariates(Covariates { names, values, categories }).unwrap();
    let exact = Statistics::of(&log);
    assert!(exact.dependence.is_some() && exact.feature("age~log_count").is_some());
    let found = private(&log, &PrivacyConfig { epsilon: None, ..config() }, &key("regions"));
    let found = found.unwrap();
    assert_eq!(found.categories[0].categories, regions);
    assert_eq!(found.categories[0].counts, [200.0, 100.0, 0.0]);
    assert_eq!(found.dependence, None);
    assert!(found.features.iter().all(|entry| !entry.feature.contains('~')));
    assert!(found.privacy.as_ref().unwrap().public.iter().any(|what| what.contains("categories")));
    let noisy = private(&log, &config(), &key("regions")).unwrap();
    noisy.check().unwrap();
    assert_eq!(noisy.categories.len(), 1);
}

#[test]
fn what_cannot_be_private_is_said_with_a_remedy() {
    let log = log(300, 8);
    let said = |change: &dyn Fn(&mut PrivacyConfig)| {
        let mut config = config();
        change(&mut config);
        private(&log, &config, &key("refused")).unwrap_err().to_string()
    };
    assert!(said(&|c| c.epsilon = Some(0.0)).contains("epsilon is 0; give a positive"));
    assert!(said(&|c| c.epsilon = Some(f64::NAN)).contains("NaN"));
    assert!(said(&|c| c.delta = 0.0).contains("Laplace"));
    assert!(said(&|c| c.delta = 1.0).contains("under 1"));
    assert!(said(&|c| c.max_events = 0).contains("max-events"));
    assert!(said(&|c| c.bins = 1).contains("bins"));
    assert!(said(&|c| c.amounts = [0.0, 3.0]).contains("amounts"));
    assert!(said(&|c| c.bounds.clear()).contains("--bound covariate.age=LOW:HIGH"));
    let swapped = said(&|c| c.bounds.extend([("gap".into(), [3.0, 1.0])]));
    assert!(swapped.contains("gap are 3 to 1"), "{swapped}");
    assert!(said(&|c| c.features.push("gpa".into())).contains("unknown feature `gpa`"));
    assert!(said(&|c| c.features.push("amount_pair".into())).contains("leave it out"));
    assert!(said(&|c| c.epsilon = Some(1e-9)).contains("beyond all bounds"));
    let empty = make(1, Vec::new(), vec![1.0]);
    let none = PrivacyConfig { epsilon: None, ..config() };
    let left = private(&empty, &none, &key("x")).unwrap_err();
    assert_eq!(left, PrivacyError::NothingLeft { what: "events" });
}
