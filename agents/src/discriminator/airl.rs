//! Adversarial inverse reinforcement learning (Fu, Luo and Levine, *Learning robust rewards with
//! adversarial inverse reinforcement learning*, ICLR 2018), with gamma 1.
//!
//! The logit of "real" at a step from s to s' by the action a is
//!
//! `f(s, a, s') - ln pi(a | s)`, `f = g(s, a) + h(s') - h(s)`
//!
//! with the policy pi that acted, so that `D = exp f / (exp f + pi)`. h is 0 after the last step.
//! g is the recovered reward ([`Airl::recovered`]), h the shaping: the pay of a user holds it only
//! as -h at his first step.
//!
//! What is paid is the whole logit `f - ln pi`, centred over the steps of the rollout, over the
//! steps per user. It is what the policy gradient of a KL divergence asks for (see
//! [`super::gail`]); g alone has no entropy in it, and the best policy for it is a single action.
//! Centring matters more than usual: every event adds a step, and -ln pi is positive.
//!
//! The discriminator is fitted on all steps with an event and on a share of the others, with the
//! inverse weight. Steps of earlier rollouts keep the probabilities of the policy that took them.

use trueup_calibration::calibrator::CalibrationError;
use trueup_calibration::features::FEATURES;
use trueup_calibration::reward::Term;
use trueup_calibration::reward::state::{Reader, Writer};
use trueup_env::{CheckedWorld, EventLog, Streams};

use super::config::AirlConfig;
use super::fit::Fit;
use super::gail::{centred, seen_terms};
use super::rows::{Rows, Sample, at_most};
use super::shaped::Shaped;
use super::steps::StepFeatures;
use crate::amounts::Amounts;
use crate::clones::{Demonstrations, thin};
use crate::step_reward::{StepReward, Steps, finite, inner};

/// Name in configs and results.
pub const NAME: &str = "airl";

/// The smallest log probability that counts: beyond it, an action is impossible anyway.
const LEAST_LOG: f32 = -20.0;

/// The reward `airl`.
pub struct Airl {
    terms: Vec<Term>,
    features: StepFeatures,
    /// The kept decisions of real users, one a row of the fit's real rows.
    real: Demonstrations,
    idle_share: f64,
    fit: Fit<Shaped>,
    discrepancy: f64,
}

impl Airl {
    /// Makes the reward from real users. The config must have been checked.
    ///
    /// # Errors
    /// A log of another world, or one without users.
    pub fn new(
        config: &AirlConfig,
        world: &CheckedWorld,
        train: &EventLog,
        amounts: &Amounts,
        streams: &Streams,
    ) -> Result<Self, CalibrationError> {
        let own = streams.child(NAME, 0);
        let all = Demonstrations::record(world, train, amounts, &own)
            .map_err(|error| inner(NAME, error))?;
        if all.rows() == 0 {
            return Err(cannot("the training log has no users".into()));
        }
        let (kept, idle_weight) = thin(&all.whole, config.idle_share, &own);
        if kept.is_empty() {
            let share = config.idle_share;
            let why = "the training log has no events, and no decision for nothing was drawn";
            return Err(cannot(format!("{why}: raise idle_share (now {share})")));
        }
        let kept = at_most(kept, &mut own.stream("kept", 0));

        let mut features = StepFeatures::new(world, amounts);
        let which = kept.iter().map(|&row| row as usize);
        let rows = features.rows(&all.observations, &all.whole, all.size, which);
        let mut sample = Sample { rows, weights: weights(&all.whole, &kept, idle_weight) };
        features.standardise(&mut sample);
        sample.rows = link(&features, &all.observations, &all.whole, all.size, &all.lane, &kept);
        let real = all.select(&kept);

        let discriminator = config.discriminator.clone();
        let score = Shaped::new(features.state(), features.width(), &discriminator, &own);
        Ok(Self {
            terms: seen_terms(NAME, &FEATURES.iter().map(|f| f.name).collect::<Vec<_>>()),
            features,
            real,
            idle_share: config.idle_share,
            fit: Fit::new(score, sample, discriminator),
            discrepancy: f64::NAN,
        })
    }

    /// The recovered reward g of decisions: observations (rows x size), kinds and bins (rows x 2).
    pub fn recovered(&self, observations: &[f32], whole: &[u16]) -> Vec<f32> {
        let count = whole.len() / 2;
        let rows = self.features.rows(observations, whole, self.real.size, 0..count);
        self.fit.score.reward.outputs(&rows)
    }

