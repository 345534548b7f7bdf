//! Classical calibrators against published fits and closed forms.

use rand_distr::Distribution;
use trueup_env::{Clock, Covariates, Event, EventLog, Streams, Tick};

use super::bgnbd::{BgNbd, BgNbdCalibrator, Purchases, data_of, times_of};
use super::gamma_gamma::{GammaGamma, Spend};
use super::scaling::Moments;
use super::*;
use crate::population::Population;

/// Users of the published sample: 39 weeks of CDNOW (`tests/fixtures/cdnow.py`), in weeks.
fn cdnow() -> (Vec<Purchases>, Vec<Spend>) {
    let text = include_str!("../../tests/fixtures/cdnow_rfm.csv");
    let (mut purchases, mut spends) = (Vec::new(), Vec::new());
    for line in text.lines().skip(2) {
        let cells: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
        purchases.push(Purchases { x: cells[0], last: cells[1] / 7.0, watched: cells[2] / 7.0 });
        if cells[3] > 0.0 {
            spends.push(Spend { count: cells[0], mean: cells[3] });
        }
    }
    (purchases, spends)
}

pub(super) fn near(value: f64, published: f64, tolerance: f64) {
    assert!((value - published).abs() <= tolerance, "{value}, published {published}");
}

/// Fader, Hardie and Lee (2005), table 2: 2,357 customers, log-likelihood -9582.4.
#[test]
fn bgnbd_gives_the_published_fit() {
    let (users, _) = cdnow();
    assert_eq!(users.len(), 2357);
    let (fit, log_likelihood) = BgNbd::fit(&users).unwrap();
    near(fit.r, 0.243, 0.0005);
    near(fit.alpha, 4.414, 0.0005);
    near(fit.a, 0.793, 0.0005);
    near(fit.b, 2.426, 0.0005);
    near(log_likelihood, -9582.43, 0.005);
}

/// The 946 of them with repeat purchases, as if nobody knew of the others (`tests/fixtures/bgnbd_seen.py`,
/// scipy 1.17.1). Nothing but the model knows that others are there: it says 45% where there are 60%.
#[test]
fn bgnbd_of_users_who_are_seen_only_with_events_is_that_of_scipy() {
    let (users, _) = cdnow();
    let seen: Vec<Purchases> = users.into_iter().filter(|user| user.x > 0.0).collect();
    assert_eq!(seen.len(), 946);
    let (fit, log_likelihood) = BgNbd::fit_seen(&seen, 1.0).unwrap();
    near(fit.r, 0.414_564, 2e-4);
    near(fit.alpha, 5.477_971, 2e-3);
    near(fit.a, 0.750_459, 1e-3);
    near(fit.b, 2.099_626, 5e-3);
    near(log_likelihood, -7_993.650_026, 1e-4);
}

/// Drawn from two known processes and seen only with an event of either: the parameters come back, in
/// the form of means that fits are sure of. Taken as everybody, the same users are too busy. The
/// bounds are about 4 standard errors of 12,000 users (false alarm 1e-4), by simulation.
#[test]
fn truncated_processes_are_recovered() {
    let other = BgNbd { r: 0.6, alpha: 12.0, a: 0.3, b: 2.0 };
    let (t, mut kinds, mut unseen) = (52.0, [Vec::new(), Vec::new()], 0);
    for user in 0..12_000 {
        let mut stream = Streams::new(31).stream("user", user);
        let times = [PUBLISHED, other].map(|model| model.draw(t, &mut stream));
        if times.iter().all(Vec::is_empty) {
            unseen += 1;
            continue;
        }
        for (kind, times) in kinds.iter_mut().zip(times) {
            let last = times.last().copied().unwrap_or(0.0);
            kind.push(Purchases { x: times.len() as f64, last, watched: t });
        }
    }
    assert!(unseen > 2000);
    let kinds: Vec<&[Purchases]> = kinds.iter().map(|kind| &kind[..]).collect();
    let fits = |population| times_of(&kinds, population).unwrap();
    for (model, fit) in [PUBLISHED, other].iter().zip(fits(Population::Active)) {
        let (fit, _) = fit.unwrap();
        near(fit.none(t), model.none(t), 0.03);
        near(fit.r / fit.alpha, model.r / model.alpha, 0.1 * model.r / model.alpha);
        near(fit.a / (fit.a + fit.b), model.a / (model.a + model.b), 0.05);
    }
    let naive = fits(Population::All)[0].unwrap().0;
    assert!(PUBLISHED.none(t) - naive.none(t) > 0.06, "{naive:?}");
    // One kind alone.
    let one: Vec<Purchases> = kinds[0].iter().copied().filter(|user| user.x > 0.0).collect();
    let alone = times_of(&[&one], Population::Active).unwrap()[0].unwrap().0;
    near(alone.none(t), PUBLISHED.none(t), 0.08);
}

