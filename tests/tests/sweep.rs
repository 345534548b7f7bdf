//! Sweeps: planned, run by several processes, killed, resumed, summed up.

// All of this is test code: what fails here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use trueup_tests::data::{CONFIG, purchases};
use trueup_tests::{Folder, skip};

/// Training on a task for a moment: 12 trials of 2 seeds.
const SWEEP: &str = r#"name = "tiny"
seed = 1
[task]
environment = "CartPole-v1"
total_steps = 128
[task.update]
gamma = 0.99
learning_rate = 1e-3
[task.sampling]
environments = 2
steps = 16
evaluation_episodes = 2

[sweep]
seeds = 2
[[sweep.groups]]
kind = "grid"
[sweep.groups.axes]
"task.update.learning_rate" = { low = 1e-4, high = 1e-2, scale = "log", points = 4 }
"task.update.gamma" = [0.9, 0.95, 0.99]

[launch]
jobs = 2
"#;

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("tiny.toml", SWEEP);
    folder
}

/// Starts a command in a process group of its own, so that all of it can be killed.
#[cfg(unix)]
fn start(folder: &Folder, arguments: &[&str]) -> Child {
    use std::os::unix::process::CommandExt;
    let mut command = folder.command(arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).spawn().unwrap()
}

#[cfg(unix)]
fn kill(target: &str) -> bool {
    Command::new("kill")
        .args(["-9", "--", target])
        .stderr(Stdio::null())
        .status()
        .unwrap()
        .success()
}

fn done(folder: &Folder) -> u64 {
    folder.trueup(&["status", "runs/tiny", "--json"]).ok().json()["counts"]["done"]
        .as_u64()
        .unwrap()
}

/// Waits until something holds.
fn wait(what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(120), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The summary of a sweep that nothing disturbed.
fn undisturbed() -> String {
    let folder = folder();
    let output = folder.trueup(&["run", "tiny.toml"]).ok();
    assert!(output.out.contains("tiny: 12 trials, best first"), "{}", output.out);
    assert!(output.err.contains("24/24 done"), "{}", output.err);
    folder.read("runs/tiny/summary.json")
}

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

/// Twenty times all processes are killed at a moment that a fixed sequence draws.
#[test]
#[cfg(unix)]
fn a_sweep_that_is_killed_again_and_again_ends_with_the_same_bytes() {
    let golden = undisturbed();
    let folder = folder();
    let mut draw = 12345u64;
    let mut killed = 0;
    let mut arguments = vec!["run", "tiny.toml"];
    while killed < 20 {
        let mut child = start(&folder, &arguments);
        wait("a plan", || folder.path("runs/tiny/plan.jsonl").exists());
        draw = draw.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        std::thread::sleep(Duration::from_millis((draw >> 33) % 300));
        kill(&format!("-{}", child.id()));
        let _ = child.wait();
        killed += 1;
        arguments = vec!["resume", "runs/tiny"];
    }
    let _ = folder.trueup(&["resume", "runs/tiny"]).ok();
    assert_eq!(folder.read("runs/tiny/summary.json"), golden);
    assert_eq!(done(&folder), 24);
    assert!(folder.list("runs/tiny/failures").is_empty(), "a kill from outside is no failure");
}

#[test]
#[cfg(unix)]
fn workers_stop_when_their_runner_is_killed_and_another_goes_on() {
    let folder = folder();
    let slow = SWEEP.replace("total_steps = 128", "total_steps = 4000");
    folder.write("tiny.toml", slow);
    let mut child = start(&folder, &["run", "tiny.toml"]);
    wait("a lease", || !folder.list("runs/tiny/leases").is_empty());
    assert!(kill(&child.id().to_string()));
    let _ = child.wait();
    wait("workers to stop", || folder.list("runs/tiny/leases").is_empty());
    let _ = folder.trueup(&["resume", "runs/tiny"]).ok();
    assert_eq!(done(&folder), 24);
}

#[test]
#[cfg(unix)]
fn two_runners_do_not_work_on_one_folder() {
    let folder = folder();
    folder.write("tiny.toml", SWEEP.replace("total_steps = 128", "total_steps = 40000"));
    let mut child = start(&folder, &["run", "tiny.toml"]);
    wait("a lease", || !folder.list("runs/tiny/leases").is_empty());
    let output = folder.trueup(&["resume", "runs/tiny"]);
    let status = folder.trueup(&["status", "runs/tiny"]).ok();
    kill(&format!("-{}", child.id()));
    let _ = child.wait();
    output.code(3).complains(&["another runner works on runs/tiny", "wait for it"]);
    assert!(status.out.contains("2 running") && status.out.contains("process "), "{}", status.out);
}

#[test]
#[cfg(unix)]
fn an_interrupt_stops_the_sweep_and_keeps_what_is_done() {
    let folder = folder();
    folder.write("tiny.toml", SWEEP.replace("total_steps = 128", "total_steps = 4000"));
    let child = folder.start(&["run", "tiny.toml"]);
    wait("a run that is done", || {
        folder.path("runs/tiny/plan.jsonl").exists() && done(&folder) > 0
    });
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("stopped: ") && text.contains("trueup resume runs/tiny"), "{text}");
    assert!(folder.list("runs/tiny/leases").is_empty());
    let before = done(&folder);
    assert!(before > 0 && before < 24, "{before}");
    let _ = folder.trueup(&["resume", "runs/tiny", "--jobs", "1"]).ok();
    assert_eq!(done(&folder), 24);
}

