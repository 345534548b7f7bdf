//! The calibrators that a config can name. To add one, write a [`Plan`] and add it to
//! [`CALIBRATORS`].

use std::fmt::Debug;

use serde::{Deserialize, Serialize};
use trueup_agents::personas::{PersonasConfig, Uncalibrated};
use trueup_agents::ppo::{Ppo, PpoConfig};
use trueup_agents::random::RandomUsers;
use trueup_calibration::calibrator::Calibrator;
use trueup_calibration::calibrator::bgnbd::BgNbdCalibrator;
use trueup_calibration::calibrator::scaling::Scaling;
use trueup_calibration::reward::{RewardConfig, RewardError};
use trueup_calibration::statistics::Statistics;
use trueup_env::CheckedWorld;

use crate::config::{Refused, Section};

/// What a calibrator is built from.
pub struct Setting<'a> {
    /// The world that users live in.
    pub world: &'a CheckedWorld,
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
    pub read: fn(Section<'_>) -> Result<Box<dyn Plan>, Refused>,
}

/// All kinds.
pub const CALIBRATORS: &[Entry] = &[
    Entry { kind: "random", read: |section| plan(section.rest::<RandomPlan>()?) },
    Entry { kind: "personas", read: |section| personas(section, PersonasPlan) },
    Entry { kind: "scaling", read: |section| personas(section, ScalingPlan) },
    Entry { kind: "bgnbd", read: |section| plan(section.rest::<BgNbdPlan>()?) },
    Entry { kind: "ppo", read: ppo },
];

/// The entry of a kind.
pub fn find(kind: &str) -> Option<&'static Entry> {
    CALIBRATORS.iter().find(|entry| entry.kind == kind)
}

/// The names of all kinds.
pub fn names() -> impl Iterator<Item = &'static str> {
    CALIBRATORS.iter().map(|entry| entry.kind)
}

fn plan(plan: impl Plan + 'static) -> Result<Box<dyn Plan>, Refused> {
    Ok(Box::new(plan))
}

/// Users who do anything at random.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RandomPlan {}

impl Plan for RandomPlan {
    fn build(&self, setting: &Setting<'_>) -> Result<Box<dyn Calibrator>, RewardError> {
        Ok(Box::new(RandomUsers(setting.world.clone())))
    }

    fn resolved(&self) -> Result<toml::Table, toml::ser::Error> {
        toml::Table::try_from(self)
    }
}

/// The personas with their plausible, uncalibrated parameters.
#[derive(Debug)]
struct PersonasPlan(PersonasConfig);

fn personas<P: Plan + 'static>(
    section: Section<'_>,
    make: fn(PersonasConfig) -> P,
) -> Result<Box<dyn Plan>, Refused> {
    let config: PersonasConfig = section.rest()?;
    config.check().map_err(|(field, problem)| section.refuse_key(field, &problem))?;
    plan(make(config))
}

impl Plan for PersonasPlan {
    fn build(&self, setting: &Setting<'_>) -> Result<Box<dyn Calibrator>, RewardError> {
        Ok(Box::new(Uncalibrated::new(self.0.clone(), setting.world.clone())))
    }

    fn resolved(&self) -> Result<toml::Table, toml::ser::Error> {
        toml::Table::try_from(&self.0)
    }
}

/// Personas with three moments scaled.
#[derive(Debug)]
struct ScalingPlan(PersonasConfig);

impl Plan for ScalingPlan {
    fn build(&self, setting: &Setting<'_>) -> Result<Box<dyn Calibrator>, RewardError> {
        let base = Uncalibrated::new(self.0.clone(), setting.world.clone());
        Ok(Box::new(Scaling::new(base.simulator())))
    }

    fn resolved(&self) -> Result<toml::Table, toml::ser::Error> {
        toml::Table::try_from(&self.0)
    }
}

/// BG/NBD with Gamma-Gamma.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BgNbdPlan {}

impl Plan for BgNbdPlan {
    fn build(&self, _: &Setting<'_>) -> Result<Box<dyn Calibrator>, RewardError> {
        Ok(Box::new(BgNbdCalibrator))
    }

    fn resolved(&self) -> Result<toml::Table, toml::ser::Error> {
        toml::Table::try_from(self)
    }
}

/// Proximal policy optimisation on the reward of the run.
#[derive(Debug)]
struct PpoPlan(PpoConfig);

fn ppo(section: Section<'_>) -> Result<Box<dyn Plan>, Refused> {
    let config: PpoConfig = section.rest()?;
    config.check().map_err(|(field, problem)| section.refuse_key(field, &problem))?;
    plan(PpoPlan(config))
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
