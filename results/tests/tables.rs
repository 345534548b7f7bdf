//! Tables of a sweep, read back by the crate that wrote them and by other programs.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers of tests are not seen as tests.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use serde_json::{Value, json};
use trueup_calibration::panel::{CalibratorPanel, PanelRow, Verdict};
use trueup_results::sweep::{RunId, SweepSummary, failures};
use trueup_results::tables::{self, Format, RunRecord};
use trueup_results::{Metric, RunDirectory, State, Summary};

const FILES: [&str; 4] = ["calibrators", "curves", "metrics", "runs"];

/// A table as JSON, as the crate reads it.
fn read(path: &Path) -> Value {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let schema = reader.metadata().file_metadata().schema_descr();
    let columns: Vec<_> = schema.columns().iter().map(|c| c.name().to_owned()).collect();
    let cell = |field: &Field| match field {
        Field::Null => Value::Null,
        Field::Bool(flag) => json!(flag),
        Field::ULong(count) => json!(count),
        Field::Double(value) => json!(value),
        Field::Str(text) => json!(text),
        other => panic!("{other:?}"),
    };
    let row = |row: parquet::record::Row| row.get_column_iter().map(|(_, f)| cell(f)).collect();
    let rows: Vec<Value> = reader.into_iter().map(|r| row(r.unwrap())).collect();
    json!({ "columns": columns, "rows": rows })
}

/// A column of a table.
fn column(table: &Value, name: &str) -> Vec<Value> {
    let columns = table["columns"].as_array().unwrap();
    let place = columns.iter().position(|column| column == name).unwrap();
    table["rows"].as_array().unwrap().iter().map(|row| row[place].clone()).collect()
}

fn row(feature: &str, value: f64) -> PanelRow {
    PanelRow {
        feature: feature.into(),
        level: "event".into(),
        discrepancy: "wasserstein-1".into(),
        unit: "log".into(),
        value,
        ci: [value - 0.125, value + 0.125],
        floor: 0.0625,
        floor_ci: [0.03125, 0.09375],
        before: None,
        gap_closed: Some(0.1 + 0.2),
        optimised: true,
        feature_rewarded: false,
        verdict: Some(Verdict::AtFloor),
        effect: None,
        p: Some(1e-300),
        q: None,
        users_needed: Some(1200),
        floor_known: true,
        concentrated: false,
    }
}

fn panel(name: &str, gap_closed: f64) -> CalibratorPanel {
    CalibratorPanel {
        name: name.into(),
        gap_closed: Some(gap_closed),
        gap_closed_ci: Some([gap_closed - 0.25, gap_closed + 0.25]),
        mean_excess: Some(0.25),
        c2st_auc: Some(0.5625),
        c2st_auc_floor: Some(0.5),
        panel: vec![row("거래 금액", 0.5), row("gap", 0.25)],
        ..CalibratorPanel::default()
    }
}

fn run(sweep: &Path, trial: &str, seed: u64, gap_closed: f64) {
    let run = RunDirectory::create_at(&sweep.join("runs").join(trial).join(seed.to_string()));
    let run = run.unwrap();
    let mut metrics = run.metrics().unwrap();
    for iteration in [1, 2] {
        let values = [("discrepancy", 1.0 / iteration as f64), ("env_steps", 100.0)];
        let values = BTreeMap::from(values.map(|(name, value)| (name.to_owned(), value)));
        let calibrator = "ppo".to_owned();
        metrics.append(&Metric { calibrator, seed: None, iteration, total: 2, values }).unwrap();
    }
    let summary = Summary {
        name: "강화".into(),
        seed,
        dataset: "builtin:cdnow".into(),
        env_steps: 1 << 53,
        seconds: 1.5,
        calibrators: vec![panel("scaling", 0.0), panel("ppo", gap_closed)],
        ..Summary::default()
    };
    run.write_json("summary.json", &summary).unwrap();
    run.finish(State::Done, None).unwrap();
}

