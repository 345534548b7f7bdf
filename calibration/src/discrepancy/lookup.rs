//! Discrepancies by name, with parameters: `kolmogorov-smirnov`, `energy-nd(rows=500)`.

use std::fmt::Write;
use std::ops::Deref;

use super::{DISCREPANCIES, Discrepancy, find};

/// Something that can be set in a discrepancy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// Name, in snake_case.
    pub name: &'static str,
    /// What it is, in a few words.
    pub meaning: &'static str,
    /// Value where none is given.
    pub default: f64,
    /// Smallest value.
    pub low: f64,
    /// Largest value.
    pub high: f64,
    /// Whether it is a whole number.
    pub whole: bool,
}

impl Parameter {
    fn accepts(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value) && (!self.whole || value.fract() == 0.0)
    }
}

/// Why a name means no discrepancy.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LookupError {
    /// No discrepancy has this name.
    #[error("unknown discrepancy `{name}`{suggestion}; there are: {known}")]
    Unknown {
        /// The name given.
        name: String,
        /// `; did you mean ...?`, or empty.
        suggestion: String,
        /// The names that exist.
        known: String,
    },
    /// The text after the name is no list of parameters.
    #[error("`{text}` is not of the form name(parameter=value, ...)")]
    Form {
        /// The text given.
        text: String,
    },
    /// The discrepancy has no such parameter.
    #[error("`{discrepancy}` has no parameter `{name}`; it has: {known}")]
    NoParameter {
        /// The discrepancy.
        discrepancy: &'static str,
        /// The name given.
        name: String,
        /// The names that exist, or `none`.
        known: String,
    },
    /// A parameter is out of bounds.
    #[error("{name} of `{discrepancy}` is {given}; it is {kind} from {low} to {high}")]
    OutOfRange {
        /// The discrepancy.
        discrepancy: &'static str,
        /// The parameter.
        name: &'static str,
        /// What was given.
        given: String,
        /// `a number` or `a whole number`.
        kind: &'static str,
        /// Smallest value.
        low: f64,
        /// Largest value.
        high: f64,
    },
}

/// A discrepancy that was asked for by name.
pub struct Named {
    discrepancy: Distance,
    label: String,
    given: Vec<&'static str>,
    values: Vec<f64>,
}

enum Distance {
    Registered(&'static dyn Discrepancy),
    Own(Box<dyn Discrepancy>),
}

impl Deref for Named {
    type Target = dyn Discrepancy;

    fn deref(&self) -> &Self::Target {
        match &self.discrepancy {
            Distance::Registered(discrepancy) => *discrepancy,
            Distance::Own(discrepancy) => discrepancy.as_ref(),
        }
    }
}

impl std::fmt::Debug for Named {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.label)
    }
}

impl Named {
    /// The name with those parameters that are not at their defaults: the same for every spelling.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Whether the parameter was given by whoever asked.
    pub fn was_given(&self, parameter: &str) -> bool {
        self.given.contains(&parameter)
    }

    /// The value of a parameter; none where the discrepancy has no such parameter.
    pub fn parameter(&self, name: &str) -> Option<f64> {
        let at = self.parameters().iter().position(|parameter| parameter.name == name)?;
        self.values.get(at).copied()
    }

    fn of(registered: &'static dyn Discrepancy, given: &[(&'static str, f64)]) -> Self {
        let parameters = registered.parameters();
        let value = |parameter: &Parameter| {
            let set = given.iter().rev().find(|(name, _)| *name == parameter.name);
            set.map_or(parameter.default, |(_, value)| *value)
        };
        let values: Vec<f64> = parameters.iter().map(value).collect();
        let mut label = String::new();
        for (parameter, value) in parameters.iter().zip(&values) {
            if *value != parameter.default {
                let before = if label.is_empty() { "(" } else { ", " };
                // Writing to a text cannot fail.
                let _ = write!(label, "{before}{}={value}", parameter.name);
            }
        }
        let close = if label.is_empty() { "" } else { ")" };
        let label = format!("{}{label}{close}", registered.name());
        let own = if close.is_empty() { None } else { registered.with(&values) };
        Self {
            discrepancy: own.map_or(Distance::Registered(registered), Distance::Own),
            label,
            given: given.iter().map(|(name, _)| *name).collect(),
            values,
        }
    }
}

