//! What a panel is asked to do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::FalseDiscovery;
use super::default_panel::{self, ALL};
use crate::classifier::ExaminationConfig;
use crate::discrepancy::relation_gap;
use crate::features::{of_kind, relation};

/// One metric of a panel.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Name of the feature, `user_vector` for joint metrics, or `*` for every feature that suits.
    /// `log_amount(kind=purchase)` has the amounts of one kind; `log_amount(kind=*)` stands for those
    /// of each kind, and for nothing where there is a single one.
    #[schemars(schema_with = "crate::schema::judged_feature")]
    pub feature: String,
    /// Name of the discrepancy, with parameters where it has some, as in `energy-nd(rows=500)`; or
    /// `*` for every discrepancy that suits.
    #[schemars(schema_with = "crate::schema::judged_discrepancy")]
    pub discrepancy: String,
}

/// How much a panel looks at when no metrics are named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Breadth {
    /// A few well-known discrepancies on every feature.
    #[default]
    Standard,
    /// Every discrepancy on every feature whose rows it compares.
    Full,
}

/// Settings of a panel. An empty table is a good choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PanelConfig {
    /// The metrics; those of `panel` where there are none.
    pub metrics: Option<Vec<Metric>>,
    /// `standard`: a few well-known discrepancies on every feature that applies to the log. `full`:
    /// every discrepancy on every feature whose rows it compares. Summaries over metrics, such as
    /// the median gap closed, compare only between panels of one kind.
    pub panel: Breadth,
    /// Bootstrap replicates behind each interval, 40 to 10,000. Time grows with them.
    pub replicates: usize,
    /// Relabellings behind each p-value, 99 to 100,000; 0 for no p, q and number of users needed.
    /// The smallest p-value is 1 / (1 + permutations). They take a byte for each user.
    pub permutations: usize,
    /// How q-values are made of the p-values of a calibrator: `benjamini-yekutieli`, for any
    /// dependence of the metrics, or `benjamini-hochberg`.
    pub false_discovery: FalseDiscovery,
    /// The most users a side in the joint energy distance, 10 to 20,000. Time and memory grow with
    /// the square. Other discrepancies that compare a limited number of rows (a parameter `rows`
    /// that is not given) change it in proportion, from what they take at 2,000: their default, or
    /// less where all discrepancies are asked for, as a note in the panel says.
    pub joint_users: usize,
    /// The most users a side in the classifier test, at least 10.
    pub classifier_users: usize,
    /// Relabellings for which the classifiers of the first evaluation seed are trained again, 19 to
    /// 100,000, so that the p-value of the classifier test is exact; each costs as much as the test.
    /// 0: a p-value from `permutations` relabellings of classifiers that are not trained again,
    /// which errs on the side of no difference.
    pub classifier_refits: usize,
    /// Name of the uncalibrated run, which `gap_closed` is measured from.
    pub before: String,
}

impl Default for PanelConfig {
    fn default() -> Self {
        Self {
            metrics: None,
            panel: Breadth::Standard,
            replicates: 200,
            permutations: 200,
            false_discovery: FalseDiscovery::default(),
            joint_users: 2000,
            classifier_users: 20_000,
            classifier_refits: 0,
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
        if self.permutations > 0 {
            within("permutations", self.permutations, 99, 100_000)
                .map_err(|why| format!("{why}, or be 0 for none"))?;
        }
        within("joint_users", self.joint_users, 10, 20_000)?;
        within("classifier_users", self.classifier_users, 10, 10_000_000)?;
        if self.classifier_refits > 0 {
            within("classifier_refits", self.classifier_refits, 19, 100_000)
                .map_err(|why| format!("{why}, or be 0 for none"))?;
        }
        let metrics = self.metrics.iter().flatten().enumerate();
        for (i, metric) in metrics {
            if self.metrics.iter().flatten().take(i).any(|earlier| earlier == metric) {
                let (feature, discrepancy) = (&metric.feature, &metric.discrepancy);
                return Err(format!("the metric {discrepancy} of {feature} is listed twice"));
            }
        }
        Ok(())
    }

    /// Whether a metric may be among those of the panel; which features a log has is not known here.
    pub fn may_hold(&self, feature: &str, discrepancy: &str) -> bool {
        if self.metrics.is_none() && relation::parts(feature).is_some() {
            return discrepancy == relation_gap::NAME;
        }
        let listed = self.metrics.clone().unwrap_or_else(|| default_panel::metrics(self.panel));
        let same = |metric: &Metric| {
            let any_kind = of_kind::kind_of(&metric.feature) == Some(of_kind::ALL_KINDS);
            [feature, ALL].contains(&metric.feature.as_str())
                || (any_kind && of_kind::kind_of(feature).is_some())
        };
        let called = |metric: &Metric| [discrepancy, ALL].contains(&metric.discrepancy.as_str());
        listed.iter().any(|metric| same(metric) && called(metric))
    }

    /// What the classifier test looks at; the first evaluation seed is looked at closely.
    pub(super) fn examination(&self, first: bool) -> ExaminationConfig {
        let only_first = |count: usize| if first { count } else { 0 };
        ExaminationConfig {
            users: self.classifier_users,
            relabellings: only_first(self.permutations),
            refits: only_first(self.classifier_refits),
            telling: first,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panel_knows_what_it_may_hold() {
        let metric = |feature: &str, discrepancy: &str| Metric {
            feature: feature.into(),
            discrepancy: discrepancy.into(),
        };
        let standard = PanelConfig::default();
        assert!(standard.may_hold("gap", "kolmogorov-smirnov"));
        assert!(!standard.may_hold("gap", "psi(bins=20)") && !standard.may_hold("gap", "nothing"));
        let full = PanelConfig { panel: Breadth::Full, ..standard.clone() };
        assert!(full.may_hold("gap", "psi"));
        let listed = vec![metric("log_amount(kind=*)", "energy"), metric("gap", ALL)];
        let listed = PanelConfig { metrics: Some(listed), ..standard };
        assert!(listed.may_hold("log_amount(kind=purchase)", "energy"));
        assert!(listed.may_hold("gap", "psi(bins=20)") && !listed.may_hold("log_amount", "energy"));
    }
}
