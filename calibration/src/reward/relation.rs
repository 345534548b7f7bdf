//! Terms on the relation between a covariate of users and a fact about what they did.
//!
//! D^2 is the squared gap of strengths ([`relation`](crate::relation)), w its first variation with the
//! sign turned, and a user (x, y) is worth
//!
//! `V(x, y) = weight w(x, y) / (2 sqrt(D^2 + 0.3 / users) rho)`,
//!
//! the variation of D, levelled off at the noise of that many users. It is paid as the user's fact
//! moves, `V(x, y after) - V(x, y before)`, with V = 0 where the fact is not yet defined, so that the
//! pay of an episode telescopes as for other features of users. The covariate is fixed: who is young
//! earns by another curve than who is old.

use trueup_env::{Clock, Event, EventLog, History};

use super::check;
use super::marginal::MIN_ROWS_PER_USER;
use super::part::{Frozen, Part, Past};
use super::state::{Reader, Writer};
use super::{RewardError, StateError, Term};
use crate::discrepancy::relation_gap;
use crate::features::relation::{self, Relation};
use crate::features::{Definition, Feature};
use crate::population::Population;
use crate::relation::{Sums, Variation, squared_gap};
use crate::statistics::{Form, Statistics};

/// A simulated spread of the fact below this part of the real one counts as that.
const LEAST_SPREAD: f64 = 0.1;

/// Whether a term is one of these.
pub(super) fn is_relation(term: &Term) -> bool {
    relation::parts(&term.feature).is_some()
}

/// Checks such a term as far as it goes without statistics, or says which key is wrong.
pub(super) fn suits(term: &Term) -> Result<(), (&'static str, RewardError)> {
    check::weight(term)?;
    if term.discrepancy.trim() == relation_gap::NAME {
        return Ok(());
    }
    let (discrepancy, feature) = (term.discrepancy.clone(), term.feature.clone());
    let why = format!("a relation of a covariate is paid by `{}`", relation_gap::NAME);
    Err(("discrepancy", RewardError::NoWitness { discrepancy, feature, why }))
}

/// A term on a relation, made ready.
pub(super) struct RelationTerm {
    term: Term,
    feature: &'static Feature,
    relation: Relation,
    strengths: Vec<f64>,
    shares: Vec<f64>,
    /// Centre and spread of the fact among real users, by which facts are scaled here.
    scale: [f64; 2],
    /// Real users with the fact.
    users: usize,
    population: Population,
    clock: Clock,
    /// The rollout last looked at; none before the first, and where the fact is never defined.
    now: Option<Sums>,
    /// Its number of users with the fact, their number per user, and the column of the covariate.
    rollout: (usize, f64, usize),
    /// Centre and spread of the covariate, where it is a number: of the first rollout.
    centre: Option<[f64; 2]>,
    /// Earlier rollouts; none before the second.
    memory: Option<Sums>,
}

impl RelationTerm {
    /// Makes a term ready.
    ///
    /// # Errors
    /// Statistics that do not hold the relation, another discrepancy, or a bad weight.
    pub fn new(term: &Term, statistics: &Statistics) -> Result<Self, RewardError> {
        suits(term).map_err(|(_, error)| error)?;
        let missing = || RewardError::NotMeasured(term.feature.clone());
        let feature = relation::find_among(&term.feature, Some(&statistics.kinds));
        let feature = feature.ok_or_else(missing)?;
        let Definition::Relation(relation) = feature.definition else { return Err(missing()) };
        let entry = statistics.feature(feature.name).ok_or_else(missing)?;
        let Form::Relation { strengths, shares, mean, sd } = &entry.form else {
            return Err(missing());
        };
        Ok(Self {
            term: term.clone(),
            feature,
            relation,
            strengths: strengths.clone(),
            shares: shares.clone(),
            scale: [*mean, *sd],
            users: entry.users,
            population: statistics.population(),
            clock: statistics.clock,
            now: None,
            rollout: (0, 0.0, 0),
            centre: None,
            memory: None,
        })
    }

    /// Number of categories; 0 for numbers.
    fn categories(&self) -> usize {
        if self.strengths.len() > 1 { self.strengths.len() } else { 0 }
    }

    /// The squared distance of a distribution; where nothing varies, nothing goes with anything.
    fn squared(&self, sums: &Sums) -> f64 {
        let own = sums.strengths().map(|own| own.values);
        let own = own.unwrap_or_else(|| vec![0.0; self.strengths.len()]);
        squared_gap(&own, &self.strengths, &self.shares)
    }
}

