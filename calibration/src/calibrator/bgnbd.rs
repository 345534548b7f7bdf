//! BG/NBD with Gamma-Gamma: the standard probability model of repeat buying, as a calibrator.
//!
//! BG/NBD (Fader, Hardie and Lee, *"Counting your customers" the easy way*, Marketing Science 24,
//! 2005): while alive, a user acts at times of a Poisson process of rate lambda, and after each
//! event drops out for ever with probability p; lambda differs between users as
//! Gamma(shape r, rate alpha), p as Beta(a, b). How users differ in their amounts follows
//! [`GammaGamma`]; the amounts themselves are those of the [`AmountLaw`] of the kind, because real
//! ones are bunched on prices and have longer tails than the model's. A user's amount is the one whose
//! rank among all amounts is that of the amount that the model draws for them. Where users do not
//! differ, or a single one has amounts, amounts are drawn from the law alone.
//!
//! An event log becomes the model's data like this. Every user is alive at the start of the window
//! (time 0) and is watched for T = horizon ticks: the published set-up, where time 0 is the first
//! purchase, which is not part of the log. x is his number of events, and t_x the time of the
//! last, taken in the middle of its tick (tick + 0.5). Where users who never drop out explain the
//! log as well, the fit is that border, with a = 0. Each kind of event is a process of its own,
//! fitted and drawn independently of the others: the model knows no order among kinds.
//!
//! Among active users ([`Population`]) nobody without events is seen, and the likelihood of each is
//! divided by the probability to be seen, `1 - P(X = 0)` with `P(X = 0) = (alpha / (alpha + T))^r` (a
//! truncated likelihood, as of the zero-truncated NBD). Users are seen if any kind has an event, so
//! that with several kinds `P(X = 0)` is a product over them: kinds are fitted in turns, the others
//! standing, until the probability stands. It is kept at or below 0.95: towards r = 0, the
//! logarithmic series, the likelihood hardly changes, but hardly any user drawn would have an event.

use rand_distr::{Beta, Distribution, Exp1, Gamma};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use trueup_env::finance::{KindEffect, Profile};
use trueup_env::{Clock, Event, EventLog, Stream, Streams};

use super::gamma_gamma::{GammaGamma, Spend};
use super::{Brief, CalibrationError, Calibrator, Simulator, simplex};
use crate::population::Population;
use crate::statistics::AmountLaw;
use crate::statistics::dependence::profile;

/// Name in configs and results.
pub const NAME: &str = "bgnbd";

/// The log-likelihood that drop-out must add to the NBD model, over all users, to be believed. It
/// is far below what any test of likelihoods could see, and far above rounding.
const GAIN: f64 = 1e-3;

/// The largest share of users without events that a fit of active users supposes.
const MOST_UNSEEN: f64 = 0.95;
/// The most turns over several kinds.
const TURNS: usize = 20;

const NO_MAXIMUM: &str = "the likelihood of the BG/NBD model has no maximum on this log: give a \
    larger log or a longer window, or leave this calibrator out";

/// What the model sees of a user; times share one unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Purchases {
    /// Number of events after time 0.
    pub x: f64,
    /// Time of the last one; 0 without events.
    pub last: f64,
    /// How long the user was watched.
    pub watched: f64,
}

/// The parameters: r, alpha and b are positive. With a = 0 nobody ever drops out, which is the NBD
/// model (Ehrenberg, *The pattern of consumer purchases*, Applied Statistics 8, 1959); b then says
/// nothing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BgNbd {
    /// Shape of the rates over users.
    pub r: f64,
    /// Rate of the rates over users, in units of time.
    pub alpha: f64,
    /// First parameter of the drop-out probabilities over users; 0 where nobody drops out.
    pub a: f64,
    /// Second parameter of the drop-out probabilities over users.
    pub b: f64,
}

