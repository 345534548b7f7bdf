//! Rows against the run directories that they are read from.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::*;
use crate::{RunDirectory, State};

fn begun(path: &Path, config: &str) -> RunDirectory {
    let run = RunDirectory::create_at(path).unwrap();
    run.write("config.toml", config.as_bytes()).unwrap();
    run
}

fn done(path: &Path, gap_closed: f64) {
    let run = begun(path, "name = \"a\"\nseed = 3\n[reward]\nkind = \"witness\"\nrate = 0.5\n");
    let panel = |name, gap: f64, auc| {
        json!({ "name": name, "gap_closed": gap, "gap_closed_ci": [gap - 0.01, gap + 0.01],
            "mean_excess": 0.125, "c2st_auc": auc, "c2st_auc_ci": null, "panel": [1, 2, 3] })
    };
    let summary = json!({ "name": "a", "seed": 3, "dataset": "builtin:cdnow", "env_steps": 7,
        "seconds": 1.5, "calibrators": [panel("none", 0.0, 0.9), panel("ppo", gap_closed, 0.6)] });
    run.write_json("summary.json", &summary).unwrap();
    run.finish(State::Done, None).unwrap();
}

/// A plain run, a run of a sweep, one that is being written, one that failed, and two that are
/// broken.
fn fill(root: &Path) -> RunDirectory {
    done(&root.join("plain-3"), 0.5);
    fs::create_dir_all(root.join("deep/sweep/runs")).unwrap();
    fs::write(root.join("deep/sweep/plan.jsonl"), "").unwrap();
    fs::write(root.join("deep/sweep/lock"), "").unwrap();
    done(&root.join("deep/sweep/runs/1a/11"), 0.75);
    begun(&root.join("failed-1"), "seed = 1\n").finish(State::Failed, Some("no data")).unwrap();
    fs::create_dir_all(root.join("half")).unwrap();
    fs::write(root.join("half/lock"), "").unwrap();
    fs::create_dir_all(root.join("torn")).unwrap();
    fs::write(root.join("torn/status.json"), "{\"state\": \"do").unwrap();
    fs::create_dir_all(root.join("plain-3/inside")).unwrap();
    fs::write(root.join("plain-3/inside/status.json"), "").unwrap();
    begun(&root.join("now"), "seed = 1\n")
}

fn states(root: &Path) -> Vec<(String, String)> {
    let rows = runs(root, &Filter::default()).unwrap().into_iter();
    let mut rows: Vec<_> = rows.map(|row| (row.path, row.state)).collect();
    rows.sort();
    rows
}

const ALL: [(&str, &str); 6] = [
    ("deep/sweep/runs/1a/11", "done"),
    ("failed-1", "failed"),
    ("half", "interrupted"),
    ("now", "running"),
    ("plain-3", "done"),
    ("torn", UNREADABLE),
];

fn all() -> Vec<(String, String)> {
    ALL.map(|(path, state)| (path.to_owned(), state.to_owned())).into()
}

#[test]
fn every_run_is_there_with_its_state_and_its_best_calibrator() {
    let root = tempfile::tempdir().unwrap();
    let running = fill(root.path());
    assert_eq!(states(root.path()), all());
    let rows = runs(root.path(), &Filter::default()).unwrap();
    let row = |path: &str| rows.iter().find(|row| row.path == path).unwrap();
    let swept = row("deep/sweep/runs/1a/11");
    assert_eq!(swept.sweep.as_deref(), Some("deep/sweep"));
    assert_eq!((swept.trial.as_deref(), swept.seed), (Some("1a"), Some(11)));
    assert_eq!(
        (swept.objective_name.as_deref(), swept.objective),
        (Some("gap_closed"), Some(0.75))
    );
    let plain = row("plain-3");
    assert_eq!((plain.trial.as_deref(), plain.seed, plain.env_steps), (None, Some(3), Some(7)));
    assert_eq!((plain.calibrator.as_deref(), plain.auc), (Some("ppo"), Some(0.6)));
    assert_eq!((plain.gap_closed, plain.mean_excess), (Some(0.5), Some(0.125)));
    assert_eq!(row("failed-1").message.as_deref(), Some("no data"));
    assert!(row("torn").message.as_ref().unwrap().contains("status.json"));
    assert!(plain.config.contains(&("reward.rate".into(), "0.5".into())));
    running.finish(State::Done, None).unwrap();
}

