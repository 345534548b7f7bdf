//! Runs that wait for each other: all trials come to a rung, some go on from it.
//!
//! The rule stands in the plan, so that every process knows where a run has to stop. A run that came
//! to its rung says so in `paused.json`; decisions are in `rungs.jsonl` ([`super::rungs`]). Who works,
//! and when, has no part in a decision.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::objective::Direction;
use super::plan::{Phase, PlannedTrial};
use super::rungs::RungDecision;
use crate::error::ResultsError;
use crate::files::{read_json, write_atomically};
use crate::metrics::Metric;

/// What `[sweep.prune]` asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pruning {
    /// Which trials go on.
    #[serde(flatten)]
    pub rule: PruningRule,
    /// What is compared: a value of `metrics.jsonl`, the last up to the rung.
    pub metric: String,
    /// Which way it is better.
    pub direction: Direction,
}

/// Which trials go on from a rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "lowercase")]
pub enum PruningRule {
    /// The best 1 / eta of all that came to the rung.
    Halving {
        /// Iterations of the first rung.
        first: u64,
        /// How many times the iterations of one rung the next has.
        eta: u64,
    },
    /// Those that are no worse than the median of the trials that were finished.
    Median {
        /// Iterations of the first rung.
        first: u64,
        /// Iterations between rungs.
        every: u64,
        /// Trials at the start that are finished whatever they give.
        startup: usize,
    },
}

impl Pruning {
    /// Rungs in ascending order, without end.
    pub fn rungs(&self) -> impl Iterator<Item = u64> {
        let rule = self.rule;
        let start = match rule {
            PruningRule::Halving { first, .. } | PruningRule::Median { first, .. } => first.max(1),
        };
        std::iter::successors(Some(start), move |&rung| match rule {
            PruningRule::Halving { eta, .. } => rung.checked_mul(eta.max(2)),
            PruningRule::Median { every, .. } => rung.checked_add(every.max(1)),
        })
    }

    /// The rung at which the runs of a trial have to stop next; none where they go to their end.
    pub fn next_rung(&self, trial: &PlannedTrial, decisions: &[RungDecision]) -> Option<u64> {
        let finishes = match self.rule {
            PruningRule::Median { startup, .. } => trial.index < startup,
            PruningRule::Halving { .. } => false,
        };
        if finishes || trial.phase == Phase::Confirm {
            return None;
        }
        let passed = decisions.iter().filter(|d| d.trial == trial.trial && d.kept);
        let passed = passed.map(|decision| decision.rung).max().unwrap_or(0);
        self.rungs().find(|rung| *rung > passed)
    }

    /// What a run is compared by at a rung, as something to make small: the last value of its
    /// calibrator (any, on a task) up to the rung. None where it has not come there.
    pub fn value(&self, lines: &[Metric], calibrator: Option<&str>, rung: u64) -> Option<f64> {
        let own = |line: &&Metric| calibrator.is_none_or(|name| line.calibrator == name);
        let reached = lines.iter().filter(own).any(|line| line.iteration >= rung);
        let before = lines.iter().filter(own).filter(|line| line.iteration <= rung);
        let last = before.filter_map(|line| line.values.get(&self.metric)).next_back();
        last.filter(|_| reached).map(|value| match self.direction {
            Direction::Minimize => *value,
            Direction::Maximize => -value,
        })
    }
}

/// `paused.json` of a run directory: the run came to its rung and waits for the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Iterations of the rung.
    pub rung: u64,
}

impl Pause {
    const FILE: &'static str = "paused.json";

    /// Whether and where a run waits.
    pub fn read(run: &Path) -> Option<Self> {
        read_json(&run.join(Self::FILE)).ok()
    }

    /// Says that a run waits.
    ///
    /// # Errors
    /// A failed write.
    pub fn write(self, run: &Path) -> Result<(), ResultsError> {
        let path = run.join(Self::FILE);
        let bytes = serde_json::to_vec(&self).map_err(|e| ResultsError::malformed(&path, e))?;
        write_atomically(&path, &bytes)
    }