/// Fader and Hardie (2013): 946 customers with repeat purchases. The likelihood is scipy's.
#[test]
fn gamma_gamma_gives_the_published_fit() {
    let (_, spends) = cdnow();
    assert_eq!(spends.len(), 946);
    let (fit, log_likelihood) = GammaGamma::fit(&spends).unwrap().unwrap();
    near(fit.p, 6.25, 0.005);
    near(fit.q, 3.74, 0.005);
    near(fit.v, 15.44, 0.005);
    near(log_likelihood, -4055.917694552202, 1e-5);
}

#[test]
fn gamma_gamma_does_not_care_for_the_currency() {
    let (_, spends) = cdnow();
    let won: Vec<Spend> = spends.iter().map(|s| Spend { mean: 1300.0 * s.mean, ..*s }).collect();
    let (fit, _) = GammaGamma::fit(&spends).unwrap().unwrap();
    let (other, _) = GammaGamma::fit(&won).unwrap().unwrap();
    near(other.p / fit.p, 1.0, 1e-4);
    near(other.v / fit.v / 1300.0, 1.0, 1e-4);
}

/// 2F1 by its series, for z in [0, 1).
fn hypergeometric(a: f64, b: f64, c: f64, z: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for n in 0..10_000 {
        let n = f64::from(n);
        term *= (a + n) * (b + n) / ((c + n) * (n + 1.0)) * z;
        sum += term;
    }
    sum
}

const PUBLISHED: BgNbd = BgNbd { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 };

/// Equation 9 of the paper: E[X(t)] = (a + b - 1) / (a - 1) [1 - (alpha / (alpha + t))^r
/// 2F1(r, b; a + b - 1; t / (alpha + t))]. Within 4.5 standard errors (false alarm 1e-5). The share of
/// users without events is (alpha / (alpha + t))^r.
#[test]
fn drawn_counts_have_the_mean_of_the_closed_form() {
    let BgNbd { r, alpha, a, b } = PUBLISHED;
    let (t, n) = (52.0, 40_000);
    let z = t / (alpha + t);
    let expected = (a + b - 1.0) / (a - 1.0)
        * (1.0 - (alpha / (alpha + t)).powf(r) * hypergeometric(r, b, a + b - 1.0, z));
    let streams = Streams::new(21);
    let draw = |i| PUBLISHED.draw(t, &mut streams.stream("draw", i));
    let counts: Vec<f64> = (0..n).map(|i| draw(i).len() as f64).collect();
    let mean = counts.iter().sum::<f64>() / n as f64;
    let variance = counts.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / n as f64;
    near(mean, expected, 4.5 * (variance / n as f64).sqrt());
    let none = (alpha / (alpha + t)).powf(r);
    let share = counts.iter().filter(|&&c| c == 0.0).count() as f64 / n as f64;
    near(share, none, 4.5 * (none * (1.0 - none) / n as f64).sqrt());
    let times = (0..n).map(draw).find(|times| times.len() > 3).unwrap();
    assert!(times.is_sorted() && times.iter().all(|&time| time < t));
}

/// E[amount] = p v / (q - 1); E[amount^2] = p (p + 1) v^2 / ((q - 1)(q - 2)), finite for q > 2.
/// Within 4.5 standard errors (false alarm 1e-5).
#[test]
fn drawn_amounts_have_the_mean_of_the_closed_form() {
    let GammaGamma { p, q, v } = GammaGamma { p: 6.25, q: 3.74, v: 15.44 };
    let (n, streams) = (40_000, Streams::new(22));
    let draw = |i| {
        let mut stream = streams.stream("draw", i);
        GammaGamma { p, q, v }.user(&mut stream).unwrap().sample(&mut stream)
    };
    let mean = (0..n).map(draw).sum::<f64>() / n as f64;
    let expected = p * v / (q - 1.0);
    let variance = p * (p + 1.0) * v * v / ((q - 1.0) * (q - 2.0)) - expected * expected;
    near(mean, expected, 4.5 * (variance / n as f64).sqrt());
}

const CLOCK: Clock = Clock { tick: Tick::Week, horizon: 52, start_day: None };

pub(super) fn event(tick: u32, kind: u16, amount: f64) -> Event {
    Event { tick, kind, amount, balance: f64::NAN }
}

