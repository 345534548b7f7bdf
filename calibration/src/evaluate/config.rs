//! What a panel is asked to do.

use serde::{Deserialize, Serialize};

/// One metric of a panel.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Name of the feature; `user_vector` for joint metrics.
    pub feature: String,
    /// Name of the discrepancy.
    pub discrepancy: String,
}

/// Settings of a panel. An empty table is a good choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PanelConfig {
    /// The metrics; the default panel where there are none: every feature that applies to the log,
    /// by every discrepancy that suits it.
    pub metrics: Option<Vec<Metric>>,
    /// Bootstrap replicates behind each interval, 40 to 10,000. Time grows with them.
    pub replicates: usize,
    /// The most users a side in the joint energy distance, 10 to 20,000. Time and memory grow with
    /// the square.
    pub joint_users: usize,
    /// The most users a side in the classifier test, at least 10.
    pub classifier_users: usize,
    /// Name of the uncalibrated run, which `gap_closed` is measured from.
    pub before: String,
}

impl Default for PanelConfig {
    fn default() -> Self {
        Self {
            metrics: None,
            replicates: 200,
            joint_users: 2000,
            classifier_users: 20_000,
            before: "personas".into(),
        }
    }
}

impl PanelConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// What is out of range, and the range.
    pub fn check(&self) -> Result<(), String> {
        let within = |name: &str, value: usize, low: usize, high: usize| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            Err(format!("{name} is {value}; it must lie between {low} and {high}"))
        };
        within("replicates", self.replicates, 40, 10_000)?;
        within("joint_users", self.joint_users, 10, 20_000)?;
        within("classifier_users", self.classifier_users, 10, 10_000_000)?;
        let metrics = self.metrics.iter().flatten().enumerate();
        for (i, metric) in metrics {
            if self.metrics.iter().flatten().take(i).any(|earlier| earlier == metric) {
                let (feature, discrepancy) = (&metric.feature, &metric.discrepancy);
                return Err(format!("the metric {discrepancy} of {feature} is listed twice"));
            }
        }
        Ok(())
    }
}
