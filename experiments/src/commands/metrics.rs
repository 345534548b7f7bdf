//! `trueup metrics`: the discrepancies and features that there are.

use serde::Serialize;
use trueup_calibration::discrepancy::{self, DISCREPANCIES, Discrepancy, LookupError, has_witness};
use trueup_calibration::features::{self, FEATURES, Feature};
use trueup_calibration::panel::USER_VECTOR;
use trueup_calibration::sample::Shape;

use crate::cli::{Common, print, print_json};
use crate::config::suggestion;
use crate::failure::Failure;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Metrics {
    /// A discrepancy, also with parameters: `energy-nd(rows=500)`; or a feature. Lists all where
    /// none is named.
    name: Option<String>,
}

/// One discrepancy, in words.
#[derive(Serialize)]
struct Metric {
    name: String,
    title: &'static str,
    compares: &'static str,
    definition: &'static str,
    unit: &'static str,
    smaller_is_better: bool,
    symmetric: bool,
    looks_at_order: bool,
    /// Whether rewards can be made of its first variation.
    witness: bool,
    parameters: Vec<Parameter>,
    cost: &'static str,
    reference: &'static str,
    features: Vec<&'static str>,
}

#[derive(Serialize)]
struct Parameter {
    name: &'static str,
    meaning: &'static str,
    default: f64,
    low: f64,
    high: f64,
}

/// One feature, in words.
#[derive(Serialize)]
struct About {
    name: &'static str,
    title: &'static str,
    level: &'static str,
    unit: &'static str,
    definition: &'static str,
    discrepancies: Vec<&'static str>,
}

#[derive(Serialize)]
struct All {
    discrepancies: Vec<Metric>,
    features: Vec<About>,
}

impl Metrics {
    /// Runs the command.
    ///
    /// # Errors
    /// A name that means nothing.
    pub fn execute(&self, common: &Common) -> Result<(), Failure> {
        let Some(name) = &self.name else {
            let all = All {
                discrepancies: DISCREPANCIES.iter().map(|d| metric(d.name(), *d)).collect(),
                features: FEATURES.iter().map(about).collect(),
            };
            return show(common, &all, list);
        };
        if let Some(feature) = features::find(name) {
            return show(common, &about(feature), feature_text);
        }
        match discrepancy::named(name) {
            Ok(found) => show(common, &metric(found.label(), &*found), metric_text),
            Err(LookupError::Unknown { .. }) => {
                let known = DISCREPANCIES.iter().map(|d| d.name());
                let help = suggestion(name, known.chain(FEATURES.iter().map(|f| f.name)));
                Err(Failure::invalid_because(
                    format!("there is no discrepancy or feature `{name}`"),
                    help.unwrap_or_else(|| "`trueup metrics` lists all".into()),
                ))
            }
            Err(error) => Err(Failure::invalid(error)),
        }
    }
}

fn show<T: Serialize>(
    common: &Common,
    what: &T,
    text: impl FnOnce(&T) -> String,
) -> Result<(), Failure> {
    if common.json {
        return print_json(what);
    }
    if !common.quiet {
        print(text(what).trim_end());
    }
    Ok(())
}

fn shape_words(shape: Shape) -> &'static str {
    match shape {
        Shape::Real => "numbers",
        Shape::Category => "categories",
        Shape::Vector => "vectors",
        Shape::Series => "series over ticks",
        Shape::Path => "paths of users",
    }
}

/// Features that a discrepancy can be asked of, the joint one among them.
fn suits(discrepancy: &dyn Discrepancy) -> Vec<&'static str> {
    let own = FEATURES.iter().filter(|feature| feature.shape() == discrepancy.shape());
    let joint = (discrepancy.shape() == Shape::Vector).then_some(USER_VECTOR);
    own.map(|feature| feature.name).chain(joint).collect()
}

