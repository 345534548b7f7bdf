//! What trials are compared by: one number of a run.

use serde::{Deserialize, Serialize};

use crate::summary::Summary;
use crate::training::TrainingSummary;

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Smaller is better.
    Minimize,
    /// Larger is better.
    Maximize,
}

/// One number of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objective {
    /// Calibrator that is looked at; none for training on a task.
    pub calibrator: Option<String>,
    /// `mean_excess`, `floor_multiple`, `gap_closed`, `gap_closed_unseen`, `c2st_auc`,
    /// `evaluation_return`, or `FEATURE:DISCREPANCY` of the panel.
    pub metric: String,
    /// Which way is better.
    pub direction: Direction,
}

/// Metrics of a calibrator by name, and which way is better.
pub const CALIBRATOR_METRICS: [(&str, Direction); 5] = [
    ("mean_excess", Direction::Minimize),
    ("floor_multiple", Direction::Minimize),
    ("gap_closed", Direction::Maximize),
    ("gap_closed_unseen", Direction::Maximize),
    ("c2st_auc", Direction::Minimize),
];

/// The metric of a training on a task: mean return of the evaluation episodes.
pub const TASK_METRIC: &str = "evaluation_return";

impl Objective {
    /// Its value in a run on real users; none where the calibrator failed or the metric is not
    /// defined.
    pub fn of(&self, summary: &Summary) -> Option<f64> {
        let name = self.calibrator.as_deref()?;
        let panel = summary.calibrators.iter().find(|c| c.name == name)?;
        match self.metric.as_str() {
            "mean_excess" => panel.mean_excess,
            "floor_multiple" => panel.headline()?.multiple,
            "gap_closed" => panel.gap_closed,
            "gap_closed_unseen" => panel.gap_closed_unseen,
            "c2st_auc" => panel.c2st_auc,
            metric => {
                let (feature, discrepancy) = metric.split_once(':')?;
                let mut rows = panel.panel.iter();
                rows.find(|row| row.feature == feature && row.discrepancy == discrepancy)
                    .map(|row| row.value)
            }
        }
    }

    /// Its value in a training on a task: the mean over the seeds of the run.
    pub fn of_training(&self, summary: &TrainingSummary) -> Option<f64> {
        let returns: Option<Vec<f64>> =
            summary.seeds.iter().map(|seed| seed.evaluation_return).collect();
        let returns = returns.filter(|_| summary.failed.is_empty())?;
        (!returns.is_empty()).then(|| returns.iter().sum::<f64>() / returns.len() as f64)
    }

    /// The value as something to make small.
    pub fn cost(&self, value: f64) -> f64 {
        match self.direction {
            Direction::Minimize => value,
            Direction::Maximize => -value,
        }
    }

    /// In words: `mean_excess of ppo (smaller is better)`.
    pub fn words(&self) -> String {
        let of = self.calibrator.as_ref().map_or(String::new(), |name| format!(" of {name}"));
        let better = match self.direction {
            Direction::Minimize => "smaller",
            Direction::Maximize => "larger",
        };
        format!("{}{of} ({better} is better)", self.metric)
    }
}