/// A worker that dies over a run is replaced; the run counts as failed, or is tried again.
#[test]
#[cfg(target_os = "linux")]
fn a_worker_that_dies_is_replaced() {
    for retries in [0, 1] {
        let folder = folder();
        let config = SWEEP.replace("total_steps = 128", "total_steps = 4000");
        folder.write("tiny.toml", format!("{config}retries = {retries}\n"));
        let child = folder.start(&["run", "tiny.toml"]);
        wait("a lease", || !folder.list("runs/tiny/leases").is_empty());
        let lease = folder.list("runs/tiny/leases").remove(0);
        let owner: Value =
            serde_json::from_str(&folder.read(&format!("runs/tiny/leases/{lease}"))).unwrap();
        assert!(kill(&owner["pid"].to_string()));
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains("FAILED") && text.contains("ended with signal 9"), "{text}");
        assert_eq!(done(&folder), 23 + retries);
        assert_eq!(output.status.code(), Some(1 - retries as i32), "{text}");
        if retries == 0 {
            let status = folder.trueup(&["status", "runs/tiny"]).ok();
            assert!(
                status.out.contains("1 failed") && status.out.contains("signal 9"),
                "{}",
                status.out
            );
            let _ = folder.trueup(&["resume", "runs/tiny", "--retry-failed"]).ok();
            assert_eq!(done(&folder), 24);
        }
    }
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

#[test]
fn a_folder_that_was_tampered_with_is_refused() {
    let folder = folder();
    let _ = folder.trueup(&["run", "tiny.toml", "--set", "sweep.seeds=1"]).ok();
    let plan = folder.read("runs/tiny/plan.jsonl");
    folder.write("runs/tiny/plan.jsonl", plan.replacen("\"format\":1", "\"format\":99", 1));
    let output = folder.trueup(&["resume", "runs/tiny"]);
    output.code(3).complains(&["format 99", "plan the sweep anew from sweep.toml"]);
    folder.write("runs/tiny/plan.jsonl", &plan);
    let config = folder.read("runs/tiny/sweep.toml");
    folder.write("runs/tiny/sweep.toml", config.replace("128", "129"));
    let output = folder.trueup(&["resume", "runs/tiny"]);
    output.code(3).complains(&["was changed since the sweep was planned", "trueup run"]);
    folder.write("runs/tiny/sweep.toml", &config);
    // A run directory that came from another trial.
    let runs = folder.list("runs/tiny/runs");
    let path = |trial: &str, file: &str| format!("runs/tiny/runs/{trial}/1/{file}");
    let strange = folder.read(&path(&runs[0], "config.toml"));
    folder.write(&path(&runs[1], "config.toml"), strange);
    let status = folder.read(&path(&runs[1], "status.json"));
    folder.write(&path(&runs[1], "status.json"), status.replace("\"done\"", "\"interrupted\""));
    let output = folder.trueup(&["resume", "runs/tiny"]);
    output.code(1).complains(&["the directory is of another sweep", "move the run directory away"]);
    let output = folder.trueup(&["resume", "."]);
    output.code(3).complains(&["cannot read"]);
    let provenance = folder.read("runs/tiny/provenance.json");
    let version =
        provenance.split("\"program_sha256\": \"").nth(1).unwrap().split('"').next().unwrap();
    folder.write("runs/tiny/provenance.json", provenance.replace(version, "0000"));
    let output = folder.trueup(&["resume", "runs/tiny"]);
    output.code(3).complains(&["another program planned this sweep", "--force"]);
}

