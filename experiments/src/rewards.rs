//! The rewards that a config can name under `[reward]`: those that are fitted from statistics
//! alone, and those that learn from the real users' sequences.

use serde::Serialize;
use trueup_agents::amounts::Amounts;
use trueup_agents::calibrator::{RewardBuilder, RewardSetting};
use trueup_agents::discriminator::{LearnedConfig, airl, gail};
use trueup_agents::step_reward::{StepReward, Witnessed};
use trueup_calibration::calibrator::CalibrationError;
use trueup_calibration::features::FEATURES;
use trueup_calibration::reward::{Mistake, REWARDS, RewardConfig, RewardError, Term};

use crate::config::{Refused, Section, complaint, refuse, suggestion};

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
        let Some(kind) = section.text("kind") else { return witnessed(section) };
        if REWARDS.contains(&kind) {
            return witnessed(section);
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

    /// Whether the terms follow from the data, because the config names none.
    pub fn has_default_terms(&self) -> bool {
        let Self::Witnessed(config) = self else { return false };
        match config {
            RewardConfig::Witness(config) => config.terms.is_none(),
            RewardConfig::Shared(config)
            | RewardConfig::Difference(config)
            | RewardConfig::LeaveOneOut(config) => config.terms.is_none(),
            RewardConfig::Pwil(config) => config.features.is_none(),
            RewardConfig::Density(config) => config.features.is_none(),
        }
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

/// Reads a reward that is fitted from statistics, and checks what can be checked without them: a
/// wrong name would else be found after the data are read.
fn witnessed(section: &Section<'_>) -> Result<Reward, Refused> {
    let config: RewardConfig = section.rest()?;
    let Err(Mistake { key, error }) = config.check() else { return Ok(Reward::Witnessed(config)) };
    let (problem, help) = match &error {
        RewardError::Lookup(error) => complaint(error),
        RewardError::UnknownFeature { name, .. } => {
            let known = FEATURES.iter().map(|feature| feature.name);
            let help = suggestion(name, known).unwrap_or_default();
            (format!("names the unknown feature `{name}`"), help)
        }
        other => (format!("cannot be used: {other}"), String::new()),
    };
    Err(section.refuse_key_with(&key, &problem, &help))
}

#[cfg(test)]
mod tests {
    use miette::Diagnostic;

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

    /// What can be told without data is told with its place and a remedy.
    #[test]
    fn mistakes_are_shown_where_they_stand() {
        let refused = |text: &str, marked: &str, words: &[&str]| {
            let text = format!("[reward]\n{text}\n");
            let refused = read(&text).unwrap_err();
            let at = refused.labels().unwrap().next().unwrap();
            let place = &text[at.offset()..at.offset() + at.len()];
            assert_eq!(place, marked, "{refused}");
            let help = refused.help().map_or(String::new(), |help| help.to_string());
            let said = format!("{refused} {help}");
            assert!(words.iter().all(|word| said.contains(word)), "{said}");
        };
        let terms = |kind: &str, feature: &str, discrepancy: &str| {
            format!(
                "kind = \"{kind}\"\nterms = [{{ feature = \"gap\", discrepancy = \"energy\" }},\n\
                 {{ feature = \"{feature}\", discrepancy = \"{discrepancy}\" }}]"
            )
        };
        let words = ["`reward.terms.1.feature`", "`log_amont`", "did you mean `log_amount`?"];
        refused(&terms("witness", "log_amont", "energy"), "\"log_amont\"", &words);
        let words = ["`reward.terms.1.discrepancy`", "`enrgy`", "did you mean `energy`?"];
        refused(&terms("shared", "log_amount", "enrgy"), "\"enrgy\"", &words);
        let words = ["`psi` has no parameter `bin`", "did you mean `bins`?"];
        refused(&terms("witness", "log_amount", "psi(bin=3)"), "\"psi(bin=3)\"", &words);
        let words = ["bins of `psi` is 1", "a whole number from"];
        refused(&terms("witness", "log_amount", "psi(bins=1)"), "\"psi(bins=1)\"", &words);
        let words = ["`between-share-gap`", "no witness", "trueup metrics"];
        refused(
            &terms("witness", "log_amount", "between-share-gap"),
            "\"between-share-gap\"",
            &words,
        );
        let words = ["it has no value on shares"];
        refused(
            &terms("shared", "log_amount", "between-share-gap"),
            "\"between-share-gap\"",
            &words,
        );
        let words = ["compares Real rows", "Category rows"];
        refused(&terms("witness", "kind", "energy"), "\"energy\"", &words);
        let words = ["only by sliced-wasserstein, energy-nd, mmd-features"];
        refused(&terms("witness", "user_vector", "mmd"), "\"mmd\"", &words);
        refused(&terms("shared", "user_vector", "energy-nd"), "\"energy-nd\"", &words);
        let words = ["takes none"];
        refused(
            &terms("witness", "user_vector", "energy-nd(rows=9)"),
            "\"energy-nd(rows=9)\"",
            &words,
        );
        let words = ["series of all users"];
        refused(&terms("witness", "daily_count", "growth-gap"), "\"daily_count\"", &words);
        let twice = "{ feature = \"gap\", discrepancy = \"energy()\" }";
        refused(&terms("witness", "gap", "energy()"), twice, &["`reward.terms.1`", "stands twice"]);
        refused("kind = \"witness\"\nterms = []", "[]", &["at least one term"]);
        refused("kind = \"witness\"\nmemory = 1.0", "1.0", &["memory is 1", "under 1"]);
        refused("kind = \"difference\"\nrate = 0.0", "0.0", &["rate", "above 0"]);
        refused("kind = \"pwil\"\nsharpness = -1.0", "-1.0", &["sharpness is -1"]);
        let words = ["`reward.features.1`", "did you mean `kind`?"];
        refused("kind = \"density\"\nfeatures = [\"gap\", \"kinds\"]", "\"kinds\"", &words);
        refused("kind = \"pwil\"\nfeatures = [\"amount_pair\"]", "\"amount_pair\"", &["vectors"]);
        let tables =
            "kind = \"witness\"\n[[reward.terms]]\nfeature = \"gap\"\ndiscrepancy = \"engy\"";
        refused(tables, "\"engy\"", &["`engy`", "did you mean `energy`?"]);
        let weight = "terms = [{ feature = \"gap\", discrepancy = \"energy\", weight = -2.0 }]";
        refused(&format!("kind = \"witness\"\n{weight}"), "-2.0", &["the weight -2"]);
        for name in ["sliced-wasserstein", "energy-nd", "mmd-features"] {
            read(&format!("[reward]\n{}\n", terms("witness", "user_vector", name))).unwrap();
        }
    }
}
