//! Rewards against the calculus they come from: what a user is paid must be how fast the
//! discrepancy falls when there are more users like him.

use trueup_env::{Covariates, Event, Stream, Streams, Tick, replay};

use super::points::Points;
use super::shared::SharedReward;
use super::witness::WitnessReward;
use super::*;
use crate::discrepancy::{DISCREPANCIES, Weighted};
use crate::features::{self, FEATURES};
use crate::sample::{Sample, Shape};

const HORIZON: u32 = 30;

/// Users with geometric event counts of a rate of their own, prices from a short list, two kinds.
fn log(users: u32, rate: f64, price: f64, refunds: f64, seed: u64) -> EventLog {
    let mut events = Vec::new();
    for user in 0..users {
        let mut stream: Stream = Streams::new(seed).stream("user", u64::from(user));
        let own = rate * (0.2 + 1.6 * stream.uniform());
        let level = price * (1 + stream.below(3)) as f64;
        for tick in 0..HORIZON {
            while stream.uniform() < own {
                let amount = level * (1 + stream.below(6)) as f64;
                let kind = u16::from(stream.uniform() < refunds);
                events.push((user, Event { tick, kind, amount, balance: f64::NAN }));
            }
        }
    }
    let clock = trueup_env::Clock { tick: Tick::Week, horizon: HORIZON, start_day: None };
    let labels = (0..users).map(|user| user.to_string()).collect();
    let kinds = vec!["purchase".into(), "refund".into()];
    EventLog::new(clock, kinds, labels, events, Covariates::default()).unwrap()
}

fn internal() -> EventLog {
    log(160, 0.11, 8.0, 0.3, 1)
}

fn statistics() -> Statistics {
    Statistics::of(&log(400, 0.06, 11.0, 0.1, 2))
}

fn term(feature: &str, discrepancy: &str) -> Term {
    Term { feature: feature.into(), discrepancy: discrepancy.into(), weight: 1.0 }
}

fn witness(terms: Vec<Term>) -> WitnessReward {
    let config = WitnessConfig { terms: Some(terms), ..WitnessConfig::default() };
    WitnessReward::new(&config, &statistics()).unwrap()
}

