//! Four rule-based personas, the simulation before any calibration.
//!
//! Two habits, each with two ends: *loose* or *tight* is how often a user acts, *passive* or
//! *aggressive* how large his amounts are and how much risk he takes. This is how such simulations
//! are commonly written by hand: plausible, and fitted to nothing.

use rand_distr::{Distribution, StandardNormal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trueup_calibration::calibrator::{Brief, CalibrationError, Calibrator, Simulator};
use trueup_env::finance::Effect;
use trueup_env::{Actions, CheckedWorld, Stream, Streams, Tick};

use crate::policy::{Actor, Decision, Policy, PolicySimulator};

/// Parameters of the personas.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PersonasConfig {
    /// Events a year of a loose user.
    pub loose_events_per_year: f64,
    /// Events a year of a tight user.
    pub tight_events_per_year: f64,
    /// Median amount of a passive user, as a share of the median monthly income.
    pub passive_amount_share: f64,
    /// Median amount of an aggressive user, as a share of the median monthly income.
    pub aggressive_amount_share: f64,
    /// How much users of one persona differ in rate and amount: sd of the natural log.
    pub between_users: f64,
    /// How much the amounts of one user differ: sd of the natural log.
    pub within_user: f64,
    /// How much likelier an aggressive user's event is a risky one (spend, invest) than a passive
    /// user's.
    pub risk_ratio: f64,
}

impl Default for PersonasConfig {
    fn default() -> Self {
        Self {
            loose_events_per_year: 8.0,
            tight_events_per_year: 2.0,
            passive_amount_share: 0.01,
            aggressive_amount_share: 0.04,
            between_users: 0.3,
            within_user: 0.5,
            risk_ratio: 3.0,
        }
    }
}

impl PersonasConfig {
    /// Refuses what cannot run.
    ///
    /// # Errors
    /// (field, what is wrong with it and what would be right).
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        for (field, value, low) in [
            ("loose_events_per_year", self.loose_events_per_year, 0.0),
            ("tight_events_per_year", self.tight_events_per_year, 0.0),
            ("passive_amount_share", self.passive_amount_share, f64::MIN_POSITIVE),
            ("aggressive_amount_share", self.aggressive_amount_share, f64::MIN_POSITIVE),
            ("between_users", self.between_users, 0.0),
            ("within_user", self.within_user, 0.0),
            ("risk_ratio", self.risk_ratio, f64::MIN_POSITIVE),
        ] {
            if !(low..=1e6).contains(&value) {
                return Err((field, format!("is {value}, but must lie between {low} and 1e6")));
            }
        }
        Ok(())
    }
}

/// Users who follow a persona each, drawn with equal probability.
pub struct Personas {
    config: PersonasConfig,
    world: CheckedWorld,
}

impl Personas {
    /// Personas in a world, with a checked config.
    pub fn new(config: PersonasConfig, world: CheckedWorld) -> Self {
        Self { config, world }
    }

    fn user(&self, stream: &mut Stream) -> User {
        let config = &self.config;
        let (loose, aggressive) = (stream.uniform() < 0.5, stream.uniform() < 0.5);
        let mut spread = || {
            let z: f64 = StandardNormal.sample(stream);
            (config.between_users * z).exp()
        };
        let per_year =
            if loose { config.loose_events_per_year } else { config.tight_events_per_year };
        let rate = per_year / self.world.clock.tick.per_year() * spread();
        let share =
            if aggressive { config.aggressive_amount_share } else { config.passive_amount_share };
        let months = self.world.clock.tick.days() / Tick::Month.days();
        let median = share * self.world.wallet.income_median / months * spread();
        User { act: 1.0 - (-rate).exp(), median, aggressive }
    }

    /// Weight of a kind among the kinds that a user may choose.
    fn weight(&self, kind: usize, aggressive: bool) -> f64 {
        let risky = matches!(self.world.kinds[kind].effect, Effect::Spend | Effect::Invest);
        if risky == aggressive { self.config.risk_ratio } else { 1.0 }
    }
}

/// One simulated user.
#[derive(Clone, Copy, Debug)]
struct User {
    /// Probability to act at a decision.
    act: f64,
    /// Median amount.
    median: f64,
    aggressive: bool,
}

struct PersonasActor<'a> {
    personas: &'a Personas,
    users: Vec<User>,
    streams: Vec<Stream>,
}

impl Policy for Personas {
    fn actor(&self, first: u64, count: usize, streams: &Streams) -> Box<dyn Actor + '_> {
        let user = |i| self.user(&mut streams.stream("persona", first + i));
        Box::new(PersonasActor {
            personas: self,
            users: (0..count as u64).map(user).collect(),
            streams: (0..count as u64).map(|i| streams.stream("acts", first + i)).collect(),
        })
    }
}

