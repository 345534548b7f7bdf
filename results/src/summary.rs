//! `summary.json`: the verdict of a run in numbers.

use serde::{Deserialize, Serialize};
use trueup_calibration::panel::CalibratorPanel;

/// What made the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Calibrators were fitted on training users and judged on test users.
    #[default]
    Run,
    /// Two logs were compared; nothing was trained and there is no "before".
    Compare,
}

/// A calibrator that gave no result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Name of the calibrator.
    pub name: String,
    /// Why it failed, for a person.
    pub reason: String,
}

/// The verdict of a run. All fields but `seconds` are functions of config, seed and data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Name of the run.
    pub name: String,
    /// What made the result.
    #[serde(default)]
    pub mode: Mode,
    /// Seed of the run.
    pub seed: u64,
    /// The external data, e.g. `builtin:cdnow`.
    pub dataset: String,
    /// Number of external users that calibrators saw.
    pub train_users: usize,
    /// Number of external users that only the panel saw.
    pub test_users: usize,
    /// Environment steps of all calibrators together.
    pub env_steps: u64,
    /// Wall-clock seconds from start to summary.
    pub seconds: f64,
    /// One panel a calibrator, in the order of the config.
    pub calibrators: Vec<CalibratorPanel>,
    /// Calibrators that failed.
    #[serde(default)]
    pub failed: Vec<Failure>,
    /// What a reader must know: metrics left out and why, warnings of the data.
    #[serde(default)]
    pub notes: Vec<String>,
}

impl Summary {
    /// The calibrator that is nearest to the external users: the largest gap closed; where there
    /// is none (no "before"), the smallest mean excess. Ties go to the earlier one.
    pub fn best(&self) -> Option<&CalibratorPanel> {
        let by = |key: fn(&CalibratorPanel) -> Option<f64>| {
            let rated = self.calibrators.iter().filter_map(|c| Some((c, key(c)?)));
            rated.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(c, _)| c)
        };
        by(|c| c.gap_closed)
            .or_else(|| by(|c| c.mean_excess.map(|excess| -excess)))
            .or_else(|| self.calibrators.first())
    }
}
