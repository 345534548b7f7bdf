//! From what serde reads to what a person writes in TOML: there is no null, nothing has to stand in
//! a file that may lie over another, and each description is one line.

use serde_json::{Map, Value, json};

/// Tidies a schema and all schemas in it.
pub(super) fn tidy(schema: &mut Value) {
    let Value::Object(object) = schema else { return };
    for value in subschemas(object) {
        tidy(value);
    }
    without_null(object);
    plain_words(object);
    if let Some(default) = object.get_mut("default") {
        shorten(default);
    }
    // Bounds are told by `trueup validate`; these formats are names of types of Rust.
    object.remove("format");
    what_may_stand(object);
    one_of_tables(object);
    elements_by_name(object);
}

/// The schemas right inside a schema.
fn subschemas(object: &mut Map<String, Value>) -> Vec<&mut Value> {
    let mut found = Vec::new();
    for (key, value) in object.iter_mut() {
        match (key.as_str(), value) {
            ("properties" | "definitions" | "patternProperties", Value::Object(inner)) => {
                found.extend(inner.values_mut());
            }
            ("anyOf" | "oneOf" | "allOf", Value::Array(list)) => found.extend(list.iter_mut()),
            ("items" | "additionalProperties", value) => found.push(value),
            _ => {}
        }
    }
    found
}

/// TOML has no null: what is not given is left out.
fn without_null(object: &mut Map<String, Value>) {
    if object.get("default").is_some_and(Value::is_null) {
        object.remove("default");
    }
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_mut_slice() {
            let only = only.take();
            object.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(values)) = object.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    let Some(Value::Array(list)) = object.get_mut("anyOf") else { return };
    list.retain(|schema| schema.get("type").is_none_or(|name| name != "null"));
    if let [Value::Object(only)] = list.as_mut_slice()
        && !only.contains_key("$ref")
    {
        // What is said of the field itself stays.
        let only = std::mem::take(only);
        object.remove("anyOf");
        for (key, value) in only {
            object.entry(key).or_insert(value);
        }
    }
}

/// One line, without the marks of links.
fn plain_words(object: &mut Map<String, Value>) {
    if let Some(Value::String(text)) = object.get_mut("description") {
        *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
}

/// Numbers of 32 bits as they were written: 0.2 and not 0.20000000298.
fn shorten(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(shorten),
        Value::Object(table) => {
            table.retain(|_, value| !value.is_null());
            table.values_mut().for_each(shorten);
        }
        Value::Number(number) if number.is_f64() => {
            let Some(exact) = number.as_f64() else { return };
            let narrow = exact as f32;
            if f64::from(narrow) == exact
                && let Ok(short) = narrow.to_string().parse::<f64>()
            {
                *value = json!(short);
            }
        }
        _ => {}
    }
}

/// Nothing has to stand in a file; what mostly does is put in when an editor completes a table.
fn what_may_stand(object: &mut Map<String, Value>) {
    if let Some(required) = object.remove("required") {
        object.insert("x-taplo".into(), json!({ "initKeys": required }));
    }
}

/// Tables of several kinds: `kind` may come from another file, so any will do. A key that none of
/// them has is marked by itself; "matches none of these" would mark the whole table.
fn one_of_tables(object: &mut Map<String, Value>) {
    let tables = |key: &str| {
        let list = object.get(key).and_then(Value::as_array)?;
        let keys = list.iter().map(closed_keys).collect::<Option<Vec<_>>>()?;
        Some((list.clone(), keys.concat()))
    };
    let Some((list, keys)) = tables("oneOf").or_else(|| tables("anyOf")) else { return };
    let properties = keys.into_iter().map(|key| (key, json!(true))).collect::<Map<_, _>>();
    object.remove("oneOf");
    object.insert("type".into(), "object".into());
    object.insert("anyOf".into(), list.into());
    object.insert("properties".into(), properties.into());
    object.insert("additionalProperties".into(), false.into());
}

/// The keys of a table that has no others.
fn closed_keys(schema: &Value) -> Option<Vec<String>> {
    let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
    let properties = schema.get("properties").and_then(Value::as_object).filter(|_| closed)?;
    Some(properties.keys().cloned().collect())
}

/// Where a file lies over another, an element of an array of tables goes by name, kind or position:
/// `[calibrators.ppo]`. Both forms stand in one schema, so that what is wrong in an element is marked
/// there.
fn elements_by_name(object: &mut Map<String, Value>) {
    let Some(items) = object.get("items").filter(|items| closed_keys(items).is_some()) else {
        return;
    };
    let one = items.clone();
    object.insert("type".into(), json!(["array", "object"]));
    object.insert("additionalProperties".into(), one);
}
