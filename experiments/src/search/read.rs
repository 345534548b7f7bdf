//! Reading `[[sweep.groups]]`: what stands in one group, checked by itself. What groups mean to each
//! other is checked in [`parts`](super::parts).

use toml::Value;

use super::cmaes::CmaEs;
use super::domain::Domain;
use super::parts;
use super::read_axis::{self, DraftAxis, Manner};
use super::sobol;
use super::space::{Method, Space};
use super::tpe::Tpe;
use crate::config::{Placed, Refused, Section, suggestion};

/// The most trials that a sweep may have.
pub const MOST_TRIALS: usize = 100_000;

/// The most trials of one search.
const MOST_SEARCHED: usize = 10_000;

const KINDS: [&str; 6] = ["grid", "zip", "random", "sobol", "tpe", "cmaes"];

/// A group as it is written.
pub struct DraftGroup<'d> {
    /// For complaints; all its keys are taken.
    pub section: Section<'d>,
    pub kind: Placed<String>,
    pub method: Method,
    pub space: Option<Placed<String>>,
    pub axes: Vec<DraftAxis>,
}

impl Space {
    /// Reads the key `groups` of `[sweep]`. `base` gives the value of a path in the config without
    /// the sweep.
    ///
    /// # Errors
    /// Whatever is wrong, with the place.
    pub fn read(
        sweep: &mut Section<'_>,
        base: &dyn Fn(&str) -> Option<Value>,
    ) -> Result<Self, Refused> {
        let sections = sweep.sections("groups")?.unwrap_or_default();
        let groups = sections.into_iter().map(DraftGroup::read).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { parts: parts::build(&groups, base)? })
    }
}

impl<'d> DraftGroup<'d> {
    fn read(mut section: Section<'d>) -> Result<Self, Refused> {
        let kind = section.need::<String>("kind", "kind = \"grid\"")?;
        let method = method(&mut section, &kind)?;
        let space = section.take::<String>("space")?;
        if let Some(space) = space.as_ref().filter(|space| space.get_ref().trim().is_empty()) {
            let message = "`space` is empty".to_owned();
            return Err(section.refuse(space, message, "give it a name, or leave the key out"));
        }
        if !section.has("axes") {
            let help = "add [sweep.groups.axes] below the group, with \"path\" = [values]";
            return Err(section.refuse(&kind, "the group has no `axes`".into(), help));
        }
        let manner = Manner {
            listed: matches!(method, Method::Grid | Method::Zip),
            repeats: matches!(method, Method::Zip),
        };
        let axes = read_axis::axes(section.section("axes")?, manner)?;
        if axes.is_empty() {
            let help = "name at least one setting: \"path\" = [values]";
            return Err(section.refuse(&kind, "the group has no axes".into(), help));
        }
        section.end()?;
        let group = Self { section, kind, method, space, axes };
        group.check()?;
        Ok(group)
    }

    /// What holds between the axes of a group.
    fn check(&self) -> Result<(), Refused> {
        match self.method {
            Method::Zip => self.check_lengths(),
            Method::CmaEs(own) => self.check_cmaes(own),
            Method::Sobol { .. } | Method::Tpe(_) if self.axes.len() > sobol::MOST_AXES => {
                let message = format!("a Sobol sequence has at most {} axes", sobol::MOST_AXES);
                Err(self.section.refuse(&self.kind, message, "use kind = \"random\""))
            }
            _ => Ok(()),
        }
    }

    fn check_cmaes(&self, own: CmaEs) -> Result<(), Refused> {
        let listed = |axis: &&DraftAxis| matches!(axis.domain, Domain::Choices(_));
        if let Some(axis) = self.axes.iter().find(listed) {
            let message = format!("`{}` is a list, and cmaes needs numbers", axis.path.get_ref());
            let help = "give it low and high, move it to a grid beside the search, or use \
                        kind = \"tpe\"";
            return Err(self.section.refuse(&axis.path, message, help));
        }
        let population = own.population(self.axes.len());
        if own.budget < population {
            let message =
                format!("the budget of {} is less than one generation of {population}", own.budget);
            let help = "give at least ten generations, or use kind = \"sobol\"";
            return Err(self.section.refuse(&self.kind, message, help));
        }
        Ok(())
    }

