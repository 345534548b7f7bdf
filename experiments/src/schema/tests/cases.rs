//! One case a key of the schema: a config in which the key can stand.

use std::rc::Rc;

use serde_json::Value;
use toml::Table;

use super::read::{TASK, USERS};

/// Puts a table where it belongs, in a whole config.
type Place = Rc<dyn Fn(Table) -> Table>;

/// A key of the schema.
pub struct Case {
    /// The table, as complaints name it.
    pub table: String,
    pub key: String,
    /// Its own schema.
    pub schema: Value,
    /// A value of its type.
    pub value: toml::Value,
    pub default: Option<toml::Value>,
    /// Whether the table cannot be read without it.
    pub needed: bool,
    others: Table,
    place: Place,
}

impl Case {
    /// A config with a key in this table. Of the key itself, only where it is not needed.
    pub fn with(&self, key: &str, value: toml::Value) -> Table {
        let mut table = self.others.clone();
        table.insert(key.to_owned(), value);
        (self.place)(table)
    }

    /// The same without the key.
    pub fn without(&self) -> Table {
        (self.place)(self.others.clone())
    }
}

/// All keys of a schema.
pub fn cases(schema: &Value) -> Vec<Case> {
    let definitions = schema["definitions"].clone();
    let mut walk = Walk { definitions, cases: Vec::new(), axes: false };
    walk.visit(schema, "", Rc::new(whole));
    walk.cases
}

/// A table at the top, laid over a config that is whole.
fn whole(table: Table) -> Table {
    let task = ["task", "seeds"].iter().any(|key| table.keys().any(|k| k.starts_with(key)));
    let mut config: Table = if task { TASK } else { USERS }.parse().unwrap();
    if table.contains_key("seeds") {
        config.remove("seed");
    }
    if table.keys().any(|key| key.starts_with("launch")) {
        config.insert("sweep".into(), Table::new().into());
    }
    lay(&mut config, table);
    config
}

fn lay(under: &mut Table, over: Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(value)) => lay(inner, value),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

struct Walk {
    definitions: Value,
    cases: Vec<Case>,
    /// Whether axes were seen; those of the first kind of group, a grid, are those of all.
    axes: bool,
}

impl Walk {
    fn visit(&mut self, schema: &Value, table: &str, place: Place) {
        let any: Vec<Value> = schema["anyOf"].as_array().cloned().unwrap_or_default();
        for one in any.iter().filter(|one| !one["properties"].is_null()) {
            self.visit(one, table, Rc::clone(&place));
        }
        for one in any.iter().chain([schema]) {
            if one["items"].is_object() {
                let outer = Rc::clone(&place);
                let list = move |table: Table| outer(wrapped(table));
                self.visit(&one["items"], &format!("{table}.0"), Rc::new(list));
            }
        }
        if let Some(inner) = schema.get("additionalProperties").filter(|inner| inner.is_object())
            && table.ends_with("axes")
            && !std::mem::replace(&mut self.axes, true)
        {
            let outer = Rc::clone(&place);
            let axis = move |table: Table| {
                outer(Table::from_iter([("reward.rate".to_owned(), wrapped_value(table))]))
            };
            self.visit(inner, &format!("{table}.reward.rate"), Rc::new(axis));
        }
        if any.is_empty() {
            self.keys(schema, table, &place);
        }
    }

    fn keys(&mut self, schema: &Value, table: &str, place: &Place) {
        let Some(properties) = schema["properties"].as_object() else { return };
        let needed = schema["x-taplo"]["initKeys"].as_array().cloned().unwrap_or_default();
        let is_needed = |key: &str| key == "points" || needed.iter().any(|name| name == key);
        // Which keys there are hangs on the kind, even where it has a default.
        let kind = properties.iter().find(|(_, own)| !own["const"].is_null());
        let kind = kind.map(|(key, own)| (key.clone(), self.example(key, own)));
        for (key, own) in properties {
            // A grid needs points.
            let mut others: Table = properties
                .iter()
                .filter(|(other, _)| *other != key && is_needed(other))
                .map(|(other, own)| (other.clone(), self.example(other, own)))
                .collect();
            if let Some((name, value)) = kind.clone().filter(|(name, _)| name != key) {
                others.insert(name, value);
            }
            let default = own.get("default");
            self.cases.push(Case {
                table: table.to_owned(),
                key: key.clone(),
                schema: own.clone(),
                value: self.example(key, own),
                default: default.map(|value| serde_json::from_value(value.clone()).unwrap()),
                needed: is_needed(key),
                others: others.clone(),
                place: Rc::clone(place),
            });
            let inside = if table.is_empty() { key.clone() } else { format!("{table}.{key}") };
            let (outer, key) = (Rc::clone(place), key.clone());
            let inner = move |table: Table| {
                let mut whole = others.clone();
                // A list is handed over as a table with one key that no config has.
                whole.insert(key.clone(), wrapped_value(table));
                outer(whole)
            };
            self.visit(own, &inside, Rc::new(inner));
        }
    }

    /// A value that a key can have.
    fn example(&self, key: &str, schema: &Value) -> toml::Value {
        match key {
            "budget" => return 20.into(),
            "population" if schema["type"].as_array().is_some_and(|t| t[0] == "integer") => {
                return 20.into();
            }
            "population" if schema["type"] == "integer" => return 20.into(),
            "axes" => return "\"reward.rate\" = [0.1, 0.2]".parse::<Table>().unwrap().into(),
            "low" => return 0.125.into(),
            "high" => return 0.5.into(),
            "time" => return "04:00:00".into(),
            "memory" if schema["type"] == "string" => return "4G".into(),
            "extra" => return vec!["--exclusive"].into(),
            "objective" => return "gap_closed".into(),
            _ => {}
        }
        for value in [&schema["const"], &schema["default"], &schema["enum"][0]] {
            if !value.is_null() {
                return serde_json::from_value(value.clone()).unwrap();
            }
        }
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap_or_default();
            return self.example(key, &self.definitions[name]);
        }
        let alternatives = schema["anyOf"].as_array().or(schema["oneOf"].as_array());
        if let Some(first) = alternatives.and_then(|list| list.first()) {
            return self.example(key, first);
        }
        let types = [&schema["type"], &schema["type"][0]];
        match types.into_iter().find_map(Value::as_str).unwrap_or_default() {
            "integer" => 5.into(),
            "number" => 0.5.into(),
            "boolean" => true.into(),
            "array" => vec![self.example("", &schema["items"])].into(),
            "object" => Table::new().into(),
            _ => "a".into(),
        }
    }
}

/// A key that no config has: its value stands for the table around it.
const LIST: &str = "\u{1}list";

fn wrapped(table: Table) -> Table {
    Table::from_iter([(LIST.to_owned(), toml::Value::Array(vec![table.into()]))])
}

fn wrapped_value(mut table: Table) -> toml::Value {
    table.remove(LIST).unwrap_or_else(|| table.into())
}
