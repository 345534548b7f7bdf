//! The published JSON Schema against files that this program writes and refuses.
//!
//! The validator below knows the keywords that the schema uses and refuses others; what it says of
//! `tests/fixtures/statistics_v3.json` is what the Python package `jsonschema` says
//! (`tests/fixtures/statistics_schema.py`).

use serde_json::Value;

use super::tests::statistics;

fn schema() -> Value {
    serde_json::from_str(include_str!("../../schema/statistics.v3.schema.json")).unwrap()
}

fn is_type(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|x| x.fract() == 0.0),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => unreachable!("type {other}"),
    }
}

/// Whether a value fits a schema.
fn fits(root: &Value, schema: &Value, value: &Value) -> bool {
    if let Some(allowed) = schema.as_bool() {
        return allowed;
    }
    let keywords = schema.as_object().unwrap();
    keywords.iter().all(|(keyword, argument)| match keyword.as_str() {
        "$schema" | "title" | "description" | "$defs" => true,
        "$ref" => {
            let pointer = argument.as_str().unwrap().trim_start_matches('#');
            fits(root, root.pointer(pointer).unwrap(), value)
        }
        "type" => match argument {
            Value::Array(names) => names.iter().any(|name| is_type(value, name.as_str().unwrap())),
            name => is_type(value, name.as_str().unwrap()),
        },
        "const" => value == argument,
        "enum" => argument.as_array().unwrap().contains(value),
        "oneOf" => {
            argument.as_array().unwrap().iter().filter(|one| fits(root, one, value)).count() == 1
        }
        "required" => value.as_object().is_none_or(|object| {
            argument
                .as_array()
                .unwrap()
                .iter()
                .all(|key| object.contains_key(key.as_str().unwrap()))
        }),
        "properties" => {
            value.as_object().is_none_or(|object| {
                argument.as_object().unwrap().iter().all(|(key, schema)| {
                    object.get(key).is_none_or(|value| fits(root, schema, value))
                })
            })
        }
        "additionalProperties" => value.as_object().is_none_or(|object| {
            assert_eq!(argument, &Value::Bool(false));
            object.keys().all(|key| keywords["properties"].get(key).is_some())
        }),
        "prefixItems" => value.as_array().is_none_or(|items| {
            let schemas = argument.as_array().unwrap();
            items.iter().zip(schemas).all(|(item, schema)| fits(root, schema, item))
        }),
        "items" => value.as_array().is_none_or(|items| {
            let before = keywords.get("prefixItems").map_or(0, |p| p.as_array().unwrap().len());
            items.iter().skip(before).all(|item| fits(root, argument, item))
        }),
        "minItems" => value.as_array().is_none_or(|a| a.len() as u64 >= argument.as_u64().unwrap()),
        "maxItems" => value.as_array().is_none_or(|a| a.len() as u64 <= argument.as_u64().unwrap()),
        "minimum" => value.as_f64().is_none_or(|x| x >= argument.as_f64().unwrap()),
        "maximum" => value.as_f64().is_none_or(|x| x <= argument.as_f64().unwrap()),
        "exclusiveMinimum" => value.as_f64().is_none_or(|x| x > argument.as_f64().unwrap()),
        "exclusiveMaximum" => value.as_f64().is_none_or(|x| x < argument.as_f64().unwrap()),
        other => unreachable!("the schema uses `{other}`, which this test does not know"),
    })
}

fn valid(value: &Value) -> bool {
    let root = schema();
    fits(&root, &root, value)
}

#[test]
fn what_is_written_fits_the_schema() {
    assert!(valid(&serde_json::to_value(statistics()).unwrap()));
}

#[test]
fn the_fixture_is_read_and_fits_what_jsonschema_says_it_fits() {
    let text = include_str!("../../tests/fixtures/statistics_v3.json");
    let good: Value = serde_json::from_str(text).unwrap();
    let read: super::Statistics = serde_json::from_str(text).unwrap();
    read.check().unwrap();
    assert!(valid(&good));
    let verdicts = include_str!("../../tests/fixtures/statistics_schema.json");
    let verdicts: Value = serde_json::from_str(verdicts).unwrap();
    let cases = verdicts["cases"].as_array().unwrap();
    assert!(cases.len() > 20);
    for case in cases {
        let mut changed = good.clone();
        *changed.pointer_mut(case["pointer"].as_str().unwrap()).unwrap() = case["value"].clone();
        assert_eq!(valid(&changed), case["valid"].as_bool().unwrap(), "{case}");
        // What the schema refuses, the program refuses too.
        let read = serde_json::from_value::<super::Statistics>(changed);
        let sound = read.is_ok_and(|statistics| statistics.check().is_ok());
        assert!(!sound || case["valid"] == true, "{case}");
    }
}

/// Files of versions 1 and 2 are those of version 3 without the new fields.
#[test]
fn older_versions_are_still_read() {
    for (version, missing) in
        [(1, &["effects", "amount_laws", "joint"][..]), (2, &["effects", "amount_laws"][..])]
    {
        let mut old = serde_json::to_value(statistics()).unwrap();
        missing
            .iter()
            .chain(&["origin", "population"])
            .for_each(|field| drop(old.as_object_mut().unwrap().remove(*field)));
        old["version"] = version.into();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.json");
        std::fs::write(&path, old.to_string()).unwrap();
        let read = super::Statistics::load(&path).unwrap();
        let joint = if version == 1 { Vec::new() } else { statistics().joint };
        assert_eq!(read, super::Statistics { joint, amount_laws: Vec::new(), ..statistics() });
        // Amounts are then drawn from the grid.
        assert!(read.amount_law(0).is_some() && read.amount_law(2).is_none());
        read.save(&path).unwrap();
        assert_eq!(super::Statistics::load(&path).unwrap(), read);
    }
}
