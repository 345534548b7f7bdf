//! Rewards against the calculus they come from: what a user is paid must be how fast the
//! discrepancy falls when there are more users like him.

use std::sync::OnceLock;

use trueup_env::{Covariates, Event, Stream, Streams, Tick};

use super::points::Points;
use super::shared::SharedReward;
use super::witness::WitnessReward;
use super::*;
use crate::discrepancy::{DISCREPANCIES, Weighted};
use crate::features::{self, FEATURES};
use crate::population::Population;
use crate::sample::{Sample, Shape};

const HORIZON: u32 = 30;

/// Users with geometric event counts of a rate of their own, prices from a short list, two kinds.
pub(super) fn log(users: u32, rate: f64, price: f64, refunds: f64, seed: u64) -> EventLog {
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

pub(super) fn internal() -> EventLog {
    log(160, 0.11, 8.0, 0.3, 1)
}

/// Other users, fewer and with other habits.
pub(super) fn other() -> EventLog {
    log(120, 0.15, 9.0, 0.2, 3)
}

pub(super) fn statistics() -> Statistics {
    static STATISTICS: OnceLock<Statistics> = OnceLock::new();
    STATISTICS.get_or_init(|| Statistics::of(&log(400, 0.06, 11.0, 0.1, 2))).clone()
}

pub(super) fn term(feature: &str, discrepancy: &str) -> Term {
    Term { feature: feature.into(), discrepancy: discrepancy.into(), weight: 1.0 }
}

fn witness(terms: Vec<Term>) -> WitnessReward {
    let config = WitnessConfig { terms: Some(terms), ..WitnessConfig::default() };
    WitnessReward::new(&config, &statistics()).unwrap()
}

/// The whole pay of each user.
pub(super) fn totals(pay: &Pay, log: &EventLog) -> Vec<f64> {
    assert_eq!((pay.events.len(), pay.ends.len()), (log.events().len(), log.user_count()));
    let events = |user: usize| &pay.events[log.offsets()[user]..log.offsets()[user + 1]];
    (0..log.user_count()).map(|user| events(user).iter().sum::<f64>() + pay.ends[user]).collect()
}

/// What a reward pays each user of a rollout.
pub(super) fn pays(reward: &mut dyn Reward, log: &EventLog) -> Vec<f64> {
    totals(&reward.pay(log).unwrap(), log)
}

pub(super) fn mean(values: &[f64]) -> f64 {
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
        Form::Pair { .. } | Form::Relation { .. } | Form::Series { .. } => {
            unreachable!("no term on these")
        }
    };
    let rows = Weighted::new(&values, &weights);
    let value = discrepancy.weighted_value(rows, external.weighted()).unwrap().unwrap();
    if discrepancy.squared() { value.sqrt() } else { value }
}

/// Whether a discrepancy gives a witness on a feature of these statistics.
fn has_witness(
    feature: &features::Feature,
    discrepancy: &dyn crate::discrepancy::Discrepancy,
) -> bool {
    let statistics = statistics();
    let Some(entry) = statistics.feature(feature.name) else { return false };
    let q = match &entry.form {
        Form::Grid(distribution) => Points::of_distribution(distribution),
        Form::Counts { counts } => Points::of_counts(counts),
        Form::Pair { .. } | Form::Relation { .. } | Form::Series { .. } => return false,
    };
    discrepancy.witness(q.weighted(), q.weighted()).is_some_and(|witness| witness.is_ok())
}

/// For every feature of numbers or categories and every discrepancy that has a witness: with user
/// weights proportional to exp(eta pay), the distance falls at eta = 0 at the rate Var(pay) - for
/// squared distances times sqrt(D + 0.3 / users) / sqrt(D), which the normaliser adds. The sign of
/// total variation is smoothed, so that one must only fall. Discrepancies join by the registry.
#[test]
fn pay_is_the_slope_of_every_distance() {
    slopes(&internal(), Population::All);
}

/// The same where only active users are compared, and half of the simulated ones are not.
#[test]
fn pay_is_the_slope_of_every_distance_among_active_users() {
    let log = log(160, 0.03, 8.0, 0.3, 5);
    let active = Population::Active.select(&log).user_count();
    assert!((50..110).contains(&active), "{active}");
    slopes(&log, Population::Active);
}

