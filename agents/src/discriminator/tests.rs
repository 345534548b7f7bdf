//! Discriminators on laws that are known, and the rewards made of them in a small world.

use rand_distr::{Distribution, StandardNormal};
use trueup_calibration::calibrator::CalibrationError;
use trueup_calibration::classifier::Ranking;
use trueup_calibration::statistics::Statistics;
use trueup_env::{Clock, Covariates, Event, EventLog, Stream, Streams, Tick};

use super::fit::{Fit, Score, divergence, slopes};
use super::network::Network;
use super::rows::{Rows, Sample};
use super::shaped::Shaped;
use super::*;
use crate::amounts::Amounts;
use crate::clones::Demonstrations;
use crate::step_reward::{Choices, StepReward, Steps};
use crate::test_world::{HORIZON, world};

fn gaussians(count: usize, shift: f32, seed: u64) -> Rows {
    let mut stream = Streams::new(seed).stream("gaussians", 0);
    let mut values = Vec::with_capacity(2 * count);
    for _ in 0..count {
        let x: f32 = StandardNormal.sample(&mut stream);
        let y: f32 = StandardNormal.sample(&mut stream);
        values.extend([x + shift, y]);
    }
    Rows { width: 2, values }
}

fn fitted(real: Rows, simulated: Rows, steps: usize) -> Fit<Network> {
    let config = DiscriminatorConfig { steps, learning_rate: 3e-3, ..Default::default() };
    let mut stream = Streams::new(1).stream("network", 0);
    let network = Network::new(2, &config.hidden, config.lipschitz, &mut stream);
    let mut fit = Fit::new(network, Sample::even(real), config);
    fit.refit(&Sample::even(simulated), &Streams::new(2));
    fit
}

/// The best AUC between N(0, 1) and N(1.5, 1) is Phi(1.5 / sqrt 2) = 0.8556, and the best logit
/// has the slope 1.5, which smoothing flattens. On 20,000 fresh rows a side the AUC has a standard
/// error under 0.002: 4.5 of them above (false alarm 1e-5), 0.01 more below for what is not learned.
#[test]
fn shifted_gaussians_are_told_apart_as_well_as_can_be() {
    let fit = fitted(gaussians(4000, 1.5, 1), gaussians(4000, 0.0, 2), 400);
    let [real, simulated] =
        [(1.5, 3), (0.0, 4)].map(|(shift, seed)| fit.score.logits(&gaussians(20_000, shift, seed)));
    let row = |positive| move |&logit: &f32| (f64::from(logit), positive, 0);
    let rows = real.iter().map(row(true)).chain(simulated.iter().map(row(false)));
    let auc = Ranking::new(rows).auc(&[1.0], &[1.0]).unwrap();
    assert!((0.8556 - 0.019..0.8556 + 0.009).contains(&auc), "{auc}");
    // Halfway between the means nothing can be said.
    let middle = fit.score.logits(&Rows { width: 2, values: vec![0.75, 0.0] })[0];
    assert!(middle.abs() < 0.3, "{middle}");
}

/// Where both sides are the same rows, only the noise of minibatches moves the logit: its mean size
/// stays under 0.1, that of the Gaussians above is over 1.
#[test]
fn nothing_is_seen_between_the_same_rows() {
    let rows = gaussians(4000, 0.0, 1);
    let fit = fitted(rows.clone(), rows.clone(), 400);
    let size = |fit: &Fit<Network>| {
        let logits = fit.score.logits(&rows);
        logits.iter().map(|l| l.abs()).sum::<f32>() / logits.len() as f32
    };
    assert!(size(&fit) < 0.1, "{}", size(&fit));
    let shifted = fitted(gaussians(4000, 1.5, 1), rows.clone(), 400);
    assert!(size(&shifted) > 1.0, "{}", size(&shifted));
}

