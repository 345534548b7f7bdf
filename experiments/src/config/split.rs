//! `[split]`: which users are held out, and which of them judge.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Refused, Section};

/// Who is trained on and who judges.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Split {
    /// Share of the users that are held out as test users.
    pub test: f64,
    /// Who judges: the test users, or some of the others, which are then not trained on and leave
    /// the test users unseen. Searches are judged by the latter.
    pub judge: Judge,
    /// Share of the users that are not test users that judge in place of them.
    pub validation: f64,
    /// Root of the draws of test and validation users; none for the seed of the run. Runs with one
    /// split under all seeds hold the same users out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// The users that a simulation is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Judge {
    /// Those that nothing else has seen.
    Test,
    /// Some that are taken from the training users.
    Validation,
}

impl Default for Split {
    fn default() -> Self {
        Self { test: 0.5, judge: Judge::Test, validation: 0.5, seed: None }
    }
}

impl Split {
    pub(super) fn check(section: &Section<'_>) -> Result<Self, Refused> {
        let split: Self = section.rest()?;
        let shares = [
            ("test", split.test, "0.5 holds half of the users out"),
            ("validation", split.validation, "0.5 lets half of the other users judge"),
        ];
        for (key, share, help) in shares {
            if !(share > 0.0 && share < 1.0) {
                let problem = format!("is {share}, not between 0 and 1");
                return Err(section.refuse_key_with(key, &problem, help));
            }
        }
        if split.seed.is_some_and(|seed| i64::try_from(seed).is_err()) {
            let help = "choose a seed below 9223372036854775808";
            return Err(section.refuse_key_with("seed", "is more than TOML can hold", help));
        }
        Ok(split)
    }
}
