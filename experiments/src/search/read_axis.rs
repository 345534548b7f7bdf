//! Reading the axes of a group: lists of values, ranges, conditions.

use toml::Value;
use trueup_results::sweep::CUT;

use super::domain::{Choice, Domain, Range, same};
use super::read::MOST_TRIALS;
use crate::config::{Placed, Refused, Section, suggestion};

/// What no axis may set, and why.
const RESERVED: [(&str, &str); 5] = [
    ("seed", "seeds repeat a trial and are not tuned: set `sweep.seeds`"),
    ("seeds", "seeds repeat a trial and are not tuned: set `sweep.seeds`"),
    ("sweep", "a trial cannot change the sweep that it belongs to"),
    ("launch", "where a trial runs must not change what comes out: set `launch` once for all"),
    ("name", "the sweep names its trials; the name of the sweep stands in `name`"),
];

/// The greatest whole number up to which all are exact in f64.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Most characters of a label that nobody gave.
const LONGEST_LABEL: usize = 32;

/// An axis as it is written.
pub struct DraftAxis {
    pub path: Placed<String>,
    pub domain: Domain,
    pub when: Vec<DraftCondition>,
}

/// A condition as it is written.
pub struct DraftCondition {
    pub path: Placed<String>,
    pub values: Vec<Placed<Value>>,
}

/// How the values of axes are to be given.
#[derive(Clone, Copy)]
pub struct Manner {
    /// Ranges become points.
    pub listed: bool,
    /// A value may stand more than once.
    pub repeats: bool,
}

/// Reads `[sweep.groups.axes]`.
pub fn axes(mut section: Section<'_>, manner: Manner) -> Result<Vec<DraftAxis>, Refused> {
    let mut axes = Vec::new();
    for path in section.keys() {
        check_path(&section, &path)?;
        axes.push(axis(&mut section, path, manner)?);
    }
    Ok(axes)
}