impl Part for RelationTerm {
    fn feature(&self) -> &str {
        self.feature.name
    }

    fn weight(&self) -> f64 {
        self.term.weight
    }

    fn look(&mut self, log: &EventLog) -> Result<Option<f64>, RewardError> {
        let sample = self.feature.sample(&self.population.select(log));
        self.now = None;
        if sample.rows() == 0 {
            return Ok(None);
        }
        if sample.categories != self.categories() {
            return Err(RewardError::BadTerms(format!(
                "the term on `{}`: the real users have {} categories of the covariate, the \
                 simulated ones {}",
                self.feature.name,
                self.categories(),
                sample.categories
            )));
        }
        let [mean, sd] = *self.centre.get_or_insert_with(|| match sample.categories {
            0 => {
                let law = crate::statistics::Distribution::of(
                    &sample.values.iter().step_by(2).copied().collect::<Vec<_>>(),
                );
                law.map_or([0.0, 1.0], |law| [law.mean, if law.sd > 0.0 { law.sd } else { 1.0 }])
            }
            _ => [0.0, 1.0],
        });
        let mut sums = Sums::new(sample.categories);
        for row in sample.values.chunks_exact(2) {
            sums.add(1.0, (row[0] - mean) / sd, (row[1] - self.scale[0]) / self.scale[1]);
        }
        let column = log.covariates().place(self.relation.covariate).unwrap_or_default();
        let rows = sample.rows();
        self.rollout = (rows, rows as f64 / log.user_count().max(1) as f64, column);
        let squared = self.squared(&sums);
        self.now = Some(sums);
        Ok(Some(squared.sqrt()))
    }

    /// A correlation rho of n users has the variance `(1 - rho^2)^2 / n` (Fisher 1915), and the
    /// standardised mean of a category of share q about `(1 - q) / (n q)`; differences are nearly
    /// normal.
    fn floor(&mut self, users: usize) -> f64 {
        let s = 1.0 / users.max(1) as f64 + 1.0 / self.users.max(1) as f64;
        if self.categories() == 0 {
            let rho = self.strengths[0];
            return (2.0 / std::f64::consts::PI * s).sqrt() * (1.0 - rho * rho);
        }
        (s * self.shares.iter().map(|share| 1.0 - share).sum::<f64>()).sqrt()
    }

    fn freeze(&mut self, weight: f64, past: Past) -> Result<Option<Box<dyn Frozen>>, RewardError> {
        let p = match (&self.now, self.memory.take()) {
            (Some(now), None) => {
                self.memory = Some(now.clone());
                now.clone()
            }
            (Some(now), Some(before)) => {
                self.memory = Some(now.mixed(&before, past.decay));
                now.mixed(&before, past.memory)
            }
            (None, before) => {
                self.memory = before;
                return Ok(None);
            }
        };
        // Without spread, there is no direction in which to move yet: other terms must bring it about.
        let Some(own) = p.strengths() else { return Ok(None) };
        let squared = squared_gap(&own.values, &self.strengths, &self.shares);
        let (users, rows_per_user, column) = self.rollout;
        let normaliser = 2.0 * (squared + 0.3 / users.max(1) as f64).sqrt();
        let [mean, sd] = self.centre.unwrap_or([0.0, 1.0]);
        Ok(Some(Box::new(RelationValue {
            relation: self.relation,
            column,
            population: self.population,
            clock: self.clock,
            variation: Variation::new(&own, &self.strengths, &self.shares, LEAST_SPREAD),
            factor: -weight / (normaliser * rows_per_user.max(MIN_ROWS_PER_USER)),
            x: [mean, sd],
            y: self.scale,
        })))
    }

    fn save(&self, writer: &mut Writer) {
        writer.text(self.feature.name);
        writer.text(&self.term.discrepancy);
        writer.doubles(self.centre.as_ref().map_or(&[], |centre| centre));
        writer.doubles(self.memory.as_ref().map_or(&[], |memory| &memory.sums));
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), StateError> {
        reader.expect(self.feature.name)?;
        reader.expect(&self.term.discrepancy)?;
        let centre = reader.doubles("the centre of a covariate")?;
        let sums = reader.doubles("the sums of a memory")?;
        let finite = sums.iter().chain(&centre).all(|sum| sum.is_finite());
        let (empty, memory) = (sums.is_empty(), Sums::new(self.categories()).with(sums));
        if !finite || !(empty || memory.is_some()) {
            return Err(StateError("a memory in it is of another relation".into()));
        }
        self.centre = <[f64; 2]>::try_from(centre).ok().filter(|[_, sd]| *sd > 0.0);
        self.memory = memory;
        Ok(())
    }
}

