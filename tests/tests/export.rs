//! What `trueup export` writes of a run and of a sweep.

// All of this is test code: what fails here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;

use serde_json::Value;
use trueup_tests::data::{CONFIG, purchases};
use trueup_tests::{Folder, skip};

/// Two rewards with three seeds each.
const SWEEP: &str = "
[launch]
jobs = 2
[sweep]
seeds = 3
[[sweep.groups]]
kind = \"grid\"
[sweep.groups.axes]
\"reward.kind\" = [\"witness\", \"shared\"]
";

fn json(folder: &Folder, name: &str) -> Value {
    serde_json::from_str(&folder.read(name)).unwrap()
}

#[test]
fn a_sweep_is_exported_to_every_format() {
    let folder = Folder::new();
    folder.write("log.csv", purchases(240, 1)).write("tiny.toml", format!("{CONFIG}{SWEEP}"));
    let _ = folder.trueup(&["run", "tiny.toml"]).ok();
    let export = |to: &str| folder.trueup(&["export", "runs/tiny", "--to", to]).ok().out;
    assert_eq!(export("csv"), "Written: runs/tiny/tables\n");
    assert_eq!(export("parquet"), "Written: runs/tiny/tables\n");
    assert_eq!(export("tensorboard"), "Written: runs/tiny/tensorboard\n");
    assert_eq!(export("latex"), "Written: runs/tiny/table.tex\n");
    let before = folder.read("runs/tiny/summary.json");
    assert_eq!(export("ipynb"), "Written: runs/tiny/notebook.ipynb\n");
    // The notebook comes with a summary of the same runs: the one that was there.
    assert!(before == folder.read("runs/tiny/summary.json"));
    assert_eq!(folder.list("runs/tiny/tables").len(), 8);
    assert_eq!(folder.list("runs/tiny/tensorboard").len(), 2);
    let table = folder.read("runs/tiny/tables/runs.csv");
    assert_eq!(table.lines().filter(|line| line.contains(",done,")).count(), 6);
    let tex = folder.read("runs/tiny/table.tex");
    assert!(tex.contains("witness & ") && tex.contains("shared & "), "{tex}");
    let notebook = json(&folder, "runs/tiny/notebook.ipynb");
    assert_eq!(notebook["nbformat_minor"], 5);
    let needs = "nbconvert, ipykernel, pandas, pyarrow, matplotlib";
    let there = Command::new("python3").args(["-c", &format!("import {needs}")]).output();
    if !there.is_ok_and(|output| output.status.success()) {
        return skip(&format!("python3 has no {needs}"));
    }
    let mut command = Command::new("python3");
    command.args(["-m", "nbconvert", "--to", "markdown", "--execute", "--stdout"]);
    let done = command.arg(folder.path("runs/tiny/notebook.ipynb")).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(said.contains("agrees with summary.json"), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn what_cannot_be_exported_is_named_with_a_remedy() {
    let folder = Folder::new();
    let export = |arguments: &[&str]| {
        folder.trueup(&[&["export", "runs/nothing", "--to"][..], arguments].concat())
    };
    for to in ["ipynb", "parquet", "csv", "tensorboard", "latex"] {
        export(&[to]).code(3).complains(&["runs/nothing"]);
    }
    export(&["mlflow"]).code(2).complains(&["--uri"]);
    export(&["csv", "--uri", "http://127.0.0.1:1"]).code(3).complains(&["--to mlflow"]);
    export(&["mlflow", "--uri", "here"]).code(3).complains(&["http://127.0.0.1:5000"]);
    assert!(folder.list("runs").is_empty());
}
