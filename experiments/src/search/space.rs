//! What a sweep varies: axes, the groups in which they are laid out, and the parts of the space.

use toml::Value;

use super::assignment::{Assignment, Set};
use super::cmaes::CmaEs;
use super::domain::{Choice, Domain, same};
use super::tpe::Tpe;

/// All that a sweep varies: the parts are laid one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Space {
    /// In the order in which the config first names them; one that sets nothing where the config
    /// has no groups.
    pub parts: Vec<Part>,
}

/// Groups whose rows are combined, each with each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    /// What `space` says; none where no group says it.
    pub name: Option<String>,
    /// Each path once; an axis stands behind those that its conditions name.
    pub axes: Vec<Axis>,
    /// Each axis in one group.
    pub groups: Vec<Group>,
}

/// Axes that are laid out together.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// How.
    pub method: Method,
    /// Positions in [`Part::axes`], in the order of the config.
    pub axes: Vec<usize>,
}

/// How the axes of a group are laid out.
#[derive(Clone, Debug, PartialEq)]
pub enum Method {
    /// Every combination; the last axis varies fastest.
    Grid,
    /// The first values together, then the second ones.
    Zip,
    /// Independent draws.
    Random {
        /// How many different rows.
        budget: usize,
    },
    /// Points of a scrambled Sobol sequence.
    Sobol {
        /// How many different rows.
        budget: usize,
    },
    /// Proposals in the light of earlier trials.
    Tpe(Tpe),
    /// Proposals in the light of earlier trials.
    CmaEs(CmaEs),
}

impl Method {
    /// Whether trials are proposed in the light of earlier ones.
    pub fn is_searcher(&self) -> bool {
        matches!(self, Self::Tpe(_) | Self::CmaEs(_))
    }
}

/// One setting that varies.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Where it stands in the config, as in `--set path=value`.
    pub path: String,
    /// What it can be.
    pub domain: Domain,
    /// It is set only where all of these hold.
    pub when: Vec<Condition>,
}

/// Another axis has one of some values.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// Position of the other axis in [`Part::axes`].
    pub axis: usize,
    /// Keys that lead from the value of that axis to what is asked for; none if it is that value.
    pub inside: Vec<String>,
    /// Any of these.
    pub values: Vec<Value>,
    /// Whether it holds where the other axis does not set the path: the config has the say.
    pub otherwise: bool,
}

impl Condition {
    /// Whether a value of the other axis will do.
    pub fn allows(&self, value: &Value) -> bool {
        let mut found = value;
        for key in &self.inside {
            match found.get(key) {
                Some(inner) => found = inner,
                None => return self.otherwise,
            }
        }
        self.values.iter().any(|wanted| same(wanted, found))
    }
}

impl Part {
    /// Which axes are set where they would have these values (none: not known yet, so that it may
    /// be any).
    pub fn active(&self, row: &[Option<Choice>]) -> Vec<bool> {
        let mut active: Vec<bool> = Vec::with_capacity(self.axes.len());
        for axis in &self.axes {
            let holds = |condition: &Condition| match active.get(condition.axis) {
                Some(true) => match row.get(condition.axis) {
                    Some(Some(choice)) => condition.allows(&choice.value),
                    _ => true,
                },
                _ => condition.otherwise,
            };
            let set = axis.when.iter().all(holds);
            active.push(set);
        }
        active
    }

    /// What a row of values sets.
    pub fn assignment(&self, row: &[Option<Choice>]) -> Assignment {
        let active = self.active(row);
        let set = |((axis, choice), active): ((&Axis, &Option<Choice>), bool)| {
            let Choice { value, label } = choice.clone().filter(|_| active)?;
            Some(Set { path: axis.path.clone(), value, label })
        };
        Assignment::new(self.axes.iter().zip(row).zip(active).filter_map(set).collect())
    }
}