/// V of one relation.
struct RelationValue {
    relation: Relation,
    /// Place of the covariate among those of a user.
    column: usize,
    population: Population,
    clock: Clock,
    variation: Variation,
    factor: f64,
    /// Centres and spreads by which x and y are scaled.
    x: [f64; 2],
    y: [f64; 2],
}

impl RelationValue {
    fn user(&self, x: f64, history: &History) -> f64 {
        if self.population == Population::Active && history.count == 0 {
            return 0.0;
        }
        let y = self.relation.fact(history, &self.clock);
        y.map_or(0.0, |y| self.factor * self.variation.at(x, (y - self.y[0]) / self.y[1]))
    }
}

impl Frozen for RelationValue {
    fn event(&self, facts: &[f64], before: &History, _: &Event, after: &History) -> f64 {
        let Some(x) = facts.get(self.column) else { return 0.0 };
        let x = (x - self.x[0]) / self.x[1];
        self.user(x, after) - self.user(x, before)
    }
}

#[cfg(test)]
mod tests {
    use trueup_env::{Covariates, Streams, Tick};

    use super::super::witness::{WitnessConfig, WitnessReward};
    use super::super::{Reward, RewardConfig, default_witness_terms};
    use super::*;

    /// Users with a number, a category, and a chance of an event that follows them.
    fn log(users: usize, slope: f64, step: f64, seed: u64) -> EventLog {
        let (mut events, mut values) = (Vec::new(), Vec::new());
        for user in 0..users {
            let mut stream = Streams::new(seed).stream("user", user as u64);
            let (age, region) = (stream.uniform(), stream.below(3) as f64);
            values.extend([20.0 + 60.0 * age, region]);
            let rate = 0.3 + slope * (age - 0.5) + step * (region - 1.0);
            for tick in 0..15 {
                if stream.uniform() < rate {
                    let kind = u16::from(stream.uniform() < 0.3);
                    let amount = ((2.0 + age) * stream.uniform()).exp();
                    events.push((user as u32, Event { tick, kind, amount, balance: f64::NAN }));
                }
            }
        }
        EventLog::new(
            Clock { tick: Tick::Week, horizon: 15, start_day: None },
            vec!["buy".into(), "sell".into()],
            (0..users).map(|user| user.to_string()).collect(),
            events,
            Covariates {
                names: vec!["age".into(), "region".into()],
                values,
                categories: vec![vec![], ["a", "b", "c"].map(String::from).to_vec()],
            },
        )
        .unwrap()
    }

    fn terms(statistics: &Statistics) -> Vec<Term> {
        default_witness_terms(statistics).into_iter().filter(is_relation).collect()
    }

    fn config(terms: Vec<Term>) -> WitnessConfig {
        WitnessConfig { terms: Some(terms), memory: 0.0, ..WitnessConfig::default() }
    }

