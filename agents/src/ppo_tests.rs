//! The loop on rollouts that are as odd as they get.

use trueup_calibration::calibrator::Silent;

use super::*;
use crate::architecture::{Activation, Head};
use crate::experience::Judgement;
use crate::fused::FusedLearner;
use crate::rollout::{End, Ending, Rollout};

/// Rollouts of one lane, judged by a list of scores.
struct Odd {
    rows: usize,
    reward: f32,
    /// The judgement of the start.
    start: Option<f64>,
    scores: Vec<f64>,
}

impl Experience for Odd {
    fn name(&self) -> String {
        "odd".into()
    }

    fn collect(&mut self, _network: &Network, _streams: &Streams) -> Result<Rollout, Failed> {
        let rows = self.rows;
        let end = rows.checked_sub(1).map(|row| End { row: row as u32, ending: Ending::GoesOn });
        Ok(Rollout {
            size: 2,
            lanes: 1,
            observations: vec![0.5; rows * 2],
            lane: vec![0; rows],
            whole: vec![1; rows],
            log_probability: vec![-0.7; rows],
            rewards: vec![self.reward; rows],
            ends: end.into_iter().collect(),
            last_observations: vec![0.5; rows.min(1) * 2],
            ..Rollout::default()
        })
    }

    fn metrics(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }

    fn seconds(&self) -> [f64; 2] {
        [0.0; 2]
    }

    fn judge(
        &mut self,
        _network: &Network,
        done: usize,
        _total: usize,
    ) -> Result<Option<Judgement>, Failed> {
        let score = match done.checked_sub(1) {
            None => self.start,
            Some(i) => self.scores.get(i).copied(),
        };
        Ok(Some(Judgement { score, metrics: Vec::new() }))
    }

    fn state(&self) -> Vec<u8> {
        Vec::new()
    }

    fn restore(&mut self, _state: &[u8]) -> Result<(), Failed> {
        Ok(())
    }
}

fn run(mut odd: Odd, iterations: usize) -> Result<Trained, TrainError> {
    let architecture = Architecture {
        observation: 2,
        hidden: vec![4],
        activation: Activation::Tanh,
        shared: false,
        head: Head::Discrete { choices: vec![2] },
    };
    let parameters = architecture.initial(&mut Streams::new(1).stream("network", 0));
    let mut learner = FusedLearner::new(&Network { architecture, parameters }).unwrap();
    let plan = Plan {
        config: &PpoConfig::default(),
        iterations,
        streams: Streams::new(2),
        reference: None,
        checkpoints: None,
        progress: &Silent,
    };
    train(&mut odd, &mut learner, &plan)
}

/// Fewer rows than minibatches, down to none at all.
#[test]
fn rollouts_of_few_rows_train() {
    for rows in [0, 1, 3] {
        let trained = run(Odd { rows, reward: 1.0, start: None, scores: vec![] }, 2).unwrap();
        assert_eq!((trained.env_steps, trained.best), (2 * rows as u64, None));
        assert!(trained.network.parameters.iter().all(|p| p.is_finite()), "{rows} rows");
    }
}

#[test]
fn a_reward_that_is_not_a_number_stops_the_run() {
    let error = run(Odd { rows: 5, reward: f32::NAN, start: None, scores: vec![] }, 2).unwrap_err();
    assert!(matches!(error, TrainError::NotFinite { iteration: 1, .. }), "{error}");
}

#[test]
fn a_judgement_that_is_not_a_number_chooses_nothing() {
    let scores = vec![f64::NAN, 3.0, f64::NEG_INFINITY, 5.0];
    let best = run(Odd { rows: 5, reward: 1.0, start: None, scores }, 4).unwrap().best.unwrap();
    assert_eq!((best.iteration, best.score), (2, 3.0));
    let none = run(Odd { rows: 5, reward: 1.0, start: None, scores: vec![f64::NAN] }, 1).unwrap();
    assert_eq!(none.best, None);
}

/// Weights that no training has made better are those that it started from, and it is told how
/// training ended; once it is better, nothing is.
#[test]
fn a_training_in_vain_ships_the_start_and_says_so() {
    let run = |scores| run(Odd { rows: 5, reward: 1.0, start: Some(2.0), scores }, 2).unwrap();
    let (worse, even) = (run(vec![2.5, 3.0]), run(vec![3.0, 2.0]));
    for (trained, ended) in [(&worse, 3.0), (&even, 2.0)] {
        assert_eq!(trained.best.as_ref().map(|best| best.iteration), Some(0));
        assert_eq!(trained.in_vain, Some(ended));
    }
    assert_eq!(worse.network, even.network);
    let better = run(vec![1.5, 3.0]);
    assert_eq!((better.best.map(|best| best.iteration), better.in_vain), (Some(1), None));
    assert_ne!(better.network, worse.network);
}