/// On two points with real mass (.8, .2) and simulated mass (.3, .7), slopes cancel at the logits
/// of the closed form and nowhere else.
#[test]
fn smoothed_slopes_vanish_at_the_closed_form() {
    let (q, p, e) = ([0.8_f64, 0.2], [0.3_f64, 0.7], 0.1);
    let best =
        |i: usize| (((1.0 - e) * q[i] + e * p[i]) / (e * q[i] + (1.0 - e) * p[i])).ln() as f32;
    let sides = [true, true, false, false];
    // Any scale of a side's weights is the same.
    let weights = [8.0, 2.0, 0.3, 0.7];
    for shift in [0.0, 0.2] {
        let logits = [best(0) + shift, best(1), best(0) + shift, best(1)];
        let slopes = slopes(&logits, &sides, &weights, e);
        assert!((slopes[1] + slopes[3]).abs() < 1e-7);
        assert_eq!((slopes[0] + slopes[2]).abs() < 1e-7, shift == 0.0);
    }
}

/// Jensen-Shannon between (.8, .2) and (.3, .7): ln 2 + half the sum of q ln q/(p+q) + p ln p/(p+q).
#[test]
fn the_divergence_of_the_best_logits_is_jensen_shannon() {
    let (q, p) = ([0.8_f64, 0.2], [0.3_f64, 0.7]);
    let logits = [0, 1].map(|i| (q[i] / p[i]).ln() as f32);
    let found = divergence([&logits, &logits], [&[0.8, 0.2], &[0.3, 0.7]]);
    let part = |a: f64, b: f64| 0.5 * a * (a / (a + b)).ln();
    let expected =
        std::f64::consts::LN_2 + (0..2).map(|i| part(q[i], p[i]) + part(p[i], q[i])).sum::<f64>();
    assert!((found - expected).abs() < 1e-6 && found > 0.1);
    assert!(divergence([&[0.0], &[0.0]], [&[1.0], &[1.0]]).abs() < 1e-15);
    let apart = divergence([&[200.0], &[-200.0]], [&[1.0], &[1.0]]);
    assert!((apart - std::f64::consts::LN_2).abs() < 1e-12);
}

/// Five states, two actions, moves that are certain, gamma 1. For any V, the reward
/// `r(s) = V(s) - ln sum_a exp V(s'(s, a))` has the best soft policy `pi(a|s) ~ exp V(s')`. Real and
/// simulated users both follow it, so the logit must vanish: `f = ln pi = r(s) + V(s') - V(s)`. With
/// g a function of the state alone, g = r and h = V up to constants, although V moves pi 30 times
/// as far as r moves.
#[test]
fn the_recovered_reward_is_free_of_shaping() {
    let value = [0.0_f64, 1.5, -1.0, 0.7, 2.0];
    let next = |s: usize, a: usize| (s + 1 + a) % 5;
    let reward = |s: usize| value[s] - (0..2).map(|a| value[next(s, a)].exp()).sum::<f64>().ln();
    let config = DiscriminatorConfig { hidden: vec![], lipschitz: 1e6, ..Default::default() };
    let mut score = Shaped::new(5, 5, &config, &Streams::new(1));
    let one_hot = |s: usize| (0..5).map(move |i| f32::from(u8::from(i == s)));
    let mut rows = Rows::new(Shaped::width(5, 5));
    let mut weights = Vec::new();
    for (s, a) in (0..10).map(|i| (i / 2, i % 2)) {
        let log = reward(s) + value[next(s, a)] - value[s];
        rows.values.extend(one_hot(s).chain(one_hot(next(s, a))).chain([1.0, log as f32]));
        weights.push(log.exp() as f32);
    }
    let both = Rows { values: rows.values.repeat(2), ..rows.clone() };
    let sides = [vec![true; 10], vec![false; 10]].concat();
    for step in 0..4000 {
        let slopes = slopes(&score.logits(&both), &sides, &weights.repeat(2), 0.0);
        let rate = 0.05 * (1.0 - step as f32 / 4000.0);
        score.step(&both, &slopes, rate);
    }
    assert!(score.logits(&rows).iter().all(|l| l.abs() < 1e-2));
    let states = Rows { width: 5, values: (0..5).flat_map(one_hot).collect() };
    for (found, expected) in [
        (score.reward.outputs(&states), (0..5).map(reward).collect::<Vec<_>>()),
        (score.potential.outputs(&states), value.to_vec()),
    ] {
        let offset = f64::from(found[0]) - expected[0];
        for (found, expected) in found.iter().zip(&expected) {
            assert!((f64::from(*found) - expected - offset).abs() < 0.05, "{found} {expected}");
        }
    }
}