    /// The policy's probabilities of what real users did.
    fn judge_real(&mut self, steps: &Steps<'_>) -> Result<(), CalibrationError> {
        let logs = (steps.likelihood)(&self.real.choices());
        if logs.len() != self.real.rows() {
            let (given, wanted) = (logs.len(), self.real.rows());
            return Err(cannot(format!("{given} likelihoods for {wanted} real decisions")));
        }
        set_logs(&mut self.fit.real.rows, &logs)
    }
}

fn cannot(why: String) -> CalibrationError {
    CalibrationError::CannotFit { calibrator: NAME, why }
}

/// 1 for rows with an event, `idle` for others.
fn weights(whole: &[u16], kept: &[u32], idle: f32) -> Vec<f32> {
    kept.iter().map(|&row| if whole[row as usize * 2] > 0 { 1.0 } else { idle }).collect()
}

/// Writes log probabilities into the last column.
fn set_logs(rows: &mut Rows, logs: &[f32]) -> Result<(), CalibrationError> {
    let width = rows.width;
    for (i, (row, log)) in rows.values.chunks_exact_mut(width).zip(logs).enumerate() {
        if log.is_nan() {
            return Err(cannot(format!("the log probability of decision {i} is NaN")));
        }
        row[width - 1] = log.clamp(LEAST_LOG, 0.0);
    }
    Ok(())
}

/// Rows as [`Shaped`] wants them, log probabilities still 0: each decision of `kept` with what its
/// user saw at his next one.
fn link(
    features: &StepFeatures,
    observations: &[f32],
    whole: &[u16],
    size: usize,
    lane: &[u32],
    kept: &[u32],
) -> Rows {
    const NONE: usize = usize::MAX;
    let lanes = lane.iter().max().map_or(0, |&lane| lane as usize + 1);
    let mut latest = vec![NONE; lanes];
    let mut next = vec![NONE; lane.len()];
    for (row, &lane) in lane.iter().enumerate().rev() {
        next[row] = std::mem::replace(&mut latest[lane as usize], row);
    }
    let rows = kept.iter().map(|&row| row as usize);
    let here = features.rows(observations, whole, size, rows.clone());
    // After the last step anything may stand there: it does not count.
    let after = rows.map(|row| if next[row] == NONE { row } else { next[row] });
    let after = features.rows(observations, whole, size, after);
    let mut linked = Rows::new(Shaped::width(features.state(), features.width()));
    for (i, &row) in kept.iter().enumerate() {
        linked.values.extend_from_slice(here.row(i));
        linked.values.extend_from_slice(&after.row(i)[..features.state()]);
        linked.values.push(if next[row as usize] == NONE { 0.0 } else { 1.0 });
        linked.values.push(0.0);
    }
    linked
}

