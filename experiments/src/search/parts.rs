//! What groups mean to each other: the parts of the space, conditions on other axes, sizes.

use std::collections::BTreeSet;

use toml::Value;

use super::cmaes::CmaEs;
use super::domain::{Domain, same};
use super::read::{DraftGroup, MOST_TRIALS};
use super::read_axis::{DraftAxis, DraftCondition};
use super::space::{Axis, Condition, Group, Method, Part};
use super::tpe::Tpe;
use crate::config::{Refused, Section, suggestion};

type Base<'a> = &'a dyn Fn(&str) -> Option<Value>;

/// The groups of one part and all their axes.
struct Draft<'a, 'd> {
    name: Option<String>,
    groups: Vec<&'a DraftGroup<'d>>,
    /// Each with the position of its group in `groups`.
    axes: Vec<(usize, &'a DraftAxis)>,
    base: Base<'a>,
}

/// The parts of the space, in the order in which groups first name them. A group without a name
/// belongs to all of them.
pub fn build(groups: &[DraftGroup<'_>], base: Base<'_>) -> Result<Vec<Part>, Refused> {
    let mut names: Vec<Option<String>> = Vec::new();
    for space in groups.iter().filter_map(|group| group.space.as_ref()) {
        let name = Some(space.get_ref().clone());
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        names.push(None);
    }
    let drafts: Vec<Draft<'_, '_>> =
        names.into_iter().map(|name| Draft::new(name, groups, base)).collect();
    for draft in &drafts {
        draft.check_paths()?;
        draft.check_searchers()?;
    }
    for axis in groups.iter().flat_map(|group| group.axes.iter().map(move |axis| (group, axis))) {
        check_conditions(axis, &drafts)?;
    }
    let parts = drafts.iter().map(Draft::part).collect::<Result<Vec<_>, _>>()?;
    check_sizes(&parts, groups)?;
    Ok(parts)
}

/// Refuses a value of a condition that the other path can have in no part.
fn check_conditions(
    (group, axis): (&DraftGroup<'_>, &DraftAxis),
    drafts: &[Draft<'_, '_>],
) -> Result<(), Refused> {
    let member = |draft: &&Draft<'_, '_>| draft.groups.iter().any(|g| std::ptr::eq(*g, group));
    for condition in &axis.when {
        for wanted in &condition.values {
            let mut problems = Vec::new();
            for draft in drafts.iter().filter(member) {
                match draft.can_be(condition, wanted.get_ref()) {
                    Ok(()) => {
                        problems.clear();
                        break;
                    }
                    Err(problem) => problems.push(problem),
                }
            }
            if let Some((message, help)) = problems.into_iter().next() {
                return Err(group.section.refuse(wanted, message, &help));
            }
        }
    }
    Ok(())
}

/// Refuses more trials than a sweep can have.
fn check_sizes(parts: &[Part], groups: &[DraftGroup<'_>]) -> Result<(), Refused> {
    let total = parts.iter().map(|part| part.most_trials() as u128).sum::<u128>();
    match groups.last() {
        Some(group) if total > MOST_TRIALS as u128 => {
            let many = if total >= 1 << 60 { "more than 10^18".into() } else { total.to_string() };
            let message = format!("the groups make {many} trials, more than {MOST_TRIALS}");
            let help = "shorten the axes, or draw from them with kind = \"random\" and a budget";
            Err(group.section.refuse(&group.kind, message, help))
        }
        _ => Ok(()),
    }
}

/// What a condition asks about.
enum Subject {
    /// An axis, and the keys that lead on from its value.
    Axis(usize, Vec<String>),
    /// The config.
    Base(Value),
    /// Nothing that there is.
    Missing,
}

impl<'a, 'd> Draft<'a, 'd> {
    fn new(name: Option<String>, groups: &'a [DraftGroup<'d>], base: Base<'a>) -> Self {
        let here = |group: &&DraftGroup<'_>| {
            let space = group.space.as_ref().map(|space| space.get_ref());
            space.is_none() || space == name.as_ref()
        };
        let groups: Vec<&DraftGroup<'_>> = groups.iter().filter(here).collect();
        let own = |(i, group): (usize, &&'a DraftGroup<'d>)| {
            group.axes.iter().map(move |axis| (i, axis)).collect::<Vec<_>>()
        };
        let axes = groups.iter().enumerate().flat_map(own).collect();
        Self { name, groups, axes, base }
    }

    fn section(&self, axis: usize) -> Option<&'a Section<'d>> {
        let (group, _) = self.axes.get(axis)?;
        self.groups.get(*group).map(|group| &group.section)
    }

    fn check_paths(&self) -> Result<(), Refused> {
        let mut seen = BTreeSet::new();
        for (at, (_, axis)) in self.axes.iter().enumerate() {
            if seen.insert(axis.path.get_ref()) {
                continue;
            }
            let Some(section) = self.section(at) else { continue };
            let message = format!("`{}` is an axis twice", axis.path.get_ref());
            let help = "remove one, or give the groups different names: space = \"a\"";
            return Err(section.refuse(&axis.path, message, help));
        }
        Ok(())
    }

    fn check_searchers(&self) -> Result<(), Refused> {
        let mut searchers = self.groups.iter().filter(|group| group.method.is_searcher());
        match (searchers.next(), searchers.next()) {
            (Some(_), Some(second)) => {
                let message = "two searchers in one space".to_owned();
                let help = "put all searched axes into one group, or give the groups different \
                            names: space = \"a\"";
                Err(second.section.refuse(&second.kind, message, help))
            }
            _ => Ok(()),
        }
    }

    /// Who sets the path of a condition: the axis with the longest path on the way to it.
    fn subject(&self, condition: &DraftCondition) -> Subject {
        let path = condition.path.get_ref().as_str();
        let inside = |axis: &DraftAxis| -> Option<Vec<String>> {
            let rest = path.strip_prefix(axis.path.get_ref().as_str())?;
            match rest.strip_prefix('.') {
                Some(rest) => Some(rest.split('.').map(str::to_owned).collect()),
                None => rest.is_empty().then(Vec::new),
            }
        };
        let found = self.axes.iter().enumerate();
        let found = found.filter_map(|(at, (_, axis))| Some((at, inside(axis)?)));
        match found.min_by_key(|(_, inside)| inside.len()) {
            Some((at, inside)) => Subject::Axis(at, inside),
            None => (self.base)(path).map_or(Subject::Missing, Subject::Base),
        }
    }

    /// Whether the path of a condition can have a value; a problem and its remedy if not.
    fn can_be(&self, condition: &DraftCondition, wanted: &Value) -> Result<(), (String, String)> {
        let path = condition.path.get_ref();
        match self.subject(condition) {
            Subject::Missing => {
                let axes = self.axes.iter().map(|(_, axis)| axis.path.get_ref().as_str());
                let message = format!("`{path}` is no axis here and the config does not give it");
                Err((message, suggestion(path, axes).unwrap_or_default()))
            }
            Subject::Base(value) if same(&value, wanted) => Ok(()),
            Subject::Base(value) => {
                let message = format!("the config has {value} at `{path}`, and no axis changes it");
                Err((message, format!("make `{path}` an axis, or remove the condition")))
            }
            Subject::Axis(at, inside) => {
                let Some((_, axis)) = self.axes.get(at) else { return Ok(()) };
                let asked = self.condition(condition, at, inside, std::slice::from_ref(wanted));
                possible(axis, &asked)
            }
        }
    }

    fn condition(
        &self,
        condition: &DraftCondition,
        axis: usize,
        inside: Vec<String>,
        values: &[Value],
    ) -> Condition {
        let given = (self.base)(condition.path.get_ref());
        let otherwise = given.is_some_and(|given| values.iter().any(|value| same(value, &given)));
        Condition { axis, inside, values: values.to_vec(), otherwise }
    }

    /// Positions of the axes, each behind those that its conditions name; else in their order.
    fn order(&self) -> Result<Vec<usize>, Refused> {
        let asks = |(_, axis): &(usize, &DraftAxis)| -> Vec<usize> {
            let subjects = axis.when.iter().map(|condition| self.subject(condition));
            let axis = |subject| match subject {
                Subject::Axis(at, _) => Some(at),
                _ => None,
            };
            subjects.filter_map(axis).collect()
        };
        let asks: Vec<Vec<usize>> = self.axes.iter().map(asks).collect();
        let mut order: Vec<usize> = Vec::new();
        let mut placed = vec![false; asks.len()];
        loop {
            let is_placed = |at: &usize| placed.get(*at).copied().unwrap_or(true);
            let ready = |at: &usize| {
                !is_placed(at) && asks.get(*at).is_none_or(|asks| asks.iter().all(is_placed))
            };
            let next = (0..asks.len()).find(ready);
            let Some(next) = next else { break };
            order.push(next);
            if let Some(slot) = placed.get_mut(next) {
                *slot = true;
            }
        }
        match (0..asks.len()).find(|at| !placed.get(*at).copied().unwrap_or(true)) {
            None => Ok(order),
            Some(stuck) => Err(self.circle(stuck, &asks, &placed)),
        }
    }

    /// The complaint about conditions in a circle: from an axis that cannot be placed, each next
    /// one cannot be either, so that one comes again.
    fn circle(&self, stuck: usize, asks: &[Vec<usize>], placed: &[bool]) -> Refused {
        let open = |at: &&usize| !placed.get(**at).copied().unwrap_or(true);
        let next = |at: usize| asks.get(at).and_then(|asks| asks.iter().find(open)).copied();
        let mut walk = vec![stuck];
        let start = loop {
            let at = walk.last().copied().and_then(next).unwrap_or(stuck);
            if let Some(start) = walk.iter().position(|&seen| seen == at) {
                walk.push(at);
                break start;
            }
            walk.push(at);
        };
        let circle = walk.split_off(start);
        let name = |at: &usize| {
            self.axes.get(*at).map_or_else(String::new, |(_, axis)| axis.path.get_ref().clone())
        };
        let names: Vec<String> = circle.iter().map(name).collect();
        let message = format!("conditions in a circle: {}", names.join(" -> "));
        let help = "remove one of these conditions";
        let first = circle.first().copied().unwrap_or(stuck);
        let (group, axis) = self.axes[first];
        self.groups[group].section.refuse(&axis.path, message, help)
    }

    /// The checked part. Conditions on the config are decided; axes that are never set are gone.
    fn part(&self) -> Result<Part, Refused> {
        // Where an axis of the draft stands in the part.
        let mut place: Vec<Option<usize>> = vec![None; self.axes.len()];
        let mut axes: Vec<Axis> = Vec::new();
        for at in self.order()? {
            let Some((_, draft)) = self.axes.get(at) else { continue };
            if let Some(when) = self.decided(draft, &place) {
                if let Some(slot) = place.get_mut(at) {
                    *slot = Some(axes.len());
                }
                let path = draft.path.get_ref().clone();
                axes.push(Axis { path, domain: draft.domain.clone(), when });
            }
        }
        let group = |(i, group): (usize, &&DraftGroup<'_>)| {
            let own = self.axes.iter().zip(&place).filter(|((of, _), _)| *of == i);
            let axes = own.filter_map(|(_, place)| *place).collect();
            Group { method: group.method.clone(), axes }
        };
        let groups = self.groups.iter().enumerate().map(group).collect();
        Ok(Part { name: self.name.clone(), axes, groups })
    }

    /// The conditions that remain of those of an axis; none if one of them never holds.
    fn decided(&self, axis: &DraftAxis, place: &[Option<usize>]) -> Option<Vec<Condition>> {
        let mut when = Vec::new();
        for condition in &axis.when {
            let values: Vec<Value> = condition.values.iter().map(|v| v.get_ref().clone()).collect();
            let holds = match self.subject(condition) {
                Subject::Missing => false,
                Subject::Base(given) => values.iter().any(|value| same(value, &given)),
                Subject::Axis(at, inside) => {
                    let mut asked = self.condition(condition, at, inside, &values);
                    match place.get(at).copied().flatten() {
                        // That axis is never set: the config has the say.
                        None => asked.otherwise,
                        Some(place) => {
                            asked.axis = place;
                            when.push(asked);
                            true
                        }
                    }
                }
            };
            if !holds {
                return None;
            }
        }
        Some(when)
    }
}

/// Whether an axis can meet a condition; a problem and its remedy if not.
fn possible(axis: &DraftAxis, asked: &Condition) -> Result<(), (String, String)> {
    let path = axis.path.get_ref();
    let wanted = asked.values.first().map(Value::to_string).unwrap_or_default();
    let number =
        asked.values.first().and_then(|v| v.as_float().or(v.as_integer().map(|i| i as f64)));
    match &axis.domain {
        _ if asked.otherwise => Ok(()),
        Domain::Choices(choices) if choices.iter().any(|c| asked.allows(&c.value)) => Ok(()),
        Domain::Choices(choices) => {
            let labels = choices.iter().map(|choice| choice.label.as_str());
            let help = format!("its values are: {}", labels.collect::<Vec<_>>().join(", "));
            Err((format!("`{path}` is never {wanted}"), help))
        }
        Domain::Range(range) => match number {
            Some(x)
                if range.integer && x.fract() == 0.0 && (range.low..=range.high).contains(&x) =>
            {
                Ok(())
            }
            _ if range.integer => {
                let help = format!("it goes from {} to {}", range.low, range.high);
                Err((format!("`{path}` is never {wanted}"), help))
            }
            _ => {
                let message = format!("`{path}` is a range and hardly ever exactly {wanted}");
                Err((message, "make it a list of values, or remove the condition".into()))
            }
        },
    }
}

impl Part {
    /// How many trials it has at most.
    fn most_trials(&self) -> usize {
        let count = |axis: &usize| match self.axes.get(*axis).map(|axis| &axis.domain) {
            Some(Domain::Choices(choices)) => choices.len(),
            _ => 1,
        };
        let rows = |group: &Group| match group.method {
            Method::Grid => {
                group.axes.iter().map(count).fold(1, |product: usize, n| product.saturating_mul(n))
            }
            Method::Zip => group.axes.iter().map(count).min().unwrap_or(1),
            Method::Random { budget } | Method::Sobol { budget } => budget,
            Method::Tpe(Tpe { budget, .. }) | Method::CmaEs(CmaEs { budget, .. }) => budget,
        };
        self.groups.iter().map(rows).fold(1, |product: usize, n| product.saturating_mul(n))
    }
}