/// The whole pay of each user.
fn pays(payment: &dyn Payment, log: &EventLog) -> Vec<f64> {
    let of = |user| {
        let mut sum = 0.0;
        let end = replay(payment, log.events_of(user), |pay| sum += pay);
        sum + end
    };
    (0..log.user_count()).map(of).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The discrepancy as rewards count it when user i counts `exp(eta pay_i)` times.
fn tilted(term: &Term, sample: &Sample, pays: &[f64], eta: f64) -> f64 {
    let discrepancy = crate::discrepancy::find(&term.discrepancy).unwrap();
    let weight = |row: usize| (eta * pays[sample.user[row] as usize]).exp();
    let weights: Vec<f64> = (0..sample.rows()).map(weight).collect();
    let statistics = statistics();
    let mut values = sample.values.clone();
    let mut weights = weights;
    let external = match &statistics.feature(&term.feature).unwrap().form {
        Form::Grid(distribution) => Points::of_distribution(distribution),
        Form::Counts { counts } => {
            // One row a category, as the reward gives them.
            let mut sums = vec![0.0; counts.len()];
            values.iter().zip(&weights).for_each(|(&c, w)| sums[c as usize] += w);
            values = (0..counts.len()).map(|c| c as f64).collect();
            weights = sums;
            Points::of_counts(counts)
        }
        Form::Pair { .. } => unreachable!("no term on pairs"),
    };
    let rows = Weighted { values: &values, weights: Some(&weights) };
    let value = discrepancy.weighted_value(rows, external.weighted()).unwrap().unwrap();
    if discrepancy.squared() { value.sqrt() } else { value }
}

/// For every real feature and every discrepancy that has a witness: with user weights
/// proportional to exp(eta pay), the distance falls at eta = 0 at the rate Var(pay) - for squared
/// distances times sqrt(D + 0.3 / users) / sqrt(D), which the normaliser adds.
#[test]
fn pay_is_the_slope_of_every_distance() {
    let log = internal();
    let mut pairs = 0;
    for feature in FEATURES.iter().filter(|f| f.shape() == Shape::Real) {
        for discrepancy in DISCREPANCIES.iter().filter(|d| d.shape() == Shape::Real) {
            let term = term(feature.name, discrepancy.name());
            let config = WitnessConfig { terms: Some(vec![term.clone()]), ..Default::default() };
            let Ok(mut reward) = WitnessReward::new(&config, &statistics()) else {
                let none = discrepancy.name();
                assert!(["kolmogorov-smirnov", "between-share-gap"].contains(&none), "{none}");
                continue;
            };
            let sample = feature.sample(&log);
            let payment = reward.refit(&log).unwrap();
            let pays = pays(payment.as_ref(), &log);
            let centre = mean(&pays);
            let variance = mean(&pays.iter().map(|s| (s - centre).powi(2)).collect::<Vec<_>>());
            let step = 1e-4 / variance.sqrt();
            let slope = (tilted(&term, &sample, &pays, step)
                - tilted(&term, &sample, &pays, -step))
                / (2.0 * step);
            let now = tilted(&term, &sample, &pays, 0.0);
            let users = sample.users_with_rows() as f64;
            let factor =
                if discrepancy.squared() { (now * now + 0.3 / users).sqrt() / now } else { 1.0 };
            let (name, expected) = (format!("{term:?}"), -variance * factor);
            assert!(variance > 0.0, "{name} pays all alike");
            assert!((slope / expected - 1.0).abs() < 2e-3, "{name}: {slope} against {expected}");
            assert!((reward.discrepancy() - now).abs() < 1e-9, "{name}");
            pairs += 1;
        }
    }
    assert!(pairs >= 60, "{pairs}");
}

/// The sign is smoothed there, so the slope is not exact, but it must fall.
#[test]
fn pay_on_kinds_lowers_total_variation() {
    let log = internal();
    for feature in ["kind", "kind_pair"] {
        let term = term(feature, "total-variation");
        let payment = witness(vec![term.clone()]).refit(&log).unwrap();
        let pays = pays(payment.as_ref(), &log);
        let sample = features::find(feature).unwrap().sample(&log);
        let [before, after] = [0.0, 0.1].map(|eta| tilted(&term, &sample, &pays, eta));
        assert!(after < before - 1e-3, "{feature}: {before} to {after}");
    }
}

/// All default terms at once: a small tilt lowers the mean distance, and no user gains by volume
/// alone in event features.
#[test]
fn the_default_reward_lowers_the_mean_distance() {
    let log = internal();
    let terms = default_terms(&statistics());
    assert_eq!(terms.len(), 9);
    let payment = witness(terms.clone()).refit(&log).unwrap();
    let pays = pays(payment.as_ref(), &log);
    let total = |eta: f64| -> f64 {
        let of = |term: &Term| {
            let sample = features::find(&term.feature).unwrap().sample(&log);
            tilted(term, &sample, &pays, eta)
        };
        terms.iter().map(of).sum()
    };
    assert!(total(0.05) < total(0.0) - 1e-3);
}

#[test]
fn centring_pays_nothing_for_volume() {
    let log = internal();
    for feature in ["log_amount", "gap", "event_tick"] {
        let payment = witness(vec![term(feature, "cramer-von-mises")]).refit(&log).unwrap();
        let pays = pays(payment.as_ref(), &log);
        let scale = pays.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        assert!(mean(&pays).abs() < 1e-10 * scale, "{feature}");
    }
}

/// The pay of a user feature is a function of where it ends, whatever the way there.
#[test]
fn user_pay_telescopes_to_the_final_feature() {
    let log = internal();
    let payment = witness(vec![term("event_count", "cramer-von-mises")]).refit(&log).unwrap();
    let pays = pays(payment.as_ref(), &log);
    let mut seen = std::collections::HashMap::new();
    for (user, pay) in pays.iter().enumerate() {
        let first = *seen.entry(log.events_of(user).len()).or_insert(*pay);
        assert!((first - pay).abs() < 1e-12);
    }
    assert!(seen.len() > 3);
    // A user without events has gained nothing.
    assert_eq!(replay(payment.as_ref(), &[], |_| unreachable!()), 0.0);
}

#[test]
fn memory_mixes_earlier_rollouts_in() {
    let (first, second) = (internal(), log(160, 0.03, 20.0, 0.0, 9));
    for feature in ["event_count", "kind"] {
        let discrepancy = if feature == "kind" { "total-variation" } else { "cramer-von-mises" };
        let make = |memory| {
            let terms = Some(vec![term(feature, discrepancy)]);
            WitnessReward::new(&WitnessConfig { terms, memory, decay: 0.5 }, &statistics()).unwrap()
        };
        let fitted = |memory, logs: &[&EventLog]| {
            let mut reward = make(memory);
            let payments: Vec<_> = logs.iter().map(|log| reward.refit(log).unwrap()).collect();
            pays(payments[payments.len() - 1].as_ref(), &first)
        };
        let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9);
        let alone = fitted(0.5, &[&second]);
        assert!(close(&alone, &fitted(0.5, &[&second, &second])), "{feature}");
        assert!(close(&alone, &fitted(0.0, &[&first, &second])), "{feature}");
        assert!(!close(&alone, &fitted(0.5, &[&first, &second])), "{feature}");
    }
}

