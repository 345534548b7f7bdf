//! `trueup runs` and `trueup index`: what is known of the runs under a folder.

// All of this is test code: what fails here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;

use serde_json::{Value, json};
use trueup_tests::Folder;

/// A finished run whose reward has a rate, and that closed so much of the gap.
fn run(folder: &Folder, name: &str, started: &str, rate: f64, gap_closed: f64) {
    fs::create_dir_all(folder.path(name)).unwrap();
    let status = json!({ "state": "done", "pid": 1, "host": "a", "boot": "", "started": started,
        "ended": started, "message": null });
    folder.write(&format!("{name}/status.json"), status.to_string());
    folder.write(&format!("{name}/config.toml"), format!("seed = 1\n[reward]\nrate = {rate}\n"));
    let calibrator = json!({ "name": "ppo", "gap_closed": gap_closed, "gap_closed_ci": null,
        "gap_closed_unseen": null, "mean_excess": 0.25, "c2st_auc": 0.625, "c2st_auc_ci": null,
        "c2st_auc_floor": null, "c2st_importance": [], "panel": [], "left_out": [], "notes": [] });
    let summary = json!({ "name": "a", "seed": 1, "dataset": "builtin:cdnow", "train_users": 2,
        "test_users": 2, "env_steps": 9, "seconds": 1.5, "calibrators": [calibrator] });
    folder.write(&format!("{name}/summary.json"), summary.to_string());
}

/// Two plain runs, one of a sweep, and one that was killed.
fn filled() -> Folder {
    let folder = Folder::new();
    run(&folder, "runs/old-1", "2020-01-01T00:00:00Z", 0.5, 0.25);
    run(&folder, "runs/new-1", "2026-01-02T00:00:00Z", 0.001, 0.75);
    run(&folder, "runs/sweep/runs/3f/4", "2026-01-03T00:00:00Z", 0.001, 0.5);
    folder.write("runs/sweep/plan.jsonl", "{}\n");
    fs::create_dir_all(folder.path("runs/killed-1")).unwrap();
    let status = json!({ "state": "running", "pid": 1, "host": "a", "boot": "",
        "started": "2026-01-04T00:00:00Z", "ended": null, "message": null });
    folder.write("runs/killed-1/status.json", status.to_string());
    folder
}

fn listed(folder: &Folder, filter: &[&str]) -> Vec<String> {
    let rows = folder.trueup(&[&["runs", "ls", "--json"][..], filter].concat()).ok().json();
    let path = |row: &Value| row["path"].as_str().unwrap().to_owned();
    rows.as_array().unwrap().iter().map(path).collect()
}

#[test]
fn runs_are_listed_and_narrowed_down() {
    let folder = filled();
    let all = ["old-1", "new-1", "sweep/runs/3f/4", "killed-1"];
    assert_eq!(listed(&folder, &[]), all);
    assert_eq!(listed(&folder, &["--state", "interrupted"]), ["killed-1"]);
    assert_eq!(listed(&folder, &["--sweep", "sweep/"]), ["sweep/runs/3f/4"]);
    assert_eq!(listed(&folder, &["--since", "2026-01-02"]), all[1..]);
    assert_eq!(listed(&folder, &["--where", "reward.rate=1e-3"]), all[1..3]);
    let both = ["--where", "reward.rate=1e-3", "--state", "failed"];
    assert!(listed(&folder, &both).is_empty());
    let text = folder.trueup(&["runs", "ls"]).ok().out;
    let line = text.lines().find(|line| line.starts_with("new-1")).unwrap();
    for word in ["done", "builtin:cdnow", "ppo", "0.750", "0.625"] {
        assert!(line.contains(word), "{text}");
    }
    folder.trueup(&["runs", "ls", "--since", "soon"]).code(3).complains(&["soon", "2026-01-31"]);
    folder.trueup(&["runs", "ls", "--where", "rate"]).code(3).complains(&["PATH=VALUE"]);
    folder.trueup(&["runs", "ls", "--root", "none"]).code(3).complains(&["none"]);
}

#[test]
fn runs_are_shown_and_put_beside_each_other() {
    let folder = filled();
    let shown = folder.trueup(&["runs", "show", "new-1"]).ok().out;
    assert!(shown.contains("gap_closed 0.750") && shown.contains("AUC (real"), "{shown}");
    let json = folder.trueup(&["runs", "show", "runs/sweep/runs/3f/4/", "--json"]).ok().json();
    assert_eq!((&json["run"]["trial"], &json["run"]["seed"]), (&json!("3f"), &json!(4)));
    assert_eq!(json["config"]["reward.rate"], "0.001");
    let compared = folder.trueup(&["runs", "compare", "old-1", "new-1", "--json"]).ok().json();
    assert_eq!(compared["differences"], json!({ "reward.rate": ["0.5", "0.001"] }));
    let text = folder.trueup(&["runs", "compare", "old-1", "new-1"]).ok().out;
    assert!(text.lines().any(|line| line.starts_with("reward.rate") && line.contains("0.001")));
    folder.trueup(&["runs", "show", "nothing"]).code(3).complains(&["nothing", "runs ls"]);
}

#[test]
fn runs_are_removed_when_that_is_meant() {
    let folder = filled();
    folder.trueup(&["runs", "rm", "old-1"]).code(3).complains(&["old-1", "--yes"]);
    let both = ["runs", "rm", "old-1", "nothing", "--yes"];
    folder.trueup(&both).code(3).complains(&["nothing"]);
    assert!(folder.path("runs/old-1").exists());
    let gone = folder.trueup(&["runs", "rm", "old-1", "4", "--yes", "--json"]).ok().json();
    assert_eq!(gone["removed"], json!(["old-1", "sweep/runs/3f/4"]));
    assert!(!folder.path("runs/old-1").exists());
    assert_eq!(listed(&folder, &[]), ["new-1", "killed-1"]);
    // A run that a process holds stays.
    let lock = fs::File::create(folder.path("runs/killed-1/lock")).unwrap();
    lock.lock().unwrap();
    let refused = folder.trueup(&["runs", "rm", "killed-1", "--yes"]).code(1);
    refused.complains(&["killed-1", "a process is writing it"]);
    assert!(folder.path("runs/killed-1/status.json").exists());
}

#[test]
fn runs_are_counted_by_state() {
    let folder = filled();
    let index = || folder.trueup(&["index", "--json"]).ok().json();
    let before = index();
    assert_eq!(before, json!({ "runs": 4, "states": { "done": 3, "interrupted": 1 } }));
    fs::remove_dir_all(folder.path("runs/old-1")).unwrap();
    assert_eq!(index()["runs"], 3);
}