#[test]
fn filters_narrow_down() {
    let root = tempfile::tempdir().unwrap();
    let _running = fill(root.path());
    let count = |filter: Filter| runs(root.path(), &filter).unwrap().len();
    let states = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(count(Filter { states: states(&["done", "failed"]), ..Filter::default() }), 3);
    for (sweep, runs) in [("deep/sweep", 1), ("sweep", 1), ("weep", 0), ("%", 0)] {
        assert_eq!(count(Filter { sweep: Some(sweep.into()), ..Filter::default() }), runs);
    }
    // Runs without a time did not start as far as anyone knows.
    assert_eq!(count(Filter { since: Some("2000-01-01".into()), ..Filter::default() }), 4);
    assert_eq!(count(Filter { since: Some("9000".into()), ..Filter::default() }), 0);
    let with = |values: &[(&str, &str)]| {
        let values = values.iter().map(|&(p, v)| (p.to_owned(), v.to_owned())).collect();
        count(Filter { values, ..Filter::default() })
    };
    assert_eq!(with(&[("reward.kind", "witness"), ("reward.rate", "5e-1")]), 2);
    assert_eq!(with(&[("reward.kind", "witness"), ("reward.rate", "2")]), 0);
    assert_eq!(with(&[("reward.kind", "' OR 1 --")]), 0);
}

#[test]
fn the_state_of_a_run_whose_process_died_is_seen() {
    let root = tempfile::tempdir().unwrap();
    let running = begun(&root.path().join("killed"), "");
    let state = || runs(root.path(), &Filter::default()).unwrap()[0].state.clone();
    assert_eq!(state(), "running");
    // What kill -9 leaves: the same status file, and no lock.
    let status = root.path().join("killed/status.json");
    let left = fs::read(&status).unwrap();
    drop(running);
    fs::write(&status, left).unwrap();
    assert_eq!(state(), "interrupted");
}

#[test]
fn a_root_that_is_no_folder_is_named() {
    let root = tempfile::tempdir().unwrap();
    let error = runs(&root.path().join("none"), &Filter::default()).unwrap_err().to_string();
    assert!(error.contains("none"), "{error}");
}

#[test]
fn runs_are_removed_inside_the_root_and_nothing_else() {
    let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let running = fill(root.path());
    done(&outside.path().join("other"), 0.5);
    let refused = |path: &Path, why: &str| {
        let error = remove_run(root.path(), path).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        assert!(path.exists());
    };
    refused(&root.path().join("now"), "a process is writing it");
    refused(&outside.path().join("other"), "does not lie under");
    refused(&root.path().join("deep/sweep"), "no run directory");
    refused(&root.path().join("deep"), "no run directory");
    refused(root.path(), "does not lie under");
    assert!(remove_run(root.path(), &root.path().join("nothing")).is_err());
    #[cfg(unix)]
    {
        let link = root.path().join("link");
        std::os::unix::fs::symlink(outside.path().join("other"), &link).unwrap();
        refused(&link, "link");
        // Links inside a run are removed, what they lead to is not.
        let inside = root.path().join("plain-3/out");
        std::os::unix::fs::symlink(outside.path(), inside).unwrap();
    }
    remove_run(root.path(), &root.path().join("plain-3")).unwrap();
    assert!(!root.path().join("plain-3").exists() && outside.path().join("other").exists());
    let hidden = fs::read_dir(root.path()).unwrap().flatten();
    assert_eq!(hidden.filter(|e| e.file_name().as_encoded_bytes()[0] == b'.').count(), 0);
    let path = running.path().to_owned();
    running.finish(State::Interrupted, None).unwrap();
    remove_run(root.path(), &path).unwrap();
    remove_run(root.path(), &root.path().join("torn")).unwrap();
}
