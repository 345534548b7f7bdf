//! Sweeps that are killed, interrupted, or run out of disk: another process goes on, and nothing is lost.

// All of this is test code: what fails here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod tiny;

use std::io::{BufRead, BufReader};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tiny::{SWEEP, done, folder, kill, start, undisturbed, wait};
use trueup_tests::skip;

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
        let wait = (draw >> 33) % 300;
        println!("kill {killed} after {wait} ms");
        std::thread::sleep(Duration::from_millis(wait));
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

/// Whoever resumes at once meets workers of the killed runner that have yet to stop.
#[test]
#[cfg(target_os = "linux")]
fn what_a_killed_runner_left_is_waited_for() {
    let folder = folder();
    let two = SWEEP
        .replace("points = 4", "points = 2")
        .replace("[0.9, 0.95, 0.99]", "[0.99]")
        .replace("seeds = 2", "seeds = 1")
        .replace("total_steps = 128", "total_steps = 20000");
    folder.write("tiny.toml", two);
    // In the group of this test: the system hangs up on stopped processes of a group without parents.
    let mut runner = folder.start(&["run", "tiny.toml"]);
    wait("two leases", || folder.list("runs/tiny/leases").len() == 2);
    // Workers that take their time to stop.
    let send = |signal: &str, pid: &Value| {
        let sent = Command::new("kill").args([signal, &pid.to_string()]).status().unwrap();
        assert!(sent.success());
    };
    let owner = |lease: String| -> Value {
        serde_json::from_str(&folder.read(&format!("runs/tiny/leases/{lease}"))).unwrap()
    };
    let leases = folder.list("runs/tiny/leases").into_iter();
    let workers: Vec<Value> = leases.map(|lease| owner(lease)["pid"].clone()).collect();
    workers.iter().for_each(|pid| send("-STOP", pid));
    assert!(kill(&runner.id().to_string()));
    let _ = runner.wait();
    let mut resumed = folder.start(&["resume", "runs/tiny"]);
    let lines = BufReader::new(resumed.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut told = Vec::new();
    for line in lines {
        if line.contains("waiting for what an earlier runner left") {
            workers.iter().for_each(|pid| send("-CONT", pid));
        }
        told.push(line);
    }
    assert!(resumed.wait().unwrap().success(), "{told:?}");
    assert!(told.iter().any(|line| line.contains("waiting for what")), "{told:?}");
    assert_eq!(done(&folder), 2);
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
        // A run has begun once it has a log.
        let begun = || {
            let leases = folder.list("runs/tiny/leases");
            leases.into_iter().find(|lease| {
                let (trial, seed) = lease.split_once('-').unwrap();
                let log = format!("{trial}/{}.log", seed.split('.').next().unwrap());
                folder.path("runs/tiny/runs").join(log).exists()
            })
        };
        wait("a run", || begun().is_some());
        let lease = begun().unwrap();
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