/// Two trials; of one a seed is broken and another never came to a summary.
fn sweep(folder: &Path) {
    let value = |path: &str, label: &str| json!({ "path": path, "value": label, "label": label });
    let objective = json!({ "calibrator": "ppo", "metric": "gap_closed", "direction": "maximize" });
    let header = json!({
        "format": 1, "version": "0.1.0", "name": "demo", "config_sha256": "",
        "seeds": [9, 10, 3, 4, u64::MAX], "objective": objective, "axes": [],
    });
    let lines = [
        header,
        json!({ "trial": "b2", "index": 0, "values": [value("reward.kind", "witness")] }),
        json!({ "trial": "a1", "index": 1, "values": [value("name", "other")] }),
        json!({ "trial": "c3", "index": 2, "values": [] }),
    ];
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(folder.join("plan.jsonl"), text).unwrap();
    run(folder, "b2", 10, 0.75);
    run(folder, "b2", 9, 0.5);
    run(folder, "a1", u64::MAX, 0.25);
    let failed = RunDirectory::create_at(&folder.join("runs/a1/3")).unwrap();
    failed.finish(State::Failed, Some("no data")).unwrap();
    fs::create_dir_all(folder.join("runs/a1/4")).unwrap();
    fs::create_dir_all(folder.join("runs/a1/notes")).unwrap();
}

#[test]
fn a_sweep_is_read_back() {
    let root = tempfile::tempdir().unwrap();
    sweep(root.path());
    let folder = tables::write_sweep(root.path()).unwrap();
    let [calibrators, curves, metrics, runs] =
        FILES.map(|name| read(&folder.join(format!("{name}.parquet"))));
    assert_eq!(column(&runs, "trial"), ["a1", "a1", "a1", "b2", "b2"]);
    let seeds = [json!(3), json!(4), json!(u64::MAX), json!(9), json!(10)];
    assert_eq!(column(&runs, "seed"), seeds);
    assert_eq!(column(&runs, "state"), ["failed", "waiting", "done", "done", "done"]);
    let objective = [Value::Null, Value::Null, json!(0.25), json!(0.5), json!(0.75)];
    assert_eq!(column(&runs, "objective"), objective);
    assert_eq!(column(&runs, "objective_name")[4], "gap_closed");
    assert_eq!(column(&runs, "env_steps")[4], 1u64 << 53);
    let kinds = [Value::Null, Value::Null, Value::Null, json!("witness"), json!("witness")];
    assert_eq!(column(&runs, "reward.kind"), kinds);
    assert_eq!(column(&runs, "config.name")[2], "other");
    assert_eq!(column(&runs, "name")[2], "강화");
    assert_eq!(column(&runs, "message")[0], "no data");
    assert_eq!(column(&calibrators, "calibrator")[..2], ["ppo", "scaling"]);
    assert_eq!(column(&calibrators, "gap_closed_high")[0], 0.5);
    assert_eq!(column(&metrics, "feature")[..2], ["gap", "거래 금액"]);
    assert_eq!(column(&metrics, "excess")[..2], [0.1875, 0.4375]);
    assert_eq!(column(&metrics, "gap_closed")[0], 0.1 + 0.2);
    assert_eq!(
        (&column(&metrics, "p")[0], &column(&metrics, "q")[0]),
        (&json!(1e-300), &Value::Null)
    );
    assert_eq!(column(&metrics, "optimised")[0], true);
    assert_eq!(column(&metrics, "verdict").len(), 12);
    assert_eq!(column(&curves, "value")[..4], [1.0, 100.0, 0.5, 100.0]);
    assert_eq!(column(&curves, "iteration")[..4], [1, 1, 2, 2]);
    let one = tables::write_run(&root.path().join("runs/b2/9")).unwrap();
    let one = read(&one.join("runs.parquet"));
    assert_eq!(column(&one, "trial"), ["b2"]);
    assert_eq!(column(&one, "reward.kind"), ["witness"]);
}