pub(super) fn log(kinds: &[&str], users: u32, events: Vec<(u32, Event)>) -> EventLog {
    let kinds = kinds.iter().map(|kind| kind.to_string()).collect();
    let labels = (0..users).map(|user| user.to_string()).collect();
    EventLog::new(CLOCK, kinds, labels, events, Covariates::default()).unwrap()
}

/// A log of the model itself with known parameters.
pub(super) fn drawn(users: u32, seed: u64) -> EventLog {
    let amounts = GammaGamma { p: 6.25, q: 3.74, v: 15.44 };
    let mut events = Vec::new();
    for user in 0..users {
        let mut stream = Streams::new(seed).stream("user", u64::from(user));
        let law = amounts.user(&mut stream).unwrap();
        for time in PUBLISHED.draw(52.0, &mut stream) {
            events.push((user, event(time as u32, 0, law.sample(&mut stream))));
        }
    }
    log(&["purchase"], users, events)
}

pub(super) fn calibrated(
    calibrator: &mut dyn Calibrator,
    train: &EventLog,
) -> Result<Box<dyn Simulator>, CalibrationError> {
    calibrated_by(calibrator, train, &Statistics::of(train))
}

pub(super) fn calibrated_by(
    calibrator: &mut dyn Calibrator,
    train: &EventLog,
    statistics: &Statistics,
) -> Result<Box<dyn Simulator>, CalibrationError> {
    let streams = Streams::new(5);
    let (train, progress) = (Some(train), &Silent);
    calibrator.calibrate(&Brief { statistics, train, streams, progress, checkpoints: None })
}

/// Fit on a drawn log and simulate: the same mean count, share of idle users and mean log amount,
/// within 6 standard errors of two samples.
#[test]
fn a_fitted_simulation_looks_like_its_training_log() {
    let train = drawn(6000, 8);
    let simulator = calibrated(&mut BgNbdCalibrator, &train).unwrap();
    let simulated = simulator.simulate(6000, &Streams::new(77)).unwrap();
    let counts = |log: &EventLog| -> Vec<f64> {
        (0..log.user_count()).map(|user| log.events_of(user).len() as f64).collect()
    };
    let moments = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64)
    };
    let ((real, variance), (ours, _)) = (moments(&counts(&train)), moments(&counts(&simulated)));
    near(ours, real, 6.0 * (2.0 * variance / 6000.0).sqrt());
    let idle = |log: &EventLog| counts(log).iter().filter(|&&n| n == 0.0).count() as f64 / 6000.0;
    near(idle(&simulated), idle(&train), 6.0 * (2.0 * 0.25 / 6000.0_f64).sqrt());
    let (real, ours) = (Moments::of_log(&train).unwrap(), Moments::of_log(&simulated).unwrap());
    near(ours.mean, real.mean, 0.06);
    near(ours.sd, real.sd, 0.05);
    let names: Vec<String> = simulator.parameters().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names[..4], ["r", "alpha", "a", "b"]);
}

#[test]
fn data_of_a_log_are_counts_last_times_and_spends() {
    let events = vec![
        (0, event(2, 0, 4.0)),
        (0, event(9, 1, 1.0)),
        (0, event(7, 0, 0.0)),
        (1, event(0, 0, 6.0)),
    ];
    let log = log(&["buy", "sell"], 3, events);
    let (purchases, spends) = data_of(&log, 0);
    let of = |x, last| Purchases { x, last, watched: 52.0 };
    assert_eq!(purchases, [of(2.0, 7.5), of(1.0, 0.5), of(0.0, 0.0)]);
    assert_eq!(spends, [Spend { count: 1.0, mean: 4.0 }, Spend { count: 1.0, mean: 6.0 }]);
}

#[test]
fn logs_do_not_depend_on_the_number_of_threads() {
    let simulator = calibrated(&mut BgNbdCalibrator, &drawn(500, 3)).unwrap();
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let log = pool.install(|| simulator.simulate(300, &Streams::new(1))).unwrap();
        serde_json::to_string(&log).unwrap()
    };
    assert_eq!(with(1), with(2));
}

#[test]
fn kinds_are_processes_of_their_own() {
    let one = drawn(800, 4);
    let mut events = Vec::new();
    for user in 0..800 {
        for (i, e) in one.events_of(user as usize).iter().enumerate() {
            events.push((user, event(e.tick, (i % 2) as u16, e.amount)));
        }
    }
    let train = log(&["buy", "sell", "never"], 800, events);
    let simulator = calibrated(&mut BgNbdCalibrator, &train).unwrap();
    let simulated = simulator.simulate(4000, &Streams::new(2)).unwrap();
    assert_eq!(simulated.kinds(), train.kinds());
    let rate = |log: &EventLog, kind| {
        log.events().iter().filter(|e| e.kind == kind).count() as f64 / log.user_count() as f64
    };
    for kind in 0..3 {
        near(rate(&simulated, kind), rate(&train, kind), 0.3 * rate(&train, kind));
    }
}