/// What the log-likelihoods of all users with at most so many events share.
struct Sums {
    /// At x: the sum of `ln(r + i)` over i below x, which is `ln G(r + x) - ln G(r)`.
    rates: Vec<f64>,
    /// At x: the sum of `ln(1 + a / (b + i))` over i below x, which is
    /// `ln G(b) + ln G(a + b + x) - ln G(a + b) - ln G(b + x)`.
    stays: Vec<f64>,
}

impl Sums {
    fn of(model: &BgNbd, most: f64) -> Self {
        let below = |term: &dyn Fn(f64) -> f64| {
            let mut sum = 0.0;
            let mut sums = vec![0.0];
            sums.extend((0..most as usize).map(|i| {
                sum += term(i as f64);
                sum
            }));
            sums
        };
        let BgNbd { r, a, b, .. } = *model;
        Self { rates: below(&|i| (r + i).ln()), stays: below(&|i| (a / (b + i)).ln_1p()) }
    }
}

impl BgNbd {
    /// The log-likelihood of many users, the sum of equation 6 of the paper in logs:
    /// `A1 + A2 + ln(exp(A3) + [x > 0] exp(A4))` with
    /// `A1 = ln G(r + x) - ln G(r) + r ln alpha`,
    /// `A2 = ln G(a + b) + ln G(b + x) - ln G(b) - ln G(a + b + x)`,
    /// `A3 = -(r + x) ln(alpha + T)` and
    /// `A4 = ln a - ln(b + x - 1) - (r + x) ln(alpha + t_x)`.
    ///
    /// Differences of log gamma functions are taken as sums of logs: where users are nearly alike,
    /// or hardly ever drop out, the functions are so large that their differences are noise.
    pub fn log_likelihood(&self, users: &[Purchases]) -> f64 {
        let sums = Sums::of(self, most(users));
        users.iter().map(|user| self.with(&sums, user)).sum()
    }

    fn with(&self, sums: &Sums, user: &Purchases) -> f64 {
        let Self { r, alpha, a, b } = *self;
        let Purchases { x, last, watched } = *user;
        let known = (x as usize).min(sums.rates.len() - 1);
        let alive = sums.rates[known]
            - sums.stays[known]
            - r * (watched / alpha).ln_1p()
            - x * (alpha + watched).ln();
        if x <= 0.0 {
            return alive;
        }
        // A4 - A3; minus infinity where nobody drops out.
        let gone = (a / (b + x - 1.0)).ln() + (r + x) * ((watched - last) / (alpha + last)).ln_1p();
        alive + gone.max(0.0) + (-gone.abs()).exp().ln_1p()
    }

    /// The probability of no event until `watched`.
    pub fn none(&self, watched: f64) -> f64 {
        (-self.r * (watched / self.alpha).ln_1p()).exp()
    }

    /// Fits by maximum likelihood; returns the parameters and the log-likelihood.
    ///
    /// # Errors
    /// Too little to fit, said with a remedy.
    pub fn fit(users: &[Purchases]) -> Result<(Self, f64), String> {
        Self::fit_seen(users, 0.0)
    }

