//! Four rule-based personas, the simulation before any calibration.
//!
//! Two habits, each with two ends: *loose* or *tight* is how often a user acts, *passive* or
//! *aggressive* how large their amounts are and how much risk they take. This is how such simulations
//! are commonly written by hand: plausible, and fitted to nothing but one number a kind, the median of
//! its external amounts. Whoever writes users by hand knows what is a usual amount; without it the
//! personas would depend on the unit of money and on what kinds are called.

use rand_distr::{Distribution, StandardNormal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trueup_calibration::calibrator::{Brief, CalibrationError, Calibrator, Simulator};
use trueup_calibration::statistics::Statistics;
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
    /// Median amount of a passive user, in median external amounts of the kind.
    pub passive_amount: f64,
    /// Median amount of an aggressive user, in median external amounts of the kind.
    pub aggressive_amount: f64,
    /// Median amount of a passive user as a share of the median monthly income of the world; goes
    /// before `passive_amount`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passive_amount_share: Option<f64>,
    /// Median amount of an aggressive user as a share of the median monthly income of the world;
    /// goes before `aggressive_amount`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggressive_amount_share: Option<f64>,
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
            passive_amount: 0.5,
            aggressive_amount: 2.0,
            passive_amount_share: None,
            aggressive_amount_share: None,
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
            ("passive_amount", self.passive_amount, f64::MIN_POSITIVE),
            ("aggressive_amount", self.aggressive_amount, f64::MIN_POSITIVE),
            ("passive_amount_share", self.passive_amount_share.unwrap_or(1.0), f64::MIN_POSITIVE),
            (
                "aggressive_amount_share",
                self.aggressive_amount_share.unwrap_or(1.0),
                f64::MIN_POSITIVE,
            ),
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
    /// The usual amount of each kind of the world.
    usual: Vec<f64>,
}

/// The median of the external amounts of a kind that are above 0; none without any.
fn usual_amount(statistics: &Statistics, kind: usize) -> Option<f64> {
    let grid = &statistics.amounts.get(kind)?.as_ref()?.quantiles;
    let positive = grid.partition_point(|amount| *amount <= 0.0);
    grid[positive..].get((grid.len() - positive) / 2).copied()
}

impl Personas {
    /// Personas in a world, with a checked config, who know usual amounts. Those of a kind that no
    /// real user knows are the middle of all.
    pub fn new(config: PersonasConfig, world: CheckedWorld, statistics: &Statistics) -> Self {
        let of = |kind| usual_amount(statistics, kind);
        let middle = world.scales.mean_log_amount.exp();
        let usual = (0..world.kinds.len()).map(|kind| of(kind).unwrap_or(middle)).collect();
        Self { config, world, usual }
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
        let (amount, share) = if aggressive {
            (config.aggressive_amount, config.aggressive_amount_share)
        } else {
            (config.passive_amount, config.passive_amount_share)
        };
        let months = self.world.clock.tick.days() / Tick::Month.days();
        let income = self.world.wallet.income_median / months;
        let spread = spread();
        let median = match share {
            Some(share) => Median::Money(share * income * spread),
            None => Median::Usual(amount * spread),
        };
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
    median: Median,
    aggressive: bool,
}

/// A user's median amount.
#[derive(Clone, Copy, Debug)]
enum Median {
    /// The same in every kind.
    Money(f64),
    /// In usual amounts of the kind.
    Usual(f64),
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
                let usual = |choice: u16| {
                    choice.checked_sub(1).map_or(0.0, |kind| self.personas.usual[usize::from(kind)])
                };
                let median = match user.median {
                    Median::Money(median) => median,
                    Median::Usual(times) => times * usual(choice),
                };
                amount = median * (self.personas.config.within_user * z).exp();
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

/// The calibrator `personas`: calibrates nothing but the unit of money; the "before" of every report.
#[derive(Clone)]
pub struct Uncalibrated {
    config: PersonasConfig,
    world: CheckedWorld,
}

impl Uncalibrated {
    /// Personas in a world, with a checked config.
    pub fn new(config: PersonasConfig, world: CheckedWorld) -> Self {
        Self { config, world }
    }

    /// The simulation, which knows usual amounts.
    pub fn simulator(&self, statistics: &Statistics) -> Box<dyn Simulator> {
        let policy = Personas::new(self.config.clone(), self.world.clone(), statistics);
        Box::new(PolicySimulator::plain(self.world.clone(), policy))
    }
}

impl Calibrator for Uncalibrated {
    fn name(&self) -> &'static str {
        "personas"
    }

    fn calibrate(&mut self, brief: &Brief<'_>) -> Result<Box<dyn Simulator>, CalibrationError> {
        Ok(self.simulator(brief.statistics))
    }
}

#[cfg(test)]
mod tests {
    use trueup_calibration::world::{WorldConfig, fit_world};
    use trueup_env::{Clock, Covariates, Event, EventLog};