/// Users who act every second tick and never stop: the likelihood rises towards a law without
/// spread of rates and without drop-out, and the fit must still give such a law.
#[test]
fn users_without_chance_are_fitted_at_the_border() {
    let mut events = Vec::new();
    for user in 0..40 {
        events.extend((0..26).map(|i| (user, event(2 * i, 0, f64::from(1 + user % 4)))));
    }
    let train = log(&["purchase"], 40, events);
    let simulator = calibrated(&mut BgNbdCalibrator, &train).unwrap();
    let simulated = simulator.simulate(400, &Streams::new(6)).unwrap();
    // A Poisson process of the same rate: mean 26 within 6 standard errors.
    near(simulated.events().len() as f64 / 400.0, 26.0, 6.0 * (26.0_f64 / 400.0).sqrt());
}

/// A kind with one price beside one of the model: amounts of the first are the price, and nothing
/// else is fitted to them.
#[test]
fn a_kind_with_one_price_is_drawn_at_it() {
    let one = drawn(800, 4);
    let mut events = Vec::new();
    for user in 0..800 {
        for (i, e) in one.events_of(user as usize).iter().enumerate() {
            let kind = (i % 2) as u16;
            events.push((user, event(e.tick, kind, if kind == 1 { 9.99 } else { e.amount })));
        }
    }
    let train = log(&["buy", "subscribe"], 800, events);
    let simulator = calibrated(&mut BgNbdCalibrator, &train).unwrap();
    let simulated = simulator.simulate(2000, &Streams::new(2)).unwrap();
    let paid = |kind| simulated.events().iter().filter(move |e| e.kind == kind).map(|e| e.amount);
    assert!(paid(1).count() > 100 && paid(1).all(|amount| amount == 9.99));
    assert!(paid(0).any(|amount| amount != 9.99));
    let names: Vec<String> = simulator.parameters().into_iter().map(|(name, _)| name).collect();
    assert!(names.contains(&"buy.p".to_string()) && !names.contains(&"subscribe.p".to_string()));
}

/// `scipy.special.betainc(p, q, z / (z + v))`, scipy 1.17.1.
#[test]
fn ranks_of_amounts_equal_scipys() {
    for (p, q, z, share) in [
        (6.25, 3.74, 1.2, 0.28944390428004174),
        (0.02, 30.0, 0.1, 0.9996562048941044),
        (40.0, 0.1, 900.0, 0.23403471290038605),
        (1e6, 2e6, 0.501, 0.9486264646070499),
        (3.0, 3.0, 1.0, 0.5),
        (5.0, 5.0, 1e-9, 1.2599999894999999e-43),
    ] {
        // The unit of money does not matter.
        for v in [1.0, 1e-6, 5000.0] {
            near(GammaGamma { p, q, v }.share(v * z) / share, 1.0, 1e-9);
        }
    }
    let model = GammaGamma { p: 6.25, q: 3.74, v: 15.44 };
    assert_eq!((model.share(0.0), model.share(1e300)), (0.0, 1.0));
}

#[test]
fn what_cannot_be_fitted_is_said_with_a_remedy() {
    let why = |log: &EventLog| calibrated(&mut BgNbdCalibrator, log).err().unwrap().to_string();
    assert!(why(&log(&["buy"], 4, vec![])).contains("larger log"));
    assert!(why(&log(&["buy"], 1, vec![(0, event(1, 0, 2.0))])).contains("larger log"));
    let streams = Streams::new(5);
    let statistics = Statistics::of(&drawn(10, 1));
    let brief = Brief {
        statistics: &statistics,
        train: None,
        streams,
        progress: &Silent,
        checkpoints: None,
    };
    let refused = BgNbdCalibrator.calibrate(&brief).err();
    assert!(matches!(refused, Some(CalibrationError::NeedsLog("bgnbd"))));
}

/// A negative binomial count without drop-out: rates Gamma(r, alpha), a Poisson process each.
fn nbd(users: u32, r: f64, alpha: f64, seed: u64) -> EventLog {
    let model = BgNbd { r, alpha, a: 0.0, b: 1.0 };
    let mut events = Vec::new();
    for user in 0..users {
        let mut stream = Streams::new(seed).stream("user", u64::from(user));
        let amount = 5.0 + 10.0 * stream.uniform();
        for time in model.draw(52.0, &mut stream) {
            let noise = 0.5 + stream.uniform();
            events.push((user, event(time as u32, 0, amount * noise)));
        }
    }
    log(&["purchase"], users, events)
}

