//! The few numbers by which runs are listed and compared.

use std::path::Path;

use serde::Deserialize;
use trueup_calibration::panel::{AgainstFloor, CalibratorPanel};

use crate::error::ResultsError;
use crate::files::read_json;
use crate::summary::{CalibratorPrivacy, Mode, Summary};
use crate::training::SeedResult;

/// What `summary.json` comes to, whatever made it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Digest {
    /// Name of the run.
    pub name: String,
    /// What made it: `run`, `compare` or `training`.
    pub mode: String,
    /// Seed of the run; none where several training seeds share it.
    pub seed: Option<u64>,
    /// The external data, or the task.
    pub dataset: String,
    /// What `objective` is: `gap_closed` and `return` are better when larger, `mean_excess` when
    /// smaller.
    pub objective_name: Option<&'static str>,
    /// Gap closed of the best calibrator, mean excess where there is no "before", or the mean return
    /// over training seeds.
    pub objective: Option<f64>,
    /// The best calibrator.
    pub calibrator: Option<String>,
    /// Its median multiple of the noise floor.
    pub floor_multiple: Option<f64>,
    /// Its gap closed.
    pub gap_closed: Option<f64>,
    /// Its AUC.
    pub auc: Option<f64>,
    /// Its mean excess over the floor.
    pub mean_excess: Option<f64>,
    /// Wall-clock seconds.
    pub seconds: Option<f64>,
    /// Environment steps.
    pub env_steps: Option<u64>,
}

impl Digest {
    /// Reads `summary.json` of a run directory.
    ///
    /// # Errors
    /// A file that is missing or no summary.
    pub fn read(folder: &Path) -> Result<Self, ResultsError> {
        read_json::<Thin>(&folder.join("summary.json")).map(Thin::digest)
    }
}

/// Either kind of summary without its panel, which is nearly all of the file.
#[derive(Deserialize)]
struct Thin {
    name: String,
    #[serde(default)]
    mode: AnyMode,
    seed: Option<u64>,
    #[serde(default)]
    dataset: String,
    task: Option<String>,
    env_steps: Option<u64>,
    seconds: Option<f64>,
    #[serde(default)]
    calibrators: Vec<ThinPanel>,
    #[serde(default)]
    privacy: Vec<CalibratorPrivacy>,
    #[serde(default)]
    seeds: Vec<SeedResult>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum AnyMode {
    #[default]
    Run,
    Compare,
    Training,
}

#[derive(Deserialize)]
struct ThinPanel {
    name: String,
    gap_closed: Option<f64>,
    gap_closed_ci: Option<[f64; 2]>,
    mean_excess: Option<f64>,
    c2st_auc: Option<f64>,
    c2st_auc_ci: Option<[f64; 2]>,
    copies: Option<bool>,
    #[serde(default)]
    against_floor: Option<AgainstFloor>,
    #[serde(default)]
    against_floor_unseen: Option<AgainstFloor>,
}

impl ThinPanel {
    fn panel(self) -> CalibratorPanel {
        CalibratorPanel {
            name: self.name,
            gap_closed: self.gap_closed,
            gap_closed_ci: self.gap_closed_ci,
            mean_excess: self.mean_excess,
            c2st_auc: self.c2st_auc,
            c2st_auc_ci: self.c2st_auc_ci,
            copies: self.copies,
            against_floor: self.against_floor,
            against_floor_unseen: self.against_floor_unseen,
            ..CalibratorPanel::default()
        }
    }
}

impl Thin {
    fn digest(self) -> Digest {
        let mode = match self.mode {
            AnyMode::Training => return self.training(),
            AnyMode::Run => Mode::Run,
            AnyMode::Compare => Mode::Compare,
        };
        let calibrators = self.calibrators.into_iter().map(ThinPanel::panel).collect();
        let privacy = self.privacy;
        let summary = Summary { mode, calibrators, privacy, ..Summary::default() };
        let best = summary.best();
        let of = |f: fn(&CalibratorPanel) -> Option<f64>| best.and_then(f);
        let gap_closed = of(|c| c.gap_closed);
        let mean_excess = of(|c| c.mean_excess);
        let objective = match gap_closed {
            Some(gap_closed) => Some(("gap_closed", gap_closed)),
            None => mean_excess.map(|excess| ("mean_excess", excess)),
        };
        Digest {
            name: self.name,
            mode: if mode == Mode::Run { "run" } else { "compare" }.to_owned(),
            seed: self.seed,
            dataset: self.dataset,
            objective_name: objective.map(|(name, _)| name),
            objective: objective.map(|(_, value)| value),
            calibrator: best.map(|c| c.name.clone()),
            floor_multiple: of(|c| c.headline()?.multiple),
            gap_closed,
            auc: of(|c| c.c2st_auc),
            mean_excess,
            seconds: self.seconds,
            env_steps: self.env_steps,
        }
    }

    fn training(self) -> Digest {
        let evaluated = |seed: &SeedResult| seed.evaluation_return.or(seed.last_100_return);
        let returns: Vec<f64> = self.seeds.iter().filter_map(evaluated).collect();
        let mean = returns.iter().sum::<f64>() / returns.len() as f64;
        let objective = (!returns.is_empty()).then_some(mean);
        let seed = match &self.seeds[..] {
            [one] => Some(one.seed),
            _ => None,
        };
        Digest {
            name: self.name,
            mode: "training".to_owned(),
            seed,
            dataset: self.task.unwrap_or_default(),
            objective_name: objective.map(|_| "return"),
            objective,
            seconds: self.seconds,
            env_steps: Some(self.seeds.iter().map(|seed| seed.steps).sum()),
            ..Digest::default()
        }
    }
}