/// What the sweep says of a run goes before what the run says of itself, and CSV holds the same rows.
#[test]
fn state_and_objective_are_those_of_the_summary_of_the_sweep() {
    let root = tempfile::tempdir().unwrap();
    sweep(root.path());
    // A run that is done and cannot be read, one whose process died, one that was stopped for good.
    let seed = |trial: &str, seed: u64| root.path().join(format!("runs/{trial}/{seed}"));
    RunDirectory::create_at(&seed("c3", 9)).unwrap().finish(State::Done, None).unwrap();
    failures::record(root.path(), &RunId { trial: "c3".into(), seed: 10 }, "no memory").unwrap();
    let pruned = RunDirectory::create_at(&seed("c3", 3)).unwrap();
    pruned.write("pruned.txt", b"others did better").unwrap();
    pruned.finish(State::Interrupted, None).unwrap();
    let records = tables::records(root.path()).unwrap();
    let states: Vec<_> = records.iter().map(|r| r.state.as_str()).collect();
    let wanted = ["failed", "waiting", "done", "done", "done", "pruned", "unreadable", "failed"];
    assert_eq!(states, wanted);
    assert_eq!(records[5].message.as_deref(), Some("others did better"));
    assert_eq!(records[7].message.as_deref(), Some("no memory"));
    assert!(records[6].message.as_ref().is_some_and(|why| why.contains("summary.json")));
    std::fs::remove_dir_all(seed("c3", 9)).unwrap();
    let records = tables::records(root.path()).unwrap();
    for trial in SweepSummary::read(root.path()).unwrap().trials {
        for run in trial.runs {
            let own =
                |r: &&RunRecord| r.trial.as_ref() == Some(&trial.trial) && r.seed == Some(run.seed);
            let Some(record) = records.iter().find(own) else {
                assert_eq!(run.state, "waiting");
                continue;
            };
            assert_eq!((&record.state, record.objective), (&run.state, run.objective));
        }
    }
    tables::write(&records, root.path(), Format::Csv).unwrap();
    let text = fs::read_to_string(root.path().join("runs.csv")).unwrap();
    assert_eq!(text.lines().count(), 1 + records.len());
    assert!(
        text.lines().any(|line| line.contains(",강화,") && line.ends_with(",other,")),
        "{text}"
    );
}

#[test]
fn the_same_runs_give_the_same_bytes() {
    let roots = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let written = roots.each_ref().map(|root| {
        sweep(root.path());
        let read = |folder: std::path::PathBuf| {
            FILES.map(|name| fs::read(folder.join(format!("{name}.parquet"))).unwrap())
        };
        let first = read(tables::write_sweep(root.path()).unwrap());
        assert!(first == read(tables::write_sweep(root.path()).unwrap()));
        first
    });
    // The message of the unreadable run names its folder; it is the one difference there may be.
    assert!(written[0][..3] == written[1][..3]);
}

#[test]
fn a_folder_without_a_plan_is_named() {
    let root = tempfile::tempdir().unwrap();
    let error = tables::write_sweep(root.path()).unwrap_err().to_string();
    assert!(error.contains("plan.jsonl"), "{error}");
    assert!(tables::write_run(root.path()).is_err());
}

/// More rows than a row group holds, and columns that are null throughout.
#[test]
fn long_tables_have_several_groups() {
    use tables::{Cell, Kind, Sink, TableWriter};
    let columns = [("place", Kind::Count), ("nothing", Kind::Text), ("half", Kind::Real)];
    let columns = columns.map(|(name, kind)| (name.to_owned(), kind));
    let mut table = Box::new(TableWriter::new(&columns).unwrap());
    for place in 0..150_001u64 {
        let half = (place % 2 == 0).then_some(place as f64 / 2.0);
        table.row(&[Cell::Count(place), Cell::Null, half.into()]).unwrap();
    }
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("long.parquet");
    fs::write(&path, table.finish().unwrap()).unwrap();
    let table = read(&path);
    let places = column(&table, "place");
    assert!(places.len() == 150_001 && places.iter().zip(0u64..).all(|(p, wanted)| *p == wanted));
    assert_eq!(column(&table, "half")[149_998..], [json!(74_999.0), Value::Null, json!(75_000.0)]);
    assert!(column(&table, "nothing").iter().all(Value::is_null));
}

#[test]
fn pandas_polars_and_duckdb_read_the_same() {
    let root = tempfile::tempdir().unwrap();
    sweep(root.path());
    let folder = tables::write_sweep(root.path()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/read_tables.py");
    let Ok(out) = Command::new("python3").arg(script).arg(&folder).output() else {
        println!("skipped: no python3");
        return;
    };
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let answer: Value = serde_json::from_slice(&out.stdout).unwrap();
    for (reader, tables) in answer.as_object().unwrap() {
        println!("read by {reader}");
        for name in FILES {
            let ours = read(&folder.join(format!("{name}.parquet")));
            assert_eq!(tables[name], ours, "{name} by {reader}");
        }
    }
}
