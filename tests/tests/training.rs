//! Training on a task of classic control, from the config to the report.

// All of this is test code: what fails here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;
use trueup_tests::data::TASK;
use trueup_tests::{Folder, Output, skip};

/// One finished run that the tests of this file look at: one seed learns, a second one has hardly
/// begun.
fn finished() -> &'static (Folder, Output) {
    static RUN: OnceLock<(Folder, Output)> = OnceLock::new();
    RUN.get_or_init(|| {
        let folder = Folder::new();
        folder.write("cart.toml", TASK.replace("12_000", "60_000").replace("[1, 2]", "[1]"));
        let output = folder.trueup(&["run", "cart.toml"]).ok();
        (folder, output)
    })
}

fn json(folder: &Folder, name: &str) -> Value {
    serde_json::from_str(&folder.read(name)).unwrap()
}

/// A random policy returns 22 on CartPole.
#[test]
fn cart_pole_is_learnt() {
    let (folder, output) = finished();
    let summary = json(folder, "runs/cart-1/summary.json");
    assert_eq!(summary["task"], "CartPole-v1");
    let seed = &summary["seeds"][0];
    assert_eq!(seed["seed"], 1);
    assert_eq!(seed["steps"], 60_160, "whole rollouts of 256");
    for field in ["last_100_return", "evaluation_return"] {
        let value = seed[field].as_f64().unwrap();
        assert!((150.0..=500.0).contains(&value), "{field} {value}");
    }
    assert!(seed["steps_per_second"].as_f64().unwrap() > 0.0);
    for word in ["cart on CartPole-v1:", "evaluated, sampled", "60,160", "Report: "] {
        assert!(output.out.contains(word), "no {word:?} in\n{}", output.out);
    }
    for word in ["training on CartPole-v1, seed 1", "seed-1: iteration 235/235", ", return "] {
        assert!(output.err.contains(word), "no {word:?} in\n{}", output.err);
    }
}

#[test]
fn the_run_directory_is_complete_and_says_done() {
    let (folder, _) = finished();
    let names = folder.list("runs/cart-1");
    let wanted = [
        "checkpoints",
        "config.toml",
        "metrics.jsonl",
        "plots",
        "policies",
        "provenance.json",
        "report.html",
        "status.json",
        "summary.json",
        "tensorboard",
    ];
    for name in wanted {
        assert!(names.iter().any(|n| n == name), "no {name} in {names:?}");
    }
    assert_eq!(json(folder, "runs/cart-1/status.json")["state"], "done");
    assert_eq!(folder.list("runs/cart-1/checkpoints/seed-1").len(), 2);
    assert!(folder.list("runs/cart-1/policies/seed-1").contains(&"policy.safetensors".into()));
    let metrics = folder.read("runs/cart-1/metrics.jsonl");
    assert_eq!(metrics.lines().count(), 235);
    let again = folder.trueup(&["report", "runs/cart-1"]).ok();
    assert_eq!(again.out, "Report: runs/cart-1/report.html\n");
    let export = folder.trueup(&["export", "runs/cart-1", "--to", "ipynb"]).code(3);
    export.complains(&["is a training on a task"]);
    let resumed = folder.trueup(&["resume", "runs/cart-1"]).ok();
    assert_eq!(resumed.out, "runs/cart-1 is done: there is nothing to resume\n");
}

/// Runs Python, if it has these modules.
fn python(modules: &str, arguments: &[&str]) -> Option<String> {
    let there = Command::new("python3").args(["-c", &format!("import {modules}")]).output();
    if !there.is_ok_and(|output| output.status.success()) {
        skip(&format!("python3 has no {modules}"));
        return None;
    }
    let output = Command::new("python3").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn python_opens_the_weights() {
    let (folder, _) = finished();
    let path = folder.path("runs/cart-1/policies/seed-1/policy.safetensors");
    let script = "import json, sys, numpy\n\
        from safetensors.numpy import load_file\n\
        tensors = load_file(sys.argv[1])\n\
        assert all(numpy.isfinite(t).all() for t in tensors.values())\n\
        print(json.dumps({name: list(t.shape) for name, t in tensors.items()}))";
    let arguments = ["-c", script, path.to_str().unwrap()];
    let Some(text) = python("numpy, safetensors.numpy", &arguments) else { return };
    let shapes: Value = serde_json::from_str(&text).unwrap();
    let shapes = shapes.as_object().unwrap();
    let numbers = |shape: &Value| -> u64 {
        shape.as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).product()
    };
    let weights =
        shapes.iter().filter(|(name, _)| name.contains("policy") || name.contains("value"));
    // Two trunks of 4-64-64, two logits, one value.
    let wanted = 2 * (4 * 64 + 64 + 64 * 64 + 64) + (64 * 2 + 2) + (64 + 1);
    assert_eq!(weights.map(|(_, shape)| numbers(shape)).sum::<u64>(), wanted, "{shapes:?}");
}

#[test]
fn tensorboard_reads_the_curves() {
    let (folder, _) = finished();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../results/tests/read_tensorboard.py");
    let events = folder.path("runs/cart-1/tensorboard");
    let module = "tensorboard.backend.event_processing.plugin_event_multiplexer";
    let arguments = [script.to_str().unwrap(), events.to_str().unwrap()];
    let Some(text) = python(module, &arguments) else { return };
    let runs: Value = serde_json::from_str(&text).unwrap();
    let curves = &runs.as_object().unwrap()["ppo-seed-1"]["tags"];
    let kl = curves["approximate_kl"].as_array().unwrap();
    assert_eq!(kl.len(), 235);
    assert_eq!(kl[234][0], 60_160);
    assert!(!curves["return_last_100"].as_array().unwrap().is_empty());
}

#[test]
fn json_is_the_summary_and_a_failing_seed_does_not_lose_the_other() {
    let folder = Folder::new();
    folder.write("cart.toml", TASK.replace("12_000", "512"));
    let output = folder.trueup(&["run", "cart.toml", "--json"]).ok();
    let summary = json(&folder, "runs/cart-1/summary.json");
    assert_eq!(output.json(), summary);
    let seeds: Vec<u64> =
        summary["seeds"].as_array().unwrap().iter().map(|s| s["seed"].as_u64().unwrap()).collect();
    assert_eq!(seeds, [1, 2]);

    // A step as large as this leaves no number finite.
    let sets =
        ["--set", "task.update.learning_rate=1e38", "--set", "task.update.gradient_norm=1e38"];
    let output = folder.trueup(&[&["run", "cart.toml"][..], &sets].concat()).code(1);
    output.complains(&["seed 1 failed: ", "seed 2 failed: ", "not finite", "learning_rate"]);
    assert_eq!(json(&folder, "runs/cart-1-2/status.json")["state"], "failed");
}

/// What is done otherwise than the config says is told, and stands in the summary.
#[test]
fn rounded_steps_and_minibatches_of_one_row_are_told() {
    let folder = Folder::new();
    let text = TASK.replace("12_000", "10").replace("[1, 2]", "[1]");
    folder.write("cart.toml", text.replace("minibatches = 1\n", "minibatches = 999\n"));
    let output = folder.trueup(&["run", "cart.toml"]).ok();
    let summary: Value = serde_json::from_str(&folder.read("runs/cart-1/summary.json")).unwrap();
    let notes = summary["notes"].to_string();
    for words in ["total_steps = 10 is run as 256", "256 of one row", "learns nothing"] {
        assert!(notes.contains(words), "no {words:?} in {notes}");
        assert!(output.err.contains(words), "no {words:?} in {}", output.err);
    }
}