    /// The run goes on.
    ///
    /// # Errors
    /// A file that cannot be removed.
    pub fn end(run: &Path) -> Result<(), ResultsError> {
        let path = run.join(Self::FILE);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(ResultsError::write(&path, error))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::plan::tests::example;

    fn halving() -> Pruning {
        let rule = PruningRule::Halving { first: 4, eta: 3 };
        Pruning { rule, metric: "validation".into(), direction: Direction::Minimize }
    }

    fn median(startup: usize) -> Pruning {
        Pruning { rule: PruningRule::Median { first: 4, every: 2, startup }, ..halving() }
    }

    fn decision(trial: &str, rung: u64, kept: bool) -> RungDecision {
        RungDecision { rung, trial: trial.into(), value: None, rank: 1, of: 2, kept }
    }

    #[test]
    fn rungs_by_hand() {
        assert_eq!(halving().rungs().take(4).collect::<Vec<_>>(), [4, 12, 36, 108]);
        assert_eq!(median(1).rungs().take(4).collect::<Vec<_>>(), [4, 6, 8, 10]);
        let vast = PruningRule::Halving { first: u64::MAX / 2, eta: 0 };
        assert_eq!(Pruning { rule: vast, ..halving() }.rungs().count(), 2);
    }

    #[test]
    fn a_trial_stops_at_the_rung_after_the_last_that_it_passed() {
        let plan = example();
        let (first, second) = (&plan.trials[0], &plan.trials[1]);
        let passed = [decision(&first.trial, 4, true), decision(&first.trial, 12, true)];
        assert_eq!(halving().next_rung(first, &[]), Some(4));
        assert_eq!(halving().next_rung(first, &passed), Some(36));
        assert_eq!(halving().next_rung(second, &passed), Some(4));
        // The first trials are what others are compared with.
        assert_eq!(median(1).next_rung(first, &[]), None);
        assert_eq!(median(1).next_rung(second, &[]), Some(4));
        let winner = PlannedTrial { phase: Phase::Confirm, ..second.clone() };
        assert_eq!(halving().next_rung(&winner, &[]), None);
    }

    #[test]
    fn the_last_value_up_to_the_rung_counts_once_the_rung_is_reached() {
        let line = |iteration: u64, value: Option<f64>| Metric {
            calibrator: "ppo".into(),
            seed: None,
            iteration,
            total: 9,
            values: value.map(|value| ("validation".to_owned(), value)).into_iter().collect(),
        };
        let lines = [line(1, Some(3.0)), line(2, Some(2.0)), line(3, None), line(4, Some(1.0))];
        let pruning = halving();
        assert_eq!(pruning.value(&lines, Some("ppo"), 3), Some(2.0));
        assert_eq!(pruning.value(&lines, None, 4), Some(1.0));
        assert_eq!(pruning.value(&lines, Some("ppo"), 5), None);
        assert_eq!(pruning.value(&lines, Some("other"), 3), None);
        let larger = Pruning { direction: Direction::Maximize, ..pruning };
        assert_eq!(larger.value(&lines, None, 4), Some(-1.0));
    }

    #[test]
    fn a_pause_is_written_read_and_ended() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Pause::read(folder.path()), None);
        Pause { rung: 4 }.write(folder.path()).unwrap();
        assert_eq!(Pause::read(folder.path()), Some(Pause { rung: 4 }));
        Pause::end(folder.path()).unwrap();
        Pause::end(folder.path()).unwrap();
        assert_eq!(Pause::read(folder.path()), None);
    }

    #[test]
    fn the_rule_stands_in_the_plan_under_its_name() {
        let text = serde_json::to_string(&halving()).unwrap();
        assert!(text.starts_with(r#"{"rule":"halving","first":4,"eta":3,"metric""#), "{text}");
        assert_eq!(serde_json::from_str::<Pruning>(&text).unwrap(), halving());
    }
}