fn check_path(section: &Section<'_>, path: &Placed<String>) -> Result<(), Refused> {
    let text = path.get_ref();
    let first = text.split('.').next().unwrap_or_default();
    if let Some((_, why)) = RESERVED.iter().find(|(reserved, _)| *reserved == first) {
        return Err(section.refuse(path, format!("`{text}` cannot be an axis"), why));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if text.split('.').any(|key| key.is_empty() || !key.chars().all(plain)) {
        let message = format!("{text:?} is not the path of a setting");
        return Err(section.refuse(
            path,
            message,
            "write \"table.key\", as in --set table.key=value",
        ));
    }
    Ok(())
}

fn axis(
    section: &mut Section<'_>,
    path: Placed<String>,
    manner: Manner,
) -> Result<DraftAxis, Refused> {
    let key = path.get_ref().clone();
    if section.is_array(&key) {
        let values = section.take_named::<Vec<Placed<Value>>>(&key)?;
        let values = values.map(Placed::into_inner).unwrap_or_default();
        let domain = Domain::Choices(choices(section, &path, &values, None, manner)?);
        return Ok(DraftAxis { path, domain, when: Vec::new() });
    }
    if !section.is_table(&key) {
        let message = format!("the axis `{key}` is a single value");
        let help = "write a list, [1, 2], or a range, { low = 1.0, high = 2.0 }";
        return Err(section.refuse(&path, message, help));
    }
    let mut table = section.section_named(&key)?;
    let when = conditions(&mut table)?;
    let domain = if table.has("values") {
        Domain::Choices(given_choices(&mut table, &path, manner)?)
    } else if table.has("low") || table.has("high") {
        range(&mut table, &path, manner)?
    } else {
        return Err(neither(&mut table, &path));
    };
    table.end()?;
    Ok(DraftAxis { path, domain, when })
}

/// The complaint about a table that is no axis: a misspelt key, or a path without quotes.
fn neither(table: &mut Section<'_>, path: &Placed<String>) -> Refused {
    let text = path.get_ref();
    for key in table.keys() {
        let known = ["values", "labels", "low", "high", "scale", "integer", "points", "when"];
        let help = suggestion(key.get_ref(), known.into_iter()).unwrap_or_default();
        if help.starts_with("did you mean") {
            let message = format!("unknown key `{}` in the axis `{text}`", key.get_ref());
            return table.refuse(&key, message, &help);
        }
        if table.is_array(key.get_ref()) || table.is_table(key.get_ref()) {
            let help = format!("write the path in quotes: \"{text}.{}\" = ...", key.get_ref());
            return table.refuse(path, format!("`{text}` is a table and not an axis"), &help);
        }
    }
    let message = format!("the axis `{text}` has neither `values` nor `low` and `high`");
    table.refuse(path, message, "write { values = [1, 2] } or { low = 1.0, high = 2.0 }")
}

/// Reads `when`: paths and the values that they must have.
fn conditions(table: &mut Section<'_>) -> Result<Vec<DraftCondition>, Refused> {
    let mut section = table.section("when")?;
    let mut conditions = Vec::new();
    for path in section.keys() {
        let key = path.get_ref().clone();
        if section.is_table(&key) {
            let message = format!("the condition `{key}` is a table");
            let help = "write the path in quotes: when = { \"reward.kind\" = \"witness\" }";
            return Err(section.refuse(&path, message, help));
        }
        let values = if section.is_array(&key) {
            section.take_named::<Vec<Placed<Value>>>(&key)?.map(Placed::into_inner)
        } else {
            section.take_named::<Placed<Value>>(&key)?.map(|value| vec![value.into_inner()])
        };
        let values = values.unwrap_or_default();
        if values.is_empty() {
            let message = format!("the condition `{key}` names no value");
            let help = "name one value, or a list of which any will do";
            return Err(section.refuse(&path, message, help));
        }
        conditions.push(DraftCondition { path, values });
    }
    Ok(conditions)
}

/// Reads `values` and `labels`.
fn given_choices(
    table: &mut Section<'_>,
    path: &Placed<String>,
    manner: Manner,
) -> Result<Vec<Choice>, Refused> {
    let values = table.need::<Vec<Placed<Value>>>("values", "values = [1, 2]")?.into_inner();
    let labels = table.take::<Vec<Placed<String>>>("labels")?;
    if let Some(labels) = labels.as_ref().filter(|labels| labels.get_ref().len() != values.len()) {
        let (given, wanted) = (labels.get_ref().len(), values.len());
        let message = format!("{given} labels for {wanted} values");
        return Err(table.refuse(labels, message, "give each value one label"));
    }
    choices(table, path, &values, labels.as_ref().map(|labels| labels.get_ref().as_slice()), manner)
}

fn choices(
    section: &Section<'_>,
    path: &Placed<String>,
    values: &[Placed<Value>],
    labels: Option<&[Placed<String>]>,
    manner: Manner,
) -> Result<Vec<Choice>, Refused> {
    if values.is_empty() {
        let message = format!("the axis `{}` has no values", path.get_ref());
        return Err(section.refuse(path, message, "list at least one, or remove the axis"));
    }
    let earlier = |i: usize| values.iter().take(i);
    let is_repeat = |(i, value): &(usize, &Placed<Value>)| {
        earlier(*i).any(|other| same(other.get_ref(), value.get_ref()))
    };
    if !manner.repeats
        && let Some((_, value)) = values.iter().enumerate().find(is_repeat)
    {
        let message = format!("`{}` has the value {} twice", path.get_ref(), value.get_ref());
        return Err(section.refuse(value, message, "remove one of them"));
    }
    let names = match labels {
        None => own_labels(section, values),
        Some(labels) => {
            check_labels(section, labels)?;
            labels.iter().map(|label| label.get_ref().clone()).collect()
        }
    };
    let choice =
        |(value, label): (&Placed<Value>, String)| Choice { value: value.get_ref().clone(), label };
    Ok(values.iter().zip(names).map(choice).collect())
}

fn check_labels(section: &Section<'_>, labels: &[Placed<String>]) -> Result<(), Refused> {
    for (i, label) in labels.iter().enumerate() {
        let text = label.get_ref();
        if text.trim().is_empty() || text.chars().any(char::is_control) {
            let message = format!("the label {text:?} cannot be read");
            return Err(section.refuse(label, message, "write a short word"));
        }
        if labels.iter().take(i).any(|other| other.get_ref() == text) {
            let message = format!("two values have the label `{text}`");
            return Err(section.refuse(label, message, "give each value a label of its own"));
        }
    }
    Ok(())
}

/// Labels that nobody gave: the number as it is written, the word, the `name` or `kind` of a table,
/// else the value, cut where it is long. A word that cannot be read gets its position, and what is
/// not unique gets it behind it.
fn own_labels(section: &Section<'_>, values: &[Placed<Value>]) -> Vec<String> {
    let fits = |label: &str| label.chars().count() <= LONGEST_LABEL;
    let name = |value: &Placed<Value>| match value.get_ref() {
        Value::String(text) => text.clone(),
        Value::Table(table) => {
            let title = table.get("name").or(table.get("kind")).and_then(Value::as_str);
            title.map_or_else(|| value.get_ref().to_string(), str::to_owned)
        }
        Value::Array(_) => value.get_ref().to_string(),
        // A plan on file has 1e30 with all of its zeros.
        Value::Float(number) if !fits(section.written(value)) => format!("{number:e}"),
        _ => section.written(value).to_owned(),
    };
    let short = |name: String| match fits(&name) {
        true => name,
        false => name.chars().take(LONGEST_LABEL - 1).chain([CUT]).collect(),
    };
    let readable = |name: &String| !name.is_empty() && !name.chars().any(char::is_control);
    let names: Vec<Option<String>> =
        values.iter().map(|value| Some(short(name(value))).filter(readable)).collect();
    let same_name = |a: usize, b: usize| names.get(a) == names.get(b);
    let label = |(i, name): (usize, &Option<String>)| {
        let shared = (0..values.len()).any(|j| {
            let twice = values.get(j).zip(values.get(i));
            let equal = twice.is_some_and(|(a, b)| same(a.get_ref(), b.get_ref()));
            j != i && same_name(i, j) && !equal
        });
        match name {
            Some(name) if shared => format!("{name}-{i}"),
            Some(name) => name.clone(),
            None => i.to_string(),
        }
    };
    names.iter().enumerate().map(label).collect()
}

/// Reads `low`, `high`, `scale`, `integer` and `points`.
fn range(
    table: &mut Section<'_>,
    path: &Placed<String>,
    manner: Manner,
) -> Result<Domain, Refused> {
    let low = table.need::<f64>("low", "low = 0.0")?;
    let high = table.need::<f64>("high", "high = 1.0")?;
    let scale = table.take::<String>("scale")?;
    let integer = table.take::<bool>("integer")?.is_some_and(Placed::into_inner);
    let log = match &scale {
        None => false,
        Some(scale) => match scale.get_ref().as_str() {
            "linear" => false,
            "log" => true,
            other => {
                let message = format!("unknown scale `{other}`");
                let help = suggestion(other, ["linear", "log"].into_iter()).unwrap_or_default();
                return Err(table.refuse(scale, message, &help));
            }
        },
    };
    for (bound, name) in [(&low, "low"), (&high, "high")] {
        check_bound(table, bound, name, integer)?;
    }
    if low.get_ref() >= high.get_ref() {
        let message = format!("`low` is {}, not below `high`", low.get_ref());
        let help = "write low < high; a single value is no axis: set it in the config";
        return Err(table.refuse(&low, message, help));
    }
    if log && *low.get_ref() <= 0.0 {
        let message = format!("`low` is {}, which has no logarithm", low.get_ref());
        let help = "write low > 0, or scale = \"linear\"";
        return Err(table.refuse(&low, message, help));
    }
    let range = Range { low: low.into_inner(), high: high.into_inner(), log, integer };
    match points(table, path, &range, manner)? {
        Some(points) => Ok(Domain::Choices(range.points(points))),
        None => Ok(Domain::Range(range)),
    }
}

fn check_bound(
    table: &Section<'_>,
    bound: &Placed<f64>,
    name: &str,
    integer: bool,
) -> Result<(), Refused> {
    let number = *bound.get_ref();
    let problem = if !number.is_finite() {
        "which is no finite number"
    } else if integer && number.fract() != 0.0 {
        "which is no whole number"
    } else if integer && number.abs() > EXACT {
        "too large for a whole number that is exact"
    } else {
        return Ok(());
    };
    let help = "bounds are finite; those of an integer range are whole, low = 1, high = 8";
    Err(table.refuse(bound, format!("`{name}` is {number}, {problem}"), help))
}

/// Reads `points`, which grids and zips need and nothing else takes.
fn points(
    table: &mut Section<'_>,
    path: &Placed<String>,
    range: &Range,
    manner: Manner,
) -> Result<Option<usize>, Refused> {
    let Some(points) = table.take::<usize>("points")? else {
        if !manner.listed {
            return Ok(None);
        }
        let message = format!("the range `{}` has no `points`", path.get_ref());
        let help = "a grid or zip needs to know how many: add points = 5";
        return Err(table.refuse(path, message, help));
    };
    if !manner.listed {
        let message = "`points` stands in a group that chooses its own points".to_owned();
        return Err(table.refuse(&points, message, "remove it, or use kind = \"grid\""));
    }
    let count = *points.get_ref();
    let most = match range.integer {
        true => (range.high - range.low + 1.0).min(MOST_TRIALS as f64) as usize,
        false => MOST_TRIALS,
    };
    if !(2..=most).contains(&count) {
        let message = format!("`points` is {count}, not from 2 to {most}");
        return Err(table.refuse(&points, message, "both bounds are points of the range"));
    }
    Ok(Some(count))
}