    fn check_lengths(&self) -> Result<(), Refused> {
        let length = |axis: &DraftAxis| match &axis.domain {
            Domain::Choices(choices) => choices.len(),
            Domain::Range(_) => 0,
        };
        let Some(first) = self.axes.first() else { return Ok(()) };
        match self.axes.iter().find(|axis| length(axis) != length(first)) {
            None => Ok(()),
            Some(other) => {
                let message = format!(
                    "a zip of unequal lengths: `{}` has {} values and `{}` has {}",
                    first.path.get_ref(),
                    length(first),
                    other.path.get_ref(),
                    length(other)
                );
                let help = "give both as many values, or use kind = \"grid\" for all combinations";
                Err(self.section.refuse(&other.path, message, help))
            }
        }
    }
}

fn method(section: &mut Section<'_>, kind: &Placed<String>) -> Result<Method, Refused> {
    match kind.get_ref().as_str() {
        "grid" | "zip" if section.has("budget") => {
            let problem = format!("stands in a {}, which makes all of its rows", kind.get_ref());
            let help = "remove it, or use kind = \"random\"";
            Err(section.refuse_key_with("budget", &problem, help))
        }
        "grid" => Ok(Method::Grid),
        "zip" => Ok(Method::Zip),
        "random" => Ok(Method::Random { budget: budget(section, MOST_TRIALS)? }),
        "sobol" => Ok(Method::Sobol { budget: budget(section, sobol::MOST_POINTS)? }),
        "tpe" => Ok(Method::Tpe(tpe(section)?)),
        "cmaes" => Ok(Method::CmaEs(cmaes(section)?)),
        other => {
            let message = format!("unknown kind of group `{other}`");
            let help = suggestion(other, KINDS.into_iter()).unwrap_or_default();
            Err(section.refuse(kind, message, &help))
        }
    }
}

fn tpe(section: &mut Section<'_>) -> Result<Tpe, Refused> {
    let budget = budget(section, MOST_SEARCHED)?;
    let batch = at_least(section, "batch", 1)?.unwrap_or(4);
    let startup = at_least(section, "startup", 1)?.unwrap_or(10);
    Ok(Tpe { budget, batch, startup })
}

fn cmaes(section: &mut Section<'_>) -> Result<CmaEs, Refused> {
    let budget = budget(section, MOST_SEARCHED)?;
    let population = at_least(section, "population", 4)?;
    let sigma = match section.take::<f64>("sigma")? {
        None => 0.3,
        Some(sigma) if *sigma.get_ref() > 0.0 && *sigma.get_ref() <= 1.0 => sigma.into_inner(),
        Some(sigma) => {
            let message = format!("`sigma` is {}, not a share of the axes", sigma.get_ref());
            let help = "write 0 < sigma <= 1; 0.3 reaches all of the range";
            return Err(section.refuse(&sigma, message, help));
        }
    };
    Ok(CmaEs { budget, population, sigma })
}

/// Reads a count of trials.
fn at_least(
    section: &mut Section<'_>,
    key: &'static str,
    least: usize,
) -> Result<Option<usize>, Refused> {
    match section.take::<usize>(key)? {
        None => Ok(None),
        Some(count) if (least..=MOST_SEARCHED).contains(count.get_ref()) => {
            Ok(Some(count.into_inner()))
        }
        Some(count) => {
            let message =
                format!("`{key}` is {}, not from {least} to {MOST_SEARCHED}", count.get_ref());
            Err(section.refuse(&count, message, "leave it out for the default"))
        }
    }
}

/// How many trials a group may make.
fn budget(section: &mut Section<'_>, most: usize) -> Result<usize, Refused> {
    let budget = section.need::<usize>("budget", "budget = 20")?;
    match *budget.get_ref() {
        0 => {
            let message = "`budget` is 0: nothing would be tried".to_owned();
            Err(section.refuse(&budget, message, "write budget = 20"))
        }
        given if given > most => {
            let message = format!("`budget` is {given}, more than {most}");
            Err(section.refuse(&budget, message, "ask for fewer trials"))
        }
        given => Ok(given),
    }
}
