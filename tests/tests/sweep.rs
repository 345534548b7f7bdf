//! Sweeps: planned, run by several processes, searched, summed up.

// All of this is test code: what fails here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod tiny;

use std::collections::BTreeSet;

use serde_json::Value;
use tiny::{done, folder};
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

/// Real users in one trial, a file that is not there in the other.
fn users() -> String {
    let (head, _) = CONFIG.split_once("[[calibrators]]\nkind = \"bgnbd\"").unwrap();
    let head = head.replace("replicates = 40", "replicates = 40\npermutations = 0");
    format!(
        "{head}\n[sweep]\nseeds = 1\n[[sweep.groups]]\nkind = \"grid\"\n\
         axes = {{ \"external.source\" = [\"log.csv\", \"gone.csv\"] }}\n"
    )
}

#[test]
fn a_run_that_fails_is_shown_at_once_and_the_others_go_on() {
    let folder = Folder::new();
    folder.write("log.csv", purchases(120, 1)).write("tiny.toml", users());
    let output = folder.trueup(&["run", "tiny.toml"]).code(1);
    assert!(output.err.contains("FAILED source=gone.csv, seed 1"), "{}", output.err);
    output.complains(&["gone.csv", "1 of 2 runs failed", "--retry-failed"]);
    assert_eq!(done(&folder), 1);
    let summary: Value = serde_json::from_str(&folder.read("runs/tiny/summary.json")).unwrap();
    let failed = &summary["trials"][1]["runs"][0];
    assert_eq!(failed["state"], "failed");
    assert!(failed["reason"].as_str().unwrap().contains("gone.csv"), "{failed}");
    assert!(summary["trials"][0]["runs"][0]["calibrators"][1]["mean_excess"].is_f64());
    // What was missing is there now.
    folder.write("gone.csv", purchases(120, 1));
    let _ = folder.trueup(&["resume", "runs/tiny", "--retry-failed"]).ok();
    assert_eq!(done(&folder), 2);
}

#[test]
fn the_first_failure_stops_the_sweep_where_that_is_asked() {
    let folder = Folder::new();
    let config = users().replace("[\"log.csv\", \"gone.csv\"]", "[\"gone.csv\", \"log.csv\"]");
    let config = format!("{config}[launch]\njobs = 1\nfail_fast = true\n");
    folder.write("log.csv", purchases(120, 1)).write("tiny.toml", config);
    let output = folder.trueup(&["run", "tiny.toml"]).code(1);
    output.complains(&["stopping at the first failure", "trueup resume runs/tiny"]);
    assert_eq!(done(&folder), 0);
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