/// Users with geometric numbers of events a tick, and amounts from a short list.
fn log(users: u32, rate: f64, price: f64, seed: u64) -> EventLog {
    let mut events = Vec::new();
    for user in 0..users {
        let mut stream: Stream = Streams::new(seed).stream("user", u64::from(user));
        let own = rate * (0.2 + 1.6 * stream.uniform());
        for tick in 0..HORIZON {
            let mut most = 2;
            while most > 0 && stream.uniform() < own {
                let amount = price * (1 + stream.below(6)) as f64;
                events.push((user, Event { tick, kind: 0, amount, balance: f64::NAN }));
                most -= 1;
            }
        }
    }
    let clock = Clock { tick: Tick::Week, horizon: HORIZON, start_day: None };
    let labels = (0..users).map(|user| user.to_string()).collect();
    EventLog::new(clock, vec!["purchase".into()], labels, events, Covariates::default()).unwrap()
}

fn real() -> EventLog {
    log(600, 0.15, 10.0, 1)
}

fn amounts() -> Amounts {
    Amounts::new(&Statistics::of(&real()), 8)
}

const KINDS: [&str; 4] = [
    r#"{"kind": "gail", "level": "users"}"#,
    r#"{"kind": "gail", "level": "events"}"#,
    r#"{"kind": "gail", "level": "both", "events_weight": 0.5}"#,
    r#"{"kind": "airl"}"#,
];

fn build(config: &str) -> Box<dyn StepReward> {
    let config: LearnedConfig = serde_json::from_str(config).unwrap();
    let statistics = Statistics::of(&real());
    config.build(&world(), &real(), &statistics, &amounts(), &Streams::new(5)).unwrap()
}

/// A log as if it had been simulated.
struct Rollout {
    log: EventLog,
    rows: Demonstrations,
    log_probability: Vec<f32>,
}

/// A policy that acts with a fixed probability and chooses among eight bins evenly.
fn likelihood(choices: &Choices<'_>) -> Vec<f32> {
    let log = |whole: &[u16]| if whole[0] > 0 { (0.2_f32 / 8.0).ln() } else { 0.8_f32.ln() };
    choices.whole.chunks_exact(2).map(log).collect()
}

impl Rollout {
    fn new(log: EventLog) -> Self {
        let rows = Demonstrations::record(&world(), &log, &amounts(), &Streams::new(6)).unwrap();
        let log_probability = likelihood(&rows.choices());
        Self { log, rows, log_probability }
    }

    fn steps(&self) -> Steps<'_> {
        Steps {
            lanes: self.log.user_count(),
            size: self.rows.size,
            observations: &self.rows.observations,
            lane: &self.rows.lane,
            whole: &self.rows.whole,
            log_probability: &self.log_probability,
            likelihood: &likelihood,
        }
    }

    fn pay(&self, reward: &mut dyn StepReward, iteration: u64) -> Vec<f32> {
        let streams = Streams::new(7).child("iteration", iteration);
        reward.pay(&self.steps(), &self.log, &streams).unwrap()
    }

    /// Mean pay of users.
    fn mean(&self, pays: &[f32]) -> f64 {
        pays.iter().map(|&pay| f64::from(pay)).sum::<f64>() / self.log.user_count() as f64
    }
}

/// A simulation that acts twice as often and spends three times as much is told from the real
/// users, and those among it who are like them are paid: users of a mixture of both laws earn more
/// when they come from the real one.
#[test]
fn users_who_are_like_real_ones_earn_more() {
    let wrong = log(400, 0.3, 30.0, 2);
    let right = log(400, 0.15, 10.0, 3);
    let mixture = Rollout::new(EventLog::concatenate(vec![wrong, right]).unwrap());
    for kind in KINDS {
        let mut reward = build(kind);
        assert!(reward.discrepancy().is_nan());
        let mut pays = Vec::new();
        for iteration in 0..6 {
            pays = mixture.pay(reward.as_mut(), iteration);
        }
        let mut earned = [0.0_f64; 2];
        for (&lane, &pay) in mixture.rows.lane.iter().zip(&pays) {
            earned[usize::from(lane >= 400)] += f64::from(pay) / 400.0;
        }
        assert!(earned[1] > earned[0] + 0.2, "{kind}: {earned:?}");
        let discrepancy = reward.discrepancy();
        assert!((0.05..0.84).contains(&discrepancy), "{kind}: {discrepancy}");
    }
}

