//! Which metrics a panel holds, and why others are left out.

use trueup_env::EventLog;

use super::default_panel::{self, ALL};
use super::in_panels;
use super::{Metric, PanelConfig, PanelError};
use crate::discrepancy::{DISCREPANCIES, Named, named, relation_gap};
use crate::features::{self, FEATURES, Feature, Level, of_kind, relation};
use crate::panel::{LeftOut, USER_VECTOR};
use crate::sample::{Sample, Shape};

/// A feature, or the vector of all user-level features.
#[derive(Clone, Copy)]
pub enum Source {
    /// A registered feature.
    Feature(&'static Feature),
    /// [`USER_VECTOR`].
    UserVector,
}

impl Source {
    /// Finds a feature or [`USER_VECTOR`] by name in logs of these kinds.
    fn find(name: &str, kinds: &[String]) -> Option<Self> {
        if name == USER_VECTOR {
            return Some(Self::UserVector);
        }
        of_kind::find_among(name, kinds).map(Self::Feature)
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

    /// Whether it is the named feature, a part of it, or made of it: a vector with that feature in
    /// it, or the amounts of one kind and of all.
    pub fn contains(self, feature: &str) -> bool {
        let is_coordinate = || features::user_features().any(|member| member.name == feature);
        let of_kinds = match [self.name(), feature].map(of_kind::kind_of) {
            [Some(_), None] => feature == of_kind::BASE,
            [None, Some(_)] => self.name() == of_kind::BASE,
            _ => false,
        };
        self.is(feature) || of_kinds || (matches!(self, Self::UserVector) && is_coordinate())
    }

    /// Whether it is the named feature, however it is spelled.
    pub fn is(self, feature: &str) -> bool {
        let [own, other] = [self.name(), feature].map(of_kind::kind_of);
        self.name() == feature || (own.is_some() && own == other)
    }

    /// What its rows are.
    pub fn shape(self) -> Shape {
        match self {
            Self::Feature(feature) => feature.shape(),
            Self::UserVector => Shape::Vector,
        }
    }

    fn all() -> impl Iterator<Item = Self> {
        FEATURES.iter().map(Self::Feature).chain([Self::UserVector])
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
    pub discrepancy: Named,
}

impl Chosen {
    /// The most users a side that are compared, where there is a limit.
    pub fn most_users(&self) -> Option<usize> {
        self.discrepancy.parameter(in_panels::ROWS).map(|rows| rows as usize)
    }
}

/// The features and metrics of a panel.
pub struct Panel {
    /// The features that any metric needs.
    pub sources: Vec<Source>,
    /// The metrics.
    pub metrics: Vec<Chosen>,
    /// Of each feature, the one value that all real users have; none where they differ.
    pub constants: Vec<Option<f64>>,
    /// What was left out.
    pub left_out: Vec<LeftOut>,
}

/// Chooses the metrics: those of the config, or the default panel. The first of the `real` logs is
/// that of the test users. A feature that has no rows among them is left out with the reason, and so is
/// one that has a single value among all users, real and simulated.
///
/// # Errors
/// Unknown names, and discrepancies that do not suit their feature.
pub fn choose(
    config: &PanelConfig,
    real: &[&EventLog],
    simulated: &[&EventLog],
) -> Result<Panel, PanelError> {
    let wanted = match &config.metrics {
        Some(metrics) => metrics.clone(),
        None => {
            let mut metrics = default_panel::metrics(config.panel);
            let relations = real.first().map(|log| relation::all(log.covariates(), log.kinds()));
            metrics.extend(relations.into_iter().flatten().map(|feature| Metric {
                feature: feature.name.into(),
                discrepancy: relation_gap::NAME.into(),
            }));
            metrics
        }
    };
    let mut panel = Panel {
        sources: Vec::new(),
        metrics: Vec::new(),
        constants: Vec::new(),
        left_out: Vec::new(),
    };
    let mut refused: Vec<&'static str> = Vec::new();
    let kinds = real.first().map_or(&[][..], |log| log.kinds());
    for metric in wanted.iter().filter(|metric| of_every_kind(metric) && kinds.len() < 2) {
        let (feature, reason) = (metric.feature.clone(), "the log has a single kind".into());
        panel.left_out.push(LeftOut { feature, discrepancy: None, reason });
    }
    let names: Vec<String> = wanted.iter().map(|metric| metric.discrepancy.clone()).collect();
    for metric in expand(wanted, kinds)? {
        let is_named = names.contains(&metric.discrepancy);
        let (source, discrepancy) = resolve(&metric, kinds, config, is_named)?;
        if refused.contains(&source.name()) {
            continue;
        }
        let known = panel.sources.iter().position(|other| other.name() == source.name());
        let slot = match known {
            Some(slot) => slot,
            None => {
                match constant(source, real, simulated) {
                    Ok(constant) => panel.constants.push(constant),
                    Err(reason) => {
                        refused.push(source.name());
                        let feature = source.name().into();
                        panel.left_out.push(LeftOut { feature, discrepancy: None, reason });
                        continue;
                    }
                }
                panel.sources.push(source);
                panel.sources.len() - 1
            }
        };
        // A metric that is named, and meant by a wildcard too, is one metric.
        let is_it = |m: &Chosen| m.source == slot && m.discrepancy.label() == discrepancy.label();
        if !panel.metrics.iter().any(is_it) {
            panel.metrics.push(Chosen { source: slot, discrepancy });
        }
    }
    Ok(panel)
}

/// Whether a metric asks for the features of all kinds.
fn of_every_kind(metric: &Metric) -> bool {
    of_kind::kind_of(&metric.feature) == Some(of_kind::ALL_KINDS)
}

/// Puts every feature or discrepancy of a fitting shape in the place of [`ALL`], and the features of
/// all kinds in the place of that of [`of_kind::ALL_KINDS`].
pub fn expand(wanted: Vec<Metric>, kinds: &[String]) -> Result<Vec<Metric>, PanelError> {
    let mut metrics = Vec::new();
    for metric in wanted {
        let every_kind = of_every_kind(&metric);
        if metric.feature != ALL && metric.discrepancy != ALL && !every_kind {
            metrics.push(metric);
            continue;
        }
        let sources: Vec<Source> = match metric.feature.as_str() {
            ALL => Source::all().collect(),
            // A log of one kind has no features of kinds, and nothing is to be compared.
            _ if every_kind && kinds.len() < 2 => continue,
            _ if every_kind => of_kind::all(kinds).map(Source::Feature).collect(),
            name => vec![find_source(name, kinds)?],
        };
        let before = metrics.len();
        for source in sources {
            let fitting: Vec<String> = match metric.discrepancy.as_str() {
                ALL => {
                    let all = DISCREPANCIES.iter().filter(|d| d.shape() == source.shape());
                    // On pairs of events it is the gap of correlations once more.
                    let all = all.filter(|d| d.name() != relation_gap::NAME);
                    all.map(|discrepancy| discrepancy.name().into()).collect()
                }
                text if named(text)?.shape() == source.shape() => vec![text.into()],
                _ => Vec::new(),
            };
            let of_source = |discrepancy| Metric { feature: source.name().into(), discrepancy };
            metrics.extend(fitting.into_iter().map(of_source));
        }
        if metrics.len() == before {
            let Metric { feature, discrepancy } = metric;
            return Err(PanelError::NothingFits { feature, discrepancy });
        }
    }
    Ok(metrics)
}

fn find_source(name: &str, kinds: &[String]) -> Result<Source, PanelError> {
    Source::find(name, kinds).ok_or_else(|| {
        let of_kinds = of_kind::all(kinds).map(Source::Feature);
        let known = Source::all().chain(of_kinds).map(Source::name).chain([ALL]);
        let known: Vec<&str> = known.collect();
        PanelError::UnknownFeature { name: name.into(), known: known.join(", ") }
    })
}

/// The feature and the discrepancy of a metric.
pub fn resolve(
    metric: &Metric,
    kinds: &[String],
    config: &PanelConfig,
    is_named: bool,
) -> Result<(Source, Named), PanelError> {
    let source = find_source(&metric.feature, kinds)?;
    let discrepancy = in_panels::find(&metric.discrepancy, config.joint_users, is_named)?;
    let wanted = discrepancy.shape();
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

/// The one value of a feature among all real users, where there is a single one and simulated users
/// have others; or why the feature cannot be compared.
fn constant(
    source: Source,
    real: &[&EventLog],
    simulated: &[&EventLog],
) -> Result<Option<f64>, String> {
    let mut one = None;
    for (i, log) in real.iter().enumerate() {
        let sample = source.sample(log);
        if let Some((covariate, _)) = relation::parts(source.name())
            && log.covariates().place(covariate).is_none()
        {
            let names = log.covariates().names.join(", ");
            return Err(match names.is_empty() {
                true => "the log has no covariates".into(),
                false => format!("the log has no covariate {covariate:?}, but {names}"),
            });
        }
        if i == 0 && sample.rows() == 0 {
            return Err("it is defined for none of the real users".into());
        }
        if sample.shape == Shape::Category && sample.categories < 2 {
            return Err("the log has a single kind".into());
        }
        for &value in &sample.values {
            if *one.get_or_insert(value) != value {
                return Ok(None);
            }
        }
    }
    let differs =
        |log: &&EventLog| source.sample(log).values.iter().any(|value| Some(*value) != one);
    match one {
        Some(one) if !simulated.iter().any(differs) => {
            Err(format!("all of its values are {one} among the real users"))
        }
        one => Ok(one),
    }
}