    /// The same of users who are seen only where they have an event: of this kind, or of another, of
    /// which they have none with probability `elsewhere`: 1 where there is no other kind, 0 where
    /// users are seen in any case.
    ///
    /// # Errors
    /// As [`BgNbd::fit`].
    pub fn fit_seen(users: &[Purchases], elsewhere: f64) -> Result<(Self, f64), String> {
        let repeats = users.iter().filter(|user| user.x > 0.0).count();
        if repeats < 2 {
            return Err(format!(
                "{repeats} of {} users have events, too few to fit how users differ: give a \
                 larger log or a longer window, or merge rare kinds in the map",
                users.len()
            ));
        }
        // Users with the same numbers share one evaluation: a log in ticks has few different ones.
        let key = |u: &Purchases| [u.x.to_bits(), u.last.to_bits(), u.watched.to_bits()];
        let mut sorted = users.to_vec();
        sorted.sort_by_key(key);
        let groups: Vec<(Purchases, f64)> =
            sorted.chunk_by(|a, b| key(a) == key(b)).map(|g| (g[0], g.len() as f64)).collect();
        let most = most(users);
        let loss = |model: &Self| {
            let sums = Sums::of(model, most);
            let one = |u: &Purchases| model.with(&sums, u) - seen(model, u.watched, elsewhere);
            let sum: f64 = groups.iter().map(|(u, n)| n * one(u)).sum();
            -sum / users.len() as f64
        };
        let scale = users.iter().map(|user| user.watched).fold(0.0, f64::max) / 10.0;
        // Logs of the shape r, the mean rate r / alpha, the odds a / b and the size a + b: a limit
        // in which users are all alike is then one coordinate going to infinity.
        let full = |[r, rate, odds, size]: [f64; 4]| Self {
            r,
            alpha: r / rate * scale,
            a: size * odds / (1.0 + odds),
            b: size / (1.0 + odds),
        };
        let border = |[r, rate]: [f64; 2]| Self { r, alpha: r / rate * scale, a: 0.0, b: 1.0 };
        let nobody = fitted(border, loss, [-1.0, -1.0]);
        let anybody = fitted(full, loss, [-1.0, -1.0, -1.0, 1.0]);
        let found = match (nobody, anybody) {
            (Some(border), Some(full)) => {
                let gain = (loss(&border) - loss(&full)) * users.len() as f64;
                if gain > GAIN { full } else { border }
            }
            (_, Some(full)) => full,
            (_, None) => return Err(NO_MAXIMUM.into()),
        };
        Ok((found, -loss(&found) * users.len() as f64))
    }

    /// Draws the times of one user's events up to `until`, ascending.
    pub fn draw(&self, until: f64, stream: &mut Stream) -> Vec<f64> {
        let mut times = Vec::new();
        let Ok(rates) = Gamma::new(self.r, 1.0 / self.alpha) else { return times };
        let rate: f64 = rates.sample(stream);
        let dropout = match Beta::new(self.a, self.b) {
            Ok(dropouts) => dropouts.sample(stream),
            // a = 0: nobody drops out.
            Err(_) => 0.0,
        };
        let mut time = 0.0;
        loop {
            let wait: f64 = Exp1.sample(stream);
            time += wait / rate;
            // A rate of 0 makes the wait infinite, or NaN.
            if time >= until || time.is_nan() {
                return times;
            }
            times.push(time);
            if stream.uniform() < dropout {
                return times;
            }
        }
    }
}

/// The log of the probability to be seen, as [`BgNbd::fit_seen`] has it. Below what
/// [`MOST_UNSEEN`] leaves it falls no further, and the way back is steep: no maximum lies there.
fn seen(model: &BgNbd, watched: f64, elsewhere: f64) -> f64 {
    let unseen = elsewhere * model.none(watched);
    let beyond = (unseen - MOST_UNSEEN).max(0.0);
    (1.0 - unseen.min(MOST_UNSEEN)).ln() + 1e3 * beyond
}

/// The largest number of events.
fn most(users: &[Purchases]) -> f64 {
    users.iter().map(|user| user.x).fold(0.0, f64::max)
}

/// The model whose parameters, as logs in `start`, have the least loss.
fn fitted<const N: usize>(
    of: impl Fn([f64; N]) -> BgNbd,
    loss: impl Fn(&BgNbd) -> f64,
    start: [f64; N],
) -> Option<BgNbd> {
    let model = |at: &[f64; N]| of(at.map(f64::exp));
    let penalised = |at: &[f64; N]| {
        let (at, penalty) = simplex::inside(at);
        penalty + loss(&model(&at))
    };
    let found = simplex::minimise(penalised, start, 0.5)?;
    Some(model(&simplex::inside(&found.at).0))
}

/// The calibrator: fits both models on the training log, kind by kind.
#[derive(Clone, Copy, Debug, Default)]
pub struct BgNbdCalibrator;

/// The fitted process of one kind.
#[derive(Clone, Debug, PartialEq)]
struct Process {
    times: BgNbd,
    /// How users differ, with its log-likelihood; none where they do not.
    amounts: Option<(GammaGamma, f64)>,
    law: AmountLaw,
    log_likelihood: f64,
}