/// A reward that takes up the state of another goes on as it would have: the same pay to the bit
/// at the next refit, and the same state after it.
#[test]
fn a_restored_reward_goes_on_to_the_same_bits() {
    let logs = [internal(), log(160, 0.03, 20.0, 0.0, 9), log(160, 0.05, 9.0, 0.2, 10)];
    let pair = r#"{"feature": "kind_pair", "discrepancy": "total-variation"}"#;
    for kind in [
        r#"{"kind": "witness"}"#.to_string(),
        format!(r#"{{"kind": "witness", "terms": [{pair}]}}"#),
        r#"{"kind": "shared"}"#.to_string(),
    ] {
        let config: RewardConfig = serde_json::from_str(&kind).unwrap();
        let make = || config.build(&statistics()).unwrap();
        let (mut first, mut second) = (make(), make());
        second.restore(&first.state()).unwrap();
        assert!(second.discrepancy().is_nan());
        for log in &logs[..2] {
            first.refit(log).unwrap();
        }
        second.restore(&first.state()).unwrap();
        assert_eq!(first.discrepancy().to_bits(), second.discrepancy().to_bits());
        let [a, b] = [&mut first, &mut second]
            .map(|reward| pays(reward.refit(&logs[2]).unwrap().as_ref(), &logs[2]));
        assert!(a.iter().any(|pay| *pay != 0.0));
        assert!(a.iter().zip(&b).all(|(a, b)| a.to_bits() == b.to_bits()), "{kind}");
        assert_eq!(first.state(), second.state(), "{kind}");
    }
}

#[test]
fn a_state_of_another_reward_is_refused_and_changes_nothing() {
    let mut gap = witness(vec![term("gap", "energy")]);
    gap.refit(&internal()).unwrap();
    let mut amount = witness(vec![term("log_amount", "energy")]);
    let before = amount.state();
    let error = amount.restore(&gap.state()).unwrap_err().to_string();
    assert!(error.contains("`gap`") && error.contains("`log_amount`"), "{error}");
    assert_eq!(amount.state(), before);
    let mut shared = SharedReward::new(&SharedConfig::default(), &statistics()).unwrap();
    assert!(shared.restore(&gap.state()).unwrap_err().to_string().contains("shared"));
    let state = gap.state();
    for cut in (0..state.len()).step_by(7) {
        assert!(gap.restore(&state[..cut]).is_err(), "{cut}");
    }
}

#[test]
fn the_shared_reward_pays_all_users_the_same_at_the_end() {
    let log = internal();
    let terms = vec![term("log_count", "cramer-von-mises"), term("gap", "wasserstein-1")];
    let config = RewardConfig::Shared(SharedConfig { terms: Some(terms.clone()) });
    let mut reward = config.build(&statistics()).unwrap();
    let payment = reward.refit(&log).unwrap();
    let expected: f64 = terms
        .iter()
        .map(|term| {
            let sample = features::find(&term.feature).unwrap().sample(&log);
            tilted(term, &sample, &vec![0.0; log.user_count()], 0.0)
        })
        .sum();
    assert!((reward.discrepancy() - expected / 2.0).abs() < 1e-12);
    for user in 0..log.user_count() {
        let end = replay(payment.as_ref(), log.events_of(user), |pay| assert_eq!(pay, 0.0));
        assert!((end + expected).abs() < 1e-12);
    }
}

/// A policy that stops acting is paid to act again; one in which nothing can be seen is an error.
#[test]
fn a_log_without_events_is_paid_where_it_can_be() {
    let nobody = log(50, 0.0, 1.0, 0.0, 3);
    let mut reward = RewardConfig::default().build(&statistics()).unwrap();
    let payment = reward.refit(&nobody).unwrap();
    assert!(reward.discrepancy().is_finite());
    let event = Event { tick: 3, kind: 0, amount: 11.0, balance: f64::NAN };
    let mut paid = 0.0;
    replay(payment.as_ref(), &[event], |pay| paid += pay);
    assert!(paid > 0.0 && paid.is_finite());
    let failed = witness(vec![term("gap", "wasserstein-1")]).refit(&nobody);
    assert!(failed.is_err_and(|e| e.to_string().contains("event_count")));
}

#[test]
fn what_cannot_be_rewarded_is_said_with_a_remedy() {
    let refused = |feature: &str, discrepancy: &str, weight: f64| {
        let terms = Some(vec![Term { weight, ..term(feature, discrepancy) }]);
        let config = RewardConfig::Witness(WitnessConfig { terms, ..Default::default() });
        config.build(&statistics()).err().map(|error| error.to_string()).unwrap()
    };
    assert!(refused("log_amonut", "wasserstein-1", 1.0).contains("did you mean `log_amount`?"));
    assert!(refused("gap", "wasserstien-1", 1.0).contains("did you mean `wasserstein-1`?"));
    assert!(refused("gap", "kolmogorov-smirnov", 1.0).contains("no witness"));
    assert!(refused("kind", "wasserstein-1", 1.0).contains("Category"));
    assert!(refused("gap", "wasserstein-1", -1.0).contains("-1"));
    let missing = Statistics { features: Vec::new(), ..statistics() };
    let config = WitnessConfig { terms: Some(vec![term("gap", "energy")]), ..Default::default() };
    let error = RewardConfig::Witness(config).build(&missing).err().unwrap();
    assert!(matches!(error, RewardError::NotMeasured(feature) if feature == "gap"));
    assert!(RewardConfig::default().build(&missing).is_err());
}

#[test]
fn configs_are_read_with_defaults_and_refuse_unknown_keys() {
    let read = serde_json::from_str::<RewardConfig>;
    assert_eq!(read(r#"{"kind": "witness"}"#).unwrap(), RewardConfig::default());
    let shared = r#"{"kind": "shared", "terms": [{"feature": "gap", "discrepancy": "energy"}]}"#;
    let terms = Some(vec![term("gap", "energy")]);
    assert_eq!(read(shared).unwrap(), RewardConfig::Shared(SharedConfig { terms }));
    assert!(read(r#"{"kind": "witness", "memroy": 0.5}"#).is_err());
    assert!(read(r#"{"kind": "shared", "memory": 0.5}"#).is_err());
    for name in REWARDS {
        let text = format!(r#"{{"kind": "{name}"}}"#);
        let config: RewardConfig = serde_json::from_str(&text).unwrap();
        assert_eq!(config.build(&statistics()).unwrap().name(), *name);
    }
    let config = WitnessConfig { memory: 1.0, ..Default::default() };
    assert!(RewardConfig::Witness(config).build(&statistics()).is_err());
}
