//! The calibrators that a config can name. To add one, write a [`Plan`] and add it to
//! [`CALIBRATORS`].

use std::fmt::Debug;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use trueup_agents::calibrator::{Ppo, PpoCalibratorConfig, Start};
use trueup_agents::cloning::{Cloning, CloningConfig};
use trueup_agents::personas::{PersonasConfig, Uncalibrated};
use trueup_agents::random::RandomUsers;
use trueup_calibration::calibrator::bgnbd::BgNbdCalibrator;
use trueup_calibration::calibrator::scaling::Scaling;
use trueup_calibration::calibrator::{CalibrationError, Calibrator};
use trueup_env::CheckedWorld;

use crate::config::{Refused, Section, refuse};
use crate::rewards::Reward;

/// What a calibrator is built from.
pub struct Setting<'a> {
    /// The world that users live in.
    pub world: &'a CheckedWorld,
    /// The reward of the run.
    pub reward: &'a Reward,
}

/// A checked config of one calibrator.
pub trait Plan: Debug + Send + Sync {
    /// Builds the calibrator.
    ///
    /// # Errors
    /// Settings that cannot be written down.
    fn build(&self, setting: &Setting<'_>) -> Result<Box<dyn Calibrator>, CalibrationError>;

    /// Whether it is trained on the reward of the run.
    fn is_rewarded(&self) -> bool {
        false
    }

    /// Whether it needs the training log, which a file of statistics is not.
    fn needs_log(&self) -> bool {
        false
    }

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
    /// What it is, in one line.
    pub what: &'static str,
    /// Reads its part of the config.
    pub read: fn(Section<'_>) -> Result<Box<dyn Plan>, Refused>,
    /// What an editor is told of it: the schema of the type that reads it.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
}

/// All kinds.
pub const CALIBRATORS: &[Entry] = &[
    Entry {
        kind: "random",
        what: "Users who do anything at random.",
        read: |section| plan(section.rest::<RandomPlan>()?),
        schema: SchemaGenerator::subschema_for::<RandomPlan>,
    },
    Entry {
        kind: "personas",
        what: "The personas with their plausible, uncalibrated parameters.",
        read: |section| personas(section, PersonasPlan),
        schema: SchemaGenerator::subschema_for::<PersonasConfig>,
    },
    Entry {
        kind: "scaling",
        what: "Personas with three moments scaled.",
        read: |section| personas(section, ScalingPlan),
        schema: SchemaGenerator::subschema_for::<PersonasConfig>,
    },
    Entry {
        kind: "bgnbd",
        what: "BG/NBD with Gamma-Gamma, the classical model of purchases.",
        read: |section| plan(section.rest::<BgNbdPlan>()?),
        schema: SchemaGenerator::subschema_for::<BgNbdPlan>,
    },
    Entry {
        kind: "cloning",
        what: "A network that repeats what the training users did; needs their log.",
        read: cloning,
        schema: SchemaGenerator::subschema_for::<CloningConfig>,
    },
    Entry {
        kind: "ppo",
        what: "Users trained by proximal policy optimisation on the reward of the run.",
        read: ppo,
        schema: SchemaGenerator::subschema_for::<PpoCalibratorConfig>,
    },
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
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RandomPlan {}

impl Plan for RandomPlan {
    fn build(&self, setting: &Setting<'_>) -> Result<Box<dyn Calibrator>, CalibrationError> {
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
    refuse(&section, "", config.check())?;
    plan(make(config))
}

impl Plan for PersonasPlan {
    fn build(&self, setting: &Setting<'_>) -> Result<Box<dyn Calibrator>, CalibrationError> {
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
    fn build(&self, setting: &Setting<'_>) -> Result<Box<dyn Calibrator>, CalibrationError> {
        let base = Uncalibrated::new(self.0.clone(), setting.world.clone());
        Ok(Box::new(Scaling::new(Box::new(base))))
    }

    fn resolved(&self) -> Result<toml::Table, toml::ser::Error> {
        toml::Table::try_from(&self.0)
    }
}

/// BG/NBD with Gamma-Gamma.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BgNbdPlan {}

impl Plan for BgNbdPlan {
    fn needs_log(&self) -> bool {
        true
    }

    fn build(&self, _: &Setting<'_>) -> Result<Box<dyn Calibrator>, CalibrationError> {
        Ok(Box::new(BgNbdCalibrator))
    }

    fn resolved(&self) -> Result<toml::Table, toml::ser::Error> {
        toml::Table::try_from(self)
    }
}

/// Users trained by proximal policy optimisation on the reward of the run.
#[derive(Debug)]
struct PpoPlan(PpoCalibratorConfig);

fn ppo(section: Section<'_>) -> Result<Box<dyn Plan>, Refused> {
    let config: PpoCalibratorConfig = section.rest()?;
    refuse(&section, "network.", config.network.check())?;
    refuse(&section, "update.", config.update.check())?;
    refuse(&section, "cloning.network.", config.cloning.network.check())?;
    refuse(&section, "cloning.", config.cloning.check())?;
    refuse(&section, "", config.check())?;
    plan(PpoPlan(config))
}

impl Plan for PpoPlan {
    fn needs_log(&self) -> bool {
        self.0.start == Start::Cloning
    }

    fn is_rewarded(&self) -> bool {
        true
    }

    fn build(&self, setting: &Setting<'_>) -> Result<Box<dyn Calibrator>, CalibrationError> {
        let reward = setting.reward;
        let settings = reward.settings().map_err(|error| CalibrationError::Inner {
            calibrator: "reward",
            source: Box::new(error),
        })?;
        let (config, world) = (self.0.clone(), setting.world.clone());
        Ok(Box::new(Ppo::new(config, world, reward.builder(self.0.amount_bins), settings)))
    }

    fn resolved(&self) -> Result<toml::Table, toml::ser::Error> {
        toml::Table::try_from(&self.0)
    }
}

/// A network that repeats what the real users did.
#[derive(Debug)]
struct CloningPlan(CloningConfig);

fn cloning(section: Section<'_>) -> Result<Box<dyn Plan>, Refused> {
    let config: CloningConfig = section.rest()?;
    refuse(&section, "network.", config.network.check())?;
    refuse(&section, "", config.check())?;
    plan(CloningPlan(config))
}

impl Plan for CloningPlan {
    fn needs_log(&self) -> bool {
        true
    }

    fn build(&self, setting: &Setting<'_>) -> Result<Box<dyn Calibrator>, CalibrationError> {
        Ok(Box::new(Cloning::new(self.0.clone(), setting.world.clone())))
    }

    fn resolved(&self) -> Result<toml::Table, toml::ser::Error> {
        toml::Table::try_from(&self.0)
    }
}
