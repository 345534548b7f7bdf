//! The rewards that a config can name under `[reward]`: those that are fitted from statistics
//! alone, and those that learn from the real users' sequences.

use serde::Serialize;
use trueup_agents::amounts::Amounts;
use trueup_agents::calibrator::{RewardBuilder, RewardSetting};
use trueup_agents::discriminator::{LearnedConfig, airl, gail};
use trueup_agents::step_reward::{StepReward, Witnessed};
use trueup_calibration::calibrator::CalibrationError;
use trueup_calibration::reward::{REWARDS, RewardConfig, RewardError, Term};

use crate::config::{Refused, Section, refuse, suggestion};

/// Kinds that learn from sequences.
const LEARNED: [&str; 2] = [gail::NAME, airl::NAME];

/// A checked reward.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Reward {
    /// Fitted from external statistics.
    Witnessed(RewardConfig),
    /// Learned from the training log.
    Learned(LearnedConfig),
}

impl Reward {
    /// Reads `[reward]`; an empty section means the default. `log` tells whether there will be a
    /// training log.
    pub(crate) fn check(section: &Section<'_>, log: bool) -> Result<Self, Refused> {
        if section.is_empty() {
            return Ok(Self::Witnessed(RewardConfig::default()));
        }
        let Some(kind) = section.text("kind") else {
            return section.rest().map(Self::Witnessed);
        };
        if REWARDS.contains(&kind) {
            return section.rest().map(Self::Witnessed);
        }
        if !LEARNED.contains(&kind) {
            let help = suggestion(kind, REWARDS.iter().copied().chain(LEARNED)).unwrap_or_default();
            let problem = format!("names the unknown reward `{kind}`");
            return Err(section.refuse_key_with("kind", &problem, &help));
        }
        if !log {
            let problem = format!(
                "is `{kind}`, which learns from the training log, and there are \
                                   only external statistics"
            );
            let help = "use kind = \"witness\", or name the log as external.source without \
                        external.statistics";
            return Err(section.refuse_key_with("kind", &problem, help));
        }
        let config: LearnedConfig = section.rest()?;
        refuse(section, "", config.check())?;
        Ok(Self::Learned(config))
    }

    /// What it optimises. For a learned reward: every feature that it may see.
    ///
    /// # Errors
    /// Terms that the statistics cannot serve, or no training log where it is needed.
    pub fn terms(&self, setting: &RewardSetting<'_>) -> Result<Vec<Term>, CalibrationError> {
        // The number of bins changes what is learned, not what is looked at.
        Ok(self.build(setting, 32)?.terms().to_vec())
    }

    /// Builds it once the users to fit are known, for a policy with so many bins of amounts.
    pub fn builder(&self, amount_bins: usize) -> RewardBuilder {
        let reward = self.clone();
        Box::new(move |setting: &RewardSetting<'_>| reward.build(setting, amount_bins))
    }

    fn build(
        &self,
        setting: &RewardSetting<'_>,
        amount_bins: usize,
    ) -> Result<Box<dyn StepReward>, CalibrationError> {
        let RewardSetting { world, statistics, log, streams } = setting;
        match self {
            Self::Witnessed(config) => {
                let failed = |error: RewardError| CalibrationError::Inner {
                    calibrator: "reward",
                    source: Box::new(error),
                };
                Ok(Box::new(Witnessed(config.build(statistics).map_err(failed)?)))
            }
            Self::Learned(config) => {
                let log = log.ok_or(CalibrationError::NeedsLog(config.name()))?;
                let amounts = Amounts::new(statistics, amount_bins);
                config.build(world, log, statistics, &amounts, streams)
            }
        }
    }

    /// What tells it from others in checkpoints.
    ///
    /// # Errors
    /// A value that JSON cannot hold.
    pub fn settings(&self) -> Result<serde_json::Value, serde_json::Error> {
        serde_json::to_value(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Document;

    fn read(text: &str) -> Result<Reward, Refused> {
        let document = Document::new("t.toml", text, &[]);
        let mut root = document.root()?;
        Reward::check(&root.section("reward")?, false)
    }

    /// Every kind that is fitted from statistics can be named alone, and with its options.
    #[test]
    fn kinds_are_read_with_their_options() {
        for kind in REWARDS {
            let reward = read(&format!("[reward]\nkind = \"{kind}\"\n")).unwrap();
            assert_eq!(reward.settings().unwrap()["kind"], *kind);
        }
        let text = "[reward]\nkind = \"difference\"\nweights = \"adaptive\"\nrate = 0.3\n\
                    [[reward.terms]]\nfeature = \"log_amount\"\ndiscrepancy = \"kolmogorov-smirnov\"\n";
        let settings = read(text).unwrap().settings().unwrap();
        assert_eq!(settings["weights"], "adaptive");
        assert_eq!(settings["terms"][0]["discrepancy"], "kolmogorov-smirnov");
        assert!(read("[reward]\nkind = \"pwil\"\nterms = []\n").is_err());
        assert!(read("[reward]\nkind = \"diference\"\n").is_err());
    }
}
