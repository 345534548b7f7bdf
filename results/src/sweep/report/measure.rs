//! The objective in words, numbers and axes.

use crate::plots::{Axis, Scale, number};
use crate::report::{discrepancy_title, feature_title, percent};
use crate::seeds::Estimate;
use crate::sweep::{Direction, Objective};

/// What trials are compared by, as a reader sees it.
pub(super) struct Measure {
    pub objective: Objective,
    /// Lower-case words for it.
    pub title: String,
    /// The same with its unit, for axes that stand upright.
    pub short_title: String,
    /// The same with its unit and which way is better.
    pub axis_title: String,
    /// Values that mean something: the floor, a solved task.
    pub references: Vec<(f64, &'static str)>,
}

impl Measure {
    /// `floor` is that of the metric or of the classifier, `solved` the return of a solved task.
    pub fn new(objective: &Objective, unit: &str, floor: Option<f64>, solved: Option<f64>) -> Self {
        let title = match objective.metric.as_str() {
            "mean_excess" => "mean excess over the noise floor".to_owned(),
            "floor_multiple" => "median multiple of the noise floor".to_owned(),
            "gap_closed" => "gap closed".to_owned(),
            "gap_closed_unseen" => "gap closed on features that no reward saw".to_owned(),
            "c2st_auc" => "AUC of a classifier".to_owned(),
            "evaluation_return" => "mean return of the evaluation episodes".to_owned(),
            other => match other.split_once(':') {
                Some((feature, discrepancy)) => {
                    let feature = feature_title(feature);
                    format!("{} of “{feature}”", discrepancy_title(discrepancy))
                }
                None => other.replace('_', " "),
            },
        };
        let references = match objective.metric.as_str() {
            "mean_excess" => vec![(0.0, "real users")],
            "floor_multiple" => vec![(1.0, "real users")],
            "gap_closed" | "gap_closed_unseen" => vec![(0.0, "uncalibrated"), (1.0, "real users")],
            "c2st_auc" => floor.map(|floor| (floor, "real against real")).into_iter().collect(),
            "evaluation_return" => solved.map(|at| (at, "solved")).into_iter().collect(),
            _ => floor.map(|floor| (floor, "noise floor")).into_iter().collect(),
        };
        let better = match objective.direction {
            Direction::Minimize => "smaller is better",
            Direction::Maximize => "larger is better",
        };
        let unit = if unit.is_empty() { String::new() } else { format!(", {unit}") };
        let short_title = format!("{title}{unit}");
        let axis_title = format!("{short_title} ({better})");
        Self { objective: objective.clone(), title, short_title, axis_title, references }
    }

    fn is_share(&self) -> bool {
        self.objective.metric.starts_with("gap_closed")
    }

    /// A value in words.
    pub fn show(&self, value: f64) -> String {
        match self.objective.metric.as_str() {
            _ if self.is_share() => percent(value),
            "c2st_auc" => format!("{value:.3}"),
            _ => number(value),
        }
    }

    /// A value with its interval.
    pub fn show_estimate(&self, estimate: &Estimate, values: &[f64]) -> String {
        let value = self.show(estimate.value);
        match estimate.ci {
            Some([low, high]) => format!("{value} ({} to {})", self.show(low), self.show(high)),
            None if values.len() > 1 => format!("{value} ({})", self.range(values)),
            None => format!("{value} (one seed)"),
        }
    }

    /// `3 seeds from 0.8 to 0.9`, where there is no interval.
    pub fn range(&self, values: &[f64]) -> String {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        format!("{} seeds from {} to {}", values.len(), self.show(low), self.show(high))
    }

    /// A value as a score: larger is better.
    pub fn score(&self, value: f64) -> f64 {
        -self.objective.cost(value)
    }

    /// An axis that reaches over all values, with a rim.
    pub fn axis(&self, values: impl IntoIterator<Item = f64>, title: &str) -> Axis {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.into_iter().filter(|value| value.is_finite()) {
            (low, high) = (low.min(value), high.max(value));
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        let rim = if high > low { (high - low) * 0.06 } else { low.abs().max(1.0) * 0.06 };
        let mut axis = Axis::new(Scale::Plain, low - rim, high + rim, 5, title);
        if self.is_share() {
            for (value, label) in &mut axis.ticks {
                *label = format!("{}%", number((*value * 1000.0).round() / 10.0));
            }
        }
        axis
    }
}