impl Actor for PersonasActor<'_> {
    fn act(&mut self, decision: &Decision<'_>, actions: &mut Actions) {
        actions.kind.clear();
        actions.amount.clear();
        for (&lane, mask) in decision.lanes.iter().zip(decision.masks.chunks(decision.choices)) {
            let (user, stream) = (self.users[lane as usize], &mut self.streams[lane as usize]);
            let (mut choice, mut amount) = (0, 0.0);
            if stream.uniform() < user.act {
                choice = self.personas.choose(user.aggressive, &mask[1..], stream);
                let z: f64 = StandardNormal.sample(stream);
                amount = user.median * (self.personas.config.within_user * z).exp();
            }
            actions.kind.push(choice);
            actions.amount.push(amount);
        }
    }
}

impl Personas {
    /// A feasible kind by weight, as a choice; 0 when none is feasible.
    fn choose(&self, aggressive: bool, feasible: &[bool], stream: &mut Stream) -> u16 {
        let weight = |kind: usize| {
            if feasible[kind] { self.weight(kind, aggressive) } else { 0.0 }
        };
        let total: f64 = (0..feasible.len()).map(weight).sum();
        let mut left = stream.uniform() * total;
        let mut choice = 0;
        for kind in (0..feasible.len()).filter(|&kind| feasible[kind]) {
            choice = kind as u16 + 1;
            left -= weight(kind);
            if left < 0.0 {
                break;
            }
        }
        choice
    }
}

/// The calibrator `personas`: calibrates nothing; the "before" of every report.
pub struct Uncalibrated {
    config: PersonasConfig,
    world: CheckedWorld,
}

impl Uncalibrated {
    /// Personas in a world, with a checked config.
    pub fn new(config: PersonasConfig, world: CheckedWorld) -> Self {
        Self { config, world }
    }

    /// The simulation, which needs no data.
    pub fn simulator(&self) -> Box<dyn Simulator> {
        let policy = Personas::new(self.config.clone(), self.world.clone());
        let world = self.world.clone();
        Box::new(PolicySimulator { world, policy, parameters: Vec::new(), files: Vec::new() })
    }
}

impl Calibrator for Uncalibrated {
    fn name(&self) -> &'static str {
        "personas"
    }

    fn calibrate(&mut self, _brief: &Brief<'_>) -> Result<Box<dyn Simulator>, CalibrationError> {
        Ok(self.simulator())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::simulate;
    use crate::test_world::{HORIZON, world};

    /// Events per user against the closed form sum over ticks of p + p^2 (at most two events a
    /// tick), p = 1 - exp(-rate): within 4.5 standard errors (false alarm 1e-5).
    #[test]
    fn loose_users_act_as_often_as_they_should() {
        let config = PersonasConfig {
            loose_events_per_year: 26.0,
            tight_events_per_year: 26.0,
            between_users: 0.0,
            ..PersonasConfig::default()
        };
        let world = world();
        let rate = 26.0 / world.clock.tick.per_year();
        let p = 1.0 - (-rate).exp();
        let expected = f64::from(HORIZON) * (p + p * p);
        let users = 5_000;
        let personas = Personas::new(config, world.clone());
        let log = simulate(&world, &personas, users, &Streams::new(1)).unwrap();
        let counts: Vec<f64> = (0..users).map(|user| log.events_of(user).len() as f64).collect();
        let n = users as f64;
        let mean = counts.iter().sum::<f64>() / n;
        let variance = counts.iter().map(|c| (c - mean) * (c - mean)).sum::<f64>() / (n - 1.0);
        assert!((mean - expected).abs() < 4.5 * (variance / n).sqrt(), "{mean} {expected}");
    }

    /// Users of the four personas differ in the direction of their names: medians of counts and
    /// amounts over 5,000 users.
    #[test]
    fn habits_show_in_the_log() {
        let world = world();
        let personas = Personas::new(PersonasConfig::default(), world.clone());
        let streams = Streams::new(2);
        let log = simulate(&world, &personas, 5_000, &streams).unwrap();
        let (mut often, mut seldom, mut large, mut small) = (0.0, 0.0, Vec::new(), Vec::new());
        for user in 0..5_000 {
            let own = personas.user(&mut streams.stream("persona", user as u64));
            let count = log.events_of(user).len() as f64;
            if own.act > 0.08 {
                often += count
            } else {
                seldom += count
            }
            let side = if own.aggressive { &mut large } else { &mut small };
            side.extend(log.events_of(user).iter().map(|event| event.amount));
        }
        assert!(often > 2.0 * seldom);
        large.sort_by(f64::total_cmp);
        small.sort_by(f64::total_cmp);
        let ratio = large[large.len() / 2] / small[small.len() / 2];
        // The configured medians differ by a factor of 4.
        assert!((3.0..5.0).contains(&ratio), "{ratio}");
    }
}
