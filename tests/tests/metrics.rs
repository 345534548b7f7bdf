//! `trueup metrics`: what can be measured, and what each measure is.

// All of this is test code: what fails here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use trueup_tests::Folder;
use trueup_tests::data::{MAP, purchases};

#[test]
fn every_metric_is_listed_and_explained() {
    let folder = Folder::new();
    let list = folder.trueup(&["metrics"]).ok().out;
    let all = folder.trueup(&["metrics", "--json"]).ok().json();
    let discrepancies = all["discrepancies"].as_array().unwrap();
    assert!(discrepancies.len() >= 11);
    for one in discrepancies {
        let name = one["name"].as_str().unwrap();
        assert!(list.contains(name), "{name}");
        let text = folder.trueup(&["metrics", name]).ok().out;
        for field in ["definition", "cost", "reference", "title", "compares"] {
            let words = one[field].as_str().unwrap();
            assert!(!words.is_empty() && text.contains(words), "{name}: {field} {words}");
        }
        assert!(!one["features"].as_array().unwrap().is_empty(), "no feature suits {name}");
    }
    for feature in all["features"].as_array().unwrap() {
        let name = feature["name"].as_str().unwrap();
        let definition = feature["definition"].as_str().unwrap();
        assert!(folder.trueup(&["metrics", name]).ok().out.contains(definition), "{name}");
    }
}

#[test]
fn parameters_are_shown_with_their_ranges_and_checked() {
    let folder = Folder::new();
    let joint = folder.trueup(&["metrics", "energy-nd(rows=500)"]).ok().out;
    for words in ["energy-nd(rows=500)", "rows=2000", "10 to 20000"] {
        assert!(joint.contains(words), "{joint}");
    }
    let wrong = |name: &str, words: &[&str]| {
        folder.trueup(&["metrics", name]).code(3).complains(words);
    };
    wrong("enrgy", &["no discrepancy or feature `enrgy`", "did you mean `energy`?"]);
    wrong("energy-nd(row=5)", &["no parameter `row`", "it has: rows"]);
    wrong("energy-nd(rows=5)", &["rows of `energy-nd` is 5", "a whole number from 10 to 20000"]);
    wrong("energy-nd(rows", &["name(parameter=value"]);
}

#[test]
fn logs_are_compared_by_the_metrics_that_are_named() {
    let folder = Folder::new();
    folder.write("one.csv", purchases(120, 1)).write("two.csv", purchases(120, 2));
    folder.write("map.toml", MAP);
    let logs = ["compare", "one.csv", "two.csv", "--map", "map.toml"];
    let compared = |more: &[&str]| folder.trueup(&[&logs[..], more].concat());
    let named = ["--metric", "gap:psi(bins=5)", "--metric", "user_vector:sliced-wasserstein"];
    let summary = compared(&[&named[..], &["--json"]].concat()).ok().json();
    let panel = summary["calibrators"][0]["panel"].as_array().unwrap();
    let metrics: Vec<[&str; 2]> = panel
        .iter()
        .map(|row| [row["feature"].as_str().unwrap(), row["discrepancy"].as_str().unwrap()])
        .collect();
    assert_eq!(metrics, [["gap", "psi(bins=5)"], ["user_vector", "sliced-wasserstein"]]);
    compared(&["--metric", "gap"]).code(3).complains(&["`gap` is not FEATURE:DISCREPANCY"]);
    compared(&["--metric", "gap:psy"]).code(3).complains(&["did you mean `psi`?"]);
    compared(&["--metric", "gap:psi(bin=5)"]).code(3).complains(&["it has: bins"]);
    compared(&["--metric", "gpa:psi"]).code(3).complains(&["unknown feature `gpa`"]);
    let all = compared(&["--panel", "full", "--json"]).ok().json();
    let rows = all["calibrators"][0]["panel"].as_array().unwrap().len();
    let left_out = all["calibrators"][0]["left_out"].as_array().unwrap();
    assert!(rows > 500, "{rows}");
    for entry in left_out {
        assert!(!entry["reason"].as_str().unwrap().is_empty(), "{entry}");
    }
}
