//! What commands say of folders: those of runs and sweeps, those that are neither, and those that
//! cannot be written.

// All of this is test code: what fails here fails a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;

use trueup_tests::{Folder, skip};

/// Training on a task for a moment: 2 trials.
const SWEEP: &str = concat!(
    trueup_tests::tiny_task!("128"),
    r#"[sweep]
seeds = 1
[[sweep.groups]]
kind = "grid"
[sweep.groups.axes]
"task.update.learning_rate" = [1e-4, 1e-3]
"#
);

fn swept() -> Folder {
    let folder = Folder::new();
    folder.write("tiny.toml", SWEEP);
    let output = folder.trueup(&["run", "tiny.toml"]).ok();
    assert!(output.out.contains("Report: runs/tiny/report.html"), "{}", output.out);
    assert!(folder.path("runs/tiny/report.html").is_file());
    folder
}

#[test]
fn a_folder_that_is_neither_run_nor_sweep_is_told_from_both() {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path("runs/empty")).unwrap();
    std::fs::create_dir_all(folder.path("runs/a-1")).unwrap();
    folder.write("runs/a-1/status.json", "{}").write("file", "");
    let commands: [&[&str]; 7] = [
        &["resume"],
        &["status"],
        &["report"],
        &["conclude"],
        &["cancel"],
        &["export", "--to", "csv"],
        &["export", "--to", "mlflow", "--uri", "http://127.0.0.1:9"],
    ];
    for command in commands {
        let on = |place: &str| folder.trueup(&[command, &[place]].concat()).code(3);
        on("runs/empty").complains(&["runs/empty is neither a run nor a sweep"]);
        on("runs/empty").complains(&["status.json", "plan.jsonl", "trueup runs ls"]);
        on("runs").complains(&["neither a run nor a sweep", "one inside: runs/a-1"]);
        on("gone").complains(&["there is no folder gone"]);
        on("file").complains(&["file is a file"]);
    }
    for command in ["conclude", "cancel"] {
        folder.trueup(&[command, "runs/a-1"]).code(3).complains(&["is a run, and not a sweep"]);
    }
}

#[test]
fn a_report_is_drawn_again_without_pictures_of_an_earlier_one() {
    let folder = swept();
    let drawn = folder.list("runs/tiny/plots");
    folder.write("runs/tiny/plots/of-another-sweep.svg", "").write("runs/tiny/plots/mine.txt", "");
    let output = folder.trueup(&["report", "runs/tiny"]).ok();
    assert_eq!(output.out, "Report: runs/tiny/report.html\n");
    let mut wanted = drawn.clone();
    wanted.push("mine.txt".to_owned());
    wanted.sort();
    assert_eq!(folder.list("runs/tiny/plots"), wanted);
    assert!(drawn.iter().any(|name| name.ends_with(".svg")), "{drawn:?}");
}

#[test]
fn a_summary_is_written_where_its_report_cannot_be() {
    let folder = swept();
    let summary = folder.read("runs/tiny/summary.json");
    std::fs::remove_file(folder.path("runs/tiny/summary.json")).unwrap();
    std::fs::remove_dir_all(folder.path("runs/tiny/plots")).unwrap();
    folder.write("runs/tiny/plots", "in the way");
    let output = folder.trueup(&["conclude", "runs/tiny"]).ok();
    assert!(output.out.contains("Summary: runs/tiny/summary.json"), "{}", output.out);
    assert!(!output.out.contains("Report:"), "{}", output.out);
    output.complains(&["warning: no report", "plots", "trueup report runs/tiny"]);
    assert_eq!(folder.read("runs/tiny/summary.json"), summary);
    // The same at the end of a sweep.
    let again = folder.trueup(&["resume", "runs/tiny"]).ok();
    again.complains(&["warning: no report"]);
    // Asked for by itself, it is a failure.
    folder.trueup(&["report", "runs/tiny"]).code(1).complains(&["plots", "in the way"]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_sweep_where_nothing_may_be_written_names_the_folder() {
    let folder = swept();
    folder.write("file", "");
    let output = folder.trueup(&["run", "tiny.toml", "--out", "file/runs"]);
    output.code(1).complains(&["cannot write", "file/runs", "choose another --out"]);
    let runs = folder.path("runs");
    let mount = |arguments: &[&str]| {
        let done = Command::new("mount").args(arguments).arg(&runs).output();
        done.is_ok_and(|output| output.status.success())
    };
    let path = runs.to_str().unwrap().to_owned();
    if !mount(&["--bind", &path]) {
        return skip("a folder cannot be mounted here");
    }
    let closed = mount(&["-o", "remount,ro,bind"]);
    let commands: [&[&str]; 5] = [
        &["run", "tiny.toml"],
        &["resume", "runs/tiny"],
        &["conclude", "runs/tiny"],
        &["report", "runs/tiny"],
        &["export", "runs/tiny", "--to", "latex"],
    ];
    let outputs = commands.map(|arguments| folder.trueup(arguments));
    let status = folder.trueup(&["status", "runs/tiny"]);
    assert!(Command::new("umount").arg(&runs).status().unwrap().success());
    if !closed {
        return skip("a folder cannot be made read-only here");
    }
    for output in outputs {
        output.code(1).complains(&["cannot write", "runs/tiny", "make it writable"]);
    }
    assert_eq!(status.ok().out, "tiny: 2 of 2 done\n");
}