fn slopes(log: &EventLog, population: Population) {
    let (mut pairs, mut flat) = (0, Vec::new());
    for feature in FEATURES {
        for discrepancy in DISCREPANCIES.iter().filter(|d| d.shape() == feature.shape()) {
            if !has_witness(feature, *discrepancy) {
                continue;
            }
            let term = term(feature.name, discrepancy.name());
            let config = WitnessConfig { terms: Some(vec![term.clone()]), ..Default::default() };
            let statistics = Statistics { population: Some(population), ..statistics() };
            let mut reward = WitnessReward::new(&config, &statistics).unwrap();
            let mut sample = feature.sample(log);
            if population == Population::Active {
                // In every pair the users keep their numbers.
                let kept = |row: &usize| !log.events_of(sample.user[*row] as usize).is_empty();
                let kept: Vec<usize> = (0..sample.rows()).filter(kept).collect();
                sample.values = kept.iter().map(|&row| sample.values[row]).collect();
                sample.user = kept.iter().map(|&row| sample.user[row]).collect();
            }
            let pays = pays(&mut reward, log);
            let centre = mean(&pays);
            let variance = mean(&pays.iter().map(|s| (s - centre).powi(2)).collect::<Vec<_>>());
            let name = format!("{term:?}");
            if variance < 1e-20 {
                // Nobody is where this one pays, such as beyond the real users' range.
                flat.push(name);
                continue;
            }
            let now = tilted(&term, &sample, &pays, 0.0);
            assert!((reward.discrepancy() - now).abs() < 1e-9, "{name}");
            pairs += 1;
            if discrepancy.name() == "total-variation" {
                let after = tilted(&term, &sample, &pays, 0.1);
                assert!(after < now - 1e-3, "{name}: {now} to {after}");
                continue;
            }
            let step = 1e-4 / variance.sqrt();
            let slope = (tilted(&term, &sample, &pays, step)
                - tilted(&term, &sample, &pays, -step))
                / (2.0 * step);
            let users = sample.users_with_rows() as f64;
            let factor =
                if discrepancy.squared() { (now * now + 0.3 / users).sqrt() / now } else { 1.0 };
            let expected = -variance * factor;
            assert!((slope / expected - 1.0).abs() < 2e-3, "{name}: {slope} against {expected}");
        }
    }
    assert!(pairs >= 62 && flat.len() <= pairs / 8, "{pairs} and {flat:?}");
}

/// The same for features that need all events of a user, which the registry's own may not hold: the
/// pay at the end is that of a user feature with the same values, and events earn nothing.
#[test]
fn whole_features_are_paid_at_the_end() {
    use super::part::{Frozen, Payments};
    use super::value::Value;
    use crate::discrepancy::Witness;
    use crate::features::Definition;
    let log = internal();
    let witness = || Witness::Parabola { centre: 2.0, scale: 3.0, linear: -0.5, square: 0.2 };
    let setting = features::Setting::new(log.clock(), log.effects());
    let user = Definition::User(|history, _| Some(f64::from(history.count)));
    let whole = Definition::Whole(|events, _| Some(events.len() as f64));
    let [by_events, at_end] = [user, whole].map(|definition| {
        let value: Box<dyn Frozen> =
            Box::new(Value::new(definition, witness(), 0.3, 1.7, (&setting, Population::All)));
        Payments(vec![value]).pay(&log)
    });
    assert!(at_end.events.iter().all(|pay| *pay == 0.0));
    assert!(by_events.ends.iter().all(|pay| *pay == 0.0));
    let (a, b) = (totals(&by_events, &log), totals(&at_end, &log));
    assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-9) && a.iter().any(|a| *a != 0.0));
}

/// All default terms at once: a small tilt lowers the mean distance, and no user gains by volume
/// alone in event features.
#[test]
fn the_default_reward_lowers_the_mean_distance() {
    let log = internal();
    let terms = default_terms(&statistics());
    assert_eq!(terms.len(), 9);
    let pays = pays(&mut witness(terms.clone()), &log);
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
        let pays = pays(&mut witness(vec![term(feature, "cramer-von-mises")]), &log);
        let scale = pays.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        assert!(mean(&pays).abs() < 1e-10 * scale, "{feature}");
    }
}

/// The pay of a user feature is a function of where it ends, whatever the way there.
#[test]
fn user_pay_telescopes_to_the_final_feature() {
    let log = internal();
    let pays = pays(&mut witness(vec![term("event_count", "cramer-von-mises")]), &log);
    let mut seen = std::collections::HashMap::new();
    for (user, pay) in pays.iter().enumerate() {
        let first = *seen.entry(log.events_of(user).len()).or_insert(*pay);
        assert!((first - pay).abs() < 1e-12);
    }
    assert!(seen.len() > 3);
    // A user without events has gained nothing.
    let nobody = (0..log.user_count()).find(|&user| log.events_of(user).is_empty()).unwrap();
    assert_eq!(pays[nobody], 0.0);
}

