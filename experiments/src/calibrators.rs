//! The calibrators that a config can name. To add one, write a [`Plan`] and add it to
//! [`CALIBRATORS`].

use std::fmt::Debug;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use trueup_agents::personas::Personas;
use trueup_agents::ppo::{Ppo, PpoConfig};
use trueup_calibration::calibrator::bgnbd::BgNbd;
use trueup_calibration::calibrator::scaling::Scaling;
use trueup_calibration::calibrator::{Brief, CalibrationError, Calibrator, Simulator};
use trueup_calibration::reward::{RewardConfig, RewardError};
use trueup_calibration::statistics::Statistics;
use trueup_env::World;

use crate::config::{Refused, Section};

/// What a calibrator is built from.
pub struct Setting<'a> {
    /// The world that users live in.
    pub world: &'a Arc<World>,
    /// External statistics of the training users.
    pub statistics: &'a Statistics,
    /// The reward of the run.
    pub reward: &'a RewardConfig,
}

/// A checked config of one calibrator.
pub trait Plan: Debug + Send + Sync {
    /// Builds the calibrator.
    ///
    /// # Errors
    /// A reward that the statistics cannot feed.
    fn build(&self, setting: &Setting<'_>) -> Result<Box<dyn Calibrator>, RewardError>;

    /// The config with every default filled in.
    ///
    /// # Errors
    /// A value that TOML cannot hold.
    fn resolved(&self) -> Result<toml::Table, toml::ser::Error>;
}

/// One kind of calibrator.
pub struct Entry {
    /// Name in configs and, unless the config gives another, in results.
    pub kind: &'static str,
    /// Reads its part of the config.
    pub read: fn(Section) -> Result<Box<dyn Plan>, Refused>,
}

/// The kind that is "before": uncalibrated, what the others are measured against.
pub const BEFORE: &str = "personas";

/// All kinds.
pub const CALIBRATORS: &[Entry] = &[
    Entry { kind: BEFORE, read: |section| boxed(section.rest::<PersonasPlan>()?) },
    Entry { kind: "scaling", read: |section| boxed(section.rest::<ScalingPlan>()?) },
    Entry { kind: "bgnbd", read: |section| boxed(section.rest::<BgNbdPlan>()?) },
    Entry { kind: "ppo", read: PpoPlan::read },
];

fn boxed(plan: impl Plan + 'static) -> Result<Box<dyn Plan>, Refused> {
    Ok(Box::new(plan))
}

/// The entry of a kind.
pub fn find(kind: &str) -> Option<&'static Entry> {
    CALIBRATORS.iter().find(|entry| entry.kind == kind)
}

/// The names of all kinds.
pub fn names() -> impl Iterator<Item = &'static str> {
    CALIBRATORS.iter().map(|entry| entry.kind)
}

/// The four personas with their plausible, uncalibrated parameters.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonasPlan {}

impl Plan for PersonasPlan {
    fn build(&self, setting: &Setting<'_>) -> Result<Box<dyn Calibrator>, RewardError> {
        Ok(Box::new(Personas::new(setting.world.clone())))
    }

    fn resolved(&self) -> Result<toml::Table, toml::ser::Error> {
        toml::Table::try_from(self)
    }
}

/// The personas with three moments scaled.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScalingPlan {}

impl Plan for ScalingPlan {
    fn build(&self, setting: &Setting<'_>) -> Result<Box<dyn Calibrator>, RewardError> {
        Ok(Box::new(ScaledPersonas { base: Personas::new(setting.world.clone()) }))
    }

    fn resolved(&self) -> Result<toml::Table, toml::ser::Error> {
        toml::Table::try_from(self)
    }
}

/// Makes the personas, then scales them.
struct ScaledPersonas {
    base: Personas,
}

impl Calibrator for ScaledPersonas {
    fn name(&self) -> &'static str {
        "scaling"
    }

    fn calibrate(&mut self, brief: &Brief<'_>) -> Result<Box<dyn Simulator>, CalibrationError> {
        let base = self.base.calibrate(&Brief {
            statistics: brief.statistics,
            train: brief.train,
            streams: brief.streams.child("base", 0),
            progress: brief.progress,
        })?;
        Scaling::new(base).calibrate(brief)
    }
}

/// BG/NBD with Gamma-Gamma.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BgNbdPlan {}

impl Plan for BgNbdPlan {
    fn build(&self, _: &Setting<'_>) -> Result<Box<dyn Calibrator>, RewardError> {
        Ok(Box::new(BgNbd))
    }

    fn resolved(&self) -> Result<toml::Table, toml::ser::Error> {
        toml::Table::try_from(self)
    }
}

/// Proximal policy optimisation on the reward of the run.
#[derive(Debug)]
struct PpoPlan(PpoConfig);

impl PpoPlan {
    fn read(section: Section) -> Result<Box<dyn Plan>, Refused> {
        let config: PpoConfig = section.rest()?;
        match config.check() {
            Ok(()) => boxed(Self(config)),
            Err((field, problem)) => Err(section.refuse_key(field, &problem)),
        }
    }
}

impl Plan for PpoPlan {
    fn build(&self, setting: &Setting<'_>) -> Result<Box<dyn Calibrator>, RewardError> {
        let reward = setting.reward.build(setting.statistics)?;
        Ok(Box::new(Ppo::new(self.0.clone(), setting.world.clone(), reward)))
    }

    fn resolved(&self) -> Result<toml::Table, toml::ser::Error> {
        toml::Table::try_from(&self.0)
    }
}