    /// Where users count by 1 + eta pay, the distance falls at the rate Var(pay), times the factor
    /// sqrt(D^2 + 0.3 / users) / D that levels the pay off: over finite differences of user weights.
    #[test]
    fn pay_is_the_slope_of_the_distance() {
        let statistics = Statistics::of(&log(300, -0.3, 0.1, 1));
        let internal = log(250, 0.3, -0.05, 2);
        let all = terms(&statistics);
        let names: Vec<&str> = all.iter().map(|term| term.feature.as_str()).collect();
        assert_eq!(
            names,
            [
                "age~log_count",
                "age~mean_log_amount",
                "age~share(kind=buy)",
                "region~log_count",
                "region~mean_log_amount",
                "region~share(kind=buy)"
            ]
        );
        for mut term in all {
            term.weight = 1.0;
            let name = term.feature.clone();
            let feature = relation::find_among(&name, Some(internal.kinds())).unwrap();
            let sample = feature.sample(&internal);
            let mut own = RelationTerm::new(&term, &statistics).unwrap();
            let distance = own.look(&internal).unwrap().unwrap();
            let mut reward = WitnessReward::new(&config(vec![term]), &statistics).unwrap();
            let pay = reward.pay(&internal).unwrap();
            assert!((reward.discrepancy() - distance).abs() < 1e-12);
            // V of each user with the fact: what was paid, and V without events, which the definition
            // has at 0 or not at all.
            let paid = |user: usize| -> f64 {
                let range = internal.offsets()[user]..internal.offsets()[user + 1];
                pay.events[range].iter().sum::<f64>() + pay.ends[user]
            };
            let frozen = own.freeze(1.0, Past { memory: 0.0, decay: 0.0 }).unwrap().unwrap();
            let at_start = |user: usize| -> f64 {
                // The first pay of somebody with one event is V after it less V before it.
                let event = Event { tick: 0, kind: 0, amount: 1.0, balance: f64::NAN };
                let mut after = History::default();
                after.push(&event);
                let facts = internal.covariates().row(user);
                let first = frozen.event(facts, &History::default(), &event, &after);
                value(&own, facts, &after) - first
            };
            let values: Vec<f64> = sample
                .user
                .iter()
                .map(|&user| paid(user as usize) + at_start(user as usize))
                .collect();
            let rho = sample.rows() as f64 / internal.user_count() as f64;
            let distance_at = |eta: f64| {
                let mut sums = Sums::new(sample.categories);
                for (row, v) in sample.values.chunks_exact(2).zip(&values) {
                    sums.add(1.0 + eta * v, row[0], row[1]);
                }
                own.squared(&sums).sqrt()
            };
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            assert!(mean.abs() < 1e-9, "{name}: {mean}");
            let variance = values.iter().map(|v| v * v).sum::<f64>() / values.len() as f64;
            let slope = (distance_at(1e-5) - distance_at(-1e-5)) / 2e-5;
            let levelled = (distance.powi(2) + 0.3 / sample.rows() as f64).sqrt() / distance;
            let expected = -variance * levelled * rho;
            assert!(
                (slope / expected - 1.0).abs() < 1e-4 && variance > 0.0,
                "{name}: slope {slope}, expected {expected}"
            );
        }
    }

    /// V of a user, from the term as it stands.
    fn value(own: &RelationTerm, facts: &[f64], history: &History) -> f64 {
        let p = own.now.as_ref().unwrap();
        let strengths = p.strengths().unwrap();
        let variation = Variation::new(&strengths, &own.strengths, &own.shares, LEAST_SPREAD);
        let (users, rows, column) = own.rollout;
        let [mean, sd] = own.centre.unwrap();
        let factor = -0.5 / ((own.squared(p) + 0.3 / users as f64).sqrt() * rows);
        let y = own.relation.fact(history, &own.clock).unwrap();
        factor * variation.at((facts[column] - mean) / sd, (y - own.scale[0]) / own.scale[1])
    }

