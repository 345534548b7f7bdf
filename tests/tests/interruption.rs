//! Runs that do not come to their end: killed, interrupted, out of disk, not allowed to write.

// All of this is test code: what fails here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use trueup_tests::data::{CONFIG, purchases};
use trueup_tests::{Folder, skip};

/// A run that takes minutes unless it is stopped.
fn long() -> Folder {
    let folder = Folder::new();
    folder.write("log.csv", purchases(240, 1));
    folder.write("long.toml", CONFIG.replace("iterations = 2", "iterations = 100000"));
    folder
}

/// Waits until the run has written an iteration.
fn wait_for_iterations(folder: &Folder) {
    let started = Instant::now();
    let metrics = folder.path("runs/tiny-7/metrics.jsonl");
    while !std::fs::read_to_string(&metrics).is_ok_and(|text| text.lines().count() >= 2) {
        assert!(started.elapsed() < Duration::from_secs(300), "the run did not begin");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn state(folder: &Folder) -> Value {
    serde_json::from_str::<Value>(&folder.read("runs/tiny-7/status.json")).unwrap()["state"].clone()
}

#[test]
#[cfg(unix)]
fn kill_leaves_a_directory_that_reads_interrupted() {
    let folder = long();
    let mut child = folder.start(&["run", "long.toml"]);
    wait_for_iterations(&folder);
    assert_eq!(state(&folder), "running");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_ne!(state(&folder), "done");
    let output = folder.trueup(&["report", "runs/tiny-7"]);
    output.code(3).complains(&["the run is interrupted", "summary.json"]);
    assert!(!folder.path("runs/tiny-7/summary.json").exists());
}

#[test]
#[cfg(unix)]
fn an_interrupt_stops_after_the_iteration_and_keeps_what_there_is() {
    let folder = long();
    let child = folder.start(&["run", "long.toml"]);
    wait_for_iterations(&folder);
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("interrupted; what was finished is in"), "{text}");
    assert_eq!(state(&folder), "interrupted");
    let logs = folder.list("runs/tiny-7/logs");
    let logs = logs.iter().filter(|name| name.ends_with(".csv") && !name.ends_with(".users.csv"));
    assert_eq!(logs.count(), 6, "three calibrators had finished");
    for line in folder.read("runs/tiny-7/metrics.jsonl").lines() {
        serde_json::from_str::<Value>(line).unwrap();
    }
    folder.trueup(&["report", "runs/tiny-7"]).code(3).complains(&["the run is interrupted"]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_fails_the_run_with_the_path_and_a_remedy() {
    let folder = Folder::new();
    folder.write("log.csv", purchases(240, 1)).write("tiny.toml", CONFIG);
    std::fs::create_dir(folder.path("small")).unwrap();
    let small = folder.path("small");
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
        .arg(&small)
        .output()
        .is_ok_and(|output| output.status.success());
    if !mounted {
        return skip("a small disk cannot be mounted here");
    }
    let output = folder.trueup(&["run", "tiny.toml", "--out", "small"]);
    let names = folder.list("small/tiny-7");
    let status = std::fs::read_to_string(folder.path("small/tiny-7/status.json"));
    let done = status.is_ok_and(|text| text.contains("done"));
    let unmounted = Command::new("umount").arg(&small).status().unwrap();
    assert!(unmounted.success());
    output.code(1).complains(&["cannot write", "small/tiny-7", "free some space"]);
    assert!(!done);
    assert!(!names.iter().any(|name| name == "report.html"), "{names:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_folder_that_may_not_be_written_is_named() {
    let folder = Folder::new();
    folder.write("log.csv", purchases(240, 1)).write("tiny.toml", CONFIG);
    // Not even the superuser makes folders in /proc; a file in the way stops everyone.
    folder.write("file", "");
    let output = folder.trueup(&["run", "tiny.toml", "--out", "file/runs"]);
    output.code(1).complains(&["cannot write", "file", "choose another --out"]);
    std::fs::create_dir(folder.path("closed")).unwrap();
    let closed = folder.path("closed");
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "ro", "tmpfs"])
        .arg(&closed)
        .output()
        .is_ok_and(|output| output.status.success());
    if !mounted {
        return skip("a read-only disk cannot be mounted here");
    }
    let output = folder.trueup(&["run", "tiny.toml", "--out", "closed"]);
    assert!(Command::new("umount").arg(&closed).status().unwrap().success());
    output.code(1).complains(&["cannot write", "closed", "that you may write to"]);
}