/// The fitted simulation: one process a kind, none for kinds without events.
struct Fitted {
    clock: Clock,
    kinds: Vec<String>,
    effects: Vec<KindEffect>,
    processes: Vec<Option<Process>>,
    /// Covariates, which no process looks at.
    profile: Profile,
}

fn cannot(kinds: &[String], kind: usize, why: String) -> CalibrationError {
    let why = if kinds.len() > 1 { format!("kind `{}`: {why}", kinds[kind]) } else { why };
    CalibrationError::CannotFit { calibrator: NAME, why }
}

/// A model with its log-likelihood.
pub type Fit = (BgNbd, f64);

/// The fits of all kinds to the users of a population, each with its log-likelihood; none for a kind
/// without events beside others.
///
/// # Errors
/// The kind that cannot be fitted, and why.
pub fn times_of(
    kinds: &[&[Purchases]],
    population: Population,
) -> Result<Vec<Option<Fit>>, (usize, String)> {
    let empty = |users: &[Purchases]| kinds.len() > 1 && users.iter().all(|user| user.x == 0.0);
    let none = |users: &[Purchases], fit: &Option<Fit>| {
        let watched = users.first().map_or(0.0, |user| user.watched);
        fit.map_or(1.0, |(model, _)| model.none(watched))
    };
    let mut fits: Vec<Option<Fit>> = vec![None; kinds.len()];
    // As if everybody were seen, which starts the turns of several kinds.
    let several = kinds.iter().filter(|users| !empty(users)).count() > 1;
    let first = match population {
        Population::Active if !several => 1.0,
        _ => 0.0,
    };
    for (kind, users) in kinds.iter().enumerate().filter(|(_, users)| !empty(users)) {
        fits[kind] = Some(BgNbd::fit_seen(users, first).map_err(|why| (kind, why))?);
    }
    if population == Population::All || !several {
        return Ok(fits);
    }
    for _ in 0..TURNS {
        let mut moved = 0.0_f64;
        for (kind, users) in kinds.iter().enumerate().filter(|(_, users)| !empty(users)) {
            let before = none(users, &fits[kind]);
            let others = (0..kinds.len()).filter(|&other| other != kind);
            let elsewhere: f64 = others.map(|other| none(kinds[other], &fits[other])).product();
            fits[kind] = Some(BgNbd::fit_seen(users, elsewhere).map_err(|why| (kind, why))?);
            moved = moved.max((none(users, &fits[kind]) - before).abs());
        }
        if moved < 1e-4 {
            break;
        }
    }
    Ok(fits)
}

/// What the two models see of a log's users and one of its kinds.
pub fn data_of(log: &EventLog, kind: u16) -> (Vec<Purchases>, Vec<Spend>) {
    let watched = f64::from(log.clock().horizon);
    let mut purchases = Vec::with_capacity(log.user_count());
    let mut spends = Vec::new();
    for user in 0..log.user_count() {
        let events = || log.events_of(user).iter().filter(|event| event.kind == kind);
        let last = events().next_back().map_or(0.0, |event| f64::from(event.tick) + 0.5);
        purchases.push(Purchases { x: events().count() as f64, last, watched });
        let positive = || events().map(|event| event.amount).filter(|&amount| amount > 0.0);
        let count = positive().count() as f64;
        if count > 0.0 {
            spends.push(Spend { count, mean: positive().sum::<f64>() / count });
        }
    }
    (purchases, spends)
}

