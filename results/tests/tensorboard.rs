//! TensorBoard's own reader reads what was written.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers of tests are not seen as tests.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use trueup_results::metrics::ENV_STEPS;
use trueup_results::{Metric, RunDirectory};

/// What the reader says of a folder; none where Python's TensorBoard is not installed.
fn read(folder: &Path) -> Option<serde_json::Value> {
    let import = ["-c", "import tensorboard.backend.event_processing.plugin_event_multiplexer"];
    let there = Command::new("python3").args(import).output().is_ok_and(|o| o.status.success());
    if !there {
        println!("skipped: python3 has no tensorboard");
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/read_tensorboard.py");
    let out = Command::new("python3").arg(script).arg(folder).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    Some(serde_json::from_slice(&out.stdout).unwrap())
}

fn metric(iteration: u64, kl: f64) -> Metric {
    let steps = iteration as f64 * 2048.0;
    let values = [("approximate_kl", kl), ("손실", -1e300), (ENV_STEPS, steps)];
    Metric {
        calibrator: "강화 학습".into(),
        seed: Some(3),
        iteration,
        total: 9,
        values: BTreeMap::from(values.map(|(name, value)| (name.to_owned(), value))),
    }
}

/// The event files of a curve, oldest first.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files
}

fn points(answer: &serde_json::Value, run: &str, tag: &str) -> Vec<(i64, f64)> {
    let list = answer[run]["tags"][tag].as_array();
    let list = list.unwrap_or_else(|| panic!("no {tag} of {run} in {answer}"));
    list.iter().map(|p| (p[0].as_i64().unwrap(), p[1].as_f64().unwrap())).collect()
}

#[test]
fn tensorboard_reads_what_a_run_appends_and_goes_on_after_a_crash() {
    let root = tempfile::tempdir().unwrap();
    let run = RunDirectory::create(root.path(), "events", 1).unwrap();
    let mut metrics = run.metrics().unwrap();
    for iteration in 1..=4 {
        metrics.append(&metric(iteration, 0.25 * iteration as f64)).unwrap();
    }
    let unstepped = BTreeMap::from([("discrepancy".to_owned(), 0.5)]);
    let other =
        Metric { calibrator: "gail".into(), seed: None, values: unstepped, ..metric(7, 0.0) };
    metrics.append(&other).unwrap();
    let folder = run.path().join("tensorboard");
    let curve = "강화-학습-seed-3";
    let Some(answer) = read(&folder) else { return };
    let wanted = [(2048, 0.25), (4096, 0.5), (6144, 0.75), (8192, 1.0)];
    assert_eq!(points(&answer, curve, "approximate_kl"), wanted);
    assert_eq!(points(&answer, curve, "손실")[0], (2048, f64::from(f32::MIN)));
    assert_eq!(points(&answer, curve, ENV_STEPS)[3], (8192, 8192.0));
    assert_eq!(points(&answer, "gail", "discrepancy"), [(7, 0.5)]);

    // A crash tears the last record; the run goes on from the checkpoint after iteration 2, in a
    // file that is younger.
    let first = files(&folder.join(curve))[0].clone();
    let length = fs::metadata(&first).unwrap().len();
    File::options().write(true).open(&first).unwrap().set_len(length - 5).unwrap();
    let name = first.file_name().unwrap().to_str().unwrap();
    let seconds: u64 = name.split('.').nth(3).unwrap().parse().unwrap();
    let older = name.replace(&seconds.to_string(), &(seconds - 60).to_string());
    fs::rename(&first, first.with_file_name(older)).unwrap();
    let mut metrics = run.metrics().unwrap();
    metrics.append(&metric(3, 0.875)).unwrap();
    let answer = read(&folder).unwrap();
    let wanted = [(2048, 0.25), (4096, 0.5), (6144, 0.875)];
    assert_eq!(points(&answer, curve, "approximate_kl"), wanted);
    // Version, start of the session, and lines: the fourth is torn.
    let records: Vec<_> = answer[curve]["records"].as_object().unwrap().values().collect();
    assert_eq!(records, [&serde_json::json!(5), &serde_json::json!(3)]);
}

#[test]
fn the_reader_refuses_a_byte_that_was_changed() {
    let root = tempfile::tempdir().unwrap();
    let run = RunDirectory::create(root.path(), "events", 1).unwrap();
    run.metrics().unwrap().append(&metric(1, 0.5)).unwrap();
    let folder = run.path().join("tensorboard");
    let Some(answer) = read(&folder) else { return };
    let count = |answer: &serde_json::Value| {
        let records = answer["강화-학습-seed-3"]["records"].as_object().unwrap().clone();
        records.values().next().unwrap().as_u64().unwrap()
    };
    assert_eq!(count(&answer), 3);
    let path = files(&folder.join("강화-학습-seed-3"))[0].clone();
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 8;
    bytes[last] ^= 1;
    fs::write(&path, bytes).unwrap();
    // The checks are read, so that the test above can fail by them.
    assert_eq!(count(&read(&folder).unwrap()), 2);
}
