//! Moment scaling: the simplest calibration that a practitioner would try. A base simulation is
//! left as it is but for three numbers.
//!
//! With e events per user, and mean m and standard deviation s of log amounts, in the base (0) and
//! in the external statistics (1):
//!
//! - each event is kept with probability e1 / e0, or, where the base has too few events, is
//!   repeated e1 / e0 times on average (the same tick, kind and amount again), by a coin of its own;
//! - an amount x becomes `exp(m1 + (s1 / s0) (ln x - m0))`; amounts of 0 stay 0.
//!
//! So the three moments agree in expectation, and nothing else is promised. It needs statistics
//! only, never the log.
//!
//! Where the statistics are about active users ([`Population`]), e0 and e1 are events per user with
//! any. Events that are left out can leave a user without one, who then is not active: of a base in
//! which n users have c_1 ... c_n events, keeping each with probability f leaves
//! `f sum c / sum (1 - (1 - f)^c)` per active user, which rises with f, and f is where it is e1.

use trueup_env::{Event, EventLog, Streams, log_amount};

use super::{Brief, CalibrationError, Calibrator, Simulator};
use crate::discrepancy::mean_and_sd;
use crate::population::Population;
use crate::statistics::{AmountLaw, Form, Statistics};

/// Name in configs and results.
pub const NAME: &str = "scaling";

/// Users that the base simulates to be measured: enough that the moments' errors are around 1%.
const FIT_USERS: usize = 8192;

/// The calibrator: scales the simulation of `base`.
pub struct Scaling {
    base: Box<dyn Calibrator>,
}

impl Scaling {
    /// Scales what another calibrator gives.
    pub fn new(base: Box<dyn Calibrator>) -> Self {
        Self { base }
    }
}

/// Events per user, and mean and standard deviation (n) of log amounts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    /// Mean number of events per user.
    pub events: f64,
    /// Mean log amount.
    pub mean: f64,
    /// Standard deviation (n) of log amounts.
    pub sd: f64,
}

impl Moments {
    /// The moments of a log; none without users or positive amounts.
    pub fn of_log(log: &EventLog) -> Option<Self> {
        let amounts = log.events().iter().filter_map(|event| log_amount(event.amount));
        let amounts: Vec<f64> = amounts.collect();
        if amounts.is_empty() {
            return None;
        }
        let (mean, sd) = mean_and_sd(&amounts, None);
        let events = log.events().len() as f64 / log.user_count() as f64;
        Some(Self { events, mean, sd })
    }

    /// The moments that external statistics hold; none where they hold no log amounts.
    pub fn of_statistics(statistics: &Statistics) -> Option<Self> {
        let Form::Grid(amounts) = &statistics.feature("log_amount")?.form else {
            return None;
        };
        let events = statistics.events as f64 / statistics.users.max(1) as f64;
        Some(Self { events, mean: amounts.mean, sd: amounts.sd })
    }
}

/// The scaled simulation.
struct Scaled {
    base: Box<dyn Simulator>,
    /// Events of the scaled simulation per event of the base.
    factor: f64,
    /// Log amount = intercept + slope x base log amount.
    intercept: f64,
    slope: f64,
    /// One a kind: amounts have the decimals of the real ones.
    laws: Vec<Option<AmountLaw>>,
}

impl Calibrator for Scaling {
    fn name(&self) -> &'static str {
        NAME
    }

    fn calibrate(&mut self, brief: &Brief<'_>) -> Result<Box<dyn Simulator>, CalibrationError> {
        let fail = |why: &str| CalibrationError::CannotFit { calibrator: NAME, why: why.into() };
        let target = Moments::of_statistics(brief.statistics).ok_or_else(|| {
            fail("the external statistics hold no positive amounts: check the map")
        })?;
        let base = self.base.calibrate(brief)?;
        let log = base.simulate(FIT_USERS, &brief.streams.child("scaling-fit", 0))?;
        let from = Moments::of_log(&log).ok_or_else(|| {
            fail("the base simulation has no events with positive amounts: raise its rates")
        })?;
        if from.sd <= 1e-9 * (1.0 + from.mean.abs()) && target.sd > 0.0 {
            let why = "all amounts of the base simulation are equal, so no scaling gives them \
                       another spread: give the base a spread of amounts";
            return Err(fail(why));
        }
        let slope = if target.sd > 0.0 { target.sd / from.sd } else { 0.0 };
        let intercept = target.mean - slope * from.mean;
        let factor = match brief.statistics.population() {
            Population::All => target.events / from.events,
            Population::Active => factor_of_active(&log, target.events),
        };
        let kinds = 0..brief.statistics.kinds.len();
        let laws = kinds.map(|kind| brief.statistics.amount_law(kind)).collect();
        Ok(Box::new(Scaled { base, factor, intercept, slope, laws }))
    }
}

/// Events of the scaled simulation per event of the base `log` that give so many per active user.
fn factor_of_active(log: &EventLog, events: f64) -> f64 {
    let users = 0..log.user_count();
    let counts: Vec<f64> =
        users.map(|user| log.events_of(user).len() as f64).filter(|&count| count > 0.0).collect();
    let all: f64 = counts.iter().sum();
    let per_active = |f: f64| {
        let active: f64 = counts.iter().map(|&count| -(count * (-f).ln_1p()).exp_m1()).sum();
        f * all / active
    };
    let whole = all / counts.len() as f64;
    if events >= whole {
        // Every event stays, so who is active does not change.
        return events / whole;
    }
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if per_active(middle) < events { low = middle } else { high = middle }
    }
    high
}

impl Scaled {
    fn amount(&self, kind: u16, amount: f64) -> f64 {
        let Some(log) = log_amount(amount) else { return 0.0 };
        let scaled = (self.intercept + self.slope * log).exp();
        let law = self.laws.get(usize::from(kind)).and_then(Option::as_ref);
        law.map_or(scaled, |law| law.rounded(scaled))
    }
}

impl Simulator for Scaled {
    fn simulate(&self, users: usize, streams: &Streams) -> Result<EventLog, CalibrationError> {
        let log = self.base.simulate(users, &streams.child("scaling-base", 0))?;
        let mut offsets = vec![0];
        let mut events = Vec::new();
        for user in 0..log.user_count() {
            let mut stream = streams.stream("scaling", user as u64);
            for event in log.events_of(user) {
                let whole = self.factor.floor();
                let copies = whole as usize + usize::from(stream.uniform() < self.factor - whole);
                // The wallet behind the base's balances saw other amounts.
                let amount = self.amount(event.kind, event.amount);
                let scaled = Event { amount, balance: f64::NAN, ..*event };
                events.extend(std::iter::repeat_n(scaled, copies));
            }
            offsets.push(events.len());
        }
        EventLog::from_sorted(
            *log.clock(),
            log.kinds().to_vec(),
            log.users().to_vec(),
            offsets,
            events,
            log.covariates().clone(),
        )
        .map(|scaled| scaled.with_effects(log.effects()))
        .map_err(|source| CalibrationError::Inner { calibrator: NAME, source: Box::new(source) })
    }

    fn parameters(&self) -> Vec<(String, f64)> {
        vec![
            ("events factor".into(), self.factor),
            ("log amount intercept".into(), self.intercept),
            ("log amount slope".into(), self.slope),
        ]
    }
}

#[cfg(test)]
#[path = "scaling_tests.rs"]
mod tests;
