//! Sweeps: planned, run by several processes, searched, summed up.

// All of this is test code: what fails here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod tiny;

use std::collections::BTreeSet;

use serde_json::Value;
use tiny::{done, folder, wait};
use trueup_tests::Folder;
use trueup_tests::data::{CONFIG, purchases};

#[test]
fn a_sweep_runs_every_trial_with_every_seed_once() {
    let folder = folder();
    let plan = folder.trueup(&["plan", "tiny.toml"]).ok();
    assert!(plan.out.contains("12 trials x 2 seeds = 24 runs, 2 at a time"), "{}", plan.out);
    assert!(folder.list("runs").is_empty());
    let dry = folder.trueup(&["run", "tiny.toml", "--dry-run"]).ok();
    assert_eq!(dry.out, plan.out);
    let summary = folder.trueup(&["run", "tiny.toml", "--json"]).ok().json();
    let trials = summary["trials"].as_array().unwrap();
    let ids: BTreeSet<&str> = trials.iter().map(|t| t["trial"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 12);
    for trial in trials {
        let seeds: Vec<u64> = trial["runs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|run| run["seed"].as_u64().unwrap())
            .collect();
        assert_eq!(seeds, [1, 2]);
        let values: Vec<f64> = trial["runs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|run| run["objective"].as_f64().unwrap())
            .collect();
        assert!(
            (trial["objective"].as_f64().unwrap() - (values[0] + values[1]) / 2.0).abs() < 1e-9
        );
    }
    let status = folder.trueup(&["status", "runs/tiny"]).ok();
    assert_eq!(status.out, "tiny: 24 of 24 done\n");
    // Nothing is left to do, and nothing is done twice.
    let before = folder.read("runs/tiny/summary.json");
    let _ = folder.trueup(&["resume", "runs/tiny"]).ok();
    assert_eq!(folder.read("runs/tiny/summary.json"), before);
    assert!(folder.list("runs/tiny/leases").is_empty());
    // The same numbers come from one process at a time, with two threads each.
    let other = [
        "run",
        "tiny.toml",
        "--out",
        "other",
        "--set",
        "launch.jobs=1",
        "--set",
        "launch.threads=2",
    ];
    let _ = folder.trueup(&other).ok();
    assert_eq!(folder.read("other/tiny/summary.json"), before);
    // And the run of one trial alone is the run of the sweep.
    let id = trials[0]["trial"].as_str().unwrap();
    let run = format!("runs/tiny/runs/{id}/1");
    let _ = folder.trueup(&["run", &format!("{run}/config.toml"), "--out", "single"]).ok();
    let policy = |root: &str| {
        std::fs::read(folder.path(&format!("{root}/policies/seed-1/policy.safetensors"))).unwrap()
    };
    assert!(policy(&run) == policy("single/tiny-1"), "another policy");
}

/// Real users, from one file in each trial.
fn users(files: &str) -> String {
    let (head, _) = CONFIG.split_once("[[calibrators]]\nkind = \"bgnbd\"").unwrap();
    let head = head.replace("replicates = 40", "replicates = 40\npermutations = 0");
    format!(
        "{head}\n[sweep]\nseeds = 1\n[[sweep.groups]]\nkind = \"grid\"\n\
         axes = {{ \"external.source\" = {files} }}\n[launch]\njobs = 1\n"
    )
}

#[test]
fn data_that_are_not_there_are_missed_before_anything_is_written() {
    let folder = Folder::new();
    let config = users("[\"log.csv\", \"gone.csv\"]");
    folder.write("log.csv", purchases(120, 1)).write("tiny.toml", config);
    let output = folder.trueup(&["run", "tiny.toml"]);
    output.code(3).complains(&["gone.csv", "in the trial source=gone.csv"]);
    folder.write("gone.csv", "");
    folder.trueup(&["run", "tiny.toml"]).code(3).complains(&["gone.csv"]);
    assert!(folder.list("runs").is_empty());
}

/// Runs a sweep of which one file is gone once it is planned: the second.
fn run_without_second_file(folder: &Folder, config: String) -> std::process::Output {
    for name in ["log.csv", "gone.csv", "last.csv"] {
        folder.write(name, purchases(120, 1));
    }
    folder.write("tiny.toml", config);
    let child = folder.start(&["run", "tiny.toml"]);
    wait("a plan", || folder.path("runs/tiny/plan.jsonl").exists());
    std::fs::remove_file(folder.path("gone.csv")).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_run_that_fails_is_shown_at_once_and_the_others_go_on() {
    let folder = Folder::new();
    let config = users("[\"log.csv\", \"gone.csv\", \"last.csv\"]");
    let output = run_without_second_file(&folder, config);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    for part in ["FAILED source=gone.csv, seed 1", "1 of 3 runs failed", "--retry-failed"] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(done(&folder), 2);
    let summary: Value = serde_json::from_str(&folder.read("runs/tiny/summary.json")).unwrap();
    let failed = &summary["trials"][1]["runs"][0];
    assert_eq!(failed["state"], "failed");
    assert!(failed["reason"].as_str().unwrap().contains("gone.csv"), "{failed}");
    assert!(summary["trials"][0]["runs"][0]["calibrators"][1]["mean_excess"].is_f64());
    // What was missing is there now.
    folder.write("gone.csv", purchases(120, 1));
    let _ = folder.trueup(&["resume", "runs/tiny", "--retry-failed"]).ok();
    assert_eq!(done(&folder), 3);
}

#[test]
fn the_first_failure_stops_the_sweep_where_that_is_asked() {
    let folder = Folder::new();
    let config = users("[\"log.csv\", \"gone.csv\", \"last.csv\"]");
    let output = run_without_second_file(&folder, format!("{config}fail_fast = true\n"));
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    for part in ["stopping at the first failure", "trueup resume runs/tiny"] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(done(&folder), 1);
}

/// Two searches of a few trials each, on real users: what is searched never meets the test users.
#[test]
fn a_search_goes_on_in_batches_and_its_winners_meet_the_test_users() {
    let (head, _) = CONFIG.split_once("[[calibrators]]\nkind = \"bgnbd\"").unwrap();
    let head = head.replace("replicates = 40", "replicates = 40\npermutations = 0");
    let config = format!(
        "{head}\n[sweep]\nseeds = 2\n\
         [[sweep.groups]]\nkind = \"tpe\"\nbudget = 5\nbatch = 2\nstartup = 2\n\
         axes = {{ \"calibrators.scaling.within_user\" = {{ low = 0.1, high = 2.0, scale = \"log\" }} }}\n\
         [[sweep.groups]]\nkind = \"grid\"\naxes = {{ \"world.latent\" = [2, 4] }}\n"
    );
    let folder = Folder::new();
    folder.write("log.csv", purchases(160, 1)).write("tiny.toml", &config);
    let plan = folder.trueup(&["plan", "tiny.toml"]).ok();
    assert!(plan.out.contains("searches propose 10 trials in all"), "{}", plan.out);
    let summary = folder.trueup(&["run", "tiny.toml", "--json"]).ok().json();
    let trials = summary["trials"].as_array().unwrap();
    let phases = |phase: &str| trials.iter().filter(|t| t["phase"] == phase).collect::<Vec<_>>();
    assert_eq!((phases("search").len(), phases("confirm").len()), (10, 2));
    let best = phases("search")
        .iter()
        .map(|t| t["objective"].as_f64().unwrap())
        .fold(f64::INFINITY, f64::min);
    let winners = phases("confirm");
    let value = |trial: &Value| {
        trial["values"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v["label"].to_string())
            .collect::<Vec<_>>()
    };
    let best =
        phases("search").into_iter().find(|t| t["objective"].as_f64().unwrap() == best).unwrap();
    assert!(winners.iter().any(|winner| value(winner) == value(best)), "the best is not confirmed");
    for (phase, judge, users) in [("search", "validation", 40), ("confirm", "test", 80)] {
        let run = format!("runs/tiny/runs/{}/1", phases(phase)[0]["trial"].as_str().unwrap());
        assert!(
            folder.read(&format!("{run}/config.toml")).contains(&format!("judge = \"{judge}\""))
        );
        let summary: Value =
            serde_json::from_str(&folder.read(&format!("{run}/summary.json"))).unwrap();
        assert_eq!(summary["test_users"], users);
        // One split for both seeds: nobody judges a search under one and its winner under the other.
        let real = |seed: u32| {
            let trial = run.strip_suffix("/1").unwrap();
            let text = folder.read(&format!("{trial}/{seed}/series.json"));
            let series: Value = serde_json::from_str(&text).unwrap();
            series["features"]
                .as_array()
                .unwrap()
                .iter()
                .map(|feature| feature["sides"][0].clone())
                .collect::<Vec<_>>()
        };
        assert!(!real(1).is_empty() && real(1)[0].is_object());
        assert_eq!(real(1), real(2));
    }
    // Another run of it, killed between two batches, proposes the same.
    let golden = folder.read("runs/tiny/summary.json");
    let plan = folder.read("runs/tiny/plan.jsonl");
    let first: Vec<&str> = plan.lines().take(5).collect();
    folder.write("runs/tiny/plan.jsonl", first.join("\n") + "\n");
    let configs = folder.read("runs/tiny/configs.jsonl");
    folder.write(
        "runs/tiny/configs.jsonl",
        configs.lines().take(4).collect::<Vec<_>>().join("\n") + "\n",
    );
    let _ = folder.trueup(&["resume", "runs/tiny"]).ok();
    assert_eq!(folder.read("runs/tiny/summary.json"), golden);
}