/// What each row is paid sums to 0 where rows are judged one by one, so that doing more of the
/// average is worth nothing; steps for nothing earn nothing where events are judged.
#[test]
fn pay_per_row_is_centred() {
    let rollout = Rollout::new(log(300, 0.3, 30.0, 2));
    for kind in [KINDS[1], KINDS[3]] {
        let pays = rollout.pay(build(kind).as_mut(), 0);
        let scale = pays.iter().fold(0.0_f32, |scale, pay| scale.max(pay.abs()));
        assert!(scale > 0.01, "{kind}");
        assert!(rollout.mean(&pays).abs() < 1e-4 * f64::from(scale), "{kind}");
    }
    let pays = rollout.pay(build(KINDS[1]).as_mut(), 0);
    let mut idle = pays.iter().zip(rollout.rows.whole.chunks_exact(2)).filter(|(_, w)| w[0] == 0);
    assert!(idle.all(|(pay, _)| *pay == 0.0));
}

/// Two users who end with the same features earn the same, whatever the way: here two events of
/// the same amounts in the other order; and a user without events earns nothing.
#[test]
fn pay_of_users_telescopes() {
    let event = |tick, amount| Event { tick, kind: 0, amount, balance: f64::NAN };
    let events = [
        (0, event(1, 20.0)),
        (0, event(4, 60.0)),
        (1, event(1, 60.0)),
        (1, event(4, 20.0)),
        (3, event(2, 30.0)),
    ];
    let clock = Clock { tick: Tick::Week, horizon: HORIZON, start_day: None };
    let users = ["a", "b", "c", "d"].map(String::from).to_vec();
    let log = EventLog::new(clock, vec!["purchase".into()], users, events, Covariates::default());
    let rollout = Rollout::new(log.unwrap());
    let pays = rollout.pay(build(KINDS[0]).as_mut(), 0);
    let mut earned = [0.0_f64; 4];
    let mut paid = [0; 4];
    for (&lane, &pay) in rollout.rows.lane.iter().zip(&pays) {
        earned[lane as usize] += f64::from(pay);
        paid[lane as usize] += usize::from(pay != 0.0);
    }
    assert!((earned[0] - earned[1]).abs() < 1e-5, "{earned:?}");
    assert!((earned[0] - earned[3]).abs() > 1e-3, "{earned:?}");
    assert_eq!((earned[2], paid), (0.0, [2, 2, 0, 1]));
}

/// A restored reward, on one thread, pays the same to the bit as the one that went on, and leaves
/// the same state.
#[test]
fn a_restored_reward_goes_on_to_the_same_bits() {
    let rollouts = [log(300, 0.3, 30.0, 2), log(300, 0.2, 15.0, 3)].map(Rollout::new);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for kind in KINDS {
        let (mut first, mut second) = (build(kind), build(kind));
        second.restore(&first.state()).unwrap();
        rollouts[0].pay(first.as_mut(), 0);
        second.restore(&first.state()).unwrap();
        assert_eq!(first.discrepancy().to_bits(), second.discrepancy().to_bits());
        let a = rollouts[1].pay(first.as_mut(), 1);
        let b = pool.install(|| rollouts[1].pay(second.as_mut(), 1));
        assert!(a.iter().zip(&b).all(|(a, b)| a.to_bits() == b.to_bits()), "{kind}");
        assert!(first.state() == second.state(), "{kind}");
        // A fresh one is elsewhere, and a broken or foreign state changes nothing.
        let c = rollouts[1].pay(build(kind).as_mut(), 1);
        assert!(a != c, "{kind}");
        let state = first.state();
        assert!(second.restore(&state[..state.len() - 1]).is_err());
        let foreign = build(if kind == KINDS[0] { KINDS[3] } else { KINDS[0] });
        let error = second.restore(&foreign.state()).unwrap_err();
        assert!(error.to_string().contains("saved state"), "{error}");
        assert!(second.state() == state);
    }
}