    use super::*;
    use crate::policy::simulate;
    use crate::test_world::{HORIZON, statistics, world};

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
        let personas = Personas::new(config, world.clone(), &statistics());
        let log = simulate(&world, &personas, users, &Streams::new(1)).unwrap();
        let counts: Vec<f64> = (0..users).map(|user| log.events_of(user).len() as f64).collect();
        let n = users as f64;
        let mean = counts.iter().sum::<f64>() / n;
        let variance = counts.iter().map(|c| (c - mean) * (c - mean)).sum::<f64>() / (n - 1.0);
        assert!((mean - expected).abs() < 4.5 * (variance / n).sqrt(), "{mean} {expected}");
    }

    /// Three kinds, many amounts.
    fn real(kinds: [&str; 3], unit: f64) -> EventLog {
        let event = |user: u32| {
            let kind = (user % 3) as u16;
            let amount = unit * f64::from(1 + kind) * f64::from(1 + user * user % 997);
            (user, Event { tick: user % HORIZON, kind, amount, balance: f64::NAN })
        };
        EventLog::new(
            Clock { tick: Tick::Week, horizon: HORIZON, start_day: None },
            kinds.map(String::from).to_vec(),
            (0..900).map(|user| user.to_string()).collect(),
            (0..900).map(event),
            Covariates::default(),
        )
        .unwrap()
    }

    /// Personas of the world that the statistics of a log give.
    fn personas_of(real: &EventLog, config: &WorldConfig) -> EventLog {
        let statistics = Statistics::of(real);
        let world = fit_world(config, &statistics).unwrap();
        let personas = Personas::new(PersonasConfig::default(), world.clone(), &statistics);
        simulate(&world, &personas, 600, &Streams::new(3)).unwrap()
    }

    const NAMES: [&str; 3] = ["purchase", "deposit", "order"];

    /// A thousand times all amounts are a thousand times the personas' amounts, to the last bits, at
    /// the same ticks and of the same kinds: no feature of shape moves.
    #[test]
    fn the_unit_of_money_does_not_matter() {
        let [one, thousand] =
            [1.0, 1000.0].map(|unit| personas_of(&real(NAMES, unit), &WorldConfig::default()));
        assert_eq!(one.offsets(), thousand.offsets());
        assert!(one.events().len() > 100);
        for (a, b) in one.events().iter().zip(thousand.events()) {
            assert_eq!((a.tick, a.kind), (b.tick, b.kind));
            assert!((b.amount / a.amount / 1000.0 - 1.0).abs() < 1e-12, "{a:?} {b:?}");
        }
    }

    /// What kinds are called does not matter to amounts: with the same effects the log is the same,
    /// and with others (by what other names tell) the median of a kind is.
    #[test]
    fn names_of_kinds_do_not_matter_to_amounts() {
        let before = personas_of(&real(NAMES, 1.0), &WorldConfig::default());
        let other = ["a", "b", "c"];
        let effects = [Effect::Spend, Effect::Receive, Effect::Spend];
        let kinds = other.map(String::from).into_iter().zip(effects).collect();
        let config = WorldConfig { kinds, ..WorldConfig::default() };
        let renamed = personas_of(&real(other, 1.0), &config);
        let money = |log: &EventLog| -> Vec<(u16, u64)> {
            log.events().iter().map(|event| (event.kind, event.amount.to_bits())).collect()
        };
        assert_eq!(money(&before), money(&renamed));
        // No effect at all; medians of hundreds of amounts of sd 0.9, within 5 standard errors.
        let silent = personas_of(&real(other, 1.0), &WorldConfig::default());
        for kind in 0..3 {
            let median = |log: &EventLog| {
                let of_kind = log.events().iter().filter(|event| event.kind == kind);
                let mut amounts: Vec<f64> = of_kind.map(|event| event.amount).collect();
                amounts.sort_by(f64::total_cmp);
                (amounts[amounts.len() / 2], amounts.len() as f64)
            };
            let ((a, n), (b, m)) = (median(&before), median(&silent));
            let error = 1.2533 * 0.9 * (1.0 / n + 1.0 / m).sqrt();
            // Aggressive users spend more, so effects move the mix of users in a kind.
            assert!((a / b).ln().abs() < 5.0 * error + 4f64.ln() / 4.0, "{kind}: {a} {b}");
        }
    }

    /// Configs of before: a share of income is the same money in every kind.
    #[test]
    fn a_share_of_income_goes_before() {
        let config: PersonasConfig = serde_json::from_str(
            r#"{"passive_amount_share": 0.01, "aggressive_amount_share": 0.01, "within_user": 0.0,
                "between_users": 0.0}"#,
        )
        .unwrap();
        config.check().unwrap();
        let personas = Personas::new(config, world(), &statistics());
        let log = simulate(&world(), &personas, 300, &Streams::new(1)).unwrap();
        let monthly = 1e6 / Tick::Week.days() * Tick::Month.days();
        assert!(!log.events().is_empty());
        assert!(log.events().iter().all(|e| (e.amount / monthly / 0.01 - 1.0).abs() < 1e-9));
    }

    /// Users of the four personas differ in the direction of their names: medians of counts and
    /// amounts over 5,000 users.
    #[test]
    fn habits_show_in_the_log() {
        let world = world();
        let personas = Personas::new(PersonasConfig::default(), world.clone(), &statistics());
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
