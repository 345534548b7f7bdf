//! The names that a config can give, for an editor: [`JsonSchema`](schemars::JsonSchema) knows a
//! field that holds a name as text, and these functions list the names, each with what it is.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crate::discrepancy::{DISCREPANCIES, Discrepancy, Parameter, has_witness};
use crate::evaluate::ALL;
use crate::features::{Definition, FEATURES, Feature, of_kind, relation};
use crate::panel::USER_VECTOR;

/// A name among others, with one line on what it is.
pub fn name(name: &str, what: &str) -> Value {
    json!({ "type": "string", "const": name, "description": what })
}

/// A schema that stands among the definitions, once however often it is used.
fn shared(generator: &mut SchemaGenerator, key: &str, names: impl FnOnce() -> Value) -> Schema {
    if !generator.definitions().contains_key(key) {
        generator.definitions_mut().insert(key.to_owned(), names());
    }
    // Beside a bare reference, editors overlook what else is said of the field.
    json_schema!({ "anyOf": [{ "$ref": format!("#/definitions/{key}") }] })
}

/// One of these.
fn any(lists: &[Vec<Value>]) -> Value {
    json!({ "anyOf": lists.concat() })
}

/// The features that a filter keeps.
fn features(keep: impl Fn(&Feature) -> bool) -> Vec<Value> {
    let kept = FEATURES.iter().filter(|feature| keep(feature));
    kept.map(|feature| name(feature.name, feature.definition_text)).collect()
}

/// The amounts of one kind, whose name only the log knows.
fn of_kind() -> Value {
    json!({
        "type": "string",
        "pattern": format!(r"^{}\s*\(\s*kind\s*=.+\)$", of_kind::BASE),
        "description": format!("Amounts of one kind, as in {}.", of_kind::name("purchase")),
    })
}

/// A covariate beside a fact, of which only the log knows the first.
fn relation() -> Value {
    json!({
        "type": "string",
        "pattern": format!("^.+{}.+$", relation::MARK),
        "description": "A covariate of users against what they did, as in age~log_count or \
            age~share(kind=deposit).",
    })
}

/// The features that a reward can be paid for.
pub fn rewarded_feature(generator: &mut SchemaGenerator) -> Schema {
    shared(generator, "rewarded_feature", || {
        let vector = name(USER_VECTOR, "All features of users together.");
        any(&[features(|_| true), vec![vector, of_kind(), relation()]])
    })
}

/// The features that a panel can look at.
pub fn judged_feature(generator: &mut SchemaGenerator) -> Schema {
    shared(generator, "judged_feature", || {
        let vector = name(USER_VECTOR, "All features of users together.");
        let all = name(ALL, "Every feature that suits the discrepancy.");
        any(&[features(|_| true), vec![vector, all, of_kind(), relation()]])
    })
}

/// A list of features that have one number or category a row.
pub fn plain_features(generator: &mut SchemaGenerator) -> Schema {
    let item = shared(generator, "feature", || any(&[features(|_| true), vec![of_kind()]]));
    json_schema!({ "type": "array", "items": item })
}

/// A list of features of users that are known at any time in the window.
pub fn user_features(generator: &mut SchemaGenerator) -> Schema {
    let item = shared(
        generator,
        "user_feature",
        || json!({ "anyOf": features(|f| matches!(f.definition, Definition::User(_))) }),
    );
    json_schema!({ "type": "array", "items": item })
}

/// One line on a discrepancy.
fn what(discrepancy: &dyn Discrepancy) -> String {
    let mut what = format!("{}: {}.", discrepancy.title(), discrepancy.definition());
    let one = |p: &Parameter| format!("{}={}", p.name, p.default);
    let parameters: Vec<String> = discrepancy.parameters().iter().map(one).collect();
    if !parameters.is_empty() {
        what.push_str(&format!(" With parameters: ({}).", parameters.join(", ")));
    }
    if !has_witness(discrepancy) {
        what.push_str(" It has no witness.");
    }
    what
}

/// Discrepancies with or without parameters.
fn discrepancies() -> Vec<Value> {
    let mut list: Vec<Value> = DISCREPANCIES.iter().map(|&d| name(d.name(), &what(d))).collect();
    let names: Vec<&str> = DISCREPANCIES.iter().map(|d| d.name()).collect();
    list.push(json!({
        "type": "string",
        "pattern": format!(r"^\s*({})\s*\(.*\)\s*$", names.join("|")),
        "description": "A discrepancy with parameters, as in energy-nd(rows=500).",
    }));
    list
}

/// The discrepancies that a reward can be made of.
pub fn rewarded_discrepancy(generator: &mut SchemaGenerator) -> Schema {
    shared(generator, "discrepancy", || json!({ "anyOf": discrepancies() }))
}

/// The discrepancies that a panel can look at.
pub fn judged_discrepancy(generator: &mut SchemaGenerator) -> Schema {
    shared(generator, "judged_discrepancy", || {
        let all = name(ALL, "Every discrepancy that suits the feature.");
        any(&[discrepancies(), vec![all]])
    })
}