#[test]
fn what_cannot_be_told_apart_is_an_error_with_a_remedy() {
    let nobody = Rollout::new(log(20, 0.0, 1.0, 2));
    let pay = |kind: &str| {
        let mut reward = build(kind);
        reward.pay(&nobody.steps(), &nobody.log, &Streams::new(1))
    };
    assert!(pay(KINDS[1]).unwrap_err().to_string().contains("level = \"both\""));
    assert!(pay(KINDS[0]).unwrap().iter().all(|pay| *pay == 0.0));
    assert!(pay(KINDS[3]).unwrap().iter().all(|pay| pay.is_finite()));
    let silent = |_: &Choices<'_>| Vec::new();
    let steps = Steps { likelihood: &silent, ..nobody.steps() };
    let error = build(KINDS[3]).pay(&steps, &nobody.log, &Streams::new(1)).unwrap_err();
    assert!(error.to_string().contains("0 likelihoods"), "{error}");
    let wide = Steps { size: 1, observations: &vec![0.0; nobody.rows.rows()], ..nobody.steps() };
    for kind in [KINDS[1], KINDS[3]] {
        let error = build(kind).pay(&wide, &nobody.log, &Streams::new(1)).unwrap_err();
        assert!(error.to_string().contains("observations have 1 numbers"), "{error}");
    }
    let config: LearnedConfig = serde_json::from_str(KINDS[1]).unwrap();
    let statistics = Statistics::of(&nobody.log);
    let amounts = Amounts::new(&statistics, 8);
    let made = config.build(&world(), &nobody.log, &statistics, &amounts, &Streams::new(1));
    assert!(matches!(made.err(), Some(CalibrationError::CannotFit { .. })));
}

#[test]
fn rewards_name_what_they_see() {
    let users = build(r#"{"kind": "gail", "features": ["recency", "log_count"]}"#);
    let names = |reward: &dyn StepReward| -> Vec<String> {
        assert!(reward.terms().iter().all(|term| term.discrepancy == reward.name()));
        reward.terms().iter().map(|term| term.feature.clone()).collect()
    };
    assert_eq!(names(users.as_ref()), ["recency", "log_count"]);
    for kind in &KINDS[1..] {
        let seen = names(build(kind).as_ref());
        assert!(seen.contains(&"kind_pair".to_string()) && seen.contains(&"sd_gap".to_string()));
    }
}

#[test]
fn configs_are_read_with_defaults_and_refuse_what_cannot_run() {
    let read = serde_json::from_str::<LearnedConfig>;
    assert_eq!(read(r#"{"kind": "gail"}"#).unwrap(), LearnedConfig::Gail(GailConfig::default()));
    assert_eq!(read(r#"{"kind": "airl"}"#).unwrap(), LearnedConfig::Airl(AirlConfig::default()));
    assert!(read(r#"{"kind": "airl", "level": "users"}"#).is_err());
    assert!(read(r#"{"kind": "gail", "discriminator": {"step": 3}}"#).is_err());
    for (text, field) in [
        (r#"{"kind": "gail", "users_weight": 0.0}"#, "users_weight"),
        (r#"{"kind": "gail", "features": []}"#, "features"),
        (r#"{"kind": "gail", "features": ["gap"]}"#, "features"),
        (r#"{"kind": "gail", "features": ["recency", "recency"]}"#, "features"),
        (r#"{"kind": "airl", "idle_share": 0.0}"#, "idle_share"),
        (r#"{"kind": "airl", "discriminator": {"hidden": [0]}}"#, "discriminator.hidden"),
        (r#"{"kind": "airl", "discriminator": {"lipschitz": -1.0}}"#, "discriminator.lipschitz"),
        (r#"{"kind": "gail", "discriminator": {"batch": 0}}"#, "discriminator.batch"),
        (r#"{"kind": "gail", "discriminator": {"smoothing": 0.5}}"#, "discriminator.smoothing"),
        (r#"{"kind": "gail", "discriminator": {"memory": 1.0}}"#, "discriminator.memory"),
    ] {
        let config = read(text).unwrap();
        assert_eq!(config.check().unwrap_err().0, field);
        let statistics = Statistics::of(&real());
        let made = config.build(&world(), &real(), &statistics, &amounts(), &Streams::new(1));
        assert!(made.err().unwrap().to_string().contains(field));
    }
}