fn metric(name: &str, discrepancy: &dyn Discrepancy) -> Metric {
    let parameters = discrepancy.parameters().iter().map(|p| Parameter {
        name: p.name,
        meaning: p.meaning,
        default: p.default,
        low: p.low,
        high: p.high,
    });
    Metric {
        name: name.into(),
        title: discrepancy.title(),
        compares: shape_words(discrepancy.shape()),
        definition: discrepancy.definition(),
        unit: discrepancy.unit(),
        smaller_is_better: true,
        symmetric: discrepancy.symmetric(),
        looks_at_order: discrepancy.ordered(),
        witness: has_witness(discrepancy),
        parameters: parameters.collect(),
        cost: discrepancy.cost(),
        reference: discrepancy.reference(),
        features: suits(discrepancy),
    }
}

fn about(feature: &Feature) -> About {
    let suits = DISCREPANCIES.iter().filter(|d| d.shape() == feature.shape());
    About {
        name: feature.name,
        title: feature.title,
        level: feature.level.name(),
        unit: feature.unit,
        definition: feature.definition_text,
        discrepancies: suits.map(|discrepancy| discrepancy.name()).collect(),
    }
}

/// One line each, discrepancies by what they compare.
fn list(all: &All) -> String {
    let width = |names: &mut dyn Iterator<Item = usize>| names.max().unwrap_or(0);
    let mut text = String::from(
        "Discrepancies: smaller is better, 0 is equality. A * marks those that have a witness, of \
         which\nrewards are made. `trueup metrics NAME` tells more.\n",
    );
    let column = width(&mut all.discrepancies.iter().map(|one| one.name.len()));
    for shape in [Shape::Real, Shape::Category, Shape::Vector, Shape::Series, Shape::Path] {
        let words = shape_words(shape);
        let mut heading = format!("\nof {words}\n");
        for one in all.discrepancies.iter().filter(|one| one.compares == words) {
            text += &std::mem::take(&mut heading);
            let mark = if one.witness { '*' } else { ' ' };
            text += &format!("  {:column$} {mark} {}\n", one.name, one.definition);
        }
    }
    text += "\nFeatures, by level\n";
    let column = width(&mut all.features.iter().map(|one| one.name.len()));
    for one in &all.features {
        text += &format!("  {:column$}  {:10}  {}\n", one.name, one.level, one.definition);
    }
    text += &format!("  {USER_VECTOR:column$}  {:10}  All numbers of a user, jointly.\n", "user");
    text += "\nlog_amount(kind=purchase) is log_amount over the events of that kind, log_amount(kind=*) in \
             a panel that\nof each kind. age~log_count is a covariate of users (age) against what they did, as is \
             age~share(kind=deposit);\ntheir discrepancy is relation-gap. The hour of the day is no feature: a tick is a day at the finest.\n";
    text
}

fn metric_text(one: &Metric) -> String {
    let yes = |yes: bool| if yes { "yes" } else { "no" };
    let unit = if one.unit.is_empty() { "a pure number" } else { one.unit };
    let mut lines = vec![
        format!("{}: {}", one.name, one.title),
        format!("  formula     {}", one.definition),
        format!("  unit        {unit}; smaller is better, 0 is equality"),
        format!("  compares    {}", one.compares),
        format!("  witness     {}", yes(one.witness)),
        format!("  symmetric   {}", yes(one.symmetric)),
        format!("  cost        {}", one.cost),
        format!("  reference   {}", one.reference),
        format!("  features    {}", one.features.join(", ")),
    ];
    if one.looks_at_order {
        lines.push("  order       it looks at the order of each user's rows".into());
    }
    for p in &one.parameters {
        let range = format!("{} to {}", p.low, p.high);
        lines.push(format!("  {}={}  {} ({range})", p.name, p.default, p.meaning));
    }
    lines.join("\n")
}

fn feature_text(one: &About) -> String {
    let unit = if one.unit.is_empty() { "none" } else { one.unit };
    format!(
        "{}: {}\n  definition     {}\n  level          {}\n  unit           {unit}\n  discrepancies  {}",
        one.name,
        one.title,
        one.definition,
        one.level,
        one.discrepancies.join(", ")
    )
}
