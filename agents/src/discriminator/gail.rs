//! Generative adversarial imitation (Ho and Ermon, *Generative adversarial imitation learning*,
//! NeurIPS 2016): pays the log-odds of a discriminator that tells real from simulated.
//!
//! At its best the logit is `f = ln q / p`, q and p being the densities of the real and the
//! simulated rows: minus the first variation of KL(p, q). It is paid as the witness reward pays
//! its own variations:
//!
//! - events: `(f(x) - mean f) / rho`, the mean being over the events of the rollout and rho its
//!   events per user. The centred form is the variation of a distribution of rows by the law of
//!   users; without it a positive f would pay for volume;
//! - users: at each event the change `f(after) - f(before)` of the running user vector. The pay of a
//!   user telescopes to f at the end less f of a user without events, which is the same for all.
//!   Among active users, a user without events is worth what active users are worth on average.
//!
//! A user's rows all last one window, so no length of an episode leaks reward.

use trueup_calibration::calibrator::CalibrationError;
use trueup_calibration::features::FEATURES;
use trueup_calibration::population::Population;
use trueup_calibration::reward::Term;
use trueup_calibration::reward::state::{Reader, Writer};
use trueup_calibration::reward::witness::MIN_ROWS_PER_USER;
use trueup_calibration::statistics::Statistics;
use trueup_env::{CheckedWorld, EventLog, Streams};

use super::config::{GailConfig, Level};
use super::fit::{Fit, Score};
use super::network::Network;
use super::rows::{Rows, Sample, at_most};
use super::steps::StepFeatures;
use super::users::{self, UserVector};
use crate::amounts::Amounts;
use crate::clones::Demonstrations;
use crate::step_reward::{StepReward, Steps, finite, inner};

/// Name in configs and results.
pub const NAME: &str = "gail";

/// The reward `gail`.
pub struct Gail {
    terms: Vec<Term>,
    events: Option<Events>,
    users: Option<Users>,
    discrepancy: f64,
}

struct Events {
    features: StepFeatures,
    size: usize,
    fit: Fit<Network>,
    weight: f64,
}

struct Users {
    vector: UserVector,
    fit: Fit<Network>,
    weight: f64,
}

impl Gail {
    /// Makes the reward from real users. The config must have been checked.
    ///
    /// # Errors
    /// A log of another world, or one without users, or events where these are looked at.
    pub fn new(
        config: &GailConfig,
        world: &CheckedWorld,
        train: &EventLog,
        statistics: &Statistics,
        amounts: &Amounts,
        streams: &Streams,
    ) -> Result<Self, CalibrationError> {
        if train.user_count() == 0 {
            return Err(cannot("the training log has no users".into()));
        }
        let on = |level: Level| [level, Level::Both].contains(&config.level);
        let chosen = users::chosen(config.features.as_deref())
            .map_err(|why| cannot(format!("features {why}")))?;
        let seen: Vec<&str> = if on(Level::Events) {
            // An observation holds the running features of the user.
            FEATURES.iter().map(|feature| feature.name).collect()
        } else {
            chosen.iter().map(|(name, _)| *name).collect()
        };
        let users = on(Level::Users).then(|| {
            let vector = UserVector::new(&chosen, statistics);
            let real = vector.finals(train);
            let mut stream = streams.child("gail", 0).stream("kept users", 0);
            let kept = at_most((0..real.len() as u32).collect(), &mut stream);
            let real = Sample::even(real.select(&kept));
            Users { fit: fit(config, real, "users", streams), vector, weight: config.users_weight }
        });
        let events = if on(Level::Events) {
            Some(Events::new(config, world, train, amounts, streams)?)
        } else {
            None
        };
        Ok(Self { terms: seen_terms(NAME, &seen), events, users, discrepancy: f64::NAN })
    }
}

/// One term a feature, with the name of the reward as its discrepancy.
pub(super) fn seen_terms(reward: &str, features: &[&str]) -> Vec<Term> {
    let term = |feature: &&str| Term {
        feature: (*feature).into(),
        discrepancy: reward.into(),
        weight: 1.0,
    };
    features.iter().map(term).collect()
}

