//! Which metrics a panel holds, and why others are left out.

use trueup_env::EventLog;

use super::{Metric, PanelConfig, PanelError};
use crate::discrepancy::{self, DISCREPANCIES, Discrepancy, energy_nd};
use crate::features::{self, FEATURES, Feature, Level};
use crate::panel::{LeftOut, USER_VECTOR};
use crate::sample::{Sample, Shape};

/// Discrepancies of the default panel for real features.
const REAL: &[&str] =
    &["kolmogorov-smirnov", "wasserstein-1", "cramer-von-mises", "mean-gap", "sd-gap"];
/// Discrepancies of the default panel for categories.
const CATEGORY: &[&str] = &["total-variation"];
/// Discrepancies of the default panel for (earlier, later) pairs.
const PAIR: &[&str] = &["correlation-gap"];
/// Discrepancies of the default panel for single features.
const FURTHER: &[(&str, &str)] =
    &[("log_amount", "between-share-gap"), (USER_VECTOR, energy_nd::NAME)];

/// A feature, or the vector of all user-level features.
#[derive(Clone, Copy)]
pub enum Source {
    /// A registered feature.
    Feature(&'static Feature),
    /// [`USER_VECTOR`].
    UserVector,
}

impl Source {
    /// Finds a feature or [`USER_VECTOR`] by name.
    fn find(name: &str) -> Option<Self> {
        if name == USER_VECTOR {
            return Some(Self::UserVector);
        }
        features::find(name).map(Self::Feature)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Feature(feature) => feature.name,
            Self::UserVector => USER_VECTOR,
        }
    }

    /// Its level.
    pub fn level(self) -> Level {
        match self {
            Self::Feature(feature) => feature.level,
            Self::UserVector => Level::User,
        }
    }

    /// Whether it is the named feature, or a vector with that feature in it.
    pub fn contains(self, feature: &str) -> bool {
        let is_coordinate = || features::user_features().any(|member| member.name == feature);
        self.name() == feature || (matches!(self, Self::UserVector) && is_coordinate())
    }

    fn shape(self) -> Shape {
        match self {
            Self::Feature(feature) => feature.shape(),
            Self::UserVector => Shape::Vector,
        }
    }

    /// Its rows over a log.
    pub fn sample(self, log: &EventLog) -> Sample {
        match self {
            Self::Feature(feature) => feature.sample(log),
            Self::UserVector => features::user_vectors(log),
        }
    }
}

/// A metric that will be measured.
pub struct Chosen {
    /// Index of its feature in [`Panel::sources`].
    pub source: usize,
    /// Its discrepancy.
    pub discrepancy: Distance,
}

/// A discrepancy of the registry, or the joint one with the configured number of users.
pub enum Distance {
    /// From [`DISCREPANCIES`].
    Registered(&'static dyn Discrepancy),
    /// With a limit of its own.
    Joint(energy_nd::EnergyNd),
}

impl Distance {
    /// The discrepancy.
    pub fn get(&self) -> &dyn Discrepancy {
        match self {
            Self::Registered(discrepancy) => *discrepancy,
            Self::Joint(energy) => energy,
        }
    }
}

/// The features and metrics of a panel.
pub struct Panel {
    /// The features that any metric needs.
    pub sources: Vec<Source>,
    /// The metrics.
    pub metrics: Vec<Chosen>,
    /// What was left out.
    pub left_out: Vec<LeftOut>,
}

/// Chooses the metrics: those of the config, or the default panel. A feature that has no rows or no
/// spread among the real users is left out with the reason.
///
/// # Errors
/// Unknown names, and discrepancies that do not suit their feature.
pub fn choose(config: &PanelConfig, external: [&EventLog; 2]) -> Result<Panel, PanelError> {
    let wanted = config.metrics.clone().unwrap_or_else(default_metrics);
    let mut panel = Panel { sources: Vec::new(), metrics: Vec::new(), left_out: Vec::new() };
    let mut refused: Vec<&'static str> = Vec::new();
    for metric in wanted {
        let (source, discrepancy) = resolve(&metric, config)?;
        if refused.contains(&source.name()) {
            continue;
        }
        let known = panel.sources.iter().position(|other| other.name() == source.name());
        let slot = match known {
            Some(slot) => slot,
            None => {
                if let Some(reason) = reason_to_leave_out(source, external) {
                    refused.push(source.name());
                    let feature = source.name().into();
                    panel.left_out.push(LeftOut { feature, discrepancy: None, reason });
                    continue;
                }
                panel.sources.push(source);
                panel.sources.len() - 1
            }
        };
        panel.metrics.push(Chosen { source: slot, discrepancy });
    }
    Ok(panel)
}

/// The default panel, before features that do not apply are left out.
fn default_metrics() -> Vec<Metric> {
    let mut pairs = Vec::new();
    for feature in FEATURES {
        let discrepancies = match feature.shape() {
            Shape::Real => REAL,
            Shape::Category => CATEGORY,
            Shape::Vector => PAIR,
        };
        pairs.extend(discrepancies.iter().map(|discrepancy| (feature.name, *discrepancy)));
    }
    pairs.extend(FURTHER);
    let metric = |(feature, discrepancy): (&str, &str)| Metric {
        feature: feature.into(),
        discrepancy: discrepancy.into(),
    };
    pairs.into_iter().map(metric).collect()
}

fn resolve(metric: &Metric, config: &PanelConfig) -> Result<(Source, Distance), PanelError> {
    let source = Source::find(&metric.feature).ok_or_else(|| {
        let known = FEATURES.iter().map(|feature| feature.name).chain([USER_VECTOR]);
        PanelError::unknown("feature", &metric.feature, known)
    })?;
    let discrepancy = if metric.discrepancy == energy_nd::NAME {
        Distance::Joint(energy_nd::EnergyNd { rows: config.joint_users })
    } else {
        Distance::Registered(discrepancy::find(&metric.discrepancy).ok_or_else(|| {
            let known = DISCREPANCIES.iter().map(|discrepancy| discrepancy.name());
            PanelError::unknown("discrepancy", &metric.discrepancy, known)
        })?)
    };
    let wanted = discrepancy.get().shape();
    // Pairs and user vectors are both vectors; a discrepancy of pairs refuses longer ones itself.
    if wanted != source.shape() {
        return Err(PanelError::DoesNotSuit {
            feature: metric.feature.clone(),
            discrepancy: metric.discrepancy.clone(),
            given: source.shape(),
            wanted,
        });
    }
    Ok((source, discrepancy))
}

/// Why a feature cannot be compared with these real users; none where it can.
fn reason_to_leave_out(source: Source, external: [&EventLog; 2]) -> Option<String> {
    for log in external {
        let sample = source.sample(log);
        if sample.rows() == 0 {
            return Some("it is defined for none of the real users".into());
        }
        if sample.shape == Shape::Category && sample.categories < 2 {
            return Some("the log has a single kind".into());
        }
        let first = sample.values[0];
        if sample.width == 1 && sample.values.iter().all(|&value| value == first) {
            return Some(format!("all of its values are {first} among the real users"));
        }
    }
    None
}
