//! `summary.json`: the verdict of a run in numbers.

use serde::{Deserialize, Serialize};
use trueup_calibration::panel::CalibratorPanel;
use trueup_calibration::population::Population;
use trueup_calibration::privacy::Privacy;
use trueup_env::finance::KindEffect;

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

/// Whether a calibrator repeats the users that it was fitted on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibratorPrivacy {
    /// Name of the calibrator.
    pub name: String,
    /// How close its users are to training users.
    pub privacy: Privacy,
}

/// A kind of event and what it does to money.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KindOfLog {
    /// Its name.
    pub kind: String,
    /// What it does to money, and how that was found.
    #[serde(flatten)]
    pub effect: KindEffect,
}

impl KindOfLog {
    /// The kinds of a log with their effects.
    pub fn all(kinds: &[String], effects: &[KindEffect]) -> Vec<Self> {
        let named = kinds.iter().cloned().zip(effects.iter().copied());
        named.map(|(kind, effect)| Self { kind, effect }).collect()
    }

    /// The kind and its effect in words.
    pub fn words(&self) -> String {
        format!("{}: {}", self.kind, self.effect.words())
    }
}

/// Who judged the simulations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judges {
    /// Users whom training has not seen.
    #[default]
    HeldOut,
    /// Users of whom nobody knows whether the statistics that were trained on have seen them.
    Unknown,
    /// Users whom the statistics that were trained on have seen.
    Seen,
    /// No users: the statistics that were trained on.
    Statistics,
}

impl Judges {
    /// Whom a calibrator comes near to: the words for the real side.
    pub fn real(self) -> &'static str {
        match self {
            Self::HeldOut => "the held-out real users",
            Self::Unknown | Self::Seen => "the real users",
            Self::Statistics => "the statistics of training",
        }
    }

    /// Who judges, `users` being their number.
    pub fn words(self, users: &str) -> String {
        match self {
            Self::HeldOut => format!("{users} held-out users"),
            Self::Unknown => format!("{users} users that training may have seen"),
            Self::Seen => format!("{users} users that training has seen, not held out"),
            Self::Statistics => "the statistics of training, nobody held out".into(),
        }
    }
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
    /// The kinds of the real users' events, and what they do to money.
    #[serde(default)]
    pub kinds: Vec<KindOfLog>,
    /// Number of external users that calibrators saw.
    pub train_users: usize,
    /// Number of external users that only the panel saw.
    pub test_users: usize,
    /// Who judged: whether training has seen them.
    #[serde(default)]
    pub judges: Judges,
    /// Whom simulations were compared with real users about; none in files of older versions and in
    /// comparisons of two logs.
    #[serde(default)]
    pub population: Option<Population>,
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
    /// Whether calibrators repeat training users; empty where there was no log of them.
    #[serde(default)]
    pub privacy: Vec<CalibratorPrivacy>,
}

impl Summary {
    /// The calibrator that is nearest to the external users: the first of [`Summary::ranked`].
    pub fn best(&self) -> Option<&CalibratorPanel> {
        self.ranked().first().copied()
    }

    /// Calibrators, nearest to the external users first, by what needs no "before": the median
    /// multiple of the noise floor, on features that no reward saw where there are some. One whose
    /// interval overlaps with the first one's goes before it where it is nearer by all other measures:
    /// an AUC that is lower beyond the intervals, and a lower mean excess. Those that repeat training
    /// users come last: being near says nothing of them. Ties keep the order of the config.
    pub fn ranked(&self) -> Vec<&CalibratorPanel> {
        let mut ranked: Vec<&CalibratorPanel> = self.calibrators.iter().collect();
        let by_floor = ranked.iter().any(|c| c.headline().is_some());
        let by_gap = ranked.iter().any(|c| c.gap_closed.is_some());
        let cost = |c: &CalibratorPanel| {
            let cost = match (by_floor, by_gap) {
                (true, _) => c.headline().and_then(|headline| headline.multiple),
                // Files of older versions.
                (false, true) => c.gap_closed.map(|gap| -gap),
                (false, false) => c.mean_excess,
            };
            cost.unwrap_or(f64::INFINITY)
        };
        ranked.sort_by(|a, b| {
            self.copies(&a.name).cmp(&self.copies(&b.name)).then(cost(a).total_cmp(&cost(b)))
        });
        let Some(leader) = ranked.first().copied() else { return ranked };
        let interval = |c: &CalibratorPanel| match by_floor {
            true => c.headline().and_then(|headline| headline.interval),
            false => c.gap_closed_ci,
        };
        let nearer = |c: &&CalibratorPanel| {
            self.copies(&c.name) == self.copies(&leader.name)
                && apart(interval(c), interval(leader)) == Some(false)
                && c.c2st_auc.zip(leader.c2st_auc).is_some_and(|(a, b)| a < b)
                && apart(c.c2st_auc_ci, leader.c2st_auc_ci) == Some(true)
                && c.mean_excess.zip(leader.mean_excess).is_some_and(|(a, b)| a < b)
        };
        let auc = |i: &usize| ranked.get(*i).and_then(|c| c.c2st_auc).unwrap_or(f64::INFINITY);
        let found = (0..ranked.len()).filter(|&i| ranked.get(i).is_some_and(nearer));
        let found = found.min_by(|a, b| auc(a).total_cmp(&auc(b)));
        if let Some(i) = found {
            let first = ranked.remove(i);
            ranked.insert(0, first);
        }
        ranked
    }

    /// Whether a calibrator was found to repeat training users.
    pub fn copies(&self, calibrator: &str) -> bool {
        let own = self.privacy.iter().find(|own| own.name == calibrator);
        let panel = self.calibrators.iter().find(|c| c.name == calibrator);
        own.is_some_and(|own| own.privacy.copies())
            || panel.is_some_and(|panel| panel.copies == Some(true))
    }
}

/// Whether two intervals lie apart; none where one is missing. Intervals that overlap may belong to
/// values that differ: this errs towards not telling apart.
pub(crate) fn apart(a: Option<[f64; 2]>, b: Option<[f64; 2]>) -> Option<bool> {
    let ([a_low, a_high], [b_low, b_high]) = a.zip(b)?;
    Some(a_low > b_high || b_low > a_high)
}
