//! A validator that others have written: Python's `jsonschema`.

use std::process::Command;

use serde_json::{Value, json};

/// A document and what is to be thought of it.
pub struct Judged {
    pub valid: bool,
    /// Whether it is a map, which has a schema of its own.
    pub map: bool,
    pub document: Value,
    pub why: String,
}

const PROGRAM: &str = "
import json, sys
from jsonschema import Draft7Validator
given = json.load(open(sys.argv[1], encoding='utf-8'))
for schema in given['schemas']:
    Draft7Validator.check_schema(schema)
judges = [Draft7Validator(schema) for schema in given['schemas']]
wrong = []
for case in given['cases']:
    judge = judges[case['schema']]
    if judge.is_valid(case['document']) != case['valid']:
        said = [error.message[:300] for error in judge.iter_errors(case['document'])]
        wrong.append((case['why'], 'refused' if case['valid'] else 'accepted', said, case['document']))
for one in wrong[:20]:
    print(one)
sys.exit(f'{len(wrong)} of {len(given[\"cases\"])} are judged otherwise' if wrong else 0)
";

/// Has all of them judged at once.
pub fn judge(all: &[Judged]) {
    let there = Command::new("python3").args(["-c", "import jsonschema"]).output();
    if !there.is_ok_and(|output| output.status.success()) {
        println!("skipped: python3 has no jsonschema");
        return;
    }
    let case = |one: &Judged| {
        json!({
            "valid": one.valid,
            "schema": usize::from(one.map),
            "document": one.document,
            "why": one.why,
        })
    };
    let cases: Vec<Value> = all.iter().map(case).collect();
    let given = json!({ "schemas": [super::config(), super::map()], "cases": cases });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("given.json");
    std::fs::write(&path, given.to_string()).unwrap();
    let output = Command::new("python3").args(["-c", PROGRAM]).arg(&path).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