/// Users who never drop out, of many shapes and sizes: the fit succeeds, and twice its gain over the
/// true law is a chi-squared number of 4 degrees of freedom at the most, above 40 with probability
/// 4e-8.
#[test]
fn users_who_never_drop_out_are_fitted() {
    for (r, alpha) in [(0.3, 4.0), (0.8, 4.0), (3.0, 10.0), (50.0, 100.0)] {
        for (users, seed) in [(60, 1), (60, 2), (300, 3), (300, 4), (2000, 5)] {
            let (purchases, spends) = data_of(&nbd(users, r, alpha, seed), 0);
            let (fit, best) = BgNbd::fit(&purchases).unwrap();
            let truth = BgNbd { r, alpha, a: 0.0, b: 1.0 }.log_likelihood(&purchases);
            let gain = 2.0 * (best - truth);
            assert!((0.0..40.0).contains(&gain), "{r} {alpha} {users}: {fit:?}, {best} {truth}");
            GammaGamma::fit(&spends).unwrap().unwrap();
        }
    }
}

/// The border is met exactly, and says so; the simulated counts have the distribution of the
/// training counts by Kolmogorov and Smirnov's test (false alarm at most 1e-5).
#[test]
fn the_fit_without_drop_out_is_the_nbd_model() {
    let train = nbd(2000, 0.8, 4.0, 1);
    let simulator = calibrated(&mut BgNbdCalibrator, &train).unwrap();
    let parameters: std::collections::BTreeMap<_, _> = simulator.parameters().into_iter().collect();
    assert_eq!((parameters.get("a"), parameters.get("b")), (Some(&0.0), None));
    let simulated = simulator.simulate(20_000, &Streams::new(2)).unwrap();
    let counts = |log: &EventLog| -> Vec<usize> {
        (0..log.user_count()).map(|user| log.events_of(user).len()).collect()
    };
    let (real, ours) = (counts(&train), counts(&simulated));
    let share = |counts: &[usize], most: usize| {
        counts.iter().filter(|&&n| n <= most).count() as f64 / counts.len() as f64
    };
    let most = real.iter().chain(&ours).max().copied().unwrap_or(0);
    let distance = (0..most).map(|n| (share(&real, n) - share(&ours, n)).abs()).fold(0.0, f64::max);
    let critical = ((2.0_f64 / 1e-5).ln() / 2.0 * (1.0 / 2000.0 + 1.0 / 20_000.0)).sqrt();
    assert!(distance < critical, "{distance}, critical {critical}");
}

/// The formulas of the papers as they stand, where nothing cancels.
#[test]
fn likelihoods_are_those_of_the_papers() {
    let lgamma = libm::lgamma;
    let BgNbd { r, alpha, a, b } = PUBLISHED;
    for (x, last, watched) in [(0.0, 0.0, 39.0), (1.0, 3.5, 39.0), (7.0, 30.0, 30.5)] {
        let a1 = lgamma(r + x) - lgamma(r) + r * alpha.ln();
        let a2 = lgamma(a + b) + lgamma(b + x) - lgamma(b) - lgamma(a + b + x);
        let a3 = -(r + x) * (alpha + watched).ln();
        let a4 = a.ln() - (b + x - 1.0_f64).ln() - (r + x) * (alpha + last).ln();
        let gone = if x > 0.0 { a4.exp() } else { 0.0 };
        let users = [Purchases { x, last, watched }];
        near(PUBLISHED.log_likelihood(&users), a1 + a2 + (a3.exp() + gone).ln(), 1e-12);
        let border = BgNbd { a: 0.0, ..PUBLISHED };
        near(border.log_likelihood(&users), a1 + a3, 1e-12);
    }
    for (p, q, v) in [(6.25, 3.74, 15.44), (0.02, 30.0, 1.0), (40.0, 0.1, 900.0)] {
        for (x, m) in [(1.0, 0.01), (2.0, 35.0), (60.0, 800.0)] {
            let px: f64 = p * x;
            let direct = lgamma(px + q) - lgamma(px) - lgamma(q)
                + q * f64::ln(v)
                + (px - 1.0) * f64::ln(m)
                + px * f64::ln(x)
                - (px + q) * f64::ln(x * m + v);
            let ours = GammaGamma { p, q, v }.log_likelihood(&[Spend { count: x, mean: m }]);
            near(ours, direct, 1e-11 * (1.0 + direct.abs()));
        }
    }
}