#[test]
fn memory_mixes_earlier_rollouts_in() {
    let (first, second) = (internal(), log(160, 0.03, 20.0, 0.0, 9));
    for feature in ["event_count", "kind"] {
        let discrepancy = if feature == "kind" { "total-variation" } else { "cramer-von-mises" };
        let make = |memory| {
            let terms = Some(vec![term(feature, discrepancy)]);
            let config = WitnessConfig { terms, memory, decay: 0.5, ..Default::default() };
            WitnessReward::new(&config, &statistics()).unwrap()
        };
        let fitted = |memory, logs: &[&EventLog]| {
            let mut reward = make(memory);
            let payments: Vec<_> = logs.iter().map(|log| reward.refit(log).unwrap()).collect();
            totals(&payments[payments.len() - 1].pay(&first), &first)
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
        r#"{"kind": "witness", "weights": "adaptive", "rate": 0.7}"#.to_string(),
        r#"{"kind": "shared", "weights": "adaptive"}"#.to_string(),
        r#"{"kind": "difference", "weights": "adaptive"}"#.to_string(),
        r#"{"kind": "leave-one-out", "weights": "floor"}"#.to_string(),
    ]
    .into_iter()
    .chain(REWARDS.iter().map(|kind| format!(r#"{{"kind": "{kind}"}}"#)))
    {
        let config: RewardConfig = serde_json::from_str(&kind).unwrap();
        let make = || config.build(&statistics()).unwrap();
        let (mut first, mut second) = (make(), make());
        second.restore(&first.state()).unwrap();
        assert!(second.discrepancy().is_nan());
        for log in &logs[..2] {
            first.pay(log).unwrap();
        }
        second.restore(&first.state()).unwrap();
        assert_eq!(first.discrepancy().to_bits(), second.discrepancy().to_bits());
        let [a, b] = [&mut first, &mut second].map(|reward| reward.pay(&logs[2]).unwrap());
        let [a, b] = [a, b].map(|pay| [pay.events, pay.ends].concat());
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
    let mut shared = SharedReward::new(&DistanceConfig::default(), &statistics()).unwrap();
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
    let config = DistanceConfig { terms: Some(terms.clone()), ..Default::default() };
    let mut reward = SharedReward::new(&config, &statistics()).unwrap();
    let pay = reward.pay(&log).unwrap();
    let expected: f64 = terms
        .iter()
        .map(|term| {
            let sample = features::find(&term.feature).unwrap().sample(&log);
            tilted(term, &sample, &vec![0.0; log.user_count()], 0.0)
        })
        .sum();
    assert!((reward.discrepancy() - expected / 2.0).abs() < 1e-12);
    assert!(pay.events.iter().all(|pay| *pay == 0.0));
    assert_eq!((pay.events.len(), pay.ends.len()), (log.events().len(), log.user_count()));
    assert!(pay.ends.iter().all(|end| (end + expected).abs() < 1e-12));
}

/// A policy that stops acting is paid to act again; one in which nothing can be seen is an error.
#[test]
fn a_log_without_events_is_paid_where_it_can_be() {
    let nobody = log(50, 0.0, 1.0, 0.0, 3);
    let mut reward = WitnessReward::new(&WitnessConfig::default(), &statistics()).unwrap();
    let payment = reward.refit(&nobody).unwrap();
    assert!(reward.discrepancy().is_finite());
    let event = Event { tick: 3, kind: 0, amount: 11.0, balance: f64::NAN };
    let mut paid = Vec::new();
    payment.user(&[], &[event], &mut paid);
    assert!(paid[0] > 0.0 && paid[0].is_finite());
    let failed = witness(vec![term("gap", "wasserstein-1")]).refit(&nobody);
    assert!(failed.err().is_some_and(|e| e.to_string().contains("event_count")));
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
    assert!(refused("gap", "between-share-gap", 1.0).contains("no witness"));
    assert!(refused("kind", "wasserstein-1", 1.0).contains("Category"));
    assert!(refused("gap", "wasserstein-1", -1.0).contains("-1"));
    let missing = Statistics { features: Vec::new(), ..statistics() };
    let config = WitnessConfig { terms: Some(vec![term("gap", "energy")]), ..Default::default() };
    let error = RewardConfig::Witness(config).build(&missing).err().unwrap();
    assert!(matches!(error, RewardError::NotMeasured(feature) if feature == "gap"));
    assert!(RewardConfig::default().build(&missing).is_err());
}

/// A term takes a discrepancy with parameters; spelling out a default changes nothing, and makes no
/// second term.
#[test]
fn terms_take_parameters() {
    let build = |names: &[&str]| {
        let terms = Some(names.iter().map(|name| term("log_amount", name)).collect());
        let config = RewardConfig::Witness(WitnessConfig { terms, ..Default::default() });
        config.build(&statistics())
    };
    let said = |names: &[&str]| build(names).err().map(|e| e.to_string()).unwrap_or_default();
    assert!(said(&["energy(p=0.9)"]).contains("no parameter `p`"));
    assert!(said(&["energy", "energy()"]).contains("stands twice"));
    let log = internal();
    for discrepancy in DISCREPANCIES.iter().filter(|d| d.shape() == Shape::Real) {
        let name = discrepancy.name();
        for parameter in discrepancy.parameters() {
            let Ok(mut plain) = build(&[name]) else { continue };
            let spelled = format!("{name}({}={})", parameter.name, parameter.default);
            let mut other = build(&[&spelled]).unwrap();
            assert_eq!(plain.pay(&log).unwrap(), other.pay(&log).unwrap(), "{spelled}");
        }
    }
}

#[test]
fn configs_are_read_with_defaults_and_refuse_unknown_keys() {
    let read = serde_json::from_str::<RewardConfig>;
    assert_eq!(read(r#"{"kind": "witness"}"#).unwrap(), RewardConfig::default());
    let shared = r#"{"kind": "shared", "terms": [{"feature": "gap", "discrepancy": "energy"}]}"#;
    let terms = Some(vec![term("gap", "energy")]);
    assert_eq!(
        read(shared).unwrap(),
        RewardConfig::Shared(DistanceConfig { terms, ..Default::default() })
    );
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
