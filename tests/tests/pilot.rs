//! `trueup plan --pilot`: what a sweep would take, from runs of it that were made.

// All of this is test code: what fails here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::Value;
use trueup_tests::data::{CONFIG, purchases};
use trueup_tests::{Folder, Output};

/// Training on a task for a moment: 6 trials of 2 seeds.
const SWEEP: &str = concat!(
    trueup_tests::tiny_task!("128"),
    r#"
[sweep]
seeds = 2
[[sweep.groups]]
kind = "grid"
[sweep.groups.axes]
"task.update.learning_rate" = [1e-4, 1e-3, 1e-2]
"task.update.epochs" = [1, 2]

[launch]
jobs = 2
"#
);

/// Runs the command with a folder of its own for what is temporary, which is empty afterwards.
fn plan(folder: &Folder, arguments: &[&str]) -> Output {
    let temporary = folder.path("temporary");
    std::fs::create_dir_all(&temporary).unwrap();
    let mut command = folder.command(&[&["plan", "tiny.toml"], arguments].concat());
    let output = command.env("TMPDIR", &temporary).output().unwrap();
    assert!(folder.list("temporary").is_empty(), "{:?}", folder.list("temporary"));
    Output {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_pilot_measures_runs_and_leaves_nothing_behind() {
    let folder = Folder::new();
    folder.write("tiny.toml", SWEEP);
    let said = plan(&folder, &[]).ok().out;
    assert!(said.contains("--pilot"), "{said}");
    let said = plan(&folder, &["--pilot"]).ok().out;
    for words in [
        "6 trials x 2 seeds = 12 runs",
        "trial 1, seed 1 (",
        "on disk",
        "expected of all 12 runs: ",
        "with 2 at a time",
        "an estimate from 1 run on this machine",
        "other trials may take more or less (task.update.epochs)",
    ] {
        assert!(said.contains(words), "no {words:?} in\n{said}");
    }
    let told = plan(&folder, &["--pilot", "2", "--json"]).ok().json();
    let measured = told["pilot"]["measured"].as_array().unwrap();
    let trials: Vec<&Value> = measured.iter().map(|run| &run["trial"]).collect();
    assert_eq!(trials, [1, 6]);
    let sum = |what: &str| measured.iter().map(|run| run[what].as_f64().unwrap()).sum::<f64>();
    let expected = &told["pilot"]["expected"];
    // Twelve runs, two at a time: six rounds.
    let seconds = expected["seconds"].as_f64().unwrap();
    assert!((seconds - 6.0 * sum("seconds") / 2.0).abs() < 1e-9, "{told}");
    assert_eq!(expected["disk"].as_f64().unwrap(), 6.0 * sum("disk"));
    // A run directory holds at least its weights.
    assert!(measured.iter().all(|run| run["disk"].as_u64().unwrap() > 10_000), "{told}");
    if cfg!(target_os = "linux") {
        let most = measured.iter().map(|run| run["memory"].as_u64().unwrap()).max().unwrap();
        assert!(most > 5_000_000, "{told}");
        assert_eq!(expected["memory"].as_u64().unwrap(), 2 * most);
        assert!(expected["cpu_seconds"].as_f64().unwrap() > 0.0, "{told}");
    }
    assert!(folder.list("runs").is_empty());
}

#[test]
fn a_pilot_of_a_search_counts_its_budget_and_its_winner() {
    let folder = Folder::new();
    let (head, _) = SWEEP.split_once("kind = \"grid\"").unwrap();
    let group = "kind = \"tpe\"\nbudget = 9\nbatch = 3\n[sweep.groups.axes]\n\
                 \"task.update.learning_rate\" = { low = 1e-4, high = 1e-2, scale = \"log\" }\n";
    folder.write("tiny.toml", format!("{head}{group}"));
    let said = plan(&folder, &["--pilot"]).ok().out;
    assert!(said.contains("searches propose 9 trials in all"), "{said}");
    // Nine trials and the winner, with two seeds each.
    assert!(said.contains("expected of all 20 runs: "), "{said}");
}

#[test]
fn a_pilot_that_cannot_be_says_why() {
    let folder = Folder::new();
    let (head, _) = SWEEP.split_once("[sweep]").unwrap();
    folder.write("tiny.toml", head);
    plan(&folder, &["--pilot"]).code(3).complains(&["no [sweep]", "trueup run tiny.toml"]);
    let (head, _) = CONFIG.split_once("[[calibrators]]\nkind = \"bgnbd\"").unwrap();
    let axes = "axes = { \"external.source\" = [\"gone.csv\", \"log.csv\"] }\n";
    let sweep = format!("{head}\n[sweep]\nseeds = 1\n[[sweep.groups]]\nkind = \"grid\"\n{axes}");
    folder.write("log.csv", purchases(120, 1)).write("tiny.toml", sweep);
    plan(&folder, &["--pilot"]).code(1).complains(&["gone.csv", "was to be measured failed"]);
    plan(&folder, &["--pilot", "0"]).code(2).complains(&["--pilot"]);
}