impl Calibrator for BgNbdCalibrator {
    fn name(&self) -> &'static str {
        NAME
    }

    fn calibrate(&mut self, brief: &Brief<'_>) -> Result<Box<dyn Simulator>, CalibrationError> {
        let log = brief.train.ok_or(CalibrationError::NeedsLog(NAME))?;
        let kinds = log.kinds();
        let data: Vec<_> = (0..kinds.len()).map(|number| data_of(log, number as u16)).collect();
        let purchases: Vec<&[Purchases]> = data.iter().map(|(users, _)| &users[..]).collect();
        let times = times_of(&purchases, brief.statistics.population());
        let times = times.map_err(|(kind, why)| cannot(kinds, kind, why))?;
        let mut processes = Vec::with_capacity(kinds.len());
        for (number, (times, (_, spends))) in times.into_iter().zip(&data).enumerate() {
            let Some((times, log_likelihood)) = times else {
                processes.push(None);
                continue;
            };
            let fail = |why: String| cannot(kinds, number, why);
            let Some(law) = brief.statistics.amount_law(number) else {
                return Err(fail("has no events: give a larger log".into()));
            };
            let amounts = GammaGamma::fit(spends).map_err(fail)?;
            processes.push(Some(Process { times, amounts, law, log_likelihood }));
            let metrics = [("log-likelihood", log_likelihood)];
            if !brief.progress.iteration(number + 1, kinds.len(), &metrics) {
                return Err(CalibrationError::Interrupted);
            }
        }
        Ok(Box::new(Fitted {
            clock: *log.clock(),
            kinds: kinds.to_vec(),
            effects: log.effects().to_vec(),
            processes,
            profile: profile(brief.statistics),
        }))
    }
}

impl Fitted {
    /// All events of one user, kind by kind.
    fn user(&self, index: usize, streams: &Streams) -> Vec<Event> {
        let horizon = self.clock.horizon;
        let mut events = Vec::new();
        for (kind, process) in self.processes.iter().enumerate() {
            let Some(process) = process else { continue };
            let mut stream = streams.child("kind", kind as u64).stream("bgnbd", index as u64);
            let times = process.times.draw(f64::from(horizon), &mut stream);
            // The model of all users with the law of this one.
            let own = process.amounts.and_then(|(all, _)| Some((all, all.user(&mut stream)?)));
            for &time in &times {
                let share = match &own {
                    Some((all, own)) => all.share(own.sample(&mut stream)),
                    None => stream.uniform(),
                };
                events.push(Event {
                    tick: (time as u32).min(horizon.saturating_sub(1)),
                    kind: kind as u16,
                    amount: process.law.quantile(share),
                    balance: f64::NAN,
                });
            }
        }
        events
    }
}

impl Simulator for Fitted {
    fn simulate(&self, users: usize, streams: &Streams) -> Result<EventLog, CalibrationError> {
        let events: Vec<Vec<Event>> =
            (0..users).into_par_iter().map(|index| self.user(index, streams)).collect();
        let events = events.into_iter().zip(0u32..);
        EventLog::new(
            self.clock,
            self.kinds.clone(),
            (0..users).map(|index| index.to_string()).collect(),
            events.flat_map(|(events, user)| events.into_iter().map(move |event| (user, event))),
            self.profile.draw(streams, 0, users),
        )
        .map(|log| log.with_effects(&self.effects))
        .map_err(|source| CalibrationError::Inner { calibrator: NAME, source: Box::new(source) })
    }

    fn parameters(&self) -> Vec<(String, f64)> {
        let mut named = Vec::new();
        for (kind, process) in self.kinds.iter().zip(&self.processes) {
            let Some(Process { times, amounts, log_likelihood, .. }) = process else {
                continue;
            };
            let prefix = if self.kinds.len() > 1 { format!("{kind}.") } else { String::new() };
            let mut values = vec![("r", times.r), ("alpha", times.alpha), ("a", times.a)];
            if times.a > 0.0 {
                values.push(("b", times.b));
            }
            values.push(("log-likelihood of times", *log_likelihood));
            if let Some((GammaGamma { p, q, v }, log_likelihood)) = *amounts {
                values.extend([("p", p), ("q", q), ("v", v)]);
                values.push(("log-likelihood of amounts", log_likelihood));
            }
            named
                .extend(values.into_iter().map(|(name, value)| (format!("{prefix}{name}"), value)));
        }
        named
    }
}