#[test]
fn mistakes_in_a_sweep_are_shown_with_their_line() {
    let refuses = |from: &str, to: &str, words: &[&str]| {
        assert!(SWEEP.contains(from), "{from}");
        let folder = Folder::new();
        folder.write("tiny.toml", SWEEP.replace(from, to));
        for arguments in [["validate", "tiny.toml"], ["run", "tiny.toml"]] {
            folder.trueup(&arguments).code(3).complains(words);
        }
        assert_eq!(folder.list("."), ["tiny.toml"], "something was written");
    };
    refuses("seeds = 2", "sedes = 2", &["unknown key `sweep.sedes`", "did you mean `seeds`?"]);
    refuses("seeds = 2", "seeds = \"two\"", &["`sweep.seeds`", "a number of seeds"]);
    refuses("seeds = 2", "seeds = []", &["`sweep.seeds` is empty"]);
    refuses("seeds = 2", "seeds = [3, 3]", &["holds 3 twice"]);
    refuses("jobs = 2", "jobs = 0", &["`launch.jobs` is 0"]);
    refuses("jobs = 2", "job = 2", &["`launch.job`", "did you mean `jobs`?"]);
    refuses("jobs = 2", "kind = \"slrum\"", &["unknown launcher `slrum`"]);
    refuses("[0.9, 0.95, 0.99]", "[]", &["task.update.gamma", "tiny.toml:20"]);
    refuses("kind = \"grid\"", "kind = \"zip\"", &["tiny.toml", "3"]);
    refuses("kind = \"grid\"", "kind = \"gird\"", &["did you mean `grid`?"]);
    refuses("\"task.update.gamma\" =", "\"seed\" =", &["seed"]);
    refuses(
        "\"task.update.gamma\" =",
        "\"task.update.gama\" =",
        &["`gama`", "did you mean `gamma`?", "in the trial"],
    );
    refuses("0.95, 0.99]", "0.95, 1.5]", &["gamma", "1.5", "in the trial"]);
    refuses(
        "[0.9, 0.95, 0.99]",
        "{ values = [0.9, 0.95], when = { \"task.update.clap\" = 1 } }",
        &["task.update.clap", "tiny.toml:20"],
    );
    refuses("seeds = 2", "seeds = 2\nobjective = \"mean_exces\"", &["did you mean `mean_excess`?"]);
}

#[test]
fn a_config_builds_on_others_and_errors_name_the_file() {
    let folder = folder();
    std::fs::create_dir(folder.path("shared")).unwrap();
    let (base, sweep) = SWEEP.split_once("[sweep]").unwrap();
    folder.write("shared/base.toml", base);
    folder
        .write("top.toml", format!("base = \"shared/base.toml\"\nname = \"top\"\n[sweep]{sweep}"));
    let output = folder.trueup(&["plan", "top.toml"]).ok();
    assert!(output.out.starts_with("top: 12 trials"), "{}", output.out);
    folder.write("shared/base.toml", base.replace("gamma", "gama"));
    let output = folder.trueup(&["plan", "top.toml"]);
    output.code(3).complains(&["shared/base.toml:7", "did you mean `gamma`?"]);
    folder.write("shared/base.toml", format!("base = \"../top.toml\"\n{base}"));
    folder.trueup(&["plan", "top.toml"]).code(3).complains(&["builds on itself"]);
    folder.write("top.toml", "base = \"gone.toml\"\n");
    folder.trueup(&["run", "top.toml"]).code(3).complains(&["cannot read gone.toml", "base file"]);
    folder.write("top.toml", "base = 3\n");
    folder.trueup(&["run", "top.toml"]).code(3).complains(&["the path of a config"]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_stops_the_sweep_and_nothing_is_lost() {
    let folder = folder();
    std::fs::create_dir(folder.path("small")).unwrap();
    let small = folder.path("small");
    let mount = |options: &str| {
        Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(&small)
            .output()
            .is_ok_and(|output| output.status.success())
    };
    if !mount("size=900k") {
        return skip("a small disk cannot be mounted here");
    }
    let output = folder.trueup(&["run", "tiny.toml", "--out", "small"]);
    let grown = mount("remount,size=64m");
    let again = folder.trueup(&["resume", "small/tiny", "--retry-failed"]);
    let summary = std::fs::read_to_string(folder.path("small/tiny/summary.json"));
    assert!(Command::new("umount").arg(&small).status().unwrap().success());
    output.code(1).complains(&["cannot write", "free some space"]);
    if grown {
        let _ = again.ok();
        assert_eq!(summary.unwrap(), undisturbed());
    }
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
            let run = run.replace("/1", &format!("/{seed}"));
            let text = folder.read(&format!("{run}/series.json"));
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