fn fit(config: &GailConfig, real: Sample, level: &str, streams: &Streams) -> Fit<Network> {
    let config = config.discriminator.clone();
    let mut stream = streams.child("gail", 0).stream(level, 0);
    let inputs = real.rows.width;
    let network = Network::new(inputs, &config.hidden, config.lipschitz, &mut stream);
    Fit::new(network, real, config)
}

fn cannot(why: String) -> CalibrationError {
    CalibrationError::CannotFit { calibrator: NAME, why }
}

impl Events {
    fn new(
        config: &GailConfig,
        world: &CheckedWorld,
        train: &EventLog,
        amounts: &Amounts,
        streams: &Streams,
    ) -> Result<Self, CalibrationError> {
        let own = streams.child("gail", 1);
        let real = Demonstrations::record(world, train, amounts, &own)
            .map_err(|error| inner(NAME, error))?;
        let mut features = StepFeatures::new(world, amounts);
        let kept = acting(&real.whole).map(|row| row as u32).collect();
        let kept = at_most(kept, &mut own.stream("kept events", 0));
        let kept = kept.into_iter().map(|row| row as usize);
        let rows = features.rows(&real.observations, &real.whole, real.size, kept);
        if rows.is_empty() {
            return Err(cannot("the training log has no events: use level = \"users\"".into()));
        }
        let mut sample = Sample::even(rows);
        features.standardise(&mut sample);
        let fit = fit(config, sample, "events", streams);
        Ok(Self { features, size: real.size, fit, weight: config.events_weight })
    }

    /// Refits; the pay of each row, centred over the events, and the divergence.
    fn pay(
        &mut self,
        steps: &Steps<'_>,
        streams: &Streams,
    ) -> Result<(Vec<f32>, f64), CalibrationError> {
        if steps.size != self.size {
            let (given, size) = (steps.size, self.size);
            return Err(cannot(format!("observations have {given} numbers, not {size}")));
        }
        let acting: Vec<usize> = acting(steps.whole).collect();
        if acting.is_empty() {
            return Err(cannot(
                "no simulated user has an event, so there is nothing to tell apart: use \
                 level = \"both\""
                    .into(),
            ));
        }
        let rows = acting.iter().copied();
        let now = self.features.rows(steps.observations, steps.whole, steps.size, rows);
        let now = Sample::even(now);
        let divergence = self.fit.refit(&now, streams);
        let pays = centred(&self.fit.score.logits(&now.rows), steps.lanes);
        let mut rewards = vec![0.0; steps.rows()];
        acting.iter().zip(pays).for_each(|(&row, pay)| rewards[row] = pay);
        Ok((rewards, divergence))
    }
}

impl Users {
    /// Refits; the pay of each row, and the divergence.
    fn pay(&mut self, steps: &Steps<'_>, log: &EventLog, streams: &Streams) -> (Vec<f32>, f64) {
        let running = self.vector.running(log);
        let empty = self.vector.empty();
        let mut finals = Rows::new(self.vector.width());
        let inactive = match self.vector.population {
            Population::All => Some(empty.row(0)),
            Population::Active => None,
        };
        for user in log.offsets().windows(2) {
            let last = if user[0] < user[1] { Some(running.row(user[1] - 1)) } else { inactive };
            finals.values.extend(last.into_iter().flatten());
        }
        if finals.is_empty() {
            // Nobody is active: there is nothing to tell apart, and nothing to pay.
            return (steps.spread(log, &[], &vec![0.0; log.user_count()]), 0.0);
        }
        let finals = Sample::even(finals);
        let divergence = self.fit.refit(&finals, streams);
        let start = match inactive {
            Some(_) => self.fit.score.logits(&empty).first().copied().unwrap_or(0.0),
            None => {
                let logits = self.fit.score.logits(&finals.rows);
                let sum: f64 = logits.iter().map(|&logit| f64::from(logit)).sum();
                (sum / logits.len().max(1) as f64) as f32
            }
        };
        let after = self.fit.score.logits(&running);
        let mut pays = Vec::with_capacity(after.len());
        for user in log.offsets().windows(2) {
            let mut before = start;
            for &potential in &after[user[0]..user[1]] {
                pays.push(f64::from(potential) - f64::from(before));
                before = potential;
            }
        }
        (steps.spread(log, &pays, &vec![0.0; log.user_count()]), divergence)
    }
}

