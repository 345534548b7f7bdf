//! A small sweep in a folder of its own, and what befalls it.

#![allow(dead_code, clippy::unwrap_used)] // Not every test file uses everything.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use trueup_tests::Folder;

/// Training on a task for a moment: 12 trials of 2 seeds.
pub const SWEEP: &str = concat!(
    trueup_tests::tiny_task!("128"),
    r#"
[sweep]
seeds = 2
[[sweep.groups]]
kind = "grid"
[sweep.groups.axes]
"task.update.learning_rate" = { low = 1e-4, high = 1e-2, scale = "log", points = 4 }
"task.update.gamma" = [0.9, 0.95, 0.99]

[launch]
jobs = 2
"#
);

/// A folder with the config.
pub fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("tiny.toml", SWEEP);
    folder
}

/// Starts a command in a process group of its own, so that all of it can be killed.
#[cfg(unix)]
pub fn start(folder: &Folder, arguments: &[&str]) -> Child {
    use std::os::unix::process::CommandExt;
    let mut command = folder.command(arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).spawn().unwrap()
}

/// Kills a process, or with a leading `-` a group of them; whether there was one.
#[cfg(unix)]
pub fn kill(target: &str) -> bool {
    Command::new("kill")
        .args(["-9", "--", target])
        .stderr(Stdio::null())
        .status()
        .unwrap()
        .success()
}

/// Runs of the sweep that are done.
pub fn done(folder: &Folder) -> u64 {
    folder.trueup(&["status", "runs/tiny", "--json"]).ok().json()["counts"]["done"]
        .as_u64()
        .unwrap()
}

/// Waits until something holds.
pub fn wait(what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(120), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The summary of a sweep that nothing disturbed.
pub fn undisturbed() -> String {
    let folder = folder();
    let output = folder.trueup(&["run", "tiny.toml"]).ok();
    assert!(output.out.contains("tiny: 12 trials, best first"), "{}", output.out);
    assert!(output.err.contains("24/24 done"), "{}", output.err);
    folder.read("runs/tiny/summary.json")
}