/// Finds `name` or `name(parameter=value, ...)`.
///
/// # Errors
/// Unknown names and parameters, values out of bounds, and text of another form.
pub fn named(text: &str) -> Result<Named, LookupError> {
    let form = || LookupError::Form { text: text.into() };
    let (name, list) = match text.split_once('(') {
        None => (text.trim(), None),
        Some((name, rest)) => {
            (name.trim(), Some(rest.trim_end().strip_suffix(')').ok_or_else(form)?))
        }
    };
    let registered = find(name).ok_or_else(|| unknown(name))?;
    let mut given = Vec::new();
    for part in list.iter().flat_map(|list| list.split(',')).filter(|part| !part.trim().is_empty())
    {
        let (name, value) = part.split_once('=').ok_or_else(form)?;
        given.push(parse(registered, name.trim(), value.trim())?);
    }
    Ok(Named::of(registered, &given))
}

/// The same with each parameter at the value given with it, where the discrepancy has it and the text
/// does not set it.
///
/// # Errors
/// As for [`named`].
pub fn named_with(text: &str, settings: &[(&str, f64)]) -> Result<Named, LookupError> {
    let plain = named(text)?;
    let has = |name: &str| plain.parameters().iter().any(|own| own.name == name);
    let open = settings.iter().filter(|(name, _)| has(name) && !plain.was_given(name));
    let open: Vec<String> = open.map(|(name, value)| format!("{name}={value}")).collect();
    if open.is_empty() {
        return Ok(plain);
    }
    let name = plain.name();
    let inner = text.split_once('(').map_or("", |(_, rest)| rest.trim_end().trim_end_matches(')'));
    let mut one = named(&format!("{name}({}, {inner})", open.join(", ")))?;
    // How many rows are looked at, say, is a matter of cost: it does not make another metric.
    one.label = plain.label;
    Ok(one)
}

fn parse(
    discrepancy: &'static dyn Discrepancy,
    name: &str,
    value: &str,
) -> Result<(&'static str, f64), LookupError> {
    let parameters = discrepancy.parameters();
    let Some(parameter) = parameters.iter().find(|parameter| parameter.name == name) else {
        let names: Vec<&str> = parameters.iter().map(|parameter| parameter.name).collect();
        let known = if names.is_empty() { "none".into() } else { names.join(", ") };
        let (discrepancy, name) = (discrepancy.name(), name.into());
        return Err(LookupError::NoParameter { discrepancy, name, known });
    };
    match value.parse::<f64>() {
        Ok(number) if parameter.accepts(number) => Ok((parameter.name, number)),
        _ => Err(LookupError::OutOfRange {
            discrepancy: discrepancy.name(),
            name: parameter.name,
            given: value.into(),
            kind: if parameter.whole { "a whole number" } else { "a number" },
            low: parameter.low,
            high: parameter.high,
        }),
    }
}

fn unknown(name: &str) -> LookupError {
    let near = DISCREPANCIES.iter().map(|d| (strsim::jaro_winkler(name, d.name()), d.name()));
    let nearest = near.filter(|(score, _)| *score > 0.8).max_by(|a, b| a.0.total_cmp(&b.0));
    LookupError::Unknown {
        name: name.into(),
        suggestion: nearest.map_or(String::new(), |(_, name)| format!("; did you mean `{name}`?")),
        known: DISCREPANCIES.iter().map(|d| d.name()).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_and_without_parameters() {
        assert_eq!(named("energy").unwrap().label(), "energy");
        assert_eq!(named(" energy-nd ( rows = 500 ) ").unwrap().label(), "energy-nd(rows=500)");
        assert_eq!(named("energy-nd(rows=2000)").unwrap().label(), "energy-nd");
        assert_eq!(named("energy-nd()").unwrap().label(), "energy-nd");
    }

    #[test]
    fn mistakes_are_told_with_the_remedy() {
        let message = |text: &str| named(text).unwrap_err().to_string();
        assert!(message("enery").contains("did you mean `energy`?"));
        assert!(message("energy(rows=3)").contains("it has: none"));
        assert!(message("energy-nd(row=3)").contains("it has: rows"));
        assert!(message("energy-nd(rows=2.5)").contains("a whole number from"));
        assert!(message("energy-nd(rows=many)").contains("is many"));
        assert!(message("energy-nd(rows=3").contains("name(parameter=value"));
        assert!(message("energy-nd(3)").contains("name(parameter=value"));
    }

    #[test]
    fn a_default_of_the_asker_yields_to_the_text() {
        let one = named_with("energy-nd", &[("rows", 50.0)]).unwrap();
        assert_eq!((one.label(), one.was_given("rows")), ("energy-nd", true));
        assert_eq!((one.parameter("rows"), one.parameter("row")), (Some(50.0), None));
        assert_eq!(
            named_with("energy-nd(rows=70)", &[("rows", 50.0)]).unwrap().label(),
            "energy-nd(rows=70)"
        );
        assert_eq!(named_with("energy", &[("rows", 50.0)]).unwrap().label(), "energy");
    }
}