/// Rows that chose a kind.
fn acting(whole: &[u16]) -> impl Iterator<Item = usize> + '_ {
    whole.chunks_exact(2).enumerate().filter(|(_, whole)| whole[0] > 0).map(|(row, _)| row)
}

/// Logits less their mean, over the rows per user.
pub(super) fn centred(logits: &[f32], lanes: usize) -> Vec<f32> {
    let count = logits.len() as f64;
    let mean = logits.iter().map(|&l| f64::from(l)).sum::<f64>() / count;
    let rows = (count / lanes.max(1) as f64).max(MIN_ROWS_PER_USER);
    logits.iter().map(|&l| ((f64::from(l) - mean) / rows) as f32).collect()
}

impl StepReward for Gail {
    fn name(&self) -> &'static str {
        NAME
    }

    fn terms(&self) -> &[Term] {
        &self.terms
    }

    fn pay(
        &mut self,
        steps: &Steps<'_>,
        log: &EventLog,
        streams: &Streams,
    ) -> Result<Vec<f32>, CalibrationError> {
        steps.check(log, NAME)?;
        let mut parts = Vec::new();
        if let Some(users) = &mut self.users {
            let (pays, divergence) = users.pay(steps, log, &streams.child("users", 0));
            parts.push((pays, divergence, users.weight));
        }
        if let Some(events) = &mut self.events {
            let (pays, divergence) = events.pay(steps, &streams.child("events", 0))?;
            parts.push((pays, divergence, events.weight));
        }
        let total: f64 = parts.iter().map(|(.., weight)| weight).sum();
        let mut rewards = vec![0.0; steps.rows()];
        self.discrepancy = 0.0;
        for (pays, divergence, weight) in parts {
            self.discrepancy += weight / total * divergence.sqrt();
            rewards.iter_mut().zip(pays).for_each(|(sum, pay)| *sum += weight as f32 * pay);
        }
        finite(rewards, steps, NAME)
    }

    /// The root of the Jensen-Shannon divergence (a distance, 0 to 0.83) that the discriminators
    /// see; of two, the weighted mean.
    fn discrepancy(&self) -> f64 {
        self.discrepancy
    }

    fn state(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.text(NAME);
        writer.doubles(&[self.discrepancy]);
        for (level, fit) in self.fits() {
            writer.text(level);
            fit.score.write(&mut writer);
            fit.write_memory(&mut writer);
        }
        writer.finish()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), CalibrationError> {
        let wrong = |error| inner(NAME, error);
        let mut reader = Reader::new(state);
        reader.expect(NAME).map_err(wrong)?;
        let discrepancy = reader.doubles("the discrepancy").map_err(wrong)?;
        let mut read = Vec::new();
        for (level, fit) in self.fits() {
            reader.expect(level).map_err(wrong)?;
            let network = fit.score.read(&mut reader).map_err(wrong)?;
            read.push((network, fit.read_memory(&mut reader).map_err(wrong)?));
        }
        reader.end().map_err(wrong)?;
        self.discrepancy = discrepancy.first().copied().unwrap_or(f64::NAN);
        let users = self.users.iter_mut().map(|users| &mut users.fit);
        let fits = users.chain(self.events.iter_mut().map(|events| &mut events.fit));
        for (fit, (network, memory)) in fits.zip(read) {
            (fit.score, fit.memory) = (network, memory);
        }
        Ok(())
    }
}

impl Gail {
    fn fits(&self) -> impl Iterator<Item = (&'static str, &Fit<Network>)> {
        let users = self.users.iter().map(|users| ("users", &users.fit));
        users.chain(self.events.iter().map(|events| ("events", &events.fit)))
    }
}