impl StepReward for Airl {
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
        if steps.size != self.real.size {
            let (given, size) = (steps.size, self.real.size);
            return Err(cannot(format!("observations have {given} numbers, not {size}")));
        }
        if steps.rows() == 0 {
            return Ok(Vec::new());
        }
        self.judge_real(steps)?;
        let every: Vec<u32> = (0..steps.rows() as u32).collect();
        let (observations, whole, size) = (steps.observations, steps.whole, steps.size);
        let mut all = link(&self.features, observations, whole, size, steps.lane, &every);
        set_logs(&mut all, steps.log_probability)?;
        let (kept, idle_weight) = thin(whole, self.idle_share, streams);
        let weights = weights(whole, &kept, idle_weight);
        let now = Sample { rows: all.select(&kept), weights };
        if !now.is_empty() {
            self.discrepancy = self.fit.refit(&now, streams).sqrt();
        }
        let logits = super::fit::Score::logits(&self.fit.score, &all);
        finite(centred(&logits, steps.lanes), steps, NAME)
    }

    /// The root of the Jensen-Shannon divergence (a distance, 0 to 0.83) that the discriminator
    /// sees between the steps of real and simulated users.
    fn discrepancy(&self) -> f64 {
        self.discrepancy
    }

    fn state(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.text(NAME);
        writer.doubles(&[self.discrepancy]);
        self.fit.score.reward.write(&mut writer);
        self.fit.score.potential.write(&mut writer);
        self.fit.write_memory(&mut writer);
        writer.finish()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), CalibrationError> {
        let wrong = |error| inner(NAME, error);
        let mut reader = Reader::new(state);
        reader.expect(NAME).map_err(wrong)?;
        let discrepancy = reader.doubles("the discrepancy").map_err(wrong)?;
        let reward = self.fit.score.reward.read(&mut reader).map_err(wrong)?;
        let potential = self.fit.score.potential.read(&mut reader).map_err(wrong)?;
        let memory = self.fit.read_memory(&mut reader).map_err(wrong)?;
        reader.end().map_err(wrong)?;
        self.discrepancy = discrepancy.first().copied().unwrap_or(f64::NAN);
        (self.fit.score.reward, self.fit.score.potential) = (reward, potential);
        self.fit.memory = memory;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use trueup_env::{Clock, Tick};

    use super::*;
    use crate::personas::{Personas, PersonasConfig};
    use crate::policy::simulate;
    use crate::test_world::{HORIZON, statistics, world};

    /// Each row holds what its user sees next, and his last row says that there is nothing more.
    #[test]
    fn steps_are_linked_to_the_next_of_the_same_user() -> Result<(), CalibrationError> {
        let personas = Personas::new(PersonasConfig::default(), world(), &statistics());
        let log = simulate(&world(), &personas, 40, &Streams::new(1))?;
        let amounts = Amounts::new(&statistics(), 4);
        let all = Demonstrations::record(&world(), &log, &amounts, &Streams::new(2));
        let all = all.map_err(|error| inner(NAME, error))?;
        let features = StepFeatures::new(&world(), &amounts);
        let every: Vec<u32> = (0..all.rows() as u32).collect();
        let (observations, whole) = (&all.observations, &all.whole);
        let linked = link(&features, observations, whole, all.size, &all.lane, &every);
        let (input, state) = (features.width(), features.state());
        let mut last = 0;
        for row in 0..all.rows() {
            let next = (row + 1..all.rows()).find(|&next| all.lane[next] == all.lane[row]);
            let live = linked.row(row)[input + state];
            match next {
                Some(next) => {
                    assert_eq!(linked.row(row)[input..input + state], linked.row(next)[..state]);
                    assert_eq!(live, 1.0);
                }
                None => {
                    assert_eq!(live, 0.0);
                    last += 1;
                }
            }
        }
        assert_eq!(last, 40);
        let some = link(&features, observations, whole, all.size, &all.lane, &[17, 3]);
        assert_eq!((some.row(0), some.row(1)), (linked.row(17), linked.row(3)));
        Ok(())
    }

    /// One user who never acts: with a share of 1/1000 of his decisions, mostly none is drawn.
    #[test]
    fn a_log_of_which_nothing_is_kept_is_refused() {
        let clock = Clock { tick: Tick::Week, horizon: HORIZON, start_day: None };
        let kinds = vec!["purchase".into()];
        let users = vec!["a".into()];
        let log = EventLog::new(clock, kinds, users, [], Default::default()).unwrap();
        let amounts = Amounts::new(&statistics(), 4);
        let new = |idle_share, seed| {
            let config = AirlConfig { idle_share, ..AirlConfig::default() };
            Airl::new(&config, &world(), &log, &amounts, &Streams::new(seed)).err()
        };
        let refused: Vec<String> =
            (0..20).filter_map(|seed| new(1e-3, seed)).map(|error| error.to_string()).collect();
        assert!(refused.len() >= 18, "{refused:?}");
        assert!(refused.iter().all(|error| error.contains("raise idle_share")), "{refused:?}");
        assert!(new(1.0, 1).is_none());
    }

    #[test]
    fn log_probabilities_are_cut_to_what_a_logit_can_hold() {
        let mut rows = Rows { width: 2, values: vec![0.0; 8] };
        set_logs(&mut rows, &[-1.0, f32::NEG_INFINITY, 0.0, 1e-7]).unwrap();
        assert_eq!(rows.values, [0.0, -1.0, 0.0, LEAST_LOG, 0.0, 0.0, 0.0, 0.0]);
        let error = set_logs(&mut rows, &[-1.0, f32::NAN]).unwrap_err();
        assert!(error.to_string().contains("decision 1 is NaN"));
    }
}