    /// Users whose chance of an event is a function of what they are: paid by the relations alone, and
    /// by the number of events, they come to go with age and region as the real ones do.
    #[test]
    fn a_policy_that_sees_covariates_finds_the_sign() {
        let real = log(600, -0.3, 0.1, 1);
        let statistics = Statistics::of(&real);
        let mut terms = terms(&statistics);
        terms.retain(|term| term.feature.ends_with("log_count"));
        terms.push(Term {
            feature: "log_count".into(),
            discrepancy: "cramer-von-mises".into(),
            weight: 1.0,
        });
        let config = WitnessConfig { terms: Some(terms), ..WitnessConfig::default() };
        let mut reward = RewardConfig::Witness(config).build(&statistics).unwrap();
        // Logits: a constant, a slope by age, and one a region; they start at the wrong sign.
        let mut weights = [-0.8, 1.0, -0.3, 0.0, 0.3];
        let relation = |log: &EventLog, name: &str| {
            let feature = relation::find_among(name, None).unwrap();
            let sample = feature.sample(log);
            let mut sums = Sums::new(sample.categories);
            sample.values.chunks_exact(2).for_each(|row| sums.add(1.0, row[0], row[1]));
            sums.strengths().unwrap().values
        };
        let mut last = None;
        for iteration in 0..150 {
            let facts = log(300, 0.0, 0.0, 100 + iteration);
            let sees = |user: usize| {
                let row = facts.covariates().row(user);
                let mut sees = [1.0, (row[0] - 50.0) / 30.0, 0.0, 0.0, 0.0];
                sees[2 + row[1] as usize] = 1.0;
                sees
            };
            let mut events = Vec::new();
            let mut scores = Vec::new();
            for user in 0..facts.user_count() {
                let mut stream =
                    Streams::new(7).child("act", iteration).stream("user", user as u64);
                let sees = sees(user);
                let logit: f64 = sees.iter().zip(weights).map(|(s, w)| s * w).sum();
                let p = 1.0 / (1.0 + (-logit).exp());
                let mut score = 0.0;
                for tick in 0..15 {
                    let acts = stream.uniform() < p;
                    score += f64::from(u8::from(acts)) - p;
                    if acts {
                        let event = Event { tick, kind: 0, amount: 1.0, balance: f64::NAN };
                        events.push((user as u32, event));
                    }
                }
                scores.push(sees.map(|s| s * score));
            }
            let rollout = EventLog::new(
                *facts.clock(),
                facts.kinds().to_vec(),
                facts.users().to_vec(),
                events,
                facts.covariates().clone(),
            )
            .unwrap();
            let pay = reward.pay(&rollout).unwrap();
            for (user, score) in scores.iter().enumerate() {
                let range = rollout.offsets()[user]..rollout.offsets()[user + 1];
                let own: f64 = pay.events[range].iter().sum::<f64>() + pay.ends[user];
                let step = 0.15 * own / rollout.user_count() as f64;
                weights.iter_mut().zip(score).for_each(|(weight, s)| *weight += step * s);
            }
            last = Some(rollout);
        }
        let last = last.unwrap();
        for name in ["age~log_count", "region~log_count"] {
            let (real, own) = (relation(&real, name), relation(&last, name));
            for (real, own) in real.iter().zip(own) {
                assert!((real - own).abs() < 0.2, "{name}: real {real}, learned {own}");
            }
        }
        assert!(relation(&last, "age~log_count")[0] < -0.3);
    }

    #[test]
    fn what_cannot_be_paid_is_refused_and_what_is_remembered_comes_back() {
        let statistics = Statistics::of(&log(200, -0.3, 0.1, 1));
        let term = |feature: &str, discrepancy: &str| Term {
            feature: feature.into(),
            discrepancy: discrepancy.into(),
            weight: 1.0,
        };
        let refused = |terms: Vec<Term>| {
            WitnessReward::new(&config(terms), &statistics).err().unwrap().to_string()
        };
        assert!(refused(vec![term("age~log_count", "energy-nd")]).contains("relation-gap"));
        assert!(refused(vec![term("height~log_count", "relation-gap")]).contains("no rows"));
        let twice = vec![term("age~log_count", "relation-gap"); 2];
        assert!(refused(twice).contains("twice"));
        let shared = r#"{"kind": "shared", "terms": [{"feature": "age~log_count", "discrepancy": "relation-gap"}]}"#;
        let shared: RewardConfig = serde_json::from_str(shared).unwrap();
        let error = shared.build(&statistics).err().unwrap().to_string();
        assert!(error.contains("only the reward `witness`"), "{error}");

        let terms = terms(&statistics);
        let new = || {
            let config = WitnessConfig { terms: Some(terms.clone()), ..WitnessConfig::default() };
            WitnessReward::new(&config, &statistics).unwrap()
        };
        let logs = [2, 3, 4].map(|seed| log(90, 0.2, 0.0, seed));
        let (mut first, mut second) = (new(), new());
        first.pay(&logs[0]).unwrap();
        first.pay(&logs[1]).unwrap();
        second.restore(&first.state()).unwrap();
        let [a, b] = [&mut first, &mut second].map(|reward| reward.pay(&logs[2]).unwrap());
        assert!(a == b && a.events.iter().any(|pay| *pay != 0.0));
        assert_eq!(first.state(), second.state());
        let state = first.state();
        assert!((0..state.len()).step_by(37).all(|cut| second.restore(&state[..cut]).is_err()));
        // Nobody does anything: nothing is paid, and nothing goes wrong.
        let idle = EventLog::new(
            *logs[0].clock(),
            logs[0].kinds().to_vec(),
            logs[0].users().to_vec(),
            [],
            logs[0].covariates().clone(),
        );
        assert!(first.pay(&idle.unwrap()).unwrap().ends.iter().all(|end| *end == 0.0));
    }
}
