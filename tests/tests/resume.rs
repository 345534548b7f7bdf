//! Runs that are killed and gone on with: they end as if they had never stopped.

// All of this is test code: what fails here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(unix)]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use trueup_tests::data::{CONFIG, TASK, purchases};
use trueup_tests::{Folder, Output};

/// Waits for a file.
fn wait_for(path: &Path) {
    let started = Instant::now();
    while !path.exists() {
        assert!(started.elapsed() < Duration::from_secs(300), "no {}", path.display());
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Starts a run, and stops it as soon as a file is there: the run has to last for seconds after that.
fn stop(folder: &Folder, arguments: &[&str], file: &str, signal: Signal) -> Output {
    let mut child = folder.start(arguments);
    wait_for(&folder.path(file));
    match signal {
        Signal::Kill => child.kill().unwrap(),
        Signal::Interrupt => {
            let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
            assert!(sent.unwrap().success());
        }
    }
    let output = child.wait_with_output().unwrap();
    assert!(!output.status.success(), "it ended before it could be stopped");
    Output {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

enum Signal {
    Kill,
    Interrupt,
}

fn checkpoint(run: &str, name: &str, iteration: usize) -> String {
    format!("{run}/checkpoints/{name}/checkpoint-{iteration:08}.safetensors")
}

/// Seconds, and what is computed from them, are all that may differ between two runs.
fn summary(folder: &Folder, run: &str) -> Value {
    let mut summary: Value =
        serde_json::from_str(&folder.read(&format!("{run}/summary.json"))).unwrap();
    assert!(summary.as_object_mut().unwrap().remove("seconds").is_some());
    for seed in summary["seeds"].as_array_mut().into_iter().flatten() {
        for field in ["seconds", "steps_per_second"] {
            assert!(seed.as_object_mut().unwrap().remove(field).is_some());
        }
    }
    summary
}

/// Iterations in `metrics.jsonl` of one curve, in the order of the file.
fn iterations(folder: &Folder, run: &str, seed: Option<u64>) -> Vec<u64> {
    let text = folder.read(&format!("{run}/metrics.jsonl"));
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let own = lines.filter(|m| m["calibrator"] == "ppo" && m["seed"].as_u64() == seed);
    own.map(|m| m["iteration"].as_u64().unwrap()).collect()
}

fn bytes(folder: &Folder, file: &str) -> Vec<u8> {
    std::fs::read(folder.path(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
}

/// A small run on users whose PPO takes some seconds.
fn users() -> Folder {
    let folder = Folder::new();
    folder.write("log.csv", purchases(240, 1));
    let ppo = "iterations = 120\ncheckpoint_every = 5\njudge_every = 3\n";
    folder.write("tiny.toml", CONFIG.replace("iterations = 2\n", ppo));
    folder
}

/// A training whose seeds take some seconds each.
fn task() -> String {
    TASK.replace("12_000", "60_000")
}

fn same_users(folder: &Folder, run: &str, wanted: &str) {
    assert_eq!(summary(folder, run), summary(folder, wanted), "{run}");
    let logs = folder.list(&format!("{wanted}/logs"));
    // Events and users of four calibrators and two seeds, and the clock.
    assert_eq!(logs.len(), 17);
    let logs = logs.iter().map(|name| format!("logs/{name}"));
    for file in logs.chain(["policies/ppo/policy.safetensors".into()]) {
        let [found, wanted] = [run, wanted].map(|run| bytes(folder, &format!("{run}/{file}")));
        assert!(found == wanted, "{run}/{file}");
    }
    assert_eq!(iterations(folder, run, None), (1..=120).collect::<Vec<_>>());
}

#[test]
fn a_killed_run_on_users_goes_on_to_the_same_bytes() {
    let folder = users();
    let _ = folder.trueup(&["run", "tiny.toml", "--out", "whole", "--threads", "2"]).ok();
    for (threads, out) in [("1", "one"), ("2", "two")] {
        let run = format!("{out}/tiny-7");
        let arguments = ["run", "tiny.toml", "--out", out, "--threads", threads];
        let _ = stop(&folder, &arguments, &checkpoint(&run, "ppo", 10), Signal::Kill);
        // A kill may tear the last line.
        let metrics = folder.path(&format!("{run}/metrics.jsonl"));
        let mut torn = std::fs::read(&metrics).unwrap();
        torn.extend(b"{\"calibrator\":\"pp");
        std::fs::write(&metrics, torn).unwrap();
        let output = folder.trueup(&["resume", &run, "--threads", threads]).ok();
        for word in ["keeping bgnbd", "calibrating ppo", "ppo: going on after iteration "] {
            assert!(output.err.contains(word), "no {word:?} in\n{}", output.err);
        }
        assert!(output.out.contains("Report: "), "{}", output.out);
        same_users(&folder, &run, "whole/tiny-7");
    }
}

#[test]
fn a_killed_run_on_a_task_goes_on_to_the_same_bytes() {
    let folder = Folder::new();
    folder.write("cart.toml", task());
    let _ = folder.trueup(&["run", "cart.toml", "--out", "whole", "--threads", "2"]).ok();
    for (threads, out) in [("1", "one"), ("2", "two")] {
        let run = format!("{out}/cart-1");
        let arguments = ["run", "cart.toml", "--out", out, "--threads", threads];
        let _ = stop(&folder, &arguments, &checkpoint(&run, "seed-2", 20), Signal::Kill);
        let output = folder.trueup(&["resume", &run, "--threads", threads]).ok();
        for word in ["keeping seed 1", "seed-2: going on after iteration "] {
            assert!(output.err.contains(word), "no {word:?} in\n{}", output.err);
        }
        assert_eq!(summary(&folder, &run), summary(&folder, "whole/cart-1"), "{run}");
        for seed in [1, 2] {
            let file = format!("cart-1/policies/seed-{seed}/policy.safetensors");
            let [found, wanted] =
                [out, "whole"].map(|out| bytes(&folder, &format!("{out}/{file}")));
            assert!(found == wanted, "{out}/{file}");
            assert_eq!(iterations(&folder, &run, Some(seed)), (1..=235).collect::<Vec<_>>());
        }
        assert!(folder.path(&format!("{run}/report.html")).is_file());
        assert!(folder.path(&format!("{run}/provenance-resumed-1.json")).is_file());
    }
}

#[test]
fn a_damaged_checkpoint_is_passed_over_for_the_one_before_it() {
    let folder = Folder::new();
    folder.write("cart.toml", task().replace("[1, 2]", "[1]"));
    let _ = folder.trueup(&["run", "cart.toml", "--out", "whole"]).ok();
    let run = "runs/cart-1";
    let _ = stop(&folder, &["run", "cart.toml"], &checkpoint(run, "seed-1", 20), Signal::Interrupt);
    let names = folder.list(&format!("{run}/checkpoints/seed-1"));
    let [older, newest] =
        [0, 1].map(|i| folder.path(&format!("{run}/checkpoints/seed-1/{}", names[i])));
    let mut content = std::fs::read(&newest).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 1;
    std::fs::write(&newest, content).unwrap();
    let output = folder.trueup(&["resume", run]).ok();
    let older = older.file_stem().unwrap().to_str().unwrap().trim_start_matches("checkpoint-");
    let older = format!("going on after iteration {}", older.trim_start_matches('0'));
    for word in [&names[1], "is damaged", "trying the one before it", &older] {
        assert!(output.err.contains(word), "no {word:?} in\n{}", output.err);
    }
    assert_eq!(summary(&folder, run), summary(&folder, "whole/cart-1"));
    assert_eq!(iterations(&folder, run, Some(1)), (1..=235).collect::<Vec<_>>());
}

#[test]
fn an_interrupt_tells_how_to_go_on_and_what_has_changed_since_is_refused() {
    let folder = users();
    let run = "runs/tiny-7";
    let file = checkpoint(run, "ppo", 5);
    let output = stop(&folder, &["run", "tiny.toml"], &file, Signal::Interrupt).code(1);
    output.complains(&["interrupted; what was finished is in", "trueup resume runs/tiny-7"]);

    let refused = |words: &[&str]| folder.trueup(&["resume", run]).code(3).complains(words);
    let config = folder.read(&format!("{run}/config.toml"));
    folder.write(&format!("{run}/config.toml"), config.replace("seed = 7", "seed = 8"));
    refused(&["config.toml was changed since the run began", "SHA-256", "start a run"]);
    folder.write(&format!("{run}/config.toml"), config);

    folder.write("log.csv", purchases(240, 2));
    refused(&["the data were changed since the run began", "log.csv has SHA-256"]);
    folder.write("log.csv", purchases(240, 1));

    let origin = folder.read(&format!("{run}/provenance.json"));
    let mut other: Value = serde_json::from_str(&origin).unwrap();
    other["version"] = "0.0.9".into();
    folder.write(&format!("{run}/provenance.json"), other.to_string());
    refused(&["another program began this run", "version 0.0.9 then", "--force"]);
    let _ = folder.trueup(&["resume", run, "--force"]).ok();
    assert_eq!(iterations(&folder, run, None), (1..=120).collect::<Vec<_>>());

    let done = folder.trueup(&["resume", run]).ok();
    assert!(done.out.contains("is done"), "{}", done.out);
    folder.trueup(&["resume", "nowhere"]).code(3).complains(&["nowhere", "trueup runs ls"]);
}

#[test]
fn a_run_that_is_under_way_is_left_alone() {
    let folder = Folder::new();
    folder.write("log.csv", purchases(240, 1));
    folder.write("long.toml", CONFIG.replace("iterations = 2", "iterations = 100000"));
    let mut child = folder.start(&["run", "long.toml"]);
    wait_for(&folder.path("runs/tiny-7/config.toml"));
    let output = folder.trueup(&["resume", "runs/tiny-7"]);
    child.kill().unwrap();
    child.wait().unwrap();
    output.code(3).complains(&["being written by another process", "wait for it"]);
}
